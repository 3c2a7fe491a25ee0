//! Audits of a cell through the component, without the command.

use std::fs;

use chrono::NaiveDateTime;
use nova_compute_utils_wasmtime::audit::{AuditOptions, AuditReport, MessageIds};
use nova_compute_utils_wasmtime::types::{Config, Context, NotificationFormat, Release};
use nova_compute_utils_wasmtime::{Callbacks, Clock, Limits, NdjsonNotifier, Runtime};
use serde_json::Value;

use crate::common::{Cell, component_path, read_json};

/// Audits all hosts of a cell at the time of its golden run. Returns the reports and the notifications, in order.
pub async fn audit(cell: &Cell, release: Release) -> (Vec<AuditReport>, Vec<Value>) {
    let settings = read_json(&cell.golden("cell.json"));
    let setting = |name: &str| settings[name].as_str().expect("a setting").to_owned();
    let now = NaiveDateTime::parse_from_str(&setting("now"), "%Y-%m-%dT%H:%M:%S%.f").expect("a timestamp");
    let clock = Clock::Fixed(now);
    let file = cell.directory.path().join("notifications.ndjson");
    let callbacks = Callbacks {
        conductor: cell.conductor(clock.clone()).await.with_release(release),
        notifier: NdjsonNotifier::append(&file).expect("a file"),
    };
    let plugin = Runtime::new(Limits::default()).and_then(|runtime| runtime.load(component_path()));
    let mut nova = plugin.expect("the component").instantiate(callbacks, clock).await.expect("an instance");
    let context = Context { glance_endpoint: Some(setting("glance_endpoint")), ..Context::default() };
    let mut reports = Vec::new();
    for host in settings["hosts"].as_array().expect("hosts") {
        let config = Config {
            instance_usage_audit_period: setting("instance_usage_audit_period"),
            notification_format: NotificationFormat::Both,
            ..Config::new(release, host.as_str().expect("a host"))
        };
        let message_ids = MessageIds::Deterministic;
        let options = AuditOptions { resume: false, give_up: false, retry_failed: false, message_ids };
        let report = nova.instance_usage_audit(&config, &context, options).await.expect("an audit");
        reports.push(report.expect("no audit before"));
    }
    let lines = fs::read_to_string(file).expect("notifications");
    (reports, lines.lines().map(|line| without_id(serde_json::from_str(line).expect("JSON"))).collect())
}

/// Returns the notifications that Nova emitted on the unchanged cell.
pub fn golden(cell: &Cell) -> Vec<Value> {
    let lines = fs::read_to_string(cell.golden("nova-emitted.ndjson")).expect("notifications");
    let notification = |line| serde_json::from_str::<Value>(line).expect("JSON")["message"].take();
    lines.lines().map(|line| without_id(notification(line))).collect()
}

fn without_id(mut notification: Value) -> Value {
    notification["message_id"].take();
    notification
}
