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
/// The offset says where in the unit a window begins: the minute, the hour, the day of the month, or the month. An offset that
/// does not exist everywhere (`month@31`) fails with `ValueError` where a window touches a month that lacks the day, as in Nova.
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
    text: String,
}

impl Period {
    /// A period from text.
    ///
    /// What follows the first `@` is read as Python's `int` reads it: blanks around it, a sign and the digits of any script are
    /// fine. `ValueError` where it is no number and, in grizzly, on an unknown unit; hibiscus reads any other unit as `hour`.
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
        Ok(Self { unit, offset, text: text.to_owned() })
    }

    /// The window most recently completed before a moment. One that ends exactly then is not complete yet.
    ///
    /// `ValueError` where a date in question does not exist, `OverflowError` on a step out of the calendar and on an offset
    /// that no date field can hold.
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
            moment
                .checked_sub_signed(step)
                .filter(time::in_calendar)
                .ok_or_else(|| Error::overflow(format!("no window of `{}` fits before `{before}`", self.text)))
        };
        let end = if end >= before { earlier(end)? } else { end };
        Ok(Window { begin: earlier(end)?, end })
    }

    fn last_completed_month(&self, before: NaiveDateTime) -> Result<Window, Error> {
        // Nova makes the end of this month first, so a day that this month lacks fails even where the window would lie before it.
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
        self.date(year, month, u32::try_from(day).ok()).ok_or_else(|| {
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
        u32::try_from(month).ok().and_then(|month| self.date(year, month, Some(1))).ok_or_else(|| {
            Error::value(format!("`{}` needs a month {month} in the year {year:04}, which has none", self.text))
        })
    }

    #[allow(clippy::unused_self, reason = "the calendar is that of the period")]
    fn date(&self, year: i32, month: u32, day: Option<u32>) -> Option<NaiveDateTime> {
        NaiveDate::from_ymd_opt(year, month, day?)?.and_hms_opt(0, 0, 0).filter(time::in_calendar)
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

fn month_before((year, month): (i32, u32)) -> (i32, u32) {
    if month <= 1 { (year - 1, 12) } else { (year, month - 1) }
}
