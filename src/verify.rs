//! The judgement of usage: do the notifications of an instance agree with its `exists` notifications?
//!
//! The rules are those of the usage handler of winchester, the verifier of `StackTach`.

mod ndjson;
#[cfg(test)]
mod tests;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use chrono::{Days, NaiveDateTime};
use uuid::Uuid;

use crate::document::{Json, Object, ObjectWriter};
use crate::error::Error;
use crate::notification::{PayloadFormat, ReceivedNotification};
use crate::python;
use crate::time;

pub use ndjson::verify_ndjson;

/// The event that the rules judge.
const EXISTS: &str = "compute.instance.exists";

/// The events after which the fields of the next `exists` must be the same.
const OPERATIONS: [&str; 3] =
    ["compute.instance.rebuild.end", "compute.instance.finish_resize.end", "compute.instance.rescue.end"];

/// The event of a deletion.
const DELETE: &str = "compute.instance.delete.end";

/// The fields that must be the same in an `exists` and in the deletion before it.
const DELETE_FIELDS: [&str; 2] = ["launched_at", "deleted_at"];

/// The fields that [`verify_usage`] compares by default: those of winchester.
pub const VERIFY_FIELDS: [&str; 6] =
    ["launched_at", "instance_flavor_id", "tenant_id", "os_architecture", "os_version", "os_distro"];

/// The fields that winchester takes from the image metadata, and their keys there.
const IMAGE_FIELDS: [(&str, &str); 3] = [
    ("os_architecture", "org.openstack__1__architecture"),
    ("os_version", "org.openstack__1__os_version"),
    ("os_distro", "org.openstack__1__os_distro"),
];

/// The fields that are compared as timestamps.
const TIMESTAMPS: [&str; 6] =
    ["created_at", "launched_at", "deleted_at", "terminated_at", "audit_period_beginning", "audit_period_ending"];

/// The options of [`verify_usage`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyOptions {
    /// The fields that must be the same in an `exists` and in the last rebuild, resize or rescue before it.
    ///
    /// A field is a member of the payload; `image_meta.` and a key is one of the image metadata. `os_architecture`,
    /// `os_version` and `os_distro` are the keys of the image metadata that winchester reads. Timestamps are compared
    /// as such, other values as strings.
    pub fields: Vec<String>,
}

impl Default for VerifyOptions {
    /// Returns the options of winchester, with [`VERIFY_FIELDS`].
    fn default() -> Self {
        Self { fields: VERIFY_FIELDS.map(str::to_owned).into() }
    }
}

/// The kind of a [`Judgement`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VerifyVerdict {
    /// The `exists` agrees with the notifications before it.
    Verified,
    /// The `exists` disagrees with the notifications before it, or is missing.
    Failed,
    /// The `exists` that is judged next, or one before it, covers no whole day.
    Warnings,
}

impl VerifyVerdict {
    /// Returns the name of the verdict, such as `verified`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::Warnings => "warnings",
        }
    }
}

/// What winchester emits about an `exists`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The kind of the judgement.
    pub verdict: VerifyVerdict,
    /// The message id of the `exists`; `None` when the `exists` is missing or has none.
    pub exists: Option<String>,
    /// The message id of winchester's `compute.instance.exists.verified` or `.failed`: the version 5 UUID of the
    /// namespace `exists` and the name of that event. `None` for warnings, and when `exists` is not a UUID.
    pub message_id: Option<String>,
    /// The code of a failure, `U0` to `U8`.
    pub code: Option<String>,
    /// The message of a failure.
    pub error: Option<String>,
    /// All warnings up to this `exists`, separated by `, `.
    pub warnings: Option<String>,
}

/// Judges each `compute.instance.exists` of an instance by its own fields and by the notifications before it.
/// Winchester: `UsageHandler.handle_events`.
///
/// `notifications` are those of one instance in the order in which they were emitted. An `exists` is judged together
/// with the notifications after the `exists` before it. The result has the judgements in the order of the `exists`,
/// each after the warnings up to it. Versioned notifications are skipped, because winchester does not know them.
///
/// | code | the `exists` fails because |
/// |---|---|
/// | `U0` | it is missing: the last notifications have none after them |
/// | `U1` | it is active and has no `launched_at` |
/// | `U2` | a field differs from that of the last rebuild, resize, rescue or deletion |
/// | `U3` | it has a `deleted_at` and another state than `deleted` |
/// | `U4` | its `deleted_at` is before its `launched_at` |
/// | `U5` | its `deleted_at` lies in its window, and no notification reports a deletion |
/// | `U6` | it has no `deleted_at` after a deletion |
/// | `U7` | the instance was deleted twice |
/// | `U8` | it is active, its `launched_at` lies in its window, and no notifications are before it |
///
/// Winchester raises an error when only one of two notifications has a field, which is a `U2` here, and when a deleted
/// instance has no `launched_at`, which is a `U1` here.
///
/// Fails with `ValueError` when a timestamp cannot be read.
///
/// ```
/// use nova_compute_utils::notification::ReceivedNotification;
/// use nova_compute_utils::verify::{VerifyOptions, VerifyVerdict, verify_usage};
///
/// let exists = ReceivedNotification::parse(r#"{"message_id": "e429392b-51a7-436e-8109-0aee5622276a",
///     "event_type": "compute.instance.exists", "payload": {"state": "active", "launched_at": "",
///     "audit_period_beginning": "2026-10-31 00:00:00", "audit_period_ending": "2026-11-01 00:00:00"}}"#)?;
/// let judgements = verify_usage(&[exists], &VerifyOptions::default())?;
/// assert_eq!(judgements[0].verdict, VerifyVerdict::Failed);
/// assert_eq!(judgements[0].code.as_deref(), Some("U1"));
/// assert_eq!(judgements[0].error.as_deref(), Some(".exists has no launched_at value."));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn verify_usage(notifications: &[ReceivedNotification], options: &VerifyOptions) -> Result<Vec<Judgement>, Error> {
    let mut judgements = Vec::new();
    let mut warnings = Vec::new();
    let mut block = Vec::new();
    for notification in notifications {
        if notification.format != PayloadFormat::Unversioned {
            continue;
        }
        // For winchester a payload that is not an object has no fields.
        let payload = Json::parse(&notification.payload)?;
        let payload = if payload.is_object() { Object::from_json(payload)? } else { Object::default() };
        let event = Event { notification, payload };
        if notification.event_type == EXISTS {
            let failure = match check(&block, &event, &options.fields, &mut warnings) {
                Ok(()) => None,
                Err(Failure::Usage(code, message)) => Some((code, message)),
                Err(Failure::Unreadable(error)) => return Err(error),
            };
            let message_id = notification.message_id.as_deref();
            if !warnings.is_empty() {
                judgements.push(Judgement::warnings(message_id, &warnings));
            }
            judgements.push(Judgement::of_exists(message_id, failure));
            block.clear();
        } else {
            block.push(event);
        }
    }
    if !block.is_empty() {
        judgements.push(Judgement {
            code: Some("U0".to_owned()),
            error: Some("Notifications, but no .exists notification found.".to_owned()),
            ..Judgement::new(VerifyVerdict::Failed, None)
        });
    }
    Ok(judgements)
}

impl Judgement {
    /// Returns the judgement as a JSON object with the same members.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        self.write_members(&mut object);
        object.finish()
    }

    fn write_members(&self, object: &mut ObjectWriter) {
        let Self { verdict, exists, message_id, code, error, warnings } = self;
        object.text("verdict", verdict.as_str());
        for (name, value) in
            [("exists", exists), ("message_id", message_id), ("code", code), ("error", error), ("warnings", warnings)]
        {
            object.text_or_null(name, value.as_deref());
        }
    }

    fn new(verdict: VerifyVerdict, exists: Option<&str>) -> Self {
        let exists = exists.map(str::to_owned);
        Self { verdict, exists, message_id: None, code: None, error: None, warnings: None }
    }

    fn warnings(exists: Option<&str>, warnings: &[String]) -> Self {
        Self { warnings: Some(warnings.join(", ")), ..Self::new(VerifyVerdict::Warnings, exists) }
    }

    fn of_exists(exists: Option<&str>, failure: Option<(&'static str, String)>) -> Self {
        let verdict = if failure.is_some() { VerifyVerdict::Failed } else { VerifyVerdict::Verified };
        let event_type = format!("{EXISTS}.{}", verdict.as_str());
        let namespace = exists.and_then(read_uuid);
        let (code, error) = failure.unzip();
        Self {
            message_id: namespace.map(|namespace| Uuid::new_v5(&namespace, event_type.as_bytes()).to_string()),
            code: code.map(str::to_owned),
            error,
            ..Self::new(verdict, exists)
        }
    }
}

/// Reads a UUID as Python's `UUID` does, with or without hyphens, braces and `urn:uuid:`.
fn read_uuid(text: &str) -> Option<Uuid> {
    let text = text.replace("urn:", "").replace("uuid:", "");
    let digits = text.trim_matches(['{', '}']).replace('-', "");
    // `Uuid` reads more formats than 32 digits, which have more characters.
    if digits.len() == 32 { digits.parse().ok() } else { None }
}

/// Why a check stops.
enum Failure {
    /// The check failed: the code and the message of winchester.
    Usage(&'static str, String),
    /// A field cannot be read.
    Unreadable(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Unreadable(error)
    }
}

fn failure<T>(code: &'static str, message: &str) -> Result<T, Failure> {
    Err(Failure::Usage(code, message.to_owned()))
}

/// A notification and the members of its payload.
struct Event<'a> {
    notification: &'a ReceivedNotification,
    payload: Object<'a>,
}

impl Event<'_> {
    /// Returns a field as winchester reads it: the `str` of a value, which is a timestamp in UTC for those that are
    /// timestamps. Null counts as absent, and so does `""` for timestamps.
    fn text(&self, field: &str) -> Result<Option<String>, Error> {
        if TIMESTAMPS.contains(&field) {
            return Ok(self.timestamp(field)?.map(time::str_datetime_utc));
        }
        let image_key = IMAGE_FIELDS.iter().find(|(name, _)| *name == field).map(|(_, key)| *key);
        let value = match image_key.or_else(|| field.strip_prefix("image_meta.")) {
            Some(key) => match self.payload.get("image_meta").filter(|image_meta| image_meta.is_object()) {
                Some(image_meta) => Object::from_json(image_meta)?.get(key),
                None => None,
            },
            None => self.payload.get(field),
        };
        value.filter(|value| !value.is_null()).map(python_str).transpose()
    }

    fn timestamp(&self, field: &str) -> Result<Option<NaiveDateTime>, Error> {
        let Some(value) = self.payload.get(field).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let unreadable =
            |found: &str| Error::value(format!("`{field}` of a notification is {found}: give a timestamp"));
        let text = value.text()?.ok_or_else(|| unreadable(value.type_name()))?;
        if text.is_empty() || text == "None" {
            return Ok(None);
        }
        time::parse(&text).map(Some).map_err(|_| unreadable(&format!("`{text}`")))
    }

    /// Returns the begin and the end of the window; `None` when one of them is absent.
    fn audit_period(&self) -> Result<Option<(NaiveDateTime, NaiveDateTime)>, Error> {
        Ok(self.timestamp("audit_period_beginning")?.zip(self.timestamp("audit_period_ending")?))
    }

    fn is_one_of(&self, event_types: &[&str]) -> bool {
        event_types.contains(&self.notification.event_type.as_str())
    }
}

/// Returns the value as Python's `str` prints it. A list or a mapping keeps its JSON.
fn python_str(value: Json<'_>) -> Result<String, Error> {
    if let Some(text) = value.text()? {
        return Ok(text.into_owned());
    }
    Ok(match value.as_str() {
        "true" => "True".to_owned(),
        "false" => "False".to_owned(),
        number if value.is_number() && number.contains(['.', 'e', 'E']) => {
            number.parse().map_or_else(|_| number.to_owned(), python::float_shortest)
        }
        other => other.to_owned(),
    })
}

/// Checks an `exists` against the notifications before it, and adds a warning when it covers no whole day.
fn check(
    block: &[Event<'_>],
    exists: &Event<'_>,
    fields: &[String],
    warnings: &mut Vec<String>,
) -> Result<(), Failure> {
    let audit_period = exists.audit_period()?;
    check_launched_at(block, exists, audit_period)?;
    if let Some(operation) = block.iter().rfind(|event| event.is_one_of(&OPERATIONS)) {
        check_fields(operation, exists, fields)?;
    } else if audit_period.is_some_and(|(begin, end)| begin.date().checked_add_days(Days::new(1)) != Some(end.date())) {
        let message_id = exists.notification.message_id.as_deref().unwrap_or("None");
        warnings.push(format!("Non-EOD .exists found (msg_id: {message_id}) with no operation event."));
    }
    check_deleted_at(block, exists, audit_period)
}

/// Returns whether a timestamp lies in a window. For winchester the end belongs to the window.
fn lies_in(timestamp: NaiveDateTime, audit_period: Option<(NaiveDateTime, NaiveDateTime)>) -> bool {
    audit_period.is_some_and(|(begin, end)| begin <= timestamp && timestamp <= end)
}

fn check_launched_at(
    block: &[Event<'_>],
    exists: &Event<'_>,
    audit_period: Option<(NaiveDateTime, NaiveDateTime)>,
) -> Result<(), Failure> {
    if exists.text("state")?.as_deref() != Some("active") {
        return Ok(());
    }
    let launched_at = launched_at(exists)?;
    if lies_in(launched_at, audit_period) && block.is_empty() {
        return failure("U8", ".exists launched_at in audit period, but no related events found.");
    }
    Ok(())
}

fn launched_at(exists: &Event<'_>) -> Result<NaiveDateTime, Failure> {
    match exists.timestamp("launched_at")? {
        Some(launched_at) => Ok(launched_at),
        None => failure("U1", ".exists has no launched_at value."),
    }
}

fn check_fields(this: &Event<'_>, that: &Event<'_>, fields: &[impl AsRef<str>]) -> Result<(), Failure> {
    for field in fields {
        let field = field.as_ref();
        let (this, that) = (this.text(field)?, that.text(field)?);
        if this != that {
            let text = |value: Option<String>| value.unwrap_or_else(|| "None".to_owned());
            let message = format!("Conflicting '{field}' values ('{}' != '{}')", text(this), text(that));
            return Err(Failure::Usage("U2", message));
        }
    }
    Ok(())
}

fn check_deleted_at(
    block: &[Event<'_>],
    exists: &Event<'_>,
    audit_period: Option<(NaiveDateTime, NaiveDateTime)>,
) -> Result<(), Failure> {
    let deletions: Vec<&Event<'_>> = block.iter().filter(|event| event.is_one_of(&[DELETE])).collect();
    match (exists.timestamp("deleted_at")?, deletions.as_slice()) {
        (None, []) => Ok(()),
        (None, _) => failure("U6", ".deleted events found but .exists has no deleted_at value."),
        (Some(_), _) if exists.text("state")?.as_deref() != Some("deleted") => {
            failure("U3", ".exists state not 'deleted' but .exists deleted_at is set.")
        }
        (Some(deleted_at), []) if deleted_at < launched_at(exists)? => {
            failure("U4", ".exists deleted_at < .exists launched_at.")
        }
        (Some(deleted_at), []) if lies_in(deleted_at, audit_period) => {
            failure("U5", ".exists deleted_at in audit period, but no matching .delete event found.")
        }
        (Some(_), []) => Ok(()),
        (Some(_), [deletion]) => check_fields(exists, deletion, &DELETE_FIELDS),
        (Some(_), _) => failure("U7", "Multiple .delete.end events"),
    }
}
