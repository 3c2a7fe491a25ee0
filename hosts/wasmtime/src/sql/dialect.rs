use sqlx::error::DatabaseError;

/// What differs between the databases. Everything else is SQL that all of them take.
#[derive(Clone, Copy, Debug)]
pub(super) enum Dialect {
    Sqlite,
}

impl Dialect {
    /// The SQL text with this database's placeholders; they are written as `?`.
    pub(super) fn placeholders(self, sql: String) -> String {
        match self {
            Self::Sqlite => sql,
        }
    }

    /// The placeholder of a moment, bound as text.
    pub(super) fn moment(self) -> &'static str {
        match self {
            Self::Sqlite => "?",
        }
    }

    /// A datetime column as text.
    pub(super) fn moment_text(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("CAST({column} AS TEXT)"),
        }
    }

    /// A text column as the bytes that are in it. SQLite lets anything into a text column, and what is broken there must not hide
    /// the other rows.
    pub(super) fn bytes(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("CAST({column} AS BLOB)"),
        }
    }

    /// Begins a transaction that means to write. In SQLite one that has read cannot always become one that writes.
    pub(super) fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
        }
    }

    /// What to say to a new connection. Nova does not let SQLite enforce foreign keys; sqlx does unless told.
    pub(super) fn on_connect(self) -> &'static str {
        match self {
            Self::Sqlite => "PRAGMA foreign_keys = OFF",
        }
    }

    /// Lists the names of the tables.
    pub(super) fn tables(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')",
        }
    }

    /// What went wrong, on one line.
    pub(super) fn describe(self, error: &sqlx::Error) -> String {
        match error {
            sqlx::Error::Database(error) if self.is_locked(error.as_ref()) => {
                "the database is locked by another writer, and stayed so".to_owned()
            }
            sqlx::Error::Database(error) => error.message().replace('\n', " "),
            error => error.to_string().replace('\n', " "),
        }
    }

    fn is_locked(self, error: &dyn DatabaseError) -> bool {
        match self {
            // SQLITE_BUSY and SQLITE_LOCKED.
            Self::Sqlite => matches!(primary_code(error), Some(5 | 6)),
        }
    }

    /// Does the error say that there is no database in the file?
    pub(super) fn is_no_database(self, error: &sqlx::Error) -> bool {
        match self {
            // SQLITE_NOTADB.
            Self::Sqlite => error.as_database_error().and_then(primary_code) == Some(26),
        }
    }
}

/// SQLite's result code without the extension in its upper bytes.
fn primary_code(error: &dyn DatabaseError) -> Option<u32> {
    error.code()?.parse::<u32>().ok().map(|code| code & 0xff)
}
