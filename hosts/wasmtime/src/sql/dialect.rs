use sqlx::error::DatabaseError;
use sqlx::sqlite::SqliteError;

use super::table::{Column, Kind};
use crate::bindings::nova::compute_utils::conductor::HostError;

/// The kind of the database. It selects the SQL that differs between kinds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Dialect {
    Sqlite,
}

impl Dialect {
    /// Returns the SQL text with this database's placeholders in place of `?`.
    pub(super) fn placeholders(self, sql: String) -> String {
        match self {
            Self::Sqlite => sql,
        }
    }

    /// Returns the placeholder of a timestamp, which is bound as text.
    pub(super) fn timestamp(self) -> &'static str {
        match self {
            Self::Sqlite => "?",
        }
    }

    /// Returns the expression that selects a column in a type that the driver reads.
    pub(super) fn expression(self, table: &str, column: &Column) -> String {
        let name = format!("{table}.{}", column.name);
        match (self, column.kind) {
            (_, Kind::Text | Kind::Integer | Kind::Counter) => name,
            (_, Kind::Boolean) => format!("CASE WHEN {name} THEN 1 WHEN NOT {name} THEN 0 END"),
            (Self::Sqlite, Kind::Timestamp) => format!("CAST({name} AS TEXT)"),
            (Self::Sqlite, Kind::LongText) => format!("CAST({name} AS BLOB)"),
        }
    }

    /// Returns the statement that begins a transaction that writes. In SQLite, a transaction that begins with a read
    /// can fail at its first write.
    pub(super) fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
        }
    }

    /// Returns the statement to run on a new connection. Nova does not enforce foreign keys in SQLite; sqlx does by
    /// default.
    pub(super) fn on_connect(self) -> &'static str {
        match self {
            Self::Sqlite => "PRAGMA foreign_keys = OFF",
        }
    }

    /// Returns the query for the names of all tables and views.
    pub(super) fn tables(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')",
        }
    }
}

impl From<sqlx::Error> for HostError {
    fn from(error: sqlx::Error) -> Self {
        Self::new("DBError", describe(&error))
    }
}

/// Describes an error on one line.
pub(super) fn describe(error: &sqlx::Error) -> String {
    if is_locked(error) {
        return "the database is locked by another writer: try again later".to_owned();
    }
    let text = error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
    text.replace('\n', " ")
}

/// Returns whether the error says that the file is not a database.
pub(super) fn is_not_a_database(error: &sqlx::Error) -> bool {
    // SQLITE_NOTADB.
    sqlite_code(error) == Some(26)
}

/// Returns whether the file contains a damaged database.
pub(super) fn is_damaged(error: &sqlx::Error) -> bool {
    // SQLITE_CORRUPT.
    sqlite_code(error) == Some(11)
}

/// Returns whether another connection has locked the database.
pub(super) fn is_locked(error: &sqlx::Error) -> bool {
    // SQLITE_BUSY and SQLITE_LOCKED.
    matches!(sqlite_code(error), Some(5 | 6))
}

/// Returns SQLite's primary result code, which is the lowest byte of the extended one.
fn sqlite_code(error: &sqlx::Error) -> Option<u32> {
    let error = error.as_database_error()?.try_downcast_ref::<SqliteError>()?;
    error.code()?.parse::<u32>().ok().map(|code| code & 0xff)
}
