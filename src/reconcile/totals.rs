//! The totals of many reconciliations.

use alloc::format;
use alloc::string::{String, ToString};

use super::{Reconciliation, Verdict};
use crate::document::{Json, Object, ObjectWriter};
use crate::error::Error;
use crate::python;

/// How many microseconds an hour has.
const MICROSECONDS_PER_HOUR: i128 = 3_600_000_000;

/// How many findings have a verdict, and their hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VerdictTotal {
    /// The number of findings.
    pub count: u64,
    microseconds: i128,
}

impl VerdictTotal {
    /// Returns the sum of the hours of the findings.
    #[must_use]
    pub fn hours(self) -> f64 {
        let (hours, rest) =
            (self.microseconds.div_euclid(MICROSECONDS_PER_HOUR), self.microseconds.rem_euclid(MICROSECONDS_PER_HOUR));
        float(hours) + float(rest) / float(MICROSECONDS_PER_HOUR)
    }

    fn add(&mut self, hours: f64) {
        self.count = self.count.saturating_add(1);
        self.microseconds = self.microseconds.saturating_add(microseconds(hours));
    }

    fn merge(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.microseconds = self.microseconds.saturating_add(other.microseconds);
    }
}

#[allow(clippy::cast_precision_loss, reason = "the nearest float is what a sum of hours needs")]
const fn float(number: i128) -> f64 {
    number as f64
}

/// Returns the hours as whole microseconds, the resolution of timestamps, so that sums do not depend on their order.
#[allow(clippy::cast_possible_truncation, reason = "the cast keeps the nearest number")]
fn microseconds(hours: f64) -> i128 {
    let microseconds = hours * float(MICROSECONDS_PER_HOUR);
    let half = if microseconds < 0.0 { -0.5 } else { 0.5 };
    i128::from((microseconds + half) as i64)
}

/// The totals of many reconciliations: a fold that is associative and commutative, so that any split of the
/// reconciliations, in any order, has the same totals.
///
/// ```
/// use nova_compute_utils::reconcile::{ReconcileTotals, Verdict};
///
/// let lines = concat!(
///     r#"{"instance_uuid": "48b988aa", "findings": [{"verdict": "missing", "hours": 1.5}]}"#,
///     "\n",
///     r#"{"instance_uuid": "5a92d5c4", "findings": [{"verdict": "missing", "hours": 2.0}]}"#,
/// );
/// let mut totals = ReconcileTotals::default();
/// totals.add_ndjson(lines)?;
/// assert_eq!((totals.instances, totals.of(Verdict::Missing).count), (2, 2));
/// assert_eq!(totals.of(Verdict::Missing).hours(), 3.5);
///
/// let mut same = ReconcileTotals::default();
/// same.add_ndjson(&totals.to_json())?;
/// assert_eq!(same, totals);
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReconcileTotals {
    /// The number of reconciliations.
    pub instances: u64,
    /// The number of lines that have an error.
    pub errors: u64,
    /// In the order of [`Verdict::ALL`].
    verdicts: [VerdictTotal; 6],
}

impl ReconcileTotals {
    /// Returns the total of a verdict.
    #[must_use]
    pub fn of(&self, verdict: Verdict) -> VerdictTotal {
        let mut verdicts = Verdict::ALL.into_iter().zip(self.verdicts);
        verdicts.find(|(other, _)| *other == verdict).map(|(_, total)| total).unwrap_or_default()
    }

    /// Returns whether there is no error and every finding is [`Verdict::Equal`] or [`Verdict::OtherWindow`].
    #[must_use]
    pub fn is_equal(&self) -> bool {
        let mut verdicts = Verdict::ALL.into_iter().zip(self.verdicts);
        self.errors == 0 && verdicts.all(|(verdict, total)| verdict.is_equal() || total.count == 0)
    }

    /// Adds a reconciliation.
    pub fn add(&mut self, reconciliation: &Reconciliation) {
        self.instances = self.instances.saturating_add(1);
        for finding in &reconciliation.findings {
            self.total(finding.verdict).add(finding.hours);
        }
    }

    /// Adds other totals.
    pub fn merge(&mut self, other: &Self) {
        self.instances = self.instances.saturating_add(other.instances);
        self.errors = self.errors.saturating_add(other.errors);
        for (total, other) in self.verdicts.iter_mut().zip(other.verdicts) {
            total.merge(other);
        }
    }

    /// Adds lines: those of [`reconcile_ndjson`](super::reconcile_ndjson), errors included, and totals as
    /// [`Self::to_json`] writes them. Fails with `ValueError` on any other line, which is not blank.
    pub fn add_ndjson(&mut self, lines: &str) -> Result<(), Error> {
        for (number, line) in (1_u64..).zip(lines.split('\n')) {
            if !line.trim_ascii().is_empty() {
                let invalid = |error: Error| Error::value(format!("line {number}: {error}"));
                self.add_line(&Object::parse(line).map_err(invalid)?).map_err(invalid)?;
            }
        }
        Ok(())
    }

    fn add_line(&mut self, line: &Object<'_>) -> Result<(), Error> {
        if let Some(findings) = line.get("findings").and_then(|findings| findings.list().transpose()) {
            self.instances = self.instances.saturating_add(1);
            for finding in findings? {
                let finding = Object::from_json(finding)?;
                let verdict = finding.get("verdict").and_then(|verdict| verdict.text().transpose()).transpose()?;
                let hours = finding.get("hours").and_then(|hours| hours.as_str().parse().ok());
                let hours = hours.ok_or_else(|| Error::value("a finding has no `hours`"))?;
                self.total(verdict.unwrap_or_default().parse()?).add(hours);
            }
        } else if line.get("line").is_some() && line.get("error").is_some() {
            self.errors = self.errors.saturating_add(1);
        } else {
            let mut other =
                Self { instances: count(line, "instances")?, errors: count(line, "errors")?, ..Self::default() };
            for verdict in Verdict::ALL {
                let total = line.get(verdict.as_str()).ok_or_else(|| missing(verdict.as_str()))?;
                let total = Object::from_json(total)?;
                let microseconds = total.get("microseconds").and_then(Json::integer);
                *other.total(verdict) = VerdictTotal {
                    count: count(&total, "count")?,
                    microseconds: microseconds.ok_or_else(|| missing("microseconds"))?,
                };
            }
            self.merge(&other);
        }
        Ok(())
    }

    /// Returns the totals as one line of JSON: an object with `instances`, `errors`, and for each verdict an object
    /// with `count`, `hours` and the same as whole `microseconds`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        object.value("instances", &self.instances.to_string());
        object.value("errors", &self.errors.to_string());
        for (verdict, total) in Verdict::ALL.into_iter().zip(self.verdicts) {
            let mut members = ObjectWriter::new();
            members.value("count", &total.count.to_string());
            members.value("hours", &python::float_shortest(total.hours()));
            members.value("microseconds", &total.microseconds.to_string());
            object.value(verdict.as_str(), &members.finish());
        }
        object.finish()
    }

    fn total(&mut self, verdict: Verdict) -> &mut VerdictTotal {
        let [equal, missing, doubled, different, unexpected, other_window] = &mut self.verdicts;
        match verdict {
            Verdict::Equal => equal,
            Verdict::Missing => missing,
            Verdict::Doubled => doubled,
            Verdict::Different => different,
            Verdict::Unexpected => unexpected,
            Verdict::OtherWindow => other_window,
        }
    }
}

fn count(object: &Object<'_>, name: &str) -> Result<u64, Error> {
    let number = object.get(name).and_then(Json::integer);
    number.and_then(|number| number.try_into().ok()).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Error {
    Error::value(format!("not a reconciliation and no totals: `{name}` is missing"))
}
