//! Timestamps as the contract and the database write them. All of them are UTC.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};

/// Formats a timestamp for the contract: `YYYY-MM-DDTHH:MM:SS.ffffff`.
pub(crate) fn isoformat(time: NaiveDateTime) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

/// Formats a timestamp for the database: `YYYY-MM-DD HH:MM:SS.ffffff`, the form that Nova writes into SQLite.
pub(crate) fn sql(time: NaiveDateTime) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// Parses a timestamp without a time zone: `T` or a blank between date and time, and an optional fraction.
pub(crate) fn parse(text: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
}

/// Parses a timestamp of a row: `YYYY-MM-DD HH:MM:SS.ffffff`, with any number of digits of fraction or none. `T` may be in
/// place of the blank. A date alone is its midnight. Stricter than [`parse`], so that SQL can check the same form.
pub(crate) fn parse_row(text: &str) -> Option<NaiveDateTime> {
    let (form, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_like = |pattern: &str| {
        let matches = |(byte, expected)| match expected {
            b'0' => u8::is_ascii_digit(byte),
            b' ' => [b' ', b'T'].contains(byte),
            other => *byte == other,
        };
        form.len() == pattern.len() && form.as_bytes().iter().zip(pattern.bytes()).all(matches)
    };
    if is_like("0000-00-00") && form == text {
        return NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|date| date.and_time(NaiveTime::MIN));
    }
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    // chrono parses the second 60 as a leap second of a billion nanoseconds or more.
    let parsed = || parse(text).filter(|time| time.nanosecond() < 1_000_000_000);
    if is_like("0000-00-00 00:00:00") && is_fraction { parsed() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{isoformat, parse_row};

    #[test]
    fn parses_the_timestamps_of_rows() {
        let parsed = |text| parse_row(text).map(isoformat);
        for (text, expected) in [
            ("2026-10-01 02:03:04.500000", "2026-10-01T02:03:04.500000"),
            ("2026-10-01T02:03:04", "2026-10-01T02:03:04.000000"),
            ("2026-10-01 02:03:04.1234567", "2026-10-01T02:03:04.123456"),
            ("2026-10-01", "2026-10-01T00:00:00.000000"),
        ] {
            assert_eq!(parsed(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026",
            "2026-1-1",
            "2026-02-30",
            "2026-10-01.5",
            "2026-10-01 02:03",
            "2026-10-01 02:03:60",
            "2026-10-01 24:00:00",
            "2026-10-01 02:03:04.",
            "2026-10-01 02:03:04.5Z",
            "2026-10-01 02:03:04+00:00",
            " 2026-10-01 02:03:04",
            "２026-10-01",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
