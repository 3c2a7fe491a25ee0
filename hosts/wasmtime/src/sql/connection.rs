use std::path::{Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyPool, Executor as _};

use super::dialect::{Dialect, describe, is_not_a_database};

/// The tables that an audit needs and that every Nova cell database has.
const TABLES: [&str; 7] = [
    "instances",
    "instance_extra",
    "instance_info_caches",
    "instance_metadata",
    "instance_system_metadata",
    "services",
    "task_log",
];

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL names a kind of database that is not supported.
    #[error("cannot open `{0}` databases: give `sqlite:PATH`")]
    UnknownDatabase(String),
    /// The file does not exist.
    #[error("no such database file: `{0}`")]
    NoSuchFile(String),
    /// The file is not an SQLite database.
    #[error("`{0}` is not an SQLite database")]
    NotADatabase(String),
    /// The database is not Nova's.
    #[error("`{database}` has no table `{table}`: it is not a Nova cell database")]
    MissingTable {
        /// The database.
        database: String,
        /// The table.
        table: &'static str,
    },
    /// The database exists but cannot be read.
    #[error("cannot read the database `{database}`: {reason}")]
    Unreadable {
        /// The database.
        database: String,
        /// The error of the database, on one line.
        reason: String,
    },
}

/// Connects and checks that Nova's tables exist. Returns also whether the optional table `share_mapping` exists, and the
/// path of the database.
pub(super) async fn open(url: &str) -> Result<(AnyPool, Dialect, bool, PathBuf), OpenError> {
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    if scheme != "sqlite" {
        return Err(OpenError::UnknownDatabase(scheme.to_owned()));
    }
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if !Path::new(path).is_file() {
        return Err(OpenError::NoSuchFile(path.to_owned()));
    }
    // Encoding keeps a `?` in the path from starting the options of the URL. Without the option `mode`, sqlx does not
    // create the file.
    let url = format!("sqlite:{}", utf8_percent_encode(path, NON_ALPHANUMERIC));
    let dialect = Dialect::Sqlite;
    let unreadable = |error: sqlx::Error| {
        let database = path.to_owned();
        if is_not_a_database(&error) {
            OpenError::NotADatabase(database)
        } else {
            OpenError::Unreadable { database, reason: describe(&error) }
        }
    };

    sqlx::any::install_default_drivers();
    let options = AnyPoolOptions::new().after_connect(move |connection, _| {
        Box::pin(async move { connection.execute(dialect.on_connect()).await.map(|_| ()) })
    });
    let pool = options.connect(&url).await.map_err(unreadable)?;
    let tables: Vec<String> = sqlx::query_scalar(dialect.tables()).fetch_all(&pool).await.map_err(unreadable)?;
    let exists = |table: &str| tables.iter().any(|name| name == table);
    match TABLES.into_iter().find(|table| !exists(table)) {
        Some(table) => Err(OpenError::MissingTable { database: path.to_owned(), table }),
        None => Ok((pool, dialect, exists("share_mapping"), path.into())),
    }
}
