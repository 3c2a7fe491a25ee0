//! `build`: the components, from `wasm32-unknown-unknown`, and the command that carries the main one inside.

use std::path::PathBuf;

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

/// The command that carries [`MAIN_COMPONENT`] inside.
pub const COMMAND: &str = "nova-usage-audit";

/// Runs `cargo xtask build`.
pub fn run(workspace: &Workspace, debug: bool, release: bool) -> Result<()> {
    build(workspace, if debug { "dev" } else { "component" })?;
    for component in &COMPONENTS {
        let path = component.path(workspace);
        let size = files::read(&path)?.len();
        println!("{} ({size} bytes, world {})", Workspace::relative(&path), component.world);
    }
    let command = workspace.build_program(COMMAND, release)?;
    println!("{} (the command, with {} inside)", Workspace::relative(&command), MAIN_COMPONENT.file);
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
