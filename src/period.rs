//! Audit windows: the arithmetic of `instance_usage_audit_period`.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use crate::error::Error;
use crate::python;
use crate::release::Release;
use crate::time;

/// One window of a period. It begins when the previous window ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The begin, which belongs to the window.
    pub begin: NaiveDateTime,
    /// The end, which does not belong to the window.
    pub end: NaiveDateTime,
}

/// The unit of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Hour,
    Day,
    Month,
    Year,
}

/// A period: `hour`, `day`, `month` or `year`, optionally with `@offset`.
///
/// The offset is the minute of the hour, the hour of the day, the day of the month or the month of the year at which a
/// window begins. As in Nova, `month@31` fails with `ValueError` when a window begins or ends in a month without that
/// day; [`clamp`](Self::clamp) avoids this.
///
/// ```
/// use nova_compute_utils::{Release, period::Period, time};
///
/// let period = Period::parse(Release::Hibiscus, "day@6")?;
/// let window = period.last_completed(time::parse("2026-10-14T09:00:00")?)?;
/// assert_eq!(time::isoformat(window.begin), "2026-10-13T06:00:00.000000");
/// assert_eq!(time::isoformat(window.end), "2026-10-14T06:00:00.000000");
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    unit: Unit,
    offset: i64,
    clamps: bool,
    text: String,
}

/// The largest number of windows that one call returns: eleven years of hours.
const MAX_WINDOWS: usize = 100_000;

impl Period {
    /// Parses a period.
    ///
    /// The offset after the first `@` is an integer that Python's `int` accepts: digits of any script, with an optional
    /// sign and white space around them. Fails with `ValueError` when the offset is not an integer and, in `grizzly`,
    /// when the unit is unknown; `hibiscus` reads an unknown unit as `hour`.
    pub fn parse(release: Release, text: &str) -> Result<Self, Error> {
        let (unit, offset) = match text.split_once('@') {
            None => (text, 0),
            Some((unit, offset)) => (unit, parse_offset(release, text, offset)?),
        };
        let unit = match unit {
            "hour" => Unit::Hour,
            "day" => Unit::Day,
            "month" => Unit::Month,
            "year" => Unit::Year,
            _ if release.rules().refuses_unknown_unit => {
                return Err(Error::value(format!(
                    "unknown audit period `{text}`: give `hour`, `day`, `month` or `year`, optionally with `@offset`"
                )));
            }
            _ => Unit::Hour,
        };
        Ok(Self { unit, offset, clamps: false, text: text.to_owned() })
    }

    /// Returns the period with offsets past the end of a month read as its last day, so that `month@31` is the last day
    /// of every month. Nova has no such option.
    ///
    /// ```
    /// use nova_compute_utils::{Release, period::Period, time};
    ///
    /// let period = Period::parse(Release::Hibiscus, "month@31")?;
    /// let april = time::parse("2026-04-14T09:00:00")?;
    /// assert_eq!(period.last_completed(april).unwrap_err().code(), "ValueError");
    /// let window = period.clamp().last_completed(april)?;
    /// assert_eq!(time::isoformat(window.begin), "2026-02-28T00:00:00.000000");
    /// assert_eq!(time::isoformat(window.end), "2026-03-31T00:00:00.000000");
    /// # Ok::<(), nova_compute_utils::Error>(())
    /// ```
    #[must_use]
    pub fn clamp(self) -> Self {
        Self { clamps: true, ..self }
    }

    /// Returns the last window that is complete before a timestamp; a window that ends exactly then is not complete
    /// yet.
    ///
    /// Fails with `ValueError` when the begin or the end is not a date, and with `OverflowError` when the window leaves
    /// the calendar or the offset does not fit 32 bits.
    pub fn last_completed(&self, before: NaiveDateTime) -> Result<Window, Error> {
        if i32::try_from(self.offset).is_err() {
            return Err(Error::overflow(format!("the offset of `{}` is too large", self.text)));
        }
        match self.unit {
            Unit::Hour => self.step_back(before, self.minute_of(before)?, Duration::hours(1)),
            Unit::Day => self.step_back(before, self.hour_of(before)?, Duration::days(1)),
            Unit::Month => self.last_completed_month(before),
            Unit::Year => self.last_completed_year(before),
        }
    }

    /// Returns the last completed window or, with `current_period`, the window from its end until now.
    pub fn bounds(&self, current_period: bool, now: NaiveDateTime) -> Result<Window, Error> {
        let last = self.last_completed(now)?;
        Ok(if current_period { Window { begin: last.end, end: now } } else { last })
    }

    /// Returns all windows that lie between two timestamps, oldest first, including a window that begins at `begin` or
    /// ends at `end`. Nova has no such function.
    ///
    /// Fails like [`last_completed`](Self::last_completed), and with `ValueError` when there are more than 100,000
    /// windows.
    ///
    /// ```
    /// use nova_compute_utils::{Release, period::Period, time};
    ///
    /// let period = Period::parse(Release::Hibiscus, "day@6")?;
    /// let windows = period.windows_between(time::parse("2026-10-01")?, time::parse("2026-10-04T06:00:00")?)?;
    /// assert_eq!(windows.len(), 3);
    /// assert_eq!(time::isoformat(windows[0].begin), "2026-10-01T06:00:00.000000");
    /// assert_eq!(time::isoformat(windows[2].end), "2026-10-04T06:00:00.000000");
    /// # Ok::<(), nova_compute_utils::Error>(())
    /// ```
    pub fn windows_between(&self, begin: NaiveDateTime, end: NaiveDateTime) -> Result<Vec<Window>, Error> {
        let mut windows = Vec::new();
        // One microsecond later, a window that ends at `end` is complete.
        let mut before = end.checked_add_signed(Duration::microseconds(1)).filter(time::in_calendar).unwrap_or(end);
        while before > begin {
            let window = self.last_completed(before)?;
            if window.begin < begin {
                break;
            }
            if windows.len() == MAX_WINDOWS {
                let message = format!("the range has more than {MAX_WINDOWS} windows of `{}`: narrow it", self.text);
                return Err(Error::value(message));
            }
            windows.push(window);
            before = window.end;
        }
        windows.reverse();
        Ok(windows)
    }

    /// Returns all windows that begin at or after `begin` and before `end`, oldest first. Nova has no such function.
    ///
    /// Fails like [`windows_between`](Self::windows_between).
    pub(crate) fn windows_beginning_between(
        &self,
        begin: NaiveDateTime,
        end: NaiveDateTime,
    ) -> Result<Vec<Window>, Error> {
        let mut windows = self.windows_between(begin, end)?;
        // The window that contains `end`, unless it ends there and is in the list.
        let last = self.last_completed(end)?.end;
        if begin <= last {
            let next = self.end_of(last)?;
            if next > end {
                windows.push(Window { begin: last, end: next });
            }
        }
        Ok(windows)
    }

    /// Returns the end of the window with this begin.
    fn end_of(&self, begin: NaiveDateTime) -> Result<NaiveDateTime, Error> {
        let later = |step| {
            begin.checked_add_signed(step).filter(time::in_calendar).ok_or_else(|| {
                Error::overflow(format!("no window of `{}` fits after `{}`", self.text, time::isoformat(begin)))
            })
        };
        match self.unit {
            Unit::Hour => later(Duration::hours(1)),
            Unit::Day => later(Duration::days(1)),
            Unit::Month if begin.month() == 12 => self.day_of_month((begin.year().saturating_add(1), 1)),
            Unit::Month => self.day_of_month((begin.year(), begin.month().saturating_add(1))),
            Unit::Year => self.month_of_year(begin.year().saturating_add(1)),
        }
    }

    fn minute_of(&self, before: NaiveDateTime) -> Result<NaiveDateTime, Error> {
        let minute =
            u32::try_from(self.offset).ok().and_then(|minute| NaiveTime::from_hms_opt(before.hour(), minute, 0));
        let time = minute.ok_or_else(|| Error::value(format!("`{}` has no such minute: give 0 to 59", self.text)))?;
        Ok(before.date().and_time(time))
    }

    fn hour_of(&self, before: NaiveDateTime) -> Result<NaiveDateTime, Error> {
        let hour = u32::try_from(self.offset).ok().and_then(|hour| NaiveTime::from_hms_opt(hour, 0, 0));
        let time = hour.ok_or_else(|| Error::value(format!("`{}` has no such hour: give 0 to 23", self.text)))?;
        Ok(before.date().and_time(time))
    }

    fn step_back(&self, before: NaiveDateTime, end: NaiveDateTime, step: Duration) -> Result<Window, Error> {
        let earlier = |time: NaiveDateTime| {
            time.checked_sub_signed(step).filter(time::in_calendar).ok_or_else(|| {
                Error::overflow(format!("no window of `{}` fits before `{}`", self.text, time::isoformat(before)))
            })
        };
        let end = if end >= before { earlier(end)? } else { end };
        Ok(Window { begin: earlier(end)?, end })
    }

    fn last_completed_month(&self, before: NaiveDateTime) -> Result<Window, Error> {
        // Nova computes the end in this month first, so a day that this month lacks fails even when the window lies
        // before this month.
        let mut end = (before.year(), before.month());
        if self.day_of_month(end)? >= before {
            end = month_before(end);
        }
        let begin = month_before(end);
        let end = self.day_of_month(end)?;
        Ok(Window { begin: self.day_of_month(begin)?, end })
    }

    fn day_of_month(&self, (year, month): (i32, u32)) -> Result<NaiveDateTime, Error> {
        let day = if self.offset == 0 { 1 } else { self.offset };
        let date = u32::try_from(day).ok().and_then(|day| {
            let exact = midnight(year, month, day);
            // Every month has at least 28 days and at most 31.
            let clamped = || (28..day).rev().find_map(|day| midnight(year, month, day));
            if self.clamps && day <= 31 { exact.or_else(clamped) } else { exact }
        });
        date.ok_or_else(|| {
            Error::value(format!("`{}` needs a day {day} in {year:04}-{month:02}, which has none", self.text))
        })
    }

    fn last_completed_year(&self, before: NaiveDateTime) -> Result<Window, Error> {
        let mut year = before.year();
        let mut end = self.month_of_year(year)?;
        if end >= before {
            year = year.saturating_sub(1);
            end = self.month_of_year(year)?;
        }
        Ok(Window { begin: self.month_of_year(year.saturating_sub(1))?, end })
    }

    fn month_of_year(&self, year: i32) -> Result<NaiveDateTime, Error> {
        let month = if self.offset == 0 { 1 } else { self.offset };
        u32::try_from(month).ok().and_then(|month| midnight(year, month, 1)).ok_or_else(|| {
            Error::value(format!("`{}` needs a month {month} in the year {year:04}, which has none", self.text))
        })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Returns the last window that is complete before a timestamp. `unit` overrides `instance_usage_audit_period` unless
/// it is `None` or empty. Nova: `last_completed_audit_period`.
pub fn last_completed_audit_period(
    release: Release,
    instance_usage_audit_period: &str,
    unit: Option<&str>,
    before: NaiveDateTime,
) -> Result<Window, Error> {
    let unit = unit.filter(|unit| !unit.is_empty()).unwrap_or(instance_usage_audit_period);
    Period::parse(release, unit)?.last_completed(before)
}

/// Returns the last completed window or, with `current_period`, the window from its end until now. Nova:
/// `audit_period_bounds`.
pub fn audit_period_bounds(
    release: Release,
    instance_usage_audit_period: &str,
    current_period: bool,
    now: NaiveDateTime,
) -> Result<Window, Error> {
    Period::parse(release, instance_usage_audit_period)?.bounds(current_period, now)
}

fn parse_offset(release: Release, period: &str, offset: &str) -> Result<i64, Error> {
    python::int(offset, release.rules().groups_digits).map_err(|python::NotANumber| {
        Error::value(format!("the offset `{offset}` of the audit period `{period}` is not a whole number"))
    })
}

/// Returns the begin of a day, or `None` when the day does not exist.
fn midnight(year: i32, month: u32, day: u32) -> Option<NaiveDateTime> {
    NaiveDate::from_ymd_opt(year, month, day)?.and_hms_opt(0, 0, 0).filter(time::in_calendar)
}

fn month_before((year, month): (i32, u32)) -> (i32, u32) {
    if month <= 1 { (year.saturating_sub(1), 12) } else { (year, month.saturating_sub(1)) }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn period() -> impl Strategy<Value = Period> {
        let unit = prop_oneof![
            (0..60).prop_map(|minute| format!("hour@{minute}")),
            (0..24).prop_map(|hour| format!("day@{hour}")),
            (0..=28).prop_map(|day| format!("month@{day}")),
            (0..=12).prop_map(|month| format!("year@{month}")),
        ];
        let plain = unit.prop_map(|text| Period::parse(Release::Grizzly, &text).expect("a period"));
        let clamped = (0..=31).prop_map(|day| Period::parse(Release::Hibiscus, &format!("month@{day}")));
        prop_oneof![plain, clamped.prop_map(|period| period.expect("a period").clamp())]
    }

    fn timestamp() -> impl Strategy<Value = NaiveDateTime> {
        // From 1990 to 2050; half of the timestamps are whole hours.
        (631_152_000_i64..2_524_608_000, 0..1_000_000_u32, any::<bool>()).prop_map(|(seconds, microseconds, whole)| {
            let (seconds, microseconds) = if whole { (seconds / 3600 * 3600, 0) } else { (seconds, microseconds) };
            chrono::DateTime::from_timestamp(seconds, microseconds * 1_000).expect("a timestamp").naive_utc()
        })
    }

    proptest! {
        #[test]
        fn windows_tile_the_time_line(period in period(), timestamp in timestamp(), count in 1..50) {
            let mut end = timestamp;
            let mut expected = Vec::new();
            for _ in 0..count {
                let window = period.last_completed(end).expect("a window");
                prop_assert!(window.begin < window.end && window.end < end);
                expected.push(window);
                end = window.end;
            }
            expected.reverse();
            prop_assert!(expected.windows(2).all(|pair| pair[0].end == pair[1].begin));
            // A range that is shorter by a microsecond has one window less.
            let (first, last) = (expected[0], expected[expected.len() - 1]);
            prop_assert_eq!(period.windows_between(first.begin, last.end), Ok(expected.clone()));
            let microsecond = Duration::microseconds(1);
            prop_assert_eq!(period.windows_between(first.begin + microsecond, last.end), Ok(expected[1..].to_vec()));
            let one_less = expected[..expected.len() - 1].to_vec();
            prop_assert_eq!(period.windows_between(first.begin, last.end - microsecond), Ok(one_less));
        }

        #[test]
        fn every_timestamp_lies_in_a_window(period in period(), timestamp in timestamp()) {
            // The window after the last completed one contains the timestamp or ends at it.
            let last = period.last_completed(timestamp).expect("a window");
            let later = last.end + Duration::days(800);
            let windows = period.windows_between(last.begin, later).expect("windows");
            prop_assert_eq!(windows[0], last);
            prop_assert!(windows[1].begin < timestamp && timestamp <= windows[1].end);
        }

        #[test]
        fn any_text_and_timestamp_gives_a_window_or_an_error(
            text in "\\PC{0,12}|(hour|day|month|year)@-?[0-9]{0,12}",
            seconds: i64,
        ) {
            let Some(timestamp) = chrono::DateTime::from_timestamp(seconds % 300_000_000_000, 0) else { return Ok(()) };
            for release in [Release::Grizzly, Release::Hibiscus] {
                if let Ok(period) = Period::parse(release, &text) {
                    let timestamp = timestamp.naive_utc();
                    match period.last_completed(timestamp) {
                        Ok(window) => prop_assert!(window.begin < window.end && window.end < timestamp),
                        Err(error) => prop_assert!(["ValueError", "OverflowError"].contains(&error.code())),
                    }
                    period.clamp().windows_between(timestamp - Duration::hours(3), timestamp).ok();
                }
            }
        }
    }

    #[test]
    fn clamps_days_that_some_months_lack() {
        let windows = |text: &str| {
            let period = Period::parse(Release::Hibiscus, text)?.clamp();
            period.windows_between(time::parse("2028-01-01")?, time::parse("2028-05-01")?)
        };
        let ends = |text: &str| -> Vec<String> {
            windows(text).expect("windows").iter().map(|window| window.end.date().to_string()).collect()
        };
        assert_eq!(ends("month@31"), ["2028-02-29", "2028-03-31", "2028-04-30"]);
        assert_eq!(ends("month@30"), ["2028-02-29", "2028-03-30", "2028-04-30"]);
        for text in ["month@32", "month@-1", "year@13"] {
            assert_eq!(windows(text).map_err(|error| error.code().to_owned()), Err("ValueError".to_owned()), "{text}");
        }
    }

    #[test]
    fn rejects_too_many_windows() {
        let period = Period::parse(Release::Hibiscus, "hour").expect("a period");
        let windows = |begin: &str, end: &str| {
            period.windows_between(time::parse(begin).expect("a timestamp"), time::parse(end).expect("a timestamp"))
        };
        assert_eq!(
            windows("2001-01-01", "2026-01-01").map_err(|error| error.code().to_owned()),
            Err("ValueError".to_owned())
        );
        assert_eq!(windows("2026-01-01", "2001-01-01"), Ok(Vec::new()));
        assert_eq!(windows("9999-12-31", "9999-12-31T23:59:59.999999").map(|windows| windows.len()), Ok(23));
    }
}
