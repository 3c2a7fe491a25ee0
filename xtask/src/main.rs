//! The project's only script runner: `cargo xtask <verb>`.
//!
//! What a verb reports about its own work goes to stderr; stdout belongs to the command that the verb runs, so that
//! `cargo xtask vectors --json` can be piped.

mod build;
mod check;
mod faces;
mod fuzz;
mod js;
mod oracle;
mod package;
mod packaging;
mod purity;
mod run;
mod setup;
mod sh;
mod steps;
mod test;
mod trees;
mod vectors;
mod wit_docs;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Everything there is to run in this repository")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build the two components: world `compute-utils` and world `pure`
    Build {
        /// Unoptimised and with names, for stack traces that can be read
        #[arg(long)]
        debug: bool,
    },
    /// Make the npm package: `pkg/`, and the tarball of it
    Package,
    /// The npm package where it is used: bundlers, a browser without one, workers, Node, TypeScript, its README
    Packaging,
    /// The main job: a usage audit of the bundled sample of a real Nova cell
    Run {
        /// Options for `nova-usage-audit run`; one given here replaces the sample's own
        #[arg(last = true, value_name = "OPTIONS")]
        options: Vec<OsString>,
    },
    /// Every test there is
    Test,
    /// Format, lints, docs, the purity of src/, the documentation of wit/, the imports and exports of the components,
    /// the npm package and its size
    Check,
    /// Run the golden vectors of real Nova through the faces of the library
    Vectors {
        /// [--dir DIR] [--face native,component,node,browser] [--json], and whatever else the runner takes (`-- --help` lists it)
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
        options: Vec<OsString>,
    },
    /// Fresh random cases, put to the real Nova and to the faces
    Oracle {
        /// Cases of each function
        #[arg(long, default_value_t = 2000)]
        count: u32,
        /// Where the random cases begin, to see a run again [default: drawn, and printed]
        #[arg(long)]
        seed: Option<u32>,
        /// The faces to hold against it
        #[arg(long, default_value = "native")]
        face: String,
    },
    /// Fuzz the parsers, from seeds out of the vectors; needs a nightly toolchain
    Fuzz {
        /// One target [default: all, one after the other]
        target: Option<String>,
        /// For how long each
        #[arg(long, default_value_t = 600)]
        seconds: u32,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(&cli.verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            // The caller of a verb sees the exit status of the command that the verb ran.
            error.downcast_ref::<sh::Failed>().map_or(ExitCode::FAILURE, sh::Failed::exit_code)
        }
    }
}

fn dispatch(verb: &Verb) -> anyhow::Result<()> {
    let workspace = Workspace::find()?;
    match verb {
        Verb::Build { debug } => build::verb(&workspace, *debug),
        Verb::Package => package::verb(&workspace),
        Verb::Packaging => packaging::verb(&workspace),
        Verb::Run { options } => run::verb(&workspace, options),
        Verb::Test => test::verb(&workspace),
        Verb::Check => check::verb(&workspace),
        Verb::Vectors { options } => vectors::verb(&workspace, options),
        Verb::Oracle { count, seed, face } => {
            oracle::verb(&workspace, &oracle::Options { count: *count, seed: *seed, face: face.clone() })
        }
        Verb::Fuzz { target, seconds } => fuzz::verb(&workspace, target.as_deref(), *seconds),
    }
}
