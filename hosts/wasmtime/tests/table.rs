//! One test for each way in which the command once lost notifications, or said that all is well when it was not.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;

use common::audits::{
    Expected, grow, message_ids, outcome, program, run, run_into, sent, signal, task_log, wait_for_lines,
};
use common::{Cell, component_path, read_json};
use nova_compute_utils_wasmtime::audit::{AuditOptions, MessageIds};
use nova_compute_utils_wasmtime::types::{Config, Context, NotificationFormat, Release};
use nova_compute_utils_wasmtime::{Callbacks, Clock, Error, Limits, NdjsonNotifier, Runtime};
use serde_json::Value;

/// Returns a cell of two hosts. The first one has three pages of instances.
async fn cell() -> Cell {
    let cell = Cell::unpack("month");
    grow(&cell, 27).await;
    cell.execute("UPDATE instances SET host = CASE host WHEN 'cmp-04' THEN 'cmp-02' ELSE 'cmp-01' END; VACUUM").await;
    cell
}

/// Checks that the window is interrupted, that a further run says so, and that `--resume` completes it.
async fn assert_resumable(cell: &Cell, expected: &Expected) {
    outcome(&mut run(cell, "")).expect(4, &["host `cmp-01`: ", " instances; continue it with `", "--resume`"]);
    let status = outcome(&mut program(cell, "status"));
    status.expect(1, &[]);
    assert!(status.stdout.contains("resumable"), "{}", status.stdout);
    outcome(&mut run(cell, "--resume")).expect(0, &[]);
    expected.assert_file(cell);
    assert_eq!(task_log(cell).await, expected.task_log);
    outcome(&mut program(cell, "status")).expect(0, &[]);
}

#[tokio::test]
async fn a_killed_run_is_resumable() {
    let whole = cell().await;
    let expected = Expected::of(&whole).await;
    for (name, number) in [("KILL", 9), ("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let cell = whole.copy();
        let mut child = run(&cell, "").spawn().expect("the program");
        wait_for_lines(&cell, &mut child, 1);
        signal(&child, name);
        let output = child.wait_with_output().expect("the program");
        let stderr = String::from_utf8_lossy(&output.stderr);
        if name == "KILL" {
            assert_eq!(output.status.signal(), Some(number), "{name}: {stderr}");
        } else {
            assert_eq!(output.status.code(), Some(128 + number), "{name}: {stderr}");
            assert!(stderr.contains("interrupted: host `cmp-01` got to "), "{name}: {stderr}");
            assert!(stderr.contains("; continue with `") && stderr.contains(" --resume`"), "{name}: {stderr}");
        }
        assert_resumable(&cell, &expected).await;
    }
}

#[tokio::test]
async fn a_database_lock_over_five_seconds_leaves_the_window_resumable() {
    let cell = cell().await;
    let expected = Expected::of(&cell).await;
    let mut child = run(&cell, "").spawn().expect("the program");
    wait_for_lines(&cell, &mut child, 1);
    signal(&child, "STOP");
    let pool = cell.pool().await;
    let mut writer = pool.acquire().await.expect("a connection");
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *writer).await.expect("a lock");
    signal(&child, "CONT");
    let output = child.wait_with_output().expect("the program");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(
        stderr.contains("database is locked by another writer") && stderr.contains("continue it with `"),
        "{stderr}"
    );
    sqlx::raw_sql("ROLLBACK").execute(&mut *writer).await.expect("an unlocked database");
    drop(writer);
    pool.close().await;
    assert_resumable(&cell, &expected).await;
}

/// The component stops in the middle of a page, because it may not use more memory.
#[tokio::test]
async fn a_trap_of_the_component_leaves_the_window_resumable() {
    let cell = cell().await;
    let expected = Expected::of(&cell).await;
    let settings = read_json(&cell.golden("cell.json"));
    let setting = |name: &str| settings[name].as_str().expect("a setting").to_owned();
    let now = setting("now").parse().expect("a time");
    let config = Config {
        instance_usage_audit_period: setting("instance_usage_audit_period"),
        notification_format: NotificationFormat::Both,
        ..Config::new(Release::Hibiscus, "cmp-01")
    };
    let options = AuditOptions { message_ids: MessageIds::Deterministic, ..no_options() };
    // With the least memory that is enough for the list of instances, the notifications do not fit in.
    let mut megabytes = 1;
    while task_log(&cell).await.is_empty() {
        let runtime = Runtime::new(Limits { memory: megabytes << 20, ..Limits::default() }).expect("an engine");
        let plugin = runtime.load(component_path()).expect("the component");
        let conductor = cell.conductor(Clock::Fixed(now)).await;
        let state = conductor.default_state();
        let conductor = conductor.with_state(state).await.expect("a state file");
        let notifier = NdjsonNotifier::append(cell.file("out.ndjson")).expect("a notifier");
        let callbacks = Callbacks { conductor: conductor.clone(), notifier };
        let stopped = match plugin.instantiate(callbacks, Clock::Fixed(now)).await {
            Ok(mut component) => component.instance_usage_audit(&config, &Context::default(), options).await.map(drop),
            Err(error) => Err(error),
        };
        conductor.close_state().await;
        assert!(matches!(stopped, Err(Error::Stopped(_) | Error::Instantiate(_))), "{megabytes} MiB: {stopped:?}");
        megabytes += 1;
    }
    assert_eq!(task_log(&cell).await[0][1], "RUNNING");
    assert_resumable(&cell, &expected).await;
}

fn no_options() -> AuditOptions {
    AuditOptions { resume: false, give_up: false, retry_failed: false, message_ids: MessageIds::Random }
}

#[tokio::test]
async fn a_row_that_is_deleted_by_hand_gives_the_same_message_ids() {
    let cell = cell().await;
    let expected = Expected::of(&cell).await;
    let mut child = run(&cell, "").spawn().expect("the program");
    wait_for_lines(&cell, &mut child, 1);
    signal(&child, "TERM");
    child.wait().expect("a status");
    cell.execute("DELETE FROM task_log").await;
    let before = sent(&cell).len();
    assert!(before > 0);
    outcome(&mut run(&cell, "")).expect(0, &[]);
    let sent = sent(&cell);
    assert_eq!(sent.len(), before + expected.message_ids.len(), "the file has each line that was sent");
    assert_eq!(
        message_ids(&sent).symmetric_difference(&expected.message_ids).next(),
        None,
        "a notification has two ids"
    );
}

#[tokio::test]
async fn a_full_target_leaves_the_window_resumable() {
    let cell = cell().await;
    let expected = Expected::of(&cell).await;
    outcome(&mut run_into(&cell, "ndjson:/dev/full", "")).expect(3, &["No space left on device", "; not audited: "]);
    assert_eq!(task_log(&cell).await.iter().map(|row| row[1].clone()).collect::<Vec<_>>(), ["RUNNING"]);
    assert_resumable(&cell, &expected).await;
}

#[tokio::test]
async fn a_pipe_that_closes_leaves_the_window_resumable() {
    let cell = cell().await;
    let expected = Expected::of(&cell).await;
    let mut child = run_into(&cell, "stdout", "").spawn().expect("the program");
    let pipe = BufReader::new(child.stdout.take().expect("a pipe"));
    let read: Vec<String> = pipe.lines().take(300).map(|line| line.expect("a line")).collect();
    let output = child.wait_with_output().expect("the program");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("Broken pipe") && stderr.contains("continue it with `"), "{stderr}");
    assert_eq!(task_log(&cell).await[0][1], "RUNNING");
    // It audits the other host.
    let again = outcome(&mut run_into(&cell, "stdout", ""));
    again.expect(4, &["host `cmp-01`: "]);
    let rest = outcome(&mut run_into(&cell, "stdout", "--resume"));
    rest.expect(0, &[]);

    // A pipe has no position, so the page that was cut off is sent again under the same ids.
    let lines = read.iter().map(String::as_str).chain(again.stdout.lines()).chain(rest.stdout.lines());
    let sent: Vec<Value> = lines.map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(message_ids(&sent).symmetric_difference(&expected.message_ids).next(), None);
    assert_eq!(task_log(&cell).await, expected.task_log);
}

/// Returns the UUID of an instance on the second page of the first host.
fn on_the_second_page(expected: &[Value]) -> String {
    let of_host = expected.iter().filter(|line| line["publisher_id"] == "compute.cmp-01");
    let mut instances = of_host.filter(|line| line["event_type"] == "compute.instance.exists");
    let line = instances.nth(600).expect("a second page");
    line["payload"]["instance_id"].as_str().expect("a UUID").to_owned()
}

#[tokio::test]
async fn an_unreadable_instance_is_one_error_and_is_sent_when_it_is_repaired() {
    let whole = cell().await;
    let expected = Expected::of(&whole).await;
    let audited = whole.copy();
    outcome(&mut run(&audited, "")).expect(0, &[]);
    let uuid = on_the_second_page(&sent(&audited));
    for (column, value) in
        [("display_name", "CAST(x'ff61' AS TEXT)"), ("memory_mb", "'many'"), ("launched_at", "'yesterday'")]
    {
        let cell = whole.copy();
        cell.execute(&format!(
            "CREATE TABLE good AS SELECT {column} FROM instances WHERE uuid = '{uuid}'; \
             UPDATE instances SET {column} = {value} WHERE uuid = '{uuid}'"
        ))
        .await;
        let broken = outcome(&mut run(&cell, "--json"));
        broken.expect(1, &[&uuid, column]);
        let summary: Value = serde_json::from_str(&broken.stdout).expect("JSON");
        let host = &summary["hosts"][0];
        assert_eq!(host["errors"], 1, "{column}: {host}");
        assert_eq!(host["failures"][0]["instance_uuid"], uuid.as_str(), "{column}: {host}");
        assert!(host["failures"][0].to_string().contains(column), "{column}: {host}");
        assert_eq!(summary["hosts"][1]["errors"], 0, "{column}: {summary}");
        let ids = message_ids(&sent(&cell));
        assert!(ids.is_subset(&expected.message_ids), "{column}");
        assert_eq!(
            ids.len() + 2,
            expected.message_ids.len(),
            "{column}: the instance has a notification of each format"
        );
        outcome(&mut program(&cell, "status")).expect(1, &[]);
        outcome(&mut run(&cell, "--retry-failed")).expect(1, &[&uuid, column]);

        let repair = format!("UPDATE instances SET {column} = (SELECT {column} FROM good) WHERE uuid = '{uuid}'");
        cell.execute(&(repair + "; DROP TABLE good")).await;
        outcome(&mut run(&cell, "--retry-failed")).expect(0, &[]);
        expected.assert_file(&cell);
        assert_eq!(task_log(&cell).await, expected.task_log, "{column}");
        outcome(&mut program(&cell, "status")).expect(0, &[]);
    }
}

#[tokio::test]
async fn a_cell_without_compute_ids_is_audited() {
    let cell = Cell::unpack("month");
    let expected = Expected::of(&cell).await;
    // Nova has had the column since 2023.2.
    cell.execute("DROP INDEX instances_compute_id_deleted_idx; ALTER TABLE instances DROP COLUMN compute_id").await;
    outcome(&mut run(&cell, "")).expect(0, &[]);
    expected.assert_file(&cell);
    assert_eq!(task_log(&cell).await, expected.task_log);
}

#[tokio::test]
async fn options_that_would_burn_the_window_are_refused() {
    let cell = Cell::unpack("month");
    let audit = |options: &str| {
        let mut command = program(&cell, "run");
        command.args(["--format", "both", "--notify", "ndjson:out.ndjson"]).args(options.split_whitespace());
        command
    };
    let files = || fs::read_dir(cell.directory.path()).expect("a directory").count();
    let before = files();
    outcome(&mut audit("--all-hosts --force --release grizzly")).expect(2, &["Grizzly"]);
    outcome(&mut audit("--host CMP-01 --force")).expect(2, &["`CMP-01`", "`cmp-01`"]);
    outcome(&mut audit("--host cmp-01 cmp-0l --force")).expect(2, &["`cmp-0l`", "`cmp-01`"]);

    // The option `--now` of the helper is replaced, because a command line has it once.
    let at = |time: &str, options: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_nova-usage-audit"));
        command.arg("run").arg("--component").arg(component_path()).args(["--now", time, "--all-hosts"]);
        command.args(["--database", "sqlite:nova.sqlite", "--notify", "ndjson:out.ndjson"]);
        command.args(options.split_whitespace()).current_dir(cell.directory.path());
        command
    };
    outcome(&mut at("2999-01-01", "")).expect(2, &["2999-01-01", "`--force`"]);
    assert_eq!((task_log(&cell).await.len(), files()), (0, before), "something is written");

    let expected = Expected::of(&cell).await;
    outcome(&mut run(&cell, "")).expect(0, &[]);
    expected.assert_file(&cell);
}

#[tokio::test]
async fn status_succeeds_only_when_every_host_is_done_without_errors() {
    let cell = Cell::unpack("month");
    let status = |cell: &Cell| {
        let outcome = outcome(program(cell, "status").arg("--json"));
        let report: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
        (outcome.status, report["hosts"].as_array().expect("hosts").len())
    };
    assert_eq!(status(&cell), (Some(1), 4), "no host is audited");
    outcome(&mut run_into(&cell, "ndjson:/dev/full", "")).expect(3, &[]);
    assert_eq!(status(&cell), (Some(1), 4), "a host is interrupted");
    outcome(&mut run(&cell, "--give-up")).expect(1, &[]);
    assert_eq!(status(&cell), (Some(1), 4), "a host is done with 14 errors of 14");
    outcome(&mut run(&cell, "--retry-failed")).expect(0, &[]);
    assert_eq!(status(&cell), (Some(0), 4));
}
