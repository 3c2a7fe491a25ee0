//! Runs every vector file of a folder through some faces.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use nova_compute_utils::Release;

use crate::arguments::WrongType;
use crate::faces::Face;
use crate::functions::{self, Trial, Verdict};
use crate::vectors::{self, VectorFile};

/// The outcome of the cases of one file through one face.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// The cases with Nova's outcome.
    pub passed: usize,
    /// The cases with another outcome.
    pub failed: usize,
    /// The number of cases that each rule sets aside; they do not run.
    pub set_aside: BTreeMap<&'static str, usize>,
    /// Cases of a function that the library does not have.
    pub missing: usize,
    /// The ids of the cases that failed, each with the reason.
    pub failures: Vec<String>,
}

/// The run of one file through one face.
#[derive(Debug, Clone, serde::Serialize)]
pub struct FileRun {
    /// `release/function`.
    pub file: String,
    /// The face.
    pub face: &'static str,
    /// The outcome.
    #[serde(flatten)]
    pub tally: Tally,
}

impl Tally {
    /// Adds another tally to this one.
    pub fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.missing += other.missing;
        for (rule, count) in &other.set_aside {
            *self.set_aside.entry(rule).or_default() += count;
        }
        self.failures.extend(other.failures.iter().cloned());
    }

    /// Returns how many cases ran.
    #[must_use]
    pub fn ran(&self) -> usize {
        self.passed + self.failed
    }
}

/// The rule for arguments that the types of an interface exclude, such as a number as the name of an action.
pub const WRONG_TYPE: &str = "a typed interface cannot take a value of that type";

/// Runs all vector files of a folder through some faces.
pub fn run(dir: &Path, faces: &mut [Box<dyn Face>]) -> Result<Vec<FileRun>> {
    let files = vectors::load(dir)?;
    let mut runs = Vec::new();
    for (path, file) in &files {
        // Another program than Nova has no release, and its functions have none among their arguments.
        let folder = file.release.as_deref().unwrap_or("winchester");
        let release = file.release.as_deref().map_or(Ok(Release::Hibiscus), str::parse);
        let release = release.with_context(|| path.display().to_string())?;
        for face in faces.iter_mut() {
            let tally = run_file(file, release, face.as_mut());
            runs.push(FileRun { file: format!("{folder}/{}", file.function), face: face.name(), tally });
        }
    }
    Ok(runs)
}

/// Runs every case of a file. A case that cannot be run is set aside or fails, and the next one runs.
fn run_file(file: &VectorFile, release: Release, face: &mut dyn Face) -> Tally {
    let mut tally = Tally::default();
    let Some(runner) = functions::runner(release, &file.function) else {
        tally.missing = file.cases.len();
        return tally;
    };
    for case in &file.cases {
        let mut judge = || {
            let case = if face.has_floats() { Cow::Borrowed(case) } else { Cow::Owned(case.without_points()?) };
            runner(&mut Trial { face: &mut *face, release, function: &file.function, case: &case })
        };
        let verdict = judge().unwrap_or_else(|error| {
            if error.is::<WrongType>() { Verdict::SetAside(WRONG_TYPE) } else { Verdict::Failed(format!("{error:#}")) }
        });
        match verdict {
            Verdict::Passed => tally.passed += 1,
            Verdict::SetAside(rule) => *tally.set_aside.entry(rule).or_default() += 1,
            Verdict::Failed(reason) => {
                tally.failed += 1;
                tally.failures.push(format!("{}: {reason}", case.id));
            }
        }
    }
    tally
}
