//! `nova-usage-audit run`

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use nova_compute_utils_wasmtime::audit::{self, AuditOptions, AuditReport};
use nova_compute_utils_wasmtime::conductor::{self, Host as _, HostError, TaskLogKey, WindowQuery};
use nova_compute_utils_wasmtime::period::Window;
use nova_compute_utils_wasmtime::{Callbacks, Error, NdjsonNotifier, Plugin, SqlConductor, StoredCheckpoint, types};

use super::progress::{self, Progress};
use super::summary::{self, Audit, Outcome};
use super::{Failure, Settings, Status, print, print_stderr, short};

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one per flag")]
pub struct Options {
    /// The Nova cell database: `sqlite:PATH`
    #[arg(long, value_name = "URL")]
    database: String,
    #[command(flatten)]
    hosts: Hosts,
    #[command(flatten)]
    settings: Settings,
    /// The format of the notifications: Nova's `notification_format`
    #[arg(long, value_enum, default_value_t = Format::Unversioned)]
    format: Format,
    /// The base of the image URLs, such as `http://glance.example:9292`
    #[arg(long, value_name = "URL")]
    image_endpoint: Option<String>,
    /// List the volumes of each instance in versioned notifications
    #[arg(long)]
    bdms_in_notifications: bool,
    /// List the shares of each instance in versioned notifications
    #[arg(long)]
    include_share_mapping: bool,
    /// The target of the notifications: `ndjson:FILE` (appended to an existing file) or `stdout`
    #[arg(long, value_name = "TARGET", default_value = "stdout", value_parser = target)]
    notify: Target,
    /// Continue audits that were interrupted
    #[arg(long)]
    resume: bool,
    /// Finish audits that were interrupted, with each remaining instance as an error
    #[arg(long, conflicts_with = "resume")]
    give_up: bool,
    /// How to make message ids: `deterministic` ids are the same when a notification is sent again
    #[arg(long, value_enum, default_value_t = MessageIds::Deterministic)]
    message_ids: MessageIds,
    /// Where the progress of audits is kept [default: the database file with `.audit-state` added]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Print no progress bar and no summary
    #[arg(long)]
    quiet: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Hosts {
    /// The compute hosts to audit
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = clap::builder::NonEmptyStringValueParser::new())]
    host: Vec<String>,
    /// Audit every host that has instances in the window or a compute service
    #[arg(long)]
    all_hosts: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Unversioned,
    Versioned,
    Both,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum MessageIds {
    Deterministic,
    Random,
}

#[derive(Clone, Debug)]
enum Target {
    Stdout,
    Ndjson(PathBuf),
}

fn target(text: &str) -> Result<Target, String> {
    match text.split_once(':') {
        None if text == "stdout" => Ok(Target::Stdout),
        Some(("ndjson", file)) if !file.is_empty() => Ok(Target::Ndjson(file.into())),
        _ => Err("give `ndjson:FILE` or `stdout`".into()),
    }
}

impl Target {
    fn open(&self, interrupted: bool) -> Result<NdjsonNotifier, Failure> {
        let failed = |name: &str, error| Failure::BadInput(format!("cannot write notifications to `{name}`: {error}"));
        match self {
            Self::Stdout => NdjsonNotifier::stdout().map_err(|error| failed("stdout", error)),
            Self::Ndjson(file) => {
                let open = if interrupted { NdjsonNotifier::append_to_interrupted } else { NdjsonNotifier::append };
                open(file).map_err(|error| failed(&file.to_string_lossy(), error))
            }
        }
    }
}

impl Options {
    pub async fn run(self) -> Result<Status, Failure> {
        let plugin = self.settings.plugin()?;
        let window = self.settings.last_window(&plugin).await?;
        let mut conductor = SqlConductor::open(&self.database, self.settings.clock())
            .await?
            .with_block_devices(self.bdms_in_notifications)
            .with_shares(self.include_share_mapping);
        let hosts = self.hosts.names(&conductor, &window).await?;
        // Last, because these may create files.
        let state = self.state.clone().unwrap_or_else(|| conductor.default_state());
        let has_state = state.exists();
        if has_state {
            conductor = conductor.with_state(&state).await?;
        }
        let notifier = self.notify.open(self.resume || self.give_up)?;
        if !has_state {
            conductor = conductor.with_state(&state).await?;
        }
        if hosts.is_empty() {
            print_stderr("nothing to do: no host has instances in the window or a compute service");
        }

        let auditor = Auditor { options: &self, plugin: plugin.connect()?, window: &window, conductor, notifier };
        let hosts = auditor.interrupted_first(hosts).await?;
        let (audits, failure) = auditor.audit(hosts).await;
        auditor.conductor.close_state().await;
        self.report(&audits, &window)?;
        match failure {
            Some(failure) => Err(Failure::HostFailed(failure)),
            None if audits.iter().any(|audit| matches!(audit.outcome, Outcome::Running(_))) => Ok(Status::Running),
            None if audits.iter().all(Audit::is_clean) => Ok(Status::Done),
            None => Ok(Status::Errors),
        }
    }

    fn report(&self, audits: &[Audit], window: &Window) -> Result<(), Failure> {
        let text = match (self.json, self.quiet) {
            (true, _) => summary::as_json(audits, window).map_err(|error| Failure::HostFailed(error.to_string()))?,
            (false, false) if !audits.is_empty() => summary::as_table(audits, window),
            (false, _) => return Ok(()),
        };
        match self.notify {
            Target::Stdout => print_stderr(&text),
            Target::Ndjson(_) => print(&text)?,
        }
        Ok(())
    }

    fn config(&self, host: &str) -> types::Config {
        types::Config {
            instance_usage_audit_period: self.settings.period.clone(),
            notification_format: match self.format {
                Format::Unversioned => types::NotificationFormat::Unversioned,
                Format::Versioned => types::NotificationFormat::Versioned,
                Format::Both => types::NotificationFormat::Both,
            },
            bdms_in_notifications: self.bdms_in_notifications,
            include_share_mapping: self.include_share_mapping,
            ..types::Config::new(self.settings.release(), host)
        }
    }

    /// Returns the request context of Nova's periodic task, which has no user and no project.
    fn context(&self) -> types::Context {
        let glance_endpoint = self.image_endpoint.as_deref().map(|url| url.strip_suffix('/').unwrap_or(url).to_owned());
        types::Context { glance_endpoint, ..types::Context::default() }
    }
}

impl Hosts {
    async fn names(&self, conductor: &SqlConductor, window: &Window) -> Result<Vec<String>, Failure> {
        if self.all_hosts {
            return Ok(conductor.hosts(&window.begin, &window.end).await?);
        }
        let mut seen = BTreeSet::new();
        Ok(self.host.iter().filter(|name| seen.insert(*name)).cloned().collect())
    }
}

/// Audits the hosts one after another.
struct Auditor<'a> {
    options: &'a Options,
    plugin: Plugin<SqlConductor, Progress>,
    window: &'a Window,
    conductor: SqlConductor,
    notifier: NdjsonNotifier,
}

impl Auditor<'_> {
    /// Returns the audit of each host, and the error of the database or the notifier that ended the run early. Other
    /// errors of an audit do not stop the audits after it.
    async fn audit(&self, hosts: Vec<String>) -> (Vec<Audit>, Option<String>) {
        let mut audits = Vec::new();
        let mut failure = None;
        for host in hosts {
            if failure.is_some() {
                audits.push(Audit { host, outcome: Outcome::NotAudited, time: Duration::ZERO });
                continue;
            }
            let start = Instant::now();
            if let Some(reason) = self.refusal(&host).await {
                let audit = Audit { host, outcome: Outcome::Running(reason), time: start.elapsed() };
                audit.print_errors();
                audits.push(audit);
                continue;
            }
            let is_given_up = self.options.give_up && matches!(self.running(&host).await, Ok(Some(_)));
            let result = self.audit_host(&host).await;
            if let Some(error) = self.host_failure(&result) {
                let help = self.resume_help(&host).await;
                failure = Some(format!("host `{host}`: {error}{help}"));
            }
            let outcome = match outcome(result) {
                // The report does not list the instances that were not audited.
                Outcome::Done(report) if is_given_up => Outcome::Failed(report.message),
                outcome => outcome,
            };
            let audit = Audit { outcome, time: start.elapsed(), host };
            if failure.is_none() {
                audit.print_errors();
            }
            audits.push(audit);
        }
        let rest = audits.iter().filter(|audit| matches!(audit.outcome, Outcome::NotAudited));
        let rest: Vec<_> = rest.map(|audit| format!("`{}`", audit.host)).collect();
        let rest = if rest.is_empty() { String::new() } else { format!("; not audited: {}", rest.join(", ")) };
        (audits, failure.map(|failure| failure + &rest))
    }

    async fn audit_host(&self, host: &str) -> Result<Option<AuditReport>, Error> {
        let bar = self.progress_bar(host).await;
        let notifier = Progress { notifier: self.notifier.clone(), bar: bar.clone() };
        let callbacks = Callbacks { conductor: self.conductor.clone(), notifier };
        let mut component = self.plugin.instantiate(callbacks, self.options.settings.clock()).await?;
        let options = AuditOptions {
            resume: self.options.resume,
            give_up: self.options.give_up,
            retry_failed: false,
            message_ids: match self.options.message_ids {
                MessageIds::Deterministic => audit::MessageIds::Deterministic,
                MessageIds::Random => audit::MessageIds::Random,
            },
        };
        let (config, context) = (self.options.config(host), self.options.context());
        let report = component.instance_usage_audit(&config, &context, options).await;
        bar.finish_and_clear();
        report
    }

    fn key(&self, host: &str) -> TaskLogKey {
        let Window { begin: period_beginning, end: period_ending } = self.window.clone();
        TaskLogKey { task_name: "instance_usage_audit".into(), period_beginning, period_ending, host: host.to_owned() }
    }

    /// Returns whether the row of a host is `RUNNING`, and its checkpoint.
    async fn running(&self, host: &str) -> Result<Option<Option<StoredCheckpoint>>, HostError> {
        let key = self.key(host);
        let row = self.conductor.clone().task_log_get(conductor::Context::default(), key.clone()).await?;
        if row.is_none_or(|row| row.state != "RUNNING") {
            return Ok(None);
        }
        match self.conductor.state() {
            Some(state) => Ok(Some(state.checkpoint(&key).await?)),
            None => Ok(Some(None)),
        }
    }

    /// Moves interrupted audits to the front when this run continues them, because the first of them cuts a partial
    /// line from the file of notifications.
    async fn interrupted_first(&self, hosts: Vec<String>) -> Result<Vec<String>, HostError> {
        if !self.options.resume && !self.options.give_up {
            return Ok(hosts);
        }
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for host in hosts {
            let is_interrupted = self.running(&host).await?.is_some();
            if is_interrupted { first.push(host) } else { rest.push(host) }
        }
        first.append(&mut rest);
        Ok(first)
    }

    /// Returns why this run may not audit a host whose row is `RUNNING`. An error of the database is left to the audit.
    async fn refusal(&self, host: &str) -> Option<String> {
        match self.running(host).await.ok()?? {
            None => {
                let reason = "the audit of this window is running and cannot be resumed";
                Some(format!(
                    "{reason}: it has no checkpoint; wait for it, or delete its row of `task_log` and audit again"
                ))
            }
            Some(_) if self.options.resume || self.options.give_up => None,
            Some(StoredCheckpoint { begun_at, checkpoint }) => Some(format!(
                "the audit of this window was interrupted: it began at {} and got to {} of {} instances; continue it \
                 with `{}`",
                short(&begun_at),
                checkpoint.instances,
                checkpoint.num_instances,
                resume_command()
            )),
        }
    }

    /// Returns how to continue an audit that failed; an empty string if it cannot be continued.
    async fn resume_help(&self, host: &str) -> String {
        match self.running(host).await {
            Ok(Some(Some(_))) => format!("; continue it with `{}`", resume_command()),
            _ => String::new(),
        }
    }

    async fn progress_bar(&self, host: &str) -> ProgressBar {
        if self.options.quiet || !progress::is_visible(matches!(self.options.notify, Target::Stdout)) {
            return ProgressBar::hidden();
        }
        let Window { begin, end } = self.window.clone();
        let query = WindowQuery { begin, end: Some(end), project_id: None, host: Some(host.to_owned()) };
        let count = self.conductor.instance_count(&query).await;
        let formats = if matches!(self.options.format, Format::Both) { 2 } else { 1 };
        progress::bar(host, count.unwrap_or_default() * formats)
    }

    /// Returns the error of the database or the notifier, if one failed: it would fail every further audit too.
    fn host_failure(&self, result: &Result<Option<AuditReport>, Error>) -> Option<String> {
        match result {
            Err(Error::Nova(error)) if error.callback.is_some() && !is_running(error) => Some(error.message.clone()),
            _ => self.notifier.failure().map(|error| error.message),
        }
    }
}

/// Returns this command line with `--resume`, for a shell.
fn resume_command() -> String {
    let safe = |character: char| character.is_ascii_alphanumeric() || "-_./:=@,+%".contains(character);
    let quoted = |word: String| {
        let plain = !word.is_empty() && word.chars().all(safe);
        if plain { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    let mut words: Vec<_> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .filter(|word| word != "--resume" && word != "--give-up")
        .map(quoted)
        .collect();
    words.push("--resume".into());
    words.join(" ")
}

/// Returns whether another program began the same audit after this one read the task log.
fn is_running(error: &types::Error) -> bool {
    error.code == "TaskAlreadyRunning"
}

fn outcome(result: Result<Option<AuditReport>, Error>) -> Outcome {
    match result {
        Ok(Some(report)) => Outcome::Done(report),
        Ok(None) => Outcome::AuditedBefore,
        Err(Error::Nova(error)) if is_running(&error) => Outcome::AuditedBefore,
        Err(Error::Nova(error)) if ["CheckpointNotFound", "CheckpointMismatch"].contains(&&error.code[..]) => {
            Outcome::Running(error.message)
        }
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

impl Audit {
    /// Prints the errors of the audit, for people.
    fn print_errors(&self) {
        let host = &self.host;
        match &self.outcome {
            Outcome::Done(report) => {
                for failure in &report.failures {
                    let instance = failure.instance_uuid.as_deref().unwrap_or("without a readable UUID");
                    print_stderr(&format!("host `{host}`, instance `{instance}`: {}", failure.error.message));
                }
            }
            Outcome::AuditedBefore => {
                print_stderr(&format!("host `{host}`: the audit of this window has been run before, or is running"));
            }
            Outcome::Running(error) | Outcome::Failed(error) => print_stderr(&format!("error: host `{host}`: {error}")),
            Outcome::NotAudited => {}
        }
    }

    fn is_clean(&self) -> bool {
        match &self.outcome {
            Outcome::Done(report) => report.failures.is_empty(),
            Outcome::AuditedBefore => true,
            Outcome::Running(_) | Outcome::Failed(_) | Outcome::NotAudited => false,
        }
    }
}
