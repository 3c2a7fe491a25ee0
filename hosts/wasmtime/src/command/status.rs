//! `nova-usage-audit status`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use nova_compute_utils_wasmtime::conductor::{TaskLog, WindowQuery};
use nova_compute_utils_wasmtime::period::Window;
use nova_compute_utils_wasmtime::{Holder, SqlConductor, StateFile, StoredCheckpoint};
use serde::Serialize;

use super::{Failure, Settings, Status, print, print_stderr, resume, short_window, table};

#[derive(Args, Debug)]
pub struct Options {
    /// The Nova cell database: `sqlite:PATH`
    #[arg(long, value_name = "URL")]
    database: String,
    #[command(flatten)]
    settings: Settings,
    /// Where the progress of audits is kept [default: the database file with `.audit-state` added]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Print the audits as JSON
    #[arg(long)]
    json: bool,
}

impl Options {
    pub async fn run(self) -> Result<Status, Failure> {
        let window = self.settings.last_window(&self.settings.plugin()?).await?;
        let conductor = SqlConductor::open(&self.database, self.settings.clock()).await?;
        let state = self.state.unwrap_or_else(|| conductor.default_state());
        let report = Report::new(Audits::read(&conductor, &window, None, &state).await?);
        print(&if self.json { as_json(&report)? } else { report.as_table() })?;
        Ok(if report.overall == Overall::Done { Status::Done } else { Status::Errors })
    }
}

#[derive(Serialize)]
struct Report<'a> {
    overall: Overall,
    #[serde(flatten)]
    audits: Audits<'a>,
}

/// The state of all audits of a window together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Overall {
    /// Every instance is audited without an error.
    Done,
    /// Every host is audited, and some instances failed or have no readable host.
    Errors,
    /// A host is not audited to the end.
    Unfinished,
}

impl<'a> Report<'a> {
    fn new(audits: Audits<'a>) -> Self {
        let has_errors = audits.hosts.iter().any(|host| host.errors > 0);
        let overall = if audits.hosts.iter().any(|host| host.state != DONE) {
            Overall::Unfinished
        } else if has_errors || !audits.instances_without_host_name.is_empty() {
            Overall::Errors
        } else {
            Overall::Done
        };
        Self { overall, audits }
    }

    fn as_table(&self) -> String {
        let Audits { window, hosts, running_process, instances_without_host_name } = &self.audits;
        let rows = hosts.iter().map(|audit| {
            let errors = if audit.state == NOT_RUN { String::new() } else { audit.errors.to_string() };
            let message = audit.message.clone().unwrap_or_default();
            [audit.host.clone(), audit.describe(), audit.of.to_string(), errors, message]
        });
        let table = table(["host", "state", "instances", "errors", "message"], rows);
        let mut lines = vec![format!("Usage audits of {}", short_window(window)), table];
        lines.extend(running_process.as_ref().map(|holder| format!("A run is alive: {holder}")));
        if !instances_without_host_name.is_empty() {
            let ids = instances_without_host_name.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
            lines.push(format!("Not audited, because the name of their host is not text: `instances.id` {ids}"));
        }
        lines.join("\n")
    }
}

/// Formats a report as JSON.
pub fn as_json(report: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(report).map_err(|error| Failure::HostFailed(error.to_string()))
}

/// The audits of a window.
#[derive(Serialize)]
pub struct Audits<'a> {
    pub window: &'a Window,
    pub hosts: Vec<HostAudit>,
    /// The run that has locked the state file.
    pub running_process: Option<Holder>,
    /// The ids of the instances of the window that no audit reaches.
    pub instances_without_host_name: Vec<i64>,
}

const NOT_RUN: &str = "not run";
const RUNNING: &str = "running";
const DONE: &str = "done";

/// The audit of one host.
#[derive(Serialize)]
pub struct HostAudit {
    pub host: String,
    /// `not run`, or the state of the row of the task log: `running` or `done`.
    state: String,
    /// When the audit began; `None` if it is unknown.
    since: Option<String>,
    /// The number of instances that are audited; `None` for an audit of another program, which does not say.
    pub instances: Option<u64>,
    /// The number of instances to audit.
    pub of: u64,
    pub errors: u64,
    message: Option<String>,
    /// Whether `run --resume` can continue the audit now.
    resumable: bool,
    /// The run that stored the last checkpoint.
    run: Option<Run>,
}

/// A process and its machine.
#[derive(Serialize)]
struct Run {
    process: u32,
    machine: String,
}

impl<'a> Audits<'a> {
    /// Reads the audits of the hosts, or else of every host that has instances in the window, a compute service or a row
    /// in the task log. A state file that cannot be read is reported, and its checkpoints count as missing.
    pub async fn read(
        conductor: &SqlConductor,
        window: &'a Window,
        hosts: Option<&[String]>,
        state: &Path,
    ) -> Result<Self, Failure> {
        let Window { begin, end } = window;
        let rows = conductor.task_log_get_all(resume::TASK_NAME, begin, end).await?;
        let mut rows: BTreeMap<String, TaskLog> = rows.into_iter().map(|row| (row.host.clone(), row)).collect();
        let hosts = if let Some(hosts) = hosts {
            hosts.to_vec()
        } else {
            let mut hosts = conductor.hosts(begin, end).await?;
            hosts.extend(rows.keys().cloned());
            hosts.sort();
            hosts.dedup();
            hosts
        };
        let running_process = StateFile::holder(state);
        let checkpoints = if state.exists() {
            let opened = StateFile::open_to_read(state, &conductor.cell()).await;
            opened.inspect_err(|error| warn(&error.to_string())).ok()
        } else {
            None
        };
        let mut audits = Vec::new();
        for host in hosts {
            let Some(row) = rows.remove(&host) else {
                audits.push(HostAudit::not_run(host, conductor, window).await?);
                continue;
            };
            let key = resume::key(window, &host);
            let checkpoint = match &checkpoints {
                Some(checkpoints) => checkpoints.checkpoint(&key).await.inspect_err(|error| warn(&error.message)),
                None => Ok(None),
            };
            let begun_at = conductor.task_begun_at(&key).await?;
            let audit = HostAudit::of_row(row, begun_at, checkpoint.ok().flatten(), running_process.is_some());
            audits.push(audit);
        }
        let instances_without_host_name = conductor.instances_without_host_name(begin, end).await?;
        Ok(Self { window, hosts: audits, running_process, instances_without_host_name })
    }
}

fn warn(error: &str) {
    print_stderr(&format!("warning: {error}"));
}

impl HostAudit {
    async fn not_run(host: String, conductor: &SqlConductor, window: &Window) -> Result<Self, Failure> {
        let Window { begin, end } = window.clone();
        let query = WindowQuery { begin, end: Some(end), project_id: None, host: Some(host.clone()) };
        Ok(Self {
            host,
            state: NOT_RUN.into(),
            since: None,
            instances: Some(0),
            of: conductor.instance_count(&query).await?,
            errors: 0,
            message: None,
            resumable: false,
            run: None,
        })
    }

    fn of_row(row: TaskLog, begun_at: Option<String>, stored: Option<StoredCheckpoint>, is_locked: bool) -> Self {
        let state = row.state.to_lowercase();
        let of = row.task_items.unsigned_abs();
        let audit = Self {
            host: row.host,
            since: begun_at,
            instances: (state == DONE).then_some(of),
            of,
            errors: row.errors.unsigned_abs(),
            message: Some(row.message),
            resumable: false,
            run: None,
            state,
        };
        match stored {
            Some(StoredCheckpoint { begun_at, process, machine, checkpoint, .. }) if audit.state == RUNNING => Self {
                since: Some(begun_at),
                instances: Some(checkpoint.instances),
                of: checkpoint.num_instances,
                errors: u64::try_from(checkpoint.failures.len()).unwrap_or(u64::MAX),
                resumable: !is_locked,
                run: Some(Run { process, machine }),
                ..audit
            },
            _ => audit,
        }
    }

    /// Returns the state for people.
    pub fn describe(&self) -> String {
        if self.state != RUNNING {
            return self.state.clone();
        }
        let since = self.since.as_deref().and_then(|since| since.split('.').next());
        let since = since.map(|since| format!(" since {}", since.replacen('T', " ", 1))).unwrap_or_default();
        let how_far = self.instances.map(|instances| format!("{instances} of {}", self.of));
        // An audit with a checkpoint becomes resumable when the run that is alive ends.
        let resumable = match &self.run {
            Some(_) if self.resumable => Some("resumable".to_owned()),
            Some(_) => None,
            None => Some("not resumable".to_owned()),
        };
        [Some(format!("{RUNNING}{since}")), how_far, resumable].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}
