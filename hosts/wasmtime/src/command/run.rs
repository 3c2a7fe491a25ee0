//! `nova-usage-audit run`

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use nova_compute_utils_wasmtime::audit::AuditReport;
use nova_compute_utils_wasmtime::conductor::{Host as _, WindowQuery};
use nova_compute_utils_wasmtime::period::Window;
use nova_compute_utils_wasmtime::{Callbacks, Error, NdjsonNotifier, Plugin, SqlConductor, types};

use super::progress::{self, Progress};
use super::summary::{self, Audit, Outcome};
use super::{Failure, Rules, Status, print, say};

#[derive(Args, Debug)]
pub struct Options {
    /// Nova's cell database: `sqlite:PATH`
    #[arg(long, value_name = "URL")]
    database: String,
    #[command(flatten)]
    hosts: Hosts,
    #[command(flatten)]
    rules: Rules,
    /// Which notifications to send
    #[arg(long, value_enum, default_value_t = Format::Unversioned)]
    format: Format,
    /// Base of the image URLs, such as `http://glance.example:9292`
    #[arg(long, value_name = "URL")]
    image_endpoint: Option<String>,
    /// Where notifications go: `ndjson:FILE` (at its end, where it exists) or `stdout`
    #[arg(long, value_name = "TARGET", default_value = "stdout", value_parser = target)]
    notify: Target,
    /// No progress bar and no summary
    #[arg(long)]
    quiet: bool,
    /// The summary as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Hosts {
    /// A compute host to audit; may be given several times
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = clap::builder::NonEmptyStringValueParser::new())]
    host: Vec<String>,
    /// Every host that has instances in the window or a compute service
    #[arg(long)]
    all_hosts: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Unversioned,
    Versioned,
    Both,
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
        _ => Err("notifications go to `ndjson:FILE` or `stdout`".into()),
    }
}

impl Target {
    fn open(&self) -> Result<NdjsonNotifier, Failure> {
        let bad = |name: &str, error| Failure::BadInput(format!("cannot write notifications to `{name}`: {error}"));
        match self {
            Self::Stdout => NdjsonNotifier::stdout().map_err(|error| bad("stdout", error)),
            Self::Ndjson(file) => NdjsonNotifier::append(file).map_err(|error| bad(&file.to_string_lossy(), error)),
        }
    }
}

impl Options {
    pub async fn run(self) -> Result<Status, Failure> {
        let pure = self.rules.plugin()?;
        let window = self.rules.last_window(&pure).await?;
        let conductor = SqlConductor::open(&self.database, self.rules.clock()).await?;
        let hosts = self.hosts.names(&conductor, &window).await?;
        // Last of all, for this may create a file.
        let notifier = self.notify.open()?;
        if hosts.is_empty() {
            say("nothing to do: no host has instances in the window or a compute service");
        }

        let auditor = Auditor { options: &self, plugin: pure.connect()?, window: &window, conductor, notifier };
        let (audits, failure) = auditor.audit(hosts).await;
        self.report(&audits, &window)?;
        match failure {
            Some(failure) => Err(Failure::HostFailed(failure)),
            None if audits.iter().all(Audit::is_clean) => Ok(Status::Done),
            None => Ok(Status::Errors),
        }
    }

    fn report(&self, audits: &[Audit], window: &Window) -> Result<(), Failure> {
        let text = match (self.json, self.quiet) {
            (true, _) => {
                summary::for_machines(audits, window).map_err(|error| Failure::HostFailed(error.to_string()))?
            }
            (false, false) if !audits.is_empty() => summary::for_people(audits, window),
            (false, _) => return Ok(()),
        };
        match self.notify {
            Target::Stdout => say(&text),
            Target::Ndjson(_) => print(&text)?,
        }
        Ok(())
    }

    fn config(&self, host: &str) -> types::Config {
        types::Config {
            host: host.to_owned(),
            notification_format: match self.format {
                Format::Unversioned => types::NotificationFormat::Unversioned,
                Format::Versioned => types::NotificationFormat::Versioned,
                Format::Both => types::NotificationFormat::Both,
            },
            glance_endpoint: self.image_endpoint.as_deref().map(|url| url.strip_suffix('/').unwrap_or(url).to_owned()),
            ..self.rules.config()
        }
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

/// Audits host after host.
struct Auditor<'a> {
    options: &'a Options,
    plugin: Plugin<Callbacks<SqlConductor, Progress>>,
    window: &'a Window,
    conductor: SqlConductor,
    notifier: NdjsonNotifier,
}

impl Auditor<'_> {
    /// What became of each host; and why not all of them were audited, if the database or the notifier failed. An
    /// error of one audit's own does not keep the others from being run.
    async fn audit(&self, hosts: Vec<String>) -> (Vec<Audit>, Option<String>) {
        let mut audits = Vec::new();
        let mut failure = None;
        for host in hosts {
            if failure.is_some() {
                audits.push(Audit { host, outcome: Outcome::NotAudited, time: Duration::ZERO });
                continue;
            }
            let begun = Instant::now();
            let result = self.audit_host(&host).await;
            failure = self.host_failure(&result).map(|failure| format!("host `{host}`: {failure}"));
            let audit = Audit { outcome: outcome(result), time: begun.elapsed(), host };
            if failure.is_none() {
                audit.tell();
            }
            audits.push(audit);
        }
        let left = audits.iter().filter(|audit| matches!(audit.outcome, Outcome::NotAudited));
        let left: Vec<_> = left.map(|audit| format!("`{}`", audit.host)).collect();
        let left = if left.is_empty() { String::new() } else { format!("; not audited: {}", left.join(", ")) };
        (audits, failure.map(|failure| failure + &left))
    }

    async fn audit_host(&self, host: &str) -> Result<Option<AuditReport>, Error> {
        let bar = self.progress_bar(host).await;
        let notifier = Progress { notifier: self.notifier.clone(), bar: bar.clone() };
        let callbacks = Callbacks { conductor: self.conductor.clone(), notifier };
        let mut component = self.plugin.instantiate(callbacks, self.options.rules.clock()).await?;
        // Nova's periodic task acts for nobody.
        let context = types::Context { user_id: None, project_id: None, request_id: None, timestamp: None };
        let report = component.instance_usage_audit(&self.options.config(host), &context).await;
        bar.finish_and_clear();
        report
    }

    async fn progress_bar(&self, host: &str) -> ProgressBar {
        if self.options.quiet || !progress::watched(matches!(self.options.notify, Target::Stdout)) {
            return ProgressBar::hidden();
        }
        let Window { begin, end } = self.window.clone();
        let query = WindowQuery { begin, end: Some(end), project_id: None, host: Some(host.to_owned()) };
        let count = self.conductor.clone().instance_count_active_by_window(query).await;
        let formats = if matches!(self.options.format, Format::Both) { 2 } else { 1 };
        progress::bar(host, count.unwrap_or_default() * formats)
    }

    /// Why it is pointless to go on, if it is.
    fn host_failure(&self, result: &Result<Option<AuditReport>, Error>) -> Option<String> {
        match result {
            Err(Error::Nova(error)) if error.callback.is_some() && !is_running(error) => Some(error.message.clone()),
            _ => self.notifier.failure().map(|error| error.message),
        }
    }
}

/// Somebody else began the same audit after we looked.
fn is_running(error: &types::Error) -> bool {
    error.code == "TaskAlreadyRunning"
}

fn outcome(result: Result<Option<AuditReport>, Error>) -> Outcome {
    match result {
        Ok(Some(report)) => Outcome::Done(report),
        Ok(None) => Outcome::AuditedBefore,
        Err(Error::Nova(error)) if is_running(&error) => Outcome::AuditedBefore,
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

impl Audit {
    /// Says what went wrong, as people want to see it.
    fn tell(&self) {
        let host = &self.host;
        match &self.outcome {
            Outcome::Done(report) => {
                for failure in &report.failures {
                    let instance = failure.instance_uuid.as_deref().unwrap_or("without a readable UUID");
                    say(&format!("host `{host}`, instance `{instance}`: {}", failure.error.message));
                }
            }
            Outcome::AuditedBefore => {
                say(&format!("host `{host}`: the audit of this window has been run before, or is running"));
            }
            Outcome::Failed(error) => say(&format!("error: host `{host}`: {error}")),
            Outcome::NotAudited => {}
        }
    }

    fn is_clean(&self) -> bool {
        match &self.outcome {
            Outcome::Done(report) => report.failures.is_empty(),
            Outcome::AuditedBefore => true,
            Outcome::Failed(_) | Outcome::NotAudited => false,
        }
    }
}
