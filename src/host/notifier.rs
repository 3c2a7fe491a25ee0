//! The host's emission of notifications.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{HostError, Random};
use crate::context::Context;
use crate::document::ObjectWriter;
use crate::error::Error;

/// The priority of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// `INFO` on the wire.
    Info,
    /// `ERROR` on the wire.
    Error,
}

impl Priority {
    /// Returns the priority as the wire spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Error => "ERROR",
        }
    }
}

/// One notification, with the fields of oslo.messaging's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// A UUID: random, or deterministic in an audit with [`MessageIds::Deterministic`](crate::audit::MessageIds).
    pub message_id: String,
    /// The service and host that emit it: `compute.<host>`, `nova-compute:<host>` in versioned notifications, or
    /// `conductor.<host>` in the `volume.usage` of `grizzly`.
    pub publisher_id: String,
    /// The event type, such as `compute.instance.exists`.
    pub event_type: String,
    /// The priority.
    pub priority: Priority,
    /// The payload, a JSON object.
    pub payload: String,
    /// When the notification was made, in UTC, in the format of Python's `str(datetime)`: `YYYY-MM-DD HH:MM:SS`,
    /// followed by `.ffffff` unless that is zero.
    pub timestamp: String,
    /// Whether the payload has a `nova_object.*` envelope. The wire does not carry this field.
    pub versioned: bool,
}

impl Notification {
    /// Returns the message as oslo.messaging writes it, a JSON object. It does not contain `versioned`.
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

    /// Appends the message to `output` as one line. JSON allows line breaks only between the tokens of the payload,
    /// where a space is equivalent.
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

/// The host's emission of notifications.
#[allow(async_fn_in_trait, reason = "the library awaits a callback where it calls it and needs no bound on the future")]
pub trait Notifier {
    /// Sends a batch in order and returns one answer per notification. An error in place of the answers means that no
    /// notification was sent and that further batches would fail too.
    async fn notify(
        &self,
        context: &Context,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Result<(), HostError>>, HostError>;

    /// Returns the position behind the last notification that was sent, in a form that only the notifier reads. The
    /// library stores it in a checkpoint. A notifier that cannot find its place again returns `None`.
    async fn position(&self, _context: &Context) -> Result<Option<String>, HostError> {
        Ok(None)
    }

    /// Prepares the notifier to receive the notifications behind a position again, which an interrupted audit may have
    /// sent already. The library calls it once, before it resumes an audit.
    async fn resume_at(&self, _context: &Context, _position: Option<&str>) -> Result<(), HostError> {
        Ok(())
    }
}

/// Returns a random UUID for a notification.
pub(crate) fn message_id(random: &impl Random) -> String {
    uuid::Builder::from_random_bytes(random.random_bytes()).into_uuid().to_string()
}

/// Sends a batch. Fails when the number of answers differs from the number of notifications, because the caller then
/// cannot know which ones were sent.
pub(crate) async fn notify<N: Notifier>(
    services: &N,
    context: &Context,
    notifications: Vec<Notification>,
) -> Result<Vec<Result<(), Error>>, Error> {
    if notifications.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |error| Error::host("notify", error);
    let sent = notifications.len();
    let answers = services.notify(context, notifications).await.map_err(failed)?;
    if answers.len() != sent {
        let message = format!("the notifier got {sent} notifications and returned {} answers", answers.len());
        return Err(failed(HostError::new("ValueError", message)));
    }
    Ok(answers.into_iter().map(|answer| answer.map_err(failed)).collect())
}

#[cfg(test)]
mod tests {
    use std::borrow::ToOwned;
    use std::vec;

    use super::*;
    use crate::testing::ready;

    /// A notifier that returns this many answers to every batch.
    struct Answers(usize);

    impl Notifier for Answers {
        async fn notify(&self, _: &Context, _: Vec<Notification>) -> Result<Vec<Result<(), HostError>>, HostError> {
            Ok(vec![Ok(()); self.0])
        }
    }

    fn notify_one(answers: usize) -> Result<Vec<Result<(), Error>>, Error> {
        let notification = Notification {
            message_id: String::new(),
            publisher_id: "compute.cmp-01".to_owned(),
            event_type: "compute.instance.exists".to_owned(),
            priority: Priority::Info,
            payload: "{}".to_owned(),
            timestamp: String::new(),
            versioned: false,
        };
        ready(notify(&Answers(answers), &Context::default(), vec![notification]))
    }

    #[test]
    fn requires_one_answer_per_notification() {
        assert_eq!(notify_one(1), Ok(vec![Ok(())]));
        for answers in [0, 2] {
            let error = notify_one(answers).expect_err("the number of answers is wrong");
            assert_eq!(error.callback(), Some("notify"));
            assert_eq!(error.message(), format!("the notifier got 1 notifications and returned {answers} answers"));
        }
    }
}
