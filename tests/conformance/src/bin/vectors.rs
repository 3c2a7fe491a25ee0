//! `cargo xtask vectors`: runs every vector file through the chosen faces and prints the counts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use conformance::faces::{ComponentFace, Face, JsFace, NativeFace};
use conformance::run::{FileRun, Tally, run};
use conformance::wild::Wild;

/// Run the golden vectors of the real Nova. The exit status is 1 when a case fails or a face ran none.
#[derive(Parser)]
struct Arguments {
    /// The folder of the vector files, searched with its folders.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors"))]
    dir: PathBuf,
    /// The folder of notifications of other projects.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../wild"))]
    wild: PathBuf,
    /// The faces that run them.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["native", "component"])]
    face: Vec<FaceName>,
    /// The built component.
    #[arg(long, env = "NOVA_COMPUTE_UTILS_COMPONENT", default_value = "target/component/nova-compute-utils.wasm")]
    component: PathBuf,
    /// Print the counts as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FaceName {
    Native,
    Component,
    Node,
    Browser,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut faces = Vec::<Box<dyn Face>>::new();
    for face in &arguments.face {
        faces.push(match face {
            FaceName::Native => Box::new(NativeFace::default()),
            FaceName::Component => {
                Box::new(ComponentFace::load(&arguments.component).context("run `cargo xtask build` first")?)
            }
            FaceName::Node => Box::new(JsFace::node()?),
            FaceName::Browser => Box::new(JsFace::browser()?),
        });
    }
    let runs = run(&arguments.dir, &mut faces)?;
    let wild = faces.iter_mut().map(|face| Ok((face.name(), Wild::run(&arguments.wild, face.as_mut())?)));
    let wild: BTreeMap<&str, Wild> = wild.collect::<Result<_>>()?;
    let sums = sum(&runs);
    if arguments.json {
        println!("{}", serde_json::json!({ "files": runs, "sums": sums, "wild": wild }));
    } else {
        print(&runs, &sums);
        for (face, wild) in &wild {
            println!("\nnotifications of other projects in {face}: {wild}");
        }
    }
    let good = sums.values().all(|sum| sum.failed == 0 && sum.ran() > 0)
        && wild.values().all(|wild| wild.failures.is_empty() && !wild.read.is_empty());
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn sum(runs: &[FileRun]) -> BTreeMap<&'static str, Tally> {
    let mut sums = BTreeMap::<_, Tally>::new();
    for run in runs {
        sums.entry(run.face).or_default().add(&run.tally);
    }
    sums
}

fn print(runs: &[FileRun], sums: &BTreeMap<&'static str, Tally>) {
    println!("{:<50} {:<10} {:>7} {:>7} {:>10} {:>8}", "file", "face", "passed", "failed", "set aside", "missing");
    for run in runs {
        row(&run.file, run.face, &run.tally);
    }
    println!();
    for (face, sum) in sums {
        row("sum", face, sum);
    }
    for (face, sum) in sums {
        for (rule, count) in &sum.set_aside {
            println!("\nset aside in {face}: {count} ({rule})");
        }
    }
    let missing: Vec<&str> = runs
        .iter()
        .filter(|run| run.tally.missing > 0 && Some(run.face) == sums.keys().next().copied())
        .map(|run| run.file.as_str())
        .collect();
    if !missing.is_empty() {
        println!("\nmissing: {}", missing.join(", "));
    }
    for run in runs {
        for failure in &run.tally.failures {
            println!("\nfailed in {}: {failure}", run.face);
        }
    }
}

fn row(file: &str, face: &str, tally: &Tally) {
    let set_aside: usize = tally.set_aside.values().sum();
    println!("{file:<50} {face:<10} {:>7} {:>7} {set_aside:>10} {:>8}", tally.passed, tally.failed, tally.missing);
}
