//! `nova-usage-audit run --dry-run`

use std::path::Path;

use nova_compute_utils_wasmtime::SqlConductor;
use nova_compute_utils_wasmtime::period::Window;
use serde::Serialize;

use super::status::{Audits, as_json};
use super::{Failure, Status, print, short_window, table};

#[derive(Serialize)]
struct Plan<'a> {
    #[serde(flatten)]
    audits: Audits<'a>,
    totals: Totals,
}

#[derive(Serialize)]
struct Totals {
    hosts: usize,
    /// The instances that are audited.
    instances: u64,
    /// The instances to audit.
    of: u64,
    errors: u64,
}

/// Prints what `run` would audit, and what is done already, as a table or as JSON. Writes nothing else.
pub async fn show(
    conductor: &SqlConductor,
    window: &Window,
    hosts: &[String],
    state: &Path,
    json: bool,
) -> Result<Status, Failure> {
    let audits = Audits::read(conductor, window, Some(hosts), state).await?;
    let sum = |number: fn(&super::status::HostAudit) -> u64| audits.hosts.iter().map(number).sum();
    let totals = Totals {
        hosts: audits.hosts.len(),
        instances: sum(|audit| audit.instances.unwrap_or_default()),
        of: sum(|audit| audit.of),
        errors: sum(|audit| audit.errors),
    };
    let plan = Plan { audits, totals };
    print(&if json { as_json(&plan)? } else { plan.as_table() })?;
    Ok(Status::Done)
}

impl Plan<'_> {
    fn as_table(&self) -> String {
        let Self { audits, totals } = self;
        let rows = audits.hosts.iter().map(|audit| {
            let audited = audit.instances.map(|number| number.to_string()).unwrap_or_default();
            [audit.host.clone(), audit.of.to_string(), audited, audit.errors.to_string(), audit.describe()]
        });
        let totals = [
            format!("{} hosts", totals.hosts),
            totals.of.to_string(),
            totals.instances.to_string(),
            totals.errors.to_string(),
            String::new(),
        ];
        let table = table(["host", "instances", "audited", "errors", "state"], rows.chain([totals]));
        let alive = audits.running_process.as_ref().map(|holder| format!("\nA run is alive: {holder}"));
        let window = short_window(audits.window);
        format!("A run would audit {window}; nothing is written\n{table}{}", alive.unwrap_or_default())
    }
}
