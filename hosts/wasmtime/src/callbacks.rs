use crate::bindings::nova::compute_utils::conductor::{
    self, ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, BwUsage, Datetime,
    InstanceAction, InstanceActionEvent, InstanceFaultValues, InstancePage, TaskLog, WindowQuery,
};
use crate::bindings::nova::compute_utils::notifier::{self, Json, Notification};

/// A host put together from a conductor and a notifier.
///
/// Either may be `()`, which answers every call with an error: for hosts that ask only for what needs no records,
/// such as periods.
#[derive(Clone, Debug, Default)]
pub struct Callbacks<C, N> {
    /// Keeps the records.
    pub conductor: C,
    /// Sends the notifications.
    pub notifier: N,
}

impl<C: conductor::Host, N: Send> conductor::Host for Callbacks<C, N> {
    async fn task_log_get(
        &mut self,
        task_name: String,
        period_beginning: Datetime,
        period_ending: Datetime,
        host: String,
    ) -> Result<Option<TaskLog>, conductor::HostError> {
        self.conductor.task_log_get(task_name, period_beginning, period_ending, host).await
    }

    async fn task_log_begin_task(
        &mut self,
        task_name: String,
        period_beginning: Datetime,
        period_ending: Datetime,
        host: String,
        task_items: i64,
        message: String,
    ) -> Result<(), conductor::HostError> {
        self.conductor.task_log_begin_task(task_name, period_beginning, period_ending, host, task_items, message).await
    }

    async fn task_log_end_task(
        &mut self,
        task_name: String,
        period_beginning: Datetime,
        period_ending: Datetime,
        host: String,
        errors: i64,
        message: Option<String>,
    ) -> Result<(), conductor::HostError> {
        self.conductor.task_log_end_task(task_name, period_beginning, period_ending, host, errors, message).await
    }

    async fn instance_get_active_by_window(
        &mut self,
        query: WindowQuery,
        marker: Option<String>,
        limit: u32,
    ) -> Result<InstancePage, conductor::HostError> {
        self.conductor.instance_get_active_by_window(query, marker, limit).await
    }

    async fn instance_count_active_by_window(&mut self, query: WindowQuery) -> Result<u64, conductor::HostError> {
        self.conductor.instance_count_active_by_window(query).await
    }

    async fn bw_usage_get_by_uuids(
        &mut self,
        uuids: Vec<String>,
        start_period: Datetime,
    ) -> Result<Vec<BwUsage>, conductor::HostError> {
        self.conductor.bw_usage_get_by_uuids(uuids, start_period).await
    }

    async fn instance_get_nw_info(
        &mut self,
        instance: conductor::Json,
    ) -> Result<conductor::Json, conductor::HostError> {
        self.conductor.instance_get_nw_info(instance).await
    }

    async fn action_start(
        &mut self,
        context: conductor::Context,
        values: ActionStartValues,
    ) -> Result<InstanceAction, conductor::HostError> {
        self.conductor.action_start(context, values).await
    }

    async fn action_finish(
        &mut self,
        context: conductor::Context,
        values: ActionFinishValues,
    ) -> Result<InstanceAction, conductor::HostError> {
        self.conductor.action_finish(context, values).await
    }

    async fn action_event_start(
        &mut self,
        context: conductor::Context,
        values: ActionEventStartValues,
    ) -> Result<InstanceActionEvent, conductor::HostError> {
        self.conductor.action_event_start(context, values).await
    }

    async fn action_event_finish(
        &mut self,
        context: conductor::Context,
        values: ActionEventFinishValues,
    ) -> Result<InstanceActionEvent, conductor::HostError> {
        self.conductor.action_event_finish(context, values).await
    }

    async fn instance_fault_create(&mut self, values: InstanceFaultValues) -> Result<(), conductor::HostError> {
        self.conductor.instance_fault_create(values).await
    }
}

impl<C: Send, N: notifier::Host> notifier::Host for Callbacks<C, N> {
    async fn notify(
        &mut self,
        context: Json,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Option<notifier::HostError>>, notifier::HostError> {
        self.notifier.notify(context, notifications).await
    }
}

fn no_conductor<T>() -> Result<T, conductor::HostError> {
    Err(conductor::HostError { code: "NoConductor".into(), message: "this host keeps no records".into() })
}

impl conductor::Host for () {
    async fn task_log_get(
        &mut self,
        _: String,
        _: Datetime,
        _: Datetime,
        _: String,
    ) -> Result<Option<TaskLog>, conductor::HostError> {
        no_conductor()
    }

    async fn task_log_begin_task(
        &mut self,
        _: String,
        _: Datetime,
        _: Datetime,
        _: String,
        _: i64,
        _: String,
    ) -> Result<(), conductor::HostError> {
        no_conductor()
    }

    async fn task_log_end_task(
        &mut self,
        _: String,
        _: Datetime,
        _: Datetime,
        _: String,
        _: i64,
        _: Option<String>,
    ) -> Result<(), conductor::HostError> {
        no_conductor()
    }

    async fn instance_get_active_by_window(
        &mut self,
        _: WindowQuery,
        _: Option<String>,
        _: u32,
    ) -> Result<InstancePage, conductor::HostError> {
        no_conductor()
    }

    async fn instance_count_active_by_window(&mut self, _: WindowQuery) -> Result<u64, conductor::HostError> {
        no_conductor()
    }

    async fn bw_usage_get_by_uuids(
        &mut self,
        _: Vec<String>,
        _: Datetime,
    ) -> Result<Vec<BwUsage>, conductor::HostError> {
        no_conductor()
    }

    async fn instance_get_nw_info(&mut self, _: conductor::Json) -> Result<conductor::Json, conductor::HostError> {
        no_conductor()
    }

    async fn action_start(
        &mut self,
        _: conductor::Context,
        _: ActionStartValues,
    ) -> Result<InstanceAction, conductor::HostError> {
        no_conductor()
    }

    async fn action_finish(
        &mut self,
        _: conductor::Context,
        _: ActionFinishValues,
    ) -> Result<InstanceAction, conductor::HostError> {
        no_conductor()
    }

    async fn action_event_start(
        &mut self,
        _: conductor::Context,
        _: ActionEventStartValues,
    ) -> Result<InstanceActionEvent, conductor::HostError> {
        no_conductor()
    }

    async fn action_event_finish(
        &mut self,
        _: conductor::Context,
        _: ActionEventFinishValues,
    ) -> Result<InstanceActionEvent, conductor::HostError> {
        no_conductor()
    }

    async fn instance_fault_create(&mut self, _: InstanceFaultValues) -> Result<(), conductor::HostError> {
        no_conductor()
    }
}

impl notifier::Host for () {
    async fn notify(
        &mut self,
        _: Json,
        _: Vec<Notification>,
    ) -> Result<Vec<Option<notifier::HostError>>, notifier::HostError> {
        Err(notifier::HostError { code: "NoNotifier".into(), message: "this host sends no notifications".into() })
    }
}
