//! The usage audit: one `exists` notification per instance of a host and window, and a row in the task log.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::NaiveDateTime;

use crate::context::{Config, Context};
use crate::error::Error;
use crate::host::{Clock, Conductor, InstancePage, Notification, Notifier, Random, TaskLogKey, WindowQuery, notify};
use crate::instance::Instance;
use crate::period::{self, Window};
use crate::release::Release;
use crate::time;
use crate::usage::{self, ExistsMessages, ExistsOptions};

/// The name of the audit in the task log.
const TASK_NAME: &str = "instance_usage_audit";

/// The largest number of instances in a page: large enough that the cost of a callback does not matter, small enough
/// that a page fits into memory.
const PAGE_LIMIT: u32 = 500;

/// The length of the column `task_log.message`, in characters.
const MESSAGE_LENGTH: usize = 255;

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
    is_in_task_log(services, context, window, host).await
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
/// row for the window. Nova: the periodic task `_instance_usage_audit`.
///
/// The audit reads the instances and sends their notifications page by page. A refused notification or an unreadable
/// instance counts as one error, and the audit continues. When a page cannot be read, or the notifier fails on a whole
/// batch, the audit stops: it finishes the task log row with a message that says so, counts every remaining instance as
/// an error, and returns the host's error.
///
/// ```
/// use nova_compute_utils::testing::{MemoryHost, ready};
/// use nova_compute_utils::{Config, Context, Release, audit, time};
///
/// let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25")?);
/// host.add_instance(r#"{"uuid": "48b988aa-afe1-4664-8307-784d3a2daad0", "host": "cmp-01", "launched_at": "2026-10-05 10:43:11",
///     "flavor": {"name": "m1.small", "root_gb": 20, "ephemeral_gb": 0}}"#)?;
/// let (config, context) = (Config::new(Release::Hibiscus, "cmp-01"), Context::default());
///
/// let report = ready(audit::instance_usage_audit(&host, &config, &context))?.expect("the window is not audited yet");
/// assert_eq!(report.message, "Instance usage audit ran for host cmp-01, 1 instances in 0.0 seconds.");
/// assert_eq!(host.notifications()[0].event_type, "compute.instance.exists");
/// assert_eq!(ready(audit::instance_usage_audit(&host, &config, &context))?, None);
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub async fn instance_usage_audit<H: Conductor + Notifier + Clock + Random>(
    services: &H,
    config: &Config,
    context: &Context,
) -> Result<Option<AuditReport>, Error> {
    observed_instance_usage_audit(services, config, context, |_| Ok(())).await
}

/// Runs [`instance_usage_audit`] and passes its progress to `observe` once the task log row is inserted and after each
/// page. An error from `observe` stops the audit, like a page that cannot be read.
///
/// ```
/// use nova_compute_utils::testing::{MemoryHost, ready};
/// use nova_compute_utils::{Config, Context, Error, Release, audit, time};
///
/// let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25")?);
/// host.add_instance(r#"{"uuid": "48b988aa-afe1-4664-8307-784d3a2daad0", "host": "cmp-01", "launched_at": "2026-10-05 10:43:11"}"#)?;
/// let config = Config::new(Release::Hibiscus, "cmp-01");
/// let stopped = ready(audit::observed_instance_usage_audit(&host, &config, &Context::default(), |progress| {
///     assert_eq!((progress.instances, progress.num_instances), (0, 1));
///     Err(Error::new("AbortError", "the operator has stopped it"))
/// }));
/// assert_eq!(stopped.unwrap_err().code(), "AbortError");
/// assert_eq!(
///     host.task_log()[0].message,
///     "Instance usage audit stopped for host cmp-01, 0 of 1 instances: the operator has stopped it"
/// );
/// assert_eq!(host.task_log()[0].errors, 1);
/// # Ok::<(), Error>(())
/// ```
pub async fn observed_instance_usage_audit<H: Conductor + Notifier + Clock + Random>(
    services: &H,
    config: &Config,
    context: &Context,
    observe: impl FnMut(AuditProgress) -> Result<(), Error>,
) -> Result<Option<AuditReport>, Error> {
    let Config { release, host, instance_usage_audit_period, .. } = config;
    let last_window = || period::audit_period_bounds(*release, instance_usage_audit_period, false, services.utcnow());
    let mut window = last_window()?;
    if is_in_task_log(services, context, window, host).await? {
        return Ok(None);
    }
    if release.rules().computes_audit_period_twice {
        window = last_window()?;
    }
    let mut audit = Audit { services, config, context, window, num_instances: 0, counts: Counts::default() };
    let first = audit.page(None).await?;
    audit.num_instances = audit.count_instances(&first).await?;
    let started = services.time();
    start_instance_usage_audit(services, context, window, host, to_signed(audit.num_instances)).await?;
    let stopped = audit.run(first, observe).await.err();
    audit.finish(started, stopped).await.map(Some)
}

/// A running audit.
struct Audit<'a, H> {
    services: &'a H,
    config: &'a Config,
    context: &'a Context,
    window: Window,
    num_instances: u64,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    instances: u64,
    notifications: u64,
    failures: Vec<AuditFailure>,
}

impl<H: Conductor + Notifier + Clock + Random> Audit<'_, H> {
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
            return Ok(to_u64(first.instances.len()));
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
            self.emit(&page.instances).await?;
            observe(self.progress())?;
            match page.next_marker {
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
    async fn emit(&mut self, instances: &[String]) -> Result<(), Error> {
        let timestamp = time::str_datetime(self.services.utcnow());
        let mut batch = Batch::default();
        for instance in instances {
            let (instance_uuid, ExistsMessages { messages, failure }) = self.exists(instance).await;
            batch.instances.push(BatchInstance { instance_uuid, failure, notifications: messages.len() });
            let notifications =
                messages.into_iter().map(|message| message.into_notification(self.services, timestamp.clone()));
            batch.notifications.extend(notifications);
        }
        let answers = notify(self.services, self.context, batch.notifications).await?;
        self.counts.add(batch.instances, answers);
        Ok(())
    }

    async fn exists(&self, instance: &str) -> (Option<String>, ExistsMessages) {
        let Self { services, config, context, window, .. } = self;
        let instance = match Instance::parse(instance) {
            Ok(instance) => instance.with_times_as_text(config.release.rules().has_times_as_text),
            Err(error) => return (None, error.into()),
        };
        let options = ExistsOptions::default();
        let messages =
            usage::exists_messages(*services, config, context, &instance, &config.host, *window, &options).await;
        (instance.uuid().ok().map(Cow::into_owned), messages)
    }

    /// Finishes the task log row. Returns the report, or the error that stopped the audit.
    async fn finish(self, started: f64, stopped: Option<Error>) -> Result<AuditReport, Error> {
        let Self { services, config, context, window, num_instances, counts } = self;
        let (host, failed) = (&config.host, to_u64(counts.failures.len()));
        let (errors, message) = match &stopped {
            None => {
                let seconds = (config.release.rules().float)(services.time() - started);
                let instances = counts.instances;
                let message =
                    format!("Instance usage audit ran for host {host}, {instances} instances in {seconds} seconds.");
                (failed, message)
            }
            Some(error) => {
                let remaining = num_instances.saturating_sub(counts.instances);
                (failed.saturating_add(remaining), stopped_message(host, counts.instances, num_instances, error))
            }
        };
        let finished =
            finish_instance_usage_audit(services, context, window, host, to_signed(errors), Some(&message)).await;
        // The caller needs the error that stopped the audit, even when the row could not be finished either.
        if let Some(error) = stopped {
            return Err(error);
        }
        finished?;
        let Counts { instances, notifications, failures } = counts;
        Ok(AuditReport { host: host.clone(), window, instances, notifications, failures, message })
    }
}

/// The notifications of a page, and their instances.
#[derive(Default)]
struct Batch {
    notifications: Vec<Notification>,
    instances: Vec<BatchInstance>,
}

/// An instance of a batch: its number of notifications, and why the others could not be built.
struct BatchInstance {
    instance_uuid: Option<String>,
    failure: Option<Error>,
    notifications: usize,
}

impl Counts {
    /// Adds a batch. An instance with several errors counts once, with the first one.
    fn add(&mut self, instances: Vec<BatchInstance>, answers: Vec<Result<(), Error>>) {
        let mut answers = answers.into_iter();
        for instance in instances {
            let mut refused = None;
            for answer in answers.by_ref().take(instance.notifications) {
                match answer {
                    Ok(()) => self.notifications = self.notifications.saturating_add(1),
                    Err(error) => refused = refused.or(Some(error)),
                }
            }
            self.instances = self.instances.saturating_add(1);
            if let Some(error) = refused.or(instance.failure) {
                self.failures.push(AuditFailure { instance_uuid: instance.instance_uuid, error });
            }
        }
    }
}

fn task_log_key(window: Window, host: &str) -> TaskLogKey<'_> {
    TaskLogKey { task_name: TASK_NAME, period_beginning: window.begin, period_ending: window.end, host }
}

async fn is_in_task_log<H: Conductor>(
    services: &H,
    context: &Context,
    window: Window,
    host: &str,
) -> Result<bool, Error> {
    let row = services.task_log_get(context, task_log_key(window, host)).await;
    row.map(|row| row.is_some()).map_err(|error| Error::host("task-log-get", error))
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
