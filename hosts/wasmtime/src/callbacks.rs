use crate::bindings::nova::compute_utils::conductor::{
    self, ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, AuditCheckpoint,
    BwUsage, Context, Datetime, HostError, InstanceAction, InstanceActionEvent, InstanceFaultValues, InstancePage,
    Json, TaskLog, TaskLogKey, WindowQuery,
};
use crate::bindings::nova::compute_utils::notifier::{self, Notification};

/// The conductor and the notifier that a component calls.
///
/// Either may be `()`, which fails every call with the code `NoConductor` or `NoNotifier`. Pure functions, such as
/// those of `period`, need neither.
#[derive(Clone, Debug, Default)]
pub struct Callbacks<C, N> {
    /// Stores the records.
    pub conductor: C,
    /// Sends the notifications.
    pub notifier: N,
}

macro_rules! failing_conductor {
    ($($name:ident($($argument:ty),*) -> $answer:ty;)*) => {
        impl conductor::Host for () {
            $(
                async fn $name(&mut self, _: Context, $(_: $argument),*) -> Result<$answer, HostError> {
                    Err(HostError::new("NoConductor", "this host keeps no records"))
                }
            )*
        }
    };
}

failing_conductor! {
    task_log_get(TaskLogKey) -> Option<TaskLog>;
    task_log_begin_task(TaskLogKey, i64, String) -> ();
    task_log_end_task(TaskLogKey, i64, Option<String>) -> ();
    audit_checkpoint_get(TaskLogKey) -> Option<AuditCheckpoint>;
    audit_checkpoint_put(TaskLogKey, AuditCheckpoint) -> bool;
    instance_get_active_by_window(WindowQuery, Option<String>, u32) -> InstancePage;
    instance_count_active_by_window(WindowQuery) -> u64;
    bw_usage_get_by_uuids(Vec<String>, Datetime) -> Vec<BwUsage>;
    instance_get_nw_info(Json) -> Json;
    instance_fault_create(InstanceFaultValues) -> ();
    action_start(ActionStartValues) -> Option<InstanceAction>;
    action_finish(ActionFinishValues) -> Option<InstanceAction>;
    action_event_start(ActionEventStartValues) -> Option<InstanceActionEvent>;
    action_event_finish(ActionEventFinishValues) -> Option<InstanceActionEvent>;
}

impl notifier::Host for () {
    async fn notify(&mut self, _: Context, _: Vec<Notification>) -> Result<Vec<Option<HostError>>, HostError> {
        Err(no_notifier())
    }

    async fn position(&mut self, _: Context) -> Result<Option<String>, HostError> {
        Err(no_notifier())
    }

    async fn resume_at(&mut self, _: Context, _: Option<String>) -> Result<(), HostError> {
        Err(no_notifier())
    }
}

fn no_notifier() -> HostError {
    HostError::new("NoNotifier", "this host sends no notifications")
}
