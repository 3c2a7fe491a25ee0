//! The notifications in `tests/wild`, which other projects recorded or wrote: each is read, or refused for a known reason.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::value::RawValue;

use crate::arguments::Arguments;
use crate::faces::{Face, Failure};

/// The reasons to refuse a file: the code and a part of the message of the error, and what the file contains.
const REASONS: [(&str, &str, &str); 5] = [
    ("KeyError", "`event_type` is missing", "a payload without its message"),
    ("KeyError", "`payload` is missing", "an entry of a feed, which has no payload"),
    ("KeyError", "`payload.instance_id` is missing", "an instance event without an instance"),
    ("KeyError", "`payload.audit_period_ending` is missing", "an audit window without its end"),
    ("ValueError", "` is `\"$", "an expression of a program in the place of a timestamp"),
];

/// The outcome of all files through one face.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Wild {
    /// How many files of each project are read.
    pub read: BTreeMap<String, usize>,
    /// How many files are refused for each reason.
    pub refused: BTreeMap<&'static str, usize>,
    /// The files that are refused for any other reason.
    pub failures: Vec<String>,
}

impl Wild {
    /// Reads all files of a folder, which has one folder per project.
    pub fn run(dir: &Path, face: &mut dyn Face) -> Result<Self> {
        let mut wild = Self::default();
        for project in entries(dir)?.filter(|path| path.is_dir()) {
            for path in entries(&project)? {
                let place = || path.display().to_string();
                let notification = RawValue::from_string(std::fs::read_to_string(&path).with_context(place)?)?;
                let arguments = Arguments::default().with("notification", notification);
                match face.call("read_notification", &arguments).with_context(place)? {
                    Ok(_) => *wild.read.entry(name(&project)).or_default() += 1,
                    Err(failure) => match reason(&failure) {
                        Some(reason) => *wild.refused.entry(reason).or_default() += 1,
                        None => wild.failures.push(format!("{}: {failure:?}", place())),
                    },
                }
            }
        }
        Ok(wild)
    }
}

fn reason(failure: &Failure) -> Option<&'static str> {
    let is_reason = |(code, part, _): &&(&str, &str, &str)| failure.code == *code && failure.message.contains(part);
    REASONS.iter().find(is_reason).map(|(_, _, reason)| *reason)
}

/// Returns the paths in a folder in order.
fn entries(dir: &Path) -> Result<impl Iterator<Item = std::path::PathBuf>> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("cannot read the folder `{}`", dir.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths.into_iter())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl fmt::Display for Wild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let read: Vec<String> = self.read.iter().map(|(project, count)| format!("{count} of {project}")).collect();
        let refused: Vec<String> = self.refused.iter().map(|(reason, count)| format!("{count} ({reason})")).collect();
        let (sum, sum_refused) = (self.read.values().sum::<usize>(), self.refused.values().sum::<usize>());
        write!(f, "{sum} read: {}; {sum_refused} refused: {}", read.join(", "), refused.join(", "))?;
        self.failures.iter().try_for_each(|failure| write!(f, "\nfailed: {failure}"))
    }
}
