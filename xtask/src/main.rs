//! The project's only script runner: `cargo xtask <subcommand>`.
//!
//! Progress goes to stderr. Stdout has only the results: the built files, or the output of the program that the
//! subcommand runs. So the output of `cargo xtask vectors --json` can be piped.
//!
//! Each subcommand is a module with a function `run`. A subcommand that `cargo xtask test` runs on finished builds also
//! has a function `run_built`, which does the same without building the components and the npm package first.

mod build;
mod check;
mod console;
mod crash;
mod dependencies;
mod files;
mod fuzz;
mod js;
mod oracle;
mod package;
mod packaging;
mod process;
mod run;
mod setup;
mod steps;
mod test;
mod vectors;
mod wit_docs;
mod workspace;
mod worlds;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Builds, runs and tests the project")]
enum Subcommand {
    /// Build the two components, world `compute-utils` and world `pure`, and the command `nova-usage-audit`
    Build {
        /// Build the components without optimisation and keep the names, for readable stack traces
        #[arg(long)]
        debug: bool,
        /// Build the command with optimisation
        #[arg(long)]
        release: bool,
    },
    /// Build the npm package: `pkg/` and its tarball
    Package,
    /// Test the installed npm package: Node, browsers, bundlers, workers, TypeScript, and its README
    Packaging,
    /// Build the admin console in `www/` and serve it on loopback
    Console(console::Options),
    /// Run a usage audit of the bundled sample cell
    Run {
        /// Options for `nova-usage-audit run`; they replace the sample's own
        #[arg(last = true, value_name = "OPTIONS")]
        options: Vec<OsString>,
    },
    /// Run every test, and `check`
    Test,
    /// Check format, lints, docs, dependencies, `wit/`, the components' imports and exports, and the npm package
    Check,
    /// Run Nova's golden vectors through the faces of the library
    Vectors {
        /// [--dir DIR] [--face native,component,node,browser] [--json] and the other options that `-- --help` lists
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
        options: Vec<OsString>,
    },
    /// Compare the faces with the real Nova on fresh random cases
    Oracle(oracle::Options),
    /// Kill usage audits at random moments, resume them, and check that no notification is lost or there twice
    Crash(crash::Options),
    /// Fuzz the parsers, with seeds from the vectors; needs a nightly toolchain
    Fuzz {
        /// The fuzz target [default: each in turn]
        target: Option<String>,
        /// The fuzzing time of each target, in seconds
        #[arg(long, default_value_t = 600)]
        seconds: u32,
    },
}

fn main() -> ExitCode {
    match run(&Subcommand::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            // The exit status of a failed child process becomes that of xtask.
            error.downcast_ref::<process::Failed>().map_or(ExitCode::FAILURE, process::Failed::exit_code)
        }
    }
}

fn run(subcommand: &Subcommand) -> anyhow::Result<()> {
    let workspace = Workspace::find()?;
    match subcommand {
        Subcommand::Build { debug, release } => build::run(&workspace, *debug, *release),
        Subcommand::Package => package::run(&workspace),
        Subcommand::Packaging => packaging::run(&workspace),
        Subcommand::Console(options) => console::run(&workspace, options),
        Subcommand::Run { options } => run::run(&workspace, options),
        Subcommand::Test => test::run(&workspace),
        Subcommand::Check => check::run(&workspace),
        Subcommand::Vectors { options } => vectors::run(&workspace, options),
        Subcommand::Oracle(options) => oracle::run(&workspace, options),
        Subcommand::Crash(options) => crash::run(&workspace, options),
        Subcommand::Fuzz { target, seconds } => fuzz::run(&workspace, target.as_deref(), *seconds),
    }
}
