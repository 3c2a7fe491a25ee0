//! The imports of the world `compute-utils`, as a host of the library.

use std::future::Future;
use std::pin::pin;
use std::prelude::v1::*;
use std::task::{self, Poll, Waker};

use chrono::{DateTime, NaiveDateTime, SubsecRound};

use super::exports::nova::compute_utils::types;
use super::nova::compute_utils::{conductor, notifier};
use super::record::{FromWit, ToWit, read};
use super::wasi::{clocks::wall_clock, random::random};
use crate::host::{
    ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, AuditCheckpoint, BwUsage,
    Clock, Conductor, FailedInstance, HostError, InstanceAction, InstanceActionEvent, InstanceFaultValues,
    InstancePage, Notification, Notifier, Priority, Random, TaskLog, TaskLogKey, UnreadableInstance, WindowQuery,
};
use crate::{Context, Error};

records! {
    TaskLogKey { ; task_name, period_beginning, period_ending, host }: borrowed conductor;
    TaskLog { task_name, state, host, message, task_items, errors; period_beginning, period_ending }: from conductor;
    FailedInstance { instance_uuid, instance_id, sent; error }: to conductor;
    AuditCheckpoint {
        marker, complete, retrying, num_instances, instances, notifications, seconds, settings, notifier_position;
        failures
    }: to conductor;
    WindowQuery { ; begin, end, project_id, host }: borrowed conductor;
    UnreadableInstance { instance_uuid, instance_id; error }: from conductor;
    InstancePage { instances, next_marker; unreadable }: from conductor;
    BwUsage { uuid, mac, bw_in, bw_out; start_period }: from conductor;
    InstanceFaultValues { instance_uuid, code, message, details, host }: to conductor;
    InstanceAction {
        id, action, instance_uuid, request_id, user_id, project_id, message, deleted;
        start_time, finish_time, created_at, updated_at, deleted_at
    }: from conductor, to conductor;
    InstanceActionEvent {
        id, event, action_id, result, traceback, host, details, deleted;
        start_time, finish_time, created_at, updated_at, deleted_at
    }: from conductor, to conductor;

    Priority [Info, Error]: to notifier;
    Notification { message_id, publisher_id, event_type, payload, timestamp, versioned; priority }: to notifier;
}

impl From<conductor::HostError> for HostError {
    fn from(error: conductor::HostError) -> Self {
        Self::new(error.code, error.message).with_arguments(error.arguments)
    }
}

impl FromWit<conductor::HostError> for HostError {
    fn from_wit(error: conductor::HostError) -> Result<Self, Error> {
        Ok(error.into())
    }
}

impl ToWit<conductor::HostError> for HostError {
    fn to_wit(self) -> conductor::HostError {
        let Self { code, message, arguments, .. } = self;
        conductor::HostError { code, message, arguments }
    }
}

/// Converts the result of an import.
fn returned<W, T: FromWit<W>>(result: Result<W, conductor::HostError>) -> Result<T, HostError> {
    Ok(read(result?)?)
}

// Written out, because `records!` checks each failed instance for an error that cannot occur, and that code is large.
impl FromWit<conductor::AuditCheckpoint> for AuditCheckpoint {
    fn from_wit(checkpoint: conductor::AuditCheckpoint) -> Result<Self, Error> {
        let conductor::AuditCheckpoint {
            marker,
            complete,
            retrying,
            num_instances,
            instances,
            notifications,
            failures,
            seconds,
            settings,
            notifier_position,
        } = checkpoint;
        let failed = |conductor::FailedInstance { instance_uuid, instance_id, sent, error }| FailedInstance {
            instance_uuid,
            instance_id,
            sent,
            error: error.into(),
        };
        let failures = failures.into_iter().map(failed).collect();
        Ok(Self {
            marker,
            complete,
            retrying,
            num_instances,
            instances,
            notifications,
            failures,
            seconds,
            settings,
            notifier_position,
        })
    }
}

/// Runs a future to its end. The imports are plain calls, so the first poll completes every future that awaits them.
pub(super) fn run<W, T: ToWit<W>>(future: impl Future<Output = Result<T, Error>>) -> Result<W, types::Error> {
    match pin!(future).poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.to_wit(),
        Poll::Pending => Err(Error::new("RuntimeError", "a callback of the host did not finish").into()),
    }
}

/// The imported interfaces.
pub(super) struct Imports;

/// Implements [`Conductor`] by the imports with the same names: the parameters after the context, then the arguments of
/// the import after the context.
macro_rules! conductor {
    ($(fn $function:ident($($parameter:ident: $type:ty),*) -> $result:ty = $($argument:expr),*;)*) => {
        impl Conductor for Imports {$(
            async fn $function(&self, context: &Context, $($parameter: $type),*) -> Result<$result, HostError> {
                returned(conductor::$function(&context.to_wit(), $($argument),*))
            }
        )*}
    };
}

conductor! {
    fn task_log_get(key: TaskLogKey<'_>) -> Option<TaskLog> = &key.to_wit();

    fn task_log_begin_task(key: TaskLogKey<'_>, task_items: i64, message: &str)
        -> () = &key.to_wit(), task_items, message;

    fn task_log_end_task(key: TaskLogKey<'_>, errors: i64, message: Option<&str>)
        -> () = &key.to_wit(), errors, message;

    fn audit_checkpoint_get(key: TaskLogKey<'_>) -> Option<AuditCheckpoint> = &key.to_wit();

    fn audit_checkpoint_put(key: TaskLogKey<'_>, checkpoint: &AuditCheckpoint)
        -> bool = &key.to_wit(), &checkpoint.to_wit();

    fn instance_get_active_by_window(query: WindowQuery<'_>, marker: Option<&str>, limit: u32)
        -> InstancePage = &query.to_wit(), marker, limit;

    fn instance_count_active_by_window(query: WindowQuery<'_>) -> u64 = &query.to_wit();

    fn bw_usage_get_by_uuids(uuids: &[String], start_period: NaiveDateTime)
        -> Vec<BwUsage> = uuids, &start_period.to_wit();

    fn instance_get_nw_info(instance: &str) -> String = instance;
    fn instance_fault_create(values: &InstanceFaultValues) -> () = &values.to_wit();
    fn action_start(values: &ActionStartValues) -> Option<InstanceAction> = &values.to_wit();
    fn action_finish(values: &ActionFinishValues) -> Option<InstanceAction> = &values.to_wit();
    fn action_event_start(values: &ActionEventStartValues) -> Option<InstanceActionEvent> = &values.to_wit();
    fn action_event_finish(values: &ActionEventFinishValues) -> Option<InstanceActionEvent> = &values.to_wit();
}

impl Notifier for Imports {
    async fn notify(
        &self,
        context: &Context,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Result<(), HostError>>, HostError> {
        let answers = notifier::notify(&context.to_wit(), &notifications.to_wit())?;
        Ok(answers.into_iter().map(|error| error.map_or(Ok(()), |error| Err(error.into()))).collect())
    }

    async fn position(&self, context: &Context) -> Result<Option<String>, HostError> {
        Ok(notifier::position(&context.to_wit())?)
    }

    async fn resume_at(&self, context: &Context, position: Option<&str>) -> Result<(), HostError> {
        Ok(notifier::resume_at(&context.to_wit(), position)?)
    }
}

impl Clock for Imports {
    fn utcnow(&self) -> NaiveDateTime {
        let now = wall_clock::now();
        let seconds = i64::try_from(now.seconds).unwrap_or(i64::MAX);
        // A clock past the end of the calendar reads as its end; the arithmetic that follows fails on it.
        let time = DateTime::from_timestamp(seconds, now.nanoseconds).map_or(NaiveDateTime::MAX, |now| now.naive_utc());
        time.trunc_subsecs(6)
    }

    /// Keeps the nanoseconds of the clock, which Python's `time.time` keeps too.
    #[allow(clippy::cast_precision_loss, reason = "Python's clock has the same precision")]
    fn time(&self) -> f64 {
        let now = wall_clock::now();
        now.seconds as f64 + f64::from(now.nanoseconds) / 1e9
    }
}

impl Random for Imports {
    fn random_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for (byte, random) in bytes.iter_mut().zip(random::get_random_bytes(16)) {
            *byte = random;
        }
        bytes
    }
}
