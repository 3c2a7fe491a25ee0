//! `test`: runs every test and check.

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{build, check, console, oracle, package, packaging, process, steps, vectors};

const FACES: &str = "native,component,node,browser";

/// Runs `cargo xtask test`.
pub fn run(workspace: &Workspace) -> Result<()> {
    steps::run(
        "test",
        &[
            ("build the components", &|| build::components(workspace)),
            ("build the npm package", &|| package::build(workspace).map(drop)),
            // xtask is tested on its own: in one build with the hosts, the features of its dependencies would make
            // cargo compile wasmtime once more.
            ("cargo test", &|| process::run(&mut workspace.cargo(["test", "--workspace", "--exclude", "xtask"]))),
            ("cargo test of xtask", &|| process::run(&mut workspace.cargo(["test", "--package", "xtask"]))),
            ("vectors, every face", &|| vectors::run_built(workspace, &["--face", FACES])),
            ("the real Nova as an oracle", &|| {
                oracle::run_built(workspace, &oracle::Options { count: 100, seed: None, face: FACES.into() })
            }),
            ("the installed npm package", &|| packaging::run_built(workspace)),
            ("the admin console", &|| console::test_built(workspace)),
            ("check", &|| check::run_built(workspace)),
        ],
    )
}
