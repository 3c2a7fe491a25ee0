//! `build`: the components, from `wasm32-unknown-unknown`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use wit_component::ComponentEncoder;

use crate::setup::{self, WASM};
use crate::sh;
use crate::workspace::Workspace;

/// One component: the library built for one world of `wit/`.
pub struct Component {
    /// The world, which is also what the component is told apart by.
    pub world: &'static str,
    /// The feature of the library that makes it.
    feature: &'static str,
    file: &'static str,
}

const PURE: Component = Component { world: "pure", feature: "component-pure", file: "nova-compute-utils-pure.wasm" };

/// The one that hosts load.
const MAIN: Component = Component { world: "compute-utils", feature: "component", file: "nova-compute-utils.wasm" };

/// All of them. The main one comes last, so that it is the one that cargo need not build again when it alone is
/// wanted next.
pub const COMPONENTS: [Component; 2] = [PURE, MAIN];

/// `cargo xtask build`.
pub fn verb(workspace: &Workspace, debug: bool) -> Result<()> {
    build(workspace, if debug { "dev" } else { "component" })?;
    for component in &COMPONENTS {
        let path = component.path(workspace);
        let size = fs::metadata(&path).with_context(|| format!("cannot read `{}`", path.display()))?.len();
        println!("{} ({size} bytes, world {})", Workspace::shown(&path), component.world);
    }
    Ok(())
}

/// The components as they are shipped, for the verbs that look at all of them.
pub fn components(workspace: &Workspace) -> Result<()> {
    build(workspace, "component")
}

/// The main component as it is shipped, for the verbs that load it.
pub fn component(workspace: &Workspace) -> Result<()> {
    setup::wasm_target(workspace)?;
    MAIN.build(workspace, "component")
}

/// Put a copy of the component where the command beside it looks for it.
pub fn place_beside(workspace: &Workspace, directory: &Path) -> Result<()> {
    let from = MAIN.path(workspace);
    let bytes = fs::read(&from).with_context(|| format!("cannot read `{}`", from.display()))?;
    write_if_changed(&directory.join(MAIN.file), &bytes)
}

fn build(workspace: &Workspace, profile: &str) -> Result<()> {
    setup::wasm_target(workspace)?;
    COMPONENTS.iter().try_for_each(|component| component.build(workspace, profile))
}

impl Component {
    /// Where it lies when it is built.
    pub fn path(&self, workspace: &Workspace) -> PathBuf {
        workspace.component_dir().join(self.file)
    }

    /// All in one directory, so that what they depend on is compiled once. Cargo gives their modules the same file
    /// name there and builds anew when the last one was another's: each is wrapped before the next one takes its
    /// place.
    fn build(&self, workspace: &Workspace, profile: &str) -> Result<()> {
        sh::run(&mut self.compile(workspace, profile))?;
        self.wrap(workspace, profile)
    }

    fn compile(&self, workspace: &Workspace, profile: &str) -> Command {
        let mut command = workspace.cargo(["rustc", "--lib", "--package", "nova-compute-utils"]);
        command.args(["--crate-type", "cdylib", "--target", WASM, "--features", self.feature, "--profile", profile]);
        command.arg("--target-dir").arg(target(workspace));
        command
    }

    /// The core module that `compile` has made, as a component.
    fn wrap(&self, workspace: &Workspace, profile: &str) -> Result<()> {
        // Cargo's one exception to "the directory is named like the profile".
        let directory = if profile == "dev" { "debug" } else { profile };
        let module = target(workspace).join(WASM).join(directory).join("nova_compute_utils.wasm");
        let bytes = fs::read(&module).with_context(|| format!("cannot read `{}`", module.display()))?;
        let bytes = encode(&bytes).with_context(|| format!("cannot make a component of `{}`", module.display()))?;
        write_if_changed(&self.path(workspace), &bytes)
    }
}

/// Not cargo's own directory, where the host parts of the profile `component` would mingle with the finished
/// components.
fn target(workspace: &Workspace) -> PathBuf {
    workspace.target.join("component-build")
}

fn encode(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().validate(true).module(module)?.encode()
}

/// Same bytes, same time of change: what is cached by either stays warm.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot create `{}`", parent.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(encode(b"not wasm at all").is_err());
    }
}
