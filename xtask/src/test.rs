//! `test`: every test there is.

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{build, check, sh, steps, vectors};

/// `cargo xtask test`.
pub fn verb(workspace: &Workspace) -> Result<()> {
    steps::run(
        "test",
        &[
            // First, because the tests of the hosts load the component.
            ("build the components", &|| build::components(workspace)),
            ("cargo test --workspace", &|| sh::run(&mut workspace.cargo(["test", "--workspace"]))),
            ("vectors, every face", &|| vectors::run(workspace, &["--face", "native,component"])),
            ("check", &|| check::all(workspace)),
        ],
    )
}
