//! Rows of Nova's tables, and what is written into them.

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

/// A row of the table `instance_actions`: something that a user asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceAction {
    /// The number of the row.
    pub id: i64,
    /// What was asked for, such as `reboot`.
    pub action: Option<String>,
    /// The instance.
    pub instance_uuid: Option<String>,
    /// The request that asked.
    pub request_id: Option<String>,
    /// The user who asked.
    pub user_id: Option<String>,
    /// The project of that user.
    pub project_id: Option<String>,
    /// When the request began.
    #[serde(default, with = "crate::time::iso::optional")]
    pub start_time: Option<NaiveDateTime>,
    /// When the action ended.
    #[serde(default, with = "crate::time::iso::optional")]
    pub finish_time: Option<NaiveDateTime>,
    /// `Error` where an event failed.
    pub message: Option<String>,
    /// When the row was inserted.
    #[serde(default, with = "crate::time::iso::optional")]
    pub created_at: Option<NaiveDateTime>,
    /// When it last changed.
    #[serde(default, with = "crate::time::iso::optional")]
    pub updated_at: Option<NaiveDateTime>,
    /// When it was marked as deleted.
    #[serde(default, with = "crate::time::iso::optional")]
    pub deleted_at: Option<NaiveDateTime>,
    /// Is it marked as deleted?
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
    /// The action that it belongs to.
    pub action_id: Option<i64>,
    /// When it began.
    #[serde(default, with = "crate::time::iso::optional")]
    pub start_time: Option<NaiveDateTime>,
    /// When it ended.
    #[serde(default, with = "crate::time::iso::optional")]
    pub finish_time: Option<NaiveDateTime>,
    /// `Success` or `Error`; nothing while it lasts.
    pub result: Option<String>,
    /// The printed frames of the failure.
    pub traceback: Option<String>,
    /// Where it happened. Hibiscus only.
    pub host: Option<String>,
    /// What may be shown of the failure. Hibiscus only.
    pub details: Option<String>,
    /// When the row was inserted.
    #[serde(default, with = "crate::time::iso::optional")]
    pub created_at: Option<NaiveDateTime>,
    /// When it last changed.
    #[serde(default, with = "crate::time::iso::optional")]
    pub updated_at: Option<NaiveDateTime>,
    /// When it was marked as deleted.
    #[serde(default, with = "crate::time::iso::optional")]
    pub deleted_at: Option<NaiveDateTime>,
    /// Is it marked as deleted?
    #[serde(default)]
    pub deleted: bool,
}

/// What a row of the table `bw_usage_cache` holds: the traffic of an interface in a period, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BwUsageCache {
    /// The instance.
    pub uuid: String,
    /// The interface.
    pub mac: String,
    /// When the period began.
    #[serde(with = "crate::time::iso")]
    pub start_period: NaiveDateTime,
    /// When the counters were read.
    #[serde(with = "crate::time::iso")]
    pub last_refreshed: NaiveDateTime,
    /// Received in the period.
    pub bw_in: i64,
    /// Sent in the period.
    pub bw_out: i64,
    /// What the interface's own counter read.
    pub last_ctr_in: Option<i64>,
    /// Likewise, sent.
    pub last_ctr_out: Option<i64>,
}

/// What an audit reads of a row of `bw_usage_cache`: the traffic of an interface in a period, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BwUsage {
    /// The instance.
    pub uuid: String,
    /// The interface.
    pub mac: Option<String>,
    /// When the period began.
    #[serde(with = "crate::time::iso")]
    pub start_period: NaiveDateTime,
    /// Received in the period.
    pub bw_in: Option<i64>,
    /// Sent in the period.
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

/// What a row of the table `volume_usage_cache` holds: the counters of a volume, as of now and summed up before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VolumeUsageCache {
    /// The volume.
    pub volume_id: String,
    /// The instance that it is attached to.
    pub instance_uuid: Option<String>,
    /// The project of that instance.
    pub project_id: Option<String>,
    /// The user of that instance.
    pub user_id: Option<String>,
    /// Where it is.
    pub availability_zone: Option<String>,
    /// When the sums grew.
    #[serde(with = "crate::time::iso::optional")]
    pub tot_last_refreshed: Option<NaiveDateTime>,
    /// Sum of the requests to read.
    pub tot_reads: i64,
    /// Sum of the bytes read.
    pub tot_read_bytes: i64,
    /// Sum of the requests to write.
    pub tot_writes: i64,
    /// Sum of the bytes written.
    pub tot_write_bytes: i64,
    /// When the counters were read.
    #[serde(with = "crate::time::iso::optional")]
    pub curr_last_refreshed: Option<NaiveDateTime>,
    /// Requests to read since the sum.
    pub curr_reads: i64,
    /// Bytes read since the sum.
    pub curr_read_bytes: i64,
    /// Requests to write since the sum.
    pub curr_writes: i64,
    /// Bytes written since the sum.
    pub curr_write_bytes: i64,
}

/// What a row of the table `instance_faults` holds: why something failed on an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceFault {
    /// The instance.
    pub instance_uuid: String,
    /// Like the codes of HTTP.
    pub code: i64,
    /// What tenants are shown.
    pub message: Option<String>,
    /// What administrators are shown.
    pub details: Option<String>,
    /// Where it happened.
    pub host: Option<String>,
}

/// What a new row of `instance_actions` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionStartValues {
    /// What was asked for, such as `reboot`.
    pub action: Option<String>,
    /// The instance.
    pub instance_uuid: String,
    /// The request that asks.
    pub request_id: Option<String>,
    /// The user who asks.
    pub user_id: Option<String>,
    /// The project of that user.
    pub project_id: Option<String>,
    /// When the request began.
    #[serde(default, with = "crate::time::iso::optional")]
    pub start_time: Option<NaiveDateTime>,
    /// The same moment. Hibiscus only.
    #[serde(default, with = "crate::time::iso::optional")]
    pub updated_at: Option<NaiveDateTime>,
}

/// What closes a row of `instance_actions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionFinishValues {
    /// The instance.
    pub instance_uuid: String,
    /// The request that asked.
    pub request_id: Option<String>,
    /// Now.
    #[serde(with = "crate::time::iso")]
    pub finish_time: NaiveDateTime,
    /// The same moment. Hibiscus only.
    #[serde(default, with = "crate::time::iso::optional")]
    pub updated_at: Option<NaiveDateTime>,
}

/// What a new row of `instance_actions_events` holds, and which action it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionEventStartValues {
    /// The step, such as `compute_reboot_instance`.
    pub event: String,
    /// The instance.
    pub instance_uuid: String,
    /// The request of the action.
    pub request_id: Option<String>,
    /// Now.
    #[serde(with = "crate::time::iso")]
    pub start_time: NaiveDateTime,
    /// Where it happens. Hibiscus only.
    pub host: Option<String>,
}

/// What closes a row of `instance_actions_events`. Fields that are absent are left as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionEventFinishValues {
    /// The step.
    pub event: String,
    /// The instance.
    pub instance_uuid: String,
    /// The request of the action.
    pub request_id: Option<String>,
    /// Now.
    #[serde(with = "crate::time::iso")]
    pub finish_time: NaiveDateTime,
    /// `Success` or `Error`.
    pub result: String,
    /// The failure as text. Grizzly only; no column holds it.
    pub message: Option<String>,
    /// What may be shown of the failure, at most 255 bytes. Hibiscus only.
    pub details: Option<String>,
    /// The printed frames.
    pub traceback: Option<String>,
}
