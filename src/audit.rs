//! The usage audit: one `exists` notification per instance of a host and window, and a row in the task log. The audit log:
//! the audits of all hosts, as the task log records them.

mod log;
#[cfg(test)]
mod tests;

use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use chrono::NaiveDateTime;
use uuid::Uuid;

use crate::context::{Config, Context};
use crate::error::Error;
use crate::host::{
    AuditCheckpoint, Clock, Conductor, FailedInstance, InstancePage, Notification, Notifier, Random, TaskLog,
    TaskLogKey, UnreadableInstance, WindowQuery, message_id, notify,
};
use crate::instance::Instance;
use crate::period::{self, Window};
use crate::release::Release;
use crate::time;
use crate::usage::{self, ExistsMessages, ExistsOptions};

pub use log::{
    AuditCoverage, AuditTaskLogs, CoverageState, HostAuditLog, TaskLogRow, WindowCoverage, get_audit_coverage,
    get_audit_task_logs,
};

/// The name of the audit in the task log.
const TASK_NAME: &str = "instance_usage_audit";

/// The largest number of instances in a page: large enough that the cost of a callback does not matter, small enough
/// that a page fits into memory.
const PAGE_LIMIT: u32 = 500;

/// The state of a task log row whose task is not finished.
const RUNNING: &str = "RUNNING";

/// The length of the column `task_log.message`, in characters.
const MESSAGE_LENGTH: usize = 255;

/// The namespace of deterministic message ids: `7d0f3a52-5c0e-5e0b-9d8e-3a1f5c6b7e21`.
pub const MESSAGE_ID_NAMESPACE: Uuid = Uuid::from_u128(0x7d0f_3a52_5c0e_5e0b_9d8e_3a1f_5c6b_7e21);

/// How an audit makes the ids of its notifications.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum MessageIds {
    /// Random UUIDs, as in Nova.
    #[default]
    Random,
    /// [`deterministic_message_id`], so that a notification that is sent again has the same id.
    Deterministic,
}

/// The options of [`instance_usage_audit`]. Nova has none of them; the default reproduces Nova.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditOptions {
    /// Whether the audit continues at its checkpoint when the task log row is `RUNNING`.
    pub resume: bool,
    /// Whether a `RUNNING` row is finished without auditing the remaining instances, which count as errors. It takes
    /// precedence over `resume`.
    pub give_up: bool,
    /// Whether an audit whose row is `DONE` sends the notifications of the instances that failed again. An audit that was
    /// given up first continues at its checkpoint.
    pub retry_failed: bool,
    /// How the audit makes message ids.
    pub message_ids: MessageIds,
}

/// Returns the deterministic id of a notification: the version 5 UUID of the namespace [`MESSAGE_ID_NAMESPACE`] and the name
/// `release/event_type/host/begin/end/instance_uuid`, with the bounds of the window as
/// `YYYY-MM-DDTHH:MM:SS.ffffff`.
///
/// ```
/// use nova_compute_utils::audit::deterministic_message_id;
/// use nova_compute_utils::{Release, period::Window, time};
///
/// let window = Window { begin: time::parse("2026-10-01")?, end: time::parse("2026-11-01")? };
/// let uuid = "48b988aa-afe1-4664-8307-784d3a2daad0";
/// let id = deterministic_message_id(Release::Hibiscus, "compute.instance.exists", "cmp-01", window, uuid);
/// assert_eq!(id, "9f25185a-c9f4-54dd-9964-76f073295e68");
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
#[must_use]
pub fn deterministic_message_id(
    release: Release,
    event_type: &str,
    host: &str,
    window: Window,
    instance_uuid: &str,
) -> String {
    let (begin, end) = (time::isoformat(window.begin), time::isoformat(window.end));
    let name = format!("{release}/{event_type}/{host}/{begin}/{end}/{instance_uuid}");
    Uuid::new_v5(&MESSAGE_ID_NAMESPACE, name.as_bytes()).to_string()
}

/// The result of an audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// The compute host.
    pub host: String,
    /// The window.
    pub window: Window,
    /// How many instances were audited, failed ones included.
    pub instances: u64,
    /// How many notifications were sent.
    pub notifications: u64,
    /// The instances that count as errors in the task log.
    pub failures: Vec<AuditFailure>,
    /// The message in the task log.
    pub message: String,
}

/// An instance that could not be audited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFailure {
    /// Its UUID; `None` when the UUID could not be read either.
    pub instance_uuid: Option<String>,
    /// The number of its row, if the host has given it.
    pub instance_id: Option<i64>,
    /// The event types of its notifications that were sent.
    pub sent: Vec<String>,
    /// Why it could not be audited.
    pub error: Error,
}

/// The progress of a running audit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditProgress {
    /// How many instances were audited so far, failed ones included.
    pub instances: u64,
    /// How many instances the audit has.
    pub num_instances: u64,
    /// How many notifications were sent so far.
    pub notifications: u64,
    /// How many instances failed so far.
    pub failures: u64,
}

/// Returns whether the task log has a row, in any state, for this host and the last window that is complete before
/// `timestamp`; `None` is the current time. Nova: `has_audit_been_run`.
pub async fn has_audit_been_run<H: Conductor + Clock>(
    services: &H,
    context: &Context,
    release: Release,
    instance_usage_audit_period: &str,
    host: &str,
    timestamp: Option<NaiveDateTime>,
) -> Result<bool, Error> {
    let before = timestamp.unwrap_or_else(|| services.utcnow());
    let window = period::last_completed_audit_period(release, instance_usage_audit_period, None, before)?;
    Ok(task_log_row(services, context, window, host).await?.is_some())
}

/// Inserts the task log row of an audit. Nova: `start_instance_usage_audit`.
pub async fn start_instance_usage_audit<H: Conductor>(
    services: &H,
    context: &Context,
    window: Window,
    host: &str,
    num_instances: i64,
) -> Result<(), Error> {
    services
        .task_log_begin_task(context, task_log_key(window, host), num_instances, "Instance usage audit started...")
        .await
        .map_err(|error| Error::host("task-log-begin-task", error))
}

/// Finishes the task log row of an audit. Nova: `finish_instance_usage_audit`.
pub async fn finish_instance_usage_audit<H: Conductor>(
    services: &H,
    context: &Context,
    window: Window,
    host: &str,
    errors: i64,
    message: Option<&str>,
) -> Result<(), Error> {
    services
        .task_log_end_task(context, task_log_key(window, host), errors, message)
        .await
        .map_err(|error| Error::host("task-log-end-task", error))
}

/// Audits the last completed window of the configured host. Returns `None` and changes nothing when the task log has a
/// row for it that the options do not continue. Nova: the periodic task `_instance_usage_audit`.
///
/// The audit reads the instances and sends their notifications page by page. A refused notification or an unreadable
/// instance counts as one error, and the audit continues. After each page it stores a checkpoint in the conductor.
///
/// With [`AuditOptions::retry_failed`], an audit whose row is `DONE` with errors sends the notifications that are missing
/// for the instances that failed, and updates the row. It sends nothing for the other instances.
///
/// When a page cannot be read or the notifier fails for a whole batch, the audit stops and returns the host's error. The
/// task log row then stays `RUNNING`, and a later run with [`AuditOptions::resume`] continues at the last checkpoint. A
/// conductor that keeps no checkpoints gets the row finished instead, with a message that says so and every remaining
/// instance as an error.
///
/// Continuing an audit fails with `CheckpointNotFound` when the conductor has no checkpoint for the row, and with
/// `CheckpointMismatch` when the run before had other settings.
///
/// ```
/// use nova_compute_utils::audit::{self, AuditOptions};
/// use nova_compute_utils::testing::{MemoryHost, ready};
/// use nova_compute_utils::{Config, Context, Release, time};
///
/// let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25")?);
/// host.add_instance(r#"{"uuid": "48b988aa-afe1-4664-8307-784d3a2daad0", "host": "cmp-01", "launched_at": "2026-10-05 10:43:11",
///     "flavor": {"name": "m1.small", "root_gb": 20, "ephemeral_gb": 0}}"#)?;
/// let (config, context) = (Config::new(Release::Hibiscus, "cmp-01"), Context::default());
/// let audit = || ready(audit::instance_usage_audit(&host, &config, &context, &AuditOptions::default()));
///
/// let report = audit()?.expect("the window is not audited yet");
/// assert_eq!(report.message, "Instance usage audit ran for host cmp-01, 1 instances in 0.0 seconds.");
/// assert_eq!(host.notifications()[0].event_type, "compute.instance.exists");
/// assert_eq!(audit()?, None);
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub async fn instance_usage_audit<H: Conductor + Notifier + Clock + Random>(
    services: &H,
    config: &Config,
    context: &Context,
    options: &AuditOptions,
) -> Result<Option<AuditReport>, Error> {
    observed_instance_usage_audit(services, config, context, options, |_| Ok(())).await
}

/// Audits like [`instance_usage_audit`] and reports its progress to `observe` after it inserted or found the task log
/// row and after each page. An error from `observe` stops the audit as an error of the conductor does.
///
/// ```
/// use nova_compute_utils::audit::{self, AuditOptions};
/// use nova_compute_utils::testing::{MemoryHost, ready};
/// use nova_compute_utils::{Config, Context, Error, Release, time};
///
/// let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25")?);
/// host.add_instance(r#"{"uuid": "48b988aa-afe1-4664-8307-784d3a2daad0", "host": "cmp-01", "launched_at": "2026-10-05 10:43:11"}"#)?;
/// let (config, context) = (Config::new(Release::Hibiscus, "cmp-01"), Context::default());
/// let stopped = ready(audit::observed_instance_usage_audit(
///     &host, &config, &context, &AuditOptions::default(),
///     |progress| {
///         assert_eq!((progress.instances, progress.num_instances), (0, 1));
///         Err(Error::new("AbortError", "the operator has stopped it"))
///     },
/// ));
/// assert_eq!(stopped.unwrap_err().code(), "AbortError");
/// assert_eq!(host.task_log()[0].state, "RUNNING");
///
/// let options = AuditOptions { resume: true, ..AuditOptions::default() };
/// let report = ready(audit::instance_usage_audit(&host, &config, &context, &options))?.expect("a report");
/// assert_eq!((report.instances, host.task_log()[0].state.as_str()), (1, "DONE"));
/// # Ok::<(), Error>(())
/// ```
pub async fn observed_instance_usage_audit<H: Conductor + Notifier + Clock + Random>(
    services: &H,
    config: &Config,
    context: &Context,
    options: &AuditOptions,
    observe: impl FnMut(AuditProgress) -> Result<(), Error>,
) -> Result<Option<AuditReport>, Error> {
    let Config { release, host, instance_usage_audit_period, .. } = config;
    let last_window = || period::audit_period_bounds(*release, instance_usage_audit_period, false, services.utcnow());
    let mut window = last_window()?;
    let row = task_log_row(services, context, window, host).await?;
    let start = match &row {
        None => Start::New,
        Some(row) if row.state == RUNNING && options.give_up => Start::GiveUp,
        Some(row) if row.state == RUNNING && options.resume => Start::Resume,
        Some(row) if row.state != RUNNING && options.retry_failed && row.errors != 0 => Start::Retry,
        Some(_) => return Ok(None),
    };
    if row.is_none() && release.rules().computes_audit_period_twice {
        window = last_window()?;
    }
    let mut audit = Audit {
        services,
        config,
        context,
        window,
        message_ids: options.message_ids,
        num_instances: 0,
        counts: Counts::default(),
        keeps_checkpoints: false,
        retrying: false,
        seconds_before: 0.0,
        started: 0.0,
    };
    let stopped = match start {
        Start::New => {
            let first = audit.begin().await?;
            audit.run(first, observe).await.err()
        }
        // Without the checkpoint the run changes nothing, so these errors do not finish the row.
        Start::Resume => {
            let checkpoint = audit.read_checkpoint().await?;
            audit.resume(checkpoint, observe).await.err()
        }
        Start::Retry => {
            let checkpoint = audit.read_checkpoint().await?;
            audit.retry(checkpoint, observe).await.err()
        }
        Start::GiveUp => {
            audit.read_checkpoint().await?;
            Some(Error::new("AuditGivenUp", "the operator gave it up"))
        }
    };
    audit.finish(stopped, matches!(start, Start::GiveUp)).await.map(Some)
}

/// How an audit starts.
enum Start {
    /// No row exists.
    New,
    /// A run that was interrupted is continued.
    Resume,
    /// A run that was interrupted is finished without the remaining instances.
    GiveUp,
    /// A finished audit sends what failed.
    Retry,
}

/// A running audit.
struct Audit<'a, H> {
    services: &'a H,
    config: &'a Config,
    context: &'a Context,
    window: Window,
    message_ids: MessageIds,
    num_instances: u64,
    counts: Counts,
    /// Whether the conductor stored the last checkpoint.
    keeps_checkpoints: bool,
    /// Whether the audit retries the failed instances of a finished audit.
    retrying: bool,
    /// The seconds that earlier runs of a resumed audit took.
    seconds_before: f64,
    /// The clock at the begin of this run.
    started: f64,
}

#[derive(Default)]
struct Counts {
    instances: u64,
    notifications: u64,
    failures: Vec<AuditFailure>,
}

impl<H: Conductor + Notifier + Clock + Random> Audit<'_, H> {
    /// Starts a new audit and returns its first page. The first checkpoint comes before the task log row: a run that dies
    /// between the two leaves no row, and the next run starts again.
    async fn begin(&mut self) -> Result<InstancePage, Error> {
        let first = self.page(None).await?;
        self.num_instances = self.count_instances(&first).await?;
        self.put(None, false, 0.0).await?;
        self.started = self.services.time();
        let num_instances = to_signed(self.num_instances);
        start_instance_usage_audit(self.services, self.context, self.window, &self.config.host, num_instances).await?;
        Ok(first)
    }

    /// Continues an interrupted audit at its checkpoint.
    async fn resume(
        &mut self,
        checkpoint: AuditCheckpoint,
        observe: impl FnMut(AuditProgress) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.resume_notifier(&checkpoint).await?;
        if checkpoint.complete {
            return Ok(());
        }
        let page = self.page(checkpoint.marker.as_deref()).await?;
        self.run(page, observe).await
    }

    async fn resume_notifier(&self, checkpoint: &AuditCheckpoint) -> Result<(), Error> {
        let resumed = self.services.resume_at(self.context, checkpoint.notifier_position.as_deref()).await;
        resumed.map_err(|error| Error::host("resume-at", error))
    }

    /// Retries the failed instances of a finished audit, in all pages of its window. The checkpoint of an audit that was
    /// given up is not complete, so that audit continues first.
    async fn retry(
        &mut self,
        checkpoint: AuditCheckpoint,
        mut observe: impl FnMut(AuditProgress) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut marker = None;
        if checkpoint.retrying && !checkpoint.complete {
            self.resume_notifier(&checkpoint).await?;
            marker = checkpoint.marker;
        } else if !checkpoint.complete {
            self.resume(checkpoint, &mut observe).await?;
        }
        self.retrying = true;
        if self.counts.failures.is_empty() {
            return Ok(());
        }
        if marker.is_none() {
            let seconds = self.seconds();
            self.put(None, false, seconds).await?;
        }
        let page = self.page(marker.as_deref()).await?;
        self.run(page, observe).await
    }

    /// Reads the checkpoint and continues its counts.
    async fn read_checkpoint(&mut self) -> Result<AuditCheckpoint, Error> {
        self.started = self.services.time();
        let host = &self.config.host;
        let checkpoint = self.services.audit_checkpoint_get(self.context, task_log_key(self.window, host)).await;
        let checkpoint = checkpoint.map_err(|error| Error::host("audit-checkpoint-get", error))?.ok_or_else(|| {
            let message = format!(
                "the audit of host `{host}` has no checkpoint: finish its task log row, or delete it and audit again"
            );
            Error::new("CheckpointNotFound", message)
        })?;
        let settings = self.settings();
        if checkpoint.settings != settings {
            let interrupted = &checkpoint.settings;
            let message = format!(
                "the audit of host `{host}` began with the settings `{interrupted}`: continue it with them, not with `{settings}`"
            );
            return Err(Error::new("CheckpointMismatch", message));
        }
        self.num_instances = checkpoint.num_instances;
        self.counts = Counts {
            instances: checkpoint.instances,
            notifications: checkpoint.notifications,
            failures: checkpoint.failures.iter().cloned().map(Into::into).collect(),
        };
        self.seconds_before = checkpoint.seconds;
        self.keeps_checkpoints = true;
        Ok(checkpoint)
    }

    /// The settings that the runs of one audit must share.
    fn settings(&self) -> String {
        let Config { release, notification_format, bdms_in_notifications, include_share_mapping, .. } = self.config;
        let message_ids = match self.message_ids {
            MessageIds::Random => "random",
            MessageIds::Deterministic => "deterministic",
        };
        format!(
            "{release} {} message_ids={message_ids} bdms_in_notifications={bdms_in_notifications} \
             include_share_mapping={include_share_mapping}",
            notification_format.as_str()
        )
    }

    fn checkpoint(
        &self,
        marker: Option<&str>,
        complete: bool,
        notifier_position: Option<String>,
        seconds: f64,
    ) -> AuditCheckpoint {
        AuditCheckpoint {
            marker: marker.map(str::to_owned),
            complete,
            retrying: self.retrying,
            num_instances: self.num_instances,
            instances: self.counts.instances,
            notifications: self.counts.notifications,
            failures: self.counts.failures.iter().cloned().map(Into::into).collect(),
            seconds,
            settings: self.settings(),
            notifier_position,
        }
    }

    /// Stores a checkpoint and notes whether the conductor keeps it.
    async fn put(&mut self, next_marker: Option<&str>, complete: bool, seconds: f64) -> Result<(), Error> {
        let position = self.services.position(self.context).await.map_err(|error| Error::host("position", error))?;
        let checkpoint = self.checkpoint(next_marker, complete, position, seconds);
        let key = task_log_key(self.window, &self.config.host);
        let stored = self.services.audit_checkpoint_put(self.context, key, &checkpoint).await;
        self.keeps_checkpoints = stored.map_err(|error| Error::host("audit-checkpoint-put", error))?;
        Ok(())
    }

    /// The seconds that all runs of the audit took.
    fn seconds(&self) -> f64 {
        self.seconds_before + (self.services.time() - self.started)
    }

    fn query(&self) -> WindowQuery<'_> {
        let Window { begin, end } = self.window;
        WindowQuery { begin, end: Some(end), project_id: None, host: Some(&self.config.host) }
    }

    async fn page(&self, marker: Option<&str>) -> Result<InstancePage, Error> {
        self.services
            .instance_get_active_by_window(self.context, self.query(), marker, PAGE_LIMIT)
            .await
            .map_err(|error| Error::host("instance-get-active-by-window", error))
    }

    /// Returns the number of instances, which Nova writes into the new row because it reads all instances first. A
    /// single page already gives the number.
    async fn count_instances(&self, first: &InstancePage) -> Result<u64, Error> {
        if first.next_marker.is_none() {
            return Ok(to_u64(first.instances.len().saturating_add(first.unreadable.len())));
        }
        self.services
            .instance_count_active_by_window(self.context, self.query())
            .await
            .map_err(|error| Error::host("instance-count-active-by-window", error))
    }

    async fn run(
        &mut self,
        first: InstancePage,
        mut observe: impl FnMut(AuditProgress) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut page = first;
        observe(self.progress())?;
        loop {
            let next_marker = page.next_marker.take();
            self.emit(page).await?;
            // Without checkpoints the audit does not even read the clock here, as Nova does not.
            if self.keeps_checkpoints {
                let seconds = self.seconds();
                self.put(next_marker.as_deref(), next_marker.is_none(), seconds).await?;
            }
            observe(self.progress())?;
            match next_marker {
                Some(marker) => page = self.page(Some(&marker)).await?,
                None => return Ok(()),
            }
        }
    }

    fn progress(&self) -> AuditProgress {
        let Counts { instances, notifications, failures } = &self.counts;
        AuditProgress {
            instances: *instances,
            num_instances: self.num_instances,
            notifications: *notifications,
            failures: to_u64(failures.len()),
        }
    }

    /// Sends the notifications of a page in one batch.
    async fn emit(&mut self, page: InstancePage) -> Result<(), Error> {
        let timestamp = time::str_datetime(self.services.utcnow());
        let has_times_as_text = self.config.release.rules().has_times_as_text;
        let mut notifications = Vec::new();
        let mut instances = Vec::new();
        for document in &page.instances {
            let instance = Instance::parse(document).map(|instance| instance.with_times_as_text(has_times_as_text));
            let uuid = instance.as_ref().ok().and_then(|instance| instance.uuid().ok());
            let id = instance.as_ref().ok().and_then(Instance::id);
            let Some(sent) = self.take_failed(uuid.as_deref(), id) else { continue };
            let ExistsMessages { messages, failure } = match &instance {
                Ok(instance) => self.exists(instance).await,
                Err(error) => error.clone().into(),
            };
            let before = notifications.len();
            notifications.extend(messages.into_iter().filter(|message| !sent.contains(&message.event_type)).map(
                |message| {
                    let message_id = self.message_id(&message.event_type, uuid.as_deref().unwrap_or_default());
                    message.into_notification(message_id, timestamp.clone())
                },
            ));
            let event_types = notifications.iter().skip(before).map(|added: &Notification| added.event_type.clone());
            let event_types = event_types.collect();
            instances.push(BatchInstance { uuid: uuid.map(Cow::into_owned), id, sent, event_types, failure });
        }
        for UnreadableInstance { instance_uuid: uuid, instance_id: id, error } in page.unreadable {
            let Some(sent) = self.take_failed(uuid.as_deref(), id) else { continue };
            let error = Error::host("instance-get-active-by-window", error);
            instances.push(BatchInstance { uuid, id, sent, event_types: Vec::new(), failure: Some(error) });
        }
        let answers = notify(self.services, self.context, notifications).await?;
        self.counts.add(instances, answers);
        Ok(())
    }

    /// Returns the event types that were sent for an instance before; `None` when a retry skips the instance. The
    /// instance of a retry leaves the counts, because its batch adds it again.
    fn take_failed(&mut self, uuid: Option<&str>, id: Option<i64>) -> Option<Vec<String>> {
        if !self.retrying {
            return Some(Vec::new());
        }
        let Counts { instances, failures, .. } = &mut self.counts;
        let is_instance = |failure: &AuditFailure| match &failure.instance_uuid {
            Some(failed) => Some(failed.as_str()) == uuid,
            None => failure.instance_id.is_some() && failure.instance_id == id,
        };
        let index = failures.iter().position(is_instance)?;
        *instances = instances.saturating_sub(1);
        Some(failures.remove(index).sent)
    }

    fn message_id(&self, event_type: &str, instance_uuid: &str) -> String {
        let Config { release, host, .. } = self.config;
        match self.message_ids {
            MessageIds::Random => message_id(self.services),
            MessageIds::Deterministic => {
                deterministic_message_id(*release, event_type, host, self.window, instance_uuid)
            }
        }
    }

    async fn exists(&self, instance: &Instance<'_>) -> ExistsMessages {
        let Self { services, config, context, window, .. } = self;
        let options = ExistsOptions::default();
        usage::exists_messages(*services, config, context, instance, &config.host, *window, &options).await
    }

    /// Finishes the task log row and returns the report. In the row of a stopped audit every remaining instance counts as
    /// an error. An audit that stopped and can be resumed leaves its row `RUNNING`.
    async fn finish(self, stopped: Option<Error>, gives_up: bool) -> Result<AuditReport, Error> {
        let Self { services, config, context, window, num_instances, .. } = self;
        let (host, instances) = (&config.host, self.counts.instances);
        let failed = to_u64(self.counts.failures.len());
        let (errors, message) = match &stopped {
            Some(error) if self.keeps_checkpoints && !gives_up => return Err(error.clone()),
            Some(error) => {
                let remaining = num_instances.saturating_sub(instances);
                (failed.saturating_add(remaining), stopped_message(host, instances, num_instances, error))
            }
            None => {
                let seconds = (config.release.rules().float)(self.seconds());
                let message =
                    format!("Instance usage audit ran for host {host}, {instances} instances in {seconds} seconds.");
                (failed, message)
            }
        };
        let finished =
            finish_instance_usage_audit(services, context, window, host, to_signed(errors), Some(&message)).await;
        // The caller needs the error that stopped the audit, even when the row could not be finished either.
        if let Some(error) = stopped.filter(|_| !gives_up) {
            return Err(error);
        }
        finished?;
        let Counts { instances, notifications, failures } = self.counts;
        Ok(AuditReport { host: host.clone(), window, instances, notifications, failures, message })
    }
}

/// An instance of a batch.
struct BatchInstance {
    uuid: Option<String>,
    id: Option<i64>,
    /// The event types that were sent before.
    sent: Vec<String>,
    /// The event types of its notifications in the batch.
    event_types: Vec<String>,
    /// Why its other notifications could not be built.
    failure: Option<Error>,
}

impl Counts {
    /// Adds a batch. An instance with several errors counts once, with the first one.
    fn add(&mut self, instances: Vec<BatchInstance>, answers: Vec<Result<(), Error>>) {
        let mut answers = answers.into_iter();
        for BatchInstance { uuid, id, mut sent, event_types, failure } in instances {
            let mut refused = None;
            for (event_type, answer) in event_types.into_iter().zip(answers.by_ref()) {
                match answer {
                    Ok(()) => {
                        self.notifications = self.notifications.saturating_add(1);
                        sent.push(event_type);
                    }
                    Err(error) => refused = refused.or(Some(error)),
                }
            }
            self.instances = self.instances.saturating_add(1);
            if let Some(error) = refused.or(failure) {
                self.failures.push(AuditFailure { instance_uuid: uuid, instance_id: id, sent, error });
            }
        }
    }
}

impl From<FailedInstance> for AuditFailure {
    fn from(FailedInstance { instance_uuid, instance_id, sent, error }: FailedInstance) -> Self {
        Self { instance_uuid, instance_id, sent, error: error.into() }
    }
}

impl From<AuditFailure> for FailedInstance {
    fn from(AuditFailure { instance_uuid, instance_id, sent, error }: AuditFailure) -> Self {
        Self { instance_uuid, instance_id, sent, error: error.into() }
    }
}

fn task_log_key(window: Window, host: &str) -> TaskLogKey<'_> {
    TaskLogKey { task_name: TASK_NAME, period_beginning: window.begin, period_ending: window.end, host }
}

async fn task_log_row<H: Conductor>(
    services: &H,
    context: &Context,
    window: Window,
    host: &str,
) -> Result<Option<TaskLog>, Error> {
    let row = services.task_log_get(context, task_log_key(window, host)).await;
    row.map_err(|error| Error::host("task-log-get", error))
}

/// Returns the task log message of a stopped audit, cut to the length of the column.
fn stopped_message(host: &str, audited: u64, num_instances: u64, error: &Error) -> String {
    let message =
        format!("Instance usage audit stopped for host {host}, {audited} of {num_instances} instances: {error}");
    message.chars().take(MESSAGE_LENGTH).collect()
}

fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn to_signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
