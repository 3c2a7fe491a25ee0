//! The command carries its component inside.

mod common;

use std::fs;
use std::process::Command;

use common::Cell;
use common::audits::{Outcome, notifications, outcome, run, sent};
use tempfile::TempDir;

/// Copies the program into an empty directory and returns it with that directory.
fn alone() -> (TempDir, Command) {
    let directory = TempDir::new().expect("a directory");
    let program = directory.path().join(format!("nova-usage-audit{}", std::env::consts::EXE_SUFFIX));
    fs::copy(env!("CARGO_BIN_EXE_nova-usage-audit"), &program).expect("a copy");
    let mut command = Command::new(program);
    // It finds nothing through its surroundings either.
    command.current_dir(directory.path()).env_clear();
    (directory, command)
}

#[test]
fn audits_from_anywhere_without_other_files() {
    let (cell, whole) = (Cell::unpack("hour15"), Cell::unpack("hour15"));
    outcome(&mut run(&whole, "")).expect(0, &[]);
    let (directory, mut command) = alone();
    let out = directory.path().join("alone.ndjson");
    command.args(["run", "--all-hosts", "--format", "both", "--force", "--now", "2026-10-14T09:30:00"]);
    command.args(["--period", "hour@15", "--notify", "ndjson:alone.ndjson", "--database", &cell.url()]);
    outcome(&mut command).expect(0, &[]);
    // The built component, which `run` loads, is the one inside.
    assert_eq!(notifications(&out), sent(&whole));
}

#[test]
fn a_component_file_replaces_the_one_inside() {
    let (directory, mut command) = alone();
    let file = directory.path().join("other.wasm");
    fs::write(&file, wat::parse_str("(component)").expect("WAT")).expect("a file");
    command.args(["periods", "--component", "other.wasm"]);
    let Outcome { status, stderr, .. } = outcome(&mut command);
    assert_eq!(status, Some(2), "{stderr}");
    assert!(stderr.starts_with("error: cannot use `other.wasm` as the component: "), "{stderr}");
    let (_directory, mut command) = alone();
    outcome(command.args(["periods", "--count", "1"])).expect(0, &[]);
}
