//! Rows of Nova's tables, and the values that the library writes into them.

use alloc::string::String;
use alloc::vec::Vec;

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::HostError;

/// The progress of an audit that the conductor keeps, so that a later run can resume the audit. Nova has no such record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AuditCheckpoint {
    /// The marker of the next page; `None` for the first page.
    pub marker: Option<String>,
    /// Whether every page is audited, so that only the task log row is unfinished.
    pub complete: bool,
    /// Whether the pages are those of a retry of the failed instances, whose audit is finished.
    pub retrying: bool,
    /// How many instances the audit has.
    pub num_instances: u64,
    /// How many instances were audited so far, failed ones included.
    pub instances: u64,
    /// How many notifications were sent so far.
    pub notifications: u64,
    /// The instances that failed so far.
    pub failures: Vec<FailedInstance>,
    /// How many seconds the runs of the audit took so far.
    pub seconds: f64,
    /// The settings of the audit. A run with other settings cannot resume it.
    pub settings: String,
    /// The position that the notifier returned for the end of the last page.
    pub notifier_position: Option<String>,
}

/// An instance that an audit could not process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedInstance {
    /// Its UUID; `None` when the UUID could not be read either.
    pub instance_uuid: Option<String>,
    /// The number of its row, if the host has given it.
    pub instance_id: Option<i64>,
    /// The event types of its notifications that were sent.
    pub sent: Vec<String>,
    /// Why it could not be processed.
    pub error: HostError,
}

/// An instance that the host cannot put into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableInstance {
    /// Its UUID, if the host can read it.
    pub instance_uuid: Option<String>,
    /// The number of its row, if the host knows it.
    pub instance_id: Option<i64>,
    /// What the host cannot read.
    pub error: HostError,
}

/// A row of the table `task_log`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskLog {
    /// `instance_usage_audit` for audits.
    pub task_name: String,
    /// `RUNNING` or `DONE`.
    pub state: String,
    /// The compute host.
    pub host: String,
    /// The begin of the window.
    #[serde(with = "crate::time::iso")]
    pub period_beginning: NaiveDateTime,
    /// The end of the window.
    #[serde(with = "crate::time::iso")]
    pub period_ending: NaiveDateTime,
    /// The last message of the task.
    pub message: String,
    /// How many items the task has to process.
    pub task_items: i64,
    /// How many of them failed.
    pub errors: i64,
}

/// A row of the table `instance_actions`: an operation that a user requested.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceAction {
    /// The number of the row.
    pub id: i64,
    /// The requested operation, such as `reboot`.
    pub action: Option<String>,
    /// The instance.
    pub instance_uuid: Option<String>,
    /// The request.
    pub request_id: Option<String>,
    /// The user who sent the request.
    pub user_id: Option<String>,
    /// The project of that user.
    pub project_id: Option<String>,
    /// When the request began.
    #[serde(default, with = "crate::time::iso::optional")]
    pub start_time: Option<NaiveDateTime>,
    /// When the action finished.
    #[serde(default, with = "crate::time::iso::optional")]
    pub finish_time: Option<NaiveDateTime>,
    /// `Error` when an event failed.
    pub message: Option<String>,
    /// When the row was inserted.
    #[serde(default, with = "crate::time::iso::optional")]
    pub created_at: Option<NaiveDateTime>,
    /// When the row last changed.
    #[serde(default, with = "crate::time::iso::optional")]
    pub updated_at: Option<NaiveDateTime>,
    /// When the row was marked as deleted.
    #[serde(default, with = "crate::time::iso::optional")]
    pub deleted_at: Option<NaiveDateTime>,
    /// Whether the row is marked as deleted.
    #[serde(default)]
    pub deleted: bool,
}

/// A row of the table `instance_actions_events`: a step of an action.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceActionEvent {
    /// The number of the row.
    pub id: i64,
    /// The step, such as `compute_reboot_instance`.
    pub event: Option<String>,
    /// The id of its action.
    pub action_id: Option<i64>,
    /// When the step began.
    #[serde(default, with = "crate::time::iso::optional")]
    pub start_time: Option<NaiveDateTime>,
    /// When the step finished.
    #[serde(default, with = "crate::time::iso::optional")]
    pub finish_time: Option<NaiveDateTime>,
    /// `Success` or `Error`; `None` until the step finishes.
    pub result: Option<String>,
    /// The formatted stack frames of the failure.
    pub traceback: Option<String>,
    /// The host that ran the step. `hibiscus` only.
    pub host: Option<String>,
    /// The part of the failure that tenants may see. `hibiscus` only.
    pub details: Option<String>,
    /// When the row was inserted.
    #[serde(default, with = "crate::time::iso::optional")]
    pub created_at: Option<NaiveDateTime>,
    /// When the row last changed.
    #[serde(default, with = "crate::time::iso::optional")]
    pub updated_at: Option<NaiveDateTime>,
    /// When the row was marked as deleted.
    #[serde(default, with = "crate::time::iso::optional")]
    pub deleted_at: Option<NaiveDateTime>,
    /// Whether the row is marked as deleted.
    #[serde(default)]
    pub deleted: bool,
}

/// The values of a row of the table `bw_usage_cache`: the traffic of a vif in a period, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BwUsageCache {
    /// The instance.
    pub uuid: String,
    /// The MAC address of the vif.
    pub mac: String,
    /// When the period began.
    #[serde(with = "crate::time::iso")]
    pub start_period: NaiveDateTime,
    /// When the counters were last read.
    #[serde(with = "crate::time::iso")]
    pub last_refreshed: NaiveDateTime,
    /// Bytes received in the period.
    pub bw_in: i64,
    /// Bytes sent in the period.
    pub bw_out: i64,
    /// The last reading of the hypervisor's counter of received bytes.
    pub last_ctr_in: Option<i64>,
    /// The last reading of the hypervisor's counter of sent bytes.
    pub last_ctr_out: Option<i64>,
}

/// The columns of `bw_usage_cache` that an audit reads: the traffic of a vif in a period, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BwUsage {
    /// The instance.
    pub uuid: String,
    /// The MAC address of the vif.
    pub mac: Option<String>,
    /// When the period began.
    #[serde(with = "crate::time::iso")]
    pub start_period: NaiveDateTime,
    /// Bytes received in the period.
    pub bw_in: Option<i64>,
    /// Bytes sent in the period.
    pub bw_out: Option<i64>,
}

impl From<BwUsageCache> for BwUsage {
    fn from(row: BwUsageCache) -> Self {
        Self {
            uuid: row.uuid,
            mac: Some(row.mac),
            start_period: row.start_period,
            bw_in: Some(row.bw_in),
            bw_out: Some(row.bw_out),
        }
    }
}

/// The values of a row of the table `volume_usage_cache`: the current counters of a volume, and the totals of earlier
/// ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VolumeUsageCache {
    /// The volume.
    pub volume_id: String,
    /// The instance that it is attached to.
    pub instance_uuid: Option<String>,
    /// The project of that instance.
    pub project_id: Option<String>,
    /// The user of that instance.
    pub user_id: Option<String>,
    /// The availability zone of the volume.
    pub availability_zone: Option<String>,
    /// When the totals last grew.
    #[serde(with = "crate::time::iso::optional")]
    pub tot_last_refreshed: Option<NaiveDateTime>,
    /// Total read requests.
    pub tot_reads: i64,
    /// Total bytes read.
    pub tot_read_bytes: i64,
    /// Total write requests.
    pub tot_writes: i64,
    /// Total bytes written.
    pub tot_write_bytes: i64,
    /// When the counters were last read.
    #[serde(with = "crate::time::iso::optional")]
    pub curr_last_refreshed: Option<NaiveDateTime>,
    /// Read requests since the totals grew.
    pub curr_reads: i64,
    /// Bytes read since the totals grew.
    pub curr_read_bytes: i64,
    /// Write requests since the totals grew.
    pub curr_writes: i64,
    /// Bytes written since the totals grew.
    pub curr_write_bytes: i64,
}

/// The values of a row of the table `instance_faults`: why an operation on an instance failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceFault {
    /// The instance.
    pub instance_uuid: String,
    /// An HTTP-like status code.
    pub code: i64,
    /// The message for tenants.
    pub message: Option<String>,
    /// The details for administrators.
    pub details: Option<String>,
    /// The compute host.
    pub host: Option<String>,
}

/// The values of a new row of the table `instance_faults`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceFaultValues {
    /// The instance.
    pub instance_uuid: String,
    /// The code as JSON: an integer; in `grizzly` any value that the exception carries, such as a string or null.
    pub code: String,
    /// The message for tenants.
    pub message: String,
    /// The details for administrators.
    pub details: String,
    /// The compute host.
    pub host: String,
}

/// The values of a new row of the table `instance_actions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionStartValues {
    /// The requested operation, such as `reboot`.
    pub action: Option<String>,
    /// The instance.
    pub instance_uuid: String,
    /// The request.
    pub request_id: Option<String>,
    /// The user who sent the request.
    pub user_id: Option<String>,
    /// The project of that user.
    pub project_id: Option<String>,
    /// When the request began.
    #[serde(default, with = "crate::time::iso::optional")]
    pub start_time: Option<NaiveDateTime>,
    /// The same time. `hibiscus` only.
    #[serde(default, with = "crate::time::iso::optional")]
    pub updated_at: Option<NaiveDateTime>,
}

/// The values that finish a row of the table `instance_actions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionFinishValues {
    /// The instance.
    pub instance_uuid: String,
    /// The request.
    pub request_id: Option<String>,
    /// The current time.
    #[serde(with = "crate::time::iso")]
    pub finish_time: NaiveDateTime,
    /// The same time. `hibiscus` only.
    #[serde(default, with = "crate::time::iso::optional")]
    pub updated_at: Option<NaiveDateTime>,
}

/// The values of a new row of the table `instance_actions_events`, and the instance and request of its action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionEventStartValues {
    /// The step, such as `compute_reboot_instance`.
    pub event: String,
    /// The instance.
    pub instance_uuid: String,
    /// The request.
    pub request_id: Option<String>,
    /// The current time.
    #[serde(with = "crate::time::iso")]
    pub start_time: NaiveDateTime,
    /// The host that runs the step. `hibiscus` only.
    pub host: Option<String>,
}

/// The values that finish a row of the table `instance_actions_events`. A field that is `None` leaves its column
/// unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionEventFinishValues {
    /// The step.
    pub event: String,
    /// The instance.
    pub instance_uuid: String,
    /// The request.
    pub request_id: Option<String>,
    /// The current time.
    #[serde(with = "crate::time::iso")]
    pub finish_time: NaiveDateTime,
    /// `Success` or `Error`.
    pub result: String,
    /// The text of the failure; no column holds it. `grizzly` only.
    pub message: Option<String>,
    /// The part of the failure that tenants may see, at most 255 bytes. `hibiscus` only.
    pub details: Option<String>,
    /// The formatted stack frames of the failure.
    pub traceback: Option<String>,
}
