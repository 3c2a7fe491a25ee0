//! The command line: what all commands share.

mod periods;
mod progress;
mod run;
mod status;
mod summary;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Timelike};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use comfy_table::{Table, presets};
use nova_compute_utils_wasmtime::conductor::HostError;
use nova_compute_utils_wasmtime::period::Window;
use nova_compute_utils_wasmtime::{Clock, Limits, OpenError, Plugin, Runtime, types};

/// The usage audit of OpenStack Nova, on a Nova cell database.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Audit the last completed window: one `exists` notification per instance, and a row in the task log.
    Run(run::Options),
    /// Tell which hosts ran the audit of the last completed window.
    Status(status::Options),
    /// List the windows, newest first.
    Periods(periods::Options),
}

impl Cli {
    pub async fn run(self) -> Result<Status, Failure> {
        match self.command {
            Command::Run(options) => options.run().await,
            Command::Status(options) => options.run().await,
            Command::Periods(options) => options.run().await,
        }
    }
}

/// The exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All is done, or there was nothing to do.
    Done = 0,
    /// The audit finished, with errors.
    Errors = 1,
    /// What was asked for makes no sense.
    BadInput = 2,
    /// The database or the notifier failed.
    HostFailed = 3,
}

/// Why a command did not do its work.
#[derive(Debug)]
pub enum Failure {
    BadInput(String),
    HostFailed(String),
}

impl Failure {
    pub fn status(&self) -> Status {
        match self {
            Self::BadInput(_) => Status::BadInput,
            Self::HostFailed(_) => Status::HostFailed,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::BadInput(text) | Self::HostFailed(text)) = self;
        formatter.write_str(text)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Unreadable { .. } => Self::HostFailed(error.to_string()),
            error => Self::BadInput(error.to_string()),
        }
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Self::HostFailed(error.message)
    }
}

/// What the component makes of bad input.
impl From<nova_compute_utils_wasmtime::Error> for Failure {
    fn from(error: nova_compute_utils_wasmtime::Error) -> Self {
        Self::BadInput(error.to_string())
    }
}

/// Which windows, by whose rules.
#[derive(Args, Debug)]
struct Rules {
    /// `hour`, `day`, `month` or `year`, optionally with `@offset`
    #[arg(long, default_value = "month", value_parser = period)]
    period: String,
    /// The moment to take for now, ISO 8601, UTC where it has no zone [default: the clock of this machine]
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    now: Option<NaiveDateTime>,
    /// Whose rules: Nova 34 or Nova 2013.1
    #[arg(long, value_enum, default_value_t = Release::Hibiscus)]
    release: Release,
    /// The component [default: `nova-compute-utils.wasm` beside this program]
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Release {
    Hibiscus,
    Grizzly,
}

impl Rules {
    fn clock(&self) -> Clock {
        self.now.map_or(Clock::System, Clock::Fixed)
    }

    fn config(&self) -> types::Config {
        types::Config {
            release: match self.release {
                Release::Hibiscus => types::Release::Hibiscus,
                Release::Grizzly => types::Release::Grizzly,
            },
            host: String::new(),
            instance_usage_audit_period: self.period.clone(),
            notification_format: types::NotificationFormat::Unversioned,
            glance_endpoint: None,
            max_disk_devices_to_attach: -1,
            compute_driver: None,
        }
    }

    /// The component, with nothing to call back to: enough for whatever is pure.
    fn plugin(&self) -> Result<Plugin<()>, Failure> {
        let file = match &self.component {
            Some(file) => file.clone(),
            None => std::env::current_exe().unwrap_or_default().with_file_name("nova-compute-utils.wasm"),
        };
        if self.component.is_none() && !file.is_file() {
            let help = "give `--component FILE`, or build it with `cargo xtask build`";
            return Err(Failure::BadInput(format!("there is no component at `{}`: {help}", file.display())));
        }
        Ok(Runtime::new(Limits::default())?.load(file)?)
    }

    /// The windows completed before now, newest first.
    async fn windows(&self, plugin: &Plugin<()>, count: usize) -> Result<Vec<Window>, Failure> {
        let mut component = plugin.instantiate((), self.clock()).await?;
        let mut windows: Vec<Window> = Vec::new();
        let mut before = self.clock().now().format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
        while windows.len() < count {
            let window = component.last_completed_audit_period(&self.config(), None, &before).await?;
            // A window that ends right then is not complete yet, so this leads to the one before it.
            before.clone_from(&window.end);
            windows.push(window);
        }
        Ok(windows)
    }

    async fn last_window(&self, plugin: &Plugin<()>) -> Result<Window, Failure> {
        let windows = self.windows(plugin, 1).await?;
        windows.into_iter().next().ok_or_else(|| Failure::BadInput("there is no completed window".into()))
    }
}

/// What Nova's option `instance_usage_audit_period` takes. Which offsets exist is for the component to say.
fn period(text: &str) -> Result<String, String> {
    let (unit, offset) = text.split_once('@').unwrap_or((text, "0"));
    let known = ["hour", "day", "month", "year"].contains(&unit);
    if known && !offset.is_empty() && offset.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("a period is `hour`, `day`, `month` or `year`, optionally with `@` and a number".into())
    }
}

fn moment(text: &str) -> Result<NaiveDateTime, String> {
    let iso = text.replacen(' ', "T", 1);
    let zoned = DateTime::parse_from_str(&iso, "%Y-%m-%dT%H:%M:%S%.f%#z").map(|moment| moment.naive_utc());
    let moment = zoned
        .or_else(|_| NaiveDateTime::parse_from_str(&iso, "%Y-%m-%dT%H:%M:%S%.f"))
        .or_else(|_| NaiveDateTime::parse_from_str(&iso, "%Y-%m-%dT%H:%M"))
        .or_else(|_| NaiveDate::parse_from_str(&iso, "%Y-%m-%d").map(|date| date.and_time(chrono::NaiveTime::MIN)))
        // chrono reads second 60; the contract has no such second.
        .ok()
        .filter(|moment| moment.nanosecond() < 1_000_000_000)
        .ok_or("write a moment like 2026-11-01T00:17:03.250000")?;
    if moment < DateTime::UNIX_EPOCH.naive_utc() { Err("there is no cloud before 1970".into()) } else { Ok(moment) }
}

/// What is wrong with a command line, on one line; or the help that was asked for.
pub fn refuse(error: &clap::Error) -> Status {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            error.print().ok();
            if error.use_stderr() { Status::BadInput } else { Status::Done }
        }
        _ => {
            let text = error.render().to_string().replace('\'', "`");
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let lines =
                lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"));
            say(&lines.collect::<Vec<_>>().join(" "));
            Status::BadInput
        }
    }
}

/// A line for people. Where nobody reads it any more, so be it.
pub fn say(line: &str) {
    writeln!(io::stderr(), "{line}").ok();
}

/// Results, to standard output. A reader that has seen enough is no error.
fn print(text: &str) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::HostFailed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header);
    for row in rows {
        table.add_row(row);
    }
    table.trim_fmt()
}

/// A moment of the contract for people: without a fraction of zero.
fn short(moment: &str) -> String {
    moment.strip_suffix(".000000").unwrap_or(moment).replacen('T', " ", 1)
}

fn short_window(window: &Window) -> String {
    format!("{} .. {}", short(&window.begin), short(&window.end))
}
