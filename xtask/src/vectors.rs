//! `vectors`: the golden vectors of real Nova, through the runner in `tests/conformance`.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{build, package, setup, sh};

/// `cargo xtask vectors`.
pub fn verb(workspace: &Workspace, options: &[impl AsRef<OsStr>]) -> Result<()> {
    build::component(workspace)?;
    if is_for_javascript(options) {
        package::build(workspace)?;
    }
    run(workspace, options)
}

/// Is one of the faces that are asked for the npm package?
fn is_for_javascript(options: &[impl AsRef<OsStr>]) -> bool {
    let mut words = options.iter().flat_map(|option| {
        let option = option.as_ref().to_string_lossy().into_owned();
        option.split(['=', ',']).map(str::to_owned).collect::<Vec<_>>()
    });
    words.any(|word| word == "node" || word == "browser")
}

/// The runner alone, the components and the npm package being built. It runs in the caller's directory, which a relative `--dir` counts
/// from.
pub fn run(workspace: &Workspace, options: &[impl AsRef<OsStr>]) -> Result<()> {
    // With the features of all packages, as the tests build it: by itself it would have wasmtime compiled once more.
    let packages = ["build", "--quiet", "--workspace", "--exclude", "xtask", "--bin", "vectors"];
    sh::run(&mut workspace.cargo(packages))?;
    let runner = workspace.target.join("debug").join(format!("vectors{}", std::env::consts::EXE_SUFFIX));
    let component = workspace.component_dir().join("nova-compute-utils.wasm");
    let mut command = Command::new(runner);
    command.env("NOVA_COMPUTE_UTILS_COMPONENT", component);
    if is_for_javascript(options) {
        command.env("NOVA_COMPUTE_UTILS_TARBALL", package::tarball(workspace)).env("CHROMIUM", setup::chromium()?);
    }
    sh::run(command.args(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_built_for_whom_it_is() {
        assert!(is_for_javascript(&["--face", "native,node"]));
        assert!(is_for_javascript(&["--face=browser"]));
        assert!(!is_for_javascript(&["--face", "native,component", "--json"]));
        assert!(!is_for_javascript(&[""; 0]));
    }
}
