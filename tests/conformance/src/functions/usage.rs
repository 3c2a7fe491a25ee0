//! Usage payloads and notifications.

use anyhow::{Context as _, Result};
use nova_compute_utils::host::{BwUsage, Notification};
use nova_compute_utils::{Release, time};
use serde::Deserialize;

use super::fault::failure;
use super::{Verdict, answer_of, context, judge, now, with_calls};
use crate::faces::{Answer, ExistsOptions, Face, Info, UsageOptions};
use crate::json;
use crate::script::{Answers, Call, Script, are_message_ids};
use crate::vectors::Case;

pub(super) fn info_from_instance(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let instance = case.args.json("instance").context("no instance")?;
    let info = Info {
        network_info: case.args.json("network_info"),
        system_metadata: case.args.json("system_metadata"),
        populate_image_ref_url: case.args.read::<Option<bool>>("populate_image_ref_url")?.unwrap_or_default(),
        times_are_text: case.times_are_strings,
        extra: case.args.json("kw"),
    };
    let payload = face.info_from_instance(&case.config(release)?, instance, &info)?;
    Ok(judge(case, payload, |payload| payload))
}

pub(super) fn image_meta(face: &mut dyn Face, _: Release, case: &Case) -> Result<Verdict> {
    let image_meta = face.image_meta(case.args.json("system_metadata").context("no system metadata")?)?;
    Ok(judge(case, image_meta, |image_meta| image_meta))
}

pub(super) fn bandwidth_usage(face: &mut dyn Face, _: Release, case: &Case) -> Result<Verdict> {
    let script = face.script().clone();
    let audit_start = case.args.text("audit_start")?.context("no start")?;
    script.play(network_answers(case, &audit_start)?);
    let instance = case.args.json("instance_ref").context("no instance")?;
    let ignore = case.args.read("ignore_missing_network_data")?;
    let bandwidth = face.bandwidth_usage(instance, &audit_start, ignore)?;
    let calls: Vec<String> = script.calls().iter().map(call_json).collect();
    Ok(with_calls(judge(case, bandwidth, |bandwidth| bandwidth.unwrap_or_else(|| "null".to_owned())), case, &calls))
}

pub(super) fn notify_about_instance_usage(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    #[derive(Deserialize)]
    struct GivenNotifier {
        host: Option<String>,
    }
    let script = face.script().clone();
    let notifier_fails = answer_of(case, "notifier")?.err();
    script.play(Answers {
        now: time::parse(now(case)?)?,
        notifier_fails: notifier_fails.clone(),
        ..Answers::default()
    });
    let notifier: Option<GivenNotifier> = case.args.read("notifier")?;
    let host = notifier.map_or_else(|| case.args.text("host"), |notifier| Ok(notifier.host))?;
    let options = UsageOptions {
        host: host.as_deref(),
        network_info: case.args.json("network_info"),
        system_metadata: case.args.json("system_metadata"),
        extra_usage_info: case.args.json("extra_usage_info"),
        fault: case.args.json("fault").map(failure).transpose()?.flatten(),
        best_effort: case.args.read::<Option<bool>>("best_effort")?.unwrap_or_default(),
        times_are_text: case.times_are_strings,
    };
    let instance = case.args.json("instance").context("no instance")?;
    let suffix = case.args.text("event_suffix")?.context("no suffix")?;
    let told =
        face.notify_about_instance_usage(&case.config(release)?, &context(case)?, instance, &suffix, &options)?;
    if notifier_fails.is_some() {
        let calls: Vec<String> = script.calls().iter().map(attempt_json).collect();
        return Ok(with_calls(judge(case, told, |()| "null".to_owned()), case, &calls));
    }
    Ok(told_verdict(case, &script, told))
}

pub(super) fn notify_usage_exists(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let script = face.script().clone();
    script.play(Answers { now: time::parse(now(case)?)?, ..network_answers(case, now(case)?)? });
    let instance = case.args.json("instance_ref").context("no instance")?;
    let options = ExistsOptions {
        current_period: case.args.read("current_period")?,
        ignore_missing_network_data: case.args.read("ignore_missing_network_data")?,
        system_metadata: case.args.json("system_metadata"),
        extra_usage_info: case.args.json("extra_usage_info"),
        times_are_text: case.times_are_strings,
    };
    let host = case.args.text("host")?.unwrap_or_default();
    let told = face.notify_usage_exists(&case.config(release)?, &context(case)?, instance, &host, &options)?;
    Ok(told_verdict(case, &script, told))
}

fn told_verdict(case: &Case, script: &Script, told: Answer<()>) -> Verdict {
    if !are_message_ids(&script.message_ids()) {
        return Verdict::Failed(format!("message ids {:?}", script.message_ids()));
    }
    let calls: Vec<String> = script.calls().iter().map(call_json).collect();
    with_calls(judge(case, told, |()| "null".to_owned()), case, &calls)
}

/// What the network and the table `bw_usage_cache` answer.
fn network_answers(case: &Case, start_period: &str) -> Result<Answers> {
    #[derive(Deserialize)]
    struct Row {
        uuid: String,
        mac: Option<String>,
        bw_in: Option<i64>,
        bw_out: Option<i64>,
    }
    let start_period = time::parse(start_period)?;
    let rows = |rows: &str| -> Result<Vec<BwUsage>> {
        let rows: Vec<Row> = serde_json::from_str(rows)?;
        let row = |Row { uuid, mac, bw_in, bw_out }| BwUsage { uuid, mac, start_period, bw_in, bw_out };
        Ok(rows.into_iter().map(row).collect())
    };
    let bw_usage = match answer_of(case, "db.bw_usage_get_by_uuids")? {
        Ok(given) => Ok(rows(given.as_deref().unwrap_or("[]"))?),
        Err(error) => Err(error),
    };
    let nw_info = answer_of(case, "network_api.get_instance_nw_info")?;
    let nw_info = nw_info.map(|network_info| network_info.unwrap_or_else(|| "[]".to_owned()));
    Ok(Answers { bw_usage: Some(bw_usage), nw_info: Some(nw_info), ..Answers::default() })
}

pub(super) fn call_json(call: &Call) -> String {
    const ADMIN: &str = "$admin_context(read_deleted=yes)";
    match call {
        Call::Notify(notification) => notification_json(notification),
        Call::NwInfo(_) => {
            format!(r#"{{"call": "network_api.get_instance_nw_info", "args": ["{ADMIN}", "$instance"]}}"#)
        }
        Call::BwUsage(uuids, start) => {
            let uuids: Vec<String> = uuids.iter().map(|uuid| json::from_text(uuid)).collect();
            let args = format!(r#"["{ADMIN}", [{}], "{start}"]"#, uuids.join(", "));
            format!(r#"{{"call": "db.bw_usage_get_by_uuids", "args": {args}}}"#)
        }
        other => format!("\"unexpected call {other:?}\""),
    }
}

/// A notification that the notifier refused, of which the vectors show less.
fn attempt_json(call: &Call) -> String {
    let Call::Notify(notification) = call else {
        return call_json(call);
    };
    let (event_type, priority) = (json::from_text(&notification.event_type), notification.priority.as_str());
    format!(r#"{{"call": "notifier.{}", "event_type": {event_type}}}"#, priority.to_lowercase())
}

/// A notification as the vectors write it. Versioned ones go through a notifier of their own in Nova.
fn notification_json(notification: &Notification) -> String {
    let is_versioned = notification.publisher_id.starts_with("nova-compute:");
    let call = if is_versioned { "versioned_notifier.notify" } else { "notifier.notify" };
    format!(
        r#"{{"call": "{call}", "event_type": {}, "priority": "{}", "publisher_id": {}, "payload": {}, "timestamp": {}}}"#,
        json::from_text(&notification.event_type),
        notification.priority.as_str(),
        json::from_text(&notification.publisher_id),
        notification.payload,
        json::from_text(&notification.timestamp),
    )
}
