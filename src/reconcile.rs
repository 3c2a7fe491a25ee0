//! The reconciliation of a window: do the `exists` notifications that were received agree with the database?
//!
//! It works on one instance at a time, so that its memory is bounded, and in any order of arrival, so that an engine
//! can group the notifications by instance.

mod compare;
mod ndjson;
#[cfg(test)]
mod tests;
mod totals;

use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BinaryHeap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::str::FromStr;

use chrono::NaiveDateTime;

use crate::context::{Config, Context, NotificationFormat};
use crate::document::{Json, Object, ObjectWriter, list_json, text_json};
use crate::error::Error;
use crate::instance::Instance;
use crate::notification::{PayloadFormat, ReceivedNotification};
use crate::period::Window;
use crate::release::Release;
use crate::tenant_usage::hours_for;
use crate::{python, time, usage};

pub use compare::FieldDifference;
pub use ndjson::reconcile_ndjson;
pub use totals::{ReconcileTotals, VerdictTotal};

/// The event types of the unversioned and of the versioned `exists` notification.
const UNVERSIONED: &str = "compute.instance.exists";
const VERSIONED: &str = "instance.exists";

/// The options of [`reconcile_instance`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReconcileOptions {
    /// The Nova release that emitted.
    pub release: Release,
    /// The window.
    pub window: Window,
    /// The notifications that Nova was configured to emit. Those of the other format are ignored. Nova:
    /// `[notifications] notification_format`. `grizzly` only emits unversioned ones.
    pub notification_format: NotificationFormat,
    /// Whether `instance.exists` lists the block devices. `hibiscus` only.
    pub bdms_in_notifications: bool,
    /// Whether `instance.exists` lists the shares. `hibiscus` only.
    pub include_share_mapping: bool,
    /// The host to reconcile: its instances, and the notifications that it published. `None` for all hosts.
    pub host: Option<String>,
    /// The request context of the audit, with the base of the image URLs.
    pub context: Context,
    /// The fields to compare, with paths as in [`FieldDifference::field`]; `None` for all. A field contains the fields
    /// in it.
    pub fields: Option<Vec<String>>,
}

impl ReconcileOptions {
    /// Creates options with Nova's defaults: unversioned notifications, all hosts, all fields.
    #[must_use]
    pub fn new(release: Release, window: Window) -> Self {
        Self {
            release,
            window,
            notification_format: NotificationFormat::Unversioned,
            bdms_in_notifications: false,
            include_share_mapping: false,
            host: None,
            context: Context::default(),
            fields: None,
        }
    }
}

/// The result of comparing what Nova should have emitted with what was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The notification was received once, with the expected content.
    Equal,
    /// The notification was not received.
    Missing,
    /// The notification was received under several message ids, with the expected content.
    Doubled,
    /// A notification has another content than expected.
    Different,
    /// A notification was received for a server that does not exist, or was not alive in the window.
    Unexpected,
    /// A notification is for another window. It is no error: Nova emits one before a resize, for example.
    OtherWindow,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 6] =
        [Self::Equal, Self::Missing, Self::Doubled, Self::Different, Self::Unexpected, Self::OtherWindow];

    /// Returns the name of the verdict, such as `other_window`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Missing => "missing",
            Self::Doubled => "doubled",
            Self::Different => "different",
            Self::Unexpected => "unexpected",
            Self::OtherWindow => "other_window",
        }
    }

    /// Returns whether nothing is wrong: [`Self::Equal`] and [`Self::OtherWindow`].
    #[must_use]
    pub const fn is_equal(self) -> bool {
        matches!(self, Self::Equal | Self::OtherWindow)
    }
}

impl FromStr for Verdict {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == name).ok_or_else(|| {
            let names = "`equal`, `missing`, `doubled`, `different`, `unexpected` or `other_window`";
            Error::value(format!("unknown verdict `{name}`: give {names}"))
        })
    }
}

/// The reconciliation of an instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconciliation {
    /// The UUID of the instance.
    pub instance_uuid: String,
    /// Its project; for an unknown server that of its notifications.
    pub project_id: Option<String>,
    /// Its hours in the window according to the database; zero for an unknown server. They are those of [`hours_for`].
    pub hours: f64,
    /// The findings per format, the unversioned one first.
    pub findings: Vec<Finding>,
}

/// What was found about the notifications of an instance in one format.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The verdict.
    pub verdict: Verdict,
    /// `compute.instance.exists` or `instance.exists`.
    pub event_type: String,
    /// The ids of the notifications that the verdict is about, in order. Those without an id are not in the list.
    pub message_ids: Vec<String>,
    /// The fields that differ: of [`Verdict::Different`] only.
    pub fields: Vec<FieldDifference>,
    /// The window of the notification: of [`Verdict::OtherWindow`] only.
    pub window: Option<Window>,
    /// The hours at stake: those of the instance in the window, once for each copy too many of [`Verdict::Doubled`]. Of
    /// [`Verdict::Unexpected`] and [`Verdict::OtherWindow`] the hours that the notification itself claims.
    pub hours: f64,
}

/// Compares the `exists` notifications of an instance that Nova should have emitted for a window with those that were
/// received. Nova has no such function.
///
/// `instance` is the row in the database; `None` when the database has none. Nova emits for an instance that was alive
/// in the window ([`Instance::is_active_in`]). `notifications` are those of the instance, in any order; other events
/// are ignored, and notifications with the same message id are one notification. An `exists` without a readable window
/// counts as one for this window.
///
/// The payloads are compared as JSON: neither the order of members nor the spelling of strings and numbers matters, so
/// that `1.0` is `1`. Publisher, timestamp, priority and context are not compared, and neither is `bandwidth` in
/// `grizzly`, which the row does not have. For each format the result has
///
/// - [`Verdict::Missing`], or one finding for all notifications with the expected content ([`Verdict::Equal`] or
///   [`Verdict::Doubled`]) and one for all notifications with the same other content ([`Verdict::Different`]);
/// - one [`Verdict::Unexpected`] per notification when Nova should have emitted none;
/// - one [`Verdict::OtherWindow`] per notification for another window.
///
/// An instance whose row has changed since the audit is [`Verdict::Different`] in the fields that changed; restrict
/// [`ReconcileOptions::fields`] to those that are billed when the database is read later.
///
/// Fails with `ValueError` when a notification is for another instance, when neither the row nor a notification has the
/// UUID, and as [`exists_payload`](usage::exists_payload) does when Nova could not have emitted either.
///
/// ```
/// use nova_compute_utils::instance::Instance;
/// use nova_compute_utils::reconcile::{ReconcileOptions, Verdict, reconcile_instance};
/// use nova_compute_utils::{Release, period::Window, time};
///
/// let october = Window { begin: time::parse("2026-10-01")?, end: time::parse("2026-11-01")? };
/// let instance = Instance::parse(r#"{"uuid": "48b988aa-afe1-4664-8307-784d3a2daad0", "project_id": "shop",
///     "launched_at": "2026-10-31 22:30:00", "flavor": {"root_gb": 20, "ephemeral_gb": 0}}"#)?;
/// let options = ReconcileOptions::new(Release::Hibiscus, october);
/// let reconciliation = reconcile_instance(&options, Some(&instance), &[])?;
/// assert_eq!(reconciliation.hours, 1.5);
/// assert_eq!(reconciliation.findings[0].verdict, Verdict::Missing);
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn reconcile_instance(
    options: &ReconcileOptions,
    instance: Option<&Instance<'_>>,
    notifications: &[ReceivedNotification],
) -> Result<Reconciliation, Error> {
    let received = notifications
        .iter()
        .filter(|notification| options.host.as_ref().is_none_or(|host| notification.host.as_ref() == Some(host)));
    let received = received.filter_map(|notification| Received::read(notification).transpose());
    let received = distinct(&received.collect::<Result<Vec<_>, _>>()?);
    let instance_uuid = instance_uuid(instance, &received)?;
    let expected = match instance {
        Some(instance) => Expected::of(options, instance)?,
        None => None,
    };
    let project_id = match instance {
        Some(instance) => text(instance.project_id),
        None => received.iter().find_map(|received| received.project_id.clone()),
    };
    let mut findings = Vec::new();
    for event_type in event_types(options) {
        let received = received.iter().filter(|received| received.event_type == event_type);
        let expected = expected.as_ref().and_then(|expected| expected.payload(event_type).zip(Some(expected.hours)));
        reconcile_format(options, event_type, expected, received, &mut findings)?;
    }
    Ok(Reconciliation {
        instance_uuid: instance_uuid.into_owned(),
        project_id: project_id.map(Cow::into_owned),
        hours: expected.map_or(0.0, |expected| expected.hours),
        findings,
    })
}

/// Returns the event types of the formats that Nova was configured to emit.
fn event_types(options: &ReconcileOptions) -> impl Iterator<Item = &'static str> + use<> {
    let (format, has_versioned) = (options.notification_format, options.release.rules().has_versioned_notifications);
    let unversioned = (format.unversioned() || !has_versioned).then_some(UNVERSIONED);
    unversioned.into_iter().chain((format.versioned() && has_versioned).then_some(VERSIONED))
}

/// Returns a field that is a string.
fn text(field: Option<Json<'_>>) -> Option<Cow<'_, str>> {
    field?.text().ok()?
}

/// Returns a field that is a timestamp.
fn timestamp(object: &Object<'_>, name: &str) -> Option<NaiveDateTime> {
    time::parse(&text(object.get(name))?).ok()
}

/// An `exists` notification that was received.
#[derive(Clone)]
struct Received<'a> {
    message_id: Option<&'a str>,
    event_type: &'static str,
    payload: &'a str,
    instance_uuid: Option<Cow<'a, str>>,
    project_id: Option<Cow<'a, str>>,
    /// The window; `None` when it cannot be read.
    window: Option<Window>,
    launched_at: Option<NaiveDateTime>,
    terminated_at: Option<NaiveDateTime>,
}

impl<'a> Received<'a> {
    /// Returns `None` when the notification is not an `exists`.
    fn read(notification: &'a ReceivedNotification) -> Result<Option<Self>, Error> {
        let is_versioned = notification.format != PayloadFormat::Unversioned;
        let (event_type, uuid) = if is_versioned { (VERSIONED, "uuid") } else { (UNVERSIONED, "instance_id") };
        if notification.event_type != event_type {
            return Ok(None);
        }
        let payload = Object::parse(&notification.payload)?;
        let data = |object: &Object<'a>| {
            let data = object.get("nova_object.data").filter(|data| data.is_object());
            data.map_or_else(|| Ok(Object::default()), Object::from_json)
        };
        let payload = if is_versioned { data(&payload)? } else { payload };
        let period = payload.get("audit_period").filter(|period| is_versioned && period.is_object());
        let period = period.map(|period| data(&Object::from_json(period)?)).transpose()?;
        let bound = |name: &str| timestamp(period.as_ref().unwrap_or(&payload), name);
        let window = bound("audit_period_beginning").zip(bound("audit_period_ending"));
        Ok(Some(Self {
            message_id: notification.message_id.as_deref(),
            event_type,
            payload: &notification.payload,
            instance_uuid: text(payload.get(uuid)),
            project_id: text(payload.get("tenant_id")),
            window: window.map(|(begin, end)| Window { begin, end }),
            launched_at: timestamp(&payload, "launched_at"),
            // In `grizzly` the termination is in `deleted_at`.
            terminated_at: timestamp(&payload, "terminated_at").or_else(|| timestamp(&payload, "deleted_at")),
        }))
    }

    fn hours(&self, window: Window) -> f64 {
        hours_for(self.launched_at, self.terminated_at, window)
    }

    fn finding(&self, verdict: Verdict, window: Option<Window>, hours: f64) -> Finding {
        let message_ids = self.message_id.map(str::to_owned).into_iter().collect();
        Finding { verdict, event_type: self.event_type.to_owned(), message_ids, fields: Vec::new(), window, hours }
    }
}

/// Returns the notifications in an order that does not depend on that of their arrival, once for each message id.
fn distinct<'a>(received: &[Received<'a>]) -> Vec<Received<'a>> {
    let order = received.iter().enumerate();
    let order = order.map(|(index, received)| (received.message_id, received.event_type, received.payload, index));
    let mut order = order.collect::<BinaryHeap<_>>().into_sorted_vec();
    order.dedup_by(|(later, ..), (earlier, ..)| later.is_some() && later == earlier);
    order.into_iter().filter_map(|(.., index)| received.get(index).cloned()).collect()
}

/// Returns the UUID of the instance, which the notifications must have, too.
fn instance_uuid<'a>(instance: Option<&Instance<'a>>, received: &[Received<'a>]) -> Result<Cow<'a, str>, Error> {
    let mut uuids = received.iter().filter_map(|received| Some((received.instance_uuid.clone()?, received.message_id)));
    let own = match instance {
        Some(instance) => instance.uuid()?,
        None => match uuids.next() {
            Some((uuid, _)) => uuid,
            None => return Err(Error::value("the UUID of the instance is missing: give an instance or its `exists`")),
        },
    };
    match uuids.find(|(uuid, _)| *uuid != own) {
        Some((uuid, message_id)) => {
            let message_id = message_id.unwrap_or("without an id");
            Err(Error::value(format!("the notification `{message_id}` is for the instance `{uuid}`, not for `{own}`")))
        }
        None => Ok(own),
    }
}

/// The notifications that Nova should have emitted for an instance.
struct Expected {
    /// The event types and the normalized payloads.
    payloads: Vec<(String, String)>,
    /// The hours of the instance in the window.
    hours: f64,
}

impl Expected {
    /// Returns `None` when the instance was not alive in the window, or is on another host.
    fn of(options: &ReconcileOptions, instance: &Instance<'_>) -> Result<Option<Self>, Error> {
        let ReconcileOptions { release, window, notification_format, .. } = options;
        let lifetime = instance.lifetime()?;
        let is_on_host = options.host.as_ref().is_none_or(|host| text(instance.host).as_deref() == Some(host));
        if !is_on_host || !lifetime.is_active_in(*window) {
            return Ok(None);
        }
        let config = Config {
            notification_format: *notification_format,
            bdms_in_notifications: options.bdms_in_notifications,
            include_share_mapping: options.include_share_mapping,
            ..Config::new(*release, "")
        };
        let instance = instance.clone().with_times_as_text(release.rules().has_times_as_text);
        let exists = usage::exists_without_bandwidth(&config, &options.context, &instance, "", *window)?;
        // In `hibiscus` only the versioned notification can fail after the other one was built.
        if let Some(error) = exists.failure.filter(|_| notification_format.versioned()) {
            return Err(error);
        }
        let mut payloads = Vec::new();
        for message in exists.messages {
            payloads.push((message.event_type, compare::normalized(Json::parse(&message.payload)?)?));
        }
        Ok(Some(Self { payloads, hours: hours_for(lifetime.launched_at, lifetime.terminated_at, *window) }))
    }

    fn payload(&self, event_type: &str) -> Option<&str> {
        self.payloads.iter().find(|(other, _)| other == event_type).map(|(_, payload)| payload.as_str())
    }
}

/// Adds the findings of one format. `expected` is the normalized payload and the hours of the instance.
fn reconcile_format<'r>(
    options: &ReconcileOptions,
    event_type: &str,
    expected: Option<(&str, f64)>,
    received: impl Iterator<Item = &'r Received<'r>>,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let mut contents = BinaryHeap::new();
    let mut others = Vec::new();
    for received in received {
        match (received.window.filter(|window| *window != options.window), expected) {
            (Some(window), _) => {
                others.push(received.finding(Verdict::OtherWindow, Some(window), received.hours(window)));
            }
            (None, None) => {
                findings.push(received.finding(Verdict::Unexpected, None, received.hours(options.window)));
            }
            (None, Some((payload, _))) => {
                contents.push((differences(options, payload, received.payload)?, received.message_id));
            }
        }
    }
    if let Some((_, hours)) = expected {
        let contents = contents.into_sorted_vec();
        if contents.is_empty() {
            findings.push(Finding {
                verdict: Verdict::Missing,
                event_type: event_type.to_owned(),
                message_ids: Vec::new(),
                fields: Vec::new(),
                window: None,
                hours,
            });
        }
        for same in contents.chunk_by(|(fields, _), (others, _)| fields == others) {
            let fields = same.first().map(|(fields, _)| fields.clone()).unwrap_or_default();
            let copies: u32 = same.len().saturating_sub(1).try_into().unwrap_or(u32::MAX);
            let (verdict, hours) = match (fields.is_empty(), copies) {
                (true, 0) => (Verdict::Equal, hours),
                (true, _) => (Verdict::Doubled, hours * f64::from(copies)),
                (false, _) => (Verdict::Different, hours),
            };
            let message_ids = same.iter().filter_map(|(_, message_id)| message_id.map(str::to_owned)).collect();
            findings.push(Finding {
                verdict,
                event_type: event_type.to_owned(),
                message_ids,
                fields,
                window: None,
                hours,
            });
        }
    }
    findings.append(&mut others);
    Ok(())
}

/// Returns the fields that are compared and differ.
fn differences(options: &ReconcileOptions, expected: &str, received: &str) -> Result<Vec<FieldDifference>, Error> {
    let received = compare::normalized(Json::parse(received)?)?;
    let mut differences = compare::differences(expected, &received)?;
    let is_known = |difference: &FieldDifference| {
        let is_null = difference.expected.as_deref().is_none_or(|expected| expected == "null");
        !options.release.rules().notifies_bandwidth || difference.field != "bandwidth" || !is_null
    };
    differences.retain(|difference| {
        is_known(difference) && options.fields.as_ref().is_none_or(|fields| difference.concerns(fields))
    });
    Ok(differences)
}

impl Reconciliation {
    /// Returns whether every finding is [`Verdict::Equal`] or [`Verdict::OtherWindow`].
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.findings.iter().all(|finding| finding.verdict.is_equal())
    }

    /// Returns the reconciliation as a JSON object with the same members. `expected` and `received` of a field are JSON
    /// values, and left out when they are absent.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        object.text("instance_uuid", &self.instance_uuid);
        object.text_or_null("project_id", self.project_id.as_deref());
        object.value("hours", &python::float_shortest(self.hours));
        object.value("findings", &list_json(self.findings.iter().map(Finding::to_json)));
        object.finish()
    }
}

impl Finding {
    fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        object.text("verdict", self.verdict.as_str());
        object.text("event_type", &self.event_type);
        object.value("message_ids", &list_json(self.message_ids.iter().map(|message_id| text_json(message_id))));
        object.value("fields", &list_json(self.fields.iter().map(FieldDifference::to_json)));
        let window = self.window.map(|Window { begin, end }| {
            let mut object = ObjectWriter::new();
            object.text("begin", &time::isoformat(begin));
            object.text("end", &time::isoformat(end));
            object.finish()
        });
        object.value("window", window.as_deref().unwrap_or("null"));
        object.value("hours", &python::float_shortest(self.hours));
        object.finish()
    }
}
