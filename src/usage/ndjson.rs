//! Many instances at once, as bytes.

use super::notify::exists_with;
use super::{Exists, exists_payload};
use crate::context::{Config, Context};
use crate::document::{Object, ObjectWriter};
use crate::error::Error;
use crate::host::{Clock, Random};
use crate::instance::Instance;
use crate::period::Window;
use crate::time;

/// What the lines have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistsNdjson {
    /// Who asks.
    pub context: Context,
    /// The window that is told of.
    pub window: Window,
    /// The number of the first line: 1, or more where these are not the first ones of their stream.
    pub first_line: u64,
}

/// Tell of many instances: one instance per line in, its `exists` notifications out, one per line. Beyond Nova.
///
/// The notifications are those of the audit ([`instance_usage_audit`](crate::audit::instance_usage_audit)) for the
/// same instances, host and window, each a JSON object with oslo.messaging's keys: `message_id`, `publisher_id`,
/// `event_type`, `priority`, `payload`, `timestamp`. No conductor is asked: in grizzly `bandwidth` is null. A line that
/// cannot be read, or told of, stops nothing: in its place stands `{"line": 3, "error": {"code": …, "message": …}}`.
/// Blank lines are passed over, and counted.
///
/// The lines are added at the end of `output`, so that one buffer can serve batch after batch.
///
/// ```
/// use nova_compute_utils::document::Object;
/// use nova_compute_utils::host::MemoryHost;
/// use nova_compute_utils::usage::{ExistsNdjson, exists_ndjson};
/// use nova_compute_utils::{Config, Context, Release, period, time};
///
/// let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25")?);
/// let config = Config::new(Release::Hibiscus, "cmp-01");
/// let window = period::last_completed_audit_period(&config, None, time::parse("2026-11-01T00:17:03.25")?)?;
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
        let Exists { messages, failure } = exists(config, options, line);
        for message in messages {
            message.into_notification(services, timestamp.clone()).write_line(output);
        }
        if let Some(error) = failure {
            write_failure(number, &error, output);
        }
    }
}

fn exists(config: &Config, options: &ExistsNdjson, line: &[u8]) -> Exists {
    let built = || {
        let line = std::str::from_utf8(line).map_err(|_| Error::value("not UTF-8"))?;
        let instance = Instance::parse(line)?.with_times_as_text(config.release.audits_times_as_text());
        let payload = exists_payload(config, &instance, options.window, None, &Object::default())?;
        Ok(exists_with(config, &options.context, &instance, &config.host, options.window, payload))
    };
    built().unwrap_or_else(|error: Error| error.into())
}

fn write_failure(number: u64, error: &Error, output: &mut String) {
    let mut said = ObjectWriter::new();
    said.text("code", error.code());
    said.text("message", error.message());
    let mut line = ObjectWriter::new();
    line.value("line", &number.to_string());
    line.value("error", &said.finish());
    output.push_str(&line.finish());
    output.push('\n');
}
