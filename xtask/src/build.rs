//! `build`: the components, from `wasm32-unknown-unknown`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wit_component::ComponentEncoder;

use crate::setup::{self, WASM};
use crate::workspace::Workspace;
use crate::{files, process};

/// A component: the library built for one world of `wit/`.
pub struct Component {
    /// The world that the component implements.
    pub world: &'static str,
    /// The library's feature that selects the world.
    feature: &'static str,
    file: &'static str,
}

/// The component that hosts load.
pub const MAIN_COMPONENT: Component =
    Component { world: "compute-utils", feature: "component", file: "nova-compute-utils.wasm" };

/// The components. The main one comes last, so that cargo need not rebuild it for a subcommand that needs no other.
pub const COMPONENTS: [Component; 2] =
    [Component { world: "pure", feature: "component-pure", file: "nova-compute-utils-pure.wasm" }, MAIN_COMPONENT];

/// Runs `cargo xtask build`.
pub fn run(workspace: &Workspace, debug: bool) -> Result<()> {
    build(workspace, if debug { "dev" } else { "component" })?;
    for component in &COMPONENTS {
        let path = component.path(workspace);
        let size = files::read(&path)?.len();
        println!("{} ({size} bytes, world {})", Workspace::relative(&path), component.world);
    }
    Ok(())
}

/// Builds all components in the profile that is shipped.
pub fn components(workspace: &Workspace) -> Result<()> {
    build(workspace, "component")
}

/// Builds the main component in the profile that is shipped.
pub fn main_component(workspace: &Workspace) -> Result<()> {
    setup::wasm_target(workspace)?;
    MAIN_COMPONENT.build(workspace, "component")
}

/// Copies the main component into the directory of `nova-usage-audit`, which looks for it there.
pub fn copy_main_component(workspace: &Workspace, directory: &Path) -> Result<()> {
    files::write(&directory.join(MAIN_COMPONENT.file), files::read(&MAIN_COMPONENT.path(workspace))?)
}

fn build(workspace: &Workspace, profile: &str) -> Result<()> {
    setup::wasm_target(workspace)?;
    COMPONENTS.iter().try_for_each(|component| component.build(workspace, profile))
}

impl Component {
    /// Returns the path of the built component.
    pub fn path(&self, workspace: &Workspace) -> PathBuf {
        workspace.target.join("component").join(self.file)
    }

    /// Compiles the library to a core module and wraps it as a component.
    ///
    /// All components share one target directory, so that dependencies are compiled once. Cargo gives all core modules
    /// the same file name there, so each is wrapped before the next is compiled. The workspace's own target directory
    /// is unsuitable, because its folder `component` holds the finished components.
    fn build(&self, workspace: &Workspace, profile: &str) -> Result<()> {
        let target = workspace.target.join("component-build");
        let mut command =
            workspace.cargo(["rustc", "--lib", "--package", "nova-compute-utils", "--crate-type", "cdylib"]);
        command.args(["--target", WASM, "--features", self.feature, "--profile", profile]);
        process::run(command.arg("--target-dir").arg(&target))?;
        // Cargo names the directory after the profile; only that of `dev` is `debug`.
        let directory = if profile == "dev" { "debug" } else { profile };
        let module = target.join(WASM).join(directory).join("nova_compute_utils.wasm");
        let component = encode(&files::read(&module)?)
            .with_context(|| format!("cannot make a component of `{}`", module.display()))?;
        files::write(&self.path(workspace), component)
    }
}

fn encode(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().validate(true).module(module)?.encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_bytes_that_are_not_a_module() {
        assert!(encode(b"not wasm at all").is_err());
    }
}
