//! The host's persistence.

use alloc::string::String;
use alloc::vec::Vec;

use chrono::NaiveDateTime;

use super::{
    ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, AuditCheckpoint, BwUsage,
    HostError, InstanceAction, InstanceActionEvent, InstanceFaultValues, TaskLog, UnreadableInstance,
};
use crate::context::Context;

/// The columns that identify a row of the table `task_log`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskLogKey<'a> {
    /// `instance_usage_audit` for audits.
    pub task_name: &'a str,
    /// The begin of the window.
    pub period_beginning: NaiveDateTime,
    /// The end of the window.
    pub period_ending: NaiveDateTime,
    /// The compute host.
    pub host: &'a str,
}

/// Which instances to list: those that match every field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WindowQuery<'a> {
    /// Selects instances whose `terminated_at` is null or later than this.
    pub begin: NaiveDateTime,
    /// Selects instances whose `launched_at` is earlier than this. `None` also includes instances that were never
    /// launched.
    pub end: Option<NaiveDateTime>,
    /// Selects the instances of this project; `None` selects all projects.
    pub project_id: Option<&'a str>,
    /// Selects the instances of this compute host; `None` selects all hosts.
    pub host: Option<&'a str>,
}

/// One page of the instances that a [`WindowQuery`] selects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstancePage {
    /// One JSON document per instance, as [`Instance`](crate::instance::Instance) reads it.
    pub instances: Vec<String>,
    /// The instances that the host cannot put into a document. They belong to the page, and each counts as one failure.
    pub unreadable: Vec<UnreadableInstance>,
    /// The marker of the next page; `None` on the last page.
    pub next_marker: Option<String>,
}

/// The host's persistence: the calls that Nova makes to its conductor and database layer.
///
/// The last four methods return the row that they wrote, or `None` when the host does not provide it. The library
/// passes that row on to its own caller and does not read it.
#[allow(async_fn_in_trait, reason = "the library awaits a callback where it calls it and needs no bound on the future")]
pub trait Conductor {
    /// Returns the first row with this key, in any state. Nova: `task_log_get`.
    async fn task_log_get(&self, context: &Context, key: TaskLogKey<'_>) -> Result<Option<TaskLog>, HostError>;

    /// Inserts a row in state `RUNNING` without errors. Fails with `TaskAlreadyRunning` when a row with this key exists
    /// in any state. Nova: `task_log_begin_task`.
    async fn task_log_begin_task(
        &self,
        context: &Context,
        key: TaskLogKey<'_>,
        task_items: i64,
        message: &str,
    ) -> Result<(), HostError>;

    /// Sets the row to state `DONE` with this number of errors and, unless it is `None` or empty, this message. Fails
    /// with `TaskNotRunning` when no row has this key. The library never reads the checkpoint of a task without errors
    /// again, so the host may delete it. Nova: `task_log_end_task`.
    async fn task_log_end_task(
        &self,
        context: &Context,
        key: TaskLogKey<'_>,
        errors: i64,
        message: Option<&str>,
    ) -> Result<(), HostError>;

    /// Returns the checkpoint that [`audit_checkpoint_put`](Self::audit_checkpoint_put) stored last under this key. The
    /// library calls it only to resume an audit, to give it up or to retry its failed instances. A host that keeps no
    /// checkpoints returns `None`.
    async fn audit_checkpoint_get(
        &self,
        _context: &Context,
        _key: TaskLogKey<'_>,
    ) -> Result<Option<AuditCheckpoint>, HostError> {
        Ok(None)
    }

    /// Stores a checkpoint in place of the previous one under this key, outside Nova's tables, and returns whether the
    /// host keeps checkpoints. It must be durable when the callback returns. The library calls it before the audit
    /// starts and after each page whose notifications were sent.
    async fn audit_checkpoint_put(
        &self,
        _context: &Context,
        _key: TaskLogKey<'_>,
        _checkpoint: &AuditCheckpoint,
    ) -> Result<bool, HostError> {
        Ok(false)
    }

    /// Returns at most `limit` of the instances that the query selects, soft-deleted ones included, ordered by
    /// `project_id` and then `uuid`; `marker` is the `next_marker` of the previous page; `None` requests the first
    /// page. Nova: `instance_get_active_by_window_joined`.
    async fn instance_get_active_by_window(
        &self,
        context: &Context,
        query: WindowQuery<'_>,
        marker: Option<&str>,
        limit: u32,
    ) -> Result<InstancePage, HostError>;

    /// Returns how many instances the query selects. The library calls it only when the first page is not the last.
    async fn instance_count_active_by_window(
        &self,
        context: &Context,
        query: WindowQuery<'_>,
    ) -> Result<u64, HostError>;

    /// Returns the traffic of the vifs of some instances in the periods that began at `start_period`. `grizzly` only;
    /// Nova passes an admin context. Nova: `bw_usage_get_by_uuids`.
    async fn bw_usage_get_by_uuids(
        &self,
        context: &Context,
        uuids: &[String],
        start_period: NaiveDateTime,
    ) -> Result<Vec<BwUsage>, HostError>;

    /// Returns the network info of an instance, given as its document: a JSON list of vifs as
    /// [`NetworkInfo`](crate::network::NetworkInfo) reads it. `grizzly` only, and only when the instance's cache has
    /// none; Nova passes an admin context. Nova: `get_instance_nw_info` of the network API.
    async fn instance_get_nw_info(&self, context: &Context, instance: &str) -> Result<String, HostError>;

    /// Inserts a fault of an instance. Nova: `instance_fault_create`.
    async fn instance_fault_create(&self, context: &Context, values: &InstanceFaultValues) -> Result<(), HostError>;

    /// Inserts an action. Nova: `action_start`.
    async fn action_start(
        &self,
        context: &Context,
        values: &ActionStartValues,
    ) -> Result<Option<InstanceAction>, HostError>;

    /// Finishes the action of this instance and request: the first one in `grizzly`, the only one in `hibiscus`. Fails
    /// with `InstanceActionNotFound` when it finds none, in `hibiscus` also when it finds several. Nova:
    /// `action_finish`.
    async fn action_finish(
        &self,
        context: &Context,
        values: &ActionFinishValues,
    ) -> Result<Option<InstanceAction>, HostError>;

    /// Inserts an event under the action of this instance and request: the first one in `grizzly`, the newest one in
    /// `hibiscus`, which falls back to the instance's newest action when the context has no project. Fails with
    /// `InstanceActionNotFound` when no action matches. Nova: `action_event_start`.
    async fn action_event_start(
        &self,
        context: &Context,
        values: &ActionEventStartValues,
    ) -> Result<Option<InstanceActionEvent>, HostError>;

    /// Finishes the first event of this name under the action that `action_event_start` selects. Fails with
    /// `InstanceActionNotFound` or `InstanceActionEventNotFound`. Sets the action's message to `Error` when the result
    /// is `Error` in any letter case. Nova: `action_event_finish`.
    async fn action_event_finish(
        &self,
        context: &Context,
        values: &ActionEventFinishValues,
    ) -> Result<Option<InstanceActionEvent>, HostError>;
}
