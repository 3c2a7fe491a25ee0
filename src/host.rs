//! What an embedding program supplies: persistence, emission, a clock and randomness.
//!
//! The same calls, in the same words, as `wit/conductor.wit` and `wit/notifier.wit`. Any of them may fail; the failure reaches the
//! caller as an [`Error`](crate::Error) that names the callback and carries the host's own text.
//!
//! No borrow of the library is held across a callback: a host may call back in.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use chrono::NaiveDateTime;

pub use crate::error::HostError;

/// A row of the table `task_log`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskLog {
    /// `instance_usage_audit` for audits.
    pub task_name: String,
    /// `RUNNING` or `DONE`.
    pub state: String,
    /// The compute host.
    pub host: String,
    /// Begin of the window.
    pub period_beginning: NaiveDateTime,
    /// End of the window.
    pub period_ending: NaiveDateTime,
    /// What the task said last.
    pub message: String,
    /// How many items the task set out to handle.
    pub task_items: i64,
    /// How many of them failed.
    pub errors: i64,
}

/// Which instances to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WindowQuery<'a> {
    /// They were not terminated by then.
    pub begin: NaiveDateTime,
    /// They were launched before; nothing: whenever, and also never.
    pub end: Option<NaiveDateTime>,
    /// Those of one project only.
    pub project_id: Option<&'a str>,
    /// Those of one compute host only.
    pub host: Option<&'a str>,
}

/// A row of the table `bw_usage_cache`: what one vif sent and received since a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BwUsage {
    /// The instance.
    pub uuid: String,
    /// The MAC address of the vif.
    pub mac: Option<String>,
    /// Since when it is counted.
    pub start_period: NaiveDateTime,
    /// Bytes received.
    pub bw_in: Option<i64>,
    /// Bytes sent.
    pub bw_out: Option<i64>,
}

/// Some of the instances that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstancePage {
    /// One JSON document per instance, as [`Instance`](crate::instance::Instance) reads it.
    pub instances: Vec<String>,
    /// Handed back for the page that follows; nothing on the last page.
    pub next_marker: Option<String>,
}

/// The host's persistence: what Nova asks its conductor and database layer for.
#[allow(async_fn_in_trait, reason = "a callback is awaited where it is called; no bound on its future is needed")]
pub trait Conductor {
    /// The first row for this task and window, whatever its state. Nova: `task_log_get`.
    async fn task_log_get(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: &str,
    ) -> Result<Option<TaskLog>, HostError>;

    /// Insert a row in state `RUNNING` with no errors; `TaskAlreadyRunning` where there is one in any state.
    /// Nova: `task_log_begin_task`.
    async fn task_log_begin_task(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: &str,
        task_items: i64,
        message: &str,
    ) -> Result<(), HostError>;

    /// Set the row to state `DONE` with these errors and, unless absent or empty, this message; `TaskNotRunning` where there is
    /// none. Nova: `task_log_end_task`.
    async fn task_log_end_task(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: &str,
        errors: i64,
        message: Option<&str>,
    ) -> Result<(), HostError>;

    /// The instances alive at any time of a window, soft-deleted ones included, ordered by `project_id`, then `uuid`: at most
    /// `limit` of them, from the marker of the page before. Nova: `instance_get_active_by_window_joined`.
    async fn instance_get_active_by_window(
        &self,
        query: WindowQuery<'_>,
        marker: Option<&str>,
        limit: u32,
    ) -> Result<InstancePage, HostError>;

    /// How many instances all those pages hold together. Asked only where one page does not hold them all.
    async fn instance_count_active_by_window(&self, query: WindowQuery<'_>) -> Result<u64, HostError>;

    /// What the vifs of some instances sent and received, of the periods that began at `start_period`. Asked in grizzly only.
    /// Nova: `bw_usage_get_by_uuids`.
    async fn bw_usage_get_by_uuids(
        &self,
        uuids: &[String],
        start_period: NaiveDateTime,
    ) -> Result<Vec<BwUsage>, HostError>;

    /// The network info of an instance, given as its document, from whoever runs the network: a JSON list of vifs, as
    /// [`NetworkInfo`](crate::network::NetworkInfo) reads it. Asked in grizzly only, where the instance's cache has none.
    /// Nova: `get_instance_nw_info` of the network API.
    async fn instance_get_nw_info(&self, instance: &str) -> Result<String, HostError>;
}

/// How urgent a notification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Goes on the wire as `INFO`.
    Info,
    /// Goes on the wire as `ERROR`.
    Error,
}

impl Priority {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Error => "ERROR",
        }
    }
}

/// One message as oslo.messaging sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// A random UUID.
    pub message_id: String,
    /// Who speaks.
    pub publisher_id: String,
    /// What happened, such as `compute.instance.exists`.
    pub event_type: String,
    /// How urgent it is.
    pub priority: Priority,
    /// What it is about: a JSON object.
    pub payload: String,
    /// When it was made: Python's `str` of the moment, UTC.
    pub timestamp: String,
}

/// The host's emission.
#[allow(async_fn_in_trait, reason = "a callback is awaited where it is called; no bound on its future is needed")]
pub trait Notifier {
    /// Send a batch, in order. `context` is the request context as a JSON object. One answer per notification; an error in place
    /// of the answers says that none was sent and that trying more is pointless.
    async fn notify(
        &self,
        context: &str,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Result<(), HostError>>, HostError>;
}

/// The host's clock.
pub trait Clock {
    /// The present moment, UTC. Nova: `timeutils.utcnow`.
    fn utcnow(&self) -> NaiveDateTime;

    /// Seconds, for measuring how long something took. Nova: `time.time`.
    fn time(&self) -> f64 {
        let moment = self.utcnow().and_utc();
        // A 64-bit float holds today's seconds to about a quarter of a microsecond, and so does Nova's.
        #[allow(clippy::cast_precision_loss, reason = "Python's clock has the same precision")]
        let seconds = moment.timestamp() as f64;
        seconds + f64::from(moment.timestamp_subsec_nanos()) / 1e9
    }
}

/// The host's randomness.
pub trait Random {
    /// Sixteen random bytes, for a message id.
    fn random_bytes(&self) -> [u8; 16];
}

/// A host in memory, for tests and examples: its clock stands still, its ids count up.
///
/// ```
/// use nova_compute_utils::host::MemoryHost;
/// use nova_compute_utils::time;
///
/// let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25")?);
/// host.add_instance(r#"{"uuid": "5a92d5c4-d71c-4972-bcbb-019167ffd7f1", "host": "cmp-01", "launched_at": "2026-10-05 10:43:11"}"#)?;
/// assert!(host.notifications().is_empty());
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
#[derive(Debug)]
pub struct MemoryHost {
    now: Cell<NaiveDateTime>,
    ids: Cell<u128>,
    instances: RefCell<BTreeMap<(String, String), StoredInstance>>,
    task_log: RefCell<Vec<TaskLog>>,
    bw_usage: RefCell<Vec<BwUsage>>,
    notifications: RefCell<Vec<Notification>>,
}

#[derive(Debug)]
struct StoredInstance {
    host: String,
    project_id: String,
    launched_at: Option<NaiveDateTime>,
    terminated_at: Option<NaiveDateTime>,
    json: String,
}

impl StoredInstance {
    fn is_active(&self, query: WindowQuery<'_>) -> bool {
        query.host.is_none_or(|host| self.host == host)
            && query.project_id.is_none_or(|project_id| self.project_id == project_id)
            && self.terminated_at.is_none_or(|terminated_at| terminated_at > query.begin)
            && query.end.is_none_or(|end| self.launched_at.is_some_and(|launched_at| launched_at < end))
    }
}

impl MemoryHost {
    /// An empty host whose clock stands at a moment.
    #[must_use]
    pub fn new(now: NaiveDateTime) -> Self {
        Self {
            now: Cell::new(now),
            ids: Cell::new(0),
            instances: RefCell::default(),
            task_log: RefCell::default(),
            bw_usage: RefCell::default(),
            notifications: RefCell::default(),
        }
    }

    /// Set the clock.
    pub fn set_utcnow(&self, now: NaiveDateTime) {
        self.now.set(now);
    }

    /// Store an instance; one with the same project and UUID is replaced.
    pub fn add_instance(&self, json: impl Into<String>) -> Result<(), crate::Error> {
        let json = json.into();
        let instance = crate::instance::Instance::parse(&json)?;
        let text = |field: Option<crate::document::Json<'_>>| -> Result<String, crate::Error> {
            Ok(field
                .map_or(Ok(None), super::document::Json::text)?
                .map_or_else(String::new, std::borrow::Cow::into_owned))
        };
        let project_id = text(instance.project_id)?;
        let key = (project_id.clone(), instance.uuid()?.into_owned());
        let stored = StoredInstance {
            host: text(instance.host)?,
            project_id,
            launched_at: crate::instance::moment("launched_at", instance.launched_at)?,
            terminated_at: crate::instance::moment("terminated_at", instance.terminated_at)?,
            json: json.clone(),
        };
        self.instances.borrow_mut().insert(key, stored);
        Ok(())
    }

    /// Store what a vif sent and received.
    pub fn add_bw_usage(&self, row: BwUsage) {
        self.bw_usage.borrow_mut().push(row);
    }

    /// The rows of the task log, oldest first.
    #[must_use]
    pub fn task_log(&self) -> Vec<TaskLog> {
        self.task_log.borrow().clone()
    }

    /// What was sent, oldest first.
    #[must_use]
    pub fn notifications(&self) -> Vec<Notification> {
        self.notifications.borrow().clone()
    }

    fn find<T>(
        &self,
        task_name: &str,
        window: (NaiveDateTime, NaiveDateTime),
        host: &str,
        found: impl FnOnce(&mut TaskLog) -> T,
    ) -> Option<T> {
        let mut rows = self.task_log.borrow_mut();
        let row = rows.iter_mut().find(|row| {
            row.task_name == task_name && (row.period_beginning, row.period_ending) == window && row.host == host
        })?;
        Some(found(row))
    }
}

impl Conductor for MemoryHost {
    async fn task_log_get(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: &str,
    ) -> Result<Option<TaskLog>, HostError> {
        Ok(self.find(task_name, (period_beginning, period_ending), host, |row| row.clone()))
    }

    async fn task_log_begin_task(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: &str,
        task_items: i64,
        message: &str,
    ) -> Result<(), HostError> {
        if self.find(task_name, (period_beginning, period_ending), host, |_| ()).is_some() {
            let message = format!("Task {task_name} is already running on host {host}");
            return Err(HostError::new("TaskAlreadyRunning", message));
        }
        self.task_log.borrow_mut().push(TaskLog {
            task_name: task_name.to_owned(),
            state: "RUNNING".to_owned(),
            host: host.to_owned(),
            period_beginning,
            period_ending,
            message: message.to_owned(),
            task_items,
            errors: 0,
        });
        Ok(())
    }

    async fn task_log_end_task(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: &str,
        errors: i64,
        message: Option<&str>,
    ) -> Result<(), HostError> {
        self.find(task_name, (period_beginning, period_ending), host, |row| {
            "DONE".clone_into(&mut row.state);
            row.errors = errors;
            if let Some(message) = message.filter(|message| !message.is_empty()) {
                message.clone_into(&mut row.message);
            }
        })
        .ok_or_else(|| HostError::new("TaskNotRunning", format!("Task {task_name} is not running on host {host}")))
    }

    async fn instance_get_active_by_window(
        &self,
        query: WindowQuery<'_>,
        marker: Option<&str>,
        limit: u32,
    ) -> Result<InstancePage, HostError> {
        let skip = match marker {
            None => 0,
            Some(marker) => marker
                .parse()
                .map_err(|_| HostError::new("MarkerNotFound", format!("Marker {marker} could not be found.")))?,
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let instances = self.instances.borrow();
        let mut active = instances.values().filter(|instance| instance.is_active(query)).skip(skip);
        let page: Vec<String> = active.by_ref().take(limit).map(|instance| instance.json.clone()).collect();
        let next_marker = active.next().map(|_| skip.saturating_add(page.len()).to_string());
        Ok(InstancePage { instances: page, next_marker })
    }

    async fn instance_count_active_by_window(&self, query: WindowQuery<'_>) -> Result<u64, HostError> {
        let count = self.instances.borrow().values().filter(|instance| instance.is_active(query)).count();
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    async fn bw_usage_get_by_uuids(
        &self,
        uuids: &[String],
        start_period: NaiveDateTime,
    ) -> Result<Vec<BwUsage>, HostError> {
        let rows = self.bw_usage.borrow();
        let asked = rows.iter().filter(|row| row.start_period == start_period && uuids.contains(&row.uuid));
        Ok(asked.cloned().collect())
    }

    /// There is no network in memory.
    async fn instance_get_nw_info(&self, _instance: &str) -> Result<String, HostError> {
        Err(HostError::new(
            "NoNetworkApi",
            "this host has no network API, and the instance no network info in its cache",
        ))
    }
}

impl Notifier for MemoryHost {
    async fn notify(
        &self,
        _context: &str,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Result<(), HostError>>, HostError> {
        let answers = notifications.iter().map(|_| Ok(())).collect();
        self.notifications.borrow_mut().extend(notifications);
        Ok(answers)
    }
}

impl Clock for MemoryHost {
    fn utcnow(&self) -> NaiveDateTime {
        self.now.get()
    }
}

impl Random for MemoryHost {
    fn random_bytes(&self) -> [u8; 16] {
        let id = self.ids.get();
        self.ids.set(id.wrapping_add(1));
        id.to_be_bytes()
    }
}
