//! Audit windows: the arithmetic of `instance_usage_audit_period`.

use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use crate::context::Config;
use crate::error::Error;
use crate::python;
use crate::release::Release;
use crate::time;

/// One window of a period. It begins where the one before it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First moment of the window.
    pub begin: NaiveDateTime,
    /// First moment after it.
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
/// The offset says where in the unit a window begins: the minute, the hour, the day of the month, or the month. An
/// offset that does not exist everywhere (`month@31`) fails with `ValueError` where a window touches a month that
/// lacks the day, as in Nova; [`clamp`](Self::clamp) is the way out.
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

/// How many windows are listed at most: eleven years of hours.
const MOST_WINDOWS: usize = 100_000;

impl Period {
    /// A period from text.
    ///
    /// What follows the first `@` is read as Python's `int` reads it: blanks around it, a sign and the digits of any
    /// script are fine. `ValueError` where it is no number and, in grizzly, on an unknown unit; hibiscus reads any
    /// other unit as `hour`.
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
            _ if release.refuses_unknown_unit() => {
                return Err(Error::value(format!(
                    "unknown audit period `{text}`: give `hour`, `day`, `month` or `year`, optionally with `@offset`"
                )));
            }
            _ => Unit::Hour,
        };
        Ok(Self { unit, offset, clamps: false, text: text.to_owned() })
    }

    /// Beyond Nova: the same period, where a day that a month lacks is the last day of that month. `month@31` then
    /// means the last day of every month.
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

    /// The window most recently completed before a moment. One that ends exactly then is not complete yet.
    ///
    /// `ValueError` where a date in question does not exist, `OverflowError` on a step out of the calendar and on an
    /// offset that no date field can hold.
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

    /// The bounds of the period at a moment: the last completed window or, for the current period, from its end to now.
    pub fn bounds(&self, current_period: bool, now: NaiveDateTime) -> Result<Window, Error> {
        let last = self.last_completed(now)?;
        Ok(if current_period { Window { begin: last.end, end: now } } else { last })
    }

    /// Beyond Nova: all windows that lie between two moments, oldest first. One that begins at `begin` or ends at
    /// `end` is among them.
    ///
    /// Each begins where the one before it ends. The errors are those of [`last_completed`](Self::last_completed);
    /// `ValueError` also where there are more than 100,000 of them.
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
        // A window that ends at this very moment is complete right after it.
        let mut before = end.checked_add_signed(Duration::microseconds(1)).filter(time::in_calendar).unwrap_or(end);
        while before > begin {
            let window = self.last_completed(before)?;
            if window.begin < begin {
                break;
            }
            if windows.len() == MOST_WINDOWS {
                let message = format!("more than {MOST_WINDOWS} windows of `{}` lie there: ask for less", self.text);
                return Err(Error::value(message));
            }
            windows.push(window);
            before = window.end;
        }
        windows.reverse();
        Ok(windows)
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
        let earlier = |moment: NaiveDateTime| {
            moment.checked_sub_signed(step).filter(time::in_calendar).ok_or_else(|| {
                Error::overflow(format!("no window of `{}` fits before `{}`", self.text, time::isoformat(before)))
            })
        };
        let end = if end >= before { earlier(end)? } else { end };
        Ok(Window { begin: earlier(end)?, end })
    }

    fn last_completed_month(&self, before: NaiveDateTime) -> Result<Window, Error> {
        // Nova makes the end of this month first, so a day that this month lacks fails even where the window would
        // lie before it.
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
            let as_it_is = midnight(year, month, day);
            // No month has fewer days than 28 or more than 31.
            let clamped = || (28..day).rev().find_map(|day| midnight(year, month, day));
            if self.clamps && day <= 31 { as_it_is.or_else(clamped) } else { as_it_is }
        });
        date.ok_or_else(|| {
            Error::value(format!("`{}` needs a day {day} in {year:04}-{month:02}, which has none", self.text))
        })
    }

    fn last_completed_year(&self, before: NaiveDateTime) -> Result<Window, Error> {
        let end = self.month_of_year(before.year())?;
        if end >= before {
            let end = self.month_of_year(before.year() - 1)?;
            return Ok(Window { begin: self.month_of_year(before.year() - 2)?, end });
        }
        Ok(Window { begin: self.month_of_year(before.year() - 1)?, end })
    }

    fn month_of_year(&self, year: i32) -> Result<NaiveDateTime, Error> {
        let month = if self.offset == 0 { 1 } else { self.offset };
        u32::try_from(month).ok().and_then(|month| midnight(year, month, 1)).ok_or_else(|| {
            Error::value(format!("`{}` needs a month {month} in the year {year:04}, which has none", self.text))
        })
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// The window most recently completed before a moment; an absent or empty unit means the configured one.
/// Nova: `last_completed_audit_period`.
pub fn last_completed_audit_period(
    config: &Config,
    unit: Option<&str>,
    before: NaiveDateTime,
) -> Result<Window, Error> {
    let unit = unit.filter(|unit| !unit.is_empty()).unwrap_or(&config.instance_usage_audit_period);
    Period::parse(config.release, unit)?.last_completed(before)
}

/// The bounds of the configured period: the last completed window or, for the current period, from its end to now.
/// Nova: `audit_period_bounds`.
pub fn audit_period_bounds(config: &Config, current_period: bool, now: NaiveDateTime) -> Result<Window, Error> {
    Period::parse(config.release, &config.instance_usage_audit_period)?.bounds(current_period, now)
}

fn parse_offset(release: Release, period: &str, offset: &str) -> Result<i64, Error> {
    python::int(offset, release.groups_digits()).map_err(|python::NotANumber| {
        Error::value(format!("the offset `{offset}` of the audit period `{period}` is no whole number"))
    })
}

/// The beginning of a day, where it exists.
fn midnight(year: i32, month: u32, day: u32) -> Option<NaiveDateTime> {
    NaiveDate::from_ymd_opt(year, month, day)?.and_hms_opt(0, 0, 0).filter(time::in_calendar)
}

fn month_before((year, month): (i32, u32)) -> (i32, u32) {
    if month <= 1 { (year - 1, 12) } else { (year, month - 1) }
}

#[cfg(test)]
mod tests {
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

    fn moment() -> impl Strategy<Value = NaiveDateTime> {
        // From 1990 to 2050, now and then on a whole hour.
        (631_152_000_i64..2_524_608_000, 0..1_000_000_u32, any::<bool>()).prop_map(|(seconds, microseconds, whole)| {
            let (seconds, microseconds) = if whole { (seconds / 3600 * 3600, 0) } else { (seconds, microseconds) };
            chrono::DateTime::from_timestamp(seconds, microseconds * 1_000).expect("a moment").naive_utc()
        })
    }

    proptest! {
        #[test]
        fn windows_tile_the_time_line(period in period(), moment in moment(), count in 1..50) {
            let mut end = moment;
            let mut expected = Vec::new();
            for _ in 0..count {
                let window = period.last_completed(end).expect("a window");
                prop_assert!(window.begin < window.end && window.end < end);
                expected.push(window);
                end = window.end;
            }
            expected.reverse();
            prop_assert!(expected.windows(2).all(|pair| pair[0].end == pair[1].begin));
            // They are all there is between their bounds, and a little less on either side is one window less.
            let (first, last) = (expected[0], expected[expected.len() - 1]);
            prop_assert_eq!(period.windows_between(first.begin, last.end), Ok(expected.clone()));
            let instant = Duration::microseconds(1);
            prop_assert_eq!(period.windows_between(first.begin + instant, last.end), Ok(expected[1..].to_vec()));
            let one_less = expected[..expected.len() - 1].to_vec();
            prop_assert_eq!(period.windows_between(first.begin, last.end - instant), Ok(one_less));
        }

        #[test]
        fn no_moment_is_left_out(period in period(), moment in moment()) {
            // The window after the last completed one holds the moment, or ends with it.
            let last = period.last_completed(moment).expect("a window");
            let later = last.end + Duration::days(800);
            let windows = period.windows_between(last.begin, later).expect("windows");
            prop_assert_eq!(windows[0], last);
            prop_assert!(windows[1].begin < moment && moment <= windows[1].end);
        }

        #[test]
        fn any_text_and_moment_is_answered(text in "\\PC{0,12}|(hour|day|month|year)@-?[0-9]{0,12}", seconds: i64) {
            let Some(moment) = chrono::DateTime::from_timestamp(seconds % 300_000_000_000, 0) else { return Ok(()) };
            for release in [Release::Grizzly, Release::Hibiscus] {
                if let Ok(period) = Period::parse(release, &text) {
                    let moment = moment.naive_utc();
                    match period.last_completed(moment) {
                        Ok(window) => prop_assert!(window.begin < window.end && window.end < moment),
                        Err(error) => prop_assert!(["ValueError", "OverflowError"].contains(&error.code())),
                    }
                    period.clamp().windows_between(moment - Duration::hours(3), moment).ok();
                }
            }
        }
    }

    #[test]
    fn clamping_is_for_days_that_some_months_have() {
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
    fn too_many_windows_are_refused() {
        let period = Period::parse(Release::Hibiscus, "hour").expect("a period");
        let windows = |begin: &str, end: &str| {
            period.windows_between(time::parse(begin).expect("a moment"), time::parse(end).expect("a moment"))
        };
        assert_eq!(
            windows("2001-01-01", "2026-01-01").map_err(|error| error.code().to_owned()),
            Err("ValueError".to_owned())
        );
        assert_eq!(windows("2026-01-01", "2001-01-01"), Ok(Vec::new()));
        assert_eq!(windows("9999-12-31", "9999-12-31T23:59:59.999999").map(|windows| windows.len()), Ok(23));
    }
}
