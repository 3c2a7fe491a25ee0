//! The reconciliation of many instances, as NDJSON.

use alloc::string::String;

use super::{ReconcileOptions, reconcile_instance};
use crate::document::{Json, Object};
use crate::error::Error;
use crate::instance::Instance;
use crate::ndjson::{handle_lines, read_notifications};

/// Reads one instance per line with its notifications, and appends its [`Reconciliation`](super::Reconciliation) as one
/// line of JSON. Nova has no such function.
///
/// A line is an object with `instance`, which is null for notifications of an unknown server, and `notifications`, a
/// list of objects or strings with anything around them that
/// [`ReceivedNotification::parse`](crate::notification::ReceivedNotification::parse) accepts. A line that cannot be
/// read yields `{"line": 3, "error": {"code": …, "message": …}}` in its place; `first_line` is the number of the first
/// line, 1 at the beginning of a stream. Blank lines are counted and skipped.
///
/// ```
/// use nova_compute_utils::reconcile::{ReconcileOptions, reconcile_ndjson};
/// use nova_compute_utils::{Release, period::Window, time};
///
/// let october = Window { begin: time::parse("2026-10-01")?, end: time::parse("2026-11-01")? };
/// let options = ReconcileOptions::new(Release::Hibiscus, october);
/// let input = concat!(
///     r#"{"instance": {"uuid": "48b988aa-afe1-4664-8307-784d3a2daad0", "launched_at": "2026-10-31 22:30:00", "#,
///     r#""flavor": {"root_gb": 20, "ephemeral_gb": 0}}, "notifications": []}"#,
/// );
/// let mut output = String::new();
/// reconcile_ndjson(&options, 1, input, &mut output);
/// assert!(output.contains(r#""findings":[{"verdict":"missing","event_type":"compute.instance.exists","#));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn reconcile_ndjson(options: &ReconcileOptions, first_line: u64, input: &str, output: &mut String) {
    handle_lines(first_line, input, output, |line, output| {
        output.push_str(&reconcile_line(options, line)?);
        output.push('\n');
        Ok(())
    });
}

fn reconcile_line(options: &ReconcileOptions, line: &str) -> Result<String, Error> {
    let line = Object::parse(line)?;
    let instance = line.get("instance").filter(|instance| !instance.is_null());
    let instance = instance.map(|instance| Instance::parse(instance.as_str())).transpose()?;
    let notifications = read_notifications(line.get("notifications").unwrap_or(Json::EMPTY_LIST))?;
    Ok(reconcile_instance(options, instance.as_ref(), &notifications)?.to_json())
}
