//! `vectors`: the golden vectors of real Nova, through the runner in `tests/conformance`.

use std::ffi::OsStr;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{build, sh};

/// `cargo xtask vectors`.
pub fn verb(workspace: &Workspace, options: &[impl AsRef<OsStr>]) -> Result<()> {
    build::component(workspace)?;
    run(workspace, options)
}

/// The runner alone, the components being built. It runs in the caller's directory, which a relative `--dir` counts from.
pub fn run(workspace: &Workspace, options: &[impl AsRef<OsStr>]) -> Result<()> {
    let mut command = workspace.cargo_here();
    command.args(["run", "--quiet", "--manifest-path"]).arg(workspace.root.join("Cargo.toml"));
    command.args(["--package", "conformance", "--bin", "vectors", "--"]);
    sh::run(command.args(options))
}
