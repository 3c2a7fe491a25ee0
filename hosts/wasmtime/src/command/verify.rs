//! `nova-usage-audit verify`

use std::cmp::Reverse;
use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use nova_compute_utils::notification::{PayloadFormat, ReceivedNotification};
use nova_compute_utils::verify::{Judgement, VerifyOptions, VerifyVerdict, verify_usage};
use serde::{Serialize, Serializer};

use super::groups::{Group, Grouping};
use super::input::Files;
use super::output::{Listing, Unreadable};
use super::status::as_json;
use super::{Failure, Status, WORST, more, received, sentence, table};

#[derive(Args, Debug)]
pub struct Options {
    #[command(flatten)]
    files: Files,
    /// The fields that an `exists` must share with the last rebuild, resize or rescue before it, separated by commas
    /// [default: those of winchester]
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    fields: Option<Vec<String>>,
    /// List only these verdicts, separated by commas [default: all but `verified`]
    #[arg(long, value_name = "VERDICT", value_enum, value_delimiter = ',')]
    only: Option<Vec<Listed>>,
    /// Print one JSON object per line; the last one is the summary
    #[arg(long)]
    json: bool,
}

/// An entry of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Listed {
    Verified,
    Failed,
    Warnings,
    Unreadable,
}

impl From<VerifyVerdict> for Listed {
    fn from(verdict: VerifyVerdict) -> Self {
        match verdict {
            VerifyVerdict::Verified => Self::Verified,
            VerifyVerdict::Failed => Self::Failed,
            VerifyVerdict::Warnings => Self::Warnings,
        }
    }
}

impl Options {
    pub fn run(self) -> Result<Status, Failure> {
        self.files.check()?;
        let only = self.only.unwrap_or_else(|| vec![Listed::Failed, Listed::Warnings, Listed::Unreadable]);
        let header = row("verdict", "server", "code", "reason");
        let mut listing = Listing::new(self.json, header, only.contains(&Listed::Unreadable));
        let mut grouping = Grouping::default();
        let is_judged = |notification: &ReceivedNotification| notification.format == PayloadFormat::Unversioned;
        let ignored = received::collect(&self.files, is_judged, &mut grouping, &mut listing)?;
        let options = self.fields.map_or_else(VerifyOptions::default, |fields| VerifyOptions { fields });
        let mut verification = Verification { options, only, summary: Summary { ignored, ..Summary::default() } };
        received::for_each_group(grouping, &mut listing, |group, listing| verification.add(group, listing))?;
        let summary = Summary { unreadable: listing.unreadable, ..verification.summary };
        let is_verified = summary.counts.failed == 0 && summary.unreadable == 0;
        listing.finish(&if self.json { as_json(&Line { summary })? } else { summary.as_tables() })?;
        Ok(if is_verified { Status::Done } else { Status::Errors })
    }
}

/// Formats a row of the table of judgements.
fn row(verdict: &str, server: &str, code: &str, reason: &str) -> String {
    format!("{verdict:<12}  {server:<36}  {code:<4}  {reason}")
}

struct Verification {
    options: VerifyOptions,
    only: Vec<Listed>,
    summary: Summary,
}

impl Verification {
    /// Judges the notifications of a server, and lists the judgements.
    fn add(&mut self, group: &Group, listing: &mut Listing) -> Result<(), Failure> {
        let instance_uuid = &group.instance_uuid;
        let judged = received::parse(&group.notifications).and_then(|notifications| {
            let judgements = verify_usage(&notifications, &self.options)?;
            let project_id = notifications.iter().rev().find_map(|it| it.instance().ok().flatten()?.project_id);
            Ok((judgements, project_id))
        });
        let (judgements, project_id) = match judged {
            Ok(judged) => judged,
            Err(error) => return listing.add_unreadable(&Unreadable::of_instance(instance_uuid, &error)),
        };
        self.summary.servers += 1;
        let of_project = self.summary.projects.entry(project_id).or_default();
        for judgement in &judgements {
            self.summary.counts.add(judgement.verdict);
            of_project.add(judgement.verdict);
            if let Some(code) = &judgement.code {
                *self.summary.codes.entry(code.clone()).or_default() += 1;
            }
            if self.only.contains(&judgement.verdict.into()) {
                list(instance_uuid, judgement, listing)?;
            }
        }
        Ok(())
    }
}

fn list(instance_uuid: &str, judgement: &Judgement, listing: &mut Listing) -> Result<(), Failure> {
    let Judgement { verdict, exists, message_id, code, error, warnings } = judgement;
    let verdict = verdict.as_str();
    if listing.is_json {
        let text = Option::as_deref;
        let (exists, message_id, code) = (text(exists), text(message_id), text(code));
        let (error, warnings) = (text(error), text(warnings));
        return listing.add_json(&Entry { instance_uuid, verdict, exists, message_id, code, error, warnings });
    }
    let reason = error.as_ref().or(warnings.as_ref()).map_or("", |reason| reason);
    listing.add_row(&row(verdict, instance_uuid, code.as_deref().unwrap_or_default(), reason))
}

/// A judgement, as `verify_ndjson` of the library writes it.
#[derive(Serialize)]
struct Entry<'a> {
    instance_uuid: &'a str,
    verdict: &'a str,
    exists: Option<&'a str>,
    message_id: Option<&'a str>,
    code: Option<&'a str>,
    error: Option<&'a str>,
    warnings: Option<&'a str>,
}

/// The last line of the result.
#[derive(Serialize)]
struct Line {
    summary: Summary,
}

#[derive(Default, Serialize)]
struct Summary {
    servers: u64,
    #[serde(flatten)]
    counts: Counts,
    /// The number of failures per code.
    codes: BTreeMap<String, u64>,
    /// The number of lines and servers that cannot be read.
    unreadable: u64,
    /// The number of notifications that are not judged: versioned ones and those of no instance.
    ignored: u64,
    #[serde(serialize_with = "worst_first")]
    projects: BTreeMap<Option<String>, Counts>,
}

/// The number of judgements.
#[derive(Clone, Copy, Default, Serialize)]
struct Counts {
    verified: u64,
    failed: u64,
    warnings: u64,
}

impl Counts {
    fn add(&mut self, verdict: VerifyVerdict) {
        let count = match verdict {
            VerifyVerdict::Verified => &mut self.verified,
            VerifyVerdict::Failed => &mut self.failed,
            VerifyVerdict::Warnings => &mut self.warnings,
        };
        *count += 1;
    }

    fn judged(self) -> u64 {
        self.verified + self.failed
    }
}

#[derive(Serialize)]
struct Project<'a> {
    project_id: Option<&'a str>,
    #[serde(flatten)]
    counts: Counts,
}

fn worst_first<S: Serializer>(projects: &BTreeMap<Option<String>, Counts>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(worst(projects))
}

/// Returns the projects, those with the most failures first.
fn worst(projects: &BTreeMap<Option<String>, Counts>) -> Vec<Project<'_>> {
    let mut projects: Vec<Project<'_>> =
        projects.iter().map(|(name, counts)| Project { project_id: name.as_deref(), counts: *counts }).collect();
    projects.sort_by_key(|project| Reverse(project.counts.failed));
    projects
}

impl Summary {
    fn as_tables(&self) -> String {
        let Self { servers, counts, codes, unreadable, ignored, projects } = self;
        let judged = counts.judged();
        let outcome = format!("{} of {judged} `exists` failed, of {servers} servers", counts.failed);
        let mut text = sentence(outcome, *unreadable, *ignored, "not judged");
        let rows = [("verified".to_owned(), counts.verified), ("warnings".to_owned(), counts.warnings)];
        let failures = codes.iter().map(|(code, count)| (format!("failed {code}"), *count));
        let rows = rows.into_iter().chain(failures).map(|(verdict, count)| [verdict, count.to_string()]);
        text = format!("{text}\n{}", table(["verdict", "exists"], rows));
        let worst: Vec<_> = worst(projects).into_iter().filter(|project| project.counts.failed > 0).collect();
        if !worst.is_empty() {
            let rows = worst.iter().take(WORST).map(|Project { project_id, counts }| {
                [project_id.unwrap_or_default().to_owned(), counts.judged().to_string(), counts.failed.to_string()]
            });
            text = format!("{text}\n\n{}{}", table(["worst projects", "exists", "failed"], rows), more(worst.len()));
        }
        text
    }
}
