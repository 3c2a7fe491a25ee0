//! Where things are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::sh;

/// The directories of this checkout.
pub struct Workspace {
    /// The directory of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target directory, wherever the caller has put it.
    pub target: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
}

impl Workspace {
    /// The checkout that xtask was started from.
    pub fn find() -> Result<Self> {
        // Cargo's variable first: with a target directory shared between checkouts, the binary may have been compiled
        // in another.
        let manifest_dir = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let manifest_dir = PathBuf::from(manifest_dir);
        let root = manifest_dir.parent().context("xtask lies in no workspace")?.to_path_buf();
        // Asked from the caller's directory, because that is what a relative CARGO_TARGET_DIR counts from.
        let json = sh::output(
            cargo()
                .args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"])
                .arg(root.join("Cargo.toml")),
        )?;
        let metadata: Metadata = serde_json::from_str(&json).context("cannot read what `cargo metadata` printed")?;
        Ok(Self { root, target: metadata.target_directory })
    }

    /// Cargo, in the root of the workspace.
    pub fn cargo<const N: usize>(&self, args: [&str; N]) -> Command {
        let mut command = self.cargo_here();
        command.current_dir(&self.root).args(args);
        command
    }

    /// Cargo, in the caller's directory.
    pub fn cargo_here(&self) -> Command {
        let mut command = cargo();
        command.env("CARGO_TARGET_DIR", &self.target);
        // For the tests and the vectors, which load it.
        command.env("NOVA_COMPUTE_UTILS_COMPONENT", self.component_dir().join("nova-compute-utils.wasm"));
        command
    }

    /// Where the finished components go.
    pub fn component_dir(&self) -> PathBuf {
        self.target.join("component")
    }

    /// A path as one would type it from the caller's directory.
    pub fn shown(path: &Path) -> String {
        let here = env::current_dir().unwrap_or_default();
        path.strip_prefix(&here).unwrap_or(path).display().to_string()
    }
}

/// The cargo that runs xtask, so that a verb doesn't change toolchains midway.
fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
