//! `vectors`: runs Nova's golden vectors with the runner in `tests/conformance`.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::Result;

use crate::build::{self, MAIN_COMPONENT};
use crate::workspace::Workspace;
use crate::{package, process, setup};

/// Runs `cargo xtask vectors`.
pub fn run(workspace: &Workspace, options: &[impl AsRef<OsStr>]) -> Result<()> {
    build::main_component(workspace)?;
    if needs_npm_package(options) {
        package::build(workspace)?;
    }
    run_built(workspace, options)
}

/// Returns whether the options choose a face of the npm package.
fn needs_npm_package(options: &[impl AsRef<OsStr>]) -> bool {
    options.iter().any(|option| {
        option.as_ref().to_string_lossy().split(['=', ',']).any(|word| word == "node" || word == "browser")
    })
}

/// Starts the runner with the built component and npm package. It runs in the caller's directory, to which a relative
/// `--dir` refers.
pub fn run_built(workspace: &Workspace, options: &[impl AsRef<OsStr>]) -> Result<()> {
    let mut command = Command::new(workspace.build_program("vectors", false)?);
    command.env("NOVA_COMPUTE_UTILS_COMPONENT", MAIN_COMPONENT.path(workspace));
    if needs_npm_package(options) {
        command.env("NOVA_COMPUTE_UTILS_TARBALL", package::tarball(workspace)).env("CHROMIUM", setup::chromium()?);
    }
    process::run(command.args(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_javascript_faces_need_the_npm_package() {
        assert!(needs_npm_package(&["--face", "native,node"]));
        assert!(needs_npm_package(&["--face=browser"]));
        assert!(!needs_npm_package(&["--face", "native,component", "--json"]));
        assert!(!needs_npm_package(&[""; 0]));
    }
}
