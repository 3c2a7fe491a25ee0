use std::time::Duration;

use nova_compute_utils_wasmtime::audit::{AuditFailure, AuditReport};
use nova_compute_utils_wasmtime::period::Window;
use serde::Serialize;

use super::{short_window, table};

/// The audit of one host.
pub struct Audit {
    pub host: String,
    pub outcome: Outcome,
    pub time: Duration,
}

pub enum Outcome {
    Done(AuditReport),
    AuditedBefore,
    /// The row is `RUNNING` and this run may not continue it.
    Running(String),
    Failed(String),
    NotAudited,
}

impl Outcome {
    fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::AuditedBefore => "audited before",
            Self::Running(_) => "running",
            Self::Failed(_) => "failed",
            Self::NotAudited => "not audited",
        }
    }
}

/// Formats audits as a table. `window` is shown for audits that have no report.
pub fn as_table(audits: &[Audit], window: &Window) -> String {
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

/// Formats audits as JSON.
pub fn as_json(audits: &[Audit], window: &Window) -> serde_json::Result<String> {
    let hosts = audits.iter().map(|audit| Line::new(audit, window)).collect();
    serde_json::to_string(&Summary { hosts })
}

#[derive(Serialize)]
struct Summary<'a> {
    hosts: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    host: &'a str,
    window: &'a Window,
    audit: &'static str,
    instances: Option<u64>,
    notifications: Option<u64>,
    errors: Option<u64>,
    seconds: f64,
    message: Option<&'a str>,
    failures: &'a [AuditFailure],
    error: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn new(Audit { host, outcome, time }: &'a Audit, window: &'a Window) -> Self {
        let report = if let Outcome::Done(report) = outcome { Some(report) } else { None };
        let [instances, notifications, errors] = report.map_or([None; 3], |report| numbers(report).map(Some));
        Self {
            host,
            window: report.map_or(window, |report| &report.window),
            audit: outcome.name(),
            instances,
            notifications,
            errors,
            seconds: time.as_secs_f64(),
            message: report.map(|report| &report.message[..]),
            failures: report.map(|report| &report.failures[..]).unwrap_or_default(),
            error: if let Outcome::Failed(error) | Outcome::Running(error) = outcome { Some(error) } else { None },
        }
    }
}
