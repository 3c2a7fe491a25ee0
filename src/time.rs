//! Moments, read from text and written in the formats that Nova's fields have.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

use crate::error::Error;

/// A moment in UTC from text: ISO 8601 with `T` or a blank, with or without fraction and zone, or Nova's
/// `str(datetime)`.
///
/// A zone is converted away; digits beyond the microsecond are cut off. `ValueError` on anything else.
///
/// ```
/// use nova_compute_utils::time;
///
/// let moment = time::parse("2026-11-01 02:17:03.25+02:00")?;
/// assert_eq!(time::isoformat(moment), "2026-11-01T00:17:03.250000");
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn parse(text: &str) -> Result<NaiveDateTime, Error> {
    read(text)
        .filter(in_calendar)
        .ok_or_else(|| Error::value(format!("`{text}` is no moment: write it as `2026-11-01T00:17:03.250000`")))
}

fn read(text: &str) -> Option<NaiveDateTime> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let date = read_date(date.as_bytes())?;
    let Some(clock) = rest.strip_prefix(['T', ' ']) else {
        return if rest.is_empty() { date.and_hms_opt(0, 0, 0) } else { None };
    };
    let (clock, zone) = clock.split_at(clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len()));
    let local = date.and_time(read_clock(clock)?);
    // A zone says how far ahead of UTC its clocks are.
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
    // Minutes have no fraction here.
    if numbers.next().is_some() || (second.is_none() && fraction.is_some()) {
        return None;
    }
    let second = second.unwrap_or(Some(0))?;
    NaiveTime::from_hms_micro_opt(hour, minute, second, fraction.map_or(Some(0), microseconds)?)
}

fn microseconds(fraction: &str) -> Option<u32> {
    let is_number = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let six: Vec<u8> = fraction.bytes().chain(std::iter::repeat(b'0')).take(6).collect();
    if is_number { digits(&six) } else { None }
}

/// Minutes ahead of UTC.
fn read_zone(zone: &str) -> Option<i64> {
    let (sign, hour, minute) = match zone.as_bytes() {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => (sign, digits(&[*h1, *h2])?, digits(&[*m1, *m2])?),
        _ => return None,
    };
    let minutes = i64::from(hour.checked_mul(60)?.checked_add(minute)?);
    let is_zone = hour < 24 && minute < 60;
    if is_zone { Some(if *sign == b'-' { minutes.checked_neg()? } else { minutes }) } else { None }
}

fn digits(text: &[u8]) -> Option<u32> {
    let all = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if all { std::str::from_utf8(text).ok()?.parse().ok() } else { None }
}

/// Python's calendar goes from year 1 to year 9999.
pub(crate) fn in_calendar(moment: &NaiveDateTime) -> bool {
    (1..=9999).contains(&moment.year())
}

/// `YYYY-MM-DDTHH:MM:SS.ffffff`: Nova's `strtime`, and the form of moments on every border of this library.
#[must_use]
pub fn isoformat(moment: NaiveDateTime) -> String {
    format!("{}T{}.{:06}", date(moment), clock(moment), microsecond(moment))
}

/// `YYYY-MM-DD HH:MM:SS`, with six more digits where they are not all zero: Python's `str(datetime)`.
#[must_use]
pub fn str_datetime(moment: NaiveDateTime) -> String {
    match microsecond(moment) {
        0 => format!("{} {}", date(moment), clock(moment)),
        fraction => format!("{} {}.{fraction:06}", date(moment), clock(moment)),
    }
}

/// The same of a datetime that carries UTC as its zone: `… +00:00` without the blank.
#[must_use]
pub fn str_datetime_utc(moment: NaiveDateTime) -> String {
    str_datetime(moment) + "+00:00"
}

/// `YYYY-MM-DDTHH:MM:SSZ`: the form of moments in versioned notifications.
#[must_use]
pub fn zulu(moment: NaiveDateTime) -> String {
    format!("{}T{}Z", date(moment), clock(moment))
}

/// The moments of records in JSON: [`isoformat`] writes them, [`parse`] reads them.
pub(crate) mod iso {
    use chrono::NaiveDateTime;
    use serde::de::{Deserialize, Deserializer, Error as _};
    use serde::ser::Serializer;

    use crate::document::Text;

    pub(crate) fn serialize<S: Serializer>(moment: &NaiveDateTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::isoformat(*moment))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDateTime, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        super::parse(&text).map_err(D::Error::custom)
    }

    /// Those that may be null.
    pub(crate) mod optional {
        use super::{Deserialize, Deserializer, NaiveDateTime, Serializer, Text};
        use serde::de::Error as _;

        #[allow(clippy::ref_option, reason = "serde hands the field over so")]
        pub(crate) fn serialize<S: Serializer>(
            moment: &Option<NaiveDateTime>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match moment {
                Some(moment) => super::serialize(moment, serializer),
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

fn date(moment: NaiveDateTime) -> String {
    format!("{:04}-{:02}-{:02}", moment.year(), moment.month(), moment.day())
}

fn clock(moment: NaiveDateTime) -> String {
    format!("{:02}:{:02}:{:02}", moment.hour(), moment.minute(), moment.second())
}

fn microsecond(moment: NaiveDateTime) -> u32 {
    moment.nanosecond() / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_nova_writes() {
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
        /// A zone moves the clock, and not the moment.
        #[test]
        fn reads_any_zone(
            seconds in -62_135_596_800_i64..253_402_300_799,
            microsecond in 0..1_000_000_u32,
            zone in -1439..1440_i64,
        ) {
            let moment = chrono::DateTime::from_timestamp(seconds, microsecond * 1_000).expect("a moment").naive_utc();
            let local = moment + TimeDelta::minutes(zone);
            proptest::prop_assume!(in_calendar(&local));
            let sign = if zone < 0 { '-' } else { '+' };
            for between in [":", ""] {
                let zone = format!("{sign}{:02}{between}{:02}", zone.abs() / 60, zone.abs() % 60);
                proptest::prop_assert_eq!(read(&(isoformat(local) + &zone)), Some(moment));
                proptest::prop_assert_eq!(read(&(str_datetime(local) + &zone)), Some(moment));
            }
        }
    }

    #[test]
    fn refuses_the_rest() {
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
