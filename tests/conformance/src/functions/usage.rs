//! Network info, usage payloads and notifications.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Trial, Verdict, call_json, fault, member, raw, unexpected};
use crate::arguments::{Arguments, parse};
use crate::faces::Answer;
use crate::json;
use crate::script::{Answers, Call};

/// Compares hydrated network info. Nova takes a list or its JSON text; the library takes the text.
pub(super) fn hydrate(trial: &mut Trial<'_>) -> Result<Verdict> {
    let network_info = trial.case.args.json("network_info").unwrap_or("null");
    let text = json::text(network_info).unwrap_or_else(|| network_info.to_owned());
    let answer = trial.face.call("hydrate", &trial.arguments(&["release"])?.with("network_info", text))?;
    Ok(trial.judge(answer))
}

/// Adds the network info of the case, hydrated unless the case says that it is raw. The generator of the vectors did
/// the same before it called Nova.
fn with_network_info(trial: &mut Trial<'_>, arguments: Arguments) -> Result<Answer<Arguments>> {
    let case = trial.case;
    let Some(network_info) = case.args.json("network_info").filter(|_| !case.network_info_is_raw) else {
        return Ok(Ok(arguments.copying(&["network_info"], &case.args)));
    };
    let cache = trial.arguments(&["release"])?.with("network_info", network_info);
    Ok(match trial.face.call("hydrate", &cache)? {
        Ok(hydrated) => Ok(arguments.with("network_info", raw(hydrated)?)),
        Err(failure) => Err(failure),
    })
}

pub(super) fn info_from_instance(trial: &mut Trial<'_>) -> Result<Verdict> {
    let names =
        ["release", "instance", "system_metadata", "populate_image_ref_url", "glance_endpoint", "times_are_text"];
    let extra = Arguments::default().copying(&["kw"], &trial.case.args);
    let arguments = trial.arguments(&names)?.with("extra", extra.read::<Box<RawValue>>("kw")?);
    let answer = match with_network_info(trial, arguments)? {
        Ok(arguments) => trial.face.call("info_from_instance", &arguments)?,
        Err(failure) => Err(failure),
    };
    Ok(trial.judge(answer))
}

pub(super) fn instance_exists_payload(trial: &mut Trial<'_>) -> Result<Verdict> {
    let window = trial.case.args.read::<Arguments>("window")?;
    let arguments = trial
        .arguments(&["context", "instance"])?
        .with("window", window)
        .copying(&["bdms_in_notifications", "include_share_mapping"], &trial.config());
    let answer = trial.face.call("instance_exists_payload", &arguments)?;
    Ok(trial.judge(answer))
}

pub(super) fn bandwidth_usage(trial: &mut Trial<'_>) -> Result<Verdict> {
    let audit_start = trial.case.args.text("audit_start")?.context("the case has no start")?;
    let answers = network_answers(trial, &audit_start)?;
    let arguments = trial
        .arguments(&["config", "context", "audit_start", "ignore_missing_network_data"])?
        .with("instance", instance_ref(trial)?);
    emitted(trial, answers, "bandwidth_usage", &arguments)
}

pub(super) fn notify_about_instance_usage(trial: &mut Trial<'_>) -> Result<Verdict> {
    let args = &trial.case.args;
    let notifier: Arguments = args.read::<Option<Arguments>>("notifier")?.unwrap_or_else(|| args.clone());
    let exception = args.json("fault").map(fault::exception).transpose()?;
    let names = [
        "config",
        "context",
        "instance",
        "event_suffix",
        "system_metadata",
        "extra_usage_info",
        "best_effort",
        "times_are_text",
    ];
    let arguments = trial.arguments(&names)?.copying(&["host"], &notifier).with("fault", exception);
    let mut answers = trial.answers()?;
    answers.replies = trial.reply("notifier")?.err().map(|error| ("notify", Err(error))).into_iter().collect();
    match with_network_info(trial, arguments)? {
        Ok(arguments) => emitted(trial, answers, "notify_about_instance_usage", &arguments),
        Err(failure) => Ok(trial.judge(Err(failure))),
    }
}

pub(super) fn notify_usage_exists(trial: &mut Trial<'_>) -> Result<Verdict> {
    let names = [
        "config",
        "context",
        "current_period",
        "ignore_missing_network_data",
        "system_metadata",
        "extra_usage_info",
        "times_are_text",
    ];
    let host = trial.case.args.text("host")?.unwrap_or_default();
    let arguments = trial.arguments(&names)?.with("instance", instance_ref(trial)?).with("host", host);
    let answers = network_answers(trial, trial.now()?)?;
    emitted(trial, answers, "notify_usage_exists", &arguments)
}

/// The reading of the clock in the volume cases, which omit it.
const VOLUME_CLOCK: &str = "2026-04-05T06:07:08";

pub(super) fn notify_about_volume_usage(trial: &mut Trial<'_>) -> Result<Verdict> {
    let host = trial.case.args.text("host")?.unwrap_or_default();
    let arguments = trial.arguments(&["config", "context", "vol_usage"])?.with("host", host);
    let now = nova_compute_utils::time::parse(VOLUME_CLOCK)?;
    emitted(trial, Answers { now, ..Answers::default() }, "notify_about_volume_usage", &arguments)
}

fn instance_ref(trial: &Trial<'_>) -> Result<Box<RawValue>> {
    trial.case.args.read("instance_ref")
}

/// Runs a function and compares its answer, its callbacks and its notifications.
fn emitted(trial: &mut Trial<'_>, answers: Answers, function: &str, arguments: &Arguments) -> Result<Verdict> {
    let is_refused = answers.replies.get("notify").is_some_and(Result::is_err);
    let (answer, calls) = trial.play(answers, function, arguments)?;
    let calls: Vec<String> = calls.iter().map(|call| outgoing_call(call, is_refused)).collect();
    Ok(trial.with_calls(trial.judge(answer), &calls))
}

/// Returns the answers of a host with the replies of the network API and of the table `bw_usage_cache`.
fn network_answers(trial: &Trial<'_>, start_period: &str) -> Result<Answers> {
    let rows = match trial.reply("db.bw_usage_get_by_uuids")? {
        Ok(rows) => {
            let rows: Option<Vec<Arguments>> = parse(&rows)?;
            let rows = rows.unwrap_or_default().into_iter().map(|row| row.with("start_period", start_period));
            let columns = ["uuid", "mac", "start_period", "bw_in", "bw_out"];
            let rows = rows.map(|row| Arguments::default().copying(&columns, &row));
            Ok(serde_json::to_string(&rows.collect::<Vec<_>>())?)
        }
        Err(error) => Err(error),
    };
    let mut replies = BTreeMap::from([("bw_usage_get_by_uuids", rows)]);
    match trial.reply("network_api.get_instance_nw_info")? {
        Ok(network_info) if network_info == "null" => {}
        reply => _ = replies.insert("instance_get_nw_info", reply),
    }
    Ok(Answers { replies, ..trial.answers()? })
}

/// Returns a callback as the call that Nova makes. The vectors show only the event type of a refused notification.
fn outgoing_call(call: &Call, is_refused: bool) -> String {
    const ADMIN: &str = r#""$admin_context(read_deleted=yes)""#;
    #[derive(Deserialize)]
    struct Emitted {
        priority: String,
        versioned: bool,
    }
    let arguments = &call.arguments;
    match call.name.as_str() {
        "instance_get_nw_info" => call_json("network_api.get_instance_nw_info", &[ADMIN, r#""$instance""#]),
        "bw_usage_get_by_uuids" => {
            let (uuids, start) = (member(arguments, "uuids"), member(arguments, "start_period"));
            call_json("db.bw_usage_get_by_uuids", &[ADMIN, uuids, start])
        }
        "notify" => {
            let Ok(Emitted { priority, versioned }) = parse(&arguments.to_string()) else { return unexpected(call) };
            let shown = Arguments::default().copying(&["event_type"], arguments);
            if is_refused {
                return shown.with("call", format!("notifier.{}", priority.to_lowercase())).to_string();
            }
            let notifier = if versioned { "versioned_notifier.notify" } else { "notifier.notify" };
            let shown = shown.copying(&["priority", "publisher_id", "payload", "timestamp"], arguments);
            shown.with("call", notifier).to_string()
        }
        _ => unexpected(call),
    }
}
