//! Interrupted audits: however a run ends, `--resume` sends every notification exactly once.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::process;

use common::Cell;
use common::audits::{Expected, OUT, grow, kill_at, message_ids, outcome, program, run, run_into, sent, task_log};
use nova_compute_utils_wasmtime::{Clock, StateFile};
use serde_json::Value;

const STATE: &str = "nova.sqlite.audit-state";

async fn open_state(cell: &Cell) -> sqlx::SqlitePool {
    sqlx::SqlitePool::connect(&format!("sqlite:{}", cell.file(STATE).display())).await.expect("a state file")
}

/// Changes the state file.
async fn change_state(cell: &Cell, sql: &str) {
    let pool = open_state(cell).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&pool).await.expect(sql);
    pool.close().await;
}

#[tokio::test]
async fn a_full_disk_leaves_the_window_resumable() {
    let cell = Cell::unpack("month");
    let full = outcome(&mut run_into(&cell, "ndjson:/dev/full", ""));
    full.expect(3, &["No space left on device (os error 28); continue it with `", " --resume`"]);
    assert_eq!(task_log(&cell).await[0][1], "RUNNING");

    let mut again = program(&cell, "run");
    again.args(["--force", "--host", "cmp-01", "--format", "both", "--notify", "ndjson:out.ndjson"]);
    let again = outcome(&mut again);
    again.expect(
        4,
        &["and process ", "got to 0 of 14 instances; continue it with `", "--notify ndjson:out.ndjson --resume`"],
    );

    outcome(&mut run(&cell, "--resume")).expect(0, &[]);
    assert!(task_log(&cell).await.iter().all(|row| row[1] == "DONE" && row[3] == 0));
    assert_eq!(message_ids(&sent(&cell)).len(), sent(&cell).len());
}

#[tokio::test]
async fn gives_up_as_nova_does() {
    let cell = Cell::unpack("month");
    outcome(&mut run_into(&cell, "ndjson:/dev/full", "")).expect(3, &[]);
    let given_up = outcome(&mut run(&cell, "--give-up --json"));
    given_up.expect(1, &["error: host `cmp-01`: ", "the operator gave it up"]);
    let summary: Value = serde_json::from_str(&given_up.stdout).expect("JSON");
    assert_eq!((&summary["hosts"][0]["audit"], &summary["hosts"][0]["errors"]), (&"given up".into(), &14.into()));
    assert_eq!((&summary["totals"]["hosts"], &summary["totals"]["errors"]), (&4.into(), &14.into()));
    let rows = task_log(&cell).await;
    assert_eq!((&rows[0][1], &rows[0][2], &rows[0][3]), (&"DONE".into(), &14.into(), &14.into()));

    // What was given up can be sent later. Until it is sent, nothing is lost.
    let full = outcome(&mut run_into(&cell, "ndjson:/dev/full", "--retry-failed"));
    full.expect(3, &["No space left on device", "continue it with `", " --retry-failed --resume`"]);
    assert_eq!(task_log(&cell).await[0][3], 14);
    outcome(&mut run(&cell, ""))
        .expect(1, &["has been run before, with 14 errors; send what failed with `--retry-failed`"]);
    outcome(&mut run(&cell, "--retry-failed")).expect(0, &[]);
    let whole = Cell::unpack("month");
    Expected::of(&whole).await.assert_file(&cell);
    assert_eq!(task_log(&cell).await[0][3], 0);
}

#[tokio::test]
async fn refuses_a_running_audit_without_a_checkpoint() {
    let cell = Cell::unpack("month");
    outcome(&mut run_into(&cell, "ndjson:/dev/full", "")).expect(3, &[]);
    // A lost state file is a safe start: the row stays as it is.
    fs::remove_file(cell.file(STATE)).expect("a state file");
    for options in ["", "--resume", "--resume auto"] {
        let refused = outcome(&mut run(&cell, options));
        refused.expect(4, &["host `cmp-01`: the audit of this window is running", "it has no checkpoint"]);
    }
    assert_eq!(task_log(&cell).await[0][1], "RUNNING");
}

#[tokio::test]
async fn refuses_state_files_that_are_not_of_this_cell() {
    let other = Cell::unpack("month");
    outcome(&mut run_into(&other, "ndjson:/dev/full", "")).expect(3, &[]);
    let state = fs::read(other.file(STATE)).expect("a state file");

    let cell = Cell::unpack("month");
    let path = cell.file("my-state");
    let nova = fs::read(cell.path()).expect("a file");
    let half = state[..state.len() / 2].to_vec();
    for (content, expected) in [
        (state, "belongs to the database `"),
        (half, "or it is damaged"),
        (b"a text file, not a database\n".repeat(200), "or it is damaged"),
        (nova, "`my-state` is not a state file"),
    ] {
        fs::write(&path, &content).expect("a file");
        outcome(&mut run(&cell, "--state my-state")).expect(2, &["my-state", expected]);
        assert!(fs::read(&path).expect("a file") == content, "the refused file changed");
        assert!(!cell.file(OUT).exists());
    }
    assert_eq!(task_log(&cell).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_second_run_is_refused_and_says_who_has_the_state_file_and_how_far_it_is() {
    let cell = Cell::unpack("month");
    outcome(&mut run_into(&cell, "ndjson:/dev/full", "")).expect(3, &[]);
    let conductor = cell.conductor(Clock::System).await;
    let state = conductor.default_state();
    assert_eq!(StateFile::holder(&state), None);
    let conductor = conductor.with_state(&state).await.expect("a state file");

    let holder = StateFile::holder(&state).expect("a holder");
    assert_eq!(holder.process, process::id());
    assert!(!holder.machine.is_empty());
    let (process, machine) = (holder.process, holder.machine);
    // A symbolic link leads to the same lock.
    std::os::unix::fs::symlink(&state, cell.file("link")).expect("a link");
    for options in ["", "--resume", "--resume auto", "--give-up", "--state link"] {
        let refused = outcome(&mut run(&cell, options));
        refused.expect(
            4,
            &[&format!(": process {process} on `{machine}`, since 20"), " UTC; it got to 0 of 14 instances on 1 host"],
        );
        assert!(refused.stderr.starts_with("error: another run uses the state file `"), "{}", refused.stderr);
        assert!(
            refused.stderr.contains("; wait until it ends; if it is stopped, continue it with `"),
            "{}",
            refused.stderr
        );
        assert!(!cell.file(OUT).exists());
    }
    // Reading needs no lock.
    let reader = StateFile::open_to_read(&state, &conductor.cell()).await.expect("a state file");
    reader.close().await;

    conductor.close_state().await;
    assert_eq!(StateFile::holder(&state), None);
    outcome(&mut run(&cell, "--resume")).expect(0, &[]);
}

#[tokio::test]
async fn a_killed_run_unlocks_the_state_file() {
    let cell = Cell::unpack("month");
    grow(&cell, 10).await;
    kill_at(&cell, run(&cell, ""), 1);
    let state = cell.file(STATE);
    assert_eq!(StateFile::holder(&state), None);
    outcome(&mut run(&cell, "--resume=auto")).expect(0, &[]);
    Expected::of(&cell_without_audits(&cell).await).await.assert_file(&cell);
}

/// Copies a cell and removes its audits.
async fn cell_without_audits(cell: &Cell) -> Cell {
    let copy = cell.copy();
    copy.execute("DELETE FROM task_log").await;
    copy
}

#[tokio::test]
async fn resume_auto_continues_only_a_run_of_this_machine() {
    let cell = Cell::unpack("month");
    outcome(&mut run_into(&cell, "ndjson:/dev/full", "")).expect(3, &[]);
    let conductor = cell.conductor(Clock::System).await.with_state(cell.file(STATE)).await.expect("a state file");
    conductor.close_state().await;

    // Another program has inserted the row after this run's first checkpoint.
    let pool = open_state(&cell).await;
    let own: String =
        sqlx::query_scalar("SELECT row_created_at FROM audit_checkpoint").fetch_one(&pool).await.expect("a time");
    pool.close().await;
    let other = "2026-11-01T00:17:03.000001";
    for row_created_at in [format!("'{other}'"), "NULL".to_owned()] {
        change_state(&cell, &format!("UPDATE audit_checkpoint SET row_created_at = {row_created_at}")).await;
        let refused = outcome(&mut run(&cell, "--resume auto"));
        refused.expect(4, &["its run may still be alive, because another program inserted the row of `task_log`"]);
    }

    let moved = format!("process = 4711, machine = 'node-7', row_created_at = '{own}'");
    change_state(&cell, &format!("UPDATE audit_checkpoint SET {moved}")).await;
    let refused = outcome(&mut run(&cell, "--resume auto"));
    refused.expect(
        4,
        &[
            "and process 4711 on `node-7` got to 0 of 14 instances; its run may still be alive, because it was on another",
            "out.ndjson --resume`",
        ],
    );
    // The other hosts are audited.
    let states: Vec<_> = task_log(&cell).await.iter().map(|row| row[1].clone()).collect();
    assert_eq!(states, ["RUNNING", "DONE", "DONE", "DONE"]);

    outcome(&mut run(&cell, "--resume")).expect(0, &[]);
    Expected::of(&Cell::unpack("month")).await.assert_file(&cell);
}

#[tokio::test]
async fn resume_auto_starts_audits_that_have_not_begun() {
    let cell = Cell::unpack("month");
    outcome(&mut run(&cell, "--resume auto")).expect(0, &[]);
    Expected::of(&Cell::unpack("month")).await.assert_file(&cell);
    // Nothing is left: a cron job may run it at any time.
    outcome(&mut run(&cell, "--resume auto")).expect(0, &["has been run before"]);
    Expected::of(&Cell::unpack("month")).await.assert_file(&cell);
}

#[tokio::test]
async fn a_row_that_another_program_inserts_in_between_is_refused() {
    let cell = Cell::unpack("month");
    // The trigger stands for a program that begins the audit of this host after this run read the task log.
    cell.execute(
        "CREATE TRIGGER other BEFORE INSERT ON task_log WHEN new.host = 'cmp-01' AND new.message <> 'other' BEGIN \
         INSERT INTO task_log (task_name, state, host, period_beginning, period_ending, message, task_items, errors, \
         deleted) VALUES (new.task_name, 'RUNNING', new.host, new.period_beginning, new.period_ending, 'other', 1, 0, \
         0); END",
    )
    .await;
    outcome(&mut run(&cell, "")).expect(4, &["error: host `cmp-01`: Task instance_usage_audit is already running"]);
    // The failed statement undid the row of the other program. With that row, its audit is not taken over.
    cell.execute(
        "DROP TRIGGER other; INSERT INTO task_log (task_name, state, host, period_beginning, period_ending, message, \
         task_items, errors, deleted) SELECT task_name, 'RUNNING', 'cmp-01', period_beginning, period_ending, 'other', \
         1, 0, 0 FROM task_log LIMIT 1",
    )
    .await;
    outcome(&mut run(&cell, "--resume auto")).expect(4, &["it has no checkpoint"]);
}

#[tokio::test]
async fn retry_failed_sends_exactly_what_failed() {
    let cell = Cell::unpack("month");
    let expected = Expected::of(&cell).await;
    let uuid = cell_instance(&cell).await;
    let flavor = format!("(SELECT flavor FROM saved WHERE uuid = '{uuid}')");
    cell.execute(&format!(
        "CREATE TABLE saved AS SELECT instance_uuid AS uuid, flavor FROM instance_extra; \
         UPDATE instance_extra SET flavor = '{{' WHERE instance_uuid = '{uuid}'"
    ))
    .await;
    let failed = outcome(&mut run(&cell, "--json"));
    failed.expect(1, &[&format!("host `cmp-01`, instance `{uuid}`: ")]);
    let summary: Value = serde_json::from_str(&failed.stdout).expect("JSON");
    let failure = &summary["hosts"][0]["failures"][0];
    assert_eq!(failure["instance_uuid"], uuid);
    assert!(failure["instance_id"].is_i64(), "{failure}");
    assert!(failure["error"]["arguments"].is_object(), "{failure}");
    let before = sent(&cell).len();
    assert_eq!(before, expected.contents.len() - 2);

    // It still fails.
    outcome(&mut run(&cell, "--retry-failed")).expect(1, &[&uuid]);
    assert_eq!(sent(&cell).len(), before);

    cell.execute(&format!("UPDATE instance_extra SET flavor = {flavor} WHERE instance_uuid = '{uuid}'")).await;
    let retried = outcome(&mut run(&cell, "--retry-failed --json"));
    retried.expect(0, &[]);
    let summary: Value = serde_json::from_str(&retried.stdout).expect("JSON");
    assert_eq!((&summary["hosts"][0]["audit"], &summary["hosts"][0]["errors"]), (&"done".into(), &0.into()));
    expected.assert_file(&cell);
    assert_eq!(sent(&cell).len(), before + 2);
    assert_eq!(task_log(&cell).await[0][3], 0);

    outcome(&mut run(&cell, "--retry-failed")).expect(0, &["has been run before"]);
    expected.assert_file(&cell);
}

/// Returns an instance of the first host in the window.
async fn cell_instance(cell: &Cell) -> String {
    let pool = cell.pool().await;
    let sql = "SELECT uuid FROM instances WHERE host = 'cmp-01' AND launched_at < '2026-10-15' \
               AND terminated_at IS NULL ORDER BY id LIMIT 1";
    let uuid = sqlx::query_scalar(sql).fetch_one(&pool).await.expect("an instance");
    pool.close().await;
    uuid
}

#[tokio::test]
async fn retry_failed_needs_the_checkpoint() {
    let cell = Cell::unpack("month");
    outcome(&mut run_into(&cell, "ndjson:/dev/full", "")).expect(3, &[]);
    outcome(&mut run(&cell, "--give-up")).expect(1, &[]);
    fs::remove_file(cell.file(STATE)).expect("a state file");
    let refused = outcome(&mut run(&cell, "--retry-failed"));
    refused.expect(1, &["error: host `cmp-01`: the audit of host `cmp-01` has no checkpoint"]);
    assert_eq!(task_log(&cell).await[0][3], 14);
}
