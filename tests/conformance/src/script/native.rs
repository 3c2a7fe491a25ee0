//! The scripted host as an implementation of the library's traits.

use chrono::NaiveDateTime;
use nova_compute_utils::Context;
use nova_compute_utils::host::{
    ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, AuditCheckpoint, BwUsage,
    Clock, Conductor, HostError, InstanceAction, InstanceActionEvent, InstanceFaultValues, InstancePage, Notification,
    Notifier, Random, TaskLog, TaskLogKey, WindowQuery,
};
use nova_compute_utils::time::isoformat;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Page, Script};
use crate::arguments::Arguments;
use crate::faces;

impl Script {
    fn ask<T: DeserializeOwned>(
        &self,
        name: &str,
        context: &Context,
        arguments: &impl Serialize,
    ) -> Result<T, HostError> {
        self.ask_json(name, &faces::Context::from(context), arguments)
    }

    /// Calls the host with a context and arguments of any face, and reads the reply.
    pub(super) fn ask_json<T: DeserializeOwned>(
        &self,
        name: &str,
        context: &impl Serialize,
        arguments: &impl Serialize,
    ) -> Result<T, HostError> {
        let broken = |error: serde_json::Error| HostError::new("RunnerError", format!("{name}: {error}"));
        let context = serde_json::to_string(context).map_err(broken)?;
        let arguments = serde_json::to_string(arguments).map_err(broken)?;
        serde_json::from_str(&self.answer(name, &context, &arguments)?).map_err(broken)
    }
}

impl From<Page> for InstancePage {
    fn from(page: Page) -> Self {
        let instances = page.instances.iter().map(|instance| instance.get().to_owned()).collect();
        Self { instances, next_marker: page.next_marker, ..Self::default() }
    }
}

fn task(key: TaskLogKey<'_>) -> Arguments {
    Arguments::default()
        .with("task_name", key.task_name)
        .with("period_beginning", isoformat(key.period_beginning))
        .with("period_ending", isoformat(key.period_ending))
        .with("host", key.host)
}

fn window(query: WindowQuery<'_>) -> Arguments {
    Arguments::default()
        .with("begin", isoformat(query.begin))
        .with("end", query.end.map(isoformat))
        .with("project_id", query.project_id)
        .with("host", query.host)
}

impl Conductor for Script {
    async fn task_log_get(&self, context: &Context, key: TaskLogKey<'_>) -> Result<Option<TaskLog>, HostError> {
        self.ask("task_log_get", context, &task(key))
    }

    async fn task_log_begin_task(
        &self,
        context: &Context,
        key: TaskLogKey<'_>,
        task_items: i64,
        message: &str,
    ) -> Result<(), HostError> {
        self.ask("task_log_begin_task", context, &task(key).with("task_items", task_items).with("message", message))
    }

    async fn task_log_end_task(
        &self,
        context: &Context,
        key: TaskLogKey<'_>,
        errors: i64,
        message: Option<&str>,
    ) -> Result<(), HostError> {
        self.ask("task_log_end_task", context, &task(key).with("errors", errors).with("message", message))
    }

    async fn audit_checkpoint_get(
        &self,
        context: &Context,
        key: TaskLogKey<'_>,
    ) -> Result<Option<AuditCheckpoint>, HostError> {
        self.ask("audit_checkpoint_get", context, &task(key))
    }

    async fn audit_checkpoint_put(
        &self,
        context: &Context,
        key: TaskLogKey<'_>,
        checkpoint: &AuditCheckpoint,
    ) -> Result<bool, HostError> {
        self.ask("audit_checkpoint_put", context, &task(key).with("checkpoint", checkpoint))
    }

    async fn instance_get_active_by_window(
        &self,
        context: &Context,
        query: WindowQuery<'_>,
        marker: Option<&str>,
        limit: u32,
    ) -> Result<InstancePage, HostError> {
        let arguments = window(query).with("marker", marker).with("limit", limit);
        self.ask("instance_get_active_by_window", context, &arguments).map(Page::into)
    }

    async fn instance_count_active_by_window(
        &self,
        context: &Context,
        query: WindowQuery<'_>,
    ) -> Result<u64, HostError> {
        self.ask("instance_count_active_by_window", context, &window(query))
    }

    async fn bw_usage_get_by_uuids(
        &self,
        context: &Context,
        uuids: &[String],
        start_period: NaiveDateTime,
    ) -> Result<Vec<BwUsage>, HostError> {
        let query = Arguments::default().with("uuids", uuids).with("start_period", isoformat(start_period));
        self.ask("bw_usage_get_by_uuids", context, &query)
    }

    async fn instance_get_nw_info(&self, context: &Context, instance: &str) -> Result<String, HostError> {
        let instance = serde_json::from_str::<Box<RawValue>>(instance).expect("an instance is JSON");
        let network_info: Box<RawValue> = self.ask("instance_get_nw_info", context, &instance)?;
        Ok(network_info.get().to_owned())
    }

    async fn instance_fault_create(&self, context: &Context, values: &InstanceFaultValues) -> Result<(), HostError> {
        let code = RawValue::from_string(values.code.clone()).expect("a code is JSON");
        let arguments = Arguments::default()
            .with("instance_uuid", &values.instance_uuid)
            .with("code", code)
            .with("message", &values.message)
            .with("details", &values.details)
            .with("host", &values.host);
        self.ask("instance_fault_create", context, &arguments)
    }

    async fn action_start(
        &self,
        context: &Context,
        values: &ActionStartValues,
    ) -> Result<Option<InstanceAction>, HostError> {
        self.ask("action_start", context, values)
    }

    async fn action_finish(
        &self,
        context: &Context,
        values: &ActionFinishValues,
    ) -> Result<Option<InstanceAction>, HostError> {
        self.ask("action_finish", context, values)
    }

    async fn action_event_start(
        &self,
        context: &Context,
        values: &ActionEventStartValues,
    ) -> Result<Option<InstanceActionEvent>, HostError> {
        self.ask("action_event_start", context, values)
    }

    async fn action_event_finish(
        &self,
        context: &Context,
        values: &ActionEventFinishValues,
    ) -> Result<Option<InstanceActionEvent>, HostError> {
        self.ask("action_event_finish", context, values)
    }
}

impl Notifier for Script {
    async fn notify(
        &self,
        context: &Context,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Result<(), HostError>>, HostError> {
        let record = |notification: &Notification| {
            let message: Arguments = serde_json::from_str(&notification.to_json()).expect("a message is JSON");
            message.with("versioned", notification.versioned)
        };
        let notifications: Vec<Arguments> = notifications.iter().map(record).collect();
        let answers: Vec<Value> = self.ask("notify", context, &notifications)?;
        Ok(answers.into_iter().map(|answer| refusal(&answer).map_or(Ok(()), Err)).collect())
    }

    async fn position(&self, context: &Context) -> Result<Option<String>, HostError> {
        self.ask("position", context, &())
    }

    async fn resume_at(&self, context: &Context, position: Option<&str>) -> Result<(), HostError> {
        self.ask("resume_at", context, &position)
    }
}

/// Reads the error of a refused notification; `None` when it was accepted.
pub(super) fn refusal(answer: &Value) -> Option<HostError> {
    let text = |name: &str| answer[name].as_str().map(str::to_owned);
    let error = HostError::new(text("code")?, text("message")?);
    Some(error.with_arguments(answer["arguments"].to_string()))
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
