//! Nova's own tables in a SQLite file with Nova's schema.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use chrono::NaiveDateTime;
use nova_compute_utils::host::{InstancePage, WindowQuery};
use nova_compute_utils::{Context, Release, time};
use nova_compute_utils_wasmtime::conductor::{self, Host as _, HostError, TaskLog, TaskLogKey};
use nova_compute_utils_wasmtime::{BwUsageUpdate, Clock, InstanceFault, SqlConductor, VolUsageUpdate};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row as _, SqlitePool};
use tempfile::TempDir;
use tokio::runtime::Handle;

use super::{Operation, Tables, window};
use crate::faces::{self, Answer, Failure, Parsed, record};

/// The tables that operations change.
const TABLES: [&str; 6] = [
    "task_log",
    "instance_actions_events",
    "instance_actions",
    "instance_faults",
    "bw_usage_cache",
    "volume_usage_cache",
];

/// A real Nova cell, emptied.
pub struct SqlTables {
    runtime: tokio::runtime::Runtime,
    conductor: SqlConductor,
    pool: SqlitePool,
    now: Arc<Mutex<NaiveDateTime>>,
    _directory: TempDir,
}

impl SqlTables {
    /// Unpacks a cell database into a directory of its own.
    pub fn unpack(packed: &Path) -> Result<Self> {
        let directory = TempDir::new()?;
        let path = directory.path().join("nova.sqlite");
        let packed = File::open(packed).with_context(|| format!("cannot read `{}`", packed.display()))?;
        io::copy(&mut liblzma::read::XzDecoder::new(packed), &mut File::create(&path)?)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let now = Arc::new(Mutex::new(NaiveDateTime::default()));
        let (url, read) = (format!("sqlite:{}", path.display()), now.clone());
        let clock = Clock::called(move || *read.lock().unwrap_or_else(PoisonError::into_inner));
        let (conductor, pool) = runtime.block_on(async {
            anyhow::Ok((SqlConductor::open(&url, clock).await?, SqlitePool::connect(&url).await?))
        })?;
        Ok(Self { runtime, conductor, pool, now, _directory: directory })
    }
}

impl Tables for SqlTables {
    fn empty(&mut self, release: Release) -> Result<()> {
        self.conductor = self.conductor.clone().with_release(record(&Parsed(release))?);
        for table in TABLES {
            self.runtime.block_on(sqlx::raw_sql(AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&self.pool))?;
        }
        Ok(())
    }

    fn operate(&mut self, operation: &Operation) -> Result<Answer<Value>> {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = time::parse(&operation.now)?;
        let handle = self.runtime.handle().clone();
        let mut subject = Subject { handle, conductor: &mut self.conductor, operation };
        match operation.name.as_str() {
            "begin_task" | "end_task" | "get" | "get_all" => subject.task_log(),
            "action_start" | "action_finish" | "action_event_start" | "action_event_finish" => subject.actions(),
            "instance_fault_create" | "instance_fault_get_by_instance_uuids" => subject.faults(),
            "bw_usage_update" | "bw_usage_get" | "bw_usage_get_by_uuids" => subject.bandwidth(),
            "vol_usage_update" | "vol_get_usage_by_time" => subject.volumes(),
            other => bail!("unknown operation {other}"),
        }
    }

    fn active_by_window(&mut self, instances: &[String], query: WindowQuery<'_>) -> Result<Answer<Vec<String>>> {
        let Self { runtime, conductor, pool, .. } = self;
        let sql = window::replace_instances(instances)?;
        runtime.block_on(sqlx::raw_sql(AssertSqlSafe(sql)).execute(&*pool))?;
        let query = conductor::WindowQuery {
            begin: time::isoformat(query.begin),
            end: query.end.map(time::isoformat),
            project_id: query.project_id.map(str::to_owned),
            host: query.host.map(str::to_owned),
        };
        window::every_page(|marker| {
            let context = context(&Context::default())?;
            let page = conductor.instance_get_active_by_window(context, query.clone(), marker, 2);
            let page = runtime.block_on(page);
            Ok(page
                .map(|page| InstancePage {
                    instances: page.instances,
                    next_marker: page.next_marker,
                    ..InstancePage::default()
                })
                .map_err(failure))
        })
    }

    /// The tables hold timestamps as `SQLAlchemy` writes them: with a blank and six digits.
    fn rows(&mut self, table: &str, columns: &[&str]) -> Result<Vec<Value>> {
        let members = columns.iter().map(|name| format!("'{name}', {name}")).collect::<Vec<_>>().join(", ");
        let sql = format!("SELECT json_object({members}) FROM {table} ORDER BY id");
        let rows = self.runtime.block_on(sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pool))?;
        let row = |row: &sqlx::sqlite::SqliteRow| {
            let mut row: Value = serde_json::from_str(row.try_get(0)?)?;
            for (_, value) in row.as_object_mut().into_iter().flatten() {
                if let Some(time) = value.as_str().filter(|text| is_timestamp(text)) {
                    *value = time.replacen(' ', "T", 1).into();
                }
            }
            anyhow::Ok(row)
        };
        rows.iter().map(row).collect()
    }
}

fn is_timestamp(text: &str) -> bool {
    text.len() == 26 && text.as_bytes()[10] == b' ' && time::parse(text).is_ok()
}

struct Subject<'a> {
    handle: Handle,
    conductor: &'a mut SqlConductor,
    operation: &'a Operation,
}

impl Subject<'_> {
    fn task_log(&mut self) -> Result<Answer<Value>> {
        let Self { handle, conductor, operation } = self;
        let text = |name: &str| operation.text(name).map(str::to_owned);
        let (task_name, period_beginning, period_ending) =
            (text("task_name")?, text("period_beginning")?, text("period_ending")?);
        let (host, message) = (operation.optional_text("host"), operation.owned("message"));
        let key = |host: &str| TaskLogKey {
            task_name: task_name.clone(),
            period_beginning: period_beginning.clone(),
            period_ending: period_ending.clone(),
            host: host.to_owned(),
        };
        let context = context(&operation.context)?;
        match operation.name.as_str() {
            "begin_task" => {
                let (items, message) =
                    (operation.integer("task_items").unwrap_or_default(), message.unwrap_or_default());
                let key = key(operation.text("host")?);
                let started = conductor.task_log_begin_task(context, key, items, message);
                answer(handle.block_on(started), |()| Value::Null)
            }
            "end_task" => {
                let (key, errors) = (key(operation.text("host")?), operation.integer("errors")?);
                let ended = conductor.task_log_end_task(context, key, errors, message);
                answer(handle.block_on(ended), |()| Value::Null)
            }
            name => {
                let state = operation.optional_text("state");
                if let (Some(host), None, "get") = (host, state, name) {
                    let row = handle.block_on(conductor.task_log_get(context, key(host)));
                    return answer(row, |row| row.map_or(Value::Null, as_json));
                }
                // The conductor lacks Nova's other filters, because the library does not use them.
                let selected = |row: &TaskLog| {
                    host.is_none_or(|host| row.host == host) && state.is_none_or(|state| row.state == state)
                };
                let rows = conductor.task_log_get_all(&task_name, &period_beginning, &period_ending);
                answer(handle.block_on(rows), |rows| {
                    let mut rows = rows.into_iter().filter(selected).map(as_json);
                    if name == "get_all" { rows.collect() } else { rows.next().unwrap_or_default() }
                })
            }
        }
    }

    fn actions(&mut self) -> Result<Answer<Value>> {
        let Self { handle, conductor, operation } = self;
        let context = context(&operation.context)?;
        let id = |id: Option<i64>| json!({ "id": id });
        match operation.name.as_str() {
            "action_start" => {
                let row = handle.block_on(conductor.action_start(context, operation.record()?));
                answer(row, |row| id(row.map(|row| row.id)))
            }
            "action_finish" => {
                let row = handle.block_on(conductor.action_finish(context, operation.record()?));
                answer(row, |row| id(row.map(|row| row.id)))
            }
            "action_event_start" => {
                let row = handle.block_on(conductor.action_event_start(context, operation.record()?));
                answer(row, |row| id(row.map(|row| row.id)))
            }
            _ => {
                let row = handle.block_on(conductor.action_event_finish(context, operation.record()?));
                answer(row, |row| id(row.map(|row| row.id)))
            }
        }
    }

    fn faults(&mut self) -> Result<Answer<Value>> {
        let Self { handle, conductor, operation } = self;
        if operation.name == "instance_fault_create" {
            let values = operation.values();
            let fault = InstanceFault {
                id: 0,
                instance_uuid: values.owned("instance_uuid"),
                code: values.integer("code")?,
                message: values.owned("message"),
                details: values.owned("details"),
                host: values.owned("host"),
                created_at: None,
            };
            return answer(handle.block_on(conductor.insert_instance_fault(&fault)), |()| Value::Null);
        }
        let (uuids, latest) = (operation.texts("instance_uuids")?, operation.flag("latest"));
        answer(handle.block_on(conductor.instance_fault_get_by_instance_uuids(&uuids, latest)), as_json)
    }

    fn bandwidth(&mut self) -> Result<Answer<Value>> {
        let Self { handle, conductor, operation } = self;
        let start_period = operation.text("start_period")?;
        match operation.name.as_str() {
            "bw_usage_update" => {
                let update = BwUsageUpdate {
                    uuid: operation.text("uuid")?.to_owned(),
                    mac: operation.text("mac")?.to_owned(),
                    start_period: start_period.to_owned(),
                    bw_in: operation.integer("bw_in")?,
                    bw_out: operation.integer("bw_out")?,
                    last_ctr_in: operation.integer("last_ctr_in").ok(),
                    last_ctr_out: operation.integer("last_ctr_out").ok(),
                    last_refreshed: operation.owned("last_refreshed"),
                };
                answer(handle.block_on(conductor.bw_usage_update(&update)), |()| Value::Null)
            }
            "bw_usage_get" => {
                let (uuid, mac) = (operation.text("uuid")?, operation.text("mac")?);
                answer(handle.block_on(conductor.bw_usage_get(uuid, start_period, mac)), as_json)
            }
            _ => {
                let uuids = operation.texts("uuids")?;
                answer(handle.block_on(conductor.bw_usage_of(&uuids, start_period)), as_json)
            }
        }
    }

    fn volumes(&mut self) -> Result<Answer<Value>> {
        let Self { handle, conductor, operation } = self;
        if operation.name == "vol_get_usage_by_time" {
            return answer(handle.block_on(conductor.vol_get_usage_by_time(operation.text("begin")?)), as_json);
        }
        let update = VolUsageUpdate {
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
        };
        answer(handle.block_on(conductor.vol_usage_update(&update)), |row| json!({ "id": row.id }))
    }
}

fn as_json(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

#[allow(clippy::unnecessary_wraps, reason = "every operation answers in this form")]
fn answer<T>(result: Result<T, HostError>, value: impl FnOnce(T) -> Value) -> Result<Answer<Value>> {
    Ok(result.map(value).map_err(failure))
}

fn failure(error: HostError) -> Failure {
    let arguments = serde_json::from_str(&error.arguments).unwrap_or_default();
    Failure { code: error.code, message: error.message, arguments }
}

fn context(context: &Context) -> Result<conductor::Context> {
    record(&faces::Context::from(context))
}
