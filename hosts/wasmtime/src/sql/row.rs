//! Columns as they come out of any of the databases.

use sqlx::any::AnyRow;
use sqlx::{Error, Row};

use crate::datetime;

/// A moment that was selected as text, in the form of the contract. What is no moment stays as it is.
pub(super) fn moment(row: &AnyRow, column: usize) -> Result<Option<String>, Error> {
    let text: Option<String> = row.try_get(column)?;
    Ok(text.map(|text| datetime::parse(&text).map_or(text, datetime::isoformat)))
}

/// Long text that was selected as bytes.
pub(super) fn long_text(row: &AnyRow, column: usize) -> Result<Option<String>, Error> {
    let bytes: Option<Vec<u8>> = row.try_get(column)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// A count; an absent one is nought, as where Nova adds to it.
pub(super) fn count(row: &AnyRow, column: usize) -> Result<i64, Error> {
    Ok(row.try_get::<Option<i64>, _>(column)?.unwrap_or_default())
}
