//! `nova-usage-audit verify`: winchester's judgement of files.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::NaiveDateTime;
use common::audits::{Outcome, listing, ndjson, outcome};
use common::vectors;
use nova_compute_utils::notification::ReceivedNotification;
use serde_json::{Value, json};
use tempfile::TempDir;

fn verify(directory: &Path, options: &str) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nova-usage-audit"));
    command.arg("verify").args(options.split_whitespace()).current_dir(directory).stdin(Stdio::null());
    outcome(&mut command)
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

fn timestamp(notification: &Value) -> Option<NaiveDateTime> {
    ReceivedNotification::parse(&notification.to_string()).expect("a notification").timestamp
}

/// Returns the cases of winchester whose notifications are in the order of their timestamps, in which the command sorts
/// them.
fn cases() -> Vec<Value> {
    let mut cases = vectors("winchester", "verify_usage");
    cases.retain(|case| array(&case["args"]["notifications"]).is_sorted_by_key(timestamp));
    assert!(cases.len() > 350, "{}", cases.len());
    cases
}

#[test]
fn judges_all_servers_of_the_vectors_as_winchester_does() {
    let directory = TempDir::new().expect("a directory");
    let (mut files, mut expected) = ([String::new(), String::new(), String::new()], BTreeSet::new());
    let mut spread = 0;
    for case in cases() {
        let notifications = array(&case["args"]["notifications"]);
        if notifications.is_sorted_by(|one, next| timestamp(one) < timestamp(next)) {
            // Spread over the files, in the opposite order.
            spread += 1;
            for (number, notification) in notifications.iter().rev().enumerate() {
                files[number % 3] += &ndjson([notification]);
            }
        } else {
            // Notifications with the same timestamp keep their order.
            files[1] += &ndjson(notifications);
        }
        let instance_uuid = &notifications[0]["payload"]["instance_id"];
        for judgement in array(&case["expect"]) {
            let mut line = json!({
                "instance_uuid": instance_uuid, "verdict": "warnings", "exists": null, "message_id": null, "code": null,
                "error": null, "warnings": null,
            });
            for (name, value) in judgement.as_object().expect("a judgement") {
                line[name] = value.clone();
            }
            expected.insert(line.to_string());
        }
    }
    assert!(spread > 100, "{spread}");
    for (file, name) in files.iter().zip(["a", "b", "c"]) {
        fs::write(directory.path().join(name), file).expect("a file");
    }
    let result = verify(directory.path(), "a b c --json --only verified,failed,warnings");
    result.expect(1, &[]);
    let (lines, summary) = listing(&result);
    // Winchester does not say which `exists` a warning precedes.
    let without_exists = |line: &Value| {
        let mut line = line.clone();
        if line["verdict"] == "warnings" {
            line["exists"].take();
        }
        line.to_string()
    };
    let found: BTreeSet<String> = lines.iter().map(without_exists).collect();
    let different: Vec<_> = found.symmetric_difference(&expected).take(3).collect();
    assert!(different.is_empty(), "{different:#?}");
    assert_eq!(summary["servers"], cases().len());
    let judged = |verdict: &str| lines.iter().filter(|line| line["verdict"] == verdict).count();
    for verdict in ["verified", "failed", "warnings"] {
        assert_eq!(summary[verdict], judged(verdict), "{summary}");
    }
    let codes: u64 =
        summary["codes"].as_object().expect("codes").values().map(|it| it.as_u64().expect("a count")).sum();
    assert_eq!(summary["failed"], codes);
    let failed = array(&summary["projects"]).iter().map(|project| project["failed"].as_u64().expect("a count"));
    assert!(failed.clone().is_sorted_by(|one, next| one >= next));
    assert_eq!(summary["failed"], failed.sum::<u64>());
}

#[test]
fn lists_failures_for_people() {
    let directory = TempDir::new().expect("a directory");
    let case = cases().into_iter().find(|case| array(&case["expect"])[0]["code"] == "U2");
    let case = case.expect("a case whose first judgement is U2");
    let notifications = ndjson(array(&case["args"]["notifications"]));
    let versioned = json!({"event_type": "instance.exists", "payload": {
        "nova_object.name": "InstanceExistsPayload", "nova_object.version": "2.1", "nova_object.data": {}}});
    fs::write(directory.path().join("a"), format!("{notifications}{versioned}\n?\n")).expect("a file");
    let result = verify(directory.path(), "a");
    result.expect(1, &[]);
    let row = result.stdout.lines().find(|line| line.starts_with("failed")).expect("a row");
    let reason = array(&case["expect"])[0]["error"].as_str().expect("a reason");
    assert!(row.contains("  U2    ") && row.ends_with(reason), "{row}");
    assert!(result.stdout.contains("| failed U2 | 1      |"), "{}", result.stdout);
    assert!(result.stdout.contains("; 1 cannot be read; 1 other notifications are not judged"));
    assert!(result.stdout.starts_with("verdict       server"), "{}", result.stdout);
    assert!(!result.stdout.contains("\nverified  "), "{}", result.stdout);
}

#[test]
fn the_exit_status_tells_whether_anything_failed() {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("a");
    let exists = json!({"event_type": "compute.instance.exists", "message_id": "e429392b-51a7-436e-8109-0aee5622276a",
        "payload": {"instance_id": "48b988aa-afe1-4664-8307-784d3a2daad0", "state": "active",
            "launched_at": "2026-10-01 00:00:00", "deleted_at": "", "audit_period_beginning": "2026-10-31 00:00:00",
            "audit_period_ending": "2026-11-01 00:00:00"}});
    fs::write(&file, exists.to_string()).expect("a file");
    verify(directory.path(), "a").expect(0, &[]);
    let (lines, summary) = listing(&verify(directory.path(), "a --json --only verified"));
    assert_eq!((lines.len(), &summary["verified"]), (1, &json!(1)));
    // The options of winchester do not compare this field, and there is no operation to compare with.
    verify(directory.path(), "a --fields display_name").expect(0, &[]);
    let mut failing = exists.clone();
    failing["payload"]["launched_at"] = json!("");
    fs::write(&file, failing.to_string()).expect("a file");
    verify(directory.path(), "a").expect(1, &[]);
    verify(directory.path(), "a --only verified").expect(1, &[]);
    // A server with a timestamp that cannot be read.
    failing["payload"]["launched_at"] = json!("soon");
    fs::write(&file, failing.to_string()).expect("a file");
    let result = verify(directory.path(), "a");
    result.expect(1, &[]);
    assert!(
        result.stdout.contains("unreadable    instance `48b988aa-afe1-4664-8307-784d3a2daad0`: "),
        "{}",
        result.stdout
    );
    fs::write(&file, "").expect("a file");
    verify(directory.path(), "a").expect(0, &[]);
    verify(directory.path(), "b").expect(2, &["cannot read `b`"]);
}
