//! `nova-usage-audit reconcile`

use std::collections::{BTreeMap, HashSet};

use clap::{Args, ValueEnum};
use nova_compute_utils::instance::Instance;
use nova_compute_utils::notification::ReceivedNotification;
use nova_compute_utils::reconcile::{
    FieldDifference, Finding, ReconcileOptions, ReconcileTotals, Reconciliation, Verdict, reconcile_instance,
};
use nova_compute_utils::{Context, NotificationFormat};
use nova_compute_utils_wasmtime::{SqlConductor, period};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::groups::{Group, Grouping};
use super::input::Files;
use super::output::{Listing, Unreadable};
use super::preflight::check_release;
use super::run::Format;
use super::status::as_json;
use super::window::{self, WindowOptions};
use super::{Failure, Release, Status, WORST, instances, more, received, sentence, short_window, table};

#[derive(Args, Debug)]
pub struct Options {
    #[command(flatten)]
    files: Files,
    /// The Nova cell database: `sqlite:PATH`
    #[arg(long, value_name = "URL")]
    database: String,
    #[command(flatten)]
    window: WindowOptions,
    /// The Nova release that emitted: `hibiscus` is Nova 34.0.0, `grizzly` is Nova 2013.1
    #[arg(long, value_enum, default_value_t = Release::Hibiscus)]
    release: Release,
    /// The format of the notifications: Nova's `notification_format`. Those of the other format are ignored
    #[arg(long, value_enum, default_value_t = Format::Unversioned)]
    format: Format,
    /// The base of the image URLs, such as `http://glance.example:9292`
    #[arg(long, value_name = "URL")]
    image_endpoint: Option<String>,
    /// Expect the volumes of each instance in versioned notifications
    #[arg(long)]
    bdms_in_notifications: bool,
    /// Expect the shares of each instance in versioned notifications
    #[arg(long)]
    include_share_mapping: bool,
    /// Reconcile only the instances of this host, and the notifications that it published
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    host: Option<String>,
    /// The fields to compare, such as `flavor.vcpus`, separated by commas [default: all]
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    fields: Option<Vec<String>>,
    /// List only these verdicts, separated by commas [default: all but `equal` and `other_window`]
    #[arg(long, value_name = "VERDICT", value_enum, value_delimiter = ',')]
    only: Option<Vec<Listed>>,
    /// Print one JSON object per line; the last one is the summary
    #[arg(long)]
    json: bool,
}

/// An entry of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Listed {
    Equal,
    Missing,
    Doubled,
    Different,
    Unexpected,
    OtherWindow,
    Unreadable,
}

impl From<Verdict> for Listed {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Equal => Self::Equal,
            Verdict::Missing => Self::Missing,
            Verdict::Doubled => Self::Doubled,
            Verdict::Different => Self::Different,
            Verdict::Unexpected => Self::Unexpected,
            Verdict::OtherWindow => Self::OtherWindow,
        }
    }
}

impl Options {
    pub async fn run(self) -> Result<Status, Failure> {
        let window = self.window.window()?;
        self.files.check()?;
        let conductor = SqlConductor::open(&self.database, self.window.clock())
            .await?
            .with_block_devices(self.bdms_in_notifications)
            .with_shares(self.include_share_mapping);
        check_release(self.release.into(), conductor.schema())?;

        let only = self.only.clone().unwrap_or_else(|| {
            let verdicts = Verdict::ALL.into_iter().filter(|verdict| !verdict.is_equal());
            verdicts.map(Listed::from).chain([Listed::Unreadable]).collect()
        });
        let header = row("verdict", "server", "hours", "notification");
        let mut listing = Listing::new(self.json, header, only.contains(&Listed::Unreadable));
        let mut grouping = Grouping::default();
        let mut unreadable = HashSet::new();
        instances::read(&conductor, window, self.host.as_deref(), |instance| match instance {
            Ok(document) => add_instance(&mut grouping, document),
            Err(instance) => {
                unreadable.extend(instance.instance_uuid.clone());
                listing.add_unreadable(&instance.into())
            }
        })
        .await?;
        let options = self.reconcile_options(window);
        let ignored = received::collect(&self.files, |it| is_compared(&options, it), &mut grouping, &mut listing)?;

        let summary = Summary { window: window::as_text(window), ignored, ..Summary::default() };
        let mut comparison = Comparison { options, only, unreadable, summary };
        received::for_each_group(grouping, &mut listing, |group, listing| comparison.add(group, listing))?;
        let mut summary = comparison.summary;
        summary.totals.errors = listing.unreadable;
        let is_equal = summary.totals.is_equal();
        listing.finish(&if self.json { as_json(&Line { summary })? } else { summary.as_tables() })?;
        Ok(if is_equal { Status::Done } else { Status::Errors })
    }

    fn reconcile_options(&self, window: nova_compute_utils::period::Window) -> ReconcileOptions {
        let glance_endpoint = self.image_endpoint.as_deref().map(|url| url.strip_suffix('/').unwrap_or(url).to_owned());
        ReconcileOptions {
            notification_format: match self.format {
                Format::Unversioned => NotificationFormat::Unversioned,
                Format::Versioned => NotificationFormat::Versioned,
                Format::Both => NotificationFormat::Both,
            },
            bdms_in_notifications: self.bdms_in_notifications,
            include_share_mapping: self.include_share_mapping,
            host: self.host.clone(),
            context: Context { glance_endpoint, ..Context::default() },
            fields: self.fields.clone(),
            ..ReconcileOptions::new(self.release.into(), window)
        }
    }
}

/// Returns whether the library compares a notification.
fn is_compared(options: &ReconcileOptions, notification: &ReceivedNotification) -> bool {
    let is_on_host = options.host.is_none() || notification.host == options.host;
    is_on_host && ["compute.instance.exists", "instance.exists"].contains(&&notification.event_type[..])
}

fn add_instance(grouping: &mut Grouping, document: &str) -> Result<(), Failure> {
    let instance = Instance::parse(document).map_err(|error| Failure::HostFailed(error.to_string()))?;
    let uuid = instance.uuid().map_err(|error| Failure::HostFailed(error.to_string()))?;
    grouping.add_instance(&uuid, document)
}

/// Formats a row of the table of findings.
fn row(verdict: &str, server: &str, hours: &str, notification: &str) -> String {
    format!("{verdict:<12}  {server:<36}  {hours:>10}  {notification}")
}

struct Comparison {
    options: ReconcileOptions,
    only: Vec<Listed>,
    /// The instances of the database that cannot be read.
    unreadable: HashSet<String>,
    summary: Summary,
}

impl Comparison {
    /// Reconciles an instance, and lists the findings.
    fn add(&mut self, group: &Group, listing: &mut Listing) -> Result<(), Failure> {
        // Without its row, the notifications of an instance would be unexpected.
        if self.unreadable.contains(&group.instance_uuid) {
            return Ok(());
        }
        let mut reconciliation = match self.reconcile(group) {
            Ok(reconciliation) => reconciliation,
            Err(error) => return listing.add_unreadable(&Unreadable::of_instance(&group.instance_uuid, &error)),
        };
        self.summary.add(&reconciliation);
        reconciliation.findings.retain(|finding| self.only.contains(&finding.verdict.into()));
        if listing.is_json && !reconciliation.findings.is_empty() {
            return listing.add_json(&raw(reconciliation.to_json()));
        }
        for finding in &reconciliation.findings {
            let hours = format!("{:.2}", finding.hours);
            listing.add_row(&row(finding.verdict.as_str(), &group.instance_uuid, &hours, &describe(finding)))?;
        }
        Ok(())
    }

    fn reconcile(&self, group: &Group) -> Result<Reconciliation, nova_compute_utils::Error> {
        let instance = group.instance.as_deref().map(Instance::parse).transpose()?;
        reconcile_instance(&self.options, instance.as_ref(), &received::parse(&group.notifications)?)
    }
}

/// Returns JSON of the library for serde.
fn raw(json: String) -> Option<Box<RawValue>> {
    RawValue::from_string(json).ok()
}

/// The largest number of fields that a row describes, and the largest number of characters of a value.
const FIELDS: usize = 3;
const VALUE: usize = 60;

/// Describes a finding for people.
fn describe(finding: &Finding) -> String {
    let Finding { verdict, event_type, message_ids, fields, window, .. } = finding;
    let ids = || message_ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    match verdict {
        Verdict::Equal | Verdict::Missing => event_type.clone(),
        Verdict::Doubled => format!("{event_type} {}", ids()),
        Verdict::Unexpected => format!("{event_type} {}: no such server in the window", ids()),
        Verdict::OtherWindow => {
            let window = window.map(|window| short_window(&window::as_text(window))).unwrap_or_default();
            format!("{event_type} {} of {window}", ids())
        }
        Verdict::Different => {
            let described: Vec<_> = fields.iter().take(FIELDS).map(describe_field).collect();
            let more = match fields.len().saturating_sub(FIELDS) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{event_type} {}: {}{more}", ids(), described.join(", "))
        }
    }
}

fn describe_field(FieldDifference { field, expected, received }: &FieldDifference) -> String {
    let value = |value: &Option<String>| {
        let Some(value) = value else { return "absent".to_owned() };
        let end = if value.chars().nth(VALUE).is_some() { "…" } else { "" };
        format!("`{}{end}`", value.chars().take(VALUE).collect::<String>())
    };
    format!("`{field}` is {} instead of {}", value(received), value(expected))
}

/// The last line of the result.
#[derive(Serialize)]
struct Line {
    summary: Summary,
}

#[derive(Serialize)]
struct Summary {
    window: period::Window,
    #[serde(serialize_with = "totals")]
    totals: ReconcileTotals,
    /// The number of servers with a finding that is neither equal nor of another window.
    servers_not_equal: u64,
    /// The number of notifications that are not compared: those of other events, formats or hosts.
    ignored: u64,
    #[serde(serialize_with = "worst_first")]
    projects: BTreeMap<Option<String>, Project>,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            window: period::Window { begin: String::new(), end: String::new() },
            totals: ReconcileTotals::default(),
            servers_not_equal: 0,
            ignored: 0,
            projects: BTreeMap::new(),
        }
    }
}

/// The servers of a project.
#[derive(Default, Serialize)]
struct Project {
    servers_not_equal: u64,
    #[serde(serialize_with = "totals")]
    totals: ReconcileTotals,
}

impl Project {
    fn hours_at_stake(&self) -> f64 {
        Verdict::ALL
            .into_iter()
            .filter(|verdict| !verdict.is_equal())
            .map(|verdict| self.totals.of(verdict).hours())
            .sum()
    }
}

#[derive(Serialize)]
struct NamedProject<'a> {
    project_id: Option<&'a str>,
    hours_at_stake: f64,
    #[serde(flatten)]
    project: &'a Project,
}

fn totals<S: Serializer>(totals: &ReconcileTotals, serializer: S) -> Result<S::Ok, S::Error> {
    raw(totals.to_json()).serialize(serializer)
}

fn worst_first<S: Serializer>(projects: &BTreeMap<Option<String>, Project>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(worst(projects))
}

/// Returns the projects, those with the most hours at stake first.
fn worst(projects: &BTreeMap<Option<String>, Project>) -> Vec<NamedProject<'_>> {
    let mut projects: Vec<_> = projects
        .iter()
        .map(|(name, project)| NamedProject {
            project_id: name.as_deref(),
            hours_at_stake: project.hours_at_stake(),
            project,
        })
        .collect();
    projects.sort_by(|one, other| {
        let by_hours = other.hours_at_stake.total_cmp(&one.hours_at_stake);
        by_hours.then(other.project.servers_not_equal.cmp(&one.project.servers_not_equal))
    });
    projects
}

impl Summary {
    fn add(&mut self, reconciliation: &Reconciliation) {
        self.totals.add(reconciliation);
        let project = self.projects.entry(reconciliation.project_id.clone()).or_default();
        project.totals.add(reconciliation);
        if !reconciliation.is_equal() {
            self.servers_not_equal += 1;
            project.servers_not_equal += 1;
        }
    }

    fn as_tables(&self) -> String {
        let Self { window, totals, servers_not_equal, ignored, projects } = self;
        let window = short_window(window);
        let outcome = format!("{window}: {servers_not_equal} of {} servers are not equal", totals.instances);
        let mut text = sentence(outcome, totals.errors, *ignored, "not compared");
        let rows = Verdict::ALL.into_iter().map(|verdict| {
            let total = totals.of(verdict);
            [verdict.as_str().to_owned(), total.count.to_string(), format!("{:.2}", total.hours())]
        });
        text = format!("{text}\n{}", table(["verdict", "findings", "hours"], rows));
        let worst: Vec<_> = worst(projects).into_iter().filter(|named| named.project.servers_not_equal > 0).collect();
        if !worst.is_empty() {
            let rows = worst.iter().take(WORST).map(|NamedProject { project_id, hours_at_stake, project }| {
                let Project { servers_not_equal, totals } = project;
                let [missing, doubled, different, unexpected] =
                    [Verdict::Missing, Verdict::Doubled, Verdict::Different, Verdict::Unexpected]
                        .map(|verdict| totals.of(verdict).count.to_string());
                let name = project_id.unwrap_or_default().to_owned();
                let hours = format!("{hours_at_stake:.2}");
                [name, servers_not_equal.to_string(), missing, doubled, different, unexpected, hours]
            });
            let header = ["worst projects", "servers", "missing", "doubled", "different", "unexpected", "hours"];
            text = format!("{text}\n\n{}{}", table(header, rows), more(worst.len()));
        }
        text
    }
}
