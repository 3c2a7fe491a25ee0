//! The scripted host as an implementation of the component's imports.

use nova_compute_utils::host::{self, HostError};
use nova_compute_utils_wasmtime::conductor::{
    self, ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, AuditCheckpoint,
    BwUsage, Context, InstanceAction, InstanceActionEvent, InstanceFaultValues, InstancePage, TaskLog, TaskLogKey,
    WindowQuery,
};
use nova_compute_utils_wasmtime::notifier::{self, Notification, Priority};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::native::refusal;
use super::{Page, Script};
use crate::arguments::Arguments;

type Result<T> = std::result::Result<T, conductor::HostError>;

impl Script {
    fn import<T: DeserializeOwned>(&self, name: &str, context: &Context, arguments: &impl Serialize) -> Result<T> {
        self.ask_json(name, context, arguments).map_err(host_error)
    }
}

fn host_error(error: HostError) -> conductor::HostError {
    conductor::HostError { code: error.code, message: error.message, arguments: error.arguments }
}

fn members(record: &impl Serialize) -> Arguments {
    Arguments::of(record).expect("a record has a JSON form")
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("a document is JSON")
}

impl conductor::Host for Script {
    async fn task_log_get(&mut self, context: Context, key: TaskLogKey) -> Result<Option<TaskLog>> {
        self.import("task_log_get", &context, &key)
    }

    async fn task_log_begin_task(
        &mut self,
        context: Context,
        key: TaskLogKey,
        task_items: i64,
        message: String,
    ) -> Result<()> {
        let arguments = members(&key).with("task_items", task_items).with("message", message);
        self.import("task_log_begin_task", &context, &arguments)
    }

    async fn task_log_end_task(
        &mut self,
        context: Context,
        key: TaskLogKey,
        errors: i64,
        message: Option<String>,
    ) -> Result<()> {
        let arguments = members(&key).with("errors", errors).with("message", message);
        self.import("task_log_end_task", &context, &arguments)
    }

    async fn audit_checkpoint_get(&mut self, context: Context, key: TaskLogKey) -> Result<Option<AuditCheckpoint>> {
        self.import("audit_checkpoint_get", &context, &key)
    }

    async fn audit_checkpoint_put(
        &mut self,
        context: Context,
        key: TaskLogKey,
        checkpoint: AuditCheckpoint,
    ) -> Result<bool> {
        self.import("audit_checkpoint_put", &context, &members(&key).with("checkpoint", checkpoint))
    }

    async fn instance_get_active_by_window(
        &mut self,
        context: Context,
        query: WindowQuery,
        marker: Option<String>,
        limit: u32,
    ) -> Result<InstancePage> {
        let arguments = members(&query).with("marker", marker).with("limit", limit);
        let page: Page = self.import("instance_get_active_by_window", &context, &arguments)?;
        let host::InstancePage { instances, next_marker, .. } = page.into();
        Ok(InstancePage { instances, unreadable: Vec::new(), next_marker })
    }

    async fn instance_count_active_by_window(&mut self, context: Context, query: WindowQuery) -> Result<u64> {
        self.import("instance_count_active_by_window", &context, &query)
    }

    async fn bw_usage_get_by_uuids(
        &mut self,
        context: Context,
        uuids: Vec<String>,
        start_period: String,
    ) -> Result<Vec<BwUsage>> {
        let query = Arguments::default().with("uuids", uuids).with("start_period", start_period);
        self.import("bw_usage_get_by_uuids", &context, &query)
    }

    async fn instance_get_nw_info(&mut self, context: Context, instance: String) -> Result<String> {
        let network_info: Box<RawValue> = self.import("instance_get_nw_info", &context, &raw(instance))?;
        Ok(network_info.get().to_owned())
    }

    async fn instance_fault_create(&mut self, context: Context, values: InstanceFaultValues) -> Result<()> {
        let values = members(&values).with("code", raw(values.code));
        self.import("instance_fault_create", &context, &values)
    }

    async fn action_start(&mut self, context: Context, values: ActionStartValues) -> Result<Option<InstanceAction>> {
        self.import("action_start", &context, &values)
    }

    async fn action_finish(&mut self, context: Context, values: ActionFinishValues) -> Result<Option<InstanceAction>> {
        self.import("action_finish", &context, &values)
    }

    async fn action_event_start(
        &mut self,
        context: Context,
        values: ActionEventStartValues,
    ) -> Result<Option<InstanceActionEvent>> {
        self.import("action_event_start", &context, &values)
    }

    async fn action_event_finish(
        &mut self,
        context: Context,
        values: ActionEventFinishValues,
    ) -> Result<Option<InstanceActionEvent>> {
        self.import("action_event_finish", &context, &values)
    }
}

impl notifier::Host for Script {
    async fn notify(
        &mut self,
        context: Context,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Option<conductor::HostError>>> {
        let record = |notification: Notification| {
            let priority = match notification.priority {
                Priority::Info => "INFO",
                Priority::Error => "ERROR",
            };
            let members = members(&notification).with("priority", priority);
            members.with("payload", raw(notification.payload))
        };
        let notifications: Vec<Arguments> = notifications.into_iter().map(record).collect();
        let answers: Vec<Value> = self.import("notify", &context, &notifications)?;
        Ok(answers.iter().map(|answer| refusal(answer).map(host_error)).collect())
    }

    async fn position(&mut self, context: Context) -> Result<Option<String>> {
        self.import("position", &context, &())
    }

    async fn resume_at(&mut self, context: Context, position: Option<String>) -> Result<()> {
        self.import("resume_at", &context, &position)
    }
}
