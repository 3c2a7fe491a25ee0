//! `oracle`: fresh random cases, put to the real Nova and to the faces.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{build, package, sh, vectors};

/// What is asked of the oracle.
pub struct Options {
    /// Cases of each function.
    pub count: u32,
    /// Where the random cases begin; without one, Nova's side draws and prints it.
    pub seed: Option<u32>,
    /// The faces to hold against it, as `vectors` takes them.
    pub face: String,
}

/// `cargo xtask oracle`.
pub fn verb(workspace: &Workspace, options: &Options) -> Result<()> {
    build::component(workspace)?;
    package::build(workspace)?;
    run(workspace, options)
}

/// The comparison alone, the components being built.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let python = python(workspace)?;
    let cases = directory(workspace).join("cases");
    if cases.exists() {
        fs::remove_dir_all(&cases).with_context(|| format!("cannot clear `{}`", cases.display()))?;
    }
    let mut ask = Command::new(python);
    // Nova's dependencies warn about each other on every start.
    ask.args(["-W", "ignore"]).arg(workspace.root.join("tests/oracle/oracle.py"));
    ask.arg("--out").arg(&cases).arg("--count").arg(options.count.to_string());
    if let Some(seed) = options.seed {
        ask.arg("--seed").arg(seed.to_string());
    }
    sh::run(&mut ask)?;
    vectors::run(workspace, &["--dir".as_ref(), cases.as_os_str(), "--face".as_ref(), options.face.as_ref()])
}

/// A Python that has the real Nova, made where there is none yet.
fn python(workspace: &Workspace) -> Result<PathBuf> {
    let requirements = workspace.root.join("tests/oracle/requirements.txt");
    let wanted =
        fs::read_to_string(&requirements).with_context(|| format!("cannot read `{}`", requirements.display()))?;
    let environment = directory(workspace).join("python");
    let python = environment.join("bin/python");
    let installed = environment.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    eprintln!("xtask: installing the real Nova ({}) into `{}`", wanted.trim(), Workspace::shown(&environment));
    sh::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))
        .context("the oracle needs Python 3 with its module venv (Debian: python3-venv)")?;
    sh::run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements))?;
    fs::write(&installed, wanted).with_context(|| format!("cannot write `{}`", installed.display()))?;
    Ok(python)
}

fn directory(workspace: &Workspace) -> PathBuf {
    workspace.target.join("oracle")
}
