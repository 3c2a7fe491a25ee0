//! Every vector file of a folder through every face that is asked for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use nova_compute_utils::Release;

use crate::faces::Face;
use crate::functions::{self, Verdict};
use crate::vectors::{self, VectorFile};

/// What became of the cases of one file through one face.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// As in Nova.
    pub passed: usize,
    /// Not as in Nova.
    pub failed: usize,
    /// Not put to the face, by rule.
    pub set_aside: BTreeMap<&'static str, usize>,
    /// Cases of a function that is not built yet.
    pub missing: usize,
    /// The cases that failed: their ids, and how.
    pub failures: Vec<String>,
}

/// One file through one face.
#[derive(Debug, Clone, serde::Serialize)]
pub struct FileRun {
    /// `release/function`.
    pub file: String,
    /// The face.
    pub face: &'static str,
    /// What became of it.
    #[serde(flatten)]
    pub tally: Tally,
}

impl Tally {
    /// Add another tally to this one.
    pub fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.missing += other.missing;
        for (rule, count) in &other.set_aside {
            *self.set_aside.entry(rule).or_default() += count;
        }
        self.failures.extend(other.failures.iter().cloned());
    }

    /// How many cases were really put to the face.
    #[must_use]
    pub fn ran(&self) -> usize {
        self.passed + self.failed
    }
}

/// Run all vector files of a folder through some faces.
pub fn run(dir: &Path, faces: &mut [Box<dyn Face>]) -> Result<Vec<FileRun>> {
    let files = vectors::load(dir)?;
    let mut runs = Vec::new();
    for (path, file) in &files {
        for face in faces.iter_mut() {
            let tally = run_file(file, face.as_mut()).with_context(|| path.display().to_string())?;
            runs.push(FileRun { file: format!("{}/{}", file.release, file.function), face: face.name(), tally });
        }
    }
    Ok(runs)
}

fn run_file(file: &VectorFile, face: &mut dyn Face) -> Result<Tally> {
    let release: Release = file.release.parse()?;
    let mut tally = Tally::default();
    let Some(runner) = functions::runner(release, &file.function) else {
        tally.missing = file.cases.len();
        return Ok(tally);
    };
    for case in &file.cases {
        let case = if face.has_floats() { Cow::Borrowed(case) } else { Cow::Owned(case.without_points()?) };
        match runner(face, release, &case).with_context(|| case.id.clone())? {
            Verdict::Passed => tally.passed += 1,
            Verdict::SetAside(rule) => *tally.set_aside.entry(rule).or_default() += 1,
            Verdict::Failed(how) => {
                tally.failed += 1;
                tally.failures.push(format!("{}: {how}", case.id));
            }
        }
    }
    Ok(tally)
}
