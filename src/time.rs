//! Moments, read from text and written in the formats that Nova's fields have.

use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};

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
    let moment = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .or_else(|| chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))
        .or_else(|| read_zoned(text))?;
    // chrono takes second 60 for a leap second; Python knows none.
    let microsecond = (moment.nanosecond() < 1_000_000_000).then(|| moment.nanosecond() / 1_000 * 1_000)?;
    moment.with_nanosecond(microsecond)
}

fn read_zoned(text: &str) -> Option<NaiveDateTime> {
    let text = text.strip_suffix(['Z', 'z']).map_or_else(|| text.to_owned(), |bare| format!("{bare}+00:00"));
    ["%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f%z"]
        .iter()
        .find_map(|format| DateTime::parse_from_str(&text, format).ok())
        .map(|moment| moment.naive_utc())
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
        ] {
            assert_eq!(parse(text).map(isoformat), Ok(expected.to_owned()), "{text}");
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
        ] {
            assert_eq!(parse(text).map_err(|e| e.code().to_owned()), Err("ValueError".to_owned()), "{text}");
        }
    }
}
