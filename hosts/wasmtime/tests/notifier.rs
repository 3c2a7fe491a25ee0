//! The NDJSON notifier: the lines that it writes, and its errors.

use std::fs;

use nova_compute_utils_wasmtime::NdjsonNotifier;
use nova_compute_utils_wasmtime::conductor::{Context, HostError};
use nova_compute_utils_wasmtime::notifier::{Host, Notification, Priority};

fn notification(payload: &str) -> Notification {
    Notification {
        message_id: "48b988aa-afe1-4664-8307-784d3a2daad0".into(),
        publisher_id: "compute.cmp-01".into(),
        event_type: "compute.instance.exists".into(),
        priority: Priority::Info,
        payload: payload.into(),
        timestamp: "2026-11-01 00:17:03.250000".into(),
        versioned: false,
    }
}

fn line(payload: &str) -> String {
    format!(
        r#"{{"message_id":"48b988aa-afe1-4664-8307-784d3a2daad0","publisher_id":"compute.cmp-01","event_type":"compute.instance.exists","priority":"INFO","payload":{payload},"timestamp":"2026-11-01 00:17:03.250000"}}"#
    ) + "\n"
}

async fn notify(notifier: &mut NdjsonNotifier, payloads: &[&str]) -> Result<Vec<Option<HostError>>, HostError> {
    notifier.notify(Context::default(), payloads.iter().map(|payload| notification(payload)).collect()).await
}

#[tokio::test]
async fn appends_one_message_per_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("out.ndjson");
    fs::write(&file, "{\"earlier\": 1}\n").expect("a file");
    let mut notifier = NdjsonNotifier::append(&file).expect("a notifier");
    // Digits stay as they are; line breaks become blanks.
    let answers =
        notify(&mut notifier, &[r#"{"a":9007199254740993.10}"#, "{\n\"b\": \"\\n\"\r\n}"]).await.expect("answers");
    assert!(answers.iter().all(Option::is_none));
    notify(&mut NdjsonNotifier::append(&file).expect("another"), &["{}"]).await.expect("answers");
    let lines = [line(r#"{"a":9007199254740993.10}"#), line(r#"{ "b": "\n"  }"#), line("{}")];
    assert_eq!(fs::read_to_string(&file).expect("a file"), format!("{{\"earlier\": 1}}\n{}", lines.concat()));
}

#[tokio::test]
async fn refuses_only_the_payload_that_is_not_json() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("out.ndjson");
    let mut notifier = NdjsonNotifier::append(&file).expect("a notifier");
    let answers = notify(&mut notifier, &["{}", "{", "[]"]).await.expect("answers");
    assert_eq!(answers.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(fs::read_to_string(&file).expect("a file"), line("{}") + &line("[]"));
    assert_eq!(notifier.failure(), None);
    assert_eq!(notify(&mut notifier, &[]).await, Ok(Vec::new()));
}

#[test]
fn rejects_a_file_without_a_final_line_break() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("precious");
    fs::write(&file, "no line break").expect("a file");
    NdjsonNotifier::append(&file).expect_err("not a file of notifications");
    assert_eq!(fs::read_to_string(&file).expect("a file"), "no line break");
    NdjsonNotifier::append(directory.path()).expect_err("a directory");
    NdjsonNotifier::append(directory.path().join("no/such/directory")).expect_err("no directory");
}

#[tokio::test]
async fn concurrent_writers_do_not_mix_batches() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("out.ndjson");
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let mut notifier = NdjsonNotifier::append(&file).expect("a notifier");
            tokio::spawn(async move {
                let payload = format!("{{\"number\":{number}}}");
                for _ in 0..20 {
                    notify(&mut notifier, &[payload.as_str(); 10]).await.expect("answers");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a finished task");
    }
    let text = fs::read_to_string(&file).expect("a file");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 8 * 20 * 10);
    assert!(lines.chunks(10).all(|batch| batch.iter().all(|line| *line == batch[0])), "a batch is split");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn reports_a_full_disk() {
    let mut notifier = NdjsonNotifier::append("/dev/full").expect("a notifier");
    let error = notify(&mut notifier, &["{}", "{}"]).await.expect_err("no space");
    assert_eq!(error.code, "NotificationNotSent");
    assert!(error.message.contains("No space left on device"), "{}", error.message);
    assert_eq!(notifier.failure().as_ref(), Some(&error));
    assert_eq!(notify(&mut notifier, &["{}"]).await, Err(error));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn reports_a_closed_pipe_and_counts_the_lines_before_it() {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let mut notifier =
        NdjsonNotifier::append(format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer))).expect("a notifier");
    let payload = format!("{{\"text\":\"{}\"}}", "x".repeat(10_000));
    let sent = notify(&mut notifier, &[payload.as_str(); 2]).await.expect("answers");
    assert!(sent.iter().all(Option::is_none));

    // More than a pipe holds: the reader reads some lines before it closes.
    let length = line(&payload).len();
    let read = std::thread::spawn(move || std::io::Read::read_exact(&mut reader, &mut vec![0; length * 5]));
    let answers = notify(&mut notifier, &[payload.as_str(); 50]).await.expect("answers");
    read.join().expect("a finished thread").expect("five lines");
    let whole = answers.iter().take_while(|answer| answer.is_none()).count();
    assert!((3..50).contains(&whole), "{whole}");
    let refused: Vec<_> = answers[whole..].iter().flatten().collect();
    assert_eq!(refused.len(), 50 - whole);
    assert!(refused.iter().all(|error| error.message.contains("Broken pipe")));
    notify(&mut notifier, &["{}"]).await.expect_err("the error is permanent");
}
