//! What a fresh machine may miss: installed through rustup, npm or apt, and told.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::sh;
use crate::workspace::Workspace;

/// What the components are compiled for.
pub const WASM: &str = "wasm32-unknown-unknown";

/// The standard library for WebAssembly.
pub fn wasm_target(workspace: &Workspace) -> Result<()> {
    if has_wasm_target(workspace)? {
        return Ok(());
    }
    install(workspace, &format!("the Rust target {WASM}"), &["target", "add", WASM])?;
    if !has_wasm_target(workspace)? {
        bail!(
            "rustup has installed the target {WASM}, but not for the `rustc` that is used here: is there another one on the PATH?"
        );
    }
    Ok(())
}

/// rustfmt and clippy.
pub fn lint_tools(workspace: &Workspace) -> Result<()> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        let mut probe = workspace.cargo([subcommand, "--version"]);
        let found = probe.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        if !found {
            install(workspace, component, &["component", "add", component])?;
        }
    }
    Ok(())
}

/// The oldest Node that can `require` an ES module.
const NODE: (u32, u32) = (20, 19);

/// Where the JavaScript tools are installed, and the tests that use them lie.
pub fn npm_directory(workspace: &Workspace) -> PathBuf {
    workspace.root.join("tests/js")
}

/// One of the JavaScript tools, which [`npm_packages`] has installed.
pub fn npm_program(workspace: &Workspace, name: &str) -> Command {
    Command::new(npm_directory(workspace).join("node_modules/.bin").join(name))
}

/// Node, and the npm packages of the lock file of `tests/js`.
pub fn npm_packages(workspace: &Workspace) -> Result<()> {
    node()?;
    let directory = npm_directory(workspace);
    let lock = directory.join("package-lock.json");
    let wanted = fs::read_to_string(&lock).with_context(|| format!("cannot read `{}`", lock.display()))?;
    // npm empties the directory first, so that this is there only when all the rest is.
    let installed = directory.join("node_modules/.installed.json");
    if fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    eprintln!("xtask: installing the npm packages of `{}` (npm ci)", Workspace::shown(&lock));
    sh::run(Command::new("npm").args(["ci", "--loglevel=error"]).current_dir(&directory))?;
    fs::write(&installed, wanted).with_context(|| format!("cannot write `{}`", installed.display()))
}

/// Node with npm. Not installed here: there are too many ways, and everybody has theirs.
fn node() -> Result<()> {
    let (major, minor) = NODE;
    for program in ["node", "npm"] {
        let version = match Command::new(program).arg("--version").stderr(Stdio::null()).output() {
            Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("`{program}` is missing: install Node.js {major}.{minor} or newer, with npm")
            }
            Err(error) => return Err(error).with_context(|| format!("cannot start `{program}`")),
        };
        if program == "node" && node_version(&version).is_none_or(|found| found < NODE) {
            bail!("Node.js {major}.{minor} or newer is needed, and `node --version` says `{version}`");
        }
    }
    Ok(())
}

/// `v20.19.2` as (20, 19).
fn node_version(printed: &str) -> Option<(u32, u32)> {
    let mut parts = printed.strip_prefix('v')?.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// What a Chromium may be called, in `CHROMIUM` or on the PATH.
const CHROMIUMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// A Chromium for the tests in a browser.
pub fn chromium() -> Result<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM") {
        return Ok(path.into());
    }
    if let Some(path) = find_chromium() {
        return Ok(path);
    }
    eprintln!("xtask: installing Chromium (apt-get install chromium)");
    let apt = |args: &[&str]| sh::run(Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive"));
    // Lists that are missing or old are the usual reason for a failure, and rare enough to be fetched only then.
    let install = || apt(&["install", "--quiet", "--yes", "--no-install-recommends", "chromium"]);
    install().or_else(|_| apt(&["update", "--quiet"]).and_then(|()| install())).context(
        "the tests in a browser need Chromium: install it (Debian: chromium), or say in CHROMIUM where it is",
    )?;
    find_chromium().context("Chromium is installed, but not on the PATH: say in CHROMIUM where it is")
}

fn find_chromium() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let directories: Vec<PathBuf> = env::split_paths(&path).collect();
    CHROMIUMS
        .iter()
        .flat_map(|name| directories.iter().map(move |directory| directory.join(name)))
        .find(|candidate| candidate.is_file())
}

/// Asks the compiler and not rustup, because the compiler may be a distribution's.
fn has_wasm_target(workspace: &Workspace) -> Result<bool> {
    let dir = sh::output(
        Command::new("rustc").args(["--print", "target-libdir", "--target", WASM]).current_dir(&workspace.root),
    )?;
    Ok(Path::new(dir.trim()).exists())
}

fn install(workspace: &Workspace, what: &str, args: &[&str]) -> Result<()> {
    eprintln!("xtask: installing {what} (rustup {})", args.join(" "));
    match Command::new("rustup").args(args).current_dir(&workspace.root).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("`rustup {}` failed ({status})", args.join(" ")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!(
                "{what} is missing, and so is rustup, which would install it: install it the way your Rust was installed"
            )
        }
        Err(error) => Err(error).context("cannot start rustup"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_compared_as_numbers() {
        assert_eq!(node_version("v20.19.2"), Some(NODE));
        assert!(node_version("v20.9.0") < Some(NODE));
        assert!(node_version("v100.0.0") > Some(NODE));
        assert_eq!(node_version("20.19.2"), None);
        assert_eq!(node_version(""), None);
    }
}
