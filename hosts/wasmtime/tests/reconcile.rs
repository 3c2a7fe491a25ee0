//! `nova-usage-audit reconcile`: what was sent, compared with the database.

mod common;

use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Stdio};

use common::Cell;
use common::audits::{Outcome, listing, ndjson, outcome, program_without_component, run, sent};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

const CELLS: [&str; 3] = ["month", "day6", "hour15"];

/// The file of notifications of the tests.
const FILE: &str = "usage.ndjson";

/// Returns `reconcile` of both formats on a cell, with more options.
fn reconcile(cell: &Cell, options: &str) -> Command {
    let mut command = program_without_component(cell, "reconcile");
    command.args(["--format", "both", "--image-endpoint", "http://glance.example:9292/"]);
    command.args(options.split_whitespace());
    command
}

/// Returns the notifications that Nova emitted on a cell.
fn emitted(cell: &Cell) -> Vec<Value> {
    let text = fs::read_to_string(cell.golden("nova-emitted.ndjson")).expect("notifications");
    let message = |line| serde_json::from_str::<Value>(line).expect("JSON")["message"].take();
    text.lines().map(message).collect()
}

fn write(cell: &Cell, notifications: &[Value]) {
    fs::write(cell.file(FILE), ndjson(notifications)).expect("a file");
}

fn count(summary: &Value, verdict: &str) -> u64 {
    summary["totals"][verdict]["count"].as_u64().expect("a count")
}

fn uuid(notification: &Value) -> &Value {
    let payload = &notification["payload"];
    if payload["instance_id"].is_null() { &payload["nova_object.data"]["uuid"] } else { &payload["instance_id"] }
}

/// Returns the verdict, the event and the UUID of the findings of a server.
fn findings(lines: &[Value]) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let of_server = |line: &Value| {
        let findings = line["findings"].as_array().expect("findings").clone();
        let uuid = text(&line["instance_uuid"]);
        findings.into_iter().map(move |finding| (text(&finding["verdict"]), text(&finding["event_type"]), uuid.clone()))
    };
    lines.iter().flat_map(of_server).collect()
}

#[test]
fn what_a_run_sent_is_equal() {
    for name in CELLS {
        let cell = Cell::unpack(name);
        outcome(&mut run(&cell, "")).expect(0, &[]);
        let mut command = program_without_component(&cell, "reconcile");
        let result = outcome(command.args(["out.ndjson", "--format", "both", "--json"]));
        result.expect(0, &[]);
        let (lines, summary) = listing(&result);
        let count = count(&summary, "equal");
        assert_eq!((lines.len(), usize::try_from(count)), (0, Ok(sent(&cell).len())), "{name}: {summary}");
        println!("{name}: {count} equal");
    }
}

#[test]
fn what_nova_sent_is_equal() {
    for name in CELLS {
        let cell = Cell::unpack(name);
        let emitted = emitted(&cell);
        write(&cell, &emitted);
        let result = outcome(&mut reconcile(&cell, "usage.ndjson --json --only equal,other_window"));
        result.expect(0, &[]);
        let (lines, summary) = listing(&result);
        let findings = findings(&lines);
        assert_eq!(findings.len(), emitted.len(), "{name}");
        assert!(findings.iter().all(|(verdict, ..)| verdict == "equal"), "{name}");
        let hours = summary["totals"]["equal"]["hours"].as_f64().expect("hours");
        let listed = lines.iter().map(|line| line["hours"].as_f64().expect("hours") * 2.0).sum::<f64>();
        assert!((hours - listed).abs() < 1e-6, "{name}: {hours} {listed}");

        // One format, which ignores the other one.
        let result = outcome(reconcile(&cell, "usage.ndjson --json").args(["--format", "versioned"]));
        assert_eq!(result.status, Some(2), "an option is given twice");
        let mut command = program_without_component(&cell, "reconcile");
        let result = outcome(command.args(["usage.ndjson", "--format", "versioned", "--json"]));
        result.expect(0, &[]);
    }
}

#[test]
fn finds_each_injury_and_no_other() {
    let cell = Cell::unpack("month");
    let whole = emitted(&cell);
    let window = json!({"begin": "2026-09-01T00:00:00.000000", "end": "2026-10-01T00:00:00.000000"});
    let first = |event: &str| {
        let index = whole.iter().position(|notification| notification["event_type"] == event).expect("a notification");
        (index, uuid(&whole[index]).as_str().expect("a UUID").to_owned())
    };
    let ((index, server), (versioned, versioned_server)) = (first("compute.instance.exists"), first("instance.exists"));
    let changed = |index: usize, pointer: &str, value: Value| {
        let mut notifications = whole.clone();
        *notifications[index].pointer_mut(pointer).expect("a field") = value;
        notifications
    };
    let added = |notification: Value| [&whole[..], &[notification]].concat();
    let mut lost = whole.clone();
    lost.remove(index);
    let mut copy = whole[index].clone();
    copy["message_id"] = json!("00000000-0000-4000-8000-000000000000");
    let mut unknown = copy.clone();
    unknown["payload"]["instance_id"] = json!("00000000-0000-4000-8000-000000000001");
    let mut moved = whole.clone();
    moved[index]["payload"]["audit_period_beginning"] = json!("2026-09-01 00:00:00");
    moved[index]["payload"]["audit_period_ending"] = json!("2026-10-01 00:00:00");

    let unversioned =
        |verdict: &str, uuid: &str| (verdict.to_owned(), "compute.instance.exists".to_owned(), uuid.to_owned());
    let data = "/payload/nova_object.data/";
    for (notifications, expected, status) in [
        (lost, vec![unversioned("missing", &server)], 1),
        (added(copy), vec![unversioned("doubled", &server)], 1),
        (added(unknown), vec![unversioned("unexpected", "00000000-0000-4000-8000-000000000001")], 1),
        (moved, vec![unversioned("missing", &server)], 1),
        (changed(index, "/payload/memory_mb", json!(1)), vec![unversioned("different", &server)], 1),
        (
            changed(versioned, &format!("{data}display_name"), json!("x")),
            vec![("different".into(), "instance.exists".into(), versioned_server.clone())],
            1,
        ),
        // The same message twice is one message.
        (added(whole[index].clone()), Vec::new(), 0),
    ] {
        write(&cell, &notifications);
        let result = outcome(&mut reconcile(&cell, "usage.ndjson --json"));
        result.expect(status, &[]);
        let (lines, summary) = listing(&result);
        assert_eq!(findings(&lines), expected);
        assert_eq!(summary["servers_not_equal"], expected.len());
        let worst = &summary["projects"][0];
        assert_eq!(worst["servers_not_equal"], expected.len(), "{worst}");
    }

    let mut moved = whole.clone();
    moved[index]["payload"]["audit_period_beginning"] = json!("2026-09-01 00:00:00");
    moved[index]["payload"]["audit_period_ending"] = json!("2026-10-01 00:00:00");
    write(&cell, &moved);
    let result = outcome(&mut reconcile(&cell, "usage.ndjson --json --only other_window"));
    result.expect(1, &[]);
    let (lines, _) = listing(&result);
    assert_eq!(findings(&lines), [unversioned("other_window", &server)]);
    assert_eq!(lines[0]["findings"][0]["window"], window);
}

#[test]
fn describes_findings_and_names_the_worst_projects_first() {
    let cell = Cell::unpack("month");
    let mut notifications = emitted(&cell);
    let project = |notification: &Value| notification["payload"]["tenant_id"].clone();
    let worst = project(&notifications[0]);
    notifications.retain(|notification| project(notification) != worst);
    let other = notifications.iter_mut().find(|notification| project(notification).is_string()).expect("a project");
    other["payload"]["memory_mb"] = json!(1);
    let (other_project, server) = (project(other), uuid(other).clone());
    write(&cell, &notifications);
    let result = outcome(&mut reconcile(&cell, "usage.ndjson"));
    result.expect(1, &[]);
    let stdout = &result.stdout;
    let different = stdout.lines().find(|line| line.starts_with("different")).expect("a row");
    assert!(different.contains(server.as_str().expect("a UUID")), "{different}");
    assert!(different.contains("`memory_mb` is `1` instead of `"), "{different}");
    assert!(stdout.contains("2026-10-01 00:00:00 .. 2026-11-01 00:00:00: "), "{stdout}");
    let row = |project: &Value| {
        let start = format!("| {} ", project.as_str().expect("a project"));
        stdout.lines().position(|line| line.starts_with(&start)).expect("a row")
    };
    assert!(row(&worst) < row(&other_project), "{stdout}");

    let result = outcome(&mut reconcile(&cell, "usage.ndjson --only different,doubled"));
    result.expect(1, &[]);
    assert!(!result.stdout.contains("\nmissing  "), "{}", result.stdout);
    assert!(result.stdout.contains("\ndifferent  "), "{}", result.stdout);
}

#[test]
fn reads_several_files_compressed_ones_and_standard_input() {
    let cell = Cell::unpack("hour15");
    let emitted = emitted(&cell);
    let (first, rest) = emitted.split_at(7);
    let (second, third) = rest.split_at(9);
    // Two compressed parts one after another, and the name of a file that is not compressed.
    let compressed = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).expect("compression");
        encoder.finish().expect("compression")
    };
    let (one, other) = second.split_at(4);
    fs::write(cell.file("a.ndjson"), [compressed(&ndjson(one)), compressed(&ndjson(other))].concat()).expect("a file");
    fs::write(cell.file("b.gz"), ndjson(first).replace('\n', "\r\n\n")).expect("a file");
    for input in [ndjson(third).into_bytes(), compressed(&ndjson(third))] {
        let mut child =
            reconcile(&cell, "a.ndjson - b.gz a.ndjson --json").stdin(Stdio::piped()).spawn().expect("a program");
        child.stdin.take().expect("a pipe").write_all(&input).expect("input");
        let result = Outcome::from(child.wait_with_output().expect("the program"));
        result.expect(0, &[]);
        let (_, summary) = listing(&result);
        assert_eq!(usize::try_from(count(&summary, "equal")), Ok(emitted.len()));
    }
}

#[test]
fn lists_lines_that_cannot_be_read_and_ignores_other_events() {
    let cell = Cell::unpack("hour15");
    let emitted = emitted(&cell);
    let other = json!({"event_type": "volume.usage", "payload": {"volume_id": "1"}});
    let broken = "{\"event_type\": \"compute.instance.exists\"}\nno JSON\n\u{1b}[2J\n";
    let mut bytes = format!("{other}\n{}{broken}", ndjson(&emitted)).into_bytes();
    bytes.extend(b"\xff\n");
    fs::write(cell.file(FILE), bytes).expect("a file");
    let result = outcome(&mut reconcile(&cell, "usage.ndjson --json"));
    result.expect(1, &[]);
    let (lines, summary) = listing(&result);
    assert_eq!(lines.len(), 4, "{}", result.stdout);
    let first = u64::try_from(emitted.len()).expect("a number") + 2;
    for (line, number) in lines.iter().zip(first..) {
        assert_eq!((&line["file"], &line["line"]), (&json!(FILE), &json!(number)));
    }
    assert_eq!(lines[0]["error"], json!({"code": "KeyError", "message": "`payload` is missing"}));
    assert_eq!((&summary["totals"]["errors"], &summary["ignored"]), (&json!(4), &json!(1)));
    assert_eq!(usize::try_from(count(&summary, "equal")), Ok(emitted.len()));

    let result = outcome(&mut reconcile(&cell, "usage.ndjson"));
    result.expect(1, &[]);
    let row = format!("unreadable    `{FILE}`, line {first}: `payload` is missing\n");
    assert!(result.stdout.contains(&row), "{}", result.stdout);
    assert!(result.stdout.contains("4 cannot be read; 1 other notifications are not compared"));
    assert!(!result.stdout.contains('\u{1b}'));

    let result = outcome(&mut reconcile(&cell, "usage.ndjson --only missing"));
    result.expect(1, &[]);
    assert!(!result.stdout.contains("unreadable "), "{}", result.stdout);
}

#[tokio::test]
async fn an_instance_that_cannot_be_read_is_one_entry() {
    let cell = Cell::unpack("hour15");
    write(&cell, &emitted(&cell));
    let broken = "a7414f01-010c-4b51-abda-5a4f998d1525";
    for column in ["x'00ff'", "substr(flavor, 1, 40)"] {
        let cell = {
            let copy = cell.copy();
            fs::copy(cell.file(FILE), copy.file(FILE)).expect("a copy");
            copy
        };
        cell.execute(&format!("UPDATE instance_extra SET flavor = {column} WHERE instance_uuid = '{broken}'")).await;
        let result = outcome(&mut reconcile(&cell, "usage.ndjson --json"));
        result.expect(1, &[]);
        let (lines, summary) = listing(&result);
        let [line] = &lines[..] else { panic!("one entry: {}", result.stdout) };
        assert_eq!(line["instance_uuid"], broken);
        assert!(line["error"]["message"].is_string(), "{line}");
        assert_eq!(summary["totals"]["errors"], 1);
        assert_eq!(summary["servers_not_equal"], 0);
    }
}

#[test]
fn reconciles_one_host() {
    let cell = Cell::unpack("month");
    let emitted = emitted(&cell);
    write(&cell, &emitted);
    let of_host = |host: &str| {
        let publishers = [format!("compute.{host}"), format!("nova-compute:{host}")];
        let of_host = |it: &&Value| publishers.iter().any(|publisher| it["publisher_id"] == *publisher);
        u64::try_from(emitted.iter().filter(of_host).count()).expect("a count")
    };
    let result = outcome(&mut reconcile(&cell, "usage.ndjson --json --host cmp-02"));
    result.expect(0, &[]);
    let (_, summary) = listing(&result);
    assert_eq!(count(&summary, "equal"), of_host("cmp-02"));
    assert_eq!(summary["ignored"], u64::try_from(emitted.len()).expect("a count") - of_host("cmp-02"));
}

#[test]
fn compares_only_the_fields_that_are_asked_for() {
    let cell = Cell::unpack("hour15");
    let mut notifications = emitted(&cell);
    notifications[0]["payload"]["display_name"] = json!("renamed");
    write(&cell, &notifications);
    outcome(&mut reconcile(&cell, "usage.ndjson --fields launched_at,memory_mb")).expect(0, &[]);
    outcome(&mut reconcile(&cell, "usage.ndjson --fields launched_at,display_name")).expect(1, &[]);
}

#[test]
fn rejects_bad_input_on_one_line() {
    let cell = Cell::unpack("hour15");
    write(&cell, &emitted(&cell));
    for (options, expected) in [
        ("", "<FILE>..."),
        ("missing.ndjson", "cannot read `missing.ndjson`: "),
        ("usage.ndjson .", "cannot read `.`: "),
        ("- -", "give `-` only once"),
        ("usage.ndjson --only lost", "`lost`"),
        ("usage.ndjson --release grizzly", "give `--release hibiscus`"),
    ] {
        let result = outcome(&mut reconcile(&cell, options));
        result.expect(2, &[expected]);
        assert!(result.stdout.is_empty() && result.stderr.starts_with("error: "), "{}", result.stderr);
        assert_eq!(result.stderr.lines().count(), 1, "{}", result.stderr);
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_nova-usage-audit"));
    command.args("reconcile usage.ndjson --database sqlite:nova.sqlite --begin 2026-10-02 --end 2026-10-01".split(' '));
    outcome(command.current_dir(cell.directory.path())).expect(2, &["is empty: give a later `--end`"]);
}

#[test]
fn reports_a_compressed_file_that_is_cut_off() {
    let cell = Cell::unpack("hour15");
    let mut encoder = GzEncoder::new(File::create(cell.file("cut.gz")).expect("a file"), Compression::default());
    encoder.write_all(ndjson(&emitted(&cell)).as_bytes()).expect("compression");
    drop(encoder.finish().expect("compression"));
    let whole = fs::read(cell.file("cut.gz")).expect("a file");
    fs::write(cell.file("cut.gz"), &whole[..whole.len() / 2]).expect("a file");
    outcome(&mut reconcile(&cell, "cut.gz")).expect(3, &["error: cannot read `cut.gz`: "]);
}

#[cfg(target_os = "linux")]
#[test]
fn reports_a_full_disk_and_no_closed_pipe() {
    let cell = Cell::unpack("hour15");
    write(&cell, &emitted(&cell));
    let full = File::options().write(true).open("/dev/full").expect("a device");
    let output = reconcile(&cell, "usage.ndjson").stdout(full).spawn().and_then(std::process::Child::wait_with_output);
    Outcome::from(output.expect("the program")).expect(3, &["error: cannot write to standard output: "]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output =
        reconcile(&cell, "usage.ndjson").stdout(writer).spawn().and_then(std::process::Child::wait_with_output);
    Outcome::from(output.expect("the program")).expect(0, &[]);
}
