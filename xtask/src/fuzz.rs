//! `fuzz`: the parsers on whatever bytes come, from seeds out of the vectors.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::sh;
use crate::workspace::Workspace;

/// A fuzz target, and where in the vectors its seeds are: the functions, and their arguments.
struct Target {
    name: &'static str,
    functions: &'static [&'static str],
    arguments: &'static [&'static str],
}

const TARGETS: [Target; 5] = [
    Target { name: "period", functions: &["last_completed_audit_period"], arguments: &["unit", "before"] },
    Target {
        name: "instance",
        functions: &["info_from_instance", "notify_usage_exists"],
        arguments: &["instance", "instance_ref"],
    },
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
];

/// `cargo xtask fuzz`.
pub fn verb(workspace: &Workspace, target: Option<&str>, seconds: u32) -> Result<()> {
    let known = || TARGETS.map(|target| target.name).join("`, `");
    let chosen: Vec<&Target> = TARGETS.iter().filter(|known| target.is_none_or(|name| name == known.name)).collect();
    ensure!(!chosen.is_empty(), "no such fuzz target: give one of `{}`", known());
    install(workspace)?;
    chosen.into_iter().try_for_each(|target| target.run(workspace, seconds))
}

impl Target {
    fn run(&self, workspace: &Workspace, seconds: u32) -> Result<()> {
        let corpus = workspace.target.join("fuzz/corpus").join(self.name);
        fs::create_dir_all(&corpus).with_context(|| format!("cannot create `{}`", corpus.display()))?;
        let seeds = self.seeds(&workspace.root.join("tests/vectors"))?;
        ensure!(!seeds.is_empty(), "no seeds for `{}` in the vectors", self.name);
        for (number, seed) in seeds.iter().enumerate() {
            let path = corpus.join(format!("vector-{number:04}"));
            fs::write(&path, seed).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        eprintln!("xtask: fuzzing `{}` for {seconds} seconds, from {} seeds", self.name, seeds.len());
        let mut fuzz = workspace.cargo(["+nightly", "fuzz", "run", "--fuzz-dir", "fuzz", self.name]);
        // The outer cargo has set both for the stable toolchain.
        fuzz.env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
        fuzz.arg(&corpus).arg("--").arg(format!("-max_total_time={seconds}")).arg("-max_len=65536");
        sh::run(&mut fuzz)
    }

    /// Every text that a vector gives to one of the arguments; JSON where it is no text.
    fn seeds(&self, vectors: &Path) -> Result<BTreeSet<String>> {
        let mut seeds = BTreeSet::new();
        for release in ["grizzly", "hibiscus"] {
            for function in self.functions {
                let path = vectors.join(release).join(format!("{function}.json"));
                if !path.exists() {
                    continue;
                }
                let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
                let file: Value = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
                for case in file["cases"].as_array().into_iter().flatten() {
                    let given = self.arguments.iter().filter_map(|argument| case["args"].get(argument));
                    seeds.extend(given.filter(|value| !value.is_null()).map(text_of));
                }
            }
        }
        Ok(seeds)
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// cargo-fuzz, which needs a nightly toolchain for the sanitizers.
fn install(workspace: &Workspace) -> Result<()> {
    let nightly =
        Command::new("rustc").arg("+nightly").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !nightly.is_ok_and(|status| status.success()) {
        bail!("fuzzing needs a nightly toolchain: `rustup toolchain install nightly`");
    }
    let mut probe = workspace.cargo(["fuzz", "--version"]);
    if probe.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    eprintln!("xtask: installing cargo-fuzz");
    sh::run(&mut workspace.cargo(["install", "cargo-fuzz", "--locked"]))
}
