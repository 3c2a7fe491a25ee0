//! A host in memory, with the rules of Nova's database layer.

use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::cmp::Reverse;

use chrono::NaiveDateTime;

use crate::context::Context;
use crate::document::{Json, ObjectWriter};
use crate::error::Error;
use crate::host::{
    ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, AuditCheckpoint, BwUsage,
    BwUsageCache, Clock, Conductor, HostError, InstanceAction, InstanceActionEvent, InstanceFault, InstanceFaultValues,
    InstancePage, Notification, Notifier, Random, TaskLog, TaskLogKey, VolumeUsageCache, WindowQuery,
};
use crate::instance::{Instance, timestamp};
use crate::release::{DatabaseRules, Release};

/// A host in memory. Its clock shows a fixed time, and its random ids count up.
///
/// It has Nova's tables and the rules of Nova's database layer: which rows a call finds and changes, and which calls
/// fail. Where the releases differ it follows the one set with [`with_release`](Self::with_release).
///
/// ```
/// use nova_compute_utils::testing::MemoryHost;
/// use nova_compute_utils::time;
///
/// let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25")?);
/// let uuid = "5a92d5c4-d71c-4972-bcbb-019167ffd7f1";
/// host.add_instance(format!(
///     r#"{{"uuid": "{uuid}", "host": "cmp-01", "launched_at": "2026-10-05 10:43:11"}}"#
/// ))?;
/// assert!(host.notifications().is_empty());
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
#[derive(Debug)]
pub struct MemoryHost {
    rules: &'static DatabaseRules,
    now: Cell<NaiveDateTime>,
    ids: Cell<u128>,
    instances: RefCell<BTreeMap<(String, String), StoredInstance>>,
    task_log: RefCell<Vec<Row<TaskLog>>>,
    instance_actions: RefCell<Vec<InstanceAction>>,
    instance_actions_events: RefCell<Vec<InstanceActionEvent>>,
    instance_faults: RefCell<Vec<Row<InstanceFault>>>,
    audit_checkpoints: RefCell<Vec<(TaskLog, AuditCheckpoint)>>,
    bw_usage_cache: RefCell<Vec<Row<BwUsageCache>>>,
    volume_usage_cache: RefCell<Vec<Row<VolumeUsageCache>>>,
    notifications: RefCell<Vec<Notification>>,
}

/// A row of a table: its values and the columns that every table has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<T> {
    /// The number of the row.
    pub id: i64,
    /// When it was inserted.
    pub created_at: NaiveDateTime,
    /// When it last changed.
    pub updated_at: Option<NaiveDateTime>,
    /// The other columns.
    pub values: T,
}

/// New counters for [`MemoryHost::bw_usage_update`]; [`BwUsageCache`] describes the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the row documents them")]
pub struct BwUsageUpdate {
    pub uuid: String,
    pub mac: String,
    pub start_period: NaiveDateTime,
    pub bw_in: i64,
    pub bw_out: i64,
    pub last_ctr_in: Option<i64>,
    pub last_ctr_out: Option<i64>,
    /// When the counters were read; `None` means now.
    pub last_refreshed: Option<NaiveDateTime>,
}

/// New counters for [`MemoryHost::vol_usage_update`], under Nova's names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VolUsageUpdate {
    /// The volume.
    pub id: String,
    /// Read requests.
    pub rd_req: i64,
    /// Bytes read.
    pub rd_bytes: i64,
    /// Write requests.
    pub wr_req: i64,
    /// Bytes written.
    pub wr_bytes: i64,
    /// The instance that it is attached to.
    pub instance_id: Option<String>,
    /// The project of that instance.
    pub project_id: Option<String>,
    /// The user of that instance.
    pub user_id: Option<String>,
    /// The availability zone of the volume.
    pub availability_zone: Option<String>,
    /// Whether the counters are added to the totals and start again from zero.
    pub update_totals: bool,
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
    /// Creates an empty host whose clock shows `now`, with the rules of `hibiscus`.
    #[must_use]
    pub fn new(now: NaiveDateTime) -> Self {
        Self {
            rules: Release::Hibiscus.database_rules(),
            now: Cell::new(now),
            ids: Cell::new(0),
            instances: RefCell::default(),
            task_log: RefCell::default(),
            instance_actions: RefCell::default(),
            instance_actions_events: RefCell::default(),
            instance_faults: RefCell::default(),
            audit_checkpoints: RefCell::default(),
            bw_usage_cache: RefCell::default(),
            volume_usage_cache: RefCell::default(),
            notifications: RefCell::default(),
        }
    }

    /// Sets the release whose rules the host follows.
    #[must_use]
    pub fn with_release(self, release: Release) -> Self {
        Self { rules: release.database_rules(), ..self }
    }

    /// Sets the clock.
    pub fn set_utcnow(&self, now: NaiveDateTime) {
        self.now.set(now);
    }

    /// Stores an instance, in place of one with the same project and UUID. Fails with `ValueError` when its UUID is
    /// missing or one of its timestamps cannot be read.
    pub fn add_instance(&self, json: impl Into<String>) -> Result<(), Error> {
        let json = json.into();
        let instance = Instance::parse(&json)?;
        let text = |field: Option<Json<'_>>| -> Result<String, Error> {
            Ok(field.map_or(Ok(None), Json::text)?.map_or_else(String::new, Cow::into_owned))
        };
        let project_id = text(instance.project_id)?;
        let key = (project_id.clone(), instance.uuid()?.into_owned());
        let stored = StoredInstance {
            host: text(instance.host)?,
            project_id,
            launched_at: timestamp("launched_at", instance.launched_at)?,
            terminated_at: timestamp("terminated_at", instance.terminated_at)?,
            json: json.clone(),
        };
        self.instances.borrow_mut().insert(key, stored);
        Ok(())
    }

    /// Returns the rows of `task_log`, oldest first.
    #[must_use]
    pub fn task_log(&self) -> Vec<TaskLog> {
        self.task_log.borrow().iter().map(|row| row.values.clone()).collect()
    }

    /// Returns the rows of `task_log` with the columns that every table has, oldest first.
    #[must_use]
    pub fn task_log_rows(&self) -> Vec<Row<TaskLog>> {
        self.task_log.borrow().clone()
    }

    /// Returns the rows of `task_log` of a task and window; `None` means any host and any state. Nova:
    /// `task_log_get_all`, whose first row `task_log_get` returns.
    #[must_use]
    pub fn task_log_get_all(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: Option<&str>,
        state: Option<&str>,
    ) -> Vec<Row<TaskLog>> {
        let selected = |row: &&Row<TaskLog>| {
            let row = &row.values;
            let key = TaskLogKey { task_name, period_beginning, period_ending, host: host.unwrap_or(&row.host) };
            has_key(row, key) && state.is_none_or(|state| row.state == state)
        };
        self.task_log.borrow().iter().filter(selected).cloned().collect()
    }

    /// Returns the rows of `instance_actions`, oldest first.
    #[must_use]
    pub fn instance_actions(&self) -> Vec<InstanceAction> {
        self.instance_actions.borrow().clone()
    }

    /// Returns the rows of `instance_actions_events`, oldest first.
    #[must_use]
    pub fn instance_actions_events(&self) -> Vec<InstanceActionEvent> {
        self.instance_actions_events.borrow().clone()
    }

    /// Returns the rows of `instance_faults`, oldest first.
    #[must_use]
    pub fn instance_faults(&self) -> Vec<Row<InstanceFault>> {
        self.instance_faults.borrow().clone()
    }

    /// Inserts a fault. Nova: `instance_fault_create`.
    pub fn insert_instance_fault(&self, fault: InstanceFault) {
        self.insert(&mut self.instance_faults.borrow_mut(), fault);
    }

    /// Returns a list of faults per instance, newest first; with `latest` at most the newest one. Nova:
    /// `instance_fault_get_by_instance_uuids`.
    #[must_use]
    pub fn instance_fault_get_by_instance_uuids(
        &self,
        instance_uuids: &[&str],
        latest: bool,
    ) -> BTreeMap<String, Vec<Row<InstanceFault>>> {
        let rows = self.instance_faults.borrow();
        let of_instance = |uuid: &&str| {
            let mut faults: Vec<_> = rows.iter().filter(|row| row.values.instance_uuid == *uuid).cloned().collect();
            faults.sort_by_key(|row| Reverse((row.created_at, row.id)));
            if latest {
                // Nova looks for the highest id here, and not for the newest timestamp.
                faults.sort_by_key(|row| Reverse(row.id));
                faults.truncate(1);
            }
            ((*uuid).to_owned(), faults)
        };
        instance_uuids.iter().map(of_instance).collect()
    }

    /// Returns the rows of `bw_usage_cache`, oldest first.
    #[must_use]
    pub fn bw_usage_cache(&self) -> Vec<Row<BwUsageCache>> {
        self.bw_usage_cache.borrow().clone()
    }

    /// Returns the rows of `volume_usage_cache`, oldest first.
    #[must_use]
    pub fn volume_usage_cache(&self) -> Vec<Row<VolumeUsageCache>> {
        self.volume_usage_cache.borrow().clone()
    }

    /// Inserts or replaces the counters of a vif in a period. Nova: `bw_usage_update`.
    pub fn bw_usage_update(&self, update: BwUsageUpdate) {
        let values = BwUsageCache {
            uuid: update.uuid,
            mac: update.mac,
            start_period: update.start_period,
            last_refreshed: update.last_refreshed.unwrap_or_else(|| self.now.get()),
            bw_in: update.bw_in,
            bw_out: update.bw_out,
            last_ctr_in: update.last_ctr_in,
            last_ctr_out: update.last_ctr_out,
        };
        let mut rows = self.bw_usage_cache.borrow_mut();
        let key = |row: &BwUsageCache| (row.uuid.clone(), row.mac.clone(), row.start_period);
        let same = |row: &&mut Row<BwUsageCache>| key(&row.values) == key(&values);
        match rows.iter_mut().find(same) {
            Some(row) => {
                row.values = values;
                row.updated_at = Some(self.now.get());
            }
            None => self.insert(&mut rows, values),
        }
    }

    /// Returns the counters of a vif in a period. Nova: `bw_usage_get`.
    #[must_use]
    pub fn bw_usage_get(&self, uuid: &str, start_period: NaiveDateTime, mac: &str) -> Option<Row<BwUsageCache>> {
        self.bw_usage_of(&[uuid], start_period).into_iter().find(|row| row.values.mac == mac)
    }

    /// Returns the counters of some instances in a period. Nova: `bw_usage_get_by_uuids`.
    #[must_use]
    pub fn bw_usage_of(&self, uuids: &[&str], start_period: NaiveDateTime) -> Vec<Row<BwUsageCache>> {
        let selected = |row: &&Row<BwUsageCache>| {
            uuids.contains(&row.values.uuid.as_str()) && row.values.start_period == start_period
        };
        self.bw_usage_cache.borrow().iter().filter(selected).cloned().collect()
    }

    /// Stores the counters of a volume as the current ones or, with `update_totals`, adds them to the totals. A counter
    /// below the current one has restarted: the current ones are added to the totals first. Returns the row. Nova:
    /// `vol_usage_update`.
    pub fn vol_usage_update(&self, update: VolUsageUpdate) -> Row<VolumeUsageCache> {
        let now = self.now.get();
        let mut rows = self.volume_usage_cache.borrow_mut();
        let index = rows.iter().position(|row| row.values.volume_id == update.id).unwrap_or_else(|| {
            self.insert(&mut rows, unused_volume(update.id.clone()));
            rows.len().saturating_sub(1)
        });
        let Some(row) = rows.get_mut(index) else {
            return Row { id: 0, created_at: now, updated_at: None, values: unused_volume(update.id) };
        };
        // Nova does not set `updated_at` when it inserts a row.
        let is_new = row.values.curr_last_refreshed.is_none() && row.values.tot_last_refreshed.is_none();
        row.updated_at = Some(now).filter(|_| !is_new);
        refresh(&mut row.values, update, now);
        row.clone()
    }

    /// Returns the volumes whose counters were read, or whose totals grew, after `begin`, or whose timestamp is null.
    /// Nova: `vol_get_usage_by_time`.
    #[must_use]
    pub fn vol_get_usage_by_time(&self, begin: NaiveDateTime) -> Vec<Row<VolumeUsageCache>> {
        let later = |time: Option<NaiveDateTime>| time.is_none_or(|time| time > begin);
        let selected = |row: &&Row<VolumeUsageCache>| {
            later(row.values.tot_last_refreshed) || later(row.values.curr_last_refreshed)
        };
        self.volume_usage_cache.borrow().iter().filter(selected).cloned().collect()
    }

    /// Returns the notifications that were sent, oldest first.
    #[must_use]
    pub fn notifications(&self) -> Vec<Notification> {
        self.notifications.borrow().clone()
    }

    /// Deletes all actions, as a purge of the database does.
    pub fn purge_actions(&self) {
        self.instance_actions.borrow_mut().clear();
    }

    fn insert<T>(&self, rows: &mut Vec<Row<T>>, values: T) {
        rows.push(Row { id: next_id(rows.len()), created_at: self.now.get(), updated_at: None, values });
    }

    /// Finds the action that an event of this request belongs to: its index, and whether the request owns it.
    fn find_action(
        &self,
        context: &Context,
        instance_uuid: &str,
        request_id: Option<&str>,
    ) -> Result<(usize, bool), HostError> {
        let actions = self.instance_actions.borrow();
        let of_instance =
            || actions.iter().enumerate().filter(|(_, action)| action.instance_uuid.as_deref() == Some(instance_uuid));
        let newest = |(_, action): &(usize, &InstanceAction)| (action.created_at, action.id);
        let mut own = of_instance().filter(|(_, action)| action.request_id.as_deref() == request_id);
        let own = if self.rules.uses_newest_action { own.max_by_key(newest) } else { own.next() };
        let has_project = context.project_id.as_deref().is_some_and(|project_id| !project_id.is_empty());
        own.map(|(index, _)| (index, true))
            .or_else(|| {
                let others = of_instance().filter(|_| self.rules.uses_newest_action && !has_project);
                others.max_by_key(newest).map(|(index, _)| (index, false))
            })
            .ok_or_else(|| action_not_found(instance_uuid, request_id))
    }
}

fn next_id(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX).saturating_add(1)
}

fn has_key(row: &TaskLog, key: TaskLogKey<'_>) -> bool {
    (row.task_name.as_str(), row.period_beginning, row.period_ending, row.host.as_str())
        == (key.task_name, key.period_beginning, key.period_ending, key.host)
}

/// Makes a row in state `RUNNING`.
fn task_log(key: TaskLogKey<'_>, task_items: i64, message: &str) -> TaskLog {
    TaskLog {
        task_name: key.task_name.to_owned(),
        state: "RUNNING".to_owned(),
        host: key.host.to_owned(),
        period_beginning: key.period_beginning,
        period_ending: key.period_ending,
        message: message.to_owned(),
        task_items,
        errors: 0,
    }
}

fn unused_volume(volume_id: String) -> VolumeUsageCache {
    VolumeUsageCache { volume_id, ..VolumeUsageCache::default() }
}

fn refresh(row: &mut VolumeUsageCache, update: VolUsageUpdate, now: NaiveDateTime) {
    let restarted = update.rd_req < row.curr_reads
        || update.rd_bytes < row.curr_read_bytes
        || update.wr_req < row.curr_writes
        || update.wr_bytes < row.curr_write_bytes;
    let counters = [
        (&mut row.tot_reads, &mut row.curr_reads, update.rd_req),
        (&mut row.tot_read_bytes, &mut row.curr_read_bytes, update.rd_bytes),
        (&mut row.tot_writes, &mut row.curr_writes, update.wr_req),
        (&mut row.tot_write_bytes, &mut row.curr_write_bytes, update.wr_bytes),
    ];
    for (total, current, counter) in counters {
        if restarted {
            *total = total.saturating_add(*current);
        }
        if update.update_totals {
            *total = total.saturating_add(counter);
            *current = 0;
        } else {
            *current = counter;
        }
    }
    let refreshed = if update.update_totals { &mut row.tot_last_refreshed } else { &mut row.curr_last_refreshed };
    *refreshed = Some(now);
    row.instance_uuid = update.instance_id;
    row.project_id = update.project_id;
    row.user_id = update.user_id;
    row.availability_zone = update.availability_zone;
}

fn action_not_found(instance_uuid: &str, request_id: Option<&str>) -> HostError {
    let mut arguments = ObjectWriter::new();
    arguments.text_or_null("request_id", request_id);
    arguments.text("instance_uuid", instance_uuid);
    let request_id = request_id.unwrap_or("None");
    let message = format!("Action for request_id {request_id} on instance {instance_uuid} not found");
    HostError::new("InstanceActionNotFound", message).with_arguments(arguments.finish())
}

fn event_not_found(event: &str, action_id: i64) -> HostError {
    let mut arguments = ObjectWriter::new();
    arguments.text("event", event);
    arguments.value("action_id", &action_id.to_string());
    let message = format!("Event {event} not found for action id {action_id}");
    HostError::new("InstanceActionEventNotFound", message).with_arguments(arguments.finish())
}

fn task_error(code: &str, key: TaskLogKey<'_>, state: &str) -> HostError {
    let TaskLogKey { task_name, host, .. } = key;
    let mut arguments = ObjectWriter::new();
    arguments.text("task_name", task_name);
    arguments.text("host", host);
    HostError::new(code, format!("Task {task_name} is {state} on host {host}")).with_arguments(arguments.finish())
}

impl Conductor for MemoryHost {
    async fn task_log_get(&self, _: &Context, key: TaskLogKey<'_>) -> Result<Option<TaskLog>, HostError> {
        let rows = self.task_log.borrow();
        Ok(rows.iter().find(|row| has_key(&row.values, key)).map(|row| row.values.clone()))
    }

    async fn task_log_begin_task(
        &self,
        _: &Context,
        key: TaskLogKey<'_>,
        task_items: i64,
        message: &str,
    ) -> Result<(), HostError> {
        let mut rows = self.task_log.borrow_mut();
        if rows.iter().any(|row| has_key(&row.values, key)) {
            return Err(task_error("TaskAlreadyRunning", key, "already running"));
        }
        if message.is_empty() {
            // Nova leaves an empty message out, and the column does not accept null.
            return Err(HostError::new("DBError", "NOT NULL constraint failed: task_log.message"));
        }
        self.insert(&mut rows, task_log(key, task_items, message));
        Ok(())
    }

    async fn task_log_end_task(
        &self,
        _: &Context,
        key: TaskLogKey<'_>,
        errors: i64,
        message: Option<&str>,
    ) -> Result<(), HostError> {
        let mut rows = self.task_log.borrow_mut();
        let row = rows.iter_mut().find(|row| has_key(&row.values, key));
        let row = row.ok_or_else(|| task_error("TaskNotRunning", key, "not running"))?;
        row.updated_at = Some(self.now.get());
        "DONE".clone_into(&mut row.values.state);
        row.values.errors = errors;
        if let Some(message) = message.filter(|message| !message.is_empty()) {
            message.clone_into(&mut row.values.message);
        }
        if errors == 0 {
            self.audit_checkpoints.borrow_mut().retain(|(row, _)| !has_key(row, key));
        }
        Ok(())
    }

    async fn audit_checkpoint_get(
        &self,
        _: &Context,
        key: TaskLogKey<'_>,
    ) -> Result<Option<AuditCheckpoint>, HostError> {
        let checkpoints = self.audit_checkpoints.borrow();
        Ok(checkpoints.iter().find(|(row, _)| has_key(row, key)).map(|(_, checkpoint)| checkpoint.clone()))
    }

    async fn audit_checkpoint_put(
        &self,
        _: &Context,
        key: TaskLogKey<'_>,
        checkpoint: &AuditCheckpoint,
    ) -> Result<bool, HostError> {
        let mut checkpoints = self.audit_checkpoints.borrow_mut();
        checkpoints.retain(|(row, _)| !has_key(row, key));
        checkpoints.push((task_log(key, 0, ""), checkpoint.clone()));
        Ok(true)
    }

    async fn instance_get_active_by_window(
        &self,
        _: &Context,
        query: WindowQuery<'_>,
        marker: Option<&str>,
        limit: u32,
    ) -> Result<InstancePage, HostError> {
        let skip = marker.map_or(Ok(0), |marker| {
            marker.parse().map_err(|_| {
                let mut arguments = ObjectWriter::new();
                arguments.text("marker", marker);
                let message = format!("Marker {marker} could not be found.");
                HostError::new("MarkerNotFound", message).with_arguments(arguments.finish())
            })
        })?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let instances = self.instances.borrow();
        let mut active = instances.values().filter(|instance| instance.is_active(query)).skip(skip);
        let page: Vec<String> = active.by_ref().take(limit).map(|instance| instance.json.clone()).collect();
        let next_marker = active.next().map(|_| skip.saturating_add(page.len()).to_string());
        Ok(InstancePage { instances: page, unreadable: Vec::new(), next_marker })
    }

    async fn instance_count_active_by_window(&self, _: &Context, query: WindowQuery<'_>) -> Result<u64, HostError> {
        let count = self.instances.borrow().values().filter(|instance| instance.is_active(query)).count();
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    async fn bw_usage_get_by_uuids(
        &self,
        _: &Context,
        uuids: &[String],
        start_period: NaiveDateTime,
    ) -> Result<Vec<BwUsage>, HostError> {
        let uuids: Vec<&str> = uuids.iter().map(String::as_str).collect();
        Ok(self.bw_usage_of(&uuids, start_period).into_iter().map(|row| row.values.into()).collect())
    }

    /// Always fails with `NoNetworkApi`.
    async fn instance_get_nw_info(&self, _: &Context, _: &str) -> Result<String, HostError> {
        let message = "this host has no network API, and the instance's cache has no network info";
        Err(HostError::new("NoNetworkApi", message))
    }

    async fn instance_fault_create(&self, _: &Context, values: &InstanceFaultValues) -> Result<(), HostError> {
        let InstanceFaultValues { instance_uuid, code, message, details, host } = values.clone();
        // The column accepts an integer, or a string that contains one.
        let code = code
            .trim_matches('"')
            .parse()
            .map_err(|_| HostError::new("DBError", format!("the code of a fault is `{code}`: give a whole number")))?;
        let (message, details, host) = (Some(message), Some(details), Some(host));
        self.insert_instance_fault(InstanceFault { instance_uuid, code, message, details, host });
        Ok(())
    }

    async fn action_start(&self, _: &Context, values: &ActionStartValues) -> Result<Option<InstanceAction>, HostError> {
        let mut actions = self.instance_actions.borrow_mut();
        let action = InstanceAction {
            id: next_id(actions.len()),
            action: values.action.clone(),
            instance_uuid: Some(values.instance_uuid.clone()),
            request_id: values.request_id.clone(),
            user_id: values.user_id.clone(),
            project_id: values.project_id.clone(),
            start_time: values.start_time,
            created_at: Some(self.now.get()),
            updated_at: values.updated_at,
            ..InstanceAction::default()
        };
        actions.push(action.clone());
        Ok(Some(action))
    }

    async fn action_finish(
        &self,
        _: &Context,
        values: &ActionFinishValues,
    ) -> Result<Option<InstanceAction>, HostError> {
        let mut actions = self.instance_actions.borrow_mut();
        let mut matching: Vec<&mut InstanceAction> = actions
            .iter_mut()
            .filter(|action| action.instance_uuid.as_deref() == Some(&values.instance_uuid))
            .filter(|action| action.request_id == values.request_id)
            .collect();
        match matching.as_mut_slice() {
            [action, more @ ..] if more.is_empty() || !self.rules.requires_one_action_to_finish => {
                update(*action, self.now.get(), |action| {
                    action.finish_time = Some(values.finish_time);
                    action.updated_at = values.updated_at.or(action.updated_at);
                });
                Ok(Some(action.clone()))
            }
            _ => Err(action_not_found(&values.instance_uuid, values.request_id.as_deref())),
        }
    }

    async fn action_event_start(
        &self,
        context: &Context,
        values: &ActionEventStartValues,
    ) -> Result<Option<InstanceActionEvent>, HostError> {
        let (instance_uuid, request_id) = (&values.instance_uuid, values.request_id.as_deref());
        let (index, is_own) = self.find_action(context, instance_uuid, request_id)?;
        let mut actions = self.instance_actions.borrow_mut();
        let action = actions.get_mut(index).ok_or_else(|| action_not_found(instance_uuid, request_id))?;
        if is_own && self.rules.events_update_action {
            action.updated_at = Some(values.start_time);
        }
        let mut events = self.instance_actions_events.borrow_mut();
        let event = InstanceActionEvent {
            id: next_id(events.len()),
            event: Some(values.event.clone()),
            action_id: Some(action.id),
            start_time: Some(values.start_time),
            host: values.host.clone(),
            created_at: Some(self.now.get()),
            ..InstanceActionEvent::default()
        };
        events.push(event.clone());
        Ok(Some(event))
    }

    async fn action_event_finish(
        &self,
        context: &Context,
        values: &ActionEventFinishValues,
    ) -> Result<Option<InstanceActionEvent>, HostError> {
        let (instance_uuid, request_id) = (&values.instance_uuid, values.request_id.as_deref());
        let (index, is_own) = self.find_action(context, instance_uuid, request_id)?;
        let mut actions = self.instance_actions.borrow_mut();
        let action = actions.get_mut(index).ok_or_else(|| action_not_found(instance_uuid, request_id))?;
        let mut events = self.instance_actions_events.borrow_mut();
        let event = events
            .iter_mut()
            .find(|event| event.action_id == Some(action.id) && event.event.as_ref() == Some(&values.event))
            .ok_or_else(|| event_not_found(&values.event, action.id))?;
        let now = self.now.get();
        update(event, now, |event| {
            event.finish_time = Some(values.finish_time);
            event.result = Some(values.result.clone());
            event.traceback = values.traceback.clone().or(event.traceback.take());
            event.details = values.details.clone().or(event.details.take());
        });
        update(action, now, |action| {
            if values.result.eq_ignore_ascii_case("error") {
                action.message = Some("Error".to_owned());
            }
            if is_own && self.rules.events_update_action {
                action.updated_at = Some(values.finish_time);
            }
        });
        Ok(Some(event.clone()))
    }
}

/// A row with the column `updated_at`.
trait Updated: Clone + PartialEq {
    fn updated_at(&mut self) -> &mut Option<NaiveDateTime>;
}

impl Updated for InstanceAction {
    fn updated_at(&mut self) -> &mut Option<NaiveDateTime> {
        &mut self.updated_at
    }
}

impl Updated for InstanceActionEvent {
    fn updated_at(&mut self) -> &mut Option<NaiveDateTime> {
        &mut self.updated_at
    }
}

/// Changes a row and sets `updated_at` to now, unless nothing changed or the change sets it.
fn update<R: Updated>(row: &mut R, now: NaiveDateTime, change: impl FnOnce(&mut R)) {
    let mut before = row.clone();
    change(row);
    if *row != before && row.updated_at() == before.updated_at() {
        *row.updated_at() = Some(now);
    }
}

impl Notifier for MemoryHost {
    async fn notify(
        &self,
        _: &Context,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time;

    fn counters([rd_req, rd_bytes, wr_req, wr_bytes]: [i64; 4], update_totals: bool) -> VolUsageUpdate {
        VolUsageUpdate {
            id: "volume".to_owned(),
            rd_req,
            rd_bytes,
            wr_req,
            wr_bytes,
            update_totals,
            ..Default::default()
        }
    }

    proptest::proptest! {
        /// Totals and current counters together never shrink, whichever values the counters have.
        #[test]
        fn loses_no_usage(updates: Vec<([u16; 4], bool)>) {
            let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25").expect("a timestamp"));
            let mut before = [0; 4];
            for (values, update_totals) in updates {
                let usage = host.vol_usage_update(counters(values.map(i64::from), update_totals)).values;
                let after = [
                    usage.tot_reads + usage.curr_reads,
                    usage.tot_read_bytes + usage.curr_read_bytes,
                    usage.tot_writes + usage.curr_writes,
                    usage.tot_write_bytes + usage.curr_write_bytes,
                ];
                proptest::prop_assert!(before.iter().zip(after).all(|(before, after)| *before <= after));
                before = after;
            }
            proptest::prop_assert!(host.volume_usage_cache().len() <= 1);
        }
    }
}
