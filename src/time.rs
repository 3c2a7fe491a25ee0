//! Timestamps: parsing them and writing them in the formats of Nova's fields.

use alloc::format;
use alloc::string::String;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

use crate::error::Error;

/// Parses a timestamp: ISO 8601 with `T` or a space, with or without fraction and zone, or Python's `str(datetime)`.
///
/// The result is in UTC. Digits beyond the microsecond are cut off. Fails with `ValueError` on any other string.
///
/// ```
/// use nova_compute_utils::time;
///
/// let timestamp = time::parse("2026-11-01 02:17:03.25+02:00")?;
/// assert_eq!(time::isoformat(timestamp), "2026-11-01T00:17:03.250000");
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn parse(text: &str) -> Result<NaiveDateTime, Error> {
    read(text)
        .filter(in_calendar)
        .ok_or_else(|| Error::value(format!("`{text}` is not a timestamp: write it as `2026-11-01T00:17:03.250000`")))
}

fn read(text: &str) -> Option<NaiveDateTime> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let date = read_date(date.as_bytes())?;
    let Some(clock) = rest.strip_prefix(['T', ' ']) else {
        return if rest.is_empty() { date.and_hms_opt(0, 0, 0) } else { None };
    };
    let (clock, zone) = clock.split_at(clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len()));
    let local = date.and_time(read_clock(clock)?);
    local.checked_sub_signed(TimeDelta::minutes(read_zone(zone)?))
}

fn read_date(date: &[u8]) -> Option<NaiveDate> {
    match date {
        [year @ .., b'-', month_1, month_2, b'-', day_1, day_2] => {
            let year = i32::try_from(digits(year)?).ok()?;
            NaiveDate::from_ymd_opt(year, digits(&[*month_1, *month_2])?, digits(&[*day_1, *day_2])?)
        }
        _ => None,
    }
}

fn read_clock(clock: &str) -> Option<NaiveTime> {
    let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, fraction)| (clock, Some(fraction)));
    let mut numbers = clock.split(':').map(|number| digits(number.as_bytes()).filter(|_| number.len() == 2));
    let (hour, minute, second) = (numbers.next()??, numbers.next()??, numbers.next());
    // Only seconds may have a fraction.
    if numbers.next().is_some() || (second.is_none() && fraction.is_some()) {
        return None;
    }
    let second = second.unwrap_or(Some(0))?;
    NaiveTime::from_hms_micro_opt(hour, minute, second, fraction.map_or(Some(0), microseconds)?)
}

fn microseconds(fraction: &str) -> Option<u32> {
    let valid = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let digit = |index: usize| u32::from(fraction.as_bytes().get(index).map_or(0, |byte| byte.wrapping_sub(b'0')));
    valid.then(|| (0..6).fold(0, |number: u32, index| number.saturating_mul(10).saturating_add(digit(index))))
}

/// Returns how many minutes the zone is ahead of UTC.
fn read_zone(zone: &str) -> Option<i64> {
    let (sign, hour, minute) = match zone.as_bytes() {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => (sign, digits(&[*h1, *h2])?, digits(&[*m1, *m2])?),
        _ => return None,
    };
    if hour > 23 || minute > 59 {
        return None;
    }
    let minutes = i64::from(hour.checked_mul(60)?.checked_add(minute)?);
    if *sign == b'-' { minutes.checked_neg() } else { Some(minutes) }
}

fn digits(text: &[u8]) -> Option<u32> {
    let valid = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if valid { core::str::from_utf8(text).ok()?.parse().ok() } else { None }
}

/// Returns whether Python's calendar, from year 1 to year 9999, contains the timestamp.
pub(crate) fn in_calendar(timestamp: &NaiveDateTime) -> bool {
    (1..=9999).contains(&timestamp.year())
}

/// Writes `YYYY-MM-DDTHH:MM:SS.ffffff`: Nova's `strtime`, and the format of timestamps in records.
#[must_use]
pub fn isoformat(timestamp: NaiveDateTime) -> String {
    format!("{}T{}.{:06}", date(timestamp), time_of_day(timestamp), microsecond(timestamp))
}

/// Writes `YYYY-MM-DD HH:MM:SS`, followed by `.ffffff` when the microseconds are not zero: Python's `str(datetime)`.
#[must_use]
pub fn str_datetime(timestamp: NaiveDateTime) -> String {
    match microsecond(timestamp) {
        0 => format!("{} {}", date(timestamp), time_of_day(timestamp)),
        fraction => format!("{} {}.{fraction:06}", date(timestamp), time_of_day(timestamp)),
    }
}

/// Writes `YYYY-MM-DD HH:MM:SS[.ffffff]+00:00`: Python's `str(datetime)` of a timestamp with the zone UTC.
#[must_use]
pub fn str_datetime_utc(timestamp: NaiveDateTime) -> String {
    format!("{}+00:00", str_datetime(timestamp))
}

/// Writes `YYYY-MM-DDTHH:MM:SSZ`: the format of timestamps in versioned notifications.
#[must_use]
pub fn zulu(timestamp: NaiveDateTime) -> String {
    format!("{}T{}Z", date(timestamp), time_of_day(timestamp))
}

/// Serde functions for the timestamps of records: [`isoformat`] writes them, [`parse`] reads them.
pub(crate) mod iso {
    use chrono::NaiveDateTime;
    use serde::de::{Deserialize, Deserializer, Error as _};
    use serde::ser::Serializer;

    use crate::document::Text;

    pub(crate) fn serialize<S: Serializer>(timestamp: &NaiveDateTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::isoformat(*timestamp))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDateTime, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        super::parse(&text).map_err(D::Error::custom)
    }

    /// The same for timestamps that can be null.
    pub(crate) mod optional {
        use super::{Deserialize, Deserializer, NaiveDateTime, Serializer, Text};
        use serde::de::Error as _;

        #[allow(clippy::ref_option, reason = "serde passes a reference to the field")]
        pub(crate) fn serialize<S: Serializer>(
            timestamp: &Option<NaiveDateTime>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match timestamp {
                Some(timestamp) => super::serialize(timestamp, serializer),
                None => serializer.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<NaiveDateTime>, D::Error> {
            let text = Option::<Text<'de>>::deserialize(deserializer)?;
            text.map(|Text(text)| crate::time::parse(&text).map_err(D::Error::custom)).transpose()
        }
    }
}

fn date(timestamp: NaiveDateTime) -> String {
    format!("{:04}-{:02}-{:02}", timestamp.year(), timestamp.month(), timestamp.day())
}

fn time_of_day(timestamp: NaiveDateTime) -> String {
    format!("{:02}:{:02}:{:02}", timestamp.hour(), timestamp.minute(), timestamp.second())
}

fn microsecond(timestamp: NaiveDateTime) -> u32 {
    timestamp.nanosecond() / 1_000
}

#[cfg(test)]
mod tests {
    use std::borrow::ToOwned;

    use super::*;

    #[test]
    fn parses_the_formats_of_nova() {
        for (text, expected) in [
            ("2026-11-01T00:17:03.250000", "2026-11-01T00:17:03.250000"),
            ("2026-11-01 00:17:03", "2026-11-01T00:17:03.000000"),
            ("2026-11-01T00:17:03Z", "2026-11-01T00:17:03.000000"),
            ("2026-11-01 00:17:03.000004+00:00", "2026-11-01T00:17:03.000004"),
            ("2026-11-01T05:47:03+0530", "2026-11-01T00:17:03.000000"),
            ("2026-11-01T00:17:03.123456789", "2026-11-01T00:17:03.123456"),
            ("2026-11-01T00:17", "2026-11-01T00:17:00.000000"),
            ("2026-11-01", "2026-11-01T00:00:00.000000"),
            ("2026-11-01T00:17:03.2-01:30", "2026-11-01T01:47:03.200000"),
            ("2026-11-01T00:17z", "2026-11-01T00:17:00.000000"),
        ] {
            assert_eq!(parse(text).map(isoformat), Ok(expected.to_owned()), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn converts_any_zone_to_utc(
            seconds in -62_135_596_800_i64..253_402_300_799,
            microsecond in 0..1_000_000_u32,
            zone in -1439..1440_i64,
        ) {
            let timestamp = chrono::DateTime::from_timestamp(seconds, microsecond * 1_000);
            let timestamp = timestamp.expect("a timestamp").naive_utc();
            let local = timestamp + TimeDelta::minutes(zone);
            proptest::prop_assume!(in_calendar(&local));
            let sign = if zone < 0 { '-' } else { '+' };
            for between in [":", ""] {
                let zone = format!("{sign}{:02}{between}{:02}", zone.abs() / 60, zone.abs() % 60);
                proptest::prop_assert_eq!(read(&(isoformat(local) + &zone)), Some(timestamp));
                proptest::prop_assert_eq!(read(&(str_datetime(local) + &zone)), Some(timestamp));
            }
        }
    }

    #[test]
    fn rejects_other_text() {
        for text in [
            "",
            "now",
            "2026-13-01",
            "2026-11-01T24:00:00",
            "2026-11-01T00:00:60",
            "+12026-11-01T00:00:00",
            "0000-01-01",
            "2026-1-1",
            "2026-11-01T0:17:03",
            "2026-11-01T00:17:03.",
            "2026-11-01T00:17.5",
            "2026-11-01T00:17:03+24:00",
            "2026-11-01T00:17:03 UTC",
            "2026-11-0١",
        ] {
            assert_eq!(parse(text).map_err(|e| e.code().to_owned()), Err("ValueError".to_owned()), "{text}");
        }
    }
}
