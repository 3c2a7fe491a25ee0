use std::time::Duration;

use nova_compute_utils_wasmtime::StoredCheckpoint;
use nova_compute_utils_wasmtime::audit::{AuditFailure, AuditReport};
use nova_compute_utils_wasmtime::period::Window;
use serde::Serialize;
use serde_json::value::RawValue;

use super::resume::Row;
use super::{short_window, table};

/// The audit of one host.
pub struct Audit {
    pub host: String,
    pub outcome: Outcome,
    pub counts: Counts,
    pub time: Duration,
}

/// The numbers of an audit, over all its runs. `None` if they are unknown or if this run did not audit the host.
#[derive(Clone, Copy, Default, Serialize)]
pub struct Counts {
    pub instances: Option<u64>,
    pub notifications: Option<u64>,
    pub errors: Option<u64>,
}

impl Counts {
    /// Returns the counts of the report, or of the checkpoint if the audit is not finished.
    pub fn of(outcome: &Outcome, row: &Row) -> Self {
        let len = |failures: usize| u64::try_from(failures).unwrap_or(u64::MAX);
        match outcome {
            Outcome::Done(report) | Outcome::GivenUp(report) => Self {
                instances: Some(report.instances),
                notifications: Some(report.notifications),
                errors: Some(row.errors().unwrap_or(len(report.failures.len()))),
            },
            Outcome::AuditedBefore(errors) => Self { errors: *errors, ..Self::default() },
            _ => row.checkpoint().map_or_else(Self::default, |StoredCheckpoint { checkpoint, .. }| Self {
                instances: Some(checkpoint.instances),
                notifications: Some(checkpoint.notifications),
                errors: Some(len(checkpoint.failures.len())),
            }),
        }
    }

    fn cells(self) -> [String; 3] {
        let Self { instances, notifications, errors } = self;
        [instances, notifications, errors].map(|count| count.map(|count| count.to_string()).unwrap_or_default())
    }
}

pub enum Outcome {
    Done(AuditReport),
    /// Finished by `--give-up`.
    GivenUp(AuditReport),
    /// The errors of the row, if it can be read.
    AuditedBefore(Option<u64>),
    /// The row is `RUNNING` and this run may not continue it.
    Running(String),
    /// The audit stopped and can be resumed.
    Stopped(String),
    Failed(String),
    /// A signal stopped the audit. `of` is how many instances it has.
    Interrupted {
        of: u64,
    },
    NotAudited,
}

impl Outcome {
    fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::GivenUp(_) => "given up",
            Self::AuditedBefore(_) => "audited before",
            Self::Running(_) => "running",
            Self::Stopped(_) => "stopped",
            Self::Failed(_) => "failed",
            Self::Interrupted { .. } => "interrupted",
            Self::NotAudited => "not audited",
        }
    }

    fn error(&self) -> Option<&str> {
        if let Self::Running(error) | Self::Stopped(error) | Self::Failed(error) = self { Some(error) } else { None }
    }

    fn report(&self) -> Option<&AuditReport> {
        if let Self::Done(report) | Self::GivenUp(report) = self { Some(report) } else { None }
    }
}

/// The sums over all hosts.
#[derive(Serialize)]
struct Totals {
    hosts: usize,
    #[serde(flatten)]
    counts: Counts,
    seconds: f64,
}

impl Totals {
    fn of(audits: &[Audit]) -> Self {
        let sum =
            |count: fn(&Counts) -> Option<u64>| Some(audits.iter().filter_map(|audit| count(&audit.counts)).sum());
        let counts = Counts {
            instances: sum(|counts| counts.instances),
            notifications: sum(|counts| counts.notifications),
            errors: sum(|counts| counts.errors),
        };
        Self { hosts: audits.len(), counts, seconds: audits.iter().map(|audit| audit.time.as_secs_f64()).sum() }
    }
}

/// Formats audits as a table. `window` is shown for audits that have no report.
pub fn as_table(audits: &[Audit], window: &Window) -> String {
    let header = ["host", "window", "audit", "instances", "notifications", "errors", "time"];
    let rows = audits.iter().map(|Audit { host, outcome, counts, time }| {
        let window = outcome.report().map_or(window, |report| &report.window);
        let [instances, notifications, errors] = counts.cells();
        let time = format!("{:.2} s", time.as_secs_f64());
        [host.clone(), short_window(window), outcome.name().into(), instances, notifications, errors, time]
    });
    let Totals { hosts, counts, seconds } = Totals::of(audits);
    let [instances, notifications, errors] = counts.cells();
    let hosts = if hosts == 1 { "1 host".to_owned() } else { format!("{hosts} hosts") };
    let totals = [hosts, String::new(), "total".into(), instances, notifications, errors, format!("{seconds:.2} s")];
    table(header, rows.chain([totals]))
}

/// Formats audits as JSON.
pub fn as_json(audits: &[Audit], window: &Window) -> serde_json::Result<String> {
    let hosts = audits.iter().map(|audit| Line::new(audit, window)).collect();
    serde_json::to_string(&Summary { hosts, totals: Totals::of(audits) })
}

#[derive(Serialize)]
struct Summary<'a> {
    hosts: Vec<Line<'a>>,
    totals: Totals,
}

#[derive(Serialize)]
struct Line<'a> {
    host: &'a str,
    window: &'a Window,
    audit: &'static str,
    #[serde(flatten)]
    counts: Counts,
    seconds: f64,
    message: Option<&'a str>,
    failures: Vec<Failed<'a>>,
    error: Option<&'a str>,
}

/// An instance that counts as an error.
#[derive(Serialize)]
struct Failed<'a> {
    instance_uuid: Option<&'a str>,
    instance_id: Option<i64>,
    error: FailedError<'a>,
}

#[derive(Serialize)]
struct FailedError<'a> {
    code: &'a str,
    message: &'a str,
    /// A JSON object, such as the table and the column that cannot be read.
    arguments: Option<&'a RawValue>,
}

impl<'a> From<&'a AuditFailure> for Failed<'a> {
    fn from(AuditFailure { instance_uuid, instance_id, error, .. }: &'a AuditFailure) -> Self {
        let arguments = serde_json::from_str(&error.arguments).ok();
        let error = FailedError { code: &error.code, message: &error.message, arguments };
        Self { instance_uuid: instance_uuid.as_deref(), instance_id: *instance_id, error }
    }
}

impl<'a> Line<'a> {
    fn new(Audit { host, outcome, counts, time }: &'a Audit, window: &'a Window) -> Self {
        let report = outcome.report();
        Self {
            host,
            window: report.map_or(window, |report| &report.window),
            audit: outcome.name(),
            counts: *counts,
            seconds: time.as_secs_f64(),
            message: report.map(|report| &report.message[..]),
            failures: report.map(|report| report.failures.iter().map(Into::into).collect()).unwrap_or_default(),
            error: outcome.error(),
        }
    }
}
