//! Instance actions and their events: what is recorded when something is done to an instance, and how it went.
//!
//! An action is what a user asked for (`reboot`); its events are the steps (`compute_reboot_instance`), each with a
//! result. The `pack_*` functions make the values of a row, the others hand them to the [`Conductor`], and
//! [`report_event`] brackets a piece of work.

use std::fmt;

use chrono::NaiveDateTime;

use crate::context::Context;
use crate::error::Error;
use crate::fault::{Failure, safe_truncate};
use crate::host::{Clock, Conductor, HostError, InstanceAction, InstanceActionEvent};
use crate::release::Release;

pub use crate::host::{ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues};

/// What Nova takes for the exception of an event: the exception, or its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExcVal<'a> {
    /// A message.
    Text(&'a str),
    /// An exception.
    Failure(&'a Failure),
}

/// The values of an action that begins. Nova: `pack_action_start`.
///
/// It began when the request did: the start time is the context's, not the clock's.
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
        updated_at: context.timestamp.filter(|_| release.says_when_actions_change()),
    }
}

/// The values that close an action. Nova: `pack_action_finish`.
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
        updated_at: Some(now).filter(|_| release.says_when_actions_change()),
    }
}

/// The values of an event that begins. Nova: `pack_action_event_start`.
///
/// Grizzly knows no host of an event and leaves it out.
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
        host: host.filter(|_| release.has_event_hosts()).map(str::to_owned),
    }
}

/// The values that close an event. Nova: `pack_action_event_finish`.
///
/// Without a traceback it is a success, whatever the exception; with one, be it empty, an error. Fails with
/// `UnicodeEncodeError` where grizzly cannot make a byte string of the exception: its text is not ASCII.
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
        true if release.has_event_details() => (None, exc_val.and_then(details)),
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

/// How many bytes of a message are kept.
const MESSAGE_LENGTH: i64 = 255;

/// What may be shown of an exception; nothing of one that is false in Python's sense.
fn details(exc_val: ExcVal<'_>) -> Option<String> {
    match exc_val {
        ExcVal::Text("") => None,
        ExcVal::Text(message) => Some(safe_truncate(message, MESSAGE_LENGTH).to_owned()),
        ExcVal::Failure(failure) => Some(safe_truncate(shown(failure), MESSAGE_LENGTH).to_owned()),
    }
}

/// What a tenant may see of an exception.
fn shown(failure: &Failure) -> &str {
    failure.formatted_message.as_deref().unwrap_or(&failure.class_name)
}

/// Python 2's `str` of an exception.
fn byte_string(exc_val: Option<ExcVal<'_>>) -> Result<String, Error> {
    let text = match exc_val {
        None => "None",
        Some(ExcVal::Text(text)) => text,
        Some(ExcVal::Failure(failure)) => &failure.text,
    };
    match text.chars().find(|character| !character.is_ascii()) {
        None => Ok(text.to_owned()),
        Some(character) => {
            let message = format!("`{character}` is not ASCII, and grizzly's events take nothing else");
            Err(Error::new("UnicodeEncodeError", message))
        }
    }
}

/// Record that an action begins. Nova: `InstanceAction.action_start`.
pub async fn action_start<H: Conductor>(
    services: &H,
    release: Release,
    context: &Context,
    instance_uuid: &str,
    action_name: Option<&str>,
) -> Result<InstanceAction, Error> {
    let values = pack_action_start(release, context, instance_uuid, action_name);
    services.action_start(context, &values).await.map_err(|error| Error::host("action-start", error))
}

/// Record that an action has ended. Nova: `InstanceAction.action_finish`.
pub async fn action_finish<H: Conductor + Clock>(
    services: &H,
    release: Release,
    context: &Context,
    instance_uuid: &str,
) -> Result<InstanceAction, Error> {
    let values = pack_action_finish(release, context, instance_uuid, services.utcnow());
    services.action_finish(context, &values).await.map_err(|error| Error::host("action-finish", error))
}

/// Record that an event begins. Nova: `InstanceActionEvent.event_start`.
pub async fn event_start<H: Conductor + Clock>(
    services: &H,
    release: Release,
    context: &Context,
    instance_uuid: &str,
    event_name: &str,
    host: Option<&str>,
) -> Result<InstanceActionEvent, Error> {
    let values = pack_action_event_start(release, context, instance_uuid, event_name, host, services.utcnow());
    services.action_event_start(context, &values).await.map_err(event_start_failed)
}

/// Record that an event went well. Nova: `InstanceActionEvent.event_finish`.
pub async fn event_finish<H: Conductor + Clock>(
    services: &H,
    release: Release,
    context: &Context,
    instance_uuid: &str,
    event_name: &str,
) -> Result<InstanceActionEvent, Error> {
    event_finish_with_failure(services, release, context, instance_uuid, event_name, None, None).await
}

/// Record how an event went. Nova: `InstanceActionEvent.event_finish_with_failure`.
///
/// Hibiscus makes a text of the exception first: its formatted message, else its class name. An empty one leaves no
/// details.
pub async fn event_finish_with_failure<H: Conductor + Clock>(
    services: &H,
    release: Release,
    context: &Context,
    instance_uuid: &str,
    event_name: &str,
    exc_val: Option<ExcVal<'_>>,
    exc_tb: Option<&str>,
) -> Result<InstanceActionEvent, Error> {
    let exc_val = if release.has_event_details() { exc_val.map(serialized) } else { exc_val };
    let now = services.utcnow();
    let values = pack_action_event_finish(release, context, instance_uuid, event_name, exc_val, exc_tb, now)?;
    services.action_event_finish(context, &values).await.map_err(event_finish_failed)
}

fn serialized(exc_val: ExcVal<'_>) -> ExcVal<'_> {
    match exc_val {
        ExcVal::Text(_) => exc_val,
        ExcVal::Failure(failure) => ExcVal::Text(shown(failure)),
    }
}

fn event_start_failed(error: HostError) -> Error {
    Error::host("action-event-start", error)
}

fn event_finish_failed(error: HostError) -> Error {
    Error::host("action-event-finish", error)
}

/// A step to report: what it is called, where it happens and to which instances.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The step, such as `compute_reboot_instance`.
    pub name: String,
    /// Where it happens. Grizzly leaves it out.
    pub host: Option<String>,
    /// The instances, each of which gets an event of its own.
    pub instance_uuids: Vec<String>,
    /// Let it pass when an action turns out to be gone at the end; the events of later instances stay open then. Nova:
    /// `graceful_exit`, of hibiscus.
    pub graceful_exit: bool,
    /// Let the work's own error pass as well in that case. Hibiscus does so; nothing else in here ever hides it.
    pub swallow_body_error: bool,
}

/// What became of the events at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// All are closed.
    All,
    /// An action was gone, and those from there on stay open: only with [`Event::graceful_exit`].
    ActionGone,
}

/// Events that are open: one per instance. Nova: `EventReporter`.
///
/// For work that is no one closure; else [`report_event`] is simpler. Whoever drops it leaves the events open.
#[derive(Debug)]
#[must_use = "the events stay open until they are finished"]
pub struct EventReporter {
    release: Release,
    context: Context,
    event: Event,
}

impl EventReporter {
    /// Open an event per instance. The first refusal ends it, and leaves those open that were opened.
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

    /// Close the event of each instance: as an error where there was a failure, with or without traceback. The first
    /// refusal ends it.
    pub async fn finish<H: Conductor + Clock>(
        self,
        services: &H,
        failure: Option<&Failure>,
    ) -> Result<Finished, Error> {
        let Self { release, context, event } = &self;
        let exc_val = failure.map(ExcVal::Failure);
        // In Python no exception comes without a traceback, and an event without one would count as a success.
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

/// Do something and report it: an event per instance opens before and closes after it, with its outcome. Nova:
/// `EventReporter`.
///
/// The body's own error always comes back, beside that of closing the events where both failed. Where Nova lets the
/// second one hide the first, look at [`ReportError::Finish`]; where it hides both, ask for it with
/// [`Event::swallow_body_error`].
///
/// ```
/// use nova_compute_utils::action::{self, Event, ReportError};
/// use nova_compute_utils::host::MemoryHost;
/// use nova_compute_utils::{Context, Error, Release, time};
///
/// # fn ready<F: std::future::Future>(future: F) -> F::Output {
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     match std::pin::pin!(future).poll(&mut context) {
/// #         std::task::Poll::Ready(output) => output,
/// #         std::task::Poll::Pending => unreachable!(),
/// #     }
/// # }
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

/// Why reported work gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportError<E> {
    /// An event could not be opened. The work was not begun.
    Start(Error),
    /// The work failed, and its events say so.
    Body(E),
    /// An event could not be closed. Nova raises this error, whatever became of the work.
    Finish {
        /// Why.
        error: Error,
        /// The work's own error, where it failed too.
        body: Option<E>,
    },
    /// The work failed and an action was gone, and that is to pass: [`Event::swallow_body_error`].
    Swallowed,
}

impl<E: fmt::Display> fmt::Display for ReportError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => write!(f, "the event could not be opened: {error}"),
            Self::Body(error) => error.fmt(f),
            Self::Finish { error, body: None } => write!(f, "the event could not be closed: {error}"),
            Self::Finish { error, body: Some(body) } => write!(f, "{body}; nor could the event be closed: {error}"),
            Self::Swallowed => f.write_str("the work failed, and its action is gone"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for ReportError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
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
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Poll, Waker};

    use super::*;
    use crate::host::MemoryHost;
    use crate::time;

    const UUID: &str = "48b988aa-afe1-4664-8307-784d3a2daad0";
    const GONE: &str = "a7414f01-010c-4b51-abda-5a4f998d1525";

    fn ready<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("a host in memory answers at once"),
        }
    }

    fn host(release: Release) -> MemoryHost {
        let now = time::parse("2026-11-01T00:17:03.25").expect("a moment");
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

    /// Reports work during which its action is purged.
    #[allow(clippy::result_large_err, reason = "it is looked at and thrown away")]
    fn report_while_the_action_goes(event: Event, outcome: Result<u8, Error>) -> Result<u8, ReportError<Error>> {
        let (host, release) = (host(Release::Hibiscus), Release::Hibiscus);
        ready(report_event(&host, release, &context(), event, async || {
            host.forget_actions();
            outcome
        }))
    }

    #[test]
    fn work_is_bracketed_by_its_events() {
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
    fn a_failure_without_a_traceback_is_no_success() {
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
    fn work_that_cannot_be_reported_is_not_begun() {
        let host = host(Release::Hibiscus);
        let body = async || -> Result<(), Error> { panic!("it was begun") };
        let reported = ready(report_event(&host, Release::Hibiscus, &context(), event(&[UUID, GONE]), body));
        assert!(matches!(reported, Err(ReportError::Start(error)) if error.code() == "InstanceActionNotFound"));
        assert_eq!(host.instance_actions_events()[0].result, None, "what was opened stays open, as in Nova");
    }

    #[test]
    fn failing_to_report_never_hides_the_work_s_own_error() {
        let gone = |error: &Error| error.code() == "InstanceActionNotFound";
        let reported = report_while_the_action_goes(event(&[UUID]), Err(broken()));
        assert!(
            matches!(reported, Err(ReportError::Finish { error, body: Some(body) }) if gone(&error) && body == broken())
        );
        let reported = report_while_the_action_goes(event(&[UUID]), Ok(7));
        assert!(matches!(reported, Err(ReportError::Finish { error, body: None }) if gone(&error)));

        let graceful = Event { graceful_exit: true, ..event(&[UUID]) };
        assert_eq!(report_while_the_action_goes(graceful.clone(), Ok(7)), Ok(7));
        assert_eq!(report_while_the_action_goes(graceful.clone(), Err(broken())), Err(ReportError::Body(broken())));
        let as_nova = Event { swallow_body_error: true, ..graceful };
        assert_eq!(report_while_the_action_goes(as_nova.clone(), Ok(7)), Ok(7));
        assert_eq!(report_while_the_action_goes(as_nova, Err(broken())), Err(ReportError::Swallowed));
        let not_graceful = Event { swallow_body_error: true, ..event(&[UUID]) };
        let reported = report_while_the_action_goes(not_graceful, Err(broken()));
        assert!(matches!(reported, Err(ReportError::Finish { body: Some(_), .. })), "the quirk is graceful exit's");
    }

    #[test]
    fn details_are_cut_between_characters() {
        let message = "é".repeat(200);
        let failure = Failure::new("NoValidHost", "").with_formatted_message(message.clone());
        for exc_val in [ExcVal::Text(&message), ExcVal::Failure(&failure)] {
            let now = time::parse("2026-11-01T00:17:03.25").expect("a moment");
            let values =
                pack_action_event_finish(Release::Hibiscus, &context(), UUID, "e", Some(exc_val), Some(""), now);
            assert_eq!(values.expect("values").details, Some("é".repeat(127)));
        }
    }

    proptest::proptest! {
        /// Whatever becomes of the work and whatever the failure says, each instance has one event, and it is closed.
        #[test]
        fn every_event_is_closed(instances in 0_usize..5, text in proptest::option::of(".*"), grizzly: bool) {
            let release = if grizzly { Release::Grizzly } else { Release::Hibiscus };
            let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25").expect("a moment")).with_release(release);
            let uuids: Vec<String> = (0..instances).map(|number| format!("instance-{number}")).collect();
            for uuid in &uuids {
                ready(action_start(&host, release, &context(), uuid, Some("reboot"))).expect("an action");
            }
            let event = Event { name: "step".to_owned(), instance_uuids: uuids, ..Event::default() };
            // Grizzly's events take ASCII only.
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

        /// What may be shown is the beginning of the message, and never more than the column takes.
        #[test]
        fn details_fit(message in ".*") {
            let now = time::parse("2026-11-01T00:17:03.25").expect("a moment");
            let exc_val = Some(ExcVal::Text(&message));
            let values = pack_action_event_finish(Release::Hibiscus, &context(), UUID, "e", exc_val, Some(""), now);
            let details = values.expect("values").details.unwrap_or_default();
            proptest::prop_assert!(message.starts_with(&details) && details.len() <= 255);
            proptest::prop_assert!(details == message || details.len() > 251);
        }
    }
}
