use sqlx::error::DatabaseError;
use sqlx::sqlite::SqliteError;

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

    /// Returns the expression that selects the value of a column as bytes, whatever its type: text is not decoded, and a
    /// number is in decimal.
    pub(super) fn bytes(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("CAST({column} AS BLOB)"),
        }
    }

    /// Returns the expression that selects the first letter of the type of a value: `null`, `integer`, `real`, `text` or
    /// `blob`. A column of SQLite can contain values of any type.
    pub(super) fn type_letter(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("substr(typeof({column}), 1, 1)"),
        }
    }

    /// Returns the condition that [`datetime::parse_row`](crate::datetime::parse_row) parses the value of a column. It
    /// is never null.
    pub(super) fn is_timestamp(self, column: &str) -> String {
        match self {
            Self::Sqlite => {
                let date = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]";
                let time = "[ T][0-9][0-9]:[0-9][0-9]:[0-9][0-9]";
                // `date` returns null for an hour of 25, and another day for February 31.
                format!(
                    "(typeof({column}) = 'text' AND date({column}) IS substr({column}, 1, 10) AND \
                     ({column} GLOB '{date}' OR {column} GLOB '{date}{time}' OR \
                     ({column} GLOB '{date}{time}.[0-9]*' AND substr({column}, 21) NOT GLOB '*[^0-9]*')))"
                )
            }
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

    /// Returns the query for the columns of some tables or views: the names of the table and of the column.
    pub(super) fn columns(self, tables: &[&str]) -> String {
        match self {
            Self::Sqlite => format!(
                "SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns \
                 WHERE tables.type IN ('table', 'view') AND tables.name IN ('{}')",
                tables.join("', '")
            ),
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
