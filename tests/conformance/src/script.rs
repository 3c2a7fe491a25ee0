//! Surroundings that answer from a script and write down what they were asked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, NaiveDateTime};
use nova_compute_utils::action::{
    ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues,
};
use nova_compute_utils::host::{
    BwUsage, Clock, Conductor, HostError, InstanceAction, InstanceActionEvent, InstanceFaultValues, InstancePage,
    Notification, Notifier, Priority, Random, TaskLog, WindowQuery,
};
use nova_compute_utils::{Context, time};
use nova_compute_utils_wasmtime::{conductor, notifier};

use crate::{json, records};

mod javascript;

/// A call to the conductor, with Nova's arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `task_log_get`.
    TaskLogGet(TaskLogCall),
    /// `task_log_begin_task`: how many items, and the message.
    TaskLogBegin(TaskLogCall, i64, String),
    /// `task_log_end_task`: how many errors, and the message.
    TaskLogEnd(TaskLogCall, i64, Option<String>),
    /// `instance_get_active_by_window`, once for all pages.
    Instances(String, String, String),
    /// `instance_get_nw_info`: the UUID of the instance.
    NwInfo(String),
    /// `bw_usage_get_by_uuids`.
    BwUsage(Vec<String>, String),
    /// One of the calls about actions and events: its name, and the values as JSON.
    Action(&'static str, serde_json::Value),
    /// `instance_fault_create`.
    InstanceFaultCreate(InstanceFaultValues),
    /// A notification was handed over.
    Notify(Box<Notification>),
}

/// What all calls about the task log share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskLogCall {
    /// The task.
    pub task_name: String,
    /// The window's begin, `YYYY-MM-DDTHH:MM:SS.ffffff`.
    pub begin: String,
    /// The window's end.
    pub end: String,
    /// The compute host.
    pub host: String,
}

/// What the surroundings answer.
#[derive(Debug, Default)]
pub struct Answers {
    /// Where the clock stands.
    pub now: NaiveDateTime,
    /// What the clock reads, in seconds, once the instances were asked for: one reading after the other, the last one
    /// for good.
    pub time: VecDeque<f64>,
    /// Is there a row in the task log? Or an error.
    pub task_log_get: Option<Result<(), HostError>>,
    /// The error of `task_log_begin_task`.
    pub task_log_begin_task: Option<HostError>,
    /// The error of `task_log_end_task`.
    pub task_log_end_task: Option<HostError>,
    /// The error of `instance_fault_create`.
    pub instance_fault_create: Option<HostError>,
    /// The instances of the window, or an error.
    pub instances: Option<Result<Vec<String>, HostError>>,
    /// The network info of any instance, as JSON, or an error.
    pub nw_info: Option<Result<String, HostError>>,
    /// What the vifs sent and received, or an error.
    pub bw_usage: Option<Result<Vec<BwUsage>, HostError>>,
    /// The instances whose notifications are refused.
    pub refused: BTreeMap<String, HostError>,
    /// The notifier fails as a whole.
    pub notifier_fails: Option<HostError>,
    /// The calls about actions and events that are refused.
    pub refusals: Vec<Refusal>,
}

/// A call about an action or event that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The name of the call.
    pub call: &'static str,
    /// Of which instance.
    pub instance_uuid: String,
    /// Why.
    pub error: HostError,
}

/// How many instances a page of the script holds: few, so that an audit needs several.
const PAGE: usize = 2;

/// The surroundings. Clones share one script.
#[derive(Debug, Clone, Default)]
pub struct Script(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    answers: Answers,
    calls: Vec<Call>,
    listed: bool,
    refused_to_finish: bool,
    ids: u128,
}

impl Script {
    /// Forget what was, and answer like this from now on.
    pub fn play(&self, answers: Answers) {
        *self.state() = State { answers, ..State::default() };
    }

    /// What was asked since.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// What the clock reads.
    #[must_use]
    pub fn now(&self) -> NaiveDateTime {
        let mut state = self.state();
        let reading = match state.answers.time.len() {
            0 => None,
            _ if !state.listed => None,
            1 => state.answers.time.front().copied(),
            _ => state.answers.time.pop_front(),
        };
        reading.map_or(state.answers.now, moment)
    }

    /// What the clock reads before the instances are asked for, and one after the other from then on.
    #[must_use]
    pub fn clock(&self) -> (String, Vec<String>) {
        let state = self.state();
        let readings =
            state.answers.time.iter().map(|reading| time::isoformat(moment(in_microseconds(*reading) + 5e-7)));
        (time::isoformat(state.answers.now), readings.collect())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn task_log_get(&self, call: TaskLogCall) -> Result<Option<TaskLog>, HostError> {
        let mut state = self.state();
        state.calls.push(Call::TaskLogGet(call.clone()));
        let parse = |text: &str| time::parse(text).unwrap_or_default();
        state.answers.task_log_get.clone().transpose().map(|found| {
            found.map(|()| TaskLog {
                period_beginning: parse(&call.begin),
                period_ending: parse(&call.end),
                task_name: call.task_name,
                state: "DONE".to_owned(),
                host: call.host,
                message: String::new(),
                task_items: 0,
                errors: 0,
            })
        })
    }

    fn task_log_begin_task(&self, call: TaskLogCall, task_items: i64, message: String) -> Result<(), HostError> {
        let mut state = self.state();
        state.calls.push(Call::TaskLogBegin(call, task_items, message));
        state.answers.task_log_begin_task.clone().map_or(Ok(()), Err)
    }

    fn task_log_end_task(&self, call: TaskLogCall, errors: i64, message: Option<String>) -> Result<(), HostError> {
        let mut state = self.state();
        state.calls.push(Call::TaskLogEnd(call, errors, message));
        state.answers.task_log_end_task.clone().map_or(Ok(()), Err)
    }

    fn nw_info(&self, instance: &str) -> Result<String, HostError> {
        let mut state = self.state();
        let uuid = json::object(instance).and_then(|instance| json::text(instance.get("uuid")?.get()));
        state.calls.push(Call::NwInfo(uuid.unwrap_or_default()));
        state.answers.nw_info.clone().unwrap_or_else(|| Ok("[]".to_owned()))
    }

    fn bw_usage(&self, uuids: Vec<String>, start_period: String) -> Result<Vec<BwUsage>, HostError> {
        let mut state = self.state();
        state.calls.push(Call::BwUsage(uuids, start_period));
        state.answers.bw_usage.clone().unwrap_or_else(|| Ok(Vec::new()))
    }

    fn instance_fault_create(&self, values: InstanceFaultValues) -> Result<(), HostError> {
        let mut state = self.state();
        state.calls.push(Call::InstanceFaultCreate(values));
        state.answers.instance_fault_create.clone().map_or(Ok(()), Err)
    }

    fn page(&self, window: (String, String), host: String, marker: Option<&str>) -> Result<InstancePage, HostError> {
        let mut state = self.state();
        let from: usize =
            marker.map_or(Ok(0), str::parse).map_err(|_| HostError::new("MarkerNotFound", "no such marker"))?;
        if from == 0 {
            state.calls.push(Call::Instances(window.0, window.1, host));
            state.listed = true;
        }
        let instances = state.answers.instances.clone().unwrap_or_else(|| Ok(Vec::new()))?;
        let page: Vec<String> = instances.iter().skip(from).take(PAGE).cloned().collect();
        let next = from + page.len();
        Ok(InstancePage { instances: page, next_marker: (next < instances.len()).then(|| next.to_string()) })
    }

    fn count(&self) -> Result<u64, HostError> {
        let instances = self.state().answers.instances.clone().unwrap_or_else(|| Ok(Vec::new()))?;
        Ok(instances.len() as u64)
    }

    /// A call about an action or event of an instance.
    fn action_call(&self, call: &'static str, instance_uuid: &str, values: serde_json::Value) -> Result<(), HostError> {
        let mut state = self.state();
        state.calls.push(Call::Action(call, values));
        let is_refused = |refusal: &&Refusal| refusal.call == call && refusal.instance_uuid == instance_uuid;
        let refused = state.answers.refusals.iter().find(is_refused).map(|refusal| refusal.error.clone());
        state.refused_to_finish |= refused.is_some() && call == "action_event_finish";
        refused.map_or(Ok(()), Err)
    }

    /// Was closing an event refused?
    #[must_use]
    pub fn refused_to_finish(&self) -> bool {
        self.state().refused_to_finish
    }

    /// A row as the vectors' database layer gives it: the values, inserted now.
    fn action_row(&self) -> InstanceAction {
        InstanceAction { id: 11, created_at: Some(self.state().answers.now), ..InstanceAction::default() }
    }

    fn event_row(&self) -> InstanceActionEvent {
        let created_at = Some(self.state().answers.now);
        InstanceActionEvent { id: 11, action_id: Some(5), created_at, ..InstanceActionEvent::default() }
    }

    fn notify(&self, notifications: Vec<Notification>) -> Result<Vec<Result<(), HostError>>, HostError> {
        let mut state = self.state();
        let refused: Vec<(String, HostError)> =
            state.answers.refused.iter().map(|(uuid, error)| (uuid.clone(), error.clone())).collect();
        let answer = |notification: &Notification| {
            let error = refused.iter().find(|(uuid, _)| notification.payload.contains(uuid.as_str()));
            error.map_or(Ok(()), |(_, error)| Err(error.clone()))
        };
        let answers = notifications.iter().map(answer).collect();
        state.calls.extend(notifications.into_iter().map(|notification| Call::Notify(Box::new(notification))));
        state.answers.notifier_fails.clone().map_or(Ok(answers), Err)
    }

    /// The ids of what was handed over: each is to be a UUID, and none is to come twice.
    #[must_use]
    pub fn message_ids(&self) -> Vec<String> {
        let is_id =
            |call: &Call| if let Call::Notify(message) = call { Some(message.message_id.clone()) } else { None };
        self.state().calls.iter().filter_map(is_id).collect()
    }
}

/// Are these the ids of messages: random UUIDs, none twice?
#[must_use]
pub fn are_message_ids(ids: &[String]) -> bool {
    let is_uuid =
        |id: &str| id.len() == 36 && id.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && id.as_bytes()[14] == b'4';
    ids.iter().all(|id| is_uuid(id)) && ids.iter().collect::<BTreeSet<_>>().len() == ids.len()
}

/// A reading as a clock says it that knows no fractions of a microsecond: for most readings the same number.
#[must_use]
pub fn in_microseconds(reading: f64) -> f64 {
    (reading * 1e6).round() / 1e6
}

/// The moment of a reading in seconds since 1970.
fn moment(seconds: f64) -> NaiveDateTime {
    let whole = seconds.floor();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "readings are small")]
    let (seconds, nanoseconds) = (whole as i64, ((seconds - whole) * 1e9).round() as u32);
    DateTime::from_timestamp(seconds, nanoseconds).map(|moment| moment.naive_utc()).unwrap_or_default()
}

fn task(task_name: &str, begin: NaiveDateTime, end: NaiveDateTime, host: &str) -> TaskLogCall {
    let (begin, end) = (time::isoformat(begin), time::isoformat(end));
    TaskLogCall { task_name: task_name.to_owned(), begin, end, host: host.to_owned() }
}

impl Conductor for Script {
    async fn task_log_get(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: &str,
    ) -> Result<Option<TaskLog>, HostError> {
        self.task_log_get(task(task_name, period_beginning, period_ending, host))
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
        self.task_log_begin_task(task(task_name, period_beginning, period_ending, host), task_items, message.to_owned())
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
        let message = message.map(str::to_owned);
        self.task_log_end_task(task(task_name, period_beginning, period_ending, host), errors, message)
    }

    async fn instance_get_active_by_window(
        &self,
        query: WindowQuery<'_>,
        marker: Option<&str>,
        _limit: u32,
    ) -> Result<InstancePage, HostError> {
        let end = query.end.map(time::isoformat).unwrap_or_default();
        self.page((time::isoformat(query.begin), end), query.host.unwrap_or_default().to_owned(), marker)
    }

    async fn instance_count_active_by_window(&self, _query: WindowQuery<'_>) -> Result<u64, HostError> {
        self.count()
    }

    async fn bw_usage_get_by_uuids(
        &self,
        uuids: &[String],
        start_period: NaiveDateTime,
    ) -> Result<Vec<BwUsage>, HostError> {
        self.bw_usage(uuids.to_vec(), time::isoformat(start_period))
    }

    async fn instance_get_nw_info(&self, instance: &str) -> Result<String, HostError> {
        self.nw_info(instance)
    }

    async fn action_start(&self, _: &Context, values: &ActionStartValues) -> Result<InstanceAction, HostError> {
        self.action_call("action_start", &values.instance_uuid, records::record(values))?;
        let values = values.clone();
        Ok(InstanceAction {
            action: values.action,
            instance_uuid: Some(values.instance_uuid),
            request_id: values.request_id,
            user_id: values.user_id,
            project_id: values.project_id,
            start_time: values.start_time,
            updated_at: values.updated_at,
            ..self.action_row()
        })
    }

    async fn action_finish(&self, _: &Context, values: &ActionFinishValues) -> Result<InstanceAction, HostError> {
        self.action_call("action_finish", &values.instance_uuid, records::record(values))?;
        let values = values.clone();
        Ok(InstanceAction {
            instance_uuid: Some(values.instance_uuid),
            request_id: values.request_id,
            finish_time: Some(values.finish_time),
            updated_at: values.updated_at,
            ..self.action_row()
        })
    }

    async fn action_event_start(
        &self,
        _: &Context,
        values: &ActionEventStartValues,
    ) -> Result<InstanceActionEvent, HostError> {
        self.action_call("action_event_start", &values.instance_uuid, records::record(values))?;
        let values = values.clone();
        Ok(InstanceActionEvent {
            event: Some(values.event),
            start_time: Some(values.start_time),
            host: values.host,
            ..self.event_row()
        })
    }

    async fn action_event_finish(
        &self,
        _: &Context,
        values: &ActionEventFinishValues,
    ) -> Result<InstanceActionEvent, HostError> {
        self.action_call("action_event_finish", &values.instance_uuid, records::record(values))?;
        let values = values.clone();
        Ok(InstanceActionEvent {
            event: Some(values.event),
            finish_time: Some(values.finish_time),
            result: Some(values.result),
            details: values.details,
            traceback: values.traceback,
            ..self.event_row()
        })
    }

    async fn instance_fault_create(&self, values: &InstanceFaultValues) -> Result<(), HostError> {
        Script::instance_fault_create(self, values.clone())
    }
}

impl Notifier for Script {
    async fn notify(
        &self,
        _context: &str,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Result<(), HostError>>, HostError> {
        self.notify(notifications)
    }
}

impl Clock for Script {
    fn utcnow(&self) -> NaiveDateTime {
        self.now()
    }
}

impl Random for Script {
    fn random_bytes(&self) -> [u8; 16] {
        let mut state = self.state();
        state.ids += 1;
        state.ids.to_be_bytes()
    }
}

fn given_moment(text: &str) -> Result<NaiveDateTime, conductor::HostError> {
    time::parse(text).map_err(|error| to_component(HostError::new(error.code(), error.message())))
}

fn optional_moment(text: Option<&str>) -> Result<Option<NaiveDateTime>, conductor::HostError> {
    text.map(given_moment).transpose()
}

fn to_component(error: HostError) -> conductor::HostError {
    conductor::HostError { code: error.code, message: error.message }
}

impl conductor::Host for Script {
    async fn task_log_get(
        &mut self,
        task_name: String,
        begin: String,
        end: String,
        host: String,
    ) -> Result<Option<conductor::TaskLog>, conductor::HostError> {
        let row = Script::task_log_get(self, TaskLogCall { task_name, begin, end, host }).map_err(to_component)?;
        Ok(row.map(|row| conductor::TaskLog {
            task_name: row.task_name,
            state: row.state,
            host: row.host,
            period_beginning: time::isoformat(row.period_beginning),
            period_ending: time::isoformat(row.period_ending),
            message: row.message,
            task_items: row.task_items,
            errors: row.errors,
        }))
    }

    async fn task_log_begin_task(
        &mut self,
        task_name: String,
        begin: String,
        end: String,
        host: String,
        task_items: i64,
        message: String,
    ) -> Result<(), conductor::HostError> {
        let call = TaskLogCall { task_name, begin, end, host };
        Script::task_log_begin_task(self, call, task_items, message).map_err(to_component)
    }

    async fn task_log_end_task(
        &mut self,
        task_name: String,
        begin: String,
        end: String,
        host: String,
        errors: i64,
        message: Option<String>,
    ) -> Result<(), conductor::HostError> {
        let call = TaskLogCall { task_name, begin, end, host };
        Script::task_log_end_task(self, call, errors, message).map_err(to_component)
    }

    async fn instance_get_active_by_window(
        &mut self,
        query: conductor::WindowQuery,
        marker: Option<String>,
        _limit: u32,
    ) -> Result<conductor::InstancePage, conductor::HostError> {
        let window = (query.begin, query.end.unwrap_or_default());
        let page = self.page(window, query.host.unwrap_or_default(), marker.as_deref()).map_err(to_component)?;
        Ok(conductor::InstancePage { instances: page.instances, next_marker: page.next_marker })
    }

    async fn instance_count_active_by_window(
        &mut self,
        _query: conductor::WindowQuery,
    ) -> Result<u64, conductor::HostError> {
        self.count().map_err(to_component)
    }

    async fn bw_usage_get_by_uuids(
        &mut self,
        uuids: Vec<String>,
        start_period: String,
    ) -> Result<Vec<conductor::BwUsage>, conductor::HostError> {
        let rows = self.bw_usage(uuids, start_period).map_err(to_component)?;
        let row = |row: BwUsage| conductor::BwUsage {
            uuid: row.uuid,
            mac: row.mac,
            start_period: time::isoformat(row.start_period),
            bw_in: row.bw_in,
            bw_out: row.bw_out,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    async fn instance_get_nw_info(&mut self, instance: String) -> Result<String, conductor::HostError> {
        self.nw_info(&instance).map_err(to_component)
    }

    async fn action_start(
        &mut self,
        _: conductor::Context,
        values: conductor::ActionStartValues,
    ) -> Result<conductor::InstanceAction, conductor::HostError> {
        let values = ActionStartValues {
            action: values.action,
            instance_uuid: values.instance_uuid,
            request_id: values.request_id,
            user_id: values.user_id,
            project_id: values.project_id,
            start_time: optional_moment(values.start_time.as_deref())?,
            updated_at: optional_moment(values.updated_at.as_deref())?,
        };
        let row = Conductor::action_start(self, &Context::default(), &values).await;
        row.map(component_rows::action).map_err(to_component)
    }

    async fn action_finish(
        &mut self,
        _: conductor::Context,
        values: conductor::ActionFinishValues,
    ) -> Result<conductor::InstanceAction, conductor::HostError> {
        let values = ActionFinishValues {
            instance_uuid: values.instance_uuid,
            request_id: values.request_id,
            finish_time: given_moment(&values.finish_time)?,
            updated_at: optional_moment(values.updated_at.as_deref())?,
        };
        let row = Conductor::action_finish(self, &Context::default(), &values).await;
        row.map(component_rows::action).map_err(to_component)
    }

    async fn action_event_start(
        &mut self,
        _: conductor::Context,
        values: conductor::ActionEventStartValues,
    ) -> Result<conductor::InstanceActionEvent, conductor::HostError> {
        let values = ActionEventStartValues {
            event: values.event,
            instance_uuid: values.instance_uuid,
            request_id: values.request_id,
            start_time: given_moment(&values.start_time)?,
            host: values.host,
        };
        let row = Conductor::action_event_start(self, &Context::default(), &values).await;
        row.map(component_rows::event).map_err(to_component)
    }

    async fn action_event_finish(
        &mut self,
        _: conductor::Context,
        values: conductor::ActionEventFinishValues,
    ) -> Result<conductor::InstanceActionEvent, conductor::HostError> {
        let values = ActionEventFinishValues {
            event: values.event,
            instance_uuid: values.instance_uuid,
            request_id: values.request_id,
            finish_time: given_moment(&values.finish_time)?,
            result: values.result,
            message: values.message,
            details: values.details,
            traceback: values.traceback,
        };
        let row = Conductor::action_event_finish(self, &Context::default(), &values).await;
        row.map(component_rows::event).map_err(to_component)
    }

    async fn instance_fault_create(
        &mut self,
        values: conductor::InstanceFaultValues,
    ) -> Result<(), conductor::HostError> {
        let conductor::InstanceFaultValues { instance_uuid, code, message, details, host } = values;
        let values = InstanceFaultValues { instance_uuid, code, message, details, host };
        Script::instance_fault_create(self, values).map_err(to_component)
    }
}

/// The same rows, as the component takes them.
mod component_rows {
    use super::{InstanceAction, InstanceActionEvent, NaiveDateTime, conductor, time};

    fn moment(moment: Option<NaiveDateTime>) -> Option<String> {
        moment.map(time::isoformat)
    }

    pub(super) fn action(row: InstanceAction) -> conductor::InstanceAction {
        conductor::InstanceAction {
            id: row.id,
            action: row.action,
            instance_uuid: row.instance_uuid,
            request_id: row.request_id,
            user_id: row.user_id,
            project_id: row.project_id,
            start_time: moment(row.start_time),
            finish_time: moment(row.finish_time),
            message: row.message,
            created_at: moment(row.created_at),
            updated_at: moment(row.updated_at),
            deleted_at: moment(row.deleted_at),
            deleted: row.deleted,
        }
    }

    pub(super) fn event(row: InstanceActionEvent) -> conductor::InstanceActionEvent {
        conductor::InstanceActionEvent {
            id: row.id,
            event: row.event,
            action_id: row.action_id,
            start_time: moment(row.start_time),
            finish_time: moment(row.finish_time),
            result: row.result,
            traceback: row.traceback,
            host: row.host,
            details: row.details,
            created_at: moment(row.created_at),
            updated_at: moment(row.updated_at),
            deleted_at: moment(row.deleted_at),
            deleted: row.deleted,
        }
    }
}

impl notifier::Host for Script {
    async fn notify(
        &mut self,
        _context: String,
        notifications: Vec<notifier::Notification>,
    ) -> Result<Vec<Option<notifier::HostError>>, notifier::HostError> {
        let notifications = notifications.into_iter().map(|notification| Notification {
            message_id: notification.message_id,
            publisher_id: notification.publisher_id,
            event_type: notification.event_type,
            priority: match notification.priority {
                notifier::Priority::Info => Priority::Info,
                notifier::Priority::Error => Priority::Error,
            },
            payload: notification.payload,
            timestamp: notification.timestamp,
        });
        let refusal = |error: HostError| notifier::HostError { code: error.code, message: error.message };
        let answers = Script::notify(self, notifications.collect()).map_err(refusal)?.into_iter();
        Ok(answers.map(|answer| answer.err().map(refusal)).collect())
    }
}
