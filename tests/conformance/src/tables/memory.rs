//! The tables of the library's host in memory.

use std::future::Future;
use std::pin::pin;
use std::task::{Poll, Waker};

use anyhow::{Result, bail};
use chrono::NaiveDateTime;
use nova_compute_utils::action::{
    ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues,
};
use nova_compute_utils::host::{
    BwUsageUpdate, Conductor, HostError, InstanceFault, MemoryHost, VolUsageUpdate, WindowQuery,
};
use nova_compute_utils::{Release, time};
use serde_json::{Value, json};

use super::{Operation, Tables, failure, window};
use crate::faces::Answer;
use crate::records;

/// The host in memory.
#[derive(Debug)]
pub struct MemoryTables(MemoryHost);

impl Default for MemoryTables {
    fn default() -> Self {
        Self(MemoryHost::new(NaiveDateTime::default()))
    }
}

impl Tables for MemoryTables {
    fn empty(&mut self, release: Release) -> Result<()> {
        self.0 = MemoryHost::new(NaiveDateTime::default()).with_release(release);
        Ok(())
    }

    fn operate(&mut self, operation: &Operation) -> Result<Answer<Value>> {
        self.0.set_utcnow(time::parse(&operation.now)?);
        match operation.name.as_str() {
            "begin_task" | "end_task" | "get" | "get_all" => task_log(&self.0, operation),
            "action_start" | "action_finish" | "action_event_start" | "action_event_finish" => {
                actions(&self.0, operation)
            }
            "instance_fault_create" | "instance_fault_get_by_instance_uuids" => faults(&self.0, operation),
            "bw_usage_update" | "bw_usage_get" | "bw_usage_get_by_uuids" => bandwidth(&self.0, operation),
            "vol_usage_update" | "vol_get_usage_by_time" => volumes(&self.0, operation),
            other => bail!("unknown operation {other}"),
        }
    }

    fn active_by_window(&mut self, instances: &[String], query: WindowQuery<'_>) -> Result<Answer<Vec<String>>> {
        let host = MemoryHost::new(query.begin);
        for instance in instances {
            host.add_instance(instance.as_str())?;
        }
        window::every_page(|marker| finished(host.instance_get_active_by_window(query, marker.as_deref(), 2)))
    }

    fn rows(&mut self, table: &str, _columns: &[&str]) -> Result<Vec<Value>> {
        let host = &self.0;
        let mut rows: Vec<Value> = match table {
            "task_log" => host.task_log_rows().iter().map(records::row).collect(),
            "instance_actions" => host.instance_actions().iter().map(records::record).collect(),
            "instance_actions_events" => {
                host.instance_actions_events().iter().map(records::record).collect()
            }
            "instance_faults" => host.instance_faults().iter().map(records::row).collect(),
            "bw_usage_cache" => host.bw_usage_cache().iter().map(records::row).collect(),
            "volume_usage_cache" => host.volume_usage_cache().iter().map(records::row).collect(),
            other => bail!("unknown table {other}"),
        };
        for row in &mut rows {
            // The library says whether a row is deleted; the table has a number for it.
            if let Some(deleted) = row["deleted"].as_bool() {
                row["deleted"] = i32::from(deleted).into();
            }
        }
        Ok(rows)
    }
}

fn task_log(host: &MemoryHost, operation: &Operation) -> Result<Answer<Value>> {
    let task = operation.text("task_name")?;
    let (begin, end) =
        (time::parse(operation.text("period_beginning")?)?, time::parse(operation.text("period_ending")?)?);
    let (of_host, message) = (operation.optional_text("host"), operation.optional_text("message"));
    Ok(match operation.name.as_str() {
        "begin_task" => {
            let (items, message) = (operation.integer("task_items").unwrap_or_default(), message.unwrap_or_default());
            let started = host.task_log_begin_task(task, begin, end, operation.text("host")?, items, message);
            answer(started, |()| Value::Null)?
        }
        "end_task" => {
            let (of_host, errors) = (operation.text("host")?, operation.integer("errors")?);
            answer(host.task_log_end_task(task, begin, end, of_host, errors, message), |()| Value::Null)?
        }
        name => {
            let rows = host.task_log_get_all(task, begin, end, of_host, operation.optional_text("state"));
            let mut rows = rows.iter().map(records::row);
            Ok(if name == "get_all" { rows.collect() } else { rows.next().unwrap_or_default() })
        }
    })
}

fn actions(host: &MemoryHost, operation: &Operation) -> Result<Answer<Value>> {
    let values = operation.values();
    let moment = |name: &str| time::parse(values.text(name)?).map_err(anyhow::Error::from);
    let optional_moment = |name: &str| values.optional_text(name).map(time::parse).transpose();
    let (context, instance_uuid) = (&operation.context, values.text("instance_uuid")?.to_owned());
    let request_id = values.owned("request_id");
    let id = |id: i64| json!({ "id": id });
    match operation.name.as_str() {
        "action_start" => {
            let values = ActionStartValues {
                action: values.owned("action"),
                instance_uuid,
                request_id,
                user_id: values.owned("user_id"),
                project_id: values.owned("project_id"),
                start_time: optional_moment("start_time")?,
                updated_at: optional_moment("updated_at")?,
            };
            answer(host.action_start(context, &values), |row| id(row.id))
        }
        "action_finish" => {
            let (finish_time, updated_at) = (moment("finish_time")?, optional_moment("updated_at")?);
            let values = ActionFinishValues { instance_uuid, request_id, finish_time, updated_at };
            answer(host.action_finish(context, &values), |row| id(row.id))
        }
        "action_event_start" => {
            let (event, start_time) = (values.text("event")?.to_owned(), moment("start_time")?);
            let host_name = values.owned("host");
            let values = ActionEventStartValues { event, instance_uuid, request_id, start_time, host: host_name };
            answer(host.action_event_start(context, &values), |row| id(row.id))
        }
        _ => {
            let values = ActionEventFinishValues {
                event: values.text("event")?.to_owned(),
                instance_uuid,
                request_id,
                finish_time: moment("finish_time")?,
                result: values.text("result")?.to_owned(),
                message: values.owned("message"),
                details: values.owned("details"),
                traceback: values.owned("traceback"),
            };
            answer(host.action_event_finish(context, &values), |row| id(row.id))
        }
    }
}

fn faults(host: &MemoryHost, operation: &Operation) -> Result<Answer<Value>> {
    if operation.name == "instance_fault_create" {
        let values = operation.values();
        host.insert_instance_fault(InstanceFault {
            instance_uuid: values.text("instance_uuid")?.to_owned(),
            code: values.integer("code")?,
            message: values.owned("message"),
            details: values.owned("details"),
            host: values.owned("host"),
        });
        return Ok(Ok(json!({ "id": host.instance_faults().last().map(|row| row.id) })));
    }
    let uuids = operation.texts("instance_uuids")?;
    let faults = host.instance_fault_get_by_instance_uuids(&uuids, operation.flag("latest")).into_iter();
    Ok(Ok(faults
        .map(|(uuid, rows)| (uuid, rows.iter().map(records::row).collect::<Value>()))
        .collect::<serde_json::Map<_, _>>()
        .into()))
}

fn bandwidth(host: &MemoryHost, operation: &Operation) -> Result<Answer<Value>> {
    let start_period = time::parse(operation.text("start_period")?)?;
    Ok(Ok(match operation.name.as_str() {
        "bw_usage_update" => {
            host.bw_usage_update(BwUsageUpdate {
                uuid: operation.text("uuid")?.to_owned(),
                mac: operation.text("mac")?.to_owned(),
                start_period,
                bw_in: operation.integer("bw_in")?,
                bw_out: operation.integer("bw_out")?,
                last_ctr_in: operation.integer("last_ctr_in").ok(),
                last_ctr_out: operation.integer("last_ctr_out").ok(),
                last_refreshed: operation.optional_text("last_refreshed").map(time::parse).transpose()?,
            });
            Value::Null
        }
        "bw_usage_get" => {
            let row = host.bw_usage_get(operation.text("uuid")?, start_period, operation.text("mac")?);
            row.as_ref().map(records::row).unwrap_or_default()
        }
        _ => host.bw_usage_of(&operation.texts("uuids")?, start_period).iter().map(records::row).collect(),
    }))
}

fn volumes(host: &MemoryHost, operation: &Operation) -> Result<Answer<Value>> {
    if operation.name == "vol_get_usage_by_time" {
        let rows = host.vol_get_usage_by_time(time::parse(operation.text("begin")?)?);
        return Ok(Ok(rows.iter().map(records::row).collect()));
    }
    let row = host.vol_usage_update(VolUsageUpdate {
        id: operation.text("id")?.to_owned(),
        rd_req: operation.integer("rd_req")?,
        rd_bytes: operation.integer("rd_bytes")?,
        wr_req: operation.integer("wr_req")?,
        wr_bytes: operation.integer("wr_bytes")?,
        instance_id: operation.owned("instance_id"),
        project_id: operation.owned("project_id"),
        user_id: operation.owned("user_id"),
        availability_zone: operation.owned("availability_zone"),
        update_totals: operation.flag("update_totals"),
    });
    Ok(Ok(json!({ "id": row.id })))
}

/// The host in memory answers at once.
fn answer<T>(
    future: impl Future<Output = Result<T, HostError>>,
    value: impl FnOnce(T) -> Value,
) -> Result<Answer<Value>> {
    Ok(finished(future)?.map(value))
}

fn finished<T>(future: impl Future<Output = Result<T, HostError>>) -> Result<Answer<T>> {
    match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Ok(result.map_err(|error| failure(error.code, error.message))),
        Poll::Pending => bail!("the host in memory did not answer at once"),
    }
}
