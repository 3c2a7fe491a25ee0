//! `packaging`: the packed npm package, installed, used in every way that it promises, and put to the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;
use crate::{package, setup, sh};

/// `cargo xtask packaging`.
pub fn verb(workspace: &Workspace) -> Result<()> {
    package::build(workspace)?;
    run(workspace)
}

/// The tests alone, the package being packed.
pub fn run(workspace: &Workspace) -> Result<()> {
    let chromium = setup::chromium()?;
    let tests = all_tests(&setup::npm_directory(workspace))?;
    let mut command = Command::new("node");
    // Without a terminal, some Nodes report in a form for machines.
    command.args(["--test", "--test-reporter=spec"]).args(tests);
    sh::run(command.env("NOVA_COMPUTE_UTILS_TARBALL", package::tarball(workspace)).env("CHROMIUM", chromium))
}

/// The folders that have tests. What lies in `node_modules` and `support` is none of ours, or no test.
const FOLDERS: [&str; 2] = ["behaviour", "packaging"];

fn all_tests(directory: &Path) -> Result<Vec<PathBuf>> {
    FOLDERS.iter().map(|folder| tests(&directory.join(folder))).collect::<Result<Vec<_>>>().map(|found| found.concat())
}

/// Named one by one: `node --test` is content with a directory that has none.
fn tests(directory: &Path) -> Result<Vec<PathBuf>> {
    let cannot = || format!("cannot read `{}`", directory.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if path.to_string_lossy().ends_with(".test.js") {
            found.push(path);
        }
    }
    ensure!(!found.is_empty(), "no tests in `{}`", directory.display());
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_without_tests_is_an_error() {
        assert!(tests(Path::new(env!("CARGO_MANIFEST_DIR"))).is_err());
    }
}
