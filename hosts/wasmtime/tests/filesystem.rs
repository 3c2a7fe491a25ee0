//! Faults of the file system: full disks, directories that cannot be written, failing `fsync`, and a state file that is
//! lost, damaged, old or of another cell. Each leaves the audit resumable or untouched, and it is completed afterwards.
#![cfg(target_os = "linux")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::Cell;
use common::audits::{
    Expected, Outcome, grow, kill_at, lines, message_ids, outcome, program, run, run_into, sent, signal, task_log,
    wait_for_lines,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// The state file of the tests.
const STATE: &str = "nova.sqlite.audit-state";

/// Returns a cell whose first host has three pages of instances.
async fn cell() -> Cell {
    let cell = Cell::unpack("month");
    grow(&cell, 27).await;
    cell.execute("UPDATE instances SET host = 'cmp-01' WHERE host < 'cmp-04'; VACUUM").await;
    cell
}

/// Returns the command with a limit on the size of the files that it writes, in bytes. Without `is_fatal`, a write
/// beyond the limit fails; otherwise it ends the process in the middle of the write.
fn limited(inner: &Command, limit: u64, is_fatal: bool) -> Command {
    let mut command = Command::new("prlimit");
    let trap = if is_fatal { "" } else { "trap '' XFSZ; " };
    command.arg(format!("--fsize={limit}")).args(["sh", "-c", &format!("{trap}exec \"$0\" \"$@\"")]);
    command.arg(inner.get_program()).args(inner.get_args());
    command.current_dir(inner.get_current_dir().expect("a directory"));
    command
}

/// Returns the command without the right to ignore permissions, which the superuser has.
fn with_permissions(cell: &Cell, inner: &Command) -> Command {
    let is_superuser = fs::metadata(cell.path()).expect("a file").uid() == 0;
    let mut command = if is_superuser {
        let mut command = Command::new("setpriv");
        command.arg("--bounding-set=-dac_override,-dac_read_search").arg(inner.get_program());
        command
    } else {
        Command::new(inner.get_program())
    };
    command.args(inner.get_args()).current_dir(inner.get_current_dir().expect("a directory"));
    command
}

/// Runs a command for which a system call fails with an input/output error.
fn outcome_with_failing(call: i64, mut command: Command) -> Outcome {
    let errno = SeccompAction::Errno(libc::EIO.unsigned_abs());
    let arch = std::env::consts::ARCH.try_into().expect("an architecture");
    let filter = SeccompFilter::new(BTreeMap::from([(call, Vec::new())]), SeccompAction::Allow, errno, arch);
    let filter: BpfProgram = filter.and_then(TryInto::try_into).expect("a filter");
    // The filter applies to the thread and to the processes that it starts.
    let run = move || {
        seccompiler::apply_filter(&filter).expect("a filter");
        outcome(&mut command)
    };
    std::thread::spawn(run).join().expect("a finished thread")
}

/// Sets whether a directory can be written.
fn set_writable(directory: &Path, is_writable: bool) {
    let mode = if is_writable { 0o755 } else { 0o555 };
    fs::set_permissions(directory, fs::Permissions::from_mode(mode)).expect("permissions");
}

fn new_directory(cell: &Cell, name: &str) -> PathBuf {
    let directory = cell.file(name);
    fs::create_dir(&directory).expect("a directory");
    directory
}

/// Kills a run when it has sent some of the notifications.
fn interrupt(cell: &Cell) {
    kill_at(cell, run(cell, "--quiet"), 1);
}

#[tokio::test]
async fn a_file_that_cannot_grow_is_completed_when_it_can() {
    let cell = cell().await;
    let expected = Expected::of(&cell).await;
    let database = fs::metadata(cell.path()).expect("a file").len();
    // The limit is above the size of the database, which the run writes too.
    let first = database + (1 << 20);
    let filling = format!("{{\"filling\":\"{}\"}}\n", "x".repeat(usize::try_from(database).expect("a size")));
    fs::write(cell.file("out.ndjson"), &filling).expect("a file");
    let mut options = "";
    let mut whole = 1;
    for limit in [first, first + (1 << 20), first + (2 << 20)] {
        let outcome = outcome(&mut limited(&run(&cell, options), limit, false));
        outcome.expect(3, &["cannot write notifications: File too large", "continue it with `"]);
        // A batch that does not fit is removed as a whole.
        assert!(lines(&cell.file("out.ndjson")) >= whole, "confirmed notifications are gone");
        whole = lines(&cell.file("out.ndjson"));
        assert!(fs::read(cell.file("out.ndjson")).expect("a file").ends_with(b"\n"));
        options = "--resume";
    }
    assert!(whole > 1, "no page fits in");
    outcome(&mut run(&cell, "")).expect(4, &["--resume"]);
    outcome(&mut run(&cell, "--resume")).expect(0, &[]);
    let sent = sent(&cell).split_off(1);
    expected.assert_contents(&sent);
    assert_eq!(message_ids(&sent).symmetric_difference(&expected.message_ids).next(), None);
    assert_eq!(task_log(&cell).await, expected.task_log);
}

#[tokio::test]
async fn a_run_that_ends_in_the_middle_of_a_line_is_completed() {
    for give_up in [false, true] {
        let cell = cell().await;
        let expected = Expected::of(&cell).await;
        let database = fs::metadata(cell.path()).expect("a file").len();
        let filling = format!("{{\"filling\":\"{}\"}}\n", "x".repeat(usize::try_from(database).expect("a size")));
        fs::write(cell.file("out.ndjson"), &filling).expect("a file");
        let status = limited(&run(&cell, "--quiet"), database + (1 << 20), true).status().expect("the program");
        assert_eq!(status.signal(), Some(libc::SIGXFSZ), "{status}");
        assert!(!fs::read(cell.file("out.ndjson")).expect("a file").ends_with(b"\n"), "no partial line");

        let outcome_without = outcome(&mut run(&cell, ""));
        assert_ne!(outcome_without.status, Some(0), "{}", outcome_without.stderr);
        if give_up {
            // The first host is given up. The others are audited, into the same file.
            outcome(&mut run(&cell, "--give-up")).expect(1, &[]);
            let (sent, rows) = (sent(&cell).split_off(1), task_log(&cell).await);
            assert!(sent.len() < expected.contents.len());
            assert_eq!(message_ids(&sent).len(), sent.len(), "a line is there twice");
            assert!(message_ids(&sent).is_subset(&expected.message_ids));
            assert!(rows.iter().all(|row| row[1] == "DONE"), "{rows:?}");
            assert_eq!(rows.last(), expected.task_log.last());
        } else {
            outcome(&mut run(&cell, "--resume")).expect(0, &[]);
            expected.assert_contents(&sent(&cell).split_off(1));
            assert_eq!(task_log(&cell).await, expected.task_log);
        }
    }
}

#[tokio::test]
async fn a_full_disk_under_the_database_or_the_state_changes_nothing() {
    let cell = cell().await;
    let expected = Expected::of(&cell).await;
    // The state file does not fit; then it does, and the row of the task log does not.
    for limit in [4096, 8192, 65_536] {
        let outcome = outcome(&mut limited(&run(&cell, "--resume"), limit, false));
        assert!(matches!(outcome.status, Some(2 | 3)), "{limit}: {outcome:?}");
        assert!(outcome.stderr.starts_with("error: "), "{limit}: {outcome:?}");
        assert!(!cell.file("out.ndjson").exists() || sent(&cell).is_empty(), "{limit}: sent before the row exists");
        assert_eq!(task_log(&cell).await.len(), 0, "{limit}");
    }
    outcome(&mut run(&cell, "")).expect(0, &[]);
    expected.assert_file(&cell);
    assert_eq!(task_log(&cell).await, expected.task_log);
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_refused_before_anything_is_written() {
    let cell = cell().await;
    let expected = Expected::of(&cell).await;
    let directory = new_directory(&cell, "read-only");
    set_writable(&directory, false);
    for (target, options) in [
        ("ndjson:out.ndjson", "--state read-only/state"),
        ("ndjson:read-only/out.ndjson", ""),
        ("ndjson:nova.sqlite/out.ndjson", ""),
        ("ndjson:out.ndjson", "--state nova.sqlite/state"),
        ("ndjson:out.ndjson", "--state read-only"),
    ] {
        let outcome = outcome(&mut with_permissions(&cell, &run_into(&cell, target, options)));
        outcome.expect(2, &["error: "]);
        assert!(outcome.stderr.contains("read-only") || outcome.stderr.contains("nova.sqlite/"), "{outcome:?}");
        assert!(!cell.file("out.ndjson").exists() || sent(&cell).is_empty());
        assert_eq!(task_log(&cell).await.len(), 0, "{target} {options}");
    }

    // The directory of the database: neither the state file beside it nor a journal can be created.
    let elsewhere = tempfile::tempdir().expect("a directory");
    let path = |name: &str| elsewhere.path().join(name).display().to_string();
    set_writable(cell.directory.path(), false);
    for options in [String::new(), format!("--state {}", path("state"))] {
        let command = run_into(&cell, &format!("ndjson:{}", path("out.ndjson")), &options);
        let outcome = outcome(&mut with_permissions(&cell, &command));
        assert!(matches!(outcome.status, Some(2 | 3)), "{outcome:?}");
        assert!(outcome.stderr.starts_with("error: "), "{outcome:?}");
        assert_eq!(lines(Path::new(&path("out.ndjson"))), 0, "{options}");
    }
    set_writable(cell.directory.path(), true);
    set_writable(&directory, true);
    outcome(&mut run(&cell, "--state read-only/state")).expect(0, &[]);
    expected.assert_file(&cell);
}

#[tokio::test]
async fn a_directory_that_becomes_read_only_leaves_the_audit_resumable() {
    let cell = cell().await;
    let expected = Expected::of(&cell).await;
    interrupt(&cell);
    let whole_lines = |mut file: Vec<u8>| {
        file.truncate(file.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        file
    };
    let before = whole_lines(fs::read(cell.file("out.ndjson")).expect("a file"));
    set_writable(cell.directory.path(), false);
    let outcome_read_only = outcome(&mut with_permissions(&cell, &run(&cell, "--resume")));
    set_writable(cell.directory.path(), true);
    assert!(matches!(outcome_read_only.status, Some(2 | 3)), "{outcome_read_only:?}");
    // A page that it sent has no checkpoint, and the next run does not write it again.
    assert!(fs::read(cell.file("out.ndjson")).expect("a file").starts_with(&before), "{outcome_read_only:?}");
    outcome(&mut run(&cell, "--resume")).expect(0, &[]);
    expected.assert_file(&cell);
    assert_eq!(task_log(&cell).await, expected.task_log);
}

#[tokio::test]
async fn a_failing_fsync_leaves_the_audit_resumable() {
    let cell = cell().await;
    let expected = Expected::of(&cell).await;
    // SQLite calls `fsync`; the notifier calls `fdatasync`.
    for (call, options, lines_after) in [
        (libc::SYS_fsync, "", 0),
        (libc::SYS_fdatasync, "", 0),
        (libc::SYS_fdatasync, "--resume", 0),
        (libc::SYS_fsync, "--resume", 1000),
        (libc::SYS_fdatasync, "--resume", 1000),
    ] {
        let failed = outcome_with_failing(call, run(&cell, options));
        assert!(matches!(failed.status, Some(2 | 3)), "{call} {options}: {failed:?}");
        assert!(failed.stderr.starts_with("error: "), "{call} {options}: {failed:?}");
        assert!(task_log(&cell).await.iter().all(|row| row[1] == "RUNNING"), "{call} {options}");
        // A batch that may not be on the disk is removed. One whose checkpoint is not on the disk stays.
        assert_eq!(lines(&cell.file("out.ndjson")), lines_after, "{call} {options}");
    }
    assert_eq!(task_log(&cell).await.len(), 1, "the first host is interrupted");
    // In the middle of the audit.
    kill_at(&cell, run(&cell, "--quiet --resume"), 1001);
    for call in [libc::SYS_fsync, libc::SYS_fdatasync] {
        let failed = outcome_with_failing(call, run(&cell, "--resume"));
        assert!(matches!(failed.status, Some(2 | 3)), "{call}: {failed:?}");
    }
    outcome(&mut run(&cell, "--resume")).expect(0, &[]);
    expected.assert_file(&cell);
    assert_eq!(task_log(&cell).await, expected.task_log);
}

#[tokio::test]
async fn a_lost_or_empty_state_file_is_refused_until_the_row_is_removed() {
    for is_lost in [true, false] {
        let cell = cell().await;
        let expected = Expected::of(&cell).await;
        interrupt(&cell);
        if is_lost {
            fs::remove_file(cell.file(STATE)).expect("a state file");
        } else {
            fs::write(cell.file(STATE), "").expect("a state file");
        }
        let before = lines(&cell.file("out.ndjson"));
        for options in ["", "--resume", "--resume=auto", "--give-up"] {
            outcome(&mut run(&cell, options)).expect(4, &["host `cmp-01`: ", "checkpoint"]);
        }
        // The first run may have ended in the middle of a line; the other hosts are audited meanwhile.
        assert!(sent(&cell).len() >= before);
        // The message says how to go on: without the row, the audit begins again.
        cell.execute("DELETE FROM task_log WHERE state = 'RUNNING'").await;
        outcome(&mut run(&cell, "")).expect(0, &[]);
        let sent = sent(&cell);
        assert_eq!(message_ids(&sent).symmetric_difference(&expected.message_ids).next(), None, "lost, or another id");
        assert_eq!(task_log(&cell).await, expected.task_log);
    }
}

#[tokio::test]
async fn a_damaged_state_file_or_one_of_another_cell_is_refused_and_left_as_it_is() {
    let other = Cell::unpack("month");
    outcome(&mut run_into(&other, "ndjson:/dev/full", "")).expect(3, &[]);
    let other = fs::read(other.file(STATE)).expect("a state file");

    let cell = cell().await;
    let expected = Expected::of(&cell).await;
    interrupt(&cell);
    // `status` reads the state, so SQLite has undone a write that was interrupted.
    outcome(&mut program(&cell, "status")).expect(1, &[]);
    // A journal that is left belongs to a write that had not reached the state yet.
    let _ = fs::remove_file(cell.file(&format!("{STATE}-journal")));
    let state = fs::read(cell.file(STATE)).expect("a state file");
    let mut damaged = state.clone();
    damaged[state.len() / 2..].fill(b'x');
    for (content, text) in [
        (&state[..state.len() / 2], "damaged"),
        (&state[..state.len() - 1], "damaged"),
        (&damaged, "damaged"),
        (&b"a text file, not a database\n".repeat(200), "damaged"),
        (&other, "belongs to the database `"),
    ] {
        let content = content.to_vec();
        fs::write(cell.file(STATE), &content).expect("a state file");
        for options in ["", "--resume", "--resume=auto", "--give-up"] {
            outcome(&mut run(&cell, options)).expect(2, &[STATE, text]);
        }
        assert!(fs::read(cell.file(STATE)).expect("a file") == content, "the refused file changed");
    }
    fs::write(cell.file(STATE), state).expect("a state file");
    outcome(&mut run(&cell, "--resume")).expect(0, &[]);
    expected.assert_file(&cell);
    assert_eq!(task_log(&cell).await, expected.task_log);
}

#[tokio::test]
async fn an_old_state_file_costs_no_notification_and_writes_none_twice() {
    let cell = cell().await;
    let expected = Expected::of(&cell).await;
    interrupt(&cell);
    let old = fs::read(cell.file(STATE)).expect("a state file");
    // A later run gets on, and then an old copy of the state file is restored.
    kill_at(&cell, run(&cell, "--quiet --resume"), lines(&cell.file("out.ndjson")) + 1);
    fs::write(cell.file(STATE), old).expect("a state file");
    let outcome = outcome(&mut run(&cell, "--resume"));
    outcome.expect(0, &[]);
    expected.assert_file(&cell);
    assert_eq!(task_log(&cell).await, expected.task_log);
}

#[tokio::test]
async fn a_lost_file_of_notifications_is_refused() {
    let cell = cell().await;
    let expected = Expected::of(&cell).await;
    // The first signal ends the run after a page, so that the position of its checkpoint is behind a line.
    let mut child = run(&cell, "--quiet").spawn().expect("the program");
    wait_for_lines(&cell, &mut child, 1);
    signal(&child, "TERM");
    assert_eq!(child.wait().expect("a status").code(), Some(128 + libc::SIGTERM));
    let before = fs::read(cell.file("out.ndjson")).expect("a file");
    for content in ["", "{}\n"] {
        fs::write(cell.file("out.ndjson"), content).expect("a file");
        outcome(&mut run(&cell, "--resume")).expect(3, &["out.ndjson` is not as the interrupted run left it"]);
        assert_eq!(fs::read_to_string(cell.file("out.ndjson")).expect("a file"), content);
    }
    outcome(&mut run_into(&cell, "ndjson:other.ndjson", "--resume")).expect(3, &["give the same file"]);
    fs::write(cell.file("out.ndjson"), before).expect("a file");
    outcome(&mut run(&cell, "--resume")).expect(0, &[]);
    expected.assert_file(&cell);
}
