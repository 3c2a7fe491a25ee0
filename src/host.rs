//! The callbacks that an embedding program, the *host*, implements: persistence, emission, a clock and randomness.
//!
//! `wit/conductor.wit` and `wit/notifier.wit` declare the same callbacks under the same names. Every callback gets the
//! context of the caller's request and may fail. A failure reaches the caller as an [`Error`](crate::Error) that names
//! the callback and carries the host's own message.
//!
//! The library holds no borrow of its own across a callback, so a host may call back into the library. The component
//! is different: a callback must not enter the same component instance again.

mod conductor;
mod notifier;
mod rows;

use chrono::NaiveDateTime;

pub use crate::error::HostError;
pub use conductor::{Conductor, InstancePage, TaskLogKey, WindowQuery};
pub use notifier::{Notification, Notifier, Priority};
pub(crate) use notifier::{message_id, notify};
pub use rows::{
    ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, AuditCheckpoint, BwUsage,
    BwUsageCache, FailedInstance, InstanceAction, InstanceActionEvent, InstanceFault, InstanceFaultValues, TaskLog,
    UnreadableInstance, VolumeUsageCache,
};

/// The host's clock.
pub trait Clock {
    /// Returns the current time in UTC. Nova: `timeutils.utcnow`.
    fn utcnow(&self) -> NaiveDateTime;

    /// Returns the current time in seconds, for measuring durations. Nova: `time.time`.
    fn time(&self) -> f64 {
        let now = self.utcnow().and_utc();
        #[allow(clippy::cast_precision_loss, reason = "Python's clock has the same precision")]
        let seconds = now.timestamp() as f64;
        seconds + f64::from(now.timestamp_subsec_nanos()) / 1e9
    }
}

/// The host's randomness.
pub trait Random {
    /// Returns sixteen random bytes for a message id.
    fn random_bytes(&self) -> [u8; 16];
}
