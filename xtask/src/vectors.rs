//! `vectors`: the golden vectors of real Nova, through the runner in `tests/conformance`.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{build, sh};

/// `cargo xtask vectors`.
pub fn verb(workspace: &Workspace, options: &[impl AsRef<OsStr>]) -> Result<()> {
    build::component(workspace)?;
    run(workspace, options)
}

/// The runner alone, the components being built. It runs in the caller's directory, which a relative `--dir` counts
/// from.
pub fn run(workspace: &Workspace, options: &[impl AsRef<OsStr>]) -> Result<()> {
    // With the features of all packages, as the tests build it: by itself it would have wasmtime compiled once more.
    let packages = ["build", "--quiet", "--workspace", "--exclude", "xtask", "--bin", "vectors"];
    sh::run(&mut workspace.cargo(packages))?;
    let runner = workspace.target.join("debug").join(format!("vectors{}", std::env::consts::EXE_SUFFIX));
    let component = workspace.component_dir().join("nova-compute-utils.wasm");
    sh::run(Command::new(runner).env("NOVA_COMPUTE_UTILS_COMPONENT", component).args(options))
}
