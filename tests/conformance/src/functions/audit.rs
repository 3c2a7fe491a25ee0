//! Audit periods and the usage audit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::{Context as _, Result};
use nova_compute_utils::Release;
use nova_compute_utils::host::{HostError, WindowQuery};
use nova_compute_utils::time;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Raised, Trial, Verdict, message_ids, unexpected};
use crate::arguments::{Arguments, parse};
use crate::faces::Answer;
use crate::script::{Answers, Call, in_microseconds};

pub(super) fn last_completed_audit_period(trial: &mut Trial<'_>) -> Result<Verdict> {
    let names = ["release", "instance_usage_audit_period", "unit", "before"];
    let mut arguments = trial.arguments(&names)?;
    if arguments.json("before").is_none() {
        arguments = arguments.with("before", trial.now()?);
    }
    window(trial, &arguments)
}

pub(super) fn audit_period_bounds(trial: &mut Trial<'_>) -> Result<Verdict> {
    let names = ["release", "instance_usage_audit_period", "current_period", "now"];
    let arguments = trial.arguments(&names)?;
    window(trial, &arguments)
}

fn window(trial: &mut Trial<'_>, arguments: &Arguments) -> Result<Verdict> {
    let answer = trial.face.call(trial.function, arguments)?;
    trial.judge_as(answer, |answer| {
        let window: Value = serde_json::from_str(&answer)?;
        Ok(json!([window["begin"], window["end"]]).to_string())
    })
}

pub(super) fn get_audit_task_logs(trial: &mut Trial<'_>) -> Result<Verdict> {
    let mut window =
        trial.arguments(&["release", "before"])?.copying(&["instance_usage_audit_period"], &trial.config());
    if window.json("before").is_none() {
        window = window.with("before", trial.now()?);
    }
    // Nova's query has selected the rows of the task and the window; the case has their other columns.
    let selected: Arguments = match trial.face.call("last_completed_audit_period", &window)? {
        Ok(selected) => parse(&selected)?,
        // Without a window, the function fails whatever the rows are.
        Err(_) => Arguments::default().with("begin", "2026-10-01").with("end", "2026-11-01"),
    };
    let rows: Vec<Arguments> = trial.case.args.read("task_logs")?;
    let rows: Vec<Arguments> = rows.iter().map(|row| task_log_row(row, &selected)).collect::<Result<_>>()?;
    let arguments = window.copying(&["hosts"], &trial.case.args).with("task_logs", rows);
    let answer = trial.face.call("get_audit_task_logs", &arguments)?;
    Ok(trial.judge(answer))
}

/// Returns a row of the task log; the window has the columns that the row lacks.
fn task_log_row(row: &Arguments, window: &Arguments) -> Result<Arguments> {
    let (begin, end): (String, String) = (window.read("begin")?, window.read("end")?);
    let columns =
        ["task_name", "state", "host", "period_beginning", "period_ending", "message", "task_items", "errors"];
    Ok(Arguments::default()
        .with("task_name", "instance_usage_audit")
        .with("period_beginning", begin)
        .with("period_ending", end)
        .copying(&columns, row))
}

pub(super) fn get_audit_coverage(trial: &mut Trial<'_>) -> Result<Verdict> {
    let names = ["release", "instance_usage_audit_period", "clamp", "begin", "end", "now", "hosts", "task_logs"];
    let answer = trial.face.call("get_audit_coverage", &trial.arguments(&names)?)?;
    Ok(trial.judge(answer))
}

pub(super) fn has_audit_been_run(trial: &mut Trial<'_>) -> Result<Verdict> {
    let arguments = trial.arguments(&["config", "context", "host", "timestamp"])?;
    task_log(trial, "task_log_get", &arguments)
}

pub(super) fn start_instance_usage_audit(trial: &mut Trial<'_>) -> Result<Verdict> {
    let arguments = trial.arguments(&["config", "context", "host", "num_instances"])?.with("window", bounds(trial));
    task_log(trial, "task_log_begin_task", &arguments)
}

pub(super) fn finish_instance_usage_audit(trial: &mut Trial<'_>) -> Result<Verdict> {
    let names = ["config", "context", "host", "errors", "message"];
    let arguments = trial.arguments(&names)?.with("window", bounds(trial));
    task_log(trial, "task_log_end_task", &arguments)
}

fn bounds(trial: &Trial<'_>) -> Arguments {
    Arguments::default().copying(&["begin", "end"], &trial.case.args)
}

/// Runs a function with one call of the task log.
fn task_log(trial: &mut Trial<'_>, callback: &'static str, arguments: &Arguments) -> Result<Verdict> {
    let mut answers = trial.answers()?;
    let reply = trial.reply(&format!("conductor.{callback}"))?.map(|reply| row_of_reply(&reply));
    answers.replies.insert(callback, reply);
    let (answer, calls) = trial.play(answers, trial.function, arguments)?;
    let calls: Vec<String> = calls.iter().map(conductor_call).collect();
    Ok(trial.with_calls(trial.judge(answer), &calls))
}

/// Returns a row of the task log for a reply that is true in Python's sense, and null for others.
fn row_of_reply(reply: &str) -> String {
    if reply == "null" || reply == "{}" { "null".to_owned() } else { row("DONE", 0) }
}

/// Returns a row of the task log.
fn row(state: &str, errors: usize) -> String {
    let (begin, end) = ("2013-04-01T00:00:00.000000", "2013-05-01T00:00:00.000000");
    json!({
        "task_name": "instance_usage_audit", "state": state, "host": "h", "period_beginning": begin,
        "period_ending": end, "message": "", "task_items": 0, "errors": errors,
    })
    .to_string()
}

/// Runs the periodic task. The vectors replace the whole of `notify_usage_exists`. Here each notification counts as a
/// call of it, and the host refuses the notification of an instance for which it raises.
pub(super) fn instance_usage_audit(trial: &mut Trial<'_>) -> Result<Verdict> {
    let case = trial.case;
    if case.setting("instance_usage_audit") == Some(json!(false)) {
        return Ok(Verdict::SetAside("the caller decides whether to audit at all"));
    }
    if case.host.json("time").is_some_and(|time| !time.contains('.')) {
        return Ok(Verdict::SetAside("a clock reads fractions of a second, never whole numbers"));
    }
    let time: VecDeque<f64> = case.host.read("time")?;
    if !trial.face.has_floats() && time.iter().any(|reading| in_microseconds(*reading).to_bits() != reading.to_bits()) {
        return Ok(Verdict::SetAside("a clock in JavaScript reads whole microseconds"));
    }
    let refused: BTreeMap<String, Raised> = case.host.read("notify_usage_exists_errors")?;
    let refusal = |(uuid, raised): (String, Raised)| (uuid, HostError::new(raised.class, ""));
    let mut answers = trial.answers()?;
    answers.time = time;
    answers.refused = refused.into_iter().map(refusal).collect();
    for callback in ["task_log_get", "task_log_begin_task", "task_log_end_task"] {
        answers.replies.insert(callback, trial.reply(callback)?.map(|reply| row_of_reply(&reply)));
    }
    let instances = match trial.reply("instances")? {
        Ok(instances) => Ok(documents(&instances)?),
        Err(error) => Err(error),
    };
    answers.replies.insert("instance_get_active_by_window", instances);
    let host: Value = case.args.read("host")?;
    let arguments = trial.arguments(&["context"])?.with("config", trial.config().with("host", &host));
    let (answer, calls) = trial.play(answers, "instance_usage_audit", &arguments)?;
    let periodic_call = |call: &Call| match trial.release {
        Release::Grizzly => conductor_call(call),
        Release::Hibiscus => database_call(call, &host),
    };
    let of_the_task = |call: &&Call| call.name != "instance_get_nw_info" && call.name != "bw_usage_get_by_uuids";
    let calls: Vec<String> = calls.iter().filter(of_the_task).map(periodic_call).collect();
    Ok(trial.with_calls(trial.judge_as(answer, |_| Ok("null".to_owned()))?, &calls))
}

/// Interrupts an audit with deterministic message ids at a batch that fails as a whole, or finishes it, and then resumes
/// it, gives it up or retries what failed. Nova has no such audit: the vectors are ours.
pub(super) fn continued_instance_usage_audit(trial: &mut Trial<'_>) -> Result<Verdict> {
    let case = trial.case;
    let refused: BTreeMap<String, Raised> = case.host.read("refused")?;
    let refused_again: Option<BTreeMap<String, Raised>> = case.host.read("refused_again")?;
    let instances = documents(case.host.json("instances").context("the case has no instances")?)?;
    let answers = |refused: &BTreeMap<String, Raised>| -> Result<Answers> {
        let refusal = |(uuid, raised): (&String, &Raised)| (uuid.clone(), HostError::new(&raised.class, ""));
        let replies = BTreeMap::from([("instance_get_active_by_window", Ok(instances.clone()))]);
        let refused = refused.iter().map(refusal).collect();
        Ok(Answers { replies, refused, keeps_checkpoints: true, ..trial.answers()? })
    };
    let (mut interrupted, mut continued) = (answers(&refused)?, answers(refused_again.as_ref().unwrap_or(&refused))?);
    let config = trial.config().with("host", case.args.text("host")?);
    let arguments = trial.arguments(&["context"])?.with("config", config).with("message_ids", "deterministic");

    let failing_batch: Option<usize> = case.host.read("failing_batch")?;
    interrupted.failing_batch = failing_batch.map(|batch| (batch, HostError::new("IOError", "the disk is full")));
    let (answer, calls) = trial.play_with_any_ids(interrupted, "instance_usage_audit", &arguments)?;
    let error = answer.err().map(|failure| failure.code);
    let interrupted = json!({ "message_ids": message_ids(&calls)?, "error": error, "task_log": end_of_task(&calls) });

    let script = trial.face.script().clone();
    continued.checkpoint = script.checkpoint();
    let state = if failing_batch.is_some() { "RUNNING" } else { "DONE" };
    continued.replies.insert("task_log_get", Ok(row(state, refused.len())));
    let arguments = arguments.copying(&["resume", "give_up", "retry_failed"], &case.args);
    let (answer, calls) = trial.play_with_any_ids(continued, "instance_usage_audit", &arguments)?;
    let continued = json!({
        "message_ids": message_ids(&calls)?,
        "position": script.resume_position(),
        "task_log": end_of_task(&calls),
    });
    let outcome = json!({ "interrupted": interrupted, "continued": continued }).to_string();
    trial.judge_as(answer, |_| Ok(outcome))
}

/// Returns the errors and the message that finish the task log row; `None` when the row is not finished.
fn end_of_task(calls: &[Call]) -> Option<Arguments> {
    let end = calls.iter().find(|call| call.name == "task_log_end_task")?;
    Some(Arguments::default().copying(&["errors", "message"], &end.arguments))
}

/// Compares the instances without their order, because Nova's query has none.
pub(super) fn instance_get_active_by_window_joined(trial: &mut Trial<'_>) -> Result<Verdict> {
    let args = &trial.case.args;
    let instances: Vec<Box<RawValue>> = args.read("instances")?;
    let instances: Vec<String> = instances.iter().map(|instance| instance.get().to_owned()).collect();
    let (project_id, host) = (args.text("project_id")?, args.text("host")?);
    let query = WindowQuery {
        begin: time::parse(&args.text("begin")?.context("the case has no begin")?)?,
        end: args.text("end")?.as_deref().map(time::parse).transpose()?,
        project_id: project_id.as_deref(),
        host: host.as_deref(),
    };
    let uuids: Answer<BTreeSet<String>> =
        trial.face.tables()?.active_by_window(&instances, query)?.map(|uuids| uuids.into_iter().collect());
    let expected: BTreeSet<String> = serde_json::from_str(trial.case.expected())?;
    let difference = (uuids != Ok(expected.clone())).then(|| format!("expected {expected:?}, got {uuids:?}"));
    Ok(difference.map_or(Verdict::Passed, Verdict::Failed))
}

/// Completes the instances of the vectors, which have `host` and `uuid` only. The library also reads a flavor and, in
/// `grizzly`, all columns.
fn documents(instances: &str) -> Result<String> {
    const TYPE_FIELDS: [&str; 10] = [
        "id",
        "name",
        "memory_mb",
        "vcpus",
        "root_gb",
        "ephemeral_gb",
        "flavorid",
        "swap",
        "rxtx_factor",
        "vcpu_weight",
    ];
    const NULL_COLUMNS: &str = "access_ip_v4 access_ip_v6 architecture availability_zone created_at display_name \
         hostname image_ref instance_type_id kernel_id memory_mb metadata node os_type project_id ramdisk_id \
         reservation_id user_id vcpus vm_state";
    let mut instances: Vec<Value> = parse(instances)?;
    for instance in &mut instances {
        for column in NULL_COLUMNS.split(' ') {
            instance[column] = Value::Null;
        }
        instance["flavor"] = json!({ "name": "m1.tiny", "root_gb": 1, "ephemeral_gb": 0 });
        instance["root_gb"] = json!(1);
        instance["ephemeral_gb"] = json!(0);
        let row = |name: &&str| json!({ "key": format!("instance_type_{name}"), "value": "1" });
        instance["system_metadata"] = TYPE_FIELDS.iter().map(row).collect();
    }
    Ok(Value::from(instances).to_string())
}

/// Returns a call as `grizzly` makes it: to the conductor.
fn conductor_call(call: &Call) -> String {
    let (name, values) = (call.name.as_str(), values(call));
    let positional = |more: &[&Value]| {
        let args: Vec<Value> = task(&values, "").into_iter().chain(more.iter().map(|value| (*value).clone())).collect();
        json!({ "call": format!("conductor.{name}"), "args": args })
    };
    let call = match name {
        "task_log_get" => positional(&[]),
        "task_log_begin_task" => positional(&[&values["task_items"], &values["message"]]),
        "task_log_end_task" => positional(&[&values["errors"], &values["message"]]),
        "instance_get_active_by_window" => json!({
            "call": "conductor.instance_get_active_by_window_joined",
            "args": ["$context", values["begin"], values["end"]],
            "kwargs": { "host": values["host"] },
        }),
        "notify" => json!({
            "call": "conductor.notify_usage_exists",
            "args": ["$context", instance(&values)],
            "kwargs": { "ignore_missing_network_data": false },
        }),
        _ => return unexpected(call),
    };
    call.to_string()
}

/// Returns a call as `hibiscus` makes it: to the database layer, with keywords.
fn database_call(call: &Call, host: &Value) -> String {
    const UTC: &str = "+00:00";
    let (name, values) = (call.name.as_str(), values(call));
    let keywords = |zone: &str, kwargs: Value| {
        let args = task(&values, zone);
        json!({ "call": format!("db.{name}"), "args": args, "kwargs": kwargs })
    };
    let message = &values["message"];
    let call = match name {
        "task_log_get" => keywords("", json!({ "state": null })),
        "task_log_begin_task" => keywords(UTC, json!({ "task_items": values["task_items"], "message": message })),
        "task_log_end_task" => keywords(UTC, json!({ "errors": values["errors"], "message": message })),
        "instance_get_active_by_window" => json!({
            "call": "objects.InstanceList.get_active_by_window_joined",
            "args": ["$context", values["begin"], values["end"]],
            "kwargs": {
                "expected_attrs": ["system_metadata", "info_cache", "metadata", "flavor"],
                "host": values["host"],
                "use_slave": true,
            },
        }),
        "notify" => json!({
            "call": "compute_utils.notify_usage_exists",
            "args": ["$notifier", "$context", instance(&values), host],
            "kwargs": { "ignore_missing_network_data": false },
        }),
        _ => return unexpected(call),
    };
    call.to_string()
}

fn values(call: &Call) -> Value {
    serde_json::from_str(&call.arguments.to_string()).unwrap_or_default()
}

/// Returns the arguments that all calls of the task log share.
fn task(key: &Value, zone: &str) -> Vec<Value> {
    let time = |name: &str| json!(format!("{}{zone}", key[name].as_str().unwrap_or_default()));
    vec![
        json!("$context"),
        key["task_name"].clone(),
        time("period_beginning"),
        time("period_ending"),
        key["host"].clone(),
    ]
}

fn instance(notification: &Value) -> Value {
    json!(format!("$instance:{}", notification["payload"]["instance_id"].as_str().unwrap_or_default()))
}
