//! `check`: the rules of the repository that a program can check.

use std::env;

use anyhow::{Result, bail};

use crate::setup::WASM;
use crate::workspace::Workspace;
use crate::{build, dependencies, package, process, setup, steps, wit_docs, worlds};

/// Runs `cargo xtask check`.
pub fn run(workspace: &Workspace) -> Result<()> {
    build::components(workspace)?;
    package::build(workspace)?;
    run_built(workspace)
}

/// Runs all checks, the quick ones first, on the built components and npm package.
pub fn run_built(workspace: &Workspace) -> Result<()> {
    setup::lint_tools(workspace)?;
    steps::run(
        "check",
        &[
            ("format", &|| format(workspace)),
            ("documentation of wit/", &|| {
                let (resolve, package) = wit_docs::load(&workspace.root.join("wit"))?;
                report(&wit_docs::check(&resolve, package))
            }),
            ("imports and exports of the components", &|| worlds::check(workspace)),
            ("size of the npm package", &|| package::check_sizes(workspace)),
            ("npm package, publint", &|| package::publint(workspace)),
            ("npm package, attw", &|| package::attw(workspace)),
            ("dependencies of each face", &|| dependencies::check_faces(workspace)),
            ("licences, sources and duplicates of the dependencies", &|| dependencies::deny(workspace)),
            // xtask is linted on its own for the same reason that `test` tests it on its own.
            ("clippy", &|| clippy(workspace, &["--workspace", "--exclude", "xtask", "--all-targets"])),
            ("clippy of xtask", &|| clippy(workspace, &["--package", "xtask", "--all-targets"])),
            ("clippy of the library as it is shipped", &|| clippy_library(workspace)),
            // Two runs: the first, for users, reports links from public to private items; the second, for maintainers,
            // permits them.
            ("docs", &|| docs(workspace, &["--package", "nova-compute-utils", "--features", "testing"])),
            ("docs, private items", &|| {
                docs(workspace, &["--workspace", "--exclude", "xtask", "--document-private-items"])
            }),
        ],
    )
}

fn format(workspace: &Workspace) -> Result<()> {
    process::run(&mut workspace.cargo(["fmt", "--all", "--", "--check"]))?;
    // The fuzz targets are a workspace of their own.
    process::run(&mut workspace.cargo(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--", "--check"]))
}

fn clippy(workspace: &Workspace, options: &[&str]) -> Result<()> {
    process::run(workspace.cargo(["clippy"]).args(options).args(["--", "-D", "warnings"]))
}

/// Lints the library for each way to build it. `src/lib.rs` forbids I/O, clocks and panics by `no_std` and by lints
/// that hold only without the feature `testing`, which every build of the tests turns on.
fn clippy_library(workspace: &Workspace) -> Result<()> {
    let library =
        |options: &[&str]| clippy(workspace, &[&["--package", "nova-compute-utils", "--lib"], options].concat());
    library(&[])?;
    library(&["--all-features"])?;
    dependencies::FACES.iter().try_for_each(|face| library(&["--target", WASM, "--features", face.features]))
}

fn docs(workspace: &Workspace, options: &[&str]) -> Result<()> {
    let flags = env::var("RUSTDOCFLAGS").unwrap_or_default() + " -D warnings";
    let mut command = workspace.cargo(["doc", "--no-deps"]);
    process::run(command.args(options).env("RUSTDOCFLAGS", flags.trim()))
}

fn report(violations: &[String]) -> Result<()> {
    for violation in violations {
        eprintln!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        count => bail!("{count} violations, listed above"),
    }
}
