//! `console`: the admin console in `www/`, built with the packed npm package and served on loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::workspace::Workspace;
use crate::{files, package, process, setup};

/// How the console is served.
#[derive(clap::Args)]
pub struct Options {
    /// Serve the sources with Vite's development server, which reloads changes and sends no Content Security Policy
    #[arg(long)]
    dev: bool,
    /// The port on 127.0.0.1
    #[arg(long, default_value_t = 5180)]
    port: u16,
}

/// Runs `cargo xtask console`.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    package::build(workspace)?;
    let mut server = if options.dev {
        install(workspace)?;
        vite(workspace, &[])
    } else {
        build(workspace)?;
        vite(workspace, &["preview"])
    };
    process::run(server.args(["--strictPort", "--port"]).arg(options.port.to_string()))
}

/// Builds the console into `www/dist` with the npm package of the last build.
pub fn build(workspace: &Workspace) -> Result<()> {
    install(workspace)?;
    process::run(&mut vite(workspace, &["build", "--logLevel", "warn"]))
}

/// Checks the types of the console, builds it, and runs its tests in Chromium.
pub fn test_built(workspace: &Workspace) -> Result<()> {
    build(workspace)?;
    process::run(program(workspace, "svelte-check").args(["--tsconfig", "./tsconfig.json", "--fail-on-warnings"]))?;
    let tests = files::list(&directory(workspace).join("tests"), ".test.js")?;
    ensure!(!tests.is_empty(), "`www/tests` has no tests");
    let mut command = Command::new("node");
    // One file at a time: each starts a browser, and some measure how long a page blocks.
    command.args(["--test", "--test-reporter=spec", "--test-concurrency=1"]).args(tests);
    command.current_dir(directory(workspace)).env("NOVA_COMPUTE_UTILS_TARBALL", package::tarball(workspace));
    process::run(command.env("CHROMIUM", setup::chromium()?))
}

/// Returns the directory of the console.
fn directory(workspace: &Workspace) -> PathBuf {
    workspace.root.join("www")
}

/// Installs the packages of the console's lock file, and the packed npm package as its users install it.
fn install(workspace: &Workspace) -> Result<()> {
    let directory = directory(workspace);
    let marker = directory.join("node_modules/.installed.json");
    let copied = copy_package(&package::tarball(workspace), &directory.join("nova-compute-utils.tgz"))?;
    if copied && marker.exists() {
        fs::remove_file(&marker)?;
    }
    setup::install_list(&directory.join("package-lock.json"), &marker, || {
        process::run(Command::new("npm").args(["ci", "--loglevel=error"]).current_dir(&directory))
    })
}

/// Copies the tarball to where `package.json` of the console expects it, and returns whether it differs from the one
/// that was there.
fn copy_package(tarball: &Path, copy: &Path) -> Result<bool> {
    let bytes = fs::read(tarball)?;
    if fs::read(copy).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    fs::write(copy, bytes)?;
    Ok(true)
}

fn vite(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = program(workspace, "vite");
    command.args(arguments);
    command
}

/// Returns a JavaScript tool that [`install`] has installed.
fn program(workspace: &Workspace, name: &str) -> Command {
    let mut command = Command::new(directory(workspace).join("node_modules/.bin").join(name));
    command.current_dir(directory(workspace));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_a_package_only_when_it_changed() {
        let directory = std::env::temp_dir().join(format!("nova-compute-utils-console-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a new directory");
        let (tarball, copy) = (directory.join("built.tgz"), directory.join("copy.tgz"));
        fs::write(&tarball, "one").expect("a writable directory");
        assert!(copy_package(&tarball, &copy).expect("both are files"));
        assert!(!copy_package(&tarball, &copy).expect("both are files"));
        fs::write(&tarball, "two").expect("a writable directory");
        assert!(copy_package(&tarball, &copy).expect("both are files"));
        assert_eq!(fs::read(&copy).expect("the copy"), b"two");
        assert!(copy_package(&directory.join("missing.tgz"), &copy).is_err());
        fs::remove_dir_all(directory).expect("the directory of this test");
    }
}
