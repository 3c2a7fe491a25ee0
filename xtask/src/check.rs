//! `check`: what a reviewer should not have to look for.

use std::env;
use std::process::Command;

use anyhow::{Result, bail};

use crate::setup::WASM;
use crate::workspace::Workspace;
use crate::{build, faces, package, purity, setup, sh, steps, trees, wit_docs};

/// `cargo xtask check`.
pub fn verb(workspace: &Workspace) -> Result<()> {
    build::components(workspace)?;
    package::build(workspace)?;
    all(workspace)
}

/// All checks, the components and the npm package being built. The quick ones first.
pub fn all(workspace: &Workspace) -> Result<()> {
    setup::lint_tools(workspace)?;
    let library = |feature| {
        let mut command = workspace.cargo(["clippy", "--package", "nova-compute-utils", "--lib", "--target", WASM]);
        sh::run(command.args(["--features", feature, "--", "-D", "warnings"]))
    };
    steps::run(
        "check",
        &[
            ("format", &|| sh::run(&mut workspace.cargo(["fmt", "--all", "--", "--check"]))),
            ("src/ is pure", &|| report(&purity::check(&workspace.root)?)),
            ("wit/ is documented", &|| {
                let (resolve, package) = wit_docs::load(&workspace.root.join("wit"))?;
                report(&wit_docs::check(&resolve, package))
            }),
            ("imports and exports of the components", &|| faces::check(workspace)),
            ("size of the npm package", &|| package::check_sizes(workspace)),
            ("npm package, publint", &|| package::publint(workspace)),
            ("npm package, attw", &|| package::attw(workspace)),
            ("what each face is made of", &|| trees::check(workspace)),
            // xtask apart, as in `test`.
            ("clippy", &|| clippy(workspace, &["--workspace", "--exclude", "xtask"])),
            ("clippy of xtask", &|| clippy(workspace, &["--package", "xtask"])),
            ("clippy, feature component", &|| library("component")),
            ("clippy, feature component-pure", &|| library("component-pure")),
            ("clippy, feature js", &|| library("js")),
            // Twice, because a link from public to private docs is only wrong where the private ones aren't shown.
            ("docs", &|| docs(workspace.cargo(["doc", "--no-deps", "--package", "nova-compute-utils"]))),
            ("docs, private items", &|| {
                docs(workspace.cargo([
                    "doc",
                    "--no-deps",
                    "--workspace",
                    "--exclude",
                    "xtask",
                    "--document-private-items",
                ]))
            }),
        ],
    )
}

fn clippy(workspace: &Workspace, packages: &[&str]) -> Result<()> {
    let mut command = workspace.cargo(["clippy"]);
    sh::run(command.args(packages).args(["--all-targets", "--", "-D", "warnings"]))
}

fn docs(mut command: Command) -> Result<()> {
    let mut flags = env::var("RUSTDOCFLAGS").unwrap_or_default();
    flags.push_str(" -D warnings");
    sh::run(command.env("RUSTDOCFLAGS", flags.trim()))
}

fn report(found: &[String]) -> Result<()> {
    for line in found {
        eprintln!("{line}");
    }
    match found.len() {
        0 => Ok(()),
        n => bail!("{n} to mend, listed above"),
    }
}
