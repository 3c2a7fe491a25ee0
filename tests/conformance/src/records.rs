//! Typed records as JSON, under Nova's names.

use chrono::NaiveDateTime;
use nova_compute_utils::action::{
    ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues,
};
use nova_compute_utils::host::{
    BwUsageCache, InstanceAction, InstanceActionEvent, InstanceFault, Row, TaskLog, VolumeUsageCache,
};
use nova_compute_utils::time;
use serde_json::{Value, json};

/// A moment, or null.
#[must_use]
pub fn moment(moment: Option<NaiveDateTime>) -> Option<String> {
    moment.map(time::isoformat)
}

/// What a new action holds.
#[must_use]
pub fn action_start(values: &ActionStartValues) -> Value {
    json!({
        "action": values.action,
        "instance_uuid": values.instance_uuid,
        "request_id": values.request_id,
        "user_id": values.user_id,
        "project_id": values.project_id,
        "start_time": moment(values.start_time),
        "updated_at": moment(values.updated_at),
    })
}

/// What closes an action.
#[must_use]
pub fn action_finish(values: &ActionFinishValues) -> Value {
    json!({
        "instance_uuid": values.instance_uuid,
        "request_id": values.request_id,
        "finish_time": time::isoformat(values.finish_time),
        "updated_at": moment(values.updated_at),
    })
}

/// What a new event holds.
#[must_use]
pub fn action_event_start(values: &ActionEventStartValues) -> Value {
    json!({
        "event": values.event,
        "instance_uuid": values.instance_uuid,
        "request_id": values.request_id,
        "start_time": time::isoformat(values.start_time),
        "host": values.host,
    })
}

/// What closes an event.
#[must_use]
pub fn action_event_finish(values: &ActionEventFinishValues) -> Value {
    json!({
        "event": values.event,
        "instance_uuid": values.instance_uuid,
        "request_id": values.request_id,
        "finish_time": time::isoformat(values.finish_time),
        "result": values.result,
        "message": values.message,
        "details": values.details,
        "traceback": values.traceback,
    })
}

/// A row of `instance_actions`.
#[must_use]
pub fn instance_action(row: &InstanceAction) -> Value {
    json!({
        "id": row.id,
        "action": row.action,
        "instance_uuid": row.instance_uuid,
        "request_id": row.request_id,
        "user_id": row.user_id,
        "project_id": row.project_id,
        "start_time": moment(row.start_time),
        "finish_time": moment(row.finish_time),
        "message": row.message,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
        "deleted_at": moment(row.deleted_at),
        "deleted": row.deleted,
    })
}

/// A row of `instance_actions_events`.
#[must_use]
pub fn instance_action_event(row: &InstanceActionEvent) -> Value {
    json!({
        "id": row.id,
        "event": row.event,
        "action_id": row.action_id,
        "start_time": moment(row.start_time),
        "finish_time": moment(row.finish_time),
        "result": row.result,
        "traceback": row.traceback,
        "host": row.host,
        "details": row.details,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
        "deleted_at": moment(row.deleted_at),
        "deleted": row.deleted,
    })
}

/// A row of `task_log`.
#[must_use]
pub fn task_log(row: &Row<TaskLog>) -> Value {
    let TaskLog { task_name, state, host, message, task_items, errors, .. } = &row.values;
    let values = json!({
        "task_name": task_name,
        "state": state,
        "host": host,
        "period_beginning": time::isoformat(row.values.period_beginning),
        "period_ending": time::isoformat(row.values.period_ending),
        "message": message,
        "task_items": task_items,
        "errors": errors,
    });
    live(row, values)
}

/// A row of `instance_faults`.
#[must_use]
pub fn instance_fault(row: &Row<InstanceFault>) -> Value {
    let InstanceFault { instance_uuid, code, message, details, host } = &row.values;
    let values = json!({
        "instance_uuid": instance_uuid,
        "code": code,
        "message": message,
        "details": details,
        "host": host,
    });
    live(row, values)
}

/// A row of `bw_usage_cache`.
#[must_use]
pub fn bw_usage(row: &Row<BwUsageCache>) -> Value {
    let BwUsageCache { uuid, mac, bw_in, bw_out, last_ctr_in, last_ctr_out, .. } = &row.values;
    let values = json!({
        "uuid": uuid,
        "mac": mac,
        "start_period": time::isoformat(row.values.start_period),
        "last_refreshed": time::isoformat(row.values.last_refreshed),
        "bw_in": bw_in,
        "bw_out": bw_out,
        "last_ctr_in": last_ctr_in,
        "last_ctr_out": last_ctr_out,
    });
    live(row, values)
}

/// A row of `volume_usage_cache`.
#[must_use]
pub fn volume_usage(row: &Row<VolumeUsageCache>) -> Value {
    let usage = &row.values;
    let values = json!({
        "volume_id": usage.volume_id,
        "instance_uuid": usage.instance_uuid,
        "project_id": usage.project_id,
        "user_id": usage.user_id,
        "availability_zone": usage.availability_zone,
        "tot_last_refreshed": moment(usage.tot_last_refreshed),
        "tot_reads": usage.tot_reads,
        "tot_read_bytes": usage.tot_read_bytes,
        "tot_writes": usage.tot_writes,
        "tot_write_bytes": usage.tot_write_bytes,
        "curr_last_refreshed": moment(usage.curr_last_refreshed),
        "curr_reads": usage.curr_reads,
        "curr_read_bytes": usage.curr_read_bytes,
        "curr_writes": usage.curr_writes,
        "curr_write_bytes": usage.curr_write_bytes,
    });
    live(row, values)
}

/// A row of a table that never marks one as deleted.
fn live<T>(row: &Row<T>, mut values: Value) -> Value {
    values["id"] = row.id.into();
    values["created_at"] = time::isoformat(row.created_at).into();
    values["updated_at"] = moment(row.updated_at).into();
    values["deleted_at"] = Value::Null;
    values["deleted"] = 0.into();
    values
}
