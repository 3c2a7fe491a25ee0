//! Signals: the first one stops a run after the page at hand, the second one at once, and neither loses anything.
#![cfg(target_os = "linux")]

mod common;

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use common::Cell;
use common::audits::{Expected, grow, run_into, signal, task_log};
use serde_json::Value;

/// The signals and the exit statuses that `--help` lists.
const SIGNALS: [(&str, i32); 3] = [("HUP", 129), ("INT", 130), ("TERM", 143)];

/// Returns a cell whose first host has two pages of instances.
async fn cell() -> Cell {
    let cell = Cell::unpack("month");
    grow(&cell, 12).await;
    cell.execute("UPDATE instances SET host = CASE WHEN id % 10 THEN 'cmp-01' ELSE 'cmp-02' END").await;
    cell
}

/// A run that writes its notifications to a pipe, which the test reads when the run shall go on.
struct Paused {
    child: Child,
    notifications: BufReader<io::PipeReader>,
}

impl Paused {
    /// Starts a run and waits for the first notification. The page at hand does not fit into the pipe.
    fn start(cell: &Cell, options: &str) -> Self {
        Self::spawn(&mut run_into(cell, "stdout", options))
    }

    fn spawn(command: &mut Command) -> Self {
        let (reader, writer) = io::pipe().expect("a pipe");
        let child = command.stdout(writer).spawn().expect("the program");
        // The test keeps no end of the pipe open that the program writes to.
        command.stdout(Stdio::null());
        let mut notifications = BufReader::with_capacity(1, reader);
        notifications.fill_buf().expect("a notification");
        Self { child, notifications }
    }

    /// Lets the run go on to its end. Returns the lines that it wrote, its exit status and its errors.
    fn finish(mut self) -> (Vec<Value>, Option<i32>, String) {
        let mut text = String::new();
        self.notifications.read_to_string(&mut text).expect("notifications");
        let output = self.child.wait_with_output().expect("the program");
        let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        (lines, output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
    }
}

/// Waits until the program has heard a signal, which it reports.
fn wait_for_report(child: &mut Child) -> String {
    let mut line = String::new();
    let mut byte = [0];
    let stderr = child.stderr.as_mut().expect("a pipe");
    while !line.ends_with('\n') && stderr.read(&mut byte).expect("a byte") == 1 {
        line.push(char::from(byte[0]));
    }
    line
}

#[tokio::test]
async fn the_first_signal_stops_a_run_after_the_page_at_hand() {
    let cell = cell().await;
    let expected = Expected::of(&cell).await;
    for (name, status) in SIGNALS {
        let cell = cell.copy();
        let mut run = Paused::start(&cell, "--json");
        signal(&run.child, name);
        assert!(wait_for_report(&mut run.child).starts_with("interrupted: this run stops after the page at hand"));
        let (mut lines, code, stderr) = run.finish();
        assert_eq!(code, Some(status), "{stderr}");
        // The page at hand is finished: 500 instances in both formats.
        assert_eq!(lines.len(), 1000, "{name}");
        let summary: Value = serde_json::from_str(stderr.lines().next().expect("a summary")).expect("JSON");
        assert_eq!(
            (&summary["hosts"][0]["audit"], &summary["hosts"][1]["audit"]),
            (&"interrupted".into(), &"not audited".into())
        );
        assert_eq!(summary["hosts"][0]["instances"], 500);
        let last = stderr.lines().last().expect("a line");
        let stands = format!(
            "interrupted: host `cmp-01` got to 500 of {} instances; not audited: `cmp-02`",
            expected.task_log[0][2]
        );
        assert!(last.starts_with(&stands), "{last}");
        assert!(last.ends_with("--notify stdout --json --resume`"), "{last}");
        let rows = task_log(&cell).await;
        assert_eq!((rows.len(), &rows[0][1]), (1, &"RUNNING".into()));

        let output = run_into(&cell, "stdout", "--resume auto --quiet").output().expect("the program");
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        lines.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")));
        expected.assert_contents(&lines);
        assert_eq!(task_log(&cell).await, expected.task_log);
    }
}

#[tokio::test]
async fn the_second_signal_stops_a_run_at_once_and_loses_nothing() {
    let cell = cell().await;
    let expected = Expected::of(&cell).await;
    for (name, status) in SIGNALS {
        let cell = cell.copy();
        let mut run = Paused::start(&cell, "");
        signal(&run.child, name);
        wait_for_report(&mut run.child);
        signal(&run.child, name);
        // The pipe is full and nobody reads it: the run ends nevertheless.
        assert_eq!(run.child.wait().expect("a status").code(), Some(status), "{name}");
        drop(run);
        assert_eq!(task_log(&cell).await[0][1], "RUNNING");

        let resumed = run_into(&cell, "stdout", "--resume --quiet").output().expect("the program");
        assert_eq!(resumed.status.code(), Some(0), "{}", String::from_utf8_lossy(&resumed.stderr));
        let text = String::from_utf8(resumed.stdout).expect("UTF-8");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        expected.assert_contents(&lines);
        assert_eq!(task_log(&cell).await, expected.task_log);
    }
}

#[tokio::test]
async fn a_signal_that_nohup_ignores_stays_ignored() {
    let cell = cell().await;
    let inner = run_into(&cell, "stdout", "");
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    command.current_dir(cell.directory.path()).stdin(Stdio::null()).stderr(Stdio::piped());
    let run = Paused::spawn(&mut command);
    signal(&run.child, "HUP");
    let (lines, code, stderr) = run.finish();
    assert_eq!((lines.len(), code), (1300, Some(0)), "{stderr}");
}
