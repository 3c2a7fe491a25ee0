//! `nova-usage-audit status`: what it prints, and when its exit status is 0.

mod common;

use std::fs::{self, File};
use std::io::Write;

use common::Cell;
use common::audits::{outcome, program, run};
use serde_json::{Value, json};

/// Returns the exit status and the output of `status`, which prints no error.
#[track_caller]
fn status(cell: &Cell) -> (i32, String) {
    let outcome = outcome(&mut program(cell, "status"));
    assert_eq!(outcome.stderr, "");
    (outcome.status.expect("an exit status"), outcome.stdout)
}

#[track_caller]
fn status_json(cell: &Cell) -> Value {
    let outcome = outcome(program(cell, "status").arg("--json"));
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {}", outcome.stderr))
}

/// Returns the rows of the table.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().skip(3).filter(|line| line.starts_with('|'));
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[tokio::test]
async fn lists_the_audit_of_each_host() {
    let cell = Cell::unpack("hour15");
    let mut one = program(&cell, "run");
    one.args(["--host", "cmp-02", "--force", "--notify", "ndjson:out.ndjson"]);
    outcome(&mut one).expect(0, &[]);
    cell.execute(
        "INSERT INTO services (host, binary, report_count, deleted) VALUES ('idle', 'nova-compute', 0, 0); \
         INSERT INTO task_log (task_name, state, host, period_beginning, period_ending, message, task_items, errors, deleted) \
         SELECT task_name, 'RUNNING', 'left', period_beginning, period_ending, 'on it', 7, 2, 0 FROM task_log; \
         INSERT INTO task_log (task_name, state, host, period_beginning, period_ending, message, task_items, errors, deleted, created_at) \
         SELECT task_name, 'RUNNING', 'other', period_beginning, period_ending, 'on it', 7, 0, 0, '2026-10-14 09:20:05' \
         FROM task_log WHERE host = 'left'",
    )
    .await;
    let before = fs::read(cell.path()).expect("a file");
    let (code, text) = status(&cell);
    assert_eq!(code, 1);
    let ran = "Instance usage audit ran for host cmp-02, 9 instances in 0.0 seconds.";
    assert_eq!(
        rows(&text),
        [
            ["cmp-01", "not run", "10", "", ""],
            ["cmp-02", "done", "9", "0", ran],
            ["idle", "not run", "0", "", ""],
            ["left", "running, not resumable", "7", "2", "on it"],
            ["other", "running since 2026-10-14 09:20:05, not resumable", "7", "0", "on it"],
        ]
    );
    assert!(text.starts_with("Usage audits of 2026-10-14 08:15:00 .. 2026-10-14 09:15:00\n"), "{text}");
    assert!(fs::read(cell.path()).expect("a file") == before, "the database changed");
}

#[tokio::test]
async fn succeeds_only_if_every_host_is_done_without_errors() {
    let cell = Cell::unpack("hour15");
    assert_eq!(status(&cell).0, 1, "no host was audited");
    assert_eq!(status_json(&cell)["overall"], "unfinished");
    outcome(&mut run(&cell, "")).expect(0, &[]);
    assert_eq!(status(&cell).0, 0);
    assert_eq!(outcome(program(&cell, "status").arg("--json")).status, Some(0));
    assert_eq!(status_json(&cell)["overall"], "done");

    for (sql, overall) in [
        ("UPDATE task_log SET errors = 14 WHERE host = 'cmp-02'", "errors"),
        ("UPDATE task_log SET state = 'RUNNING' WHERE host = 'cmp-02'", "unfinished"),
        ("DELETE FROM task_log WHERE host = 'cmp-02'", "unfinished"),
        ("UPDATE task_log SET deleted = id WHERE host = 'cmp-02'", "unfinished"),
        (
            "INSERT INTO services (host, binary, report_count, deleted) VALUES ('new', 'nova-compute', 0, 0)",
            "unfinished",
        ),
    ] {
        let changed = cell.copy();
        changed.execute(sql).await;
        assert_eq!(status(&changed).0, 1, "{sql}");
        assert_eq!(status_json(&changed)["overall"], overall, "{sql}");
    }
}

#[test]
fn prints_json() {
    let cell = Cell::unpack("hour15");
    let mut one = program(&cell, "run");
    one.args(["--host", "cmp-02", "--force", "--notify", "ndjson:out.ndjson"]);
    outcome(&mut one).expect(0, &[]);
    let message = "Instance usage audit ran for host cmp-02, 9 instances in 0.0 seconds.";
    assert_eq!(
        status_json(&cell),
        json!({
            "overall": "unfinished",
            "window": { "begin": "2026-10-14T08:15:00.000000", "end": "2026-10-14T09:15:00.000000" },
            "hosts": [
                {
                    "host": "cmp-01", "state": "not run", "since": null, "instances": 0, "of": 10, "errors": 0,
                    "message": null, "resumable": false, "run": null,
                },
                {
                    "host": "cmp-02", "state": "done", "since": "2026-10-14T09:30:00.000000", "instances": 9, "of": 9,
                    "errors": 0, "message": message, "resumable": false, "run": null,
                },
            ],
            "running_process": null,
            "instances_without_host_name": [],
        })
    );
}

/// Starts an audit whose notifications cannot be written.
#[cfg(target_os = "linux")]
fn interrupt(cell: &Cell) {
    let full = File::options().write(true).open("/dev/full").expect("a device");
    let mut command = program(cell, "run");
    command.args(["--host", "cmp-01", "--force", "--quiet"]).stdout(full);
    outcome(&mut command).expect(3, &[]);
}

#[cfg(target_os = "linux")]
#[test]
fn shows_since_when_an_audit_runs_and_how_far_it_is() {
    let cell = Cell::unpack("hour15");
    interrupt(&cell);
    let (code, text) = status(&cell);
    assert_eq!((code, rows(&text)[0][1]), (1, "running since 2026-10-14 09:30:00, 0 of 10, resumable"));
    let host = status_json(&cell)["hosts"][0].take();
    assert_eq!((&host["state"], &host["resumable"]), (&"running".into(), &true.into()));
    assert_eq!((&host["instances"], &host["of"]), (&0.into(), &10.into()));
    assert_eq!(host["since"], "2026-10-14T09:30:00.000000");
    assert!(host["run"]["process"].as_u64().is_some_and(|process| process > 1), "{host}");
    assert!(host["run"]["machine"].as_str().is_some_and(|machine| !machine.is_empty()), "{host}");

    // Another run has locked the state file.
    let lock = cell.file("nova.sqlite.audit-state.lock");
    let mut file = File::options().create(true).truncate(true).write(true).open(&lock).expect("a lock file");
    file.lock().expect("a lock");
    file.write_all(br#"{"process":4711,"machine":"cmp-99","since":"2026-10-14T09:31:00.000000"}"#).expect("a line");
    let (code, text) = status(&cell);
    assert_eq!((code, rows(&text)[0][1]), (1, "running since 2026-10-14 09:30:00, 0 of 10"));
    assert!(text.ends_with("A run is alive: process 4711 on `cmp-99`, since 2026-10-14 09:31:00 UTC\n"), "{text}");
    let json = status_json(&cell);
    assert_eq!(json["running_process"]["process"], 4711);
    assert_eq!(json["hosts"][0]["resumable"], false);
    drop(file);

    fs::remove_file(cell.file("nova.sqlite.audit-state")).expect("a state file");
    let (code, text) = status(&cell);
    assert_eq!((code, rows(&text)[0][1]), (1, "running since 2026-10-14 09:30:00, not resumable"));
    assert!(!cell.file("nova.sqlite.audit-state").exists(), "`status` creates no state file");
}

#[cfg(target_os = "linux")]
#[test]
fn a_damaged_state_file_is_reported_and_does_not_hide_the_audits() {
    let cell = Cell::unpack("hour15");
    interrupt(&cell);
    fs::write(cell.file("nova.sqlite.audit-state"), "not a database\n".repeat(400)).expect("a file");
    let outcome = outcome(&mut program(&cell, "status"));
    outcome.expect(1, &["warning: ", "audit-state"]);
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    assert_eq!(rows(&outcome.stdout)[0][1], "running since 2026-10-14 09:30:00, not resumable");
}
