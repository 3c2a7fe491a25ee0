//! The NDJSON notifier: the lines that it writes, and its errors.

use std::fs;
use std::path::Path;

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

/// A file after an interrupted run, and the position before its last page.
async fn interrupted(file: &Path) -> Option<String> {
    let mut notifier = NdjsonNotifier::append(file).expect("a notifier");
    notify(&mut notifier, &[r#"{"page":1}"#]).await.expect("answers");
    let position = notifier.position(Context::default()).await.expect("a position");
    notify(&mut notifier, &[r#"{"page":2,"instance":"a"}"#, r#"{"page":2,"instance":"b"}"#]).await.expect("answers");
    position
}

#[tokio::test]
async fn a_resumed_run_does_not_repeat_a_line_whatever_its_id_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("out.ndjson");
    let position = interrupted(&file).await;
    let before = fs::read_to_string(&file).expect("a file");
    fs::write(&file, before.clone() + r#"{"message_id":"3e8d"#).expect("a cut file");

    let mut notifier = NdjsonNotifier::append_to_interrupted(&file).expect("a notifier");
    notifier.resume_at(Context::default(), position).await.expect("the position");
    assert_eq!(fs::read_to_string(&file).expect("a file"), before, "the partial line stays");
    let other_id = |payload: &str| Notification { message_id: "another".into(), ..notification(payload) };
    let same_id = |payload: &str| notification(payload);
    let batch = vec![
        other_id(r#"{"page":2,"instance":"a"}"#),
        Notification { timestamp: "2026-11-01 00:20:00".into(), ..other_id(r#"{"page":2,"instance":"b"}"#) },
        same_id(r#"{"page":2,"instance":"a","changed":true}"#),
        // These are new: a page before the position, another type, another publisher.
        other_id(r#"{"page":1}"#),
        Notification { event_type: "instance.exists".into(), ..other_id(r#"{"page":2,"instance":"a"}"#) },
        Notification { publisher_id: "compute.cmp-02".into(), ..other_id(r#"{"page":2,"instance":"a"}"#) },
    ];
    let answers = notifier.notify(Context::default(), batch).await.expect("answers");
    assert_eq!(answers, vec![None; 6]);
    let text = fs::read_to_string(&file).expect("a file");
    let new: Vec<&str> = text.strip_prefix(&before).expect("the earlier lines").lines().collect();
    assert_eq!(new.len(), 3, "{new:?}");
    assert!(new[0].contains(r#""payload":{"page":1}"#), "{new:?}");
    assert!(new[1].contains(r#""event_type":"instance.exists""#) && new[2].contains("compute.cmp-02"), "{new:?}");
}

#[tokio::test]
async fn cuts_only_a_line_that_an_interrupted_run_began() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("out.ndjson");
    for (part, is_cut) in [
        ("{", true),
        (r#"{"message_id":"48b9"#, true),
        (r#"{"message_id":"48b988aa","publisher_id":"compute.cmp-01"}"#, true),
        ("no notification", false),
        (r#"{"message_is":"#, false),
    ] {
        for whole in ["", "{}\n"] {
            let text = format!("{whole}{part}");
            fs::write(&file, &text).expect("a file");
            NdjsonNotifier::append(&file).expect_err("a partial line");
            let mut notifier = NdjsonNotifier::append_to_interrupted(&file).expect("a notifier");
            assert_eq!(fs::read_to_string(&file).expect("a file"), text, "opening changes nothing");
            let position = notifier.position(Context::default()).await;
            let answers = notify(&mut notifier, &["{}"]).await;
            assert_eq!((position.is_ok(), answers.is_ok()), (is_cut, is_cut), "{text}");
            let expected = if is_cut { whole.to_owned() + &line("{}") } else { text };
            assert_eq!(fs::read_to_string(&file).expect("a file"), expected);
        }
    }
}

/// The kernel fails `fdatasync`, so the batch may not be on the disk.
#[cfg(target_os = "linux")]
#[test]
fn removes_a_batch_that_cannot_be_synchronized() {
    use std::collections::BTreeMap;

    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("out.ndjson");
    fs::write(&file, "{}\n").expect("a file");
    let mut notifier = NdjsonNotifier::append(&file).expect("a notifier");
    let failing = SeccompAction::Errno(libc::EIO.unsigned_abs());
    let calls = BTreeMap::from([(libc::SYS_fdatasync, Vec::new())]);
    let arch = std::env::consts::ARCH.try_into().expect("an architecture");
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, failing, arch);
    let filter: BpfProgram = filter.and_then(TryInto::try_into).expect("a filter");
    // The filter applies to this thread and to those that it starts.
    let runs = std::thread::spawn(move || {
        seccompiler::apply_filter(&filter).expect("a filter");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(notify(&mut notifier, &["{}", "{}"]))
    });
    let error = runs.join().expect("a finished thread").expect_err("the disk fails");
    assert!(error.message.contains("Input/output error"), "{}", error.message);
    assert_eq!(fs::read_to_string(&file).expect("a file"), "{}\n");
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
async fn refuses_a_whole_batch_when_a_pipe_closes_in_the_middle() {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let mut notifier =
        NdjsonNotifier::append(format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer))).expect("a notifier");
    let payload = format!("{{\"text\":\"{}\"}}", "x".repeat(10_000));
    let sent = notify(&mut notifier, &[payload.as_str(); 2]).await.expect("answers");
    assert!(sent.iter().all(Option::is_none));

    // More than a pipe holds: the reader reads some lines before it closes.
    let length = line(&payload).len();
    let read = std::thread::spawn(move || std::io::Read::read_exact(&mut reader, &mut vec![0; length * 5]));
    let error = notify(&mut notifier, &[payload.as_str(); 50]).await.expect_err("no reader");
    read.join().expect("a finished thread").expect("five lines");
    assert!(error.message.contains("Broken pipe"), "{}", error.message);
    notify(&mut notifier, &["{}"]).await.expect_err("the error is permanent");
}
