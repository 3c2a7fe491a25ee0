//! The directories of the checkout, and the commands that run cargo in it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process;

/// The directories of this checkout.
pub struct Workspace {
    /// The directory of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
}

impl Workspace {
    /// Finds the checkout that xtask was started from.
    pub fn find() -> Result<Self> {
        // The run-time variable comes first: checkouts that share a target directory also share this binary.
        let manifest_dir = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let manifest_dir = PathBuf::from(manifest_dir);
        let root = manifest_dir.parent().context("xtask is not in a workspace")?.to_path_buf();
        // Cargo runs in the caller's directory here, because a relative CARGO_TARGET_DIR refers to it.
        let mut command = cargo();
        command.args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"]).arg(root.join("Cargo.toml"));
        let metadata: Metadata = serde_json::from_str(&process::output(&mut command)?)
            .context("cannot parse the output of `cargo metadata`")?;
        Ok(Self { root, target: metadata.target_directory })
    }

    /// Returns a cargo command that runs in the root of the workspace.
    pub fn cargo<const N: usize>(&self, args: [&str; N]) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root).args(args).env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// Builds a program of the hosts or tests in the dev profile, or with optimisation, and returns its path.
    pub fn build_program(&self, name: &str, release: bool) -> Result<PathBuf> {
        let directory = self.target.join(if release { "release" } else { "debug" });
        let program = directory.join(format!("{name}{}", env::consts::EXE_SUFFIX));
        if !program.exists() {
            eprintln!("xtask: building {name} for the first time takes some minutes, because wasmtime is compiled");
        }
        // `--workspace` unites the features of all packages, as `cargo test` does: with other features, cargo would
        // compile wasmtime once more.
        let mut command = self.cargo(["build", "--quiet", "--workspace", "--exclude", "xtask", "--bin", name]);
        if release {
            command.arg("--release");
        }
        process::run(&mut command)?;
        Ok(program)
    }

    /// Returns a path relative to the caller's directory if it is inside that directory, and unchanged otherwise.
    pub fn relative(path: &Path) -> String {
        let here = env::current_dir().unwrap_or_default();
        path.strip_prefix(&here).unwrap_or(path).display().to_string()
    }
}

/// Returns the cargo that started xtask, so that a subcommand does not change toolchains.
fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
