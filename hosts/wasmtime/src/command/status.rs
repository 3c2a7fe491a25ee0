//! `nova-usage-audit status`

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use nova_compute_utils_wasmtime::conductor::{TaskLog, TaskLogKey};
use nova_compute_utils_wasmtime::{SqlConductor, StateError, StateFile};

use super::{Failure, Settings, Status, print, short_window, table};

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
}

impl Options {
    pub async fn run(self) -> Result<Status, Failure> {
        let window = self.settings.last_window(&self.settings.plugin()?).await?;
        let conductor = SqlConductor::open(&self.database, self.settings.clock()).await?;
        let hosts = conductor.hosts(&window.begin, &window.end).await?;
        let audits = conductor.task_log_get_all("instance_usage_audit", &window.begin, &window.end).await?;

        let path = self.state.unwrap_or_else(|| conductor.default_state());
        let state = match StateFile::open_to_read(&path, &conductor.cell()).await {
            _ if !path.exists() => State::Missing,
            Err(StateError::Locked(_)) => State::Locked,
            state => State::Open(state?),
        };
        let mut audits = audits;
        for row in audits.iter_mut().filter(|row| row.state == "RUNNING") {
            state.describe(row).await?.clone_into(&mut row.state);
        }

        let mut rows: BTreeMap<String, Option<TaskLog>> = hosts.into_iter().map(|host| (host, None)).collect();
        rows.extend(audits.into_iter().map(|row| (row.host.clone(), Some(row))));
        print(&format!("Usage audits of {}", short_window(&window)))?;
        let header = ["host", "state", "instances", "errors", "message"];
        print(&table(header, rows.into_iter().map(|(host, row)| line(host, row))))?;
        Ok(Status::Done)
    }
}

/// The state file.
enum State {
    Missing,
    Locked,
    Open(StateFile),
}

impl State {
    /// Returns the state of a `RUNNING` row for people.
    async fn describe(&self, row: &TaskLog) -> Result<&'static str, Failure> {
        let TaskLog { task_name, period_beginning, period_ending, host, .. } = row.clone();
        let key = TaskLogKey { task_name, period_beginning, period_ending, host };
        Ok(match self {
            Self::Locked => "running",
            Self::Open(state) if state.checkpoint(&key).await?.is_some() => "running, resumable",
            Self::Missing | Self::Open(_) => "running, not resumable",
        })
    }
}

fn line(host: String, row: Option<TaskLog>) -> [String; 5] {
    match row {
        None => [host, "not run".into(), String::new(), String::new(), String::new()],
        Some(row) => [host, row.state.to_lowercase(), row.task_items.to_string(), row.errors.to_string(), row.message],
    }
}
