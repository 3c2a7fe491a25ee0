//! `test`: every test there is.

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{build, check, oracle, package, packaging, sh, steps, vectors};

/// Every face that there is.
const FACES: &str = "native,component,node,browser";

/// `cargo xtask test`.
pub fn verb(workspace: &Workspace) -> Result<()> {
    steps::run(
        "test",
        &[
            // First, because the tests of the hosts load the component.
            ("build the components", &|| build::components(workspace)),
            ("build the npm package", &|| package::build(workspace).map(drop)),
            // Apart from xtask, whose dependencies would have wasmtime compiled once more with features that nothing
            // else asks for.
            ("cargo test", &|| sh::run(&mut workspace.cargo(["test", "--workspace", "--exclude", "xtask"]))),
            ("cargo test of xtask", &|| sh::run(&mut workspace.cargo(["test", "--package", "xtask"]))),
            ("vectors, every face", &|| vectors::run(workspace, &["--face", FACES])),
            ("the real Nova as an oracle", &|| {
                oracle::run(workspace, &oracle::Options { count: 100, seed: None, face: FACES.into() })
            }),
            ("the npm package where it is used", &|| packaging::run(workspace)),
            ("check", &|| check::all(workspace)),
        ],
    )
}
