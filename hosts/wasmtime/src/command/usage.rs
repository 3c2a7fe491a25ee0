//! `nova-usage-audit usage`

use clap::{Args, ValueEnum};
use nova_compute_utils::instance::Instance;
use nova_compute_utils::tenant_usage::{UsageGroup, UsageKey, UsageSums};
use nova_compute_utils_wasmtime::{SqlConductor, period};
use serde::Serialize;

use super::output::Unreadable;
use super::status::as_json;
use super::window::{self, WindowOptions};
use super::{Failure, Status, instances, print, print_stderr, short_window, table};

#[derive(Args, Debug)]
pub struct Options {
    /// The Nova cell database: `sqlite:PATH`
    #[arg(long, value_name = "URL")]
    database: String,
    #[command(flatten)]
    window: WindowOptions,
    /// How to group the servers
    #[arg(long, value_enum, default_value_t = Key::Project)]
    by: Key,
    /// The format of the result
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Key {
    Project,
    Flavor,
    Host,
    Zone,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Table,
    Csv,
    Json,
}

impl Key {
    fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Flavor => "flavor",
            Self::Host => "host",
            Self::Zone => "zone",
        }
    }
}

impl From<Key> for UsageKey {
    fn from(key: Key) -> Self {
        match key {
            Key::Project => Self::Project,
            Key::Flavor => Self::Flavor,
            Key::Host => Self::Host,
            Key::Zone => Self::AvailabilityZone,
        }
    }
}

impl Options {
    pub async fn run(self) -> Result<Status, Failure> {
        let window = self.window.window()?;
        let conductor = SqlConductor::open(&self.database, self.window.clock()).await?;
        let mut sums = UsageSums::new(window, self.by.into());
        let mut errors = 0;
        instances::read(&conductor, window, None, |instance| {
            let added = match instance {
                Ok(document) => add(&mut sums, document),
                Err(unreadable) => Err(Unreadable::from(unreadable).to_string()),
            };
            if let Err(error) = added {
                print_stderr(&format!("error: {error}"));
                errors += 1;
            }
            Ok(())
        })
        .await?;
        let groups = sums.groups().into_iter().map(Group::from).collect();
        let usage = Usage { window: window::as_text(window), by: self.by.name(), groups, errors };
        match self.format {
            Format::Table => print(&usage.as_table())?,
            Format::Csv => print(&usage.as_csv().map_err(|error| Failure::HostFailed(error.to_string()))?)?,
            Format::Json => print(&as_json(&usage)?)?,
        }
        Ok(if errors == 0 { Status::Done } else { Status::Errors })
    }
}

/// Adds the instance of a document. The error names the instance.
fn add(sums: &mut UsageSums, document: &str) -> Result<(), String> {
    let instance = Instance::parse(document).map_err(|error| error.to_string())?;
    sums.add(&instance).map_err(|error| {
        let uuid = instance.uuid().unwrap_or_default();
        Unreadable::of_instance(&uuid, &error).to_string()
    })
}

/// The usage of a window.
#[derive(Serialize)]
struct Usage {
    window: period::Window,
    by: &'static str,
    groups: Vec<Group>,
    /// The number of instances that cannot be read.
    errors: u64,
}

/// The usage of the servers that share a key. Null is the group of those without it.
#[derive(Serialize)]
struct Group {
    key: Option<String>,
    servers: u64,
    hours: f64,
    vcpus_hours: f64,
    memory_mb_hours: f64,
    local_gb_hours: f64,
}

impl From<UsageGroup> for Group {
    fn from(group: UsageGroup) -> Self {
        let UsageGroup { key, servers, hours, vcpus_hours, memory_mb_hours, local_gb_hours } = group;
        Self { key, servers, hours, vcpus_hours, memory_mb_hours, local_gb_hours }
    }
}

impl Group {
    fn sums(&self) -> [f64; SUMS.len()] {
        [self.hours, self.vcpus_hours, self.memory_mb_hours, self.local_gb_hours]
    }
}

/// The columns that contain sums.
const SUMS: [&str; 4] = ["hours", "vcpus_hours", "memory_mb_hours", "local_gb_hours"];

impl Usage {
    fn header(&self) -> [&'static str; 6] {
        let [hours, vcpus, memory, disk] = SUMS;
        [self.by, "servers", hours, vcpus, memory, disk]
    }

    fn as_table(&self) -> String {
        let row = |key: String, servers: u64, sums: [f64; 4]| {
            let [hours, vcpus, memory, disk] = sums.map(|sum| format!("{sum:.2}"));
            [key, servers.to_string(), hours, vcpus, memory, disk]
        };
        let rows =
            self.groups.iter().map(|group| row(group.key.clone().unwrap_or_default(), group.servers, group.sums()));
        let mut total = [0.0; SUMS.len()];
        for group in &self.groups {
            for (total, sum) in total.iter_mut().zip(group.sums()) {
                *total += sum;
            }
        }
        let servers = self.groups.iter().map(|group| group.servers).sum();
        let table = table(self.header(), rows.chain([row("total".into(), servers, total)]));
        format!("Usage of {}; hours count existence, not running time\n{table}", short_window(&self.window))
    }

    /// Formats the groups as CSV, without a line break at the end.
    fn as_csv(&self) -> Result<String, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.header())?;
        for group in &self.groups {
            let sums = group.sums().map(|sum| sum.to_string());
            let key = harmless(group.key.as_deref().unwrap_or_default());
            writer.write_record([key, group.servers.to_string()].into_iter().chain(sums))?;
        }
        let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
        Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }
}

/// Returns a cell of CSV that no spreadsheet runs as a formula.
fn harmless(cell: &str) -> String {
    let apostrophe = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("{apostrophe}{cell}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_has_no_formulas_and_quotes_what_it_must() {
        let group = |key: Option<&str>| Group {
            key: key.map(Into::into),
            servers: 1,
            hours: 0.5,
            vcpus_hours: 1.0,
            memory_mb_hours: 2.25,
            local_gb_hours: -1.5,
        };
        let keys = [None, Some("=1+1"), Some("-x"), Some("@x"), Some("+x"), Some("a,\"b\""), Some("plain")];
        let window = period::Window { begin: String::new(), end: String::new() };
        let usage = Usage { window, by: "host", groups: keys.map(group).into(), errors: 0 };
        let expected = [
            "host,servers,hours,vcpus_hours,memory_mb_hours,local_gb_hours",
            ",1,0.5,1,2.25,-1.5",
            "'=1+1,1,0.5,1,2.25,-1.5",
            "'-x,1,0.5,1,2.25,-1.5",
            "'@x,1,0.5,1,2.25,-1.5",
            "'+x,1,0.5,1,2.25,-1.5",
            "\"a,\"\"b\"\"\",1,0.5,1,2.25,-1.5",
            "plain,1,0.5,1,2.25,-1.5",
        ];
        assert_eq!(usage.as_csv().expect("CSV").lines().collect::<Vec<_>>(), expected);
    }
}
