//! The usage audit.

use std::prelude::v1::*;

use chrono::NaiveDateTime;
use js_sys::{Array, Int32Array, Object, Promise, Uint8Array, Uint32Array};
use wasm_bindgen::prelude::*;

use super::compute_utils::ComputeUtils;
use super::error::{Result, host_error};
use super::host::{AbortSignal, ProgressFunction};
use super::options::{self, Member, Reader, options};
use super::period::DEFAULT_AUDIT_PERIOD;
use super::record::{ToJs, object};
use super::time::now;
use super::typescript::Type;
use crate::audit::{
    self, AuditCoverage, AuditOptions, AuditTaskLogs, CoverageState, HostAuditLog, MessageIds, TaskLogRow,
};
use crate::period::{Period, Window};
use crate::{Context, Error, Release};

options! {
    /// The audit to look for.
    pub struct HasAuditBeenRunOptions {
        context: Option<Context>,
        /// The compute host [default: the configured one].
        host: Option<String>,
        /// The timestamp before which the window is complete [default: the current time].
        timestamp: Option<NaiveDateTime>,
    }
}

options! {
    /// The task log row to insert.
    pub struct StartInstanceUsageAuditOptions {
        context: Option<Context>,
        /// The window of the audit.
        window: Window,
        /// The compute host [default: the configured one].
        host: Option<String>,
        /// How many instances the audit has.
        num_instances: i64,
    }
}

options! {
    /// The task log row to finish.
    pub struct FinishInstanceUsageAuditOptions {
        context: Option<Context>,
        /// The window of the audit.
        window: Window,
        /// The compute host [default: the configured one].
        host: Option<String>,
        /// How many instances failed.
        errors: i64,
        /// The message of the row.
        message: Option<String>,
    }
}

options! {
    /// How an audit runs and what happens to an interrupted one. Nova has only the context.
    pub struct RunInstanceUsageAuditOptions {
        context: Option<Context>,
        /// Whether the audit continues at its checkpoint when the task log row is `RUNNING` [default: false].
        resume: Option<bool>,
        /// Whether a `RUNNING` row is finished without auditing the remaining instances, which count as errors. It
        /// takes precedence over `resume` [default: false].
        give_up: Option<bool>,
        /// Whether an audit whose row is `DONE` sends the notifications of the instances that failed again. An audit
        /// that was given up first continues at its checkpoint [default: false].
        retry_failed: Option<bool>,
        /// How the audit makes the ids of its notifications [default: `random`, as in Nova].
        message_ids: Option<MessageIds>,
        /// Stops the audit between two pages or while it waits for a callback.
        signal: Option<AbortSignal>,
        /// Receives the progress once the task log row is inserted or found and after each page. An error that it
        /// throws stops the audit.
        on_progress: Option<ProgressFunction>,
    }
}

options! {
    /// The notification of an audit to identify.
    pub struct DeterministicMessageIdOptions {
        release: Release,
        /// The event type, such as `compute.instance.exists`.
        event_type: String,
        /// The compute host.
        host: String,
        /// The window of the audit.
        window: Window,
        /// The instance.
        instance_uuid: String,
    }
}

/// Returns the deterministic id of a notification: the version 5 UUID of the namespace
/// `7d0f3a52-5c0e-5e0b-9d8e-3a1f5c6b7e21` and the name `release/event_type/host/begin/end/instance_uuid`, with the
/// bounds of the window as `YYYY-MM-DDTHH:MM:SS.ffffff`. Nova has no such function.
#[wasm_bindgen(js_name = deterministicMessageId)]
pub fn deterministic_message_id(
    #[wasm_bindgen(unchecked_param_type = "DeterministicMessageIdOptions")] options: &JsValue,
) -> Result<String> {
    let DeterministicMessageIdOptions { release, event_type, host, window, instance_uuid } = options::read(options)?;
    Ok(audit::deterministic_message_id(release, &event_type, &host, window, &instance_uuid))
}

options! {
    /// The window, the hosts and the task log.
    pub struct GetAuditTaskLogsOptions {
        release: Release,
        /// The configured period [default: `month`].
        audit_period: Option<String>,
        /// The timestamp before which the window is complete [default: the current time].
        before: Option<NaiveDateTime>,
        /// The hosts with a compute service. A host may occur several times.
        hosts: Vec<String>,
        /// The rows of the table `task_log`. Rows of other tasks and windows are ignored.
        task_logs: TaskLogMessages,
    }
}

/// Returns the audits of all hosts in the last window that is complete before a timestamp. Nova: `_get_audit_task_logs` of
/// the API `os-instance_usage_audit_log`.
///
/// As in Nova, a host without a service counts as done, so that `ALL hosts done` only means that as many hosts are done
/// as have a service.
#[wasm_bindgen(js_name = getAuditTaskLogs, unchecked_return_type = "AuditTaskLogs")]
pub fn get_audit_task_logs(
    #[wasm_bindgen(unchecked_param_type = "GetAuditTaskLogsOptions")] options: &JsValue,
) -> Result<JsValue> {
    let options: GetAuditTaskLogsOptions = options::read(options)?;
    let GetAuditTaskLogsOptions { release, audit_period, before, hosts, task_logs: TaskLogMessages(task_logs) } =
        options;
    let (period, before) = (audit_period.as_deref().unwrap_or(DEFAULT_AUDIT_PERIOD), before.unwrap_or_else(now));
    Ok(audit::get_audit_task_logs(release, period, before, &hosts, task_logs.rows())?.to_js())
}

options! {
    /// The windows, the hosts and the task log.
    pub struct GetAuditCoverageOptions {
        release: Release,
        /// `hour`, `day`, `month` or `year`, optionally with `@offset` [default: `month`].
        audit_period: Option<String>,
        /// Whether an offset past the end of a month means its last day (`month@31`). Nova fails in that case.
        clamp: Option<bool>,
        /// The timestamp at or after which the first window begins.
        begin: NaiveDateTime,
        /// The timestamp before which the last window begins [default: `now`].
        end: Option<NaiveDateTime>,
        /// The current time [default: the engine's clock].
        now: Option<NaiveDateTime>,
        /// The hosts with a compute service. A host may occur several times.
        hosts: Vec<String>,
        /// The rows of the table `task_log`, whose messages are not read. Rows of other tasks and windows are ignored.
        task_logs: TaskLogs,
    }
}

/// Returns the audits of all hosts in all windows that begin in a range. Throws `ValueError` when there are more than
/// 10,000,000 audits. Nova has no such function: `getAuditTaskLogs` returns one window.
#[wasm_bindgen(js_name = getAuditCoverage, unchecked_return_type = "AuditCoverage")]
pub fn get_audit_coverage(
    #[wasm_bindgen(unchecked_param_type = "GetAuditCoverageOptions")] options: &JsValue,
) -> Result<JsValue> {
    let options: GetAuditCoverageOptions = options::read(options)?;
    let GetAuditCoverageOptions { release, audit_period, clamp, begin, end, now, hosts, task_logs } = options;
    let period = Period::parse(release, audit_period.as_deref().unwrap_or(DEFAULT_AUDIT_PERIOD))?;
    let period = if clamp == Some(true) { period.clamp() } else { period };
    let now = now.unwrap_or_else(self::now);
    let coverage = audit::get_audit_coverage(&period, begin, end.unwrap_or(now), now, &hosts, task_logs.rows())?;
    Ok(coverage.to_js())
}

#[wasm_bindgen(raw_module = "./columns.js")]
extern "C" {
    /// Returns the distinct values of a column, the index of the first row of each, and the value of each row.
    #[wasm_bindgen(catch)]
    fn column(rows: &Array, name: &str) -> core::result::Result<Array, JsValue>;
}

/// Rows of the table `task_log`, by columns. Many rows repeat few hosts and windows, and each distinct value is read once.
pub struct TaskLogs {
    task_name: Column<String>,
    state: Column<String>,
    host: Column<String>,
    period_beginning: Column<NaiveDateTime>,
    period_ending: Column<NaiveDateTime>,
    /// Empty when the messages are not read.
    message: Column<String>,
    task_items: Column<i64>,
    errors: Column<i64>,
}

/// [`TaskLogs`] with their messages.
pub struct TaskLogMessages(TaskLogs);

/// A column: its distinct values, and the index of the value of each row.
struct Column<T> {
    values: Vec<T>,
    indexes: Vec<u32>,
}

impl TaskLogs {
    fn rows(&self) -> impl Iterator<Item = TaskLogRow<'_>> + Clone {
        (0..self.host.indexes.len()).map_while(|row| {
            Some(TaskLogRow {
                task_name: self.task_name.get(row)?,
                state: self.state.get(row)?,
                host: self.host.get(row)?,
                period_beginning: *self.period_beginning.get(row)?,
                period_ending: *self.period_ending.get(row)?,
                message: self.message.get(row).map_or("", String::as_str),
                task_items: *self.task_items.get(row)?,
                errors: *self.errors.get(row)?,
            })
        })
    }
}

impl Member for TaskLogs {
    const TYPE: Type = Type::Name("TaskLog[]");

    #[inline(never)]
    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        let rows = reader.elements(&value);
        Self {
            task_name: Column::read(&rows, "task_name", reader),
            state: Column::read(&rows, "state", reader),
            host: Column::read(&rows, "host", reader),
            period_beginning: Column::read(&rows, "period_beginning", reader),
            period_ending: Column::read(&rows, "period_ending", reader),
            message: Column { values: Vec::new(), indexes: Vec::new() },
            task_items: Column::read(&rows, "task_items", reader),
            errors: Column::read(&rows, "errors", reader),
        }
    }
}

impl Member for TaskLogMessages {
    const TYPE: Type = TaskLogs::TYPE;

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        let rows = TaskLogs::read(value.clone(), reader);
        Self(TaskLogs { message: Column::read(&reader.elements(&value), "message", reader), ..rows })
    }
}

impl<T: Member> Column<T> {
    fn read(rows: &Array, name: &'static str, reader: &Reader<'_>) -> Self {
        let (values, firsts, indexes) = read_column(rows, name, reader);
        let values = values.into_iter().zip(firsts).map(|(value, first)| reader.cell(value, first, name));
        Self { values: values.collect(), indexes }
    }

    fn get(&self, row: usize) -> Option<&T> {
        self.values.get(usize::try_from(*self.indexes.get(row)?).ok()?)
    }
}

#[inline(never)]
fn read_column(rows: &Array, name: &str, reader: &Reader<'_>) -> (Array, Vec<u32>, Vec<u32>) {
    let column = column(rows, name).unwrap_or_else(|thrown| {
        reader.fail(host_error(thrown).into());
        Array::of3(&Array::new(), &Uint32Array::default(), &Uint32Array::default())
    });
    let indexes = |place| Uint32Array::from(column.get(place)).to_vec();
    (Array::from(&column.get(0)), indexes(1), indexes(2))
}

impl ToJs for AuditCoverage {
    fn to_js(&self) -> JsValue {
        let Self { windows, hosts, num_hosts, states, rows, state_counts, num_due, num_hosts_not_run, num_other_rows } =
            self;
        let states: Vec<u8> = states.iter().map(|state| *state as u8).collect();
        let row = |row: &Option<u32>| row.and_then(|row| i32::try_from(row).ok()).unwrap_or(-1);
        let rows: Vec<i32> = rows.iter().map(row).collect();
        let state_names = CoverageState::ALL.map(CoverageState::as_str);
        object(&[
            ("windows", windows.to_js()),
            ("hosts", hosts.to_js()),
            ("num_hosts", num_hosts.to_js()),
            ("state_names", state_names.to_js()),
            ("states", Uint8Array::from(states.as_slice()).into()),
            ("rows", Int32Array::from(rows.as_slice()).into()),
            ("state_counts", state_counts.to_js()),
            ("num_due", num_due.to_js()),
            ("num_hosts_not_run", num_hosts_not_run.to_js()),
            ("num_other_rows", num_other_rows.to_js()),
        ])
    }
}

impl ToJs for AuditTaskLogs {
    fn to_js(&self) -> JsValue {
        let entry = |HostAuditLog { host, state, instances, errors, message }: &HostAuditLog| {
            let log = object(&[
                ("state", state.to_js()),
                ("instances", instances.to_js()),
                ("errors", errors.to_js()),
                ("message", message.to_js()),
            ]);
            Array::of2(&host.to_js(), &log)
        };
        // A host can have any name, so this is no assignment, which would miss `__proto__`.
        let log = Object::from_entries(&self.log.iter().map(entry).collect::<Array>());
        object(&[
            ("period_beginning", self.period_beginning.to_js()),
            ("period_ending", self.period_ending.to_js()),
            ("num_hosts", self.num_hosts.to_js()),
            ("num_hosts_done", self.num_hosts_done.to_js()),
            ("num_hosts_running", self.num_hosts_running.to_js()),
            ("num_hosts_not_run", self.num_hosts_not_run.to_js()),
            ("hosts_not_run", self.hosts_not_run.to_js()),
            ("total_instances", self.total_instances.to_js()),
            ("total_errors", self.total_errors.to_js()),
            ("overall_status", self.overall_status.to_js()),
            ("log", log.map_or(JsValue::NULL, JsValue::from)),
        ])
    }
}

#[wasm_bindgen]
impl ComputeUtils {
    /// Returns whether the task log has a row, in any state, for this host and the last window that is complete before
    /// `timestamp`. Nova: `has_audit_been_run`.
    #[wasm_bindgen(js_name = hasAuditBeenRun, unchecked_return_type = "Promise<boolean>")]
    pub fn has_audit_been_run(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "HasAuditBeenRunOptions | null")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let HasAuditBeenRunOptions { context, host, timestamp } = options::read_optional(options)?;
            let (context, host) = (context.unwrap_or_default(), host.as_deref().unwrap_or(&config.host));
            let (release, period) = (config.release, &config.instance_usage_audit_period);
            Ok(audit::has_audit_been_run(services, &context, release, period, host, timestamp).await?)
        })
    }

    /// Inserts the task log row of an audit. Throws `TaskAlreadyRunning` when the row exists. Nova:
    /// `start_instance_usage_audit`.
    #[wasm_bindgen(js_name = startInstanceUsageAudit, unchecked_return_type = "Promise<void>")]
    pub fn start_instance_usage_audit(
        &self,
        #[wasm_bindgen(unchecked_param_type = "StartInstanceUsageAuditOptions")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let StartInstanceUsageAuditOptions { context, window, host, num_instances } = options::read(&options)?;
            let (context, host) = (context.unwrap_or_default(), host.as_deref().unwrap_or(&config.host));
            Ok(audit::start_instance_usage_audit(services, &context, window, host, num_instances).await?)
        })
    }

    /// Finishes the task log row of an audit. Throws `TaskNotRunning` when the row does not exist. Nova:
    /// `finish_instance_usage_audit`.
    #[wasm_bindgen(js_name = finishInstanceUsageAudit, unchecked_return_type = "Promise<void>")]
    pub fn finish_instance_usage_audit(
        &self,
        #[wasm_bindgen(unchecked_param_type = "FinishInstanceUsageAuditOptions")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let FinishInstanceUsageAuditOptions { context, window, host, errors, message } = options::read(&options)?;
            let (context, host) = (context.unwrap_or_default(), host.as_deref().unwrap_or(&config.host));
            let message = message.as_deref();
            Ok(audit::finish_instance_usage_audit(services, &context, window, host, errors, message).await?)
        })
    }

    /// Audits the last completed window of the configured host. Returns null and changes nothing when the task log has
    /// a row for the window that the options do not continue. Nova: the periodic task `_instance_usage_audit`.
    ///
    /// The audit reads the instances and sends their notifications page by page. A refused notification or an
    /// unreadable instance counts as one error, and the audit continues. After each page it stores a checkpoint in the
    /// conductor.
    ///
    /// When a page cannot be read, the notifier fails on a whole batch, or the signal is aborted, the audit stops and
    /// throws the error. The task log row then stays `RUNNING`, and a later call with `resume` continues at the last
    /// checkpoint. A conductor that keeps no checkpoints gets the row finished instead, with a message that says so and
    /// every remaining instance as an error.
    ///
    /// With `retryFailed`, an audit whose row is `DONE` with errors sends the notifications that are missing for the
    /// instances that failed, and updates the row. It sends nothing for the other instances.
    ///
    /// Continuing an audit throws `CheckpointNotFound` when the conductor has no checkpoint for the row, and
    /// `CheckpointMismatch` when the run before had other settings.
    #[wasm_bindgen(js_name = runInstanceUsageAudit, unchecked_return_type = "Promise<AuditReport | null>")]
    pub fn run_instance_usage_audit(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "RunInstanceUsageAuditOptions | null")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let options: RunInstanceUsageAuditOptions = options::read_optional(options)?;
            let RunInstanceUsageAuditOptions {
                context,
                resume,
                give_up,
                retry_failed,
                message_ids,
                signal,
                on_progress,
            } = options;
            if let Some(signal) = signal {
                services.set_signal(signal);
            }
            services.check_signal()?;
            let context = context.unwrap_or_default();
            let options = AuditOptions {
                resume: resume.unwrap_or_default(),
                give_up: give_up.unwrap_or_default(),
                retry_failed: retry_failed.unwrap_or_default(),
                message_ids: message_ids.unwrap_or_default(),
            };
            let report = audit::observed_instance_usage_audit(services, config, &context, &options, |progress| {
                if let Some(ProgressFunction(on_progress)) = &on_progress {
                    let failed = |thrown| Error::host("on-progress", host_error(thrown));
                    on_progress.call1(&JsValue::UNDEFINED, &progress.to_js()).map_err(failed)?;
                }
                services.check_signal()
            });
            Ok(report.await?)
        })
    }
}
