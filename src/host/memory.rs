//! A host in memory, with the rules of Nova's database layer.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use chrono::NaiveDateTime;

use super::{
    ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, BwUsage, BwUsageCache,
    Clock, Conductor, HostError, InstanceAction, InstanceActionEvent, InstanceFault, InstanceFaultValues, InstancePage,
    Notification, Notifier, Random, TaskLog, VolumeUsageCache, WindowQuery,
};
use crate::context::Context;
use crate::release::Release;

/// A host in memory, for tests and examples: its clock stands still, its ids count up.
///
/// Its tables are Nova's, and so are its rules: which row is found, what is refused, what else is touched. Where the
/// database layers of the releases part it goes by the one given with [`with_release`](Self::with_release).
///
/// ```
/// use nova_compute_utils::host::MemoryHost;
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
    release: Release,
    now: Cell<NaiveDateTime>,
    ids: Cell<u128>,
    instances: RefCell<BTreeMap<(String, String), StoredInstance>>,
    task_log: RefCell<Vec<Row<TaskLog>>>,
    instance_actions: RefCell<Vec<InstanceAction>>,
    instance_actions_events: RefCell<Vec<InstanceActionEvent>>,
    instance_faults: RefCell<Vec<Row<InstanceFault>>>,
    bw_usage_cache: RefCell<Vec<Row<BwUsageCache>>>,
    volume_usage_cache: RefCell<Vec<Row<VolumeUsageCache>>>,
    notifications: RefCell<Vec<Notification>>,
}

/// A row of a table: what it holds, and what every table has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<T> {
    /// The number of the row.
    pub id: i64,
    /// When it was inserted.
    pub created_at: NaiveDateTime,
    /// When it last changed.
    pub updated_at: Option<NaiveDateTime>,
    /// What it holds.
    pub values: T,
}

/// New counters for [`MemoryHost::bw_usage_update`]; [`BwUsageCache`] says what the fields are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in the row")]
pub struct BwUsageUpdate {
    pub uuid: String,
    pub mac: String,
    pub start_period: NaiveDateTime,
    pub bw_in: i64,
    pub bw_out: i64,
    pub last_ctr_in: Option<i64>,
    pub last_ctr_out: Option<i64>,
    /// When the counters were read; absent, now.
    pub last_refreshed: Option<NaiveDateTime>,
}

/// New counters for [`MemoryHost::vol_usage_update`], under Nova's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolUsageUpdate {
    /// The volume.
    pub id: String,
    /// Requests to read.
    pub rd_req: i64,
    /// Bytes read.
    pub rd_bytes: i64,
    /// Requests to write.
    pub wr_req: i64,
    /// Bytes written.
    pub wr_bytes: i64,
    /// The instance that it is attached to.
    pub instance_id: Option<String>,
    /// The project of that instance.
    pub project_id: Option<String>,
    /// The user of that instance.
    pub user_id: Option<String>,
    /// Where it is.
    pub availability_zone: Option<String>,
    /// Add the counters to the sums, and begin anew?
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
    /// An empty host whose clock stands at a moment, with the rules of hibiscus.
    #[must_use]
    pub fn new(now: NaiveDateTime) -> Self {
        Self {
            release: Release::Hibiscus,
            now: Cell::new(now),
            ids: Cell::new(0),
            instances: RefCell::default(),
            task_log: RefCell::default(),
            instance_actions: RefCell::default(),
            instance_actions_events: RefCell::default(),
            instance_faults: RefCell::default(),
            bw_usage_cache: RefCell::default(),
            volume_usage_cache: RefCell::default(),
            notifications: RefCell::default(),
        }
    }

    /// The same host with the rules of a release.
    #[must_use]
    pub fn with_release(self, release: Release) -> Self {
        Self { release, ..self }
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
                .map_or(Ok(None), crate::document::Json::text)?
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

    /// The rows of the task log, oldest first.
    #[must_use]
    pub fn task_log(&self) -> Vec<TaskLog> {
        self.task_log.borrow().iter().map(|row| row.values.clone()).collect()
    }

    /// The rows of the task log with what every table has, oldest first.
    #[must_use]
    pub fn task_log_rows(&self) -> Vec<Row<TaskLog>> {
        self.task_log.borrow().clone()
    }

    /// The rows of the task log for this task and window; of one host or all, of one state or any. Nova:
    /// `task_log_get_all`, and the first of them `task_log_get`.
    #[must_use]
    pub fn task_log_get_all(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: Option<&str>,
        state: Option<&str>,
    ) -> Vec<Row<TaskLog>> {
        let rows = self.task_log.borrow();
        let wanted = |row: &&Row<TaskLog>| {
            is_of(&row.values, task_name, (period_beginning, period_ending))
                && host.is_none_or(|host| row.values.host == host)
                && state.is_none_or(|state| row.values.state == state)
        };
        rows.iter().filter(wanted).cloned().collect()
    }

    /// The rows of `instance_actions`, oldest first.
    #[must_use]
    pub fn instance_actions(&self) -> Vec<InstanceAction> {
        self.instance_actions.borrow().clone()
    }

    /// The rows of `instance_actions_events`, oldest first.
    #[must_use]
    pub fn instance_actions_events(&self) -> Vec<InstanceActionEvent> {
        self.instance_actions_events.borrow().clone()
    }

    /// The rows of `instance_faults`, oldest first.
    #[must_use]
    pub fn instance_faults(&self) -> Vec<Row<InstanceFault>> {
        self.instance_faults.borrow().clone()
    }

    /// Insert a fault. Nova: `instance_fault_create`.
    pub fn insert_instance_fault(&self, fault: InstanceFault) {
        self.insert(&mut self.instance_faults.borrow_mut(), fault);
    }

    /// The faults of some instances, newest first, an empty list where there is none; with `latest` the newest of each
    /// only. Nova:
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
            faults.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
            if latest {
                faults.truncate(1);
            }
            ((*uuid).to_owned(), faults)
        };
        instance_uuids.iter().map(of_instance).collect()
    }

    /// The rows of `bw_usage_cache`, oldest first.
    #[must_use]
    pub fn bw_usage_cache(&self) -> Vec<Row<BwUsageCache>> {
        self.bw_usage_cache.borrow().clone()
    }

    /// The rows of `volume_usage_cache`, oldest first.
    #[must_use]
    pub fn volume_usage_cache(&self) -> Vec<Row<VolumeUsageCache>> {
        self.volume_usage_cache.borrow().clone()
    }

    /// Keep the counters of an interface in a period, in place of those kept before. Nova: `bw_usage_update`.
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

    /// The counters of an interface in a period. Nova: `bw_usage_get`.
    #[must_use]
    pub fn bw_usage_get(&self, uuid: &str, start_period: NaiveDateTime, mac: &str) -> Option<Row<BwUsageCache>> {
        self.bw_usage_of(&[uuid], start_period).into_iter().find(|row| row.values.mac == mac)
    }

    /// The counters of some instances in a period. Nova: `bw_usage_get_by_uuids`.
    #[must_use]
    pub fn bw_usage_of(&self, uuids: &[&str], start_period: NaiveDateTime) -> Vec<Row<BwUsageCache>> {
        let wanted = |row: &&Row<BwUsageCache>| {
            uuids.contains(&row.values.uuid.as_str()) && row.values.start_period == start_period
        };
        self.bw_usage_cache.borrow().iter().filter(wanted).cloned().collect()
    }

    /// Keep the counters of a volume: as its current ones or, with `update_totals`, in its sums. Counters below the
    /// current ones have begun anew; the current ones go into the sums then. Nova: `vol_usage_update`.
    pub fn vol_usage_update(&self, update: VolUsageUpdate) -> Row<VolumeUsageCache> {
        let now = self.now.get();
        let mut rows = self.volume_usage_cache.borrow_mut();
        let at = rows.iter().position(|row| row.values.volume_id == update.id).unwrap_or_else(|| {
            self.insert(&mut rows, unused_volume(update.id.clone()));
            rows.len().saturating_sub(1)
        });
        let Some(row) = rows.get_mut(at) else {
            return Row { id: 0, created_at: now, updated_at: None, values: unused_volume(update.id) };
        };
        // A new row holds nothing yet, and its insertion is no change.
        let is_new = row.values.curr_last_refreshed.is_none() && row.values.tot_last_refreshed.is_none();
        row.updated_at = Some(now).filter(|_| !is_new);
        refresh(&mut row.values, update, now);
        row.clone()
    }

    /// The volumes whose counters were read, or whose sums grew, after a moment; likewise those where either never
    /// happened. Nova:
    /// `vol_get_usage_by_time`.
    #[must_use]
    pub fn vol_get_usage_by_time(&self, begin: NaiveDateTime) -> Vec<Row<VolumeUsageCache>> {
        let later = |moment: Option<NaiveDateTime>| moment.is_none_or(|moment| moment > begin);
        let wanted = |row: &&Row<VolumeUsageCache>| {
            later(row.values.tot_last_refreshed) || later(row.values.curr_last_refreshed)
        };
        self.volume_usage_cache.borrow().iter().filter(wanted).cloned().collect()
    }

    /// What was sent, oldest first.
    #[must_use]
    pub fn notifications(&self) -> Vec<Notification> {
        self.notifications.borrow().clone()
    }

    /// What a purge of the database does.
    #[cfg(test)]
    pub(crate) fn forget_actions(&self) {
        self.instance_actions.borrow_mut().clear();
    }

    fn insert<T>(&self, rows: &mut Vec<Row<T>>, values: T) {
        rows.push(Row { id: next_id(rows.len()), created_at: self.now.get(), updated_at: None, values });
    }

    /// The action that events of a request belong to, by its place, and whether it is that request's own.
    fn action_of(&self, context: &Context, instance_uuid: &str, request_id: Option<&str>) -> Option<(usize, bool)> {
        let actions = self.instance_actions.borrow();
        let of_instance =
            || actions.iter().enumerate().filter(|(_, action)| action.instance_uuid.as_deref() == Some(instance_uuid));
        let newest = |(_, action): &(usize, &InstanceAction)| (action.created_at, action.id);
        let mut own = of_instance().filter(|(_, action)| action.request_id.as_deref() == request_id);
        let own = if self.release.takes_newest_action() { own.max_by_key(newest) } else { own.next() }
            .map(|(at, _)| (at, true));
        let is_service = context.project_id.as_deref().is_none_or(str::is_empty);
        own.or_else(|| {
            let any = of_instance().filter(|_| is_service && self.release.takes_newest_action());
            any.max_by_key(newest).map(|(at, _)| (at, false))
        })
    }
}

fn next_id(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX).saturating_add(1)
}

fn is_of(row: &TaskLog, task_name: &str, window: (NaiveDateTime, NaiveDateTime)) -> bool {
    row.task_name == task_name && (row.period_beginning, row.period_ending) == window
}

fn unused_volume(volume_id: String) -> VolumeUsageCache {
    VolumeUsageCache {
        volume_id,
        instance_uuid: None,
        project_id: None,
        user_id: None,
        availability_zone: None,
        tot_last_refreshed: None,
        tot_reads: 0,
        tot_read_bytes: 0,
        tot_writes: 0,
        tot_write_bytes: 0,
        curr_last_refreshed: None,
        curr_reads: 0,
        curr_read_bytes: 0,
        curr_writes: 0,
        curr_write_bytes: 0,
    }
}

fn refresh(row: &mut VolumeUsageCache, update: VolUsageUpdate, now: NaiveDateTime) {
    let began_anew = update.rd_req < row.curr_reads
        || update.rd_bytes < row.curr_read_bytes
        || update.wr_req < row.curr_writes
        || update.wr_bytes < row.curr_write_bytes;
    let counters = [
        (&mut row.tot_reads, &mut row.curr_reads, update.rd_req),
        (&mut row.tot_read_bytes, &mut row.curr_read_bytes, update.rd_bytes),
        (&mut row.tot_writes, &mut row.curr_writes, update.wr_req),
        (&mut row.tot_write_bytes, &mut row.curr_write_bytes, update.wr_bytes),
    ];
    for (total, current, given) in counters {
        if began_anew {
            *total = total.saturating_add(*current);
        }
        if update.update_totals {
            *total = total.saturating_add(given);
            *current = 0;
        } else {
            *current = given;
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
    let request_id = request_id.unwrap_or("None");
    let message = format!("Action for request_id {request_id} on instance {instance_uuid} not found");
    HostError::new("InstanceActionNotFound", message)
}

impl Conductor for MemoryHost {
    async fn task_log_get(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: &str,
    ) -> Result<Option<TaskLog>, HostError> {
        let rows = self.task_log_get_all(task_name, period_beginning, period_ending, Some(host), None);
        Ok(rows.into_iter().next().map(|row| row.values))
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
        if !self.task_log_get_all(task_name, period_beginning, period_ending, Some(host), None).is_empty() {
            let message = format!("Task {task_name} is already running on host {host}");
            return Err(HostError::new("TaskAlreadyRunning", message));
        }
        if message.is_empty() {
            // Nova leaves an empty message out, and the column takes no null.
            return Err(HostError::new("DBError", "NOT NULL constraint failed: task_log.message"));
        }
        let row = TaskLog {
            task_name: task_name.to_owned(),
            state: "RUNNING".to_owned(),
            host: host.to_owned(),
            period_beginning,
            period_ending,
            message: message.to_owned(),
            task_items,
            errors: 0,
        };
        self.insert(&mut self.task_log.borrow_mut(), row);
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
        let window = (period_beginning, period_ending);
        let mut rows = self.task_log.borrow_mut();
        let row = rows.iter_mut().find(|row| is_of(&row.values, task_name, window) && row.values.host == host);
        let row = row.ok_or_else(|| {
            HostError::new("TaskNotRunning", format!("Task {task_name} is not running on host {host}"))
        })?;
        row.updated_at = Some(self.now.get());
        "DONE".clone_into(&mut row.values.state);
        row.values.errors = errors;
        if let Some(message) = message.filter(|message| !message.is_empty()) {
            message.clone_into(&mut row.values.message);
        }
        Ok(())
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
        let uuids: Vec<&str> = uuids.iter().map(String::as_str).collect();
        Ok(self.bw_usage_of(&uuids, start_period).into_iter().map(|row| row.values.into()).collect())
    }

    /// There is no network in memory.
    async fn instance_get_nw_info(&self, _instance: &str) -> Result<String, HostError> {
        Err(HostError::new(
            "NoNetworkApi",
            "this host has no network API, and the instance no network info in its cache",
        ))
    }

    async fn action_start(&self, _context: &Context, values: &ActionStartValues) -> Result<InstanceAction, HostError> {
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
        Ok(action)
    }

    async fn action_finish(
        &self,
        _context: &Context,
        values: &ActionFinishValues,
    ) -> Result<InstanceAction, HostError> {
        let mut actions = self.instance_actions.borrow_mut();
        let mut found: Vec<&mut InstanceAction> = actions
            .iter_mut()
            .filter(|action| action.instance_uuid.as_deref() == Some(&values.instance_uuid))
            .filter(|action| action.request_id == values.request_id)
            .collect();
        match found.as_mut_slice() {
            [action, more @ ..] if more.is_empty() || !self.release.wants_one_action() => {
                change(*action, self.now.get(), |action| {
                    action.finish_time = Some(values.finish_time);
                    action.updated_at = values.updated_at.or(action.updated_at);
                });
                Ok(action.clone())
            }
            _ => Err(action_not_found(&values.instance_uuid, values.request_id.as_deref())),
        }
    }

    async fn action_event_start(
        &self,
        context: &Context,
        values: &ActionEventStartValues,
    ) -> Result<InstanceActionEvent, HostError> {
        let (instance_uuid, request_id) = (&values.instance_uuid, values.request_id.as_deref());
        let (at, own) = self
            .action_of(context, instance_uuid, request_id)
            .ok_or_else(|| action_not_found(instance_uuid, request_id))?;
        let mut actions = self.instance_actions.borrow_mut();
        let action = actions.get_mut(at).ok_or_else(|| action_not_found(instance_uuid, request_id))?;
        if own && self.release.says_when_actions_change() {
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
        Ok(event)
    }

    async fn action_event_finish(
        &self,
        context: &Context,
        values: &ActionEventFinishValues,
    ) -> Result<InstanceActionEvent, HostError> {
        let (instance_uuid, request_id) = (&values.instance_uuid, values.request_id.as_deref());
        let (at, own) = self
            .action_of(context, instance_uuid, request_id)
            .ok_or_else(|| action_not_found(instance_uuid, request_id))?;
        let mut actions = self.instance_actions.borrow_mut();
        let action = actions.get_mut(at).ok_or_else(|| action_not_found(instance_uuid, request_id))?;
        let mut events = self.instance_actions_events.borrow_mut();
        let event = events
            .iter_mut()
            .find(|event| event.action_id == Some(action.id) && event.event.as_ref() == Some(&values.event))
            .ok_or_else(|| {
                let message = format!("Event {} not found for action id {}", values.event, action.id);
                HostError::new("InstanceActionEventNotFound", message)
            })?;
        let now = self.now.get();
        change(event, now, |event| {
            event.finish_time = Some(values.finish_time);
            event.result = Some(values.result.clone());
            event.traceback = values.traceback.clone().or(event.traceback.take());
            event.details = values.details.clone().or(event.details.take());
        });
        change(action, now, |action| {
            if values.result.eq_ignore_ascii_case("error") {
                action.message = Some("Error".to_owned());
            }
            if own && self.release.says_when_actions_change() {
                action.updated_at = Some(values.finish_time);
            }
        });
        Ok(event.clone())
    }

    async fn instance_fault_create(&self, values: &InstanceFaultValues) -> Result<(), HostError> {
        let InstanceFaultValues { instance_uuid, code, message, details, host } = values.clone();
        // The column takes whole numbers, and a text that is one.
        let code = code.trim_matches('"').parse().map_err(|_| {
            HostError::new("DBError", format!("`{code}` is no whole number, which the code of a fault has to be"))
        })?;
        let (message, details, host) = (Some(message), Some(details), Some(host));
        self.insert_instance_fault(InstanceFault { instance_uuid, code, message, details, host });
        Ok(())
    }
}

/// A row that can say when it changed.
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

/// Change a row and say when, unless the change does or there is none.
fn change<R: Updated>(row: &mut R, now: NaiveDateTime, change: impl FnOnce(&mut R)) {
    let mut before = row.clone();
    change(row);
    if *row != before && row.updated_at() == before.updated_at() {
        *row.updated_at() = Some(now);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time;

    fn update(counters: [i64; 4], update_totals: bool) -> VolUsageUpdate {
        let [rd_req, rd_bytes, wr_req, wr_bytes] = counters;
        VolUsageUpdate {
            id: "volume".to_owned(),
            rd_req,
            rd_bytes,
            wr_req,
            wr_bytes,
            instance_id: None,
            project_id: None,
            user_id: None,
            availability_zone: None,
            update_totals,
        }
    }

    proptest::proptest! {
        /// Sums and counters together never get less, whatever the counters do.
        #[test]
        fn no_usage_is_lost(updates: Vec<([u16; 4], bool)>) {
            let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25").expect("a moment"));
            let mut before = [0; 4];
            for (counters, update_totals) in updates {
                let usage = host.vol_usage_update(update(counters.map(i64::from), update_totals)).values;
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
