//! Moments as they stand in the contract and in the database. All of them are UTC.

use chrono::NaiveDateTime;

/// `YYYY-MM-DDTHH:MM:SS.ffffff`, the form of the contract.
pub(crate) fn isoformat(moment: NaiveDateTime) -> String {
    moment.format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

/// `YYYY-MM-DD HH:MM:SS.ffffff`, the form that Nova gives a moment in SQLite. The other databases read it too.
pub(crate) fn sql(moment: NaiveDateTime) -> String {
    moment.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// A moment without zone, with `T` or a blank in the middle, with or without a fraction.
pub(crate) fn parse(text: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
}
