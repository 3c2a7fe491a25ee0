//! `package`: the npm package, assembled in `pkg/` and packed.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::workspace::Workspace;
use crate::{js, setup, sh};

/// The hosts that the package brings; each is a folder of `hosts/` with an `index.ts`.
const HOSTS: [&str; 2] = ["memory", "browser"];

/// The hand-written types that the package takes. The other ones are part of what is generated.
const TYPES: [&str; 2] = ["index.d.ts", "wasm.d.ts"];

/// The most that the module may weigh. A budget: lower it when the module gets lighter.
const BUDGET: Sizes = Sizes { raw: 385_000, gzip: 168_000, brotli: 141_000 };

/// Bytes of the module, as it is and as servers send it.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Sizes {
    raw: u64,
    gzip: u64,
    brotli: u64,
}

/// `cargo xtask package`.
pub fn verb(workspace: &Workspace) -> Result<()> {
    let tarball = build(workspace)?;
    println!("{} ({}: {})", Workspace::shown(&tarball), js::MODULE, sizes(workspace)?);
    Ok(())
}

/// Build the face and the hosts, assemble the package and pack it. Gives the tarball.
pub fn build(workspace: &Workspace) -> Result<PathBuf> {
    setup::npm_packages(workspace)?;
    let face = js::build(workspace)?;
    assemble(workspace, &face)?;
    compile_hosts(workspace)?;
    pack(workspace)
}

/// The built module within its budget.
pub fn check_sizes(workspace: &Workspace) -> Result<()> {
    let sizes = sizes(workspace)?;
    eprintln!("{}: {sizes}", js::MODULE);
    sizes.within(BUDGET)
}

/// The packed package as npm, Node and bundlers will read it; a warning is a failure.
pub fn publint(workspace: &Workspace) -> Result<()> {
    sh::run(setup::npm_program(workspace, "publint").arg("run").arg(tarball(workspace)).arg("--strict"))
}

/// The types of the packed package, for every way in which TypeScript resolves them. Those that know no ES
/// modules are left out: there `require` gives the ES module all the same.
pub fn attw(workspace: &Workspace) -> Result<()> {
    sh::run(setup::npm_program(workspace, "attw").arg(tarball(workspace)).args(["--profile", "esm-only"]))
}

impl Sizes {
    fn within(self, budget: Self) -> Result<()> {
        let kinds = [
            ("as it is", self.raw, budget.raw),
            ("by gzip", self.gzip, budget.gzip),
            ("by brotli", self.brotli, budget.brotli),
        ];
        for (how, size, most) in kinds {
            ensure!(size > 0, "the module weighs nothing {how}");
            ensure!(size <= most, "the module weighs {size} bytes {how}, and {most} are the most");
        }
        Ok(())
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes, gzip {}, brotli {}", self.raw, self.gzip, self.brotli)
    }
}

/// Asked of Node, which has both packers.
fn sizes(workspace: &Workspace) -> Result<Sizes> {
    let mut command = Command::new("node");
    command.arg(workspace.root.join("tests/js/sizes.js")).arg(package_dir(workspace).join(js::MODULE));
    serde_json::from_str(&sh::output(&mut command)?).context("cannot read what `sizes.js` printed")
}

/// Where the package is assembled, for whoever depends on it by `file:`.
fn package_dir(workspace: &Workspace) -> PathBuf {
    workspace.root.join("pkg")
}

/// Everything but the hosts.
fn assemble(workspace: &Workspace, face: &Path) -> Result<()> {
    let package = package_dir(workspace);
    clear(&package)?;
    for file in js::FILES {
        copy(&face.join(file), &package)?;
    }
    let written = js::written_dir(workspace);
    for entry in fs::read_dir(&written).with_context(|| format!("cannot read `{}`", written.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".js") {
            copy(&path, &package)?;
        }
    }
    for file in TYPES.iter().chain(&["README.md"]) {
        copy(&written.join(file), &package)?;
    }
    copy(&workspace.root.join("LICENSE"), &package)?;
    let manifest = workspace.root.join("pkg.json");
    let text = fs::read_to_string(&manifest).with_context(|| format!("cannot read `{}`", manifest.display()))?;
    let stamped = stamp(&text).with_context(|| format!("cannot read `{}`", manifest.display()))?;
    write(&package.join("package.json"), &stamped)
}

/// The manifest with the version of the workspace, which is xtask's, too.
fn stamp(manifest: &str) -> Result<String> {
    let mut manifest: Value = serde_json::from_str(manifest)?;
    let version = manifest.get_mut("version").context("it has no `version` to fill in")?;
    *version = env!("CARGO_PKG_VERSION").into();
    Ok(format!("{manifest:#}\n"))
}

/// The hosts are written against the package by its name, which stands for what has just been assembled.
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
    write(&path, &format!("{config:#}\n"))?;
    sh::run(setup::npm_program(workspace, "tsc").arg("--project").arg(path))?;
    for host in HOSTS {
        let index = package.join("hosts").join(host).join("index.js");
        ensure!(index.exists(), "tsc has made no `{}`", index.display());
    }
    Ok(())
}

fn pack(workspace: &Workspace) -> Result<PathBuf> {
    let directory = packed_dir(workspace);
    clear(&directory)?;
    let mut command = Command::new("npm");
    command.args(["pack", "--silent", "--json", "--pack-destination"]).arg(&directory).arg(package_dir(workspace));
    sh::output(&mut command)?;
    let tarball = tarball(workspace);
    ensure!(tarball.exists(), "npm has packed no `{}`", tarball.display());
    Ok(tarball)
}

/// Only the tarball of the last build lies there.
fn packed_dir(workspace: &Workspace) -> PathBuf {
    workspace.target.join("package")
}

/// The packed package.
pub fn tarball(workspace: &Workspace) -> PathBuf {
    packed_dir(workspace).join(format!("nova-compute-utils-{}.tgz", env!("CARGO_PKG_VERSION")))
}

fn clear(directory: &Path) -> Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory).with_context(|| format!("cannot clear `{}`", directory.display()))?;
    }
    fs::create_dir_all(directory).with_context(|| format!("cannot create `{}`", directory.display()))
}

fn copy(from: &Path, directory: &Path) -> Result<()> {
    let to = directory.join(from.file_name().unwrap_or_default());
    fs::copy(from, &to).with_context(|| format!("cannot copy `{}` to `{}`", from.display(), to.display()))?;
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_filled_in_and_the_order_is_kept() {
        let stamped = stamp(r#"{ "version": "0.0.0", "exports": { "types": 1, "node": 2, "default": 3 } }"#);
        let stamped = stamped.expect("it is a manifest").split_whitespace().collect::<String>();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(stamped, format!(r#"{{"version":"{version}","exports":{{"types":1,"node":2,"default":3}}}}"#));
        assert!(stamp("{}").is_err());
    }

    #[test]
    fn a_module_over_its_budget_is_refused() {
        let budget = Sizes { raw: 10, gzip: 5, brotli: 4 };
        assert!(budget.within(budget).is_ok());
        let error = Sizes { gzip: 6, ..budget }.within(budget).expect_err("six are more than five");
        assert_eq!(error.to_string(), "the module weighs 6 bytes by gzip, and 5 are the most");
        assert!(Sizes { raw: 0, ..budget }.within(budget).is_err());
    }
}
