//! Installs what a fresh machine lacks, through rustup, cargo, npm, pip or apt, and reports each installation on
//! stderr.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use crate::{files, process};

/// The target that both faces are compiled for.
pub const WASM: &str = "wasm32-unknown-unknown";

/// Installs the standard library for WebAssembly.
pub fn wasm_target(workspace: &Workspace) -> Result<()> {
    // Only the compiler can answer: rustup does not know a compiler that a distribution installed.
    let installed = || -> Result<bool> {
        let mut command = Command::new("rustc");
        command.args(["--print", "target-libdir", "--target", WASM]).current_dir(&workspace.root);
        Ok(Path::new(process::output(&mut command)?.trim()).exists())
    };
    if installed()? {
        return Ok(());
    }
    rustup(workspace, &format!("the Rust target {WASM}"), &["target", "add", WASM])?;
    if !installed()? {
        bail!("rustup installed the target {WASM} for another compiler than the `rustc` on the PATH");
    }
    Ok(())
}

/// Installs rustfmt and clippy.
pub fn lint_tools(workspace: &Workspace) -> Result<()> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if !process::succeeds(&mut workspace.cargo([subcommand, "--version"])) {
            rustup(workspace, component, &["component", "add", component])?;
        }
    }
    Ok(())
}

fn rustup(workspace: &Workspace, what: &str, args: &[&str]) -> Result<()> {
    eprintln!("xtask: installing {what} (rustup {})", args.join(" "));
    process::run(Command::new("rustup").args(args).current_dir(&workspace.root))
        .with_context(|| format!("cannot install {what}: without rustup, install it the way Rust was installed"))
}

/// Installs a program from crates.io into the target directory and returns its path. It is compiled once per version,
/// without optimisation, because compiling takes longer than running.
pub fn cargo_program(workspace: &Workspace, name: &str, version: &str) -> Result<PathBuf> {
    let directory = workspace.target.join("tools").join(format!("{name}-{version}"));
    let program = directory.join("bin").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    if !program.exists() {
        eprintln!("xtask: installing {name} {version} takes a minute or two, because it is compiled");
        let mut command = workspace.cargo(["install", "--quiet", "--locked", "--debug", "--version", version, name]);
        // Without CARGO_TARGET_DIR, cargo compiles in a temporary directory, which it deletes afterwards.
        command.env_remove("CARGO_TARGET_DIR").env("CARGO_PROFILE_DEV_DEBUG", "none");
        process::run(command.arg("--root").arg(directory))?;
    }
    Ok(program)
}

/// Calls `install` unless the file `marker` shows that the current contents of `list` are installed.
pub fn install_list(list: &Path, marker: &Path, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let listed = files::read_text(list)?;
    if fs::read_to_string(marker).is_ok_and(|installed| installed == listed) {
        return Ok(());
    }
    eprintln!("xtask: installing the packages of `{}`", Workspace::relative(list));
    install()?;
    files::write(marker, listed)
}

/// Makes a Python environment in a directory, installs the packages of a requirements file into it, and returns its
/// Python.
pub fn python(directory: &Path, requirements: &Path) -> Result<PathBuf> {
    let python = directory.join("bin/python");
    install_list(requirements, &directory.join("installed.txt"), || {
        process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(directory))
            .context("Python 3 with its module venv is needed (Debian: python3-venv)")?;
        process::run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(requirements))
    })?;
    Ok(python)
}

/// The oldest Node.js that can `require` an ES module.
const NODE: (u32, u32) = (20, 19);

/// Returns the directory of the JavaScript tests, where the JavaScript tools are installed.
pub fn npm_directory(workspace: &Workspace) -> PathBuf {
    workspace.root.join("tests/js")
}

/// Returns a JavaScript tool that [`npm_packages`] has installed.
pub fn npm_program(workspace: &Workspace, name: &str) -> Command {
    Command::new(npm_directory(workspace).join("node_modules/.bin").join(name))
}

/// Installs the npm packages of the lock file of `tests/js`.
pub fn npm_packages(workspace: &Workspace) -> Result<()> {
    require_node()?;
    let directory = npm_directory(workspace);
    // `npm ci` empties `node_modules` first, so the marker exists only after a complete installation.
    install_list(&directory.join("package-lock.json"), &directory.join("node_modules/.installed.json"), || {
        process::run(Command::new("npm").args(["ci", "--loglevel=error"]).current_dir(&directory))
    })
}

/// Fails without Node.js and npm. It does not install them, because the way to do so differs between systems.
fn require_node() -> Result<()> {
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
            bail!("Node.js {major}.{minor} or newer is needed, but `node --version` prints `{version}`");
        }
    }
    Ok(())
}

/// Parses `v20.19.2` to (20, 19).
fn node_version(printed: &str) -> Option<(u32, u32)> {
    let mut parts = printed.strip_prefix('v')?.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// The names of Chromium's program on the PATH.
const CHROMIUM_NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Returns the Chromium for the browser tests: the one that the variable CHROMIUM names, else one on the PATH, else one
/// installed through apt.
pub fn chromium() -> Result<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM") {
        return Ok(path.into());
    }
    if let Some(path) = find_chromium() {
        return Ok(path);
    }
    eprintln!("xtask: installing Chromium (apt-get install chromium)");
    let apt = |args: &[&str]| process::run(Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive"));
    let install = || apt(&["install", "--quiet", "--yes", "--no-install-recommends", "chromium"]);
    // A failure usually means that apt's package lists are missing or old.
    install()
        .or_else(|_| apt(&["update", "--quiet"]).and_then(|()| install()))
        .context("the browser tests need Chromium: install it (Debian: chromium), or set CHROMIUM to its path")?;
    find_chromium().context("Chromium is installed, but not on the PATH: set CHROMIUM to its path")
}

fn find_chromium() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let directories: Vec<PathBuf> = env::split_paths(&path).collect();
    CHROMIUM_NAMES
        .iter()
        .flat_map(|name| directories.iter().map(move |directory| directory.join(name)))
        .find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_versions_of_node_as_numbers() {
        assert_eq!(node_version("v20.19.2"), Some(NODE));
        assert!(node_version("v20.9.0") < Some(NODE));
        assert!(node_version("v100.0.0") > Some(NODE));
        assert_eq!(node_version("20.19.2"), None);
        assert_eq!(node_version(""), None);
    }
}
