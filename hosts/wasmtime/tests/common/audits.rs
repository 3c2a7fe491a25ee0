//! Helpers for the tests that run the command `nova-usage-audit` on a cell and check what it wrote.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Cell, component_path, read_json};

/// The file of notifications of the tests.
pub const OUT: &str = "out.ndjson";

/// Returns a subcommand with the component, the database, and the time and period of the cell.
pub fn program(cell: &Cell, subcommand: &str) -> Command {
    let mut command = program_without_component(cell, subcommand);
    command.arg("--component").arg(component_path());
    command
}

/// Returns a subcommand with the database, and the time and period of the cell.
pub fn program_without_component(cell: &Cell, subcommand: &str) -> Command {
    let settings = read_json(&cell.golden("cell.json"));
    let setting = |name: &str| settings[name].as_str().expect("a setting").to_owned();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nova-usage-audit"));
    command.arg(subcommand);
    command.args(["--now", &setting("now"), "--period", &setting("instance_usage_audit_period")]);
    command.args(["--database", "sqlite:nova.sqlite"]).current_dir(cell.directory.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Returns an audit of all hosts in both formats, into [`OUT`], with more options.
pub fn run(cell: &Cell, options: &str) -> Command {
    run_into(cell, "ndjson:out.ndjson", options)
}

/// Returns an audit of all hosts in both formats, with a target of the notifications and more options.
pub fn run_into(cell: &Cell, target: &str, options: &str) -> Command {
    let mut command = program(cell, "run");
    // With `--force` the tests do not depend on the clock of the machine.
    command.args(["--all-hosts", "--format", "both", "--force", "--notify", target]).args(options.split_whitespace());
    command
}

/// The exit status and the output of a run.
#[derive(Debug)]
pub struct Outcome {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Checks the exit status and that the errors contain some texts.
    #[track_caller]
    pub fn expect(&self, status: i32, texts: &[&str]) {
        assert_eq!(self.status, Some(status), "{}{}", self.stdout, self.stderr);
        for text in texts {
            assert!(self.stderr.contains(text), "no `{text}` in: {}", self.stderr);
        }
    }
}

impl From<Output> for Outcome {
    fn from(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { status: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }
}

pub fn outcome(command: &mut Command) -> Outcome {
    command.output().expect("the program").into()
}

/// Returns the entries and the summary that `verify` and `reconcile` print as JSON.
pub fn listing(outcome: &Outcome) -> (Vec<Value>, Value) {
    let mut lines: Vec<Value> = outcome.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let summary = lines.pop().expect("a summary")["summary"].take();
    (lines, summary)
}

/// Returns one line per value.
pub fn ndjson<'a>(values: impl IntoIterator<Item = &'a Value>) -> String {
    let mut text = String::new();
    for value in values {
        text += &value.to_string();
        text.push('\n');
    }
    text
}

/// Copies the instances of a cell and everything that belongs to them, under new UUIDs.
pub async fn grow(cell: &Cell, copies: usize) {
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

/// Returns a cell of 2,000 instances in the window on 40 hosts. The first host has three pages of instances, the others
/// have one.
pub async fn large_cell() -> Cell {
    let cell = Cell::unpack("month");
    // The month cell has 50 instances in the window.
    grow(&cell, 39).await;
    cell.execute(
        "UPDATE instances SET host = CASE WHEN id % 2 THEN 'cmp-01' ELSE printf('cmp-%02d', 2 + id / 2 % 39) END; VACUUM",
    )
    .await;
    cell
}

/// Returns the number of whole lines in a file, 0 if it does not exist.
pub fn lines(file: &Path) -> usize {
    fs::read(file).map_or(0, |bytes| bytes.split(|byte| *byte == b'\n').count() - 1)
}

/// Waits until [`OUT`] has some lines or the program has ended.
pub fn wait_for_lines(cell: &Cell, child: &mut Child, count: usize) {
    while lines(&cell.file(OUT)) < count && child.try_wait().expect("a status").is_none() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Sends a signal, such as `KILL`, to a child process.
pub fn signal(child: &Child, name: &str) {
    // The exit status is not checked: a child that has ended is no error.
    Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).output().expect("kill");
}

/// Starts a run, kills it when [`OUT`] has some lines, and checks that it did not end before.
pub fn kill_at(cell: &Cell, mut command: Command, count: usize) {
    let mut child = command.spawn().expect("the program");
    wait_for_lines(cell, &mut child, count);
    signal(&child, "KILL");
    let output = child.wait_with_output().expect("the program");
    assert_eq!(output.status.code(), None, "it ended first: {}", String::from_utf8_lossy(&output.stderr));
}

/// Returns the notifications of a file, which must end with a whole line.
pub fn notifications(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert!(text.is_empty() || text.ends_with('\n'), "the last line of {} is partial", file.display());
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Returns the notifications in [`OUT`].
pub fn sent(cell: &Cell) -> Vec<Value> {
    notifications(&cell.file(OUT))
}

pub fn message_ids(notifications: &[Value]) -> BTreeSet<String> {
    notifications.iter().map(|line| line["message_id"].as_str().expect("an id").to_owned()).collect()
}

/// Returns the notifications without their ids and timestamps.
pub fn contents(notifications: &[Value]) -> BTreeSet<String> {
    let content = |line: &Value| {
        let mut line = line.clone();
        let keys = line.as_object_mut().expect("an object");
        keys.retain(|key, _| key != "message_id" && key != "timestamp");
        line.to_string()
    };
    notifications.iter().map(content).collect()
}

/// Returns the rows of the task log by host, without the seconds in their messages.
pub async fn task_log(cell: &Cell) -> Vec<Value> {
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

/// What an uninterrupted audit of a cell writes.
pub struct Expected {
    pub message_ids: BTreeSet<String>,
    pub contents: BTreeSet<String>,
    pub task_log: Vec<Value>,
    /// The time that it takes.
    pub time: Duration,
}

impl Expected {
    /// Audits a copy of the cell without an interruption.
    pub async fn of(cell: &Cell) -> Self {
        let whole = cell.copy();
        let start = Instant::now();
        outcome(&mut run(&whole, "")).expect(0, &[]);
        let (time, sent) = (start.elapsed(), sent(&whole));
        let (message_ids, contents) = (message_ids(&sent), contents(&sent));
        let expected = Self { message_ids, contents, task_log: task_log(&whole).await, time };
        assert_eq!((expected.message_ids.len(), expected.contents.len()), (sent.len(), sent.len()));
        expected
    }

    /// Checks that the cell's audit is complete: every notification is in the file exactly once, and the task log is as
    /// an uninterrupted run leaves it.
    #[track_caller]
    pub fn assert_file(&self, cell: &Cell) {
        let sent = sent(cell);
        assert_eq!(message_ids(&sent).symmetric_difference(&self.message_ids).next(), None);
        self.assert_contents(&sent);
    }

    /// Checks that every notification is there exactly once, whatever the message ids are.
    #[track_caller]
    pub fn assert_contents(&self, sent: &[Value]) {
        let lost: Vec<_> = self.contents.difference(&contents(sent)).cloned().collect();
        assert!(lost.is_empty(), "{} of {} notifications are lost: {}", lost.len(), self.contents.len(), lost[0]);
        assert_eq!(sent.len(), self.contents.len(), "a notification is there twice, or one that no instance has");
        assert_eq!(message_ids(sent).len(), sent.len(), "a message id is there twice");
    }
}
