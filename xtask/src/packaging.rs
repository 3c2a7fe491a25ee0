//! `packaging`: the tests of the packed npm package, installed as its users install it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::workspace::Workspace;
use crate::{files, package, process, setup};

/// The folders of `tests/js` that contain tests.
const FOLDERS: [&str; 2] = ["behaviour", "packaging"];

/// Runs `cargo xtask packaging`.
pub fn run(workspace: &Workspace) -> Result<()> {
    package::build(workspace)?;
    run_built(workspace)
}

/// Runs the tests on the packed package.
pub fn run_built(workspace: &Workspace) -> Result<()> {
    let chromium = setup::chromium()?;
    let mut command = Command::new("node");
    // Some versions of Node choose a format for machines when there is no terminal.
    command.args(["--test", "--test-reporter=spec"]);
    for folder in FOLDERS {
        command.args(tests(&setup::npm_directory(workspace).join(folder))?);
    }
    process::run(command.env("NOVA_COMPUTE_UTILS_TARBALL", package::tarball(workspace)).env("CHROMIUM", chromium))
}

/// Returns the test files of a folder. `node --test` would accept a folder without tests.
fn tests(folder: &Path) -> Result<Vec<PathBuf>> {
    let tests = files::list(folder, ".test.js")?;
    ensure!(!tests.is_empty(), "no tests in `{}`", folder.display());
    Ok(tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_tests_is_an_error() {
        assert!(tests(Path::new(env!("CARGO_MANIFEST_DIR"))).is_err());
    }
}
