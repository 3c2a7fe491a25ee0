//! The `exists` notifications of many instances, as NDJSON.

use alloc::format;
use alloc::string::{String, ToString};

use super::notify::exists_messages_of_payload;
use super::{ExistsMessages, exists_payload};
use crate::context::{Config, Context};
use crate::document::{Object, ObjectWriter};
use crate::error::Error;
use crate::host::{Clock, Random, message_id};
use crate::instance::Instance;
use crate::period::Window;
use crate::time;

/// The options that all lines share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistsNdjson {
    /// The request context.
    pub context: Context,
    /// The window of the notifications.
    pub window: Window,
    /// The number of the first line: 1 at the beginning of a stream.
    pub first_line: u64,
}

/// Reads one instance per line and appends its `exists` notifications to `output`, one per line. Nova has no such
/// function.
///
/// The notifications are those of [`instance_usage_audit`](crate::audit::instance_usage_audit) for the same instances,
/// host and window, each a JSON object with oslo.messaging's keys: `message_id`, `publisher_id`, `event_type`,
/// `priority`, `payload`, `timestamp`. The function calls no conductor, so `bandwidth` is null in `grizzly`. A line that
/// cannot be read or built yields `{"line": 3, "error": {"code": …, "message": …}}` in its place. Blank lines are
/// counted and skipped.
///
/// ```
/// use nova_compute_utils::document::Object;
/// use nova_compute_utils::testing::MemoryHost;
/// use nova_compute_utils::usage::{ExistsNdjson, exists_ndjson};
/// use nova_compute_utils::{Config, Context, Release, period, time};
///
/// let now = time::parse("2026-11-01T00:17:03.25")?;
/// let (host, config) = (MemoryHost::new(now), Config::new(Release::Hibiscus, "cmp-01"));
/// let window = period::last_completed_audit_period(config.release, "month", None, now)?;
/// let options = ExistsNdjson { context: Context::default(), window, first_line: 1 };
/// let input = concat!(r#"{"uuid": "48b988aa-afe1-4664-8307-784d3a2daad0", "flavor": {"root_gb": 20, "ephemeral_gb": 0}}"#, "\n", "{oops\n");
/// let mut output = String::new();
/// exists_ndjson(&host, &config, &options, input.as_bytes(), &mut output);
///
/// let lines: Vec<&str> = output.lines().collect();
/// assert_eq!(lines.len(), 2);
/// assert_eq!(Object::parse(lines[0])?.get("event_type").map(|value| value.as_str()), Some(r#""compute.instance.exists""#));
/// assert!(lines[1].starts_with(r#"{"line":2,"error":{"code":"ValueError","#));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn exists_ndjson<H: Clock + Random>(
    services: &H,
    config: &Config,
    options: &ExistsNdjson,
    input: &[u8],
    output: &mut String,
) {
    let timestamp = time::str_datetime(services.utcnow());
    let lines = input.split(|byte| *byte == b'\n').zip(options.first_line..);
    for (line, number) in lines.filter(|(line, _)| !line.trim_ascii().is_empty()) {
        let ExistsMessages { messages, failure } = exists(config, options, line);
        for message in messages {
            message.into_notification(message_id(services), timestamp.clone()).write_line(output);
        }
        if let Some(error) = failure {
            write_error(number, &error, output);
        }
    }
}

fn exists(config: &Config, options: &ExistsNdjson, line: &[u8]) -> ExistsMessages {
    let ExistsNdjson { context, window, .. } = options;
    let build = || {
        let line =
            core::str::from_utf8(line).map_err(|error| Error::value(format!("the line is not UTF-8: {error}")))?;
        let instance = Instance::parse(line)?.with_times_as_text(config.release.rules().has_times_as_text);
        let endpoint = context.glance_endpoint.as_deref();
        let payload = exists_payload(config.release, &instance, *window, endpoint, None, &Object::default())?;
        Ok(exists_messages_of_payload(config, context, &instance, &config.host, *window, payload))
    };
    build().unwrap_or_else(|error: Error| error.into())
}

fn write_error(number: u64, error: &Error, output: &mut String) {
    let mut fields = ObjectWriter::new();
    fields.text("code", error.code());
    fields.text("message", error.message());
    let mut line = ObjectWriter::new();
    line.value("line", &number.to_string());
    line.value("error", &fields.finish());
    output.push_str(&line.finish());
    output.push('\n');
}
