//! Timestamps as the contract and the database write them. All of them are UTC.

use chrono::NaiveDateTime;

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
