//! `crash`: kills audits at random moments and resumes them, in a release build.

use anyhow::Result;
use clap::Args;

use crate::workspace::Workspace;
use crate::{build, process};

/// The options of `cargo xtask crash`.
#[derive(Args)]
pub struct Options {
    /// The number of kills
    #[arg(long, default_value_t = 1000)]
    runs: u32,
    /// The seed of the moments [default: the test's own]
    #[arg(long)]
    seed: Option<u64>,
}

/// Runs `cargo xtask crash`.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    build::main_component(workspace)?;
    let mut command = workspace.cargo(["test", "--release", "--package", "nova-compute-utils-wasmtime"]);
    command.args(["--test", "crash", "--", "--nocapture"]);
    command.env("NOVA_COMPUTE_UTILS_CRASH_RUNS", options.runs.to_string());
    if let Some(seed) = options.seed {
        command.env("NOVA_COMPUTE_UTILS_CRASH_SEED", seed.to_string());
    }
    process::run(&mut command)
}
