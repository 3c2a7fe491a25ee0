//! `nova-usage-audit status`

use std::collections::BTreeMap;

use clap::Args;
use nova_compute_utils_wasmtime::SqlConductor;
use nova_compute_utils_wasmtime::conductor::TaskLog;

use super::{Failure, Settings, Status, print, short_window, table};

#[derive(Args, Debug)]
pub struct Options {
    /// The Nova cell database: `sqlite:PATH`
    #[arg(long, value_name = "URL")]
    database: String,
    #[command(flatten)]
    settings: Settings,
}

impl Options {
    pub async fn run(self) -> Result<Status, Failure> {
        let window = self.settings.last_window(&self.settings.plugin()?).await?;
        let conductor = SqlConductor::open(&self.database, self.settings.clock()).await?;
        let hosts = conductor.hosts(&window.begin, &window.end).await?;
        let audits = conductor.task_log_get_all("instance_usage_audit", &window.begin, &window.end).await?;

        let mut rows: BTreeMap<String, Option<TaskLog>> = hosts.into_iter().map(|host| (host, None)).collect();
        rows.extend(audits.into_iter().map(|row| (row.host.clone(), Some(row))));
        print(&format!("Usage audits of {}", short_window(&window)))?;
        let header = ["host", "state", "instances", "errors", "message"];
        print(&table(header, rows.into_iter().map(|(host, row)| line(host, row))))?;
        Ok(Status::Done)
    }
}

fn line(host: String, row: Option<TaskLog>) -> [String; 5] {
    match row {
        None => [host, "not run".into(), String::new(), String::new(), String::new()],
        Some(row) => [host, row.state.to_lowercase(), row.task_items.to_string(), row.errors.to_string(), row.message],
    }
}
