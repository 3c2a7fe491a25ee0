//! Interrupted audits: however a run ends, `--resume` sends every notification exactly once.
#![cfg(target_os = "linux")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use common::{Cell, component_path, read_json};
use serde_json::Value;

/// The copies of each instance in a grown cell.
const COPIES: usize = 38;

fn program(cell: &Cell, subcommand: &str) -> Command {
    let settings = read_json(&cell.golden("cell.json"));
    let setting = |name: &str| settings[name].as_str().expect("a setting").to_owned();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nova-usage-audit"));
    command.arg(subcommand).arg("--component").arg(component_path());
    command.args(["--now", &setting("now"), "--period", &setting("instance_usage_audit_period")]);
    command.args(["--database", "sqlite:nova.sqlite"]).current_dir(cell.directory.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn run(cell: &Cell, options: &str) -> Command {
    let mut command = program(cell, "run");
    command.args(["--all-hosts", "--format", "both"]).args(options.split_whitespace());
    command
}

fn outcome(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().expect("the program");
    (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
}

/// Copies the instances of a cell and everything that belongs to them, under new UUIDs.
async fn grow(cell: &Cell, copies: usize) {
    let pool = cell.pool().await;
    let mut sql = String::from("BEGIN;");
    for (table, key) in [
        ("instance_extra", "instance_uuid"),
        ("instance_info_caches", "instance_uuid"),
        ("instance_system_metadata", "instance_uuid"),
        ("instance_metadata", "instance_uuid"),
        ("instances", "uuid"),
    ] {
        let names = format!("SELECT name FROM pragma_table_info('{table}') WHERE name NOT IN ('id', '{key}')");
        let names: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(names)).fetch_all(&pool).await.expect("columns");
        let names = names.join(", ");
        let source = format!("CREATE TEMP TABLE source_{table} AS SELECT {key}, {names} FROM {table};");
        sql += &source;
        for copy in 1..=copies {
            let insert = format!(
                "INSERT INTO {table} ({key}, {names}) \
                 SELECT substr({key}, 1, 32) || printf('%04x', {copy} * 7 + 1), {names} FROM source_{table};"
            );
            sql += &insert;
        }
    }
    pool.close().await;
    cell.execute(&(sql + "COMMIT")).await;
}

fn lines(file: &Path) -> usize {
    fs::read(file).map_or(0, |bytes| bytes.split(|byte| *byte == b'\n').count() - 1)
}

fn sent(cell: &Cell) -> Vec<Value> {
    let text = fs::read_to_string(cell.directory.path().join("out.ndjson")).expect("a file");
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Returns the rows of the task log by host, without the seconds in their messages.
async fn task_log(cell: &Cell) -> Vec<Value> {
    let sql = "SELECT json_array(host, state, task_items, errors, message) FROM task_log ORDER BY host";
    let pool = cell.pool().await;
    let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&pool).await.expect("rows");
    pool.close().await;
    let row = |text: &String| {
        let mut row: Value = serde_json::from_str(text).expect("JSON");
        let message = row[4].as_str().expect("a message");
        let start = message.rsplit_once(" in ").map_or(message, |(start, _)| start);
        row[4] = start.into();
        row
    };
    rows.iter().map(row).collect()
}

/// Waits until the file has some lines or the program has ended.
fn wait_for_lines(child: &mut Child, file: &Path, count: usize) {
    while lines(file) < count && child.try_wait().expect("a status").is_none() {
        thread::sleep(Duration::from_millis(1));
    }
}

fn messages(sent: &[Value]) -> BTreeSet<String> {
    sent.iter().map(|line| line["message_id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn killed_runs_lose_nothing_and_write_nothing_twice() {
    let whole = Cell::unpack("month");
    grow(&whole, COPIES).await;
    let (status, stderr) = outcome(&mut run(&whole, "--notify ndjson:out.ndjson"));
    assert!(matches!(status, Some(0 | 1)), "{stderr}");
    let expected = messages(&sent(&whole));
    let expected_rows = task_log(&whole).await;
    assert!(expected.len() > 600, "{}", expected.len());
    assert_eq!(sent(&whole).len(), expected.len(), "one id per notification");

    let mut interrupted = 0;
    for (number, signal) in ["KILL", "TERM", "INT", "KILL"].into_iter().enumerate() {
        let cell = Cell::unpack("month");
        grow(&cell, COPIES).await;
        let file = cell.directory.path().join("out.ndjson");
        // Seeded points, spread over the file.
        let mut after = 1 + number * 600;
        let mut options = "--notify ndjson:out.ndjson";
        loop {
            let mut child = run(&cell, options).spawn().expect("the program");
            wait_for_lines(&mut child, &file, after);
            let kill = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).output();
            kill.expect("kill");
            let status = child.wait().expect("a status");
            match status.code() {
                None => interrupted += 1,
                Some(0 | 1) => break,
                Some(code) => panic!("exit status {code} after {signal} at {after} lines"),
            }
            after = lines(&file) + 1 + number * 530;
            options = "--notify ndjson:out.ndjson --resume";
        }
        let lines = sent(&cell);
        assert_eq!(messages(&lines), expected, "{signal}");
        assert_eq!(lines.len(), expected.len(), "{signal}: a line is there twice");
        assert_eq!(task_log(&cell).await, expected_rows, "{signal}");
    }
    assert!(interrupted > 0, "no run was interrupted");
}

#[tokio::test]
async fn a_full_disk_leaves_the_window_resumable() {
    let cell = Cell::unpack("month");
    let (status, stderr) = outcome(&mut run(&cell, "--notify ndjson:/dev/full"));
    assert_eq!(status, Some(3), "{stderr}");
    assert!(
        stderr.contains("No space left on device (os error 28); continue it with `") && stderr.contains(" --resume`"),
        "{stderr}"
    );
    assert_eq!(task_log(&cell).await[0][1], "RUNNING");

    let mut again = program(&cell, "run");
    again.args(["--host", "cmp-01", "--format", "both", "--notify", "ndjson:out.ndjson"]);
    let (status, stderr) = outcome(&mut again);
    assert_eq!(status, Some(4), "{stderr}");
    assert!(stderr.contains("0 of 14 instances; continue it with `"), "{stderr}");

    let output = program(&cell, "status").stdout(Stdio::piped()).output().expect("the program");
    assert!(String::from_utf8_lossy(&output.stdout).contains("running, resumable"));

    let (status, stderr) = outcome(&mut run(&cell, "--notify ndjson:out.ndjson --resume"));
    assert_eq!(status, Some(0), "{stderr}");
    assert!(task_log(&cell).await.iter().all(|row| row[1] == "DONE" && row[3] == 0));
    assert_eq!(messages(&sent(&cell)).len(), sent(&cell).len());
}

#[tokio::test]
async fn gives_up_as_nova_does() {
    let cell = Cell::unpack("month");
    assert_eq!(outcome(&mut run(&cell, "--notify ndjson:/dev/full")).0, Some(3));
    let (status, stderr) = outcome(&mut run(&cell, "--notify ndjson:out.ndjson --give-up"));
    assert_eq!(status, Some(1), "{stderr}");
    let rows = task_log(&cell).await;
    assert_eq!((&rows[0][1], &rows[0][2], &rows[0][3]), (&"DONE".into(), &14.into(), &14.into()));
}

#[tokio::test]
async fn refuses_a_running_audit_without_a_checkpoint() {
    let cell = Cell::unpack("month");
    assert_eq!(outcome(&mut run(&cell, "--notify ndjson:/dev/full")).0, Some(3));
    // A lost state file is a safe start: the row stays as it is.
    fs::remove_file(cell.directory.path().join("nova.sqlite.audit-state")).expect("a state file");
    for options in ["--notify ndjson:out.ndjson", "--notify ndjson:out.ndjson --resume"] {
        let (status, stderr) = outcome(&mut run(&cell, options));
        assert_eq!(status, Some(4), "{stderr}");
        assert!(stderr.contains("host `cmp-01`: the audit of this window is running"), "{stderr}");
        assert!(stderr.contains("it has no checkpoint"), "{stderr}");
    }
    assert_eq!(task_log(&cell).await[0][1], "RUNNING");
}

#[tokio::test]
async fn refuses_state_files_that_are_not_of_this_cell() {
    let other = Cell::unpack("month");
    assert_eq!(outcome(&mut run(&other, "--notify ndjson:out.ndjson")).0, Some(0));
    let state = fs::read(other.directory.path().join("nova.sqlite.audit-state")).expect("a state file");

    let cell = Cell::unpack("month");
    let path = cell.directory.path().join("my-state");
    let nova = fs::read(cell.path()).expect("a file");
    let half = state[..state.len() / 2].to_vec();
    for (content, expected) in [
        (state, "belongs to the database `"),
        (half, "or it is damaged"),
        (b"a text file, not a database\n".repeat(200), "or it is damaged"),
        (nova, "`my-state` is not a state file"),
    ] {
        fs::write(&path, &content).expect("a file");
        let (status, stderr) = outcome(&mut run(&cell, "--notify ndjson:out.ndjson --state my-state"));
        assert_eq!(status, Some(2), "{stderr}");
        assert!(stderr.contains("my-state") && stderr.contains(expected), "{stderr}");
        assert!(fs::read(&path).expect("a file") == content, "the refused file changed");
        assert!(!cell.directory.path().join("out.ndjson").exists());
    }
    assert_eq!(task_log(&cell).await, Vec::<Value>::new());
}

#[tokio::test]
async fn refuses_a_second_run_on_the_same_state() {
    let cell = Cell::unpack("month");
    let conductor = cell.conductor(nova_compute_utils_wasmtime::Clock::System).await;
    let state = conductor.default_state();
    let conductor = conductor.with_state(&state).await.expect("a state file");
    let (status, stderr) = outcome(&mut run(&cell, "--notify ndjson:out.ndjson"));
    assert_eq!(status, Some(4), "{stderr}");
    assert!(stderr.starts_with("error: another run uses the state file `"), "{stderr}");
    conductor.close_state().await;
    assert_eq!(outcome(&mut run(&cell, "--notify ndjson:out.ndjson")).0, Some(0));
}
