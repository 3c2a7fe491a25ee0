//! The tables of the library's host in memory.

use anyhow::{Result, bail};
use chrono::NaiveDateTime;
use nova_compute_utils::host::{Conductor, HostError, InstanceFault, TaskLogKey, WindowQuery};
use nova_compute_utils::testing::{BwUsageUpdate, MemoryHost, Row, VolUsageUpdate, ready};
use nova_compute_utils::{Context, Release, time};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Operation, Tables, window};
use crate::faces::{Answer, Failure};

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
        let context = Context::default();
        window::every_page(|marker| {
            answer(ready(host.instance_get_active_by_window(&context, query, marker.as_deref(), 2)))
        })
    }

    fn rows(&mut self, table: &str, _columns: &[&str]) -> Result<Vec<Value>> {
        let host = &self.0;
        let mut rows: Vec<Value> = match table {
            "task_log" => host.task_log_rows().iter().map(row).collect(),
            "instance_actions" => host.instance_actions().iter().map(|row| json!(row)).collect(),
            "instance_actions_events" => host.instance_actions_events().iter().map(|row| json!(row)).collect(),
            "instance_faults" => host.instance_faults().iter().map(row).collect(),
            "bw_usage_cache" => host.bw_usage_cache().iter().map(row).collect(),
            "volume_usage_cache" => host.volume_usage_cache().iter().map(row).collect(),
            other => bail!("unknown table {other}"),
        };
        for row in &mut rows {
            // The library has a boolean where Nova's table has an integer.
            if let Some(deleted) = row["deleted"].as_bool() {
                row["deleted"] = i32::from(deleted).into();
            }
        }
        Ok(rows)
    }
}

fn task_log(host: &MemoryHost, operation: &Operation) -> Result<Answer<Value>> {
    let (begin, end) =
        (time::parse(operation.text("period_beginning")?)?, time::parse(operation.text("period_ending")?)?);
    let (task_name, message) = (operation.text("task_name")?, operation.optional_text("message"));
    let key = || {
        let host = operation.text("host")?;
        anyhow::Ok(TaskLogKey { task_name, period_beginning: begin, period_ending: end, host })
    };
    let context = &operation.context;
    Ok(match operation.name.as_str() {
        "begin_task" => {
            let (items, message) = (operation.integer("task_items").unwrap_or_default(), message.unwrap_or_default());
            answer(ready(host.task_log_begin_task(context, key()?, items, message)))?.map(|()| Value::Null)
        }
        "end_task" => {
            let errors = operation.integer("errors")?;
            answer(ready(host.task_log_end_task(context, key()?, errors, message)))?.map(|()| Value::Null)
        }
        name => {
            let (of_host, state) = (operation.optional_text("host"), operation.optional_text("state"));
            let rows = host.task_log_get_all(task_name, begin, end, of_host, state);
            let mut rows = rows.iter().map(row);
            Ok(if name == "get_all" { rows.collect() } else { rows.next().unwrap_or_default() })
        }
    })
}

fn actions(host: &MemoryHost, operation: &Operation) -> Result<Answer<Value>> {
    let context = &operation.context;
    let id = match operation.name.as_str() {
        "action_start" => ready(host.action_start(context, &operation.record()?)).map(|row| row.map(|row| row.id)),
        "action_finish" => ready(host.action_finish(context, &operation.record()?)).map(|row| row.map(|row| row.id)),
        "action_event_start" => {
            ready(host.action_event_start(context, &operation.record()?)).map(|row| row.map(|row| row.id))
        }
        _ => ready(host.action_event_finish(context, &operation.record()?)).map(|row| row.map(|row| row.id)),
    };
    Ok(answer(id)?.map(|id| json!({ "id": id })))
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
        .map(|(uuid, rows)| (uuid, rows.iter().map(row).collect::<Value>()))
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
            let found = host.bw_usage_get(operation.text("uuid")?, start_period, operation.text("mac")?);
            found.as_ref().map(row).unwrap_or_default()
        }
        _ => host.bw_usage_of(&operation.texts("uuids")?, start_period).iter().map(row).collect(),
    }))
}

fn volumes(host: &MemoryHost, operation: &Operation) -> Result<Answer<Value>> {
    if operation.name == "vol_get_usage_by_time" {
        let rows = host.vol_get_usage_by_time(time::parse(operation.text("begin")?)?);
        return Ok(Ok(rows.iter().map(row).collect()));
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

#[allow(clippy::unnecessary_wraps, reason = "every operation answers in this form")]
fn answer<T>(result: Result<T, HostError>) -> Result<Answer<T>> {
    Ok(result.map_err(|error| {
        let arguments = serde_json::from_str(&error.arguments).unwrap_or_default();
        Failure { code: error.code, message: error.message, arguments }
    }))
}

/// Returns a row of a table that never marks a row as deleted.
fn row<T: Serialize>(row: &Row<T>) -> Value {
    let mut values = json!(row.values);
    values["id"] = row.id.into();
    values["created_at"] = time::isoformat(row.created_at).into();
    values["updated_at"] = row.updated_at.map(time::isoformat).into();
    values["deleted_at"] = Value::Null;
    values["deleted"] = 0.into();
    values
}
