//! `package`: the npm package, assembled in `pkg/` and packed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::workspace::Workspace;
use crate::{files, js, process, setup};

/// The hosts in the package; each is a folder of `hosts/` with an `index.ts`.
const HOSTS: [&str; 3] = ["memory", "browser", "sql"];

/// The hand-written files of the package that are not JavaScript.
const FILES: [&str; 3] = ["index.d.ts", "wasm.d.ts", "README.md"];

/// The largest sizes that the module may have. Lower them when the module gets smaller.
const BUDGET: Sizes = Sizes { raw: 502_000, gzip: 218_000, brotli: 180_000 };

/// The sizes of the module in bytes, raw and compressed.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Sizes {
    raw: u64,
    gzip: u64,
    brotli: u64,
}

/// Runs `cargo xtask package`.
pub fn run(workspace: &Workspace) -> Result<()> {
    let tarball = build(workspace)?;
    println!("{} ({}: {})", Workspace::relative(&tarball), js::MODULE, sizes(workspace)?);
    Ok(())
}

/// Builds the JS face and the hosts, assembles the package, packs it, and returns the tarball.
pub fn build(workspace: &Workspace) -> Result<PathBuf> {
    setup::npm_packages(workspace)?;
    let generated = js::build(workspace)?;
    assemble(workspace, &generated)?;
    compile_hosts(workspace)?;
    pack(workspace)
}

/// Checks that the built module stays within its budget.
pub fn check_sizes(workspace: &Workspace) -> Result<()> {
    let sizes = sizes(workspace)?;
    eprintln!("{}: {sizes}", js::MODULE);
    sizes.check(BUDGET)
}

/// Checks the packed package for errors that Node and bundlers would meet; a warning is a failure.
pub fn publint(workspace: &Workspace) -> Result<()> {
    process::run(setup::npm_program(workspace, "publint").arg("run").arg(tarball(workspace)).arg("--strict"))
}

/// Checks that TypeScript finds the types of the packed package in every mode of module resolution that supports ES
/// modules.
pub fn attw(workspace: &Workspace) -> Result<()> {
    process::run(setup::npm_program(workspace, "attw").arg(tarball(workspace)).args(["--profile", "esm-only"]))
}

impl Sizes {
    fn check(self, budget: Self) -> Result<()> {
        let kinds =
            [("raw", self.raw, budget.raw), ("gzip", self.gzip, budget.gzip), ("brotli", self.brotli, budget.brotli)];
        for (kind, size, maximum) in kinds {
            ensure!(size > 0, "the module is empty ({kind})");
            ensure!(size <= maximum, "the module has {size} bytes ({kind}), more than its budget of {maximum}");
        }
        Ok(())
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes, gzip {}, brotli {}", self.raw, self.gzip, self.brotli)
    }
}

/// Returns the module's sizes. Node computes them, because it has both compressors.
fn sizes(workspace: &Workspace) -> Result<Sizes> {
    let mut command = Command::new("node");
    command.arg(workspace.root.join("tests/js/sizes.js")).arg(package_dir(workspace).join(js::MODULE));
    serde_json::from_str(&process::output(&mut command)?).context("cannot parse the output of `sizes.js`")
}

/// Returns the directory of the assembled package.
fn package_dir(workspace: &Workspace) -> PathBuf {
    workspace.root.join("pkg")
}

/// Assembles everything but the hosts.
fn assemble(workspace: &Workspace, generated: &Path) -> Result<()> {
    let package = package_dir(workspace);
    files::empty_directory(&package)?;
    let source = js::source_dir(workspace);
    let mut parts = files::list(&source, ".js")?;
    parts.extend(js::FILES.map(|file| generated.join(file)));
    parts.extend(FILES.map(|file| source.join(file)));
    parts.push(workspace.root.join("LICENSE"));
    parts.iter().try_for_each(|part| files::copy(part, &package))?;
    let manifest = with_version(files::read_json(&workspace.root.join("pkg.json"))?)?;
    files::write(&package.join("package.json"), manifest)
}

/// Returns the manifest with the version of the workspace, which xtask shares.
fn with_version(mut manifest: Value) -> Result<String> {
    let version = manifest.get_mut("version").context("`pkg.json` has no `version`")?;
    *version = env!("CARGO_PKG_VERSION").into();
    Ok(format!("{manifest:#}\n"))
}

/// Compiles the hosts. They import the package by its name, which the compiler resolves to the assembled package.
fn compile_hosts(workspace: &Workspace) -> Result<()> {
    let hosts = workspace.root.join("hosts");
    let package = package_dir(workspace);
    let modules = setup::npm_directory(workspace).join("node_modules");
    let config = json!({
        "extends": hosts.join("tsconfig.json"),
        "compilerOptions": {
            "rootDir": hosts,
            "outDir": package.join("hosts"),
            "noEmit": false,
            "paths": {
                "nova-compute-utils": [package.join("index.d.ts")],
                "idb": [modules.join("idb")],
            },
        },
        "include": [],
        "files": HOSTS.map(|host| hosts.join(host).join("index.ts")),
    });
    let path = workspace.target.join("js-build/hosts.json");
    files::write(&path, format!("{config:#}\n"))?;
    process::run(setup::npm_program(workspace, "tsc").arg("--project").arg(path))?;
    for host in HOSTS {
        let index = package.join("hosts").join(host).join("index.js");
        ensure!(index.exists(), "tsc did not write `{}`", index.display());
    }
    Ok(())
}

/// Packs the package into a directory that contains only this tarball.
fn pack(workspace: &Workspace) -> Result<PathBuf> {
    let tarball = tarball(workspace);
    let directory = tarball.parent().unwrap_or(&workspace.target);
    files::empty_directory(directory)?;
    let mut command = Command::new("npm");
    command.args(["pack", "--silent", "--json", "--pack-destination"]).arg(directory).arg(package_dir(workspace));
    process::output(&mut command)?;
    ensure!(tarball.exists(), "npm did not write `{}`", tarball.display());
    Ok(tarball)
}

/// Returns the path of the packed package.
pub fn tarball(workspace: &Workspace) -> PathBuf {
    workspace.target.join(concat!("package/nova-compute-utils-", env!("CARGO_PKG_VERSION"), ".tgz"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_gets_the_version_and_keeps_its_order() {
        let manifest = r#"{ "version": "0.0.0", "exports": { "types": 1, "node": 2, "default": 3 } }"#;
        let stamped = with_version(serde_json::from_str(manifest).expect("JSON")).expect("the manifest has a version");
        let stamped = stamped.split_whitespace().collect::<String>();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(stamped, format!(r#"{{"version":"{version}","exports":{{"types":1,"node":2,"default":3}}}}"#));
        assert!(with_version(json!({})).is_err());
    }

    #[test]
    fn rejects_a_module_over_its_budget() {
        let budget = Sizes { raw: 10, gzip: 5, brotli: 4 };
        assert!(budget.check(budget).is_ok());
        let error = Sizes { gzip: 6, ..budget }.check(budget).expect_err("6 is over 5");
        assert_eq!(error.to_string(), "the module has 6 bytes (gzip), more than its budget of 5");
        assert!(Sizes { raw: 0, ..budget }.check(budget).is_err());
    }
}
