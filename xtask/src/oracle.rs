//! `oracle`: compares the faces with the real Nova on fresh random cases.

use std::process::Command;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{build, files, package, process, setup, vectors};

/// The options of the subcommand.
#[derive(clap::Args)]
pub struct Options {
    /// The number of cases of each function
    #[arg(long, default_value_t = 2000)]
    pub count: u32,
    /// The seed of the random cases, to repeat a run [default: random, and printed]
    #[arg(long)]
    pub seed: Option<u32>,
    /// The faces to compare with Nova, separated by commas
    #[arg(long, default_value = "native")]
    pub face: String,
}

/// Runs `cargo xtask oracle`.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    build::main_component(workspace)?;
    package::build(workspace)?;
    run_built(workspace, options)
}

/// Compares the built component and npm package with Nova.
pub fn run_built(workspace: &Workspace, options: &Options) -> Result<()> {
    let source = workspace.root.join("tests/oracle");
    let target = workspace.target.join("oracle");
    let python = setup::python(&target.join("python"), &source.join("requirements.txt"))?;
    let cases = target.join("cases");
    files::empty_directory(&cases)?;
    let mut command = Command::new(python);
    // Nova's dependencies print warnings about each other on every start.
    command.args(["-W", "ignore"]).arg(source.join("oracle.py"));
    command.arg("--out").arg(&cases).arg("--count").arg(options.count.to_string());
    if let Some(seed) = options.seed {
        command.arg("--seed").arg(seed.to_string());
    }
    process::run(&mut command)?;
    vectors::run_built(workspace, &["--dir".as_ref(), cases.as_os_str(), "--face".as_ref(), options.face.as_ref()])
}
