//! The functions and the types of their arguments.

use std::fmt;
use std::str::FromStr;

use anyhow::Result;
use nova_compute_utils::audit::TaskLogRow;
use nova_compute_utils::reconcile::ReconcileOptions;
use nova_compute_utils::tenant_usage::UsageKey;
use nova_compute_utils::{NotificationFormat, Release, device, fault, period, time};
use serde::de::{Deserializer, Error as _, Unexpected};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::arguments::{self, Arguments};

/// A document as JSON text, which keeps every digit.
pub(crate) type Document = Box<RawValue>;

/// A call of a function: the list of all functions and their arguments.
#[rustfmt::skip]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Function {
    MatchDevice { device: String },
    StripDev { device_name: String },
    StripPrefix { release: Parsed<Release>, device_name: String },
    PrependDev { device_name: String },
    GetDeviceLetter { release: Parsed<Release>, device_name: String },
    GenerateDeviceLetter { index: i64 },
    GenerateDeviceName { prefix: String, index: i64 },
    GetUnusedLetter { release: Parsed<Release>, used_letters: Vec<String> },
    ValidateDeviceName { value: String },
    InstanceBlockMapping {
        release: Parsed<Release>, compute_driver: Option<String>, instance: Document, bdms: Vec<BlockDevice>,
    },
    GetDeviceNameForInstance(DeviceOfInstance),
    ExplainDeviceNameForInstance(DeviceOfInstance),
    GetNextDeviceName(NextDevice),
    ExplainNextDeviceName(NextDevice),
    DefaultDeviceNamesForInstance {
        release: Parsed<Release>, max_disk_devices_to_attach: i64, root_device_name: Option<String>,
        block_device_lists: Vec<Vec<Option<String>>>,
    },
    LastCompletedAuditPeriod {
        release: Parsed<Release>, instance_usage_audit_period: String, unit: Option<String>, before: Time,
    },
    AuditPeriodBounds {
        release: Parsed<Release>, instance_usage_audit_period: String, current_period: bool, now: Time,
    },
    Hydrate { release: Parsed<Release>, network_info: String },
    GetNwInfoForInstance { instance: Document },
    GetNetworkInfo { instance: Document },
    ReadNotification { notification: Document },
    InfoFromInstance {
        release: Parsed<Release>, instance: Document, network_info: Option<Document>,
        system_metadata: Option<Document>, populate_image_ref_url: Option<bool>, glance_endpoint: Option<String>,
        times_are_text: bool, extra: Option<Document>,
    },
    ImageMeta { system_metadata: Document },
    InstanceExistsPayload {
        context: Context, instance: Document, window: Window, bdms_in_notifications: bool,
        include_share_mapping: bool,
    },
    NotifyAboutInstanceUsage {
        config: Config, context: Context, instance: Document, event_suffix: String, host: Option<String>,
        network_info: Option<Document>, system_metadata: Option<Document>, extra_usage_info: Option<Document>,
        fault: Option<Exception>, best_effort: Option<bool>, times_are_text: bool,
    },
    BandwidthUsage {
        #[serde(rename = "config")] _config: Config, context: Context, instance: Document, audit_start: Time,
        ignore_missing_network_data: bool,
    },
    NotifyUsageExists {
        config: Config, context: Context, instance: Document, host: String, current_period: bool,
        ignore_missing_network_data: bool, system_metadata: Option<Document>, extra_usage_info: Option<Document>,
        times_are_text: bool,
    },
    HasAuditBeenRun { config: Config, context: Context, host: String, timestamp: Option<Time> },
    StartInstanceUsageAudit {
        #[serde(rename = "config")] _config: Config, context: Context, window: Window, host: String,
        num_instances: i64,
    },
    FinishInstanceUsageAudit {
        #[serde(rename = "config")] _config: Config, context: Context, window: Window, host: String, errors: i64,
        message: Option<String>,
    },
    InstanceUsageAudit {
        config: Config, context: Context, #[serde(default)] resume: bool, #[serde(default)] give_up: bool,
        #[serde(default)] retry_failed: bool, #[serde(default)] message_ids: MessageIds,
    },
    DeterministicMessageId {
        release: Parsed<Release>, event_type: String, host: String, window: Window, instance_uuid: String,
    },
    GetAuditTaskLogs {
        release: Parsed<Release>, instance_usage_audit_period: String, before: Time, hosts: Vec<String>,
        task_logs: Vec<TaskLog>,
    },
    GetAuditCoverage {
        release: Parsed<Release>, instance_usage_audit_period: String, clamp: bool, begin: Time, end: Time, now: Time,
        hosts: Vec<String>, task_logs: Vec<TaskLog>,
    },
    ExistsNdjson {
        release: Parsed<Release>, host: String, host_from_instance: bool, windows: Vec<Window>, timestamp: Time,
        notification_format: Parsed<NotificationFormat>, bdms_in_notifications: bool, include_share_mapping: bool,
        context: Context, first_line: u64, text: String,
    },
    HoursFor { launched_at: Option<Time>, terminated_at: Option<Time>, window: Window },
    TenantUsagesForPeriod { instances: Vec<Document>, window: Window, now: Time, detailed: bool },
    UsagesBy { instances: Vec<Document>, window: Window, key: Parsed<UsageKey> },
    HoursNdjson { windows: Vec<Window>, first_line: u64, text: String },
    VerifyUsage { notifications: Vec<Document>, fields: Option<Vec<String>> },
    VerifyNdjson { fields: Option<Vec<String>>, first_line: u64, text: String },
    ReconcileInstance(Reconcile),
    ReconcileNdjson(Reconcile),
    ReconcileTotals { text: String },
    UsageVolumeInfo { release: Parsed<Release>, vol_usage: Document, times_are_text: bool },
    NotifyAboutVolumeUsage { config: Config, context: Context, vol_usage: Document, host: String },
    ExceptionToDict { fault: Exception, message: Option<String> },
    SafeTruncate { value: String, length: i64 },
    AddInstanceFaultFromExc {
        config: Config, context: Context, instance_uuid: String, fault: Exception, fault_message: Option<String>,
    },
    PackActionStart {
        release: Parsed<Release>, context: Context, instance_uuid: String, action_name: Option<String>,
    },
    PackActionFinish { release: Parsed<Release>, context: Context, instance_uuid: String, now: Time },
    PackActionEventStart {
        release: Parsed<Release>, context: Context, instance_uuid: String, event_name: String, host: Option<String>,
        now: Time,
    },
    PackActionEventFinish {
        release: Parsed<Release>, context: Context, instance_uuid: String, event_name: String,
        exc_val: Option<ExcVal>, exc_tb: Option<String>, now: Time,
    },
    ActionStart { config: Config, context: Context, instance_uuid: String, action_name: Option<String> },
    ActionFinish { config: Config, context: Context, instance_uuid: String },
    EventStart {
        config: Config, context: Context, instance_uuid: String, event_name: String, host: Option<String>,
    },
    EventFinish { config: Config, context: Context, instance_uuid: String, event_name: String },
    EventFinishWithFailure {
        config: Config, context: Context, instance_uuid: String, event_name: String, exc_val: Option<ExcVal>,
        exc_tb: Option<String>,
    },
    /// `body` is the failure of the reported work; `None` when it succeeds.
    ReportEvent {
        config: Config, context: Context, event_name: String, host: Option<String>, instance_uuids: Vec<String>,
        graceful_exit: Option<bool>, body: Option<Exception>,
    },
}

/// How an audit makes message ids.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MessageIds {
    #[default]
    Random,
    Deterministic,
}

/// The arguments of `get_device_name_for_instance` and of its explanation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceOfInstance {
    pub release: Parsed<Release>,
    pub max_disk_devices_to_attach: i64,
    pub compute_driver: Option<String>,
    pub instance: Document,
    pub bdms: Vec<BlockDevice>,
    pub device: Option<String>,
}

/// The arguments of `reconcile_instance`, or of `reconcile_ndjson` with its text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reconcile {
    pub release: Parsed<Release>,
    pub window: Window,
    pub notification_format: Parsed<NotificationFormat>,
    pub bdms_in_notifications: bool,
    pub include_share_mapping: bool,
    pub host: Option<String>,
    pub context: Context,
    pub fields: Option<Vec<String>>,
    pub instance: Option<Document>,
    #[serde(default)]
    pub notifications: Vec<Document>,
    #[serde(default)]
    pub first_line: u64,
    #[serde(default)]
    pub text: String,
}

impl Reconcile {
    pub(crate) fn native(&self) -> ReconcileOptions {
        ReconcileOptions {
            notification_format: self.notification_format.0,
            bdms_in_notifications: self.bdms_in_notifications,
            include_share_mapping: self.include_share_mapping,
            host: self.host.clone(),
            context: self.context.clone().native(),
            fields: self.fields.clone(),
            ..ReconcileOptions::new(self.release.0, self.window.native())
        }
    }
}

/// The arguments of `get_next_device_name` and of its explanation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NextDevice {
    pub release: Parsed<Release>,
    pub max_disk_devices_to_attach: i64,
    pub device_name_list: Vec<Option<String>>,
    pub root_device_name: Option<String>,
    pub device: Option<String>,
}

impl Function {
    /// Reads the arguments of a function.
    pub(crate) fn decode(function: &str, arguments: &Arguments) -> Result<Self> {
        arguments::parse(&format!(r#"{{"{function}":{arguments}}}"#))
    }
}

/// An enum that is read by its name on the wire. It serializes as the name of the Rust variant, which wasmtime's
/// generated enums share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parsed<T>(pub T);

impl<'de, T: FromStr> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map(Self).map_err(|_| D::Error::invalid_value(Unexpected::Str(&name), &"one of the known names"))
    }
}

impl<T: fmt::Debug> Serialize for Parsed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:?}", self.0))
    }
}

/// A timestamp as it was written, and as the library reads it.
#[derive(Debug, Clone)]
pub(crate) struct Time {
    pub text: String,
    pub value: chrono::NaiveDateTime,
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match time::parse(&text) {
            Ok(value) => Ok(Self { text, value }),
            Err(_) => Err(D::Error::invalid_value(Unexpected::Str(&text), &"a timestamp")),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl PartialEq for Time {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Window {
    pub begin: Time,
    pub end: Time,
}

impl Window {
    pub(crate) fn native(&self) -> period::Window {
        period::Window { begin: self.begin.value, end: self.end.value }
    }
}

/// A row of the task log.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TaskLog {
    pub task_name: String,
    pub state: String,
    pub host: String,
    pub period_beginning: Time,
    pub period_ending: Time,
    pub message: String,
    pub task_items: i64,
    pub errors: i64,
}

impl TaskLog {
    pub(crate) fn native(&self) -> TaskLogRow<'_> {
        TaskLogRow {
            task_name: &self.task_name,
            state: &self.state,
            host: &self.host,
            period_beginning: self.period_beginning.value,
            period_ending: self.period_ending.value,
            message: &self.message,
            task_items: self.task_items,
            errors: self.errors,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Config {
    pub release: Parsed<Release>,
    pub host: String,
    pub instance_usage_audit_period: String,
    pub notification_format: Parsed<NotificationFormat>,
    pub bdms_in_notifications: bool,
    pub include_share_mapping: bool,
}

impl Config {
    pub(crate) fn native(&self) -> nova_compute_utils::Config {
        nova_compute_utils::Config {
            release: self.release.0,
            host: self.host.clone(),
            instance_usage_audit_period: self.instance_usage_audit_period.clone(),
            notification_format: self.notification_format.0,
            bdms_in_notifications: self.bdms_in_notifications,
            include_share_mapping: self.include_share_mapping,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Context {
    pub user_id: Option<String>,
    pub project_id: Option<String>,
    pub request_id: Option<String>,
    pub timestamp: Option<Time>,
    pub glance_endpoint: Option<String>,
}

impl Context {
    pub(crate) fn native(self) -> nova_compute_utils::Context {
        nova_compute_utils::Context {
            user_id: self.user_id,
            project_id: self.project_id,
            request_id: self.request_id,
            timestamp: self.timestamp.map(|time| time.value),
            glance_endpoint: self.glance_endpoint,
        }
    }
}

impl From<&nova_compute_utils::Context> for Context {
    fn from(context: &nova_compute_utils::Context) -> Self {
        let context = context.clone();
        Self {
            user_id: context.user_id,
            project_id: context.project_id,
            request_id: context.request_id,
            timestamp: context.timestamp.map(|value| Time { text: time::isoformat(value), value }),
            glance_endpoint: context.glance_endpoint,
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BlockDevice {
    pub device_name: Option<String>,
    pub source_type: Option<String>,
    pub destination_type: Option<String>,
    pub guest_format: Option<String>,
    pub virtual_name: Option<String>,
    pub volume_id: Option<String>,
    pub snapshot_id: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub no_device: bool,
}

impl BlockDevice {
    pub(crate) fn native(&self) -> device::BlockDevice<'_> {
        device::BlockDevice {
            device_name: self.device_name.as_deref(),
            source_type: self.source_type.as_deref(),
            destination_type: self.destination_type.as_deref(),
            guest_format: self.guest_format.as_deref(),
            virtual_name: self.virtual_name.as_deref(),
            volume_id: self.volume_id.as_deref(),
            snapshot_id: self.snapshot_id.as_deref(),
            no_device: self.no_device,
        }
    }
}

/// An exception as the library's `Failure`. A null `code` or `value` is a value.
#[derive(Debug, Clone, Deserialize)]
#[allow(clippy::struct_field_names, reason = "the library's names")]
pub(crate) struct Exception {
    pub class_name: String,
    pub text: String,
    #[serde(default, deserialize_with = "present")]
    pub code: Option<Document>,
    #[serde(default, deserialize_with = "present")]
    pub value: Option<Document>,
    pub formatted_message: Option<String>,
    pub representation: Option<String>,
    pub traceback: Option<String>,
    pub formatted_exception: Option<String>,
}

impl Exception {
    pub(crate) fn native(self) -> fault::Failure {
        fault::Failure {
            class_name: self.class_name,
            text: self.text,
            code: self.code.map(|code| code.get().to_owned()),
            value: self.value.map(|value| value.get().to_owned()),
            formatted_message: self.formatted_message,
            representation: self.representation,
            traceback: self.traceback,
            formatted_exception: self.formatted_exception,
        }
    }
}

/// The exception of an event, or its message.
#[derive(Debug)]
pub(crate) enum ExcVal {
    Text(String),
    Failure(fault::Failure),
}

impl<'de> Deserialize<'de> for ExcVal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // An untagged enum would round the digits of a failure's code.
        let json = Document::deserialize(deserializer)?;
        let read = if json.get().starts_with('"') {
            serde_json::from_str(json.get()).map(Self::Text)
        } else {
            serde_json::from_str(json.get()).map(|exception: Exception| Self::Failure(exception.native()))
        };
        read.map_err(D::Error::custom)
    }
}

/// Reads a flag; null is false.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Reads a value that is present; null is a value.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Document>, D::Error> {
    Document::deserialize(deserializer).map(Some)
}
