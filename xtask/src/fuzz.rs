//! `fuzz`: runs the parsers on random bytes, with seeds from the vectors.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::workspace::Workspace;
use crate::{files, process, setup};

/// A fuzz target and its seeds: the values of these arguments in the vectors of these functions.
struct Target {
    name: &'static str,
    functions: &'static [&'static str],
    arguments: &'static [&'static str],
}

const TARGETS: [Target; 9] = [
    Target { name: "period", functions: &["last_completed_audit_period"], arguments: &["unit", "before"] },
    Target {
        name: "instance",
        functions: &["info_from_instance", "notify_usage_exists"],
        arguments: &["instance", "instance_ref"],
    },
    Target { name: "ndjson", functions: &["exists_ndjson", "hours_ndjson"], arguments: &["text"] },
    Target {
        name: "network",
        functions: &["NetworkInfo.hydrate", "get_network_info", "get_nw_info_for_instance"],
        arguments: &["network_info"],
    },
    Target {
        name: "device",
        functions: &["match_device", "strip_prefix", "get_device_letter", "get_next_device_name"],
        arguments: &["device", "device_name", "root_device_name"],
    },
    Target {
        name: "fault",
        functions: &["safe_truncate", "exception_to_dict", "add_instance_fault_from_exc"],
        arguments: &["value", "message", "fault_message"],
    },
    Target { name: "notification", functions: &["read_notification"], arguments: &["notification"] },
    Target { name: "verify", functions: &["verify_usage"], arguments: &["notifications"] },
    Target { name: "reconcile", functions: &["reconcile_instance"], arguments: &[] },
];

/// Runs `cargo xtask fuzz`.
pub fn run(workspace: &Workspace, name: Option<&str>, seconds: u32) -> Result<()> {
    let chosen: Vec<&Target> = TARGETS.iter().filter(|target| name.is_none_or(|name| name == target.name)).collect();
    let names = || TARGETS.map(|target| target.name).join("`, `");
    ensure!(!chosen.is_empty(), "unknown fuzz target `{}`: choose one of `{}`", name.unwrap_or_default(), names());
    let nightly = process::succeeds(Command::new("rustc").args(["+nightly", "--version"]));
    ensure!(nightly, "fuzzing needs a nightly toolchain: run `rustup toolchain install nightly`");
    let cargo_fuzz = setup::cargo_program(workspace, "cargo-fuzz", "0.13.2")?;
    chosen.into_iter().try_for_each(|target| target.run(workspace, &cargo_fuzz, seconds))
}

impl Target {
    fn run(&self, workspace: &Workspace, cargo_fuzz: &Path, seconds: u32) -> Result<()> {
        let target = workspace.target.join("fuzz");
        let corpus = target.join("corpus").join(self.name);
        let seeds = self.seeds(&workspace.root.join("tests/vectors"))?;
        ensure!(!seeds.is_empty(), "no seeds for `{}` in the vectors", self.name);
        for (number, seed) in seeds.iter().enumerate() {
            files::write(&corpus.join(format!("vector-{number:04}")), seed)?;
        }
        eprintln!("xtask: fuzzing `{}` for {seconds} seconds, from {} seeds", self.name, seeds.len());
        let mut command = Command::new(cargo_fuzz);
        command.current_dir(&workspace.root).args(["run", "--fuzz-dir", "fuzz", self.name]).arg(&corpus);
        command.arg("--").arg(format!("-max_total_time={seconds}")).arg("-max_len=65536");
        // The sanitizers need a nightly toolchain; the cargo that runs xtask has set CARGO and RUSTC to another one.
        command.env("RUSTUP_TOOLCHAIN", "nightly").env_remove("CARGO").env_remove("RUSTC");
        process::run(command.env("CARGO_TARGET_DIR", target))
    }

    /// Returns the arguments' values in the vectors: strings as they are, other values as JSON. Without arguments the
    /// values are the objects with all arguments.
    fn seeds(&self, vectors: &Path) -> Result<BTreeSet<String>> {
        let mut seeds = BTreeSet::new();
        for release in ["grizzly", "hibiscus", "winchester"] {
            for function in self.functions {
                let path = vectors.join(release).join(format!("{function}.json"));
                if !path.exists() {
                    continue;
                }
                let file: Value = files::read_json(&path)?;
                for case in file["cases"].as_array().into_iter().flatten() {
                    if self.arguments.is_empty() {
                        seeds.insert(case["args"].to_string());
                    }
                    let values = self.arguments.iter().filter_map(|argument| case["args"].get(argument));
                    seeds.extend(values.filter(|value| !value.is_null()).map(text_of));
                }
            }
        }
        Ok(seeds)
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
