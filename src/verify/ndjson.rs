//! The judgement of many instances, as NDJSON.

use alloc::string::String;

use super::{VerifyOptions, verify_usage};
use crate::document::{Json, Object, ObjectWriter};
use crate::error::Error;
use crate::ndjson::{handle_lines, read_notifications, write_line};

/// Reads the notifications of one instance per line, a JSON list, and appends its judgements, one per line. Winchester
/// has no such function.
///
/// A notification is an object or a string, with anything around it that
/// [`ReceivedNotification::parse`](crate::notification::ReceivedNotification::parse) accepts. A judgement is an object
/// with `instance_uuid`, `verdict`, `exists`, `message_id`, `code`, `error` and `warnings`. A line that cannot be read
/// yields `{"line": 3, "error": {"code": …, "message": …}}` in its place; `first_line` is the number of the first line,
/// 1 at the beginning of a stream. Blank lines are counted and skipped.
///
/// ```
/// use nova_compute_utils::verify::{VerifyOptions, verify_ndjson};
///
/// let input = r#"[{"event_type": "compute.instance.delete.end", "message_id": "9ed7c1b2-8862-4d3c-9da5-7f1d3d8a8d0f",
///     "payload": {"instance_id": "48b988aa-afe1-4664-8307-784d3a2daad0"}}]"#.replace('\n', "");
/// let mut output = String::new();
/// verify_ndjson(&VerifyOptions::default(), 1, &input, &mut output);
/// assert!(output.starts_with(r#"{"instance_uuid":"48b988aa-afe1-4664-8307-784d3a2daad0","verdict":"failed","#));
/// assert!(output.contains(r#""code":"U0""#));
/// ```
pub fn verify_ndjson(options: &VerifyOptions, first_line: u64, input: &str, output: &mut String) {
    handle_lines(first_line, input, output, |line, output| write_judgements(options, line, output));
}

fn write_judgements(options: &VerifyOptions, line: &str, output: &mut String) -> Result<(), Error> {
    let notifications = read_notifications(Json::parse(line)?)?;
    let judgements = verify_usage(&notifications, options)?;
    let mut uuid = None;
    for notification in &notifications {
        if let (None, Ok(payload)) = (&uuid, Object::parse(&notification.payload)) {
            uuid = payload.get("instance_id").and_then(|uuid| uuid.text().ok().flatten());
        }
    }
    for judgement in judgements {
        let mut object = ObjectWriter::new();
        object.text_or_null("instance_uuid", uuid.as_deref());
        judgement.write_members(&mut object);
        write_line(object, output);
    }
    Ok(())
}
