//! What an embedding program supplies: persistence, emission, a clock and randomness.
//!
//! The same calls, in the same words, as `wit/conductor.wit` and `wit/notifier.wit`. Any of them may fail; the failure
//! reaches the caller as an [`Error`] that names the callback and carries the host's own text.
//!
//! No borrow of the library is held across a callback: a host may call back in.

mod memory;
mod rows;

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::document::ObjectWriter;
use crate::error::Error;

pub use crate::error::HostError;
pub use memory::{BwUsageUpdate, MemoryHost, Row, VolUsageUpdate};
pub use rows::{
    ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, BwUsage, BwUsageCache,
    InstanceAction, InstanceActionEvent, InstanceFault, VolumeUsageCache,
};

/// A row of the table `task_log`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskLog {
    /// `instance_usage_audit` for audits.
    pub task_name: String,
    /// `RUNNING` or `DONE`.
    pub state: String,
    /// The compute host.
    pub host: String,
    /// Begin of the window.
    #[serde(with = "crate::time::iso")]
    pub period_beginning: NaiveDateTime,
    /// End of the window.
    #[serde(with = "crate::time::iso")]
    pub period_ending: NaiveDateTime,
    /// What the task said last.
    pub message: String,
    /// How many items the task set out to handle.
    pub task_items: i64,
    /// How many of them failed.
    pub errors: i64,
}

/// Which instances to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WindowQuery<'a> {
    /// They were not terminated by then.
    pub begin: NaiveDateTime,
    /// They were launched before; nothing: whenever, and also never.
    pub end: Option<NaiveDateTime>,
    /// Those of one project only.
    pub project_id: Option<&'a str>,
    /// Those of one compute host only.
    pub host: Option<&'a str>,
}

/// Some of the instances that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstancePage {
    /// One JSON document per instance, as [`Instance`](crate::instance::Instance) reads it.
    pub instances: Vec<String>,
    /// Handed back for the page that follows; nothing on the last page.
    pub next_marker: Option<String>,
}

/// What a new row of the table `instance_faults` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceFaultValues {
    /// The instance.
    pub instance_uuid: String,
    /// The code, as JSON: a whole number; in grizzly whatever the exception carries, such as a text or null.
    pub code: String,
    /// What tenants are shown.
    pub message: String,
    /// What administrators are shown.
    pub details: String,
    /// The compute host.
    pub host: String,
}

/// The host's persistence: what Nova asks its conductor and database layer for.
#[allow(async_fn_in_trait, reason = "a callback is awaited where it is called; no bound on its future is needed")]
pub trait Conductor {
    /// The first row for this task and window, whatever its state. Nova: `task_log_get`.
    async fn task_log_get(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: &str,
    ) -> Result<Option<TaskLog>, HostError>;

    /// Insert a row in state `RUNNING` with no errors; `TaskAlreadyRunning` where there is one in any state.
    /// Nova: `task_log_begin_task`.
    async fn task_log_begin_task(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: &str,
        task_items: i64,
        message: &str,
    ) -> Result<(), HostError>;

    /// Set the row to state `DONE` with these errors and, unless absent or empty, this message; `TaskNotRunning` where
    /// there is none. Nova: `task_log_end_task`.
    async fn task_log_end_task(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: &str,
        errors: i64,
        message: Option<&str>,
    ) -> Result<(), HostError>;

    /// The instances alive at any time of a window, soft-deleted ones included, ordered by `project_id`, then `uuid`:
    /// at most `limit` of them, from the marker of the page before. Nova: `instance_get_active_by_window_joined`.
    async fn instance_get_active_by_window(
        &self,
        query: WindowQuery<'_>,
        marker: Option<&str>,
        limit: u32,
    ) -> Result<InstancePage, HostError>;

    /// How many instances all those pages hold together. Asked only where one page does not hold them all.
    async fn instance_count_active_by_window(&self, query: WindowQuery<'_>) -> Result<u64, HostError>;

    /// What the vifs of some instances sent and received, of the periods that began at `start_period`. Asked in
    /// grizzly only. Nova: `bw_usage_get_by_uuids`.
    async fn bw_usage_get_by_uuids(
        &self,
        uuids: &[String],
        start_period: NaiveDateTime,
    ) -> Result<Vec<BwUsage>, HostError>;

    /// The network info of an instance, given as its document, from whoever runs the network: a JSON list of vifs, as
    /// [`NetworkInfo`](crate::network::NetworkInfo) reads it. Asked in grizzly only, where the instance's cache has
    /// none. Nova: `get_instance_nw_info` of the network API.
    async fn instance_get_nw_info(&self, instance: &str) -> Result<String, HostError>;

    /// Insert a fault of an instance. Nova: `instance_fault_create`.
    async fn instance_fault_create(&self, values: &InstanceFaultValues) -> Result<(), HostError>;

    /// Insert an action. Nova: `action_start`.
    async fn action_start(&self, context: &Context, values: &ActionStartValues) -> Result<InstanceAction, HostError>;

    /// Close the action of this instance and request: in grizzly the first one there is, in hibiscus the only one.
    /// `InstanceActionNotFound` otherwise. Nova: `action_finish`.
    async fn action_finish(&self, context: &Context, values: &ActionFinishValues) -> Result<InstanceAction, HostError>;

    /// Insert an event under the action of this instance and request: in grizzly the first one there is, in hibiscus
    /// the newest, or the instance's newest where the context has no project. `InstanceActionNotFound` where there is
    /// none. Nova:
    /// `action_event_start`.
    async fn action_event_start(
        &self,
        context: &Context,
        values: &ActionEventStartValues,
    ) -> Result<InstanceActionEvent, HostError>;

    /// Close the first event of this name under that action; the action's message becomes `Error` where the result is.
    /// `InstanceActionNotFound`, `InstanceActionEventNotFound`. Nova: `action_event_finish`.
    async fn action_event_finish(
        &self,
        context: &Context,
        values: &ActionEventFinishValues,
    ) -> Result<InstanceActionEvent, HostError>;
}

/// How urgent a notification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Goes on the wire as `INFO`.
    Info,
    /// Goes on the wire as `ERROR`.
    Error,
}

impl Priority {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Error => "ERROR",
        }
    }
}

/// One message as oslo.messaging sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// A random UUID.
    pub message_id: String,
    /// Who speaks.
    pub publisher_id: String,
    /// What happened, such as `compute.instance.exists`.
    pub event_type: String,
    /// How urgent it is.
    pub priority: Priority,
    /// What it is about: a JSON object.
    pub payload: String,
    /// When it was made: Python's `str` of the moment, UTC.
    pub timestamp: String,
}

impl Notification {
    /// As a JSON object, with the keys of oslo.messaging's message.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut message = ObjectWriter::new();
        message.text("message_id", &self.message_id);
        message.text("publisher_id", &self.publisher_id);
        message.text("event_type", &self.event_type);
        message.text("priority", self.priority.as_str());
        message.value("payload", &self.payload);
        message.text("timestamp", &self.timestamp);
        message.finish()
    }

    /// The same as a line of its own. Between the tokens of JSON a line break is as good as a blank, and nowhere else
    /// may one stand.
    pub(crate) fn write_line(&self, output: &mut String) {
        let json = self.to_json();
        if json.bytes().any(|byte| matches!(byte, b'\n' | b'\r')) {
            output.push_str(&json.replace(['\n', '\r'], " "));
        } else {
            output.push_str(&json);
        }
        output.push('\n');
    }
}

/// The host's emission.
#[allow(async_fn_in_trait, reason = "a callback is awaited where it is called; no bound on its future is needed")]
pub trait Notifier {
    /// Send a batch, in order. `context` is the request context as a JSON object. One answer per notification; an error
    /// in place of the answers says that none was sent and that trying more is pointless.
    async fn notify(
        &self,
        context: &str,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Result<(), HostError>>, HostError>;
}

/// The host's clock.
pub trait Clock {
    /// The present moment, UTC. Nova: `timeutils.utcnow`.
    fn utcnow(&self) -> NaiveDateTime;

    /// Seconds, for measuring how long something took. Nova: `time.time`.
    fn time(&self) -> f64 {
        let moment = self.utcnow().and_utc();
        // A 64-bit float holds today's seconds to about a quarter of a microsecond, and so does Nova's.
        #[allow(clippy::cast_precision_loss, reason = "Python's clock has the same precision")]
        let seconds = moment.timestamp() as f64;
        seconds + f64::from(moment.timestamp_subsec_nanos()) / 1e9
    }
}

/// The host's randomness.
pub trait Random {
    /// Sixteen random bytes, for a message id.
    fn random_bytes(&self) -> [u8; 16];
}

/// A random UUID for a notification.
pub(crate) fn message_id(random: &impl Random) -> String {
    uuid::Builder::from_random_bytes(random.random_bytes()).into_uuid().to_string()
}

/// Hand a batch over. A notifier that does not answer for each notification has failed: nobody knows what it sent.
pub(crate) async fn notify<N: Notifier>(
    services: &N,
    context: &Context,
    notifications: Vec<Notification>,
) -> Result<Vec<Result<(), Error>>, Error> {
    if notifications.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |error| Error::host("notify", error);
    let given = notifications.len();
    let answers = services.notify(&context.to_json(), notifications).await.map_err(failed)?;
    if answers.len() != given {
        let message = format!("the notifier was given {given} notifications and answered {}", answers.len());
        return Err(failed(HostError::new("ValueError", message)));
    }
    Ok(answers.into_iter().map(|answer| answer.map_err(failed)).collect())
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Poll, Waker};

    use super::*;

    /// Takes whatever comes and answers this often.
    struct Answering(usize);

    impl Notifier for Answering {
        async fn notify(&self, _: &str, _: Vec<Notification>) -> Result<Vec<Result<(), HostError>>, HostError> {
            Ok(vec![Ok(()); self.0])
        }
    }

    fn handed_over(answers: usize) -> Result<Vec<Result<(), Error>>, Error> {
        let notification = Notification {
            message_id: String::new(),
            publisher_id: "compute.cmp-01".to_owned(),
            event_type: "compute.instance.exists".to_owned(),
            priority: Priority::Info,
            payload: "{}".to_owned(),
            timestamp: String::new(),
        };
        let (notifier, context) = (Answering(answers), Context::default());
        match pin!(notify(&notifier, &context, vec![notification]))
            .poll(&mut std::task::Context::from_waker(Waker::noop()))
        {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("it answers at once"),
        }
    }

    #[test]
    fn each_notification_is_to_be_answered_for() {
        assert_eq!(handed_over(1), Ok(vec![Ok(())]));
        for answers in [0, 2] {
            let error = handed_over(answers).expect_err("not one answer");
            assert_eq!(error.callback(), Some("notify"));
            assert_eq!(error.message(), format!("the notifier was given 1 notifications and answered {answers}"));
        }
    }
}
