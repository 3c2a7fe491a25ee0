//! The usage audit.

use std::collections::{BTreeMap, VecDeque};

use anyhow::{Context as _, Result};
use nova_compute_utils::host::{HostError, Notification, WindowQuery};
use nova_compute_utils::{Context, Release, time};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Verdict, answer_of, judge, now, with_calls};
use crate::faces::Face;
use crate::json;
use crate::script::{Answers, Call, TaskLogCall, in_microseconds};
use crate::vectors::Case;

pub(super) fn has_audit_been_run(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let script = face.script().clone();
    let found = answer_of(case, "conductor.task_log_get")?;
    let answers = Answers { now: time::parse(now(case)?)?, task_log_get: row(found), ..Answers::default() };
    script.play(answers);
    let host = case.args.text("host")?.unwrap_or_default();
    let timestamp = case.args.text("timestamp")?;
    let run = face.has_audit_been_run(&case.config(release)?, &host, timestamp.as_deref())?;
    let calls: Vec<String> = script.calls().iter().map(positional).collect();
    Ok(with_calls(judge(case, run, |run| run.to_string()), case, &calls))
}

pub(super) fn start_instance_usage_audit(face: &mut dyn Face, _: Release, case: &Case) -> Result<Verdict> {
    let script = face.script().clone();
    script.play(Answers {
        task_log_begin_task: answer_of(case, "conductor.task_log_begin_task")?.err(),
        ..Answers::default()
    });
    let (window, host) = window_and_host(case)?;
    let started = face.start_instance_usage_audit(&window, &host, case.args.read("num_instances")?)?;
    let calls: Vec<String> = script.calls().iter().map(positional).collect();
    Ok(with_calls(judge(case, started, |()| "null".to_owned()), case, &calls))
}

pub(super) fn finish_instance_usage_audit(face: &mut dyn Face, _: Release, case: &Case) -> Result<Verdict> {
    let script = face.script().clone();
    script.play(Answers {
        task_log_end_task: answer_of(case, "conductor.task_log_end_task")?.err(),
        ..Answers::default()
    });
    let (window, host) = window_and_host(case)?;
    let message = case.args.text("message")?;
    let finished = face.finish_instance_usage_audit(&window, &host, case.args.read("errors")?, message.as_deref())?;
    let calls: Vec<String> = script.calls().iter().map(positional).collect();
    Ok(with_calls(judge(case, finished, |()| "null".to_owned()), case, &calls))
}

/// The periodic task. The vectors replace `notify_usage_exists` as a whole: here an instance of which it would raise
/// has its notification refused, and a notification stands for a call of it.
pub(super) fn instance_usage_audit(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    if case.config.get("instance_usage_audit").is_some_and(|setting| setting == false) {
        return Ok(Verdict::SetAside("whether to audit at all is the caller's choice"));
    }
    if case.host.json("time").is_some_and(|time| !time.contains('.')) {
        return Ok(Verdict::SetAside("a clock reads fractions of a second, never whole numbers"));
    }
    let time: VecDeque<f64> = case.host.read("time")?;
    if !face.has_floats() && time.iter().any(|reading| in_microseconds(*reading).to_bits() != reading.to_bits()) {
        return Ok(Verdict::SetAside("a clock in JavaScript says when it is to the microsecond"));
    }
    let script = face.script().clone();
    let refused: BTreeMap<String, Raised> = case.host.read("notify_usage_exists_errors")?;
    let refusal = |(uuid, raised): (String, Raised)| (uuid, HostError::new(raised.class, ""));
    script.play(Answers {
        now: time::parse(now(case)?)?,
        time,
        task_log_get: row(answer_of(case, "task_log_get")?),
        task_log_begin_task: answer_of(case, "task_log_begin_task")?.err(),
        task_log_end_task: answer_of(case, "task_log_end_task")?.err(),
        instances: Some(match answer_of(case, "instances")? {
            Ok(instances) => Ok(documents(instances.as_deref().unwrap_or("[]"))?),
            Err(error) => Err(error),
        }),
        refused: refused.into_iter().map(refusal).collect(),
        ..Answers::default()
    });
    let mut config = case.config(release)?;
    config.host = case.args.text("host")?.unwrap_or_default();
    let run = face.instance_usage_audit(&config, &Context::default())?;
    let replaced = |call: &&Call| !matches!(call, Call::NwInfo(_) | Call::BwUsage(..));
    let calls = script.calls();
    let calls = calls.iter().filter(replaced).map(|call| periodic_call(release, call, &config.host));
    Ok(with_calls(judge(case, run, |_| "null".to_owned()), case, &calls.collect::<Vec<_>>()))
}

/// The order of the answer is the library's own: Nova gives none.
pub(super) fn instance_get_active_by_window_joined(face: &mut dyn Face, _: Release, case: &Case) -> Result<Verdict> {
    let instances: Vec<Box<RawValue>> = case.args.read("instances")?;
    let instances: Vec<String> = instances.iter().map(|instance| instance.get().to_owned()).collect();
    let (project_id, host) = (case.args.text("project_id")?, case.args.text("host")?);
    let query = WindowQuery {
        begin: time::parse(&case.args.text("begin")?.context("no begin")?)?,
        end: case.args.text("end")?.as_deref().map(time::parse).transpose()?,
        project_id: project_id.as_deref(),
        host: host.as_deref(),
    };
    let uuids = face.tables()?.active_by_window(&instances, query)?;
    let sorted = |mut uuids: Vec<String>| {
        uuids.sort();
        uuids
    };
    let expected: Vec<String> = serde_json::from_str(case.expected())?;
    Ok(match uuids.map(sorted) {
        Ok(uuids) if uuids == sorted(expected.clone()) => Verdict::Passed,
        other => Verdict::Failed(format!("expected {expected:?}, got {other:?}")),
    })
}

#[derive(Deserialize)]
struct Raised {
    #[serde(rename = "type")]
    class: String,
}

/// A row counts when it is true in Python's sense; an empty one is none.
fn row(answer: Result<Option<String>, HostError>) -> Option<Result<(), HostError>> {
    match answer {
        Ok(row) => row.filter(|row| row != "null" && row != "{}").map(|_| Ok(())),
        Err(error) => Some(Err(error)),
    }
}

const TYPE_FIELDS: [&str; 10] =
    ["id", "name", "memory_mb", "vcpus", "root_gb", "ephemeral_gb", "flavorid", "swap", "rxtx_factor", "vcpu_weight"];

const NULL_COLUMNS: [&str; 20] = [
    "access_ip_v4",
    "access_ip_v6",
    "architecture",
    "availability_zone",
    "created_at",
    "display_name",
    "hostname",
    "image_ref",
    "instance_type_id",
    "kernel_id",
    "memory_mb",
    "metadata",
    "node",
    "os_type",
    "project_id",
    "ramdisk_id",
    "reservation_id",
    "user_id",
    "vcpus",
    "vm_state",
];

/// The vectors give an instance's `host` and `uuid` only; the library reads a flavor too, in grizzly all columns.
fn documents(instances: &str) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Given {
        host: String,
        uuid: String,
    }
    let instances: Vec<Given> = serde_json::from_str(instances)?;
    let type_rows = TYPE_FIELDS.map(|name| format!(r#"{{"key": "instance_type_{name}", "value": "1"}}"#)).join(", ");
    let null_columns = NULL_COLUMNS.map(|name| format!(r#""{name}": null"#)).join(", ");
    let document = |instance: Given| {
        format!(
            r#"{{"host": {}, "uuid": {}, "flavor": {{"name": "m1.tiny", "root_gb": 1, "ephemeral_gb": 0}},
                "root_gb": 1, "ephemeral_gb": 0, "system_metadata": [{type_rows}], {null_columns}}}"#,
            json::from_text(&instance.host),
            json::from_text(&instance.uuid)
        )
    };
    Ok(instances.into_iter().map(document).collect())
}

fn window_and_host(case: &Case) -> Result<((String, String), String)> {
    let text = |name: &str| case.args.text(name)?.with_context(|| format!("no {name}"));
    Ok(((text("begin")?, text("end")?), text("host")?))
}

/// A call as grizzly makes it: to the conductor, all arguments in their places.
fn positional(call: &Call) -> String {
    let (name, task, more) = match call {
        Call::TaskLogGet(task) => ("task_log_get", task, String::new()),
        Call::TaskLogBegin(task, items, message) => {
            ("task_log_begin_task", task, format!(", {items}, {}", json::from_text(message)))
        }
        Call::TaskLogEnd(task, errors, message) => {
            ("task_log_end_task", task, format!(", {errors}, {}", text_or_null(message.as_deref())))
        }
        other => return format!("\"unexpected call {other:?}\""),
    };
    format!(r#"{{"call": "conductor.{name}", "args": [{}{more}]}}"#, arguments(task, ""))
}

/// A call as the periodic task makes it: in grizzly to the conductor, in hibiscus to the database layer, with keywords.
fn periodic_call(release: Release, call: &Call, host: &str) -> String {
    match release {
        Release::Grizzly => conductor_call(call),
        Release::Hibiscus => database_call(call, host),
    }
}

fn conductor_call(call: &Call) -> String {
    match call {
        Call::Instances(begin, end, host) => format!(
            r#"{{"call": "conductor.instance_get_active_by_window_joined", "args": ["$context", "{begin}", "{end}"],
                "kwargs": {{"host": {}}}}}"#,
            json::from_text(host)
        ),
        Call::Notify(notification) => format!(
            r#"{{"call": "conductor.notify_usage_exists", "args": ["$context", "$instance:{}"],
                "kwargs": {{"ignore_missing_network_data": false}}}}"#,
            uuid_of(notification)
        ),
        other => positional(other),
    }
}

fn uuid_of(notification: &Notification) -> String {
    let payload = json::object(&notification.payload).unwrap_or_default();
    payload.get("instance_id").and_then(|uuid| json::text(uuid.get())).unwrap_or_default()
}

fn database_call(call: &Call, host: &str) -> String {
    const UTC: &str = "+00:00";
    match call {
        Call::TaskLogGet(task) => {
            format!(r#"{{"call": "db.task_log_get", "args": [{}], "kwargs": {{"state": null}}}}"#, arguments(task, ""))
        }
        Call::TaskLogBegin(task, items, message) => format!(
            r#"{{"call": "db.task_log_begin_task", "args": [{}], "kwargs": {{"task_items": {items}, "message": {}}}}}"#,
            arguments(task, UTC),
            json::from_text(message)
        ),
        Call::TaskLogEnd(task, errors, message) => format!(
            r#"{{"call": "db.task_log_end_task", "args": [{}], "kwargs": {{"errors": {errors}, "message": {}}}}}"#,
            arguments(task, UTC),
            text_or_null(message.as_deref())
        ),
        Call::Instances(begin, end, host) => format!(
            r#"{{"call": "objects.InstanceList.get_active_by_window_joined", "args": ["$context", "{begin}", "{end}"],
                "kwargs": {{"expected_attrs": ["system_metadata", "info_cache", "metadata", "flavor"], "host": {},
                "use_slave": true}}}}"#,
            json::from_text(host)
        ),
        Call::Notify(notification) => {
            let uuid = uuid_of(notification);
            format!(
                r#"{{"call": "compute_utils.notify_usage_exists", "args": ["$notifier", "$context", "$instance:{uuid}", {}],
                    "kwargs": {{"ignore_missing_network_data": false}}}}"#,
                json::from_text(host)
            )
        }
        other => format!("\"unexpected call {other:?}\""),
    }
}

fn arguments(task: &TaskLogCall, zone: &str) -> String {
    let TaskLogCall { task_name, begin, end, host } = task;
    format!(r#""$context", {}, "{begin}{zone}", "{end}{zone}", {}"#, json::from_text(task_name), json::from_text(host))
}

fn text_or_null(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), json::from_text)
}
