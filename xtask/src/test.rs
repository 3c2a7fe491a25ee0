//! `test`: every test there is.

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{build, check, oracle, package, packaging, sh, steps, vectors};

/// `cargo xtask test`.
pub fn verb(workspace: &Workspace) -> Result<()> {
    steps::run(
        "test",
        &[
            // First, because the tests of the hosts load the component.
            ("build the components", &|| build::components(workspace)),
            // Apart from xtask, whose dependencies would have wasmtime compiled once more with features that nothing
            // else asks for.
            ("cargo test", &|| sh::run(&mut workspace.cargo(["test", "--workspace", "--exclude", "xtask"]))),
            ("cargo test of xtask", &|| sh::run(&mut workspace.cargo(["test", "--package", "xtask"]))),
            ("vectors, every face", &|| vectors::run(workspace, &["--face", "native,component"])),
            ("the real Nova as an oracle", &|| {
                oracle::run(workspace, &oracle::Options { count: 100, seed: None, face: "native,component".into() })
            }),
            ("the npm package where it is used", &|| packaging::run(workspace, &package::build(workspace)?)),
            // It looks at what the step before has packed.
            ("check", &|| check::all(workspace)),
        ],
    )
}
