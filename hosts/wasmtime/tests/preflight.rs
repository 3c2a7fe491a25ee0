//! What `nova-usage-audit run` checks before it writes, and `--dry-run`.

mod common;

use std::ffi::OsString;
use std::fs;
use std::process::Command;

use common::Cell;
use common::audits::{Outcome, message_ids, outcome, program, run, sent, task_log};
use serde_json::Value;

/// Returns the names and contents of the files in the cell's directory.
fn files(cell: &Cell) -> Vec<(OsString, Vec<u8>)> {
    let entries = fs::read_dir(cell.directory.path()).expect("a directory").map(|entry| entry.expect("an entry"));
    let mut files: Vec<_> = entries.map(|entry| (entry.file_name(), fs::read(entry.path()).expect("a file"))).collect();
    files.sort();
    files
}

/// Runs an audit that must be refused, and checks that it writes nothing.
#[track_caller]
fn refused(cell: &Cell, options: &str) -> String {
    let before = files(cell);
    let mut command = program(cell, "run");
    command.args(["--notify", "ndjson:new.ndjson"]).args(options.split(' '));
    let Outcome { status, stdout, stderr } = outcome(&mut command);
    assert_eq!((status, &stdout[..]), (Some(2), ""), "{options}: {stderr}");
    assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{options}: {stderr}");
    assert!(files(cell) == before, "{options}: a file was written");
    stderr
}

#[test]
fn rejects_a_release_that_does_not_fit_the_tables() {
    let cell = Cell::unpack("hour15");
    let error = refused(&cell, "--all-hosts --force --release grizzly");
    let expected = "the database has the tables of a Nova after 2013.1 (Grizzly): give `--release hibiscus`";
    assert!(error.contains(expected), "{error}");
}

#[tokio::test]
async fn rejects_unknown_hosts_and_names_the_nearest() {
    let cell = Cell::unpack("hour15");
    for (host, nearest) in [
        ("CMP-01", "`CMP-01` (the nearest names are `cmp-01`, `cmp-02`)"),
        ("cmp-1", "`cmp-1` (the nearest names are `cmp-01`, `cmp-02`)"),
        ("cmp-02.example.org", "`cmp-02.example.org` (the nearest names are `cmp-02`, `cmp-01`)"),
        ("storage", "names the host `storage`\n"),
        ("cmp-01 --host elsewhere", "names the host `elsewhere`\n"),
    ] {
        let error = refused(&cell, &format!("--force --host {host}"));
        assert!(error.contains(nearest), "{error}");
    }
    // A host is known by its service and by an instance outside the window.
    cell.execute(
        "INSERT INTO services (host, binary, report_count, deleted) VALUES ('idle', 'nova-compute', 0, 1); \
         UPDATE instances SET host = 'past', terminated_at = '2020-01-01 00:00:00' WHERE id = 1",
    )
    .await;
    let mut command = program(&cell, "run");
    command.args(["--notify", "ndjson:out.ndjson", "--force", "--host", "idle", "past"]);
    outcome(&mut command).expect(0, &[]);
    assert!(sent(&cell).is_empty());
}

#[tokio::test]
async fn rejects_a_time_after_the_clock_without_force() {
    let cell = Cell::unpack("hour15");
    let run = |options: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nova-usage-audit"));
        let fixed = "run --database sqlite:nova.sqlite --all-hosts --notify ndjson:out.ndjson";
        command.args(fixed.split(' ')).args(options.split(' ')).current_dir(cell.directory.path());
        outcome(&mut command)
    };
    let before = files(&cell);
    let refused = run("--now 2999-01-02");
    refused.expect(2, &["the time `2999-01-02T00:00:00` of `--now` is in the future", "`--force`"]);
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
    assert!(files(&cell) == before, "a file was written");
    run("--now 2999-01-02 --force").expect(0, &[]);
    // A time in the past needs no `--force`. The cell has no instances in that window.
    run("--now 2020-01-02").expect(0, &[]);
    let pool = cell.pool().await;
    let ends: Vec<String> = sqlx::query_scalar("SELECT DISTINCT date(period_ending) FROM task_log ORDER BY 1")
        .fetch_all(&pool)
        .await
        .expect("rows");
    assert_eq!(ends, ["2999-01-01"]);
    pool.close().await;
}

#[tokio::test]
async fn warns_of_instances_whose_host_is_not_text() {
    let whole = Cell::unpack("hour15");
    outcome(&mut run(&whole, "")).expect(0, &[]);
    let cell = Cell::unpack("hour15");
    cell.execute(
        "UPDATE instances SET host = CAST(x'ff01' AS TEXT) WHERE uuid = 'a7414f01-010c-4b51-abda-5a4f998d1525'",
    )
    .await;
    let pool = cell.pool().await;
    let sql = "SELECT id FROM instances WHERE uuid = 'a7414f01-010c-4b51-abda-5a4f998d1525'";
    let id: i64 = sqlx::query_scalar(sql).fetch_one(&pool).await.expect("an id");
    pool.close().await;

    let text = "warning: these rows of `instances` are not audited, because the name of their host is not text";
    outcome(&mut run(&cell, "")).expect(1, &[&format!("{text}: id `{id}`\n")]);
    let (all, others) = (message_ids(&sent(&whole)), message_ids(&sent(&cell)));
    assert_eq!(all.difference(&others).count(), 2, "the instance has a notification in each format");
    assert!(others.is_subset(&all));

    let status = outcome(&mut program(&cell, "status"));
    status.expect(1, &[]);
    assert!(status.stdout.ends_with(&format!("the name of their host is not text: `instances.id` `{id}`\n")));
    let status: Value = serde_json::from_str(&outcome(program(&cell, "status").arg("--json")).stdout).expect("JSON");
    assert_eq!(status["overall"], "errors");
    assert_eq!(status["instances_without_host_name"], Value::from(vec![id]));
}

#[tokio::test]
async fn a_dry_run_shows_what_is_to_audit_and_writes_nothing() {
    let cell = Cell::unpack("hour15");
    let before = files(&cell);
    let outcome_of = |options: &str| {
        let outcome = outcome(&mut run(&cell, options));
        assert_eq!((outcome.status, &outcome.stderr[..]), (Some(0), ""), "{options}: {}", outcome.stdout);
        outcome.stdout
    };
    let rows = |text: &str| {
        let rows =
            text.lines().skip(3).map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()));
        rows.map(Iterator::collect).collect::<Vec<Vec<String>>>()
    };
    let text = outcome_of("--dry-run");
    assert!(text.starts_with("A run would audit 2026-10-14 08:15:00 .. 2026-10-14 09:15:00; nothing is written\n"));
    let not_run =
        [["cmp-01", "10", "0", "0", "not run"], ["cmp-02", "9", "0", "0", "not run"], ["2 hosts", "19", "0", "0", ""]];
    assert_eq!(rows(&text), not_run);
    // It does not need the directory of the target either.
    let mut command = program(&cell, "run");
    command.args(["--dry-run", "--json", "--force", "--host", "cmp-02", "--notify", "ndjson:no/such/new.ndjson"]);
    let plan: Value = serde_json::from_str(&outcome(&mut command).stdout).expect("JSON");
    assert_eq!(plan["window"]["begin"], "2026-10-14T08:15:00.000000");
    let [host] = &plan["hosts"].as_array().expect("hosts")[..] else { panic!("one host: {plan}") };
    assert_eq!((&host["host"], &host["of"], &host["state"]), (&"cmp-02".into(), &9.into(), &"not run".into()));
    assert_eq!(plan["totals"], serde_json::json!({ "hosts": 1, "instances": 0, "of": 9, "errors": 0 }));
    assert!(files(&cell) == before, "a dry run wrote a file");

    cell.execute("UPDATE instance_extra SET flavor = '{' WHERE instance_uuid = 'a7414f01-010c-4b51-abda-5a4f998d1525'")
        .await;
    let mut command = program(&cell, "run");
    command.args(["--host", "cmp-01", "--force", "--notify", "ndjson:out.ndjson"]);
    outcome(&mut command).expect(1, &[]);
    let before = (files(&cell), task_log(&cell).await);
    let done =
        [["cmp-01", "10", "10", "1", "done"], ["cmp-02", "9", "0", "0", "not run"], ["2 hosts", "19", "10", "1", ""]];
    assert_eq!(rows(&outcome_of("--dry-run")), done);
    assert!((files(&cell), task_log(&cell).await) == before, "a dry run changed a file");
}
