//! What a fresh machine may miss: installed through rustup, and told.

use std::io::ErrorKind;
use std::path::Path;
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
