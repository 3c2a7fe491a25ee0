//! `run`: the main job, a usage audit, on the bundled sample of a real Nova cell.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use liblzma::read::XzDecoder;
use serde::Deserialize;

use crate::workspace::Workspace;
use crate::{build, sh};

/// What of the sample's `cell.json` the audit is told.
#[derive(Deserialize)]
struct Cell {
    now: String,
    instance_usage_audit_period: String,
    notification_format: String,
    glance_endpoint: String,
}

/// The sample, unpacked.
struct Sample {
    cell: Cell,
    database: PathBuf,
    notifications: PathBuf,
}

/// `cargo xtask run`.
pub fn verb(workspace: &Workspace, options: &[OsString]) -> Result<()> {
    build::component(workspace)?;
    let program = build_command(workspace)?;
    let sample = unpack(workspace)?;
    let arguments = with_defaults(&sample, options);
    eprintln!("\n$ {}\n", line(&program, &arguments));
    sh::run(Command::new(&program).args(&arguments))?;
    tell(&program, &sample, &arguments)
}

/// In the dev profile: what runs for long is the component, which is optimised whatever the host's profile, and the
/// tests need the same build of wasmtime.
fn build_command(workspace: &Workspace) -> Result<PathBuf> {
    let directory = workspace.target.join("debug");
    let program = directory.join(format!("nova-usage-audit{}", std::env::consts::EXE_SUFFIX));
    if !program.exists() {
        eprintln!(
            "xtask: building nova-usage-audit for the first time takes some minutes, because wasmtime is compiled"
        );
    }
    // With the features of all packages, as the tests build it: by itself it would have wasmtime compiled once more.
    let packages = ["build", "--workspace", "--exclude", "xtask", "--bin", "nova-usage-audit"];
    sh::run(&mut workspace.cargo(packages))?;
    build::place_beside(workspace, &directory)?;
    Ok(program)
}

/// Afresh each time, without what an earlier run wrote, so that each run is the first.
fn unpack(workspace: &Workspace) -> Result<Sample> {
    let from = workspace.root.join("tests/cells/month");
    let to = workspace.target.join("sample");
    if to.exists() {
        fs::remove_dir_all(&to).with_context(|| format!("cannot clear `{}`", to.display()))?;
    }
    fs::create_dir_all(&to).with_context(|| format!("cannot create `{}`", to.display()))?;

    let described = from.join("cell.json");
    let text = fs::read_to_string(&described).with_context(|| format!("cannot read `{}`", described.display()))?;
    let cell = serde_json::from_str(&text).with_context(|| format!("cannot read `{}`", described.display()))?;
    fs::write(to.join("cell.json"), text).with_context(|| format!("cannot write to `{}`", to.display()))?;

    let database = to.join("nova-cell.sqlite");
    unpack_xz(&from.join("nova-cell.sqlite.xz"), &database)?;
    Ok(Sample { cell, database, notifications: to.join("notifications.ndjson") })
}

fn unpack_xz(from: &Path, to: &Path) -> Result<()> {
    let packed = File::open(from).with_context(|| format!("cannot open `{}`", from.display()))?;
    let mut unpacked = File::create(to).with_context(|| format!("cannot create `{}`", to.display()))?;
    io::copy(&mut XzDecoder::new(packed), &mut unpacked)
        .with_context(|| format!("cannot unpack `{}`", from.display()))?;
    Ok(())
}

/// The options of the audit: the sample's own, except where the caller gave them.
fn with_defaults(sample: &Sample, options: &[OsString]) -> Vec<OsString> {
    let given = |flag: &str| {
        options.iter().any(|option| {
            let option = option.to_string_lossy();
            option == flag || option.strip_prefix(flag).is_some_and(|rest| rest.starts_with('='))
        })
    };
    let cell = &sample.cell;
    let defaults = [
        ("--database", Some(format!("sqlite:{}", Workspace::shown(&sample.database)))),
        ("--all-hosts", None),
        ("--period", Some(cell.instance_usage_audit_period.clone())),
        ("--now", Some(cell.now.clone())),
        ("--format", Some(cell.notification_format.clone())),
        ("--image-endpoint", Some(cell.glance_endpoint.clone())),
        ("--notify", Some(format!("ndjson:{}", Workspace::shown(&sample.notifications)))),
    ];
    let mut arguments = vec![OsString::from("run")];
    for (flag, value) in defaults {
        if given(flag) || flag == "--all-hosts" && given("--host") {
            continue;
        }
        arguments.push(flag.into());
        arguments.extend(value.map(OsString::from));
    }
    arguments.extend(options.iter().cloned());
    arguments
}

/// What was written where, and what to try next.
fn tell(program: &Path, sample: &Sample, arguments: &[OsString]) -> Result<()> {
    let (now, period) = (&sample.cell.now, &sample.cell.instance_usage_audit_period);
    let database = format!("sqlite:{}", Workspace::shown(&sample.database));
    let command = |arguments: &[&str]| line(program, arguments);

    eprintln!("\nWritten");
    if sample.notifications.exists() {
        eprintln!(
            "  {}: {} notifications, one per line",
            Workspace::shown(&sample.notifications),
            lines(&sample.notifications)?
        );
    }
    eprintln!("  {}: a row in `task_log` for each host that was audited", Workspace::shown(&sample.database));
    eprintln!("\nNext");
    eprintln!("  Who has run the window, and with how many errors:");
    eprintln!("    {}", command(&["status", "--database", &database, "--period", period, "--now", now]));
    eprintln!("  The same audit again, which does nothing, because the task log says that it has been run:");
    eprintln!("    {}", line(program, arguments));
    eprintln!("  The windows, newest first:");
    eprintln!("    {}", command(&["periods", "--period", period, "--now", now, "--count", "6"]));
    eprintln!("  Afresh, with options of your own:");
    eprintln!("    cargo xtask run -- --format versioned --json");
    Ok(())
}

fn lines(path: &Path) -> Result<usize> {
    let file = File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
    let mut count = 0;
    for line in BufReader::new(file).split(b'\n') {
        line.with_context(|| format!("cannot read `{}`", path.display()))?;
        count += 1;
    }
    Ok(count)
}

fn line(program: &Path, arguments: &[impl AsRef<std::ffi::OsStr>]) -> String {
    let mut words = vec![sh::quote(Workspace::shown(program))];
    words.extend(arguments.iter().map(sh::quote));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(options: &[&str]) -> Vec<String> {
        let cell = Cell {
            now: "2026-11-01T00:17:03".into(),
            instance_usage_audit_period: "month".into(),
            notification_format: "both".into(),
            glance_endpoint: "http://glance.example:9292".into(),
        };
        let sample = Sample { cell, database: "s/c.sqlite".into(), notifications: "s/n.ndjson".into() };
        let options: Vec<OsString> = options.iter().map(OsString::from).collect();
        with_defaults(&sample, &options).iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_sample_speaks_for_itself() {
        assert_eq!(
            arguments(&[]).join(" "),
            "run --database sqlite:s/c.sqlite --all-hosts --period month --now 2026-11-01T00:17:03 --format both \
             --image-endpoint http://glance.example:9292 --notify ndjson:s/n.ndjson"
        );
    }

    #[test]
    fn an_option_given_replaces_the_sample_s_own() {
        assert_eq!(
            arguments(&["--host", "cmp-01", "--format=versioned", "--notify", "stdout"]).join(" "),
            "run --database sqlite:s/c.sqlite --period month --now 2026-11-01T00:17:03 \
             --image-endpoint http://glance.example:9292 --host cmp-01 --format=versioned --notify stdout"
        );
    }
}
