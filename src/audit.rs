//! The usage audit: one `exists` notification per instance of a host and window, and a row in the task log.

use chrono::NaiveDateTime;

use crate::context::{Config, Context};
use crate::error::Error;
use crate::host::{Clock, Conductor, InstancePage, Notification, Notifier, Random, WindowQuery, notify};
use crate::instance::Instance;
use crate::period::{self, Window};
use crate::time;
use crate::usage::{self, Exists, ExistsOptions};

/// The name of the audit in the task log.
const TASK_NAME: &str = "instance_usage_audit";

/// How many instances cross at a time: large enough that crossing costs nothing, small enough that a page fits
/// anywhere.
const PAGE_LIMIT: u32 = 500;

/// What an audit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// The compute host.
    pub host: String,
    /// The window.
    pub window: Window,
    /// How many instances there were, failed ones included.
    pub instances: u64,
    /// How many notifications were sent.
    pub notifications: u64,
    /// The instances that count as an error in the task log.
    pub failures: Vec<AuditFailure>,
    /// What stands in the task log.
    pub message: String,
}

/// An instance that could not be audited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFailure {
    /// Its UUID; nothing where even that could not be read.
    pub instance_uuid: Option<String>,
    /// Why.
    pub error: Error,
}

/// How far an audit has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditProgress {
    /// How many instances have been told of, failed ones included.
    pub instances: u64,
    /// How many there are.
    pub num_instances: u64,
    /// How many notifications were sent.
    pub notifications: u64,
    /// How many instances count as an error so far.
    pub failures: u64,
}

/// Has the audit of the window completed before `timestamp` been run for this host, or is it running?
/// Nova: `has_audit_been_run`.
pub async fn has_audit_been_run<H: Conductor + Clock>(
    services: &H,
    config: &Config,
    host: &str,
    timestamp: Option<NaiveDateTime>,
) -> Result<bool, Error> {
    let before = timestamp.unwrap_or_else(|| services.utcnow());
    let window = period::last_completed_audit_period(config, None, before)?;
    is_in_task_log(services, window, host).await
}

/// Open the task log row of an audit. Nova: `start_instance_usage_audit`.
pub async fn start_instance_usage_audit<H: Conductor>(
    services: &H,
    window: Window,
    host: &str,
    num_instances: i64,
) -> Result<(), Error> {
    let message = "Instance usage audit started...";
    services
        .task_log_begin_task(TASK_NAME, window.begin, window.end, host, num_instances, message)
        .await
        .map_err(|error| Error::host("task-log-begin-task", error))
}

/// Close the task log row of an audit. Nova: `finish_instance_usage_audit`.
pub async fn finish_instance_usage_audit<H: Conductor>(
    services: &H,
    window: Window,
    host: &str,
    errors: i64,
    message: Option<&str>,
) -> Result<(), Error> {
    services
        .task_log_end_task(TASK_NAME, window.begin, window.end, host, errors, message)
        .await
        .map_err(|error| Error::host("task-log-end-task", error))
}

/// Audit the last completed window of the configured host. Gives nothing, and does nothing, where the task log has a
/// row for it. Nova: the periodic task `_instance_usage_audit`.
///
/// Instances are read and told of page by page. A refused notification or an unreadable instance counts as one error
/// and stops nothing. Where a page cannot be read, or the notifier gives up on a batch, the row is closed with a
/// message that says so, with every instance not told of as an error, and the host's error comes back.
///
/// ```
/// use nova_compute_utils::host::MemoryHost;
/// use nova_compute_utils::{Config, Context, Release, audit, time};
///
/// # fn ready<F: std::future::Future>(future: F) -> F::Output {
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     match std::pin::pin!(future).poll(&mut context) { std::task::Poll::Ready(output) => output, _ => unreachable!() }
/// # }
/// let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25")?);
/// host.add_instance(r#"{"uuid": "48b988aa-afe1-4664-8307-784d3a2daad0", "host": "cmp-01", "launched_at": "2026-10-05 10:43:11",
///     "flavor": {"name": "m1.small", "root_gb": 20, "ephemeral_gb": 0}}"#)?;
/// let config = Config::new(Release::Hibiscus, "cmp-01");
///
/// let report = ready(audit::instance_usage_audit(&host, &config, &Context::default()))?.expect("it was not run before");
/// assert_eq!(report.message, "Instance usage audit ran for host cmp-01, 1 instances in 0.0 seconds.");
/// assert_eq!(host.notifications()[0].event_type, "compute.instance.exists");
/// assert_eq!(ready(audit::instance_usage_audit(&host, &config, &Context::default()))?, None);
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub async fn instance_usage_audit<H: Conductor + Notifier + Clock + Random>(
    services: &H,
    config: &Config,
    context: &Context,
) -> Result<Option<AuditReport>, Error> {
    observed_instance_usage_audit(services, config, context, |_| Ok(())).await
}

/// The same, observed: `observe` is told how far the audit has come, once the task log row is open and after each
/// page. An error from it stops the audit there, as one of the conductor would, and comes back.
///
/// ```
/// use nova_compute_utils::host::MemoryHost;
/// use nova_compute_utils::{Config, Context, Error, Release, audit, time};
///
/// # fn ready<F: std::future::Future>(future: F) -> F::Output {
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     match std::pin::pin!(future).poll(&mut context) { std::task::Poll::Ready(output) => output, _ => unreachable!() }
/// # }
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
    let mut window = period::audit_period_bounds(config, false, services.utcnow())?;
    if is_in_task_log(services, window, &config.host).await? {
        return Ok(None);
    }
    if config.release.computes_audit_period_twice() {
        window = period::audit_period_bounds(config, false, services.utcnow())?;
    }
    let mut audit = Audit { services, config, context, window, num_instances: 0, tally: Tally::default() };
    let first = audit.page(None).await?;
    audit.num_instances = audit.count_instances(&first).await?;
    let started = services.time();
    start_instance_usage_audit(services, window, &config.host, signed(audit.num_instances)).await?;
    let stopped = audit.run(first, observe).await.err();
    audit.finish(started, stopped).await.map(Some)
}

/// An audit under way.
struct Audit<'a, H> {
    services: &'a H,
    config: &'a Config,
    context: &'a Context,
    window: Window,
    num_instances: u64,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
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
            .instance_get_active_by_window(self.query(), marker, PAGE_LIMIT)
            .await
            .map_err(|error| Error::host("instance-get-active-by-window", error))
    }

    /// Nova knows the number before it begins, for it reads all instances at once. One page says it too where it is
    /// the only one.
    async fn count_instances(&self, first: &InstancePage) -> Result<u64, Error> {
        if first.next_marker.is_none() {
            return Ok(count(first.instances.len()));
        }
        self.services
            .instance_count_active_by_window(self.query())
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
            self.tell(&page.instances).await?;
            observe(self.progress())?;
            match page.next_marker {
                Some(marker) => page = self.page(Some(&marker)).await?,
                None => return Ok(()),
            }
        }
    }

    fn progress(&self) -> AuditProgress {
        let Tally { instances, notifications, failures } = &self.tally;
        AuditProgress {
            instances: *instances,
            num_instances: self.num_instances,
            notifications: *notifications,
            failures: count(failures.len()),
        }
    }

    /// Tell of the instances of a page, all in one batch.
    async fn tell(&mut self, instances: &[String]) -> Result<(), Error> {
        let timestamp = time::str_datetime(self.services.utcnow());
        let mut batch = Batch::default();
        for instance in instances {
            let (instance_uuid, Exists { messages, failure }) = self.exists(instance).await;
            batch.outcomes.push(Outcome { instance_uuid, failure, notifications: messages.len() });
            let notifications =
                messages.into_iter().map(|message| message.into_notification(self.services, timestamp.clone()));
            batch.notifications.extend(notifications);
        }
        let answers = notify(self.services, self.context, batch.notifications).await?;
        self.tally.count(batch.outcomes, answers);
        Ok(())
    }

    async fn exists(&self, instance: &str) -> (Option<String>, Exists) {
        let instance = match Instance::parse(instance) {
            Ok(instance) => instance.with_times_as_text(self.config.release.audits_times_as_text()),
            Err(error) => return (None, error.into()),
        };
        let (host, options) = (&self.config.host, ExistsOptions::default());
        let exists =
            usage::exists(self.services, self.config, self.context, &instance, host, self.window, &options).await;
        (instance.uuid().ok().map(std::borrow::Cow::into_owned), exists)
    }

    /// Close the row and report, or close it with what stopped the audit and give that back.
    async fn finish(self, started: f64, stopped: Option<Error>) -> Result<AuditReport, Error> {
        let Self { services, config, window, num_instances, tally, .. } = self;
        let failed = count(tally.failures.len());
        let (errors, message) = match &stopped {
            None => {
                let seconds = config.release.float(services.time() - started);
                (
                    failed,
                    format!(
                        "Instance usage audit ran for host {}, {} instances in {seconds} seconds.",
                        config.host, tally.instances
                    ),
                )
            }
            Some(error) => {
                let untold = num_instances.saturating_sub(tally.instances);
                (failed.saturating_add(untold), stopped_message(&config.host, tally.instances, num_instances, error))
            }
        };
        let closed = finish_instance_usage_audit(services, window, &config.host, signed(errors), Some(&message)).await;
        // What stopped the audit is what the caller must hear of, even where closing the row failed too.
        if let Some(error) = stopped {
            return Err(error);
        }
        closed?;
        let Tally { instances, notifications, failures } = tally;
        Ok(AuditReport { host: config.host.clone(), window, instances, notifications, failures, message })
    }
}

/// The notifications of a page and, instance by instance, how many of them there are and what went wrong before.
#[derive(Default)]
struct Batch {
    notifications: Vec<Notification>,
    outcomes: Vec<Outcome>,
}

struct Outcome {
    instance_uuid: Option<String>,
    failure: Option<Error>,
    notifications: usize,
}

impl Tally {
    /// Of an instance with several errors the first one counts.
    fn count(&mut self, outcomes: Vec<Outcome>, answers: Vec<Result<(), Error>>) {
        let mut answers = answers.into_iter();
        for outcome in outcomes {
            let mut refused = None;
            for answer in answers.by_ref().take(outcome.notifications) {
                match answer {
                    Ok(()) => self.notifications = self.notifications.saturating_add(1),
                    Err(error) => refused = refused.or(Some(error)),
                }
            }
            self.instances = self.instances.saturating_add(1);
            if let Some(error) = refused.or(outcome.failure) {
                self.failures.push(AuditFailure { instance_uuid: outcome.instance_uuid, error });
            }
        }
    }
}

async fn is_in_task_log<H: Conductor>(services: &H, window: Window, host: &str) -> Result<bool, Error> {
    services
        .task_log_get(TASK_NAME, window.begin, window.end, host)
        .await
        .map(|row| row.is_some())
        .map_err(|error| Error::host("task-log-get", error))
}

/// What the task log says of an audit that was stopped. The column takes 255 characters.
fn stopped_message(host: &str, told: u64, num_instances: u64, error: &Error) -> String {
    let message = format!("Instance usage audit stopped for host {host}, {told} of {num_instances} instances: {error}");
    message.chars().take(255).collect()
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
