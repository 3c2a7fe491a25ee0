//! Usage payloads and notifications.

use anyhow::{Context as _, Result};
use nova_compute_utils::host::Notification;
use nova_compute_utils::{Release, time};

use super::{Verdict, context, judge, now, with_calls};
use crate::faces::{ExistsOptions, Face};
use crate::json;
use crate::script::{Answers, Call, are_message_ids};
use crate::vectors::Case;

pub(super) fn info_from_instance(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let instance = case.args.json("instance").context("no instance")?;
    let populate = case.args.read("populate_image_ref_url")?;
    let (network_info, extra) = (case.args.json("network_info"), case.args.json("kw"));
    let payload = face.info_from_instance(&case.config(release)?, instance, network_info, populate, extra)?;
    Ok(judge(case, payload, |payload| payload))
}

pub(super) fn notify_usage_exists(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let script = face.script().clone();
    script.play(Answers { now: time::parse(now(case)?)?, ..Answers::default() });
    let instance = case.args.json("instance_ref").context("no instance")?;
    let options = ExistsOptions {
        current_period: case.args.read("current_period")?,
        system_metadata: case.args.json("system_metadata"),
        extra_usage_info: case.args.json("extra_usage_info"),
    };
    let host = case.args.text("host")?.unwrap_or_default();
    let told = face.notify_usage_exists(&case.config(release)?, &context(case)?, instance, &host, &options)?;
    if !are_message_ids(&script.message_ids()) {
        return Ok(Verdict::Failed(format!("message ids {:?}", script.message_ids())));
    }
    let calls: Vec<String> = script.calls().iter().map(notify_call).collect();
    Ok(with_calls(judge(case, told, |()| "null".to_owned()), case, &calls))
}

pub(super) fn notify_call(call: &Call) -> String {
    match call {
        Call::Notify(notification) => notification_json(notification),
        other => format!("\"unexpected call {other:?}\""),
    }
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
