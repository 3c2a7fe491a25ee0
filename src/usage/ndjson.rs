//! The `exists` notifications of many instances, as NDJSON.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::NaiveDateTime;

use super::notify::exists_messages_of_payload;
use super::{ExistsMessages, exists_payload};
use crate::audit::deterministic_message_id;
use crate::context::{Config, Context};
use crate::document::{Json, Object};
use crate::error::Error;
use crate::instance::Instance;
use crate::ndjson::handle_lines;
use crate::period::Window;
use crate::time;

/// The options that all lines share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistsNdjson {
    /// The request context.
    pub context: Context,
    /// The windows of the notifications.
    pub windows: Vec<Window>,
    /// When the notifications are emitted.
    pub timestamp: NaiveDateTime,
    /// Whether the host in the publisher id is that of the instance; the configured host when the instance has none.
    pub host_from_instance: bool,
    /// The number of the first line: 1 at the beginning of a stream.
    pub first_line: u64,
}

/// Reads one instance per line and appends its `exists` notifications to `output`, one per line, for each window in
/// which the instance was alive ([`Instance::is_active_in`]). Nova has no such function.
///
/// The notifications are those of [`instance_usage_audit`](crate::audit::instance_usage_audit) for the same instances,
/// host and window, each a JSON object with oslo.messaging's keys: `message_id`, `publisher_id`, `event_type`,
/// `priority`, `payload`, `timestamp`. The ids are those of [`deterministic_message_id`], so that the same input always
/// yields the same output. The function calls no conductor, so `bandwidth` is null in `grizzly`.
///
/// A line that cannot be read or built yields `{"line": 3, "error": {"code": …, "message": …}}` after those of its
/// notifications that could be built. Blank lines are counted and skipped.
///
/// ```
/// use nova_compute_utils::document::Object;
/// use nova_compute_utils::usage::{ExistsNdjson, exists_ndjson};
/// use nova_compute_utils::{Config, Context, Release, period::Period, time};
///
/// let config = Config::new(Release::Hibiscus, "cmp-01");
/// let period = Period::parse(config.release, "month")?;
/// let options = ExistsNdjson {
///     context: Context::default(),
///     windows: period.windows_between(time::parse("2026-09-01")?, time::parse("2026-11-01")?)?,
///     timestamp: time::parse("2026-11-01T00:17:03.25")?,
///     host_from_instance: false,
///     first_line: 1,
/// };
/// let input = concat!(
///     r#"{"uuid": "48b988aa-afe1-4664-8307-784d3a2daad0", "launched_at": "2026-10-05 10:43:11", "#,
///     r#""flavor": {"root_gb": 20, "ephemeral_gb": 0}}"#, "\n{oops\n",
/// );
/// let mut output = String::new();
/// exists_ndjson(&config, &options, input, &mut output);
///
/// // The instance was alive in October only.
/// let lines: Vec<&str> = output.lines().collect();
/// assert_eq!(lines.len(), 2);
/// let message_id = Object::parse(lines[0])?.get("message_id").map(|value| value.as_str());
/// assert_eq!(message_id, Some(r#""9f25185a-c9f4-54dd-9964-76f073295e68""#));
/// assert!(lines[1].starts_with(r#"{"line":2,"error":{"code":"ValueError","#));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn exists_ndjson(config: &Config, options: &ExistsNdjson, input: &str, output: &mut String) {
    let timestamp = time::str_datetime(options.timestamp);
    handle_lines(options.first_line, input, output, |line, output| {
        write_exists(config, options, &timestamp, line, output)
    });
}

/// Appends the notifications of an instance. Fails with the first error after it has tried all windows.
fn write_exists(
    config: &Config,
    options: &ExistsNdjson,
    timestamp: &str,
    line: &str,
    output: &mut String,
) -> Result<(), Error> {
    let Config { release, host, .. } = config;
    let instance = Instance::parse(line)?.with_times_as_text(release.rules().has_times_as_text);
    let lifetime = instance.lifetime()?;
    let uuid = instance.uuid();
    let uuid = uuid.as_deref().unwrap_or_default();
    let own_host = if options.host_from_instance { instance.host.map(Json::text).transpose()?.flatten() } else { None };
    let host = own_host.filter(|host| !host.is_empty()).unwrap_or(Cow::Borrowed(host));
    let mut failure = None;
    for window in options.windows.iter().filter(|window| lifetime.is_active_in(**window)) {
        let exists = exists_without_bandwidth(config, &options.context, &instance, &host, *window);
        let exists = exists.unwrap_or_else(Error::into);
        for message in exists.messages {
            let message_id = deterministic_message_id(*release, &message.event_type, &host, *window, uuid);
            message.into_notification(message_id, timestamp.into()).write_line(output);
        }
        failure = failure.or(exists.failure);
    }
    failure.map_or(Ok(()), Err)
}

/// Builds the notifications of an instance for a window without a conductor, so that `bandwidth` is null in `grizzly`.
pub(crate) fn exists_without_bandwidth(
    config: &Config,
    context: &Context,
    instance: &Instance<'_>,
    host: &str,
    window: Window,
) -> Result<ExistsMessages, Error> {
    let endpoint = context.glance_endpoint.as_deref();
    let payload = exists_payload(config.release, instance, window, endpoint, None, &Object::default())?;
    Ok(exists_messages_of_payload(config, context, instance, host, window, payload))
}
