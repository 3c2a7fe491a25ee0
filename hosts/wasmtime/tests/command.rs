//! The command `nova-usage-audit`: on real Nova cells it sends the notifications that real Nova sent.

mod common;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{Cell, component_path, read_json, volumes_and_a_share, workspace};
use serde_json::Value;
use sqlx::Row;

const CELLS: [&str; 3] = ["month", "day6", "hour15"];

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_nova-usage-audit"))
}

/// Returns a subcommand with the component, and the time and period of a cell.
fn on_cell(cell: &Cell, subcommand: &str) -> Command {
    let settings = read_json(&cell.golden("cell.json"));
    let setting = |name: &str| settings[name].as_str().expect("a setting").to_owned();
    let mut command = program();
    command.arg(subcommand).arg("--component").arg(component_path());
    command.args(["--now", &setting("now"), "--period", &setting("instance_usage_audit_period")]);
    if subcommand == "run" {
        // The clock of this machine may be before the time of the cell.
        command.arg("--force");
    }
    command.current_dir(cell.directory.path());
    command
}

fn run(cell: &Cell) -> Command {
    let mut command = on_cell(cell, "run");
    command.args(["--database", "sqlite:nova.sqlite", "--all-hosts", "--format", "both"]);
    command.args(["--image-endpoint", "http://glance.example:9292/", "--notify", "ndjson:out.ndjson"]);
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("the program")
}

fn outcome(command: &mut Command) -> (Option<i32>, String, String) {
    let output = output(command);
    (output.status.code(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

fn ndjson(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn sent(cell: &Cell) -> Vec<Value> {
    ndjson(&cell.directory.path().join("out.ndjson"))
}

async fn task_log(cell: &Cell) -> Vec<Value> {
    let columns =
        "task_name, state, host, period_beginning, period_ending, message, task_items, errors, deleted, deleted_at";
    let columns = columns.split(", ").map(|name| format!("'{name}', {name}")).collect::<Vec<_>>().join(", ");
    let sql = sqlx::AssertSqlSafe(format!("SELECT json_object({columns}) FROM task_log ORDER BY id"));
    let pool = cell.pool().await;
    let rows = sqlx::query(sql).fetch_all(&pool).await.expect("rows");
    pool.close().await;
    rows.iter().map(|row| serde_json::from_str(row.get(0)).expect("JSON")).collect()
}

/// Removes the duration from the message of a row.
fn without_seconds(mut row: Value) -> Value {
    let message = row["message"].as_str().expect("a message");
    let (start, _) = message.rsplit_once(" in ").expect("a closing message");
    row["message"] = start.into();
    row
}

#[tokio::test]
async fn audits_cells_as_nova_does() {
    for name in CELLS {
        let cell = Cell::unpack(name);
        let (status, stdout, stderr) = outcome(&mut run(&cell));
        assert_eq!((status, stderr.as_str()), (Some(0), ""), "{name}: {stdout}");

        let golden = ndjson(&cell.golden("nova-emitted.ndjson"));
        let lines = sent(&cell);
        assert!(!golden.is_empty());
        assert_eq!(lines.len(), golden.len(), "{name}");
        let mut ids = BTreeSet::new();
        for (line, golden) in lines.iter().zip(&golden) {
            let (mut line, mut golden) = (line.clone(), golden["message"].clone());
            assert!(ids.insert(line["message_id"].to_string()), "message ids are unique");
            line["message_id"].take();
            golden["message_id"].take();
            assert_eq!(line, golden, "{name}");
        }

        let golden = read_json(&cell.golden("task_log.json"));
        let golden = golden.as_array().expect("rows").iter().cloned().map(|mut row| {
            row.as_object_mut()
                .expect("a row")
                .retain(|key, _| !["id", "created_at", "updated_at"].contains(&key.as_str()));
            without_seconds(row)
        });
        let rows: Vec<_> = task_log(&cell).await.into_iter().map(without_seconds).collect();
        assert_eq!(rows, golden.collect::<Vec<_>>(), "{name}");
        println!("{name}: {} notifications, {} rows", lines.len(), rows.len());
    }
}

#[test]
fn a_second_run_does_nothing_and_reports_it() {
    let cell = Cell::unpack("day6");
    assert_eq!(outcome(&mut run(&cell)).0, Some(0));
    let state = || (fs::read(cell.path()).expect("a file"), sent(&cell));
    let before = state();
    let (status, _, stderr) = outcome(&mut run(&cell));
    assert_eq!(status, Some(0));
    let expected = ["cmp-01", "cmp-02", "cmp-03"]
        .map(|host| format!("host `{host}`: the audit of this window has been run before\n"));
    assert_eq!(stderr, expected.concat());
    assert_eq!(state(), before);

    let (status, stdout, _) = outcome(run(&cell).arg("--json"));
    assert_eq!(status, Some(0));
    let summary: Value = serde_json::from_str(&stdout).expect("JSON");
    assert!(summary["hosts"].as_array().expect("hosts").iter().all(|host| host["audit"] == "audited before"));
}

#[test]
fn sends_notifications_to_standard_output() {
    let cell = Cell::unpack("hour15");
    let mut command = on_cell(&cell, "run");
    command.args("--database sqlite:nova.sqlite --host cmp-02 --host cmp-02 --format versioned --json".split(' '));
    let (status, stdout, stderr) = outcome(&mut command);
    assert_eq!(status, Some(0));
    let golden = ndjson(&cell.golden("nova-emitted.ndjson"));
    let golden =
        golden.iter().filter(|line| line["host"] == "cmp-02" && line["message"]["event_type"] == "instance.exists");
    let payloads: Vec<_> = golden.map(|line| line["message"]["payload"].clone()).collect();
    let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.into_iter().map(|mut line| line["payload"].take()).collect::<Vec<_>>(), payloads);

    let summary: Value = serde_json::from_str(&stderr).expect("JSON");
    let [host] = &summary["hosts"].as_array().expect("hosts")[..] else { panic!("one host: {summary}") };
    assert_eq!(host["host"], "cmp-02");
    assert_eq!(host["window"]["begin"], "2026-10-14T08:15:00.000000");
    assert_eq!(host["audit"], "done");
    assert_eq!((&host["instances"], &host["notifications"], &host["errors"]), (&9.into(), &9.into(), &0.into()));
    assert_eq!(host["failures"], Value::Array(Vec::new()));
    let totals = &summary["totals"];
    assert_eq!((&totals["hosts"], &totals["instances"], &totals["notifications"]), (&1.into(), &9.into(), &9.into()));
}

#[tokio::test]
async fn counts_an_unreadable_instance_as_an_error_and_continues() {
    let whole = Cell::unpack("hour15");
    let uuid = "a7414f01-010c-4b51-abda-5a4f998d1525";
    let of_instance = |line: &Value| {
        let payload = &line["payload"];
        payload["instance_id"] == uuid || payload["nova_object.data"]["uuid"] == uuid
    };
    let others = |lines: Vec<Value>| {
        let lines = lines.into_iter().filter(|line| !of_instance(line));
        lines.map(|mut line| line["payload"].take()).collect::<Vec<_>>()
    };
    assert_eq!(outcome(&mut run(&whole)).0, Some(0));
    let expected = others(sent(&whole));

    for broken in [
        format!("UPDATE instance_extra SET flavor = substr(flavor, 1, 40) WHERE instance_uuid = '{uuid}'"),
        format!("UPDATE instance_extra SET flavor = x'00ff' WHERE instance_uuid = '{uuid}'"),
        format!("UPDATE instance_extra SET flavor = NULL WHERE instance_uuid = '{uuid}'"),
        format!("UPDATE instance_info_caches SET network_info = '[{{' WHERE instance_uuid = '{uuid}'"),
    ] {
        let cell = Cell::unpack("hour15");
        cell.execute(&broken).await;
        let (status, stdout, stderr) = outcome(run(&cell).arg("--json"));
        assert_eq!(status, Some(1), "{broken}: {stderr}");
        assert!(stderr.starts_with(&format!("host `cmp-01`, instance `{uuid}`: ")), "{broken}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        let summary: Value = serde_json::from_str(&stdout).expect("JSON");
        let host = &summary["hosts"][0];
        assert_eq!((&host["instances"], &host["errors"]), (&10.into(), &1.into()));
        assert_eq!(host["failures"][0]["instance_uuid"], uuid);
        assert_eq!(others(sent(&cell)), expected, "{broken}");
        let rows = task_log(&cell).await;
        assert_eq!(rows.iter().map(|row| &row["errors"]).collect::<Vec<_>>(), [1, 0], "{broken}");
    }
}

#[test]
fn rejects_bad_input_on_one_line_and_writes_nothing() {
    let cell = Cell::unpack("hour15");
    let directory = cell.directory.path();
    fs::write(directory.join("text"), "a text file, not a database\n".repeat(200)).expect("a file");
    fs::write(directory.join("empty"), "").expect("a file");
    fs::write(directory.join("nothing.wasm"), wat::parse_str("(component)").expect("WAT")).expect("a file");
    fs::write(directory.join("unfinished"), "{").expect("a file");
    let good = "--database sqlite:nova.sqlite --all-hosts --notify ndjson:new.ndjson";
    let component = component_path();
    let component = component.to_str().expect("UTF-8");
    let with = |options: &str| format!("run {options} --component {component}");

    let table = [
        (with("--database sqlite:missing --all-hosts --notify ndjson:new.ndjson"), "no such database file: `missing`"),
        (with("--database sqlite:text --all-hosts --notify ndjson:new.ndjson"), "`text` is not an SQLite database"),
        (with("--database sqlite:empty --all-hosts --notify ndjson:new.ndjson"), "has no table `instances`"),
        (with("--database nova.sqlite --all-hosts --notify ndjson:new.ndjson"), "give `sqlite:PATH`"),
        (with("--database mysql://root:secret@db/nova --all-hosts --notify ndjson:new.ndjson"), "cannot open `mysql`"),
        (with(&format!("{good} --period week")), "`week`"),
        (with(&format!("{good} --period month@")), "`month@`"),
        (with(&format!("{good} --period day@24")), "`day@24`"),
        (with(&format!("{good} --period hour@60")), "`hour@60`"),
        (with(&format!("{good} --period month@31 --now 2026-05-02")), "`month@31`"),
        (with(&format!("{good} --period year@13")), "`year@13`"),
        (with(&format!("{good} --period day@99999999999999999999999")), "day@99999999999999999999999"),
        (with(&format!("{good} --release zed")), "`zed`"),
        (with(&format!("{good} --format xml")), "`xml`"),
        (with(&format!("{good} --now yesterday")), "`yesterday`"),
        (with(&format!("{good} --now 2026-02-30T00:00:00")), "`2026-02-30T00:00:00`"),
        (with(&format!("{good} --now 2016-12-31T23:59:60")), "`2016-12-31T23:59:60`"),
        (with(&format!("{good} --now 1969-12-31")), "`1969-12-31`"),
        (with(&format!("{good} --host cmp-01")), "`--host"),
        (with("--database sqlite:nova.sqlite --notify ndjson:new.ndjson"), "--all-hosts"),
        (with(&format!("{good} --colour")), "`--colour`"),
        (with("--database sqlite:nova.sqlite --all-hosts --notify amqp://broker"), "`amqp://broker`"),
        (with("--database sqlite:nova.sqlite --all-hosts --notify ndjson:no/such/new.ndjson"), "`no/such/new.ndjson`"),
        (with("--database sqlite:nova.sqlite --all-hosts --notify ndjson:unfinished"), "whole line"),
        (with("--database sqlite:nova.sqlite --all-hosts --notify ndjson:."), "`.`"),
        (format!("run {good} --component missing.wasm"), "`missing.wasm`"),
        (format!("run {good} --component text"), "`text`"),
        (format!("run {good} --component nothing.wasm"), "nova:compute-utils/"),
        (format!("status --database sqlite:missing --component {component}"), "`missing`"),
        (format!("periods --period day@24 --component {component}"), "`day@24`"),
        (format!("periods --count 0 --component {component}"), "`0`"),
    ];
    let files = || {
        let mut files: Vec<_> = fs::read_dir(directory)
            .expect("a directory")
            .map(|entry| entry.expect("an entry").path())
            .map(|path| (fs::read(&path).expect("a file"), path))
            .collect();
        files.sort();
        files
    };
    let before = files();
    for (line, expected) in table {
        let (status, stdout, stderr) = outcome(program().args(line.split(' ')).current_dir(directory));
        assert_eq!((status, stdout.as_str()), (Some(2), ""), "{line}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{line}: {stderr}");
        assert!(stderr.contains(expected), "{line}: {stderr}");
        assert!(!stderr.contains("secret"), "{stderr}");
        assert_eq!(files(), before, "{line}");
    }
}

#[tokio::test]
async fn waits_for_a_locked_database_and_then_reports_it() {
    let cell = Cell::unpack("hour15");
    let pool = cell.pool().await;
    let mut writer = pool.acquire().await.expect("a connection");
    for (lock, culprit) in [("BEGIN IMMEDIATE", "host `cmp-01`"), ("BEGIN EXCLUSIVE", "`nova.sqlite`")] {
        sqlx::raw_sql(lock).execute(&mut *writer).await.expect("a lock");
        let (status, _, stderr) = outcome(&mut run(&cell));
        assert_eq!(status, Some(3), "{stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains("database is locked by another writer"), "{stderr}");
        assert!(stderr.contains(culprit), "{stderr}");
        sqlx::raw_sql("ROLLBACK").execute(&mut *writer).await.expect("an unlocked database");
        assert!(sent(&cell).is_empty());
    }
    assert_eq!(task_log(&cell).await, Vec::<Value>::new());
    assert_eq!(outcome(&mut run(&cell)).0, Some(0));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn reports_a_full_disk_and_skips_the_other_hosts() {
    let cell = Cell::unpack("month");
    let full = File::options().write(true).open("/dev/full").expect("a device");
    let mut command = on_cell(&cell, "run");
    command.args(["--database", "sqlite:nova.sqlite", "--all-hosts"]).stdout(full).stderr(Stdio::piped());
    let output = command.spawn().and_then(std::process::Child::wait_with_output).expect("the program");
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("error: host `cmp-01`: cannot write notifications: No space left on device"), "{stderr}");
    assert!(stderr.trim_end().ends_with("; not audited: `cmp-02`, `cmp-03`, `cmp-04`"), "{stderr}");
    let rows = task_log(&cell).await;
    let [row] = &rows[..] else { panic!("one row: {rows:?}") };
    assert_eq!((&row["state"], &row["task_items"], &row["errors"]), (&"RUNNING".into(), &14.into(), &0.into()));
}

#[cfg(unix)]
#[tokio::test]
async fn keeps_only_whole_lines_when_a_file_cannot_grow() {
    let cell = Cell::unpack("month");
    let out = cell.directory.path().join("out.ndjson");
    // The limit is 1 MiB: a part of the first batch fits.
    let filling = format!("{{\"filling\":\"{}\"}}\n", "x".repeat((1 << 20) - 20_000));
    fs::write(&out, &filling).expect("a file");
    let inner = run(&cell);
    let mut command = Command::new("sh");
    // Shells differ in the unit of `ulimit -f`, so the script measures it first.
    let unit = "$(ulimit -f 1; dd if=/dev/zero of=probe bs=4096 count=1 2>/dev/null; wc -c < probe)";
    let script = format!("trap '' XFSZ; ulimit -f \"$((1048576 / {unit}))\"; exec \"$0\" \"$@\"");
    command.args(["-c", &script]);
    command.arg(inner.get_program()).args(inner.get_args()).current_dir(cell.directory.path());
    let (status, _, stderr) = outcome(&mut command);
    assert_eq!(status, Some(3), "{stderr}");
    assert!(stderr.contains("cannot write notifications: File too large"), "{stderr}");
    assert!(fs::read_to_string(&out).expect("a file") == filling, "a part of a batch is left");
    assert_eq!(task_log(&cell).await[0]["state"], "RUNNING");
}

#[cfg(unix)]
#[tokio::test]
async fn reports_a_closed_pipe() {
    let cell = Cell::unpack("month");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = on_cell(&cell, "run");
    command
        .args(["--database", "sqlite:nova.sqlite", "--host", "cmp-01", "--quiet"])
        .stdout(writer)
        .stderr(Stdio::piped());
    let output = command.spawn().and_then(std::process::Child::wait_with_output).expect("the program");
    assert_eq!(output.status.code(), Some(3));
    let stderr = text(&output.stderr);
    assert!(stderr.starts_with("error: host `cmp-01`: cannot write notifications: Broken pipe"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1);
}

#[test]
fn lists_periods_newest_first() {
    let periods = |arguments: &[&str]| {
        let (status, stdout, stderr) =
            outcome(program().arg("periods").arg("--component").arg(component_path()).args(arguments));
        assert_eq!((status, stderr.as_str()), (Some(0), ""));
        let rows = stdout
            .lines()
            .skip(2)
            .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect());
        rows.collect::<Vec<Vec<String>>>()
    };
    // Each accepted form of a timestamp.
    for now in ["2026-11-01T00:17:03.250000", "2026-11-01 00:17", "2026-11-01T05:17:03+05:00", "2026-11-01 00:17:03Z"] {
        assert_eq!(
            periods(&["--now", now, "--count", "3"]),
            [
                ["2026-10-01 00:00:00", "2026-11-01 00:00:00"],
                ["2026-09-01 00:00:00", "2026-10-01 00:00:00"],
                ["2026-08-01 00:00:00", "2026-09-01 00:00:00"],
            ],
            "{now}"
        );
    }
    // A window that ends at the current time is not completed yet.
    let expected = [["2026-10-31 06:00:00", "2026-11-01 06:00:00"], ["2026-10-30 06:00:00", "2026-10-31 06:00:00"]];
    assert_eq!(periods(&["--now", "2026-11-02T06:00:00", "--period", "day@6", "--count", "2"]), expected);
    assert_eq!(periods(&[]).len(), 12);
}

#[test]
fn prints_help_and_version() {
    let (status, stdout, stderr) = outcome(program().arg("--help"));
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains("periods"));
    let expected = concat!("nova-usage-audit ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(outcome(program().arg("--version")), (Some(0), expected.to_owned(), String::new()));
}

#[tokio::test]
async fn lists_volumes_and_shares_on_request() {
    let cell = Cell::unpack("hour15");
    let uuid = "a7414f01-010c-4b51-abda-5a4f998d1525";
    cell.execute(&format!("DELETE FROM block_device_mapping; {}", volumes_and_a_share(uuid))).await;
    let mut command = run(&cell);
    command.args(["--bdms-in-notifications", "--include-share-mapping"]);
    let (status, _, stderr) = outcome(&mut command);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    let data: Vec<Value> = sent(&cell).into_iter().map(|mut line| line["payload"]["nova_object.data"].take()).collect();
    let instance = data.iter().find(|data| data["uuid"] == uuid).expect("the instance");
    let [device] = &instance["block_devices"].as_array().expect("a list")[..] else { panic!("one volume: {instance}") };
    assert_eq!(device["nova_object.name"], "BlockDevicePayload");
    assert_eq!(device["nova_object.data"]["volume_id"], "volume-1");
    let [share] = &instance["shares"].as_array().expect("a list")[..] else { panic!("one share: {instance}") };
    assert_eq!(share["nova_object.data"]["share_id"], "share-1");
    let other = data.iter().find(|data| data["uuid"].is_string() && data["uuid"] != uuid).expect("another instance");
    assert_eq!((&other["block_devices"], &other["shares"]), (&Value::Array(Vec::new()), &Value::Array(Vec::new())));
}

/// Returns the exit statuses and their meanings in the README.
fn documented_exit_statuses() -> Vec<(String, String)> {
    let readme = fs::read_to_string(workspace().join("README.md")).expect("the README");
    let (_, table) = readme.split_once("| exit status | meaning |\n|---|---|\n").expect("a table");
    let rows = table.lines().map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    rows.map(|(status, meaning)| (status.to_owned(), meaning.to_owned())).collect()
}

#[test]
fn help_and_readme_list_the_same_exit_statuses() {
    let documented = documented_exit_statuses();
    let statuses: Vec<&str> = documented.iter().map(|(status, _)| &status[..]).collect();
    assert_eq!(statuses, ["0", "1", "2", "3", "4", "129, 130, 143"]);
    let rows = documented.iter().map(|(status, meaning)| format!("  {status:<15}{meaning}\n"));
    let expected = format!("\nExit statuses:\n{}", rows.collect::<String>());
    for subcommand in ["", "run", "status", "usage", "verify", "reconcile"] {
        let arguments = [subcommand, "--help"].into_iter().filter(|argument| !argument.is_empty());
        let (status, stdout, _) = outcome(program().args(arguments));
        assert_eq!(status, Some(0));
        assert!(stdout.ends_with(&expected), "{stdout}");
    }
}

/// `tests/signals.rs` and `tests/resume.rs` have more tests of the statuses 129, 130, 143 and 4.
#[tokio::test]
async fn exits_with_the_documented_statuses() {
    let cell = Cell::unpack("hour15");
    assert_eq!(outcome(run(&cell).arg("--colour")).0, Some(2));
    assert_eq!(outcome(on_cell(&cell, "status").args(["--database", "sqlite:nova.sqlite"])).0, Some(1));
    #[cfg(target_os = "linux")]
    {
        let mut full = on_cell(&cell, "run");
        full.args(["--database", "sqlite:nova.sqlite", "--host", "cmp-01", "--format", "both"]);
        full.args(["--notify", "ndjson:/dev/full"]);
        assert_eq!(outcome(&mut full).0, Some(3));
        assert_eq!(outcome(&mut run(&cell)).0, Some(4));
        assert_eq!(outcome(run(&cell).arg("--give-up")).0, Some(1));
        assert_eq!(outcome(&mut run(&cell)).0, Some(1));
        assert_eq!(outcome(on_cell(&cell, "status").args(["--database", "sqlite:nova.sqlite"])).0, Some(1));
        assert_eq!(outcome(run(&cell).arg("--retry-failed")).0, Some(0));
    }
    assert_eq!(outcome(&mut run(&cell)).0, Some(0));
    assert_eq!(outcome(on_cell(&cell, "status").args(["--database", "sqlite:nova.sqlite"])).0, Some(0));
}

#[tokio::test]
async fn escapes_control_characters_of_names() {
    let cell = Cell::unpack("hour15");
    let name = "cmp\u{1b}[2J\n\u{9b}\u{202e}01";
    let escaped = r"cmp\u001b[2J\u000a\u009b\u202e01";
    cell.execute(&format!(
        "UPDATE instances SET host = '{name}' WHERE host = 'cmp-01'; UPDATE instance_extra SET flavor = '{{'"
    ))
    .await;
    let (status, stdout, stderr) = outcome(&mut run(&cell));
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stdout.contains(&format!("| {escaped} |")), "{stdout}");
    assert!(stderr.contains(&format!("host `{escaped}`, instance `")), "{stderr}");
    let (_, again, _) = outcome(run(&cell).arg("--json"));
    let summary: Value = serde_json::from_str(&again).expect("JSON");
    let hosts = summary["hosts"].as_array().expect("hosts");
    assert!(hosts.iter().any(|host| host["host"] == name), "{again}");
    let (_, list, _) = outcome(on_cell(&cell, "status").args(["--database", "sqlite:nova.sqlite"]));
    assert!(list.contains(escaped), "{list}");
    let (_, dry, _) = outcome(run(&cell).arg("--dry-run"));
    assert!(dry.contains(escaped), "{dry}");
    for text in [stdout, stderr, again, list, dry] {
        let is_obeyed = |character: char| (character.is_control() && character != '\n') || character == '\u{202e}';
        assert!(!text.contains(is_obeyed), "{text:?}");
    }
}

#[test]
fn the_table_ends_with_the_totals() {
    let cell = Cell::unpack("hour15");
    let (status, stdout, stderr) = outcome(&mut run(&cell));
    assert_eq!(status, Some(0), "{stderr}");
    let rows: Vec<Vec<&str>> =
        stdout.lines().skip(2).map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect();
    let (totals, hosts) = rows.split_last().expect("rows");
    assert_eq!(totals[..3], [&format!("{} hosts", hosts.len())[..], "", "total"]);
    for column in 3..6 {
        let sum: u64 = hosts.iter().map(|row| row[column].parse::<u64>().expect("a number")).sum();
        assert_eq!(totals[column], sum.to_string());
    }
}

/// Python runs the program on a terminal of its own.
#[cfg(target_os = "linux")]
#[test]
fn shows_one_progress_bar_for_all_hosts() {
    let cell = Cell::unpack("month");
    let inner = run(&cell);
    let mut command = Command::new("python3");
    command.args(["-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"]);
    command.arg(inner.get_program()).args(inner.get_args()).current_dir(cell.directory.path());
    let (status, screen, stderr) = outcome(&mut command);
    assert_eq!(status, Some(0), "{screen}{stderr}");
    // The bar counts the notifications of all four hosts from the first host on.
    let first = screen.split('\r').find(|line| line.contains(" notifications, ")).expect("a progress bar");
    assert!(first.contains("cmp-01 ") && first.contains(" 0/100 notifications, "), "{first}");
    assert!(screen.contains("| 4 hosts |"), "{screen}");
}
