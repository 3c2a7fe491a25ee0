//! Instance actions and their events: the record of operations on an instance, and the result of each step.
//!
//! An action is an operation that a user requested (`reboot`). Its events are the steps (`compute_reboot_instance`),
//! each with a result. The `pack_*` functions return the values of a row. The other functions pass them to the
//! [`Conductor`]. [`report_event`] runs a closure and records it as an event.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use chrono::NaiveDateTime;

use crate::context::Context;
use crate::error::Error;
use crate::fault::{Failure, safe_truncate};
use crate::host::{Clock, Conductor, HostError, InstanceAction, InstanceActionEvent};
use crate::release::Release;

pub use crate::host::{ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues};

/// Nova's argument `exc_val`: the exception of an event, or only its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExcVal<'a> {
    /// A message.
    Text(&'a str),
    /// An exception.
    Failure(&'a Failure),
}

/// Returns the values of a new action. Nova: `pack_action_start`.
///
/// The start time is that of the request in the context, not the current time.
///
/// ```
/// use nova_compute_utils::{Context, Release, action, time};
///
/// let context = Context { timestamp: Some(time::parse("2026-11-01T00:17:03.25")?), ..Context::default() };
/// let uuid = "48b988aa-afe1-4664-8307-784d3a2daad0";
/// let values = action::pack_action_start(Release::Hibiscus, &context, uuid, Some("reboot"));
/// assert_eq!(values.start_time, context.timestamp);
/// assert_eq!(values.updated_at, context.timestamp);
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
#[must_use]
pub fn pack_action_start(
    release: Release,
    context: &Context,
    instance_uuid: &str,
    action_name: Option<&str>,
) -> ActionStartValues {
    ActionStartValues {
        action: action_name.map(str::to_owned),
        instance_uuid: instance_uuid.to_owned(),
        request_id: context.request_id.clone(),
        user_id: context.user_id.clone(),
        project_id: context.project_id.clone(),
        start_time: context.timestamp,
        updated_at: context.timestamp.filter(|_| release.rules().packs_updated_at),
    }
}

/// Returns the values that finish an action. Nova: `pack_action_finish`.
#[must_use]
pub fn pack_action_finish(
    release: Release,
    context: &Context,
    instance_uuid: &str,
    now: NaiveDateTime,
) -> ActionFinishValues {
    ActionFinishValues {
        instance_uuid: instance_uuid.to_owned(),
        request_id: context.request_id.clone(),
        finish_time: now,
        updated_at: Some(now).filter(|_| release.rules().packs_updated_at),
    }
}

/// Returns the values of a new event. `grizzly` ignores `host`. Nova: `pack_action_event_start`.
#[must_use]
pub fn pack_action_event_start(
    release: Release,
    context: &Context,
    instance_uuid: &str,
    event_name: &str,
    host: Option<&str>,
    now: NaiveDateTime,
) -> ActionEventStartValues {
    ActionEventStartValues {
        event: event_name.to_owned(),
        instance_uuid: instance_uuid.to_owned(),
        request_id: context.request_id.clone(),
        start_time: now,
        host: host.filter(|_| release.rules().packs_event_host).map(str::to_owned),
    }
}

/// Returns the values that finish an event. Nova: `pack_action_event_finish`.
///
/// The result is `Error` when `exc_tb` is given, even an empty one; otherwise it is `Success`, even when `exc_val` is
/// given. Fails with `UnicodeEncodeError` in `grizzly` when the text of the exception is not ASCII.
///
/// ```
/// use nova_compute_utils::action::{self, ExcVal};
/// use nova_compute_utils::{Context, Release, time};
///
/// let (context, now) = (Context::default(), time::parse("2026-11-01T00:17:03.25")?);
/// let finish = |exc_tb| {
///     let exc_val = Some(ExcVal::Text("No valid host was found."));
///     action::pack_action_event_finish(Release::Hibiscus, &context, "a uuid", "schedule", exc_val, exc_tb, now)
/// };
/// assert_eq!(finish(None)?.result, "Success");
/// assert_eq!(finish(None)?.details, None);
/// assert_eq!(finish(Some(""))?.result, "Error");
/// assert_eq!(finish(Some(""))?.details.as_deref(), Some("No valid host was found."));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn pack_action_event_finish(
    release: Release,
    context: &Context,
    instance_uuid: &str,
    event_name: &str,
    exc_val: Option<ExcVal<'_>>,
    exc_tb: Option<&str>,
    now: NaiveDateTime,
) -> Result<ActionEventFinishValues, Error> {
    let failed = exc_tb.is_some();
    let (message, details) = match failed {
        false => (None, None),
        true if release.rules().packs_event_details => (None, exc_val.and_then(details)),
        true => (Some(byte_string(exc_val)?), None),
    };
    Ok(ActionEventFinishValues {
        event: event_name.to_owned(),
        instance_uuid: instance_uuid.to_owned(),
        request_id: context.request_id.clone(),
        finish_time: now,
        result: if failed { "Error" } else { "Success" }.to_owned(),
        message,
        details,
        traceback: exc_tb.map(str::to_owned),
    })
}

/// The length of the column `details`, in bytes.
const DETAILS_LENGTH: i64 = 255;

/// Returns the details of an exception; `None` for an empty message, which Python treats as false.
fn details(exc_val: ExcVal<'_>) -> Option<String> {
    match exc_val {
        ExcVal::Text("") => None,
        ExcVal::Text(message) => Some(safe_truncate(message, DETAILS_LENGTH).to_owned()),
        ExcVal::Failure(failure) => Some(safe_truncate(message_for_tenants(failure), DETAILS_LENGTH).to_owned()),
    }
}

/// Returns the part of an exception that tenants may see.
fn message_for_tenants(failure: &Failure) -> &str {
    failure.formatted_message.as_deref().unwrap_or(&failure.class_name)
}

/// Returns Python 2's `str()` of an exception.
fn byte_string(exc_val: Option<ExcVal<'_>>) -> Result<String, Error> {
    let text = match exc_val {
        None => "None",
        Some(ExcVal::Text(text)) => text,
        Some(ExcVal::Failure(failure)) => &failure.text,
    };
    match text.chars().find(|character| !character.is_ascii()) {
        None => Ok(text.to_owned()),
        Some(character) => {
            let message = format!("`{character}` is not ASCII: the events of `grizzly` accept only ASCII");
            Err(Error::new("UnicodeEncodeError", message))
        }
    }
}

/// Records the start of an action and returns the conductor's row. Nova: `InstanceAction.action_start`.
pub async fn action_start<H: Conductor>(
    services: &H,
    release: Release,
    context: &Context,
    instance_uuid: &str,
    action_name: Option<&str>,
) -> Result<Option<InstanceAction>, Error> {
    let values = pack_action_start(release, context, instance_uuid, action_name);
    services.action_start(context, &values).await.map_err(|error| Error::host("action-start", error))
}

/// Records the finish of an action and returns the conductor's row. Nova: `InstanceAction.action_finish`.
pub async fn action_finish<H: Conductor + Clock>(
    services: &H,
    release: Release,
    context: &Context,
    instance_uuid: &str,
) -> Result<Option<InstanceAction>, Error> {
    let values = pack_action_finish(release, context, instance_uuid, services.utcnow());
    services.action_finish(context, &values).await.map_err(|error| Error::host("action-finish", error))
}

/// Records the start of an event and returns the conductor's row. Nova: `InstanceActionEvent.event_start`.
pub async fn event_start<H: Conductor + Clock>(
    services: &H,
    release: Release,
    context: &Context,
    instance_uuid: &str,
    event_name: &str,
    host: Option<&str>,
) -> Result<Option<InstanceActionEvent>, Error> {
    let values = pack_action_event_start(release, context, instance_uuid, event_name, host, services.utcnow());
    services.action_event_start(context, &values).await.map_err(event_start_failed)
}

/// Records the success of an event and returns the conductor's row. Nova: `InstanceActionEvent.event_finish`.
pub async fn event_finish<H: Conductor + Clock>(
    services: &H,
    release: Release,
    context: &Context,
    instance_uuid: &str,
    event_name: &str,
) -> Result<Option<InstanceActionEvent>, Error> {
    event_finish_with_failure(services, release, context, instance_uuid, event_name, None, None).await
}

/// Records the finish of an event, with its exception when it failed, and returns the conductor's row. Nova:
/// `InstanceActionEvent.event_finish_with_failure`.
///
/// `hibiscus` first turns the exception into a string: its formatted message, or its class name when it has none. An
/// empty string leaves `details` at `None`.
pub async fn event_finish_with_failure<H: Conductor + Clock>(
    services: &H,
    release: Release,
    context: &Context,
    instance_uuid: &str,
    event_name: &str,
    exc_val: Option<ExcVal<'_>>,
    exc_tb: Option<&str>,
) -> Result<Option<InstanceActionEvent>, Error> {
    let exc_val = if release.rules().packs_event_details { exc_val.map(serialized) } else { exc_val };
    let now = services.utcnow();
    let values = pack_action_event_finish(release, context, instance_uuid, event_name, exc_val, exc_tb, now)?;
    services.action_event_finish(context, &values).await.map_err(event_finish_failed)
}

fn serialized(exc_val: ExcVal<'_>) -> ExcVal<'_> {
    match exc_val {
        ExcVal::Text(_) => exc_val,
        ExcVal::Failure(failure) => ExcVal::Text(message_for_tenants(failure)),
    }
}

fn event_start_failed(error: HostError) -> Error {
    Error::host("action-event-start", error)
}

fn event_finish_failed(error: HostError) -> Error {
    Error::host("action-event-finish", error)
}

/// A step to report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The step, such as `compute_reboot_instance`.
    pub name: String,
    /// The host that runs the step. `hibiscus` only.
    pub host: Option<String>,
    /// The instances. Each one gets its own event.
    pub instance_uuids: Vec<String>,
    /// Whether finishing ignores an action that no longer exists; the events of later instances then stay open. Nova:
    /// `graceful_exit`. `hibiscus` only.
    pub graceful_exit: bool,
    /// Whether [`report_event`] drops the error of the body in that case, as Nova does.
    pub swallow_body_error: bool,
}

/// The result of [`EventReporter::finish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// The events of all instances are finished.
    All,
    /// An action no longer exists: its event and those of later instances stay open. Only with
    /// [`Event::graceful_exit`].
    ActionGone,
}

/// The open events of a step, one per instance. Nova: `EventReporter`.
///
/// Use it when the work does not fit in one closure; otherwise [`report_event`] is simpler. Dropping an unfinished
/// reporter leaves the events open.
#[derive(Debug)]
#[must_use = "the events stay open until `finish` is called"]
pub struct EventReporter {
    release: Release,
    context: Context,
    event: Event,
}

impl EventReporter {
    /// Starts one event per instance. Stops at the first error, and leaves the events before it open.
    pub async fn start<H: Conductor + Clock>(
        services: &H,
        release: Release,
        context: &Context,
        event: Event,
    ) -> Result<Self, Error> {
        for instance_uuid in &event.instance_uuids {
            event_start(services, release, context, instance_uuid, &event.name, event.host.as_deref()).await?;
        }
        Ok(Self { release, context: context.clone(), event })
    }

    /// Finishes the event of each instance: as an error when there is a failure, with or without traceback. Stops at
    /// the first error.
    pub async fn finish<H: Conductor + Clock>(
        self,
        services: &H,
        failure: Option<&Failure>,
    ) -> Result<Finished, Error> {
        let Self { release, context, event } = &self;
        let exc_val = failure.map(ExcVal::Failure);
        // A Python exception always has a traceback, and an event without one would count as a success.
        let exc_tb = failure.map(|failure| failure.traceback.as_deref().unwrap_or_default());
        for instance_uuid in &event.instance_uuids {
            let finished =
                event_finish_with_failure(services, *release, context, instance_uuid, &event.name, exc_val, exc_tb);
            match finished.await {
                Ok(_) => {}
                Err(error) if event.graceful_exit && error.code() == "InstanceActionNotFound" => {
                    return Ok(Finished::ActionGone);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Finished::All)
    }
}

/// Starts one event per instance, runs `body`, and finishes the events with its outcome. Nova: `EventReporter`.
///
/// The caller always gets the error of the body. When the events cannot be finished either, [`ReportError::Finish`] has
/// both errors; Nova raises only that of the event. [`Event::swallow_body_error`] drops the body's error as Nova does.
///
/// ```
/// use nova_compute_utils::action::{self, Event, ReportError};
/// use nova_compute_utils::testing::{MemoryHost, ready};
/// use nova_compute_utils::{Context, Error, Release, time};
///
/// let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25")?);
/// let (release, context, uuid) = (Release::Hibiscus, Context::default(), "48b988aa-afe1-4664-8307-784d3a2daad0");
/// ready(action::action_start(&host, release, &context, uuid, Some("reboot")))?;
///
/// let event = Event { name: "compute_reboot_instance".into(), instance_uuids: vec![uuid.into()], ..Event::default() };
/// let reported = ready(action::report_event(&host, release, &context, event, async || {
///     Err::<(), _>(Error::new("InstanceNotRunning", "Instance is not running."))
/// }));
/// assert!(matches!(reported, Err(ReportError::Body(error)) if error.code() == "InstanceNotRunning"));
/// assert_eq!(host.instance_actions_events()[0].result.as_deref(), Some("Error"));
/// assert_eq!(host.instance_actions()[0].message.as_deref(), Some("Error"));
/// # Ok::<(), Error>(())
/// ```
pub async fn report_event<H, T, E>(
    services: &H,
    release: Release,
    context: &Context,
    event: Event,
    body: impl AsyncFnOnce() -> Result<T, E>,
) -> Result<T, ReportError<E>>
where
    H: Conductor + Clock,
    for<'e> Failure: From<&'e E>,
{
    let swallow = event.swallow_body_error;
    let reporter = EventReporter::start(services, release, context, event).await.map_err(ReportError::Start)?;
    let outcome = body().await;
    let failure = outcome.as_ref().err().map(Failure::from);
    match (reporter.finish(services, failure.as_ref()).await, outcome) {
        (Ok(_), Ok(value)) => Ok(value),
        (Ok(Finished::ActionGone), Err(_)) if swallow => Err(ReportError::Swallowed),
        (Ok(_), Err(body)) => Err(ReportError::Body(body)),
        (Err(error), outcome) => Err(ReportError::Finish { error, body: outcome.err() }),
    }
}

/// Why [`report_event`] returns no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportError<E> {
    /// An event could not be started. The body did not run.
    Start(Error),
    /// The body failed, and the events record its error.
    Body(E),
    /// An event could not be finished. Nova raises this error whether or not the body failed.
    Finish {
        /// Why it could not be finished.
        error: Error,
        /// The error of the body, when it failed too.
        body: Option<E>,
    },
    /// The body failed and an action no longer exists, with [`Event::swallow_body_error`].
    Swallowed,
}

impl<E: fmt::Display> fmt::Display for ReportError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => write!(f, "the event could not be opened: {error}"),
            Self::Body(error) => error.fmt(f),
            Self::Finish { error, body: None } => write!(f, "the event could not be finished: {error}"),
            Self::Finish { error, body: Some(body) } => {
                write!(f, "{body}; the event could not be finished either: {error}")
            }
            Self::Swallowed => f.write_str("the work failed, and its action no longer exists"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for ReportError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Start(error) | Self::Finish { error, body: None } => Some(error),
            Self::Body(error) => error.source(),
            Self::Finish { body: Some(body), .. } => Some(body),
            Self::Swallowed => None,
        }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self::new(error.code(), error.message())
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;
    use crate::testing::{MemoryHost, ready};
    use crate::time;

    const UUID: &str = "48b988aa-afe1-4664-8307-784d3a2daad0";
    const GONE: &str = "a7414f01-010c-4b51-abda-5a4f998d1525";

    fn host(release: Release) -> MemoryHost {
        let now = time::parse("2026-11-01T00:17:03.25").expect("a timestamp");
        let host = MemoryHost::new(now).with_release(release);
        ready(action_start(&host, release, &context(), UUID, Some("reboot"))).expect("an action");
        host
    }

    fn context() -> Context {
        let text = |text: &str| Some(text.to_owned());
        Context { request_id: text("req-1"), project_id: text("demo"), ..Context::default() }
    }

    fn event(instance_uuids: &[&str]) -> Event {
        let instance_uuids = instance_uuids.iter().map(|uuid| (*uuid).to_owned()).collect();
        Event { name: "compute_reboot_instance".to_owned(), instance_uuids, ..Event::default() }
    }

    fn broken() -> Error {
        Error::new("InstanceNotRunning", "Instance is not running.")
    }

    /// Reports work during which the database purges the action.
    #[allow(clippy::result_large_err, reason = "the caller drops it at once")]
    fn report_with_purged_action(event: Event, outcome: Result<u8, Error>) -> Result<u8, ReportError<Error>> {
        let (host, release) = (host(Release::Hibiscus), Release::Hibiscus);
        ready(report_event(&host, release, &context(), event, async || {
            host.purge_actions();
            outcome
        }))
    }

    #[test]
    fn records_the_work_between_start_and_finish() {
        for release in [Release::Grizzly, Release::Hibiscus] {
            let host = host(release);
            let reported = ready(report_event(&host, release, &context(), event(&[UUID]), async || {
                assert_eq!(host.instance_actions_events().len(), 1);
                assert_eq!(host.instance_actions_events()[0].result, None);
                Ok::<_, Error>(7)
            }));
            assert_eq!(reported, Ok(7));
            assert_eq!(host.instance_actions_events()[0].result.as_deref(), Some("Success"));
            assert_eq!(host.instance_actions()[0].message, None);
        }
    }

    #[test]
    fn records_a_failure_without_traceback_as_an_error() {
        for release in [Release::Grizzly, Release::Hibiscus] {
            let host = host(release);
            let reported =
                ready(report_event(&host, release, &context(), event(&[UUID]), async || Err::<(), _>(broken())));
            assert_eq!(reported, Err(ReportError::Body(broken())));
            assert_eq!(host.instance_actions_events()[0].result.as_deref(), Some("Error"));
            assert_eq!(host.instance_actions()[0].message.as_deref(), Some("Error"));
        }
    }

    #[test]
    fn does_not_run_the_body_when_an_event_cannot_be_opened() {
        let host = host(Release::Hibiscus);
        let body = async || -> Result<(), Error> { panic!("the body ran") };
        let reported = ready(report_event(&host, Release::Hibiscus, &context(), event(&[UUID, GONE]), body));
        assert!(matches!(reported, Err(ReportError::Start(error)) if error.code() == "InstanceActionNotFound"));
        assert_eq!(host.instance_actions_events()[0].result, None, "the first event stays open, as in Nova");
    }

    #[test]
    fn keeps_the_error_of_the_body_when_finishing_fails() {
        let gone = |error: &Error| error.code() == "InstanceActionNotFound";
        let reported = report_with_purged_action(event(&[UUID]), Err(broken()));
        assert!(
            matches!(reported, Err(ReportError::Finish { error, body: Some(body) }) if gone(&error) && body == broken())
        );
        let reported = report_with_purged_action(event(&[UUID]), Ok(7));
        assert!(matches!(reported, Err(ReportError::Finish { error, body: None }) if gone(&error)));

        let graceful = Event { graceful_exit: true, ..event(&[UUID]) };
        assert_eq!(report_with_purged_action(graceful.clone(), Ok(7)), Ok(7));
        assert_eq!(report_with_purged_action(graceful.clone(), Err(broken())), Err(ReportError::Body(broken())));
        let as_nova = Event { swallow_body_error: true, ..graceful };
        assert_eq!(report_with_purged_action(as_nova.clone(), Ok(7)), Ok(7));
        assert_eq!(report_with_purged_action(as_nova, Err(broken())), Err(ReportError::Swallowed));
        let not_graceful = Event { swallow_body_error: true, ..event(&[UUID]) };
        let reported = report_with_purged_action(not_graceful, Err(broken()));
        assert!(
            matches!(reported, Err(ReportError::Finish { body: Some(_), .. })),
            "only a graceful exit drops the error"
        );
    }

    #[test]
    fn cuts_details_between_characters() {
        let message = "é".repeat(200);
        let failure = Failure::new("NoValidHost", "").with_formatted_message(message.clone());
        for exc_val in [ExcVal::Text(&message), ExcVal::Failure(&failure)] {
            let now = time::parse("2026-11-01T00:17:03.25").expect("a timestamp");
            let values =
                pack_action_event_finish(Release::Hibiscus, &context(), UUID, "e", Some(exc_val), Some(""), now);
            assert_eq!(values.expect("values").details, Some("é".repeat(127)));
        }
    }

    proptest::proptest! {
        /// Each instance has one finished event for any outcome and any text.
        #[test]
        fn finishes_every_event(instances in 0_usize..5, text in proptest::option::of(".*"), grizzly: bool) {
            let release = if grizzly { Release::Grizzly } else { Release::Hibiscus };
            let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25").expect("a timestamp")).with_release(release);
            let uuids: Vec<String> = (0..instances).map(|number| format!("instance-{number}")).collect();
            for uuid in &uuids {
                ready(action_start(&host, release, &context(), uuid, Some("reboot"))).expect("an action");
            }
            let event = Event { name: "step".to_owned(), instance_uuids: uuids, ..Event::default() };
            // The events of `grizzly` accept only ASCII.
            let text = text.map(|text| if grizzly { text.escape_default().to_string() } else { text });
            let failure = text.as_ref().map(|text| Error::new("NovaException", text.clone()));
            let body = async || failure.clone().map_or(Ok(()), Err);
            let reported = ready(report_event(&host, release, &context(), event, body));
            proptest::prop_assert_eq!(reported.is_ok(), text.is_none());
            let result = if text.is_none() { "Success" } else { "Error" };
            let events = host.instance_actions_events();
            proptest::prop_assert_eq!(events.len(), instances);
            for event in events {
                proptest::prop_assert_eq!(event.result.as_deref(), Some(result));
            }
        }

        /// Details are the beginning of the message and fit into the column.
        #[test]
        fn details_fit_into_the_column(message in ".*") {
            let now = time::parse("2026-11-01T00:17:03.25").expect("a timestamp");
            let exc_val = Some(ExcVal::Text(&message));
            let values = pack_action_event_finish(Release::Hibiscus, &context(), UUID, "e", exc_val, Some(""), now);
            let details = values.expect("values").details.unwrap_or_default();
            proptest::prop_assert!(message.starts_with(&details) && details.len() <= 255);
            proptest::prop_assert!(details == message || details.len() > 251);
        }
    }
}
