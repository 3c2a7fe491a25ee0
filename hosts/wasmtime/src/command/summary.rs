use std::time::Duration;

use nova_compute_utils_wasmtime::audit::AuditReport;
use nova_compute_utils_wasmtime::period::Window;
use serde_json::{Value, json};

use super::{short_window, table};

/// What became of the audit of one host.
pub struct Audit {
    pub host: String,
    pub outcome: Outcome,
    pub time: Duration,
}

pub enum Outcome {
    Done(AuditReport),
    AuditedBefore,
    Failed(String),
    NotAudited,
}

impl Outcome {
    fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::AuditedBefore => "audited before",
            Self::Failed(_) => "failed",
            Self::NotAudited => "not audited",
        }
    }
}

/// `window` is the one of audits without a report.
pub fn for_people(audits: &[Audit], window: &Window) -> String {
    let header = ["host", "window", "audit", "instances", "notifications", "errors", "time"];
    let rows = audits.iter().map(|Audit { host, outcome, time }| {
        let (window, numbers) = match outcome {
            Outcome::Done(report) => (&report.window, numbers(report).map(|number| number.to_string())),
            _ => (window, [const { String::new() }; 3]),
        };
        let [instances, notifications, errors] = numbers;
        let time = format!("{:.2} s", time.as_secs_f64());
        [host.clone(), short_window(window), outcome.name().into(), instances, notifications, errors, time]
    });
    table(header, rows)
}

fn numbers(report: &AuditReport) -> [u64; 3] {
    [report.instances, report.notifications, u64::try_from(report.failures.len()).unwrap_or(u64::MAX)]
}

/// The same for machines.
pub fn for_machines(audits: &[Audit], window: &Window) -> String {
    let hosts: Vec<Value> = audits
        .iter()
        .map(|Audit { host, outcome, time }| {
            let (report, error) = match outcome {
                Outcome::Done(report) => (Some(report), None),
                Outcome::Failed(error) => (None, Some(error)),
                _ => (None, None),
            };
            let [instances, notifications, errors] = report.map_or([None; 3], |report| numbers(report).map(Some));
            let failures = report.map(|report| &report.failures[..]).unwrap_or_default();
            json!({
                "host": host,
                "window": report.map_or(window, |report| &report.window),
                "audit": outcome.name(),
                "instances": instances,
                "notifications": notifications,
                "errors": errors,
                "seconds": time.as_secs_f64(),
                "message": report.map(|report| &report.message),
                "failures": failures,
                "error": error,
            })
        })
        .collect();
    json!({ "hosts": hosts }).to_string()
}
