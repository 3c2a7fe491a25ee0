//! `nova-usage-audit run`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use nova_compute_utils_wasmtime::audit::{self, AuditFailure, AuditOptions, AuditReport};
use nova_compute_utils_wasmtime::conductor::{AuditCheckpoint, HostError, WindowQuery};
use nova_compute_utils_wasmtime::period::Window;
use nova_compute_utils_wasmtime::{
    Callbacks, Error, NdjsonNotifier, Plugin, SqlConductor, StateError, StateFile, types,
};

use super::progress::{self, INTERRUPTED, Progress};
use super::resume::{self, Resume, Row};
use super::signals::Interruption;
use super::summary::{self, Audit, Counts, Outcome};
use super::{Failure, Settings, Status, dry_run, escape, preflight, print, print_stderr};

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
    /// Continue audits that were interrupted. `auto` continues only those whose run is dead beyond doubt, for cron jobs
    #[arg(long, value_enum, value_name = "WHEN", num_args = 0..=1, default_missing_value = "always")]
    resume: Option<Resume>,
    /// Finish audits that were interrupted, with each remaining instance as an error
    #[arg(long, conflicts_with_all = ["resume", "retry_failed"])]
    give_up: bool,
    /// Send again what failed in finished audits
    #[arg(long)]
    retry_failed: bool,
    /// How to make message ids: `deterministic` ids are the same when a notification is sent again
    #[arg(long, value_enum, default_value_t = MessageIds::Deterministic)]
    message_ids: MessageIds,
    /// Where the progress of audits is kept [default: the database file with `.audit-state` added]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Show what the run would audit, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Audit although `--now` is after the clock of this machine
    #[arg(long)]
    force: bool,
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
pub enum Format {
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
        let conductor = SqlConductor::open(&self.database, self.settings.clock())
            .await?
            .with_block_devices(self.bdms_in_notifications)
            .with_shares(self.include_share_mapping);
        let request = preflight::Request {
            release: self.settings.release(),
            now: self.settings.now,
            force: self.force,
            window: &window,
            hosts: &self.hosts.host,
        };
        let unreachable = preflight::check(&request, &conductor).await?;
        let hosts = self.hosts.names(&conductor, &window).await?;
        let state = self.state.clone().unwrap_or_else(|| conductor.default_state());
        if self.dry_run {
            return dry_run::show(&conductor, &window, &hosts, &state, self.json).await;
        }

        let interruption = Interruption::listen()
            .map_err(|error| Failure::HostFailed(format!("cannot listen to signals: {error}")))?;
        let (conductor, notifier) = self.open(conductor, &state, &window).await?;
        if hosts.is_empty() {
            print_stderr("nothing to do: no host has instances in the window or a compute service");
        }
        let auditor = Auditor {
            options: &self,
            plugin: plugin.connect()?,
            window: &window,
            conductor,
            notifier,
            bar: ProgressBar::hidden(),
            interruption: interruption.clone(),
        };
        let (audits, failure) = auditor.with_progress_bar(&hosts).await.audit(hosts).await;
        self.report(&audits, &window)?;
        if let Some(failure) = failure {
            return Err(Failure::HostFailed(failure));
        }
        let ends = |outcome: &Outcome| matches!(outcome, Outcome::Interrupted { .. } | Outcome::NotAudited);
        if let Some(signal) = interruption.signal()
            && audits.iter().any(|audit| ends(&audit.outcome))
        {
            print_stderr(&interrupted(&audits));
            return Ok(Status::Interrupted(signal));
        }
        if audits.iter().any(|audit| matches!(audit.outcome, Outcome::Running(_) | Outcome::Stopped(_))) {
            return Ok(Status::Running);
        }
        let is_clean = unreachable.is_empty() && audits.iter().all(Audit::is_clean);
        Ok(if is_clean { Status::Done } else { Status::Errors })
    }

    /// Opens the state file and the target of the notifications. Either may create a file, so an existing state file
    /// comes first: if it is refused, no target is created.
    async fn open(
        &self,
        conductor: SqlConductor,
        path: &Path,
        window: &Window,
    ) -> Result<(SqlConductor, NdjsonNotifier), Failure> {
        let continues = self.resume.is_some() || self.give_up || self.retry_failed;
        if !path.exists() {
            let notifier = self.notify.open(continues)?;
            return Ok((conductor.with_state(path).await?, notifier));
        }
        match conductor.clone().with_state(path).await {
            Ok(conductor) => Ok((conductor, self.notify.open(continues)?)),
            Err(error @ StateError::Locked { .. }) => {
                let how_far = match StateFile::open_to_read(path, &conductor.cell()).await {
                    Ok(state) => resume::how_far(&conductor, window, &state).await.unwrap_or_default(),
                    Err(_) => String::new(),
                };
                let help = format!("wait until it ends; if it is stopped, continue it with `{}`", resume::command());
                Err(Failure::Running(format!("{error}{how_far}; {help}")))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn report(&self, audits: &[Audit], window: &Window) -> Result<(), Failure> {
        let text = match (self.json, self.quiet) {
            (true, _) => summary::as_json(audits, window).map_err(|error| Failure::HostFailed(error.to_string()))?,
            (false, false) if !audits.is_empty() => summary::as_table(audits, window),
            (false, _) => return Ok(()),
        };
        match self.notify {
            Target::Stdout => text.lines().for_each(print_stderr),
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
    bar: ProgressBar,
    interruption: Interruption,
}

impl Auditor<'_> {
    /// Returns the audit of each host, and the error of the database or the notifier that ended the run early. Other
    /// errors of an audit do not stop the audits after it.
    async fn audit(self, hosts: Vec<String>) -> (Vec<Audit>, Option<String>) {
        let mut audits: Vec<Audit> = Vec::new();
        let mut failure = None;
        for host in hosts {
            if failure.is_some() || self.interruption.signal().is_some() {
                audits.push(Audit::new(host, Outcome::NotAudited));
                continue;
            }
            self.bar.set_message(escape(&host));
            let start = Instant::now();
            let (outcome, row, error) = self.outcome(&host).await;
            let counts = Counts::of(&outcome, &row);
            let audit = Audit { host, outcome, counts, time: start.elapsed() };
            match error {
                Some(error) => failure = Some(format!("host `{}`: {error}", audit.host)),
                None => self.bar.suspend(|| audit.print_errors()),
            }
            audits.push(audit);
        }
        self.bar.finish_and_clear();
        self.conductor.close_state().await;
        let rest = not_audited(&audits);
        let rest = if rest.is_empty() { rest } else { format!("; not audited: {rest}") };
        (audits, failure.map(|failure| failure + &rest))
    }

    /// Audits a host. Returns also its row, and the error of the database or the notifier, which would fail every
    /// further audit too.
    async fn outcome(&self, host: &str) -> (Outcome, Row, Option<String>) {
        let Options { resume, give_up, retry_failed, .. } = *self.options;
        // An error of the database is left to the audit.
        let before = self.row(host).await.unwrap_or(Row::Missing);
        if let Some(reason) = before.refusal(self.conductor.state(), resume, give_up) {
            return (Outcome::Running(reason), before, None);
        }
        let result = self.audit_host(host).await;
        let failure = match &result {
            Err(Error::Nova(error)) if error.code == INTERRUPTED => None,
            Err(Error::Nova(error)) if error.callback.is_some() && error.code != ALREADY_RUNNING => {
                Some(error.message.clone())
            }
            _ => self.notifier.failure().map(|error| error.message),
        };
        let after = self.row(host).await;
        let is_resumable = match &after {
            Ok(Row::Running { checkpoint, .. }) => checkpoint.is_some(),
            Ok(Row::Done { .. }) => retry_failed,
            Ok(Row::Missing) => false,
            // The database fails. Continuing is right in each case.
            Err(_) => true,
        };
        let help = if is_resumable { format!("; continue it with `{}`", resume::command()) } else { String::new() };
        let after = after.unwrap_or(Row::Missing);
        let outcome = match result {
            // The report does not list the instances that were not audited.
            Ok(Some(report)) if give_up && matches!(before, Row::Running { .. }) => Outcome::GivenUp(report),
            Ok(Some(report)) => Outcome::Done(report),
            Ok(None) => match after.refusal(None, None, false) {
                Some(reason) => Outcome::Running(reason),
                None => Outcome::AuditedBefore(after.errors()),
            },
            Err(Error::Nova(error)) if error.code == INTERRUPTED => Outcome::Interrupted {
                of: after.checkpoint().map(|stored| stored.checkpoint.num_instances).unwrap_or_default(),
            },
            // Another program began the same audit after this one read the task log.
            Err(Error::Nova(error)) if error.code == ALREADY_RUNNING => Outcome::Running(error.message),
            Err(Error::Nova(error)) if ["CheckpointNotFound", "CheckpointMismatch"].contains(&&error.code[..]) => {
                if matches!(before, Row::Done { .. }) {
                    Outcome::Failed(error.message)
                } else {
                    Outcome::Running(error.message)
                }
            }
            Err(error) if is_resumable => Outcome::Stopped(format!("{error}{help}")),
            Err(error) => Outcome::Failed(error.to_string()),
        };
        (outcome, after, failure.map(|failure| failure + &help))
    }

    async fn audit_host(&self, host: &str) -> Result<Option<AuditReport>, Error> {
        let (bar, interruption) = (self.bar.clone(), self.interruption.clone());
        let notifier = Progress { notifier: self.notifier.clone(), bar, interruption };
        let callbacks = Callbacks { conductor: self.conductor.clone(), notifier };
        let mut component = self.plugin.instantiate(callbacks, self.options.settings.clock()).await?;
        let options = AuditOptions {
            resume: self.options.resume.is_some(),
            give_up: self.options.give_up,
            retry_failed: self.options.retry_failed,
            message_ids: match self.options.message_ids {
                MessageIds::Deterministic => audit::MessageIds::Deterministic,
                MessageIds::Random => audit::MessageIds::Random,
            },
        };
        let (config, context) = (self.options.config(host), self.options.context());
        component.instance_usage_audit(&config, &context, options).await
    }

    async fn row(&self, host: &str) -> Result<Row, HostError> {
        Row::read(&self.conductor, self.window, host).await
    }

    /// Adds a progress bar for all hosts, if it can be seen.
    async fn with_progress_bar(self, hosts: &[String]) -> Self {
        if self.options.quiet || !progress::is_visible(matches!(self.options.notify, Target::Stdout)) {
            return self;
        }
        let formats = if matches!(self.options.format, Format::Both) { 2 } else { 1 };
        let (mut sent, mut all) = (0, 0);
        for host in hosts {
            match self.row(host).await {
                Ok(Row::Missing) => {}
                Ok(Row::Running { checkpoint: Some(stored), .. }) if self.options.resume.is_some() => {
                    sent += stored.checkpoint.notifications;
                }
                Ok(Row::Done { checkpoint: Some(stored), .. }) if self.options.retry_failed => {
                    let AuditCheckpoint { num_instances, instances, failures, .. } = stored.checkpoint;
                    let failed = u64::try_from(failures.len()).unwrap_or_default();
                    all += (failed + num_instances.saturating_sub(instances)) * formats;
                    continue;
                }
                _ => continue,
            }
            let Window { begin, end } = self.window.clone();
            let query = WindowQuery { begin, end: Some(end), project_id: None, host: Some(host.clone()) };
            all += self.conductor.instance_count(&query).await.unwrap_or_default() * formats;
        }
        Self { bar: progress::bar(sent, all), ..self }
    }
}

/// The code of the error when another program has inserted the row of an audit.
const ALREADY_RUNNING: &str = "TaskAlreadyRunning";

/// Returns the hosts that a run did not reach, for people.
fn not_audited(audits: &[Audit]) -> String {
    let rest = audits.iter().filter(|audit| matches!(audit.outcome, Outcome::NotAudited));
    rest.map(|audit| format!("`{}`", audit.host)).collect::<Vec<_>>().join(", ")
}

/// Says where a run stands that a signal stopped.
fn interrupted(audits: &[Audit]) -> String {
    let mut parts = Vec::new();
    for Audit { host, outcome, counts, .. } in audits {
        if let Outcome::Interrupted { of } = outcome {
            let instances = counts.instances.unwrap_or_default();
            parts.push(format!("host `{host}` got to {instances} of {of} instances"));
        }
    }
    let rest = not_audited(audits);
    if !rest.is_empty() {
        parts.push(format!("not audited: {rest}"));
    }
    format!("interrupted: {}; continue with `{}`", parts.join("; "), resume::command())
}

impl Audit {
    fn new(host: String, outcome: Outcome) -> Self {
        Self { host, outcome, counts: Counts::default(), time: Duration::ZERO }
    }

    /// Prints the errors of the audit, for people.
    fn print_errors(&self) {
        let host = &self.host;
        match &self.outcome {
            Outcome::Done(report) => print_failures(host, report),
            Outcome::GivenUp(report) => {
                print_failures(host, report);
                print_stderr(&format!("error: host `{host}`: {}", report.message));
            }
            Outcome::AuditedBefore(errors) => print_stderr(&match errors {
                None | Some(0) => format!("host `{host}`: the audit of this window has been run before"),
                Some(errors) => format!(
                    "error: host `{host}`: the audit of this window has been run before, with {errors} errors; send \
                     what failed with `--retry-failed`"
                ),
            }),
            Outcome::Running(error) | Outcome::Stopped(error) | Outcome::Failed(error) => {
                print_stderr(&format!("error: host `{host}`: {error}"));
            }
            Outcome::Interrupted { .. } | Outcome::NotAudited => {}
        }
    }

    fn is_clean(&self) -> bool {
        match &self.outcome {
            Outcome::Done(report) => report.failures.is_empty(),
            Outcome::AuditedBefore(errors) => errors.unwrap_or_default() == 0,
            _ => false,
        }
    }
}

fn print_failures(host: &str, report: &AuditReport) {
    for AuditFailure { instance_uuid, instance_id, error, .. } in &report.failures {
        let instance = match (instance_uuid, instance_id) {
            (Some(uuid), _) => format!("instance `{uuid}`"),
            (None, Some(id)) => format!("the instance of row {id}"),
            (None, None) => "an instance without a readable UUID".to_owned(),
        };
        print_stderr(&format!("host `{host}`, {instance}: {}", error.message));
    }
}
