//! The command line: the parts that all commands share.

mod component;
mod dry_run;
mod groups;
mod input;
mod instances;
mod output;
mod periods;
mod preflight;
mod progress;
mod received;
mod reconcile;
mod resume;
mod run;
mod signals;
mod status;
mod summary;
mod usage;
mod verify;
mod window;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Timelike};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use comfy_table::{Table, presets};
use nova_compute_utils_wasmtime::conductor::HostError;
use nova_compute_utils_wasmtime::period::Window;
use nova_compute_utils_wasmtime::{Callbacks, Clock, OpenError, Plugin, StateError, types};

/// Run and check the usage audit of OpenStack Nova, on a Nova cell database
#[derive(Debug, Parser)]
#[command(name = "nova-usage-audit", version, after_help = exit_statuses())]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Audit the last completed window: one `exists` notification per instance, and a row in the task log
    #[command(after_help = exit_statuses())]
    Run(run::Options),
    /// Show the state of the last completed window's audit on each host
    #[command(after_help = exit_statuses())]
    Status(status::Options),
    /// List the last completed windows, newest first
    Periods(periods::Options),
    /// Sum up the hours of servers in a window, per project, flavor, host or availability zone
    #[command(after_help = exit_statuses())]
    Usage(usage::Options),
    /// Judge whether the notifications of each server agree with each other, as winchester does
    #[command(after_help = exit_statuses())]
    Verify(verify::Options),
    /// Compare the `exists` notifications that were received with those of the database
    #[command(after_help = exit_statuses())]
    Reconcile(reconcile::Options),
}

impl Cli {
    pub async fn run(self) -> Result<Status, Failure> {
        match self.command {
            Command::Run(options) => options.run().await,
            Command::Status(options) => options.run().await,
            Command::Periods(options) => options.run().await,
            Command::Usage(options) => options.run().await,
            Command::Verify(options) => options.run(),
            Command::Reconcile(options) => options.run().await,
        }
    }
}

/// The exit status. [`EXIT_STATUSES`] has the meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Done,
    Errors,
    BadInput,
    HostFailed,
    Running,
    /// The number of the signal.
    Interrupted(u8),
}

impl Status {
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Errors => 1,
            Self::BadInput => 2,
            Self::HostFailed => 3,
            Self::Running => 4,
            Self::Interrupted(signal) => signals::exit_status(signal),
        }
    }
}

/// The exit statuses and their meanings, as `--help` and the README list them.
const EXIT_STATUSES: [(&str, &str); 6] = [
    ("0", "done, or nothing to do; `status`: every host is done without errors; `verify`, `reconcile`: all is equal"),
    (
        "1",
        "an audit has errors: instances could not be read or sent; `status`: a host is not done, or has errors; \
         `usage`, `verify`, `reconcile`: something failed, is not equal or cannot be read",
    ),
    ("2", "bad usage or input; nothing was written"),
    ("3", "the database, a file or the target of the notifications failed; an audit can be resumed"),
    ("4", "an audit is not finished: another run has it, or it was interrupted; the message says how to go on"),
    ("129, 130, 143", "stopped by HUP, INT (Ctrl-C) or TERM; the audit can be resumed"),
];

fn exit_statuses() -> String {
    let rows = EXIT_STATUSES.iter().map(|(status, meaning)| format!("\n  {status:<15}{meaning}"));
    format!("Exit statuses:{}", rows.collect::<String>())
}

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    BadInput(String),
    HostFailed(String),
    Running(String),
}

impl Failure {
    pub fn status(&self) -> Status {
        match self {
            Self::BadInput(_) => Status::BadInput,
            Self::HostFailed(_) => Status::HostFailed,
            Self::Running(_) => Status::Running,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::BadInput(text) | Self::HostFailed(text) | Self::Running(text)) = self;
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

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Locked { .. } => Self::Running(error.to_string()),
            error => Self::BadInput(error.to_string()),
        }
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Self::HostFailed(error.message)
    }
}

/// Converts an error from before the first audit. The component has no conductor and no notifier then, so the error is
/// one of the input.
impl From<nova_compute_utils_wasmtime::Error> for Failure {
    fn from(error: nova_compute_utils_wasmtime::Error) -> Self {
        Self::BadInput(error.to_string())
    }
}

/// The options of all subcommands.
#[derive(Args, Debug)]
struct Settings {
    /// The audit period: `hour`, `day`, `month` or `year`, optionally with `@offset`
    #[arg(long, default_value = "month", value_parser = period)]
    period: String,
    /// The current time, ISO 8601, UTC if it has no zone [default: the clock of this machine]
    #[arg(long, value_name = "TIME", value_parser = time)]
    now: Option<NaiveDateTime>,
    /// The Nova release to reproduce: `hibiscus` is Nova 34.0.0, `grizzly` is Nova 2013.1
    #[arg(long, value_enum, default_value_t = Release::Hibiscus)]
    release: Release,
    /// A component file in place of the component inside this program
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Release {
    Hibiscus,
    Grizzly,
}

impl From<Release> for nova_compute_utils::Release {
    fn from(release: Release) -> Self {
        match release {
            Release::Hibiscus => Self::Hibiscus,
            Release::Grizzly => Self::Grizzly,
        }
    }
}

impl From<Release> for types::Release {
    fn from(release: Release) -> Self {
        match release {
            Release::Hibiscus => Self::Hibiscus,
            Release::Grizzly => Self::Grizzly,
        }
    }
}

impl Settings {
    fn clock(&self) -> Clock {
        self.now.map_or(Clock::System, Clock::Fixed)
    }

    fn release(&self) -> types::Release {
        self.release.into()
    }

    /// Loads the component without a conductor and a notifier, for pure functions.
    fn plugin(&self) -> Result<Plugin<(), ()>, Failure> {
        component::load(self.component.as_deref())
    }

    /// Returns the last completed windows, newest first.
    async fn windows(&self, plugin: &Plugin<(), ()>, count: usize) -> Result<Vec<Window>, Failure> {
        let mut component = plugin.instantiate(Callbacks::default(), self.clock()).await?;
        let mut windows: Vec<Window> = Vec::new();
        let mut before = self.clock().now().format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
        while windows.len() < count {
            let window = component.last_completed_audit_period(self.release(), &self.period, None, &before).await?;
            // At its own end a window is not completed yet, so the next result is the window before it.
            before.clone_from(&window.end);
            windows.push(window);
        }
        Ok(windows)
    }

    async fn last_window(&self, plugin: &Plugin<(), ()>) -> Result<Window, Failure> {
        let windows = self.windows(plugin, 1).await?;
        windows.into_iter().next().ok_or_else(|| Failure::BadInput("no window is completed".into()))
    }
}

/// Checks the form of Nova's option `instance_usage_audit_period`. The component checks the offset.
fn period(text: &str) -> Result<String, String> {
    let (unit, offset) = text.split_once('@').unwrap_or((text, "0"));
    let known = ["hour", "day", "month", "year"].contains(&unit);
    if known && !offset.is_empty() && offset.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("give `hour`, `day`, `month` or `year`, optionally with `@` and a number".into())
    }
}

fn time(text: &str) -> Result<NaiveDateTime, String> {
    let iso = text.replacen(' ', "T", 1);
    let zoned = DateTime::parse_from_str(&iso, "%Y-%m-%dT%H:%M:%S%.f%#z").map(|time| time.naive_utc());
    let time = zoned
        .or_else(|_| NaiveDateTime::parse_from_str(&iso, "%Y-%m-%dT%H:%M:%S%.f"))
        .or_else(|_| NaiveDateTime::parse_from_str(&iso, "%Y-%m-%dT%H:%M"))
        .or_else(|_| NaiveDate::parse_from_str(&iso, "%Y-%m-%d").map(|date| date.and_time(chrono::NaiveTime::MIN)))
        // chrono accepts second 60; the contract does not.
        .ok()
        .filter(|time| time.nanosecond() < 1_000_000_000)
        .ok_or("write it as `2026-11-01T00:17:03.250000`")?;
    if time < DateTime::UNIX_EPOCH.naive_utc() { Err("give a time after 1969".into()) } else { Ok(time) }
}

/// Prints the requested help, or the error of a command line on one line.
pub fn print_clap_error(error: &clap::Error) -> Status {
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
            print_stderr(&lines.collect::<Vec<_>>().join(" "));
            Status::BadInput
        }
    }
}

/// Prints a line to standard error. Ignores a failed write, because it cannot be reported anywhere.
pub fn print_stderr(line: &str) {
    writeln!(io::stderr(), "{}", escape(line)).ok();
}

/// Prints results to standard output. A reader that closes its end early is not an error.
fn print(text: &str) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{}", escape_lines(text)) {
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
        table.add_row(row.map(|cell| escape(&cell)));
    }
    table.trim_fmt()
}

/// Returns the first sentence of a summary, with what the outcome does not contain.
fn sentence(outcome: String, unreadable: u64, ignored: u64, why: &str) -> String {
    let mut parts = vec![outcome];
    if unreadable > 0 {
        parts.push(format!("{unreadable} cannot be read"));
    }
    if ignored > 0 {
        parts.push(format!("{ignored} other notifications are {why}"));
    }
    parts.join("; ")
}

/// The largest number of projects that a summary for people names.
const WORST: usize = 10;

/// Says how many projects a table of [`WORST`] leaves out.
fn more(projects: usize) -> String {
    match projects.saturating_sub(WORST) {
        0 => String::new(),
        more => format!("\nand {more} more projects"),
    }
}

/// Replaces each character that a terminal obeys by its escape in JSON: control characters, and those that change the
/// direction of text or break the line. Without it, the name of a host could hide or forge a part of the output.
fn escape(text: &str) -> String {
    let obeyed = |character: char| {
        let direction = ['\u{200e}'..='\u{200f}', '\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}'];
        let line = '\u{2028}'..='\u{2029}';
        character.is_control() || line.contains(&character) || direction.iter().any(|range| range.contains(&character))
    };
    let escaped = text.chars().map(|character| match character {
        character if obeyed(character) => format!("\\u{:04x}", u32::from(character)),
        character => character.to_string(),
    });
    escaped.collect()
}

/// Escapes a text of several lines.
fn escape_lines(text: &str) -> String {
    text.split('\n').map(escape).collect::<Vec<_>>().join("\n")
}

/// Formats a timestamp of the contract for people: a blank instead of `T`, and no fraction if it is zero.
fn short(timestamp: &str) -> String {
    timestamp.strip_suffix(".000000").unwrap_or(timestamp).replacen('T', " ", 1)
}

fn short_window(window: &Window) -> String {
    format!("{} .. {}", short(&window.begin), short(&window.end))
}
