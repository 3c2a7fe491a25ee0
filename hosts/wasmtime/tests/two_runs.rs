//! Two runs at once: on one cell and file the second is refused, and takes over when the first is dead.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::process::Child;
use std::thread;
use std::time::Duration;

use common::Cell;
use common::audits::{
    Expected, Outcome, grow, large_cell, lines, message_ids, notifications, outcome, program, run, run_into, sent,
    signal, task_log, wait_for_lines,
};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

/// Starts a run and stops it, alive, when it has sent some notifications more. A run that is stopped while it writes to a
/// database keeps the lock of that database, so it goes on until it is stopped between two writes.
async fn start_and_stop(cell: &Cell, options: &str) -> Child {
    let count = lines(&cell.file("out.ndjson")) + 1;
    let mut child = run(cell, options).spawn().expect("the program");
    wait_for_lines(cell, &mut child, count);
    loop {
        signal(&child, "STOP");
        // The kernel may take a while to stop all threads.
        while state(&child) == 'R' || state(&child) == 'S' || state(&child) == 'D' {
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(state(&child), 'T', "it ended first");
        if is_readable(cell, "nova.sqlite").await && is_readable(cell, "nova.sqlite.audit-state").await {
            return child;
        }
        signal(&child, "CONT");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Returns whether nobody writes to a database.
async fn is_readable(cell: &Cell, database: &str) -> bool {
    let options = SqliteConnectOptions::new().filename(cell.file(database)).busy_timeout(Duration::from_millis(20));
    let mut connection = options.connect().await.expect("a database");
    let read = sqlx::query("SELECT COUNT(*) FROM sqlite_master").fetch_one(&mut connection).await;
    connection.close().await.expect("a connection");
    read.is_ok()
}

/// Returns the state of a process: `T` if it is stopped, `Z` if it has ended.
fn state(child: &Child) -> char {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("a process");
    let (_, rest) = stat.rsplit_once(") ").expect("a name");
    rest.chars().next().expect("a state")
}

fn finish(child: Child) -> Outcome {
    signal(&child, "CONT");
    child.wait_with_output().expect("the program").into()
}

fn kill(child: Child) {
    signal(&child, "KILL");
    assert_eq!(child.wait_with_output().expect("the program").status.code(), None, "it ended first");
}

#[tokio::test]
async fn a_second_run_is_refused_and_says_who_runs_and_how_far_it_is() {
    let cell = large_cell().await;
    let expected = Expected::of(&cell).await;
    let first = start_and_stop(&cell, "--quiet").await;
    let before = (sent(&cell), task_log(&cell).await);
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    for options in ["", "--resume", "--resume=auto", "--give-up", "--message-ids random"] {
        let process = format!("process {}", first.id());
        outcome(&mut run(&cell, options)).expect(4, &["error: ", &process, machine.trim(), "instances"]);
    }
    assert!((sent(&cell), task_log(&cell).await) == before, "the second run has written");
    // `status` does not wait for the lock.
    let status = outcome(program(&cell, "status").arg("--json"));
    status.expect(1, &[]);
    assert!(status.stdout.contains(&first.id().to_string()), "{}", status.stdout);

    finish(first).expect(0, &[]);
    expected.assert_file(&cell);
    assert_eq!(task_log(&cell).await, expected.task_log);
    outcome(&mut run(&cell, "--resume=auto")).expect(0, &[]);
    expected.assert_file(&cell);
}

#[tokio::test]
async fn another_run_takes_over_when_the_first_is_killed() {
    let cell = large_cell().await;
    let expected = Expected::of(&cell).await;
    let first = start_and_stop(&cell, "--resume=auto").await;
    outcome(&mut run(&cell, "--resume=auto")).expect(4, &[&first.id().to_string()]);
    kill(first);
    let killed = lines(&cell.file("out.ndjson"));
    let second = start_and_stop(&cell, "--resume=auto").await;
    assert!(lines(&cell.file("out.ndjson")) > killed, "the second run did not get on");
    outcome(&mut run(&cell, "--resume=auto")).expect(4, &[&second.id().to_string()]);
    kill(second);
    outcome(&mut run(&cell, "--resume=auto")).expect(0, &[]);
    expected.assert_file(&cell);
    assert_eq!(task_log(&cell).await, expected.task_log);
}

#[tokio::test]
async fn of_many_runs_at_once_one_does_the_audit() {
    let cell = large_cell().await;
    let expected = Expected::of(&cell).await;
    for round in 0..3 {
        let mut runs: Vec<Child> =
            (0..4).map(|_| run(&cell, "--quiet --resume=auto").spawn().expect("the program")).collect();
        if round < 2 {
            // Whichever of them runs the audit is killed in the middle.
            let count = lines(&cell.file("out.ndjson")) + 1;
            while lines(&cell.file("out.ndjson")) < count {
                thread::sleep(Duration::from_millis(1));
            }
            for run in &runs {
                signal(run, "KILL");
            }
        }
        for run in runs.drain(..) {
            let outcome = Outcome::from(run.wait_with_output().expect("the program"));
            assert!(matches!(outcome.status, None | Some(0 | 4)), "{outcome:?}");
        }
    }
    outcome(&mut run(&cell, "--resume=auto")).expect(0, &[]);
    expected.assert_file(&cell);
    assert_eq!(task_log(&cell).await, expected.task_log);
}

#[tokio::test]
async fn a_run_with_another_state_file_leaves_the_audits_of_the_first_alone() {
    let cell = large_cell().await;
    let expected = Expected::of(&cell).await;
    let first = start_and_stop(&cell, "--quiet").await;
    for options in ["", "--resume", "--resume=auto"] {
        let mut other = program(&cell, "run");
        other.args(["--host", "cmp-01", "--format", "both", "--force", "--state", "other-state"]);
        other.args(["--notify", "ndjson:out.ndjson"]).args(options.split_whitespace());
        outcome(&mut other).expect(4, &["host `cmp-01`: ", "checkpoint"]);
    }
    finish(first).expect(0, &[]);
    expected.assert_file(&cell);
    assert_eq!(task_log(&cell).await, expected.task_log);
}

#[tokio::test]
async fn two_cells_share_a_file() {
    let month = Cell::unpack("month");
    grow(&month, 12).await;
    let day = Cell::unpack("day6");
    let expected = [Expected::of(&month).await, Expected::of(&day).await];
    let file = month.file("out.ndjson");
    let target = format!("ndjson:{}", file.display());
    let runs = [&month, &day].map(|cell| run_into(cell, &target, "").spawn().expect("the program"));
    for run in runs {
        Outcome::from(run.wait_with_output().expect("the program")).expect(0, &[]);
    }
    let sent = notifications(&file);
    let (of_month, of_day): (Vec<Value>, Vec<Value>) = sent
        .into_iter()
        .partition(|line| expected[0].message_ids.contains(line["message_id"].as_str().expect("an id")));
    expected[0].assert_contents(&of_month);
    expected[1].assert_contents(&of_day);
    assert_eq!(message_ids(&of_day).symmetric_difference(&expected[1].message_ids).next(), None);
}
