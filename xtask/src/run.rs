//! `run`: audits the bundled sample, a cell database that the real Nova wrote.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use liblzma::read::XzDecoder;
use serde::Deserialize;

use crate::workspace::Workspace;
use crate::{build, files, process};

/// The part of the sample's `cell.json` that becomes options of the audit.
#[derive(Deserialize)]
struct Cell {
    now: String,
    instance_usage_audit_period: String,
    notification_format: String,
    glance_endpoint: String,
}

/// The unpacked sample.
struct Sample {
    cell: Cell,
    database: PathBuf,
    notifications: PathBuf,
}

/// Runs `cargo xtask run`.
pub fn run(workspace: &Workspace, options: &[OsString]) -> Result<()> {
    build::main_component(workspace)?;
    // The dev profile suffices, because the component does most of the work and is always optimised.
    let program = workspace.build_program(build::COMMAND, false)?;
    let sample = unpack(workspace)?;
    let arguments = with_defaults(&sample, options);
    eprintln!("\n$ {}\n", command_line(&program, &arguments));
    process::run(Command::new(&program).args(&arguments))?;
    if arguments.iter().any(|argument| argument == "--dry-run") {
        return Ok(());
    }
    report(&program, &sample, &arguments)
}

/// Unpacks the sample into an empty directory, so that every run starts from the same state.
fn unpack(workspace: &Workspace) -> Result<Sample> {
    let from = workspace.root.join("tests/cells/month");
    let to = workspace.target.join("sample");
    files::empty_directory(&to)?;
    files::copy(&from.join("cell.json"), &to)?;
    let cell = files::read_json(&to.join("cell.json"))?;
    let (packed, database) = (from.join("nova-cell.sqlite.xz"), to.join("nova-cell.sqlite"));
    let reader = File::open(&packed).with_context(|| format!("cannot open `{}`", packed.display()))?;
    let mut writer = File::create(&database).with_context(|| format!("cannot create `{}`", database.display()))?;
    io::copy(&mut XzDecoder::new(reader), &mut writer)
        .with_context(|| format!("cannot unpack `{}`", packed.display()))?;
    Ok(Sample { cell, database, notifications: to.join("notifications.ndjson") })
}

/// Returns the arguments of `nova-usage-audit`: the caller's options, and the sample's options that the caller does
/// not give.
fn with_defaults(sample: &Sample, options: &[OsString]) -> Vec<OsString> {
    let has = |flag: &str| {
        options.iter().any(|option| {
            let option = option.to_string_lossy();
            option == flag || option.strip_prefix(flag).is_some_and(|rest| rest.starts_with('='))
        })
    };
    let cell = &sample.cell;
    let defaults = [
        ("--database", Some(format!("sqlite:{}", Workspace::relative(&sample.database)))),
        ("--all-hosts", None),
        ("--period", Some(cell.instance_usage_audit_period.clone())),
        ("--now", Some(cell.now.clone())),
        ("--format", Some(cell.notification_format.clone())),
        ("--image-endpoint", Some(cell.glance_endpoint.clone())),
        ("--notify", Some(format!("ndjson:{}", Workspace::relative(&sample.notifications)))),
        // The time of the sample may be after the clock of this machine.
        ("--force", None),
    ];
    let mut arguments = vec![OsString::from("run")];
    for (flag, value) in defaults {
        if has(flag) || flag == "--all-hosts" && has("--host") {
            continue;
        }
        arguments.push(flag.into());
        arguments.extend(value.map(OsString::from));
    }
    arguments.extend(options.iter().cloned());
    arguments
}

/// Prints the files that the audit wrote, and commands to try next.
fn report(program: &Path, sample: &Sample, arguments: &[OsString]) -> Result<()> {
    let (now, period) = (&sample.cell.now, &sample.cell.instance_usage_audit_period);
    let (database, notifications) = (Workspace::relative(&sample.database), &sample.notifications);
    eprintln!("\nWritten");
    if notifications.exists() {
        let count = files::read_text(notifications)?.lines().count();
        eprintln!("  {}: {count} notifications, one per line", Workspace::relative(notifications));
    }
    eprintln!("  {database}: a row in `task_log` for each host that was audited");
    let database = format!("sqlite:{database}");
    let status = ["status", "--database", &database, "--period", period, "--now", now];
    let periods = ["periods", "--period", period, "--now", now, "--count", "6"];
    eprintln!("\nNext");
    eprintln!("  Show which hosts have audited the window, and with how many errors:");
    eprintln!("    {}", command_line(program, &status));
    eprintln!("  Repeat the audit, which does nothing, because the task log says that it is done:");
    eprintln!("    {}", command_line(program, arguments));
    eprintln!("  List the windows, newest first:");
    eprintln!("    {}", command_line(program, &periods));
    eprintln!("  Audit a fresh copy of the sample with other options, or only show what would be audited:");
    eprintln!("    cargo xtask run -- --format versioned --json");
    eprintln!("    cargo xtask run -- --dry-run");
    Ok(())
}

fn command_line(program: &Path, arguments: &[impl AsRef<OsStr>]) -> String {
    let mut words = vec![process::quote(Workspace::relative(program))];
    words.extend(arguments.iter().map(process::quote));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(options: &[&str]) -> String {
        let cell = Cell {
            now: "2026-11-01T00:17:03".into(),
            instance_usage_audit_period: "month".into(),
            notification_format: "both".into(),
            glance_endpoint: "http://glance.example:9292".into(),
        };
        let sample = Sample { cell, database: "s/c.sqlite".into(), notifications: "s/n.ndjson".into() };
        let options: Vec<OsString> = options.iter().map(OsString::from).collect();
        with_defaults(&sample, &options).join(OsStr::new(" ")).to_string_lossy().into_owned()
    }

    #[test]
    fn the_sample_has_default_options() {
        assert_eq!(
            arguments(&[]),
            "run --database sqlite:s/c.sqlite --all-hosts --period month --now 2026-11-01T00:17:03 --format both \
             --image-endpoint http://glance.example:9292 --notify ndjson:s/n.ndjson --force"
        );
    }

    #[test]
    fn an_option_of_the_caller_replaces_the_default() {
        assert_eq!(
            arguments(&["--host", "cmp-01", "--format=versioned", "--notify", "stdout"]),
            "run --database sqlite:s/c.sqlite --period month --now 2026-11-01T00:17:03 \
             --image-endpoint http://glance.example:9292 --force --host cmp-01 --format=versioned --notify stdout"
        );
    }
}
