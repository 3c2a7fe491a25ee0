use std::path::{Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyPool, AssertSqlSafe, Executor as _};

use super::dialect::{Dialect, describe, is_not_a_database};
use super::schema::{Tables, Used};

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
    /// The database lacks a column that Nova databases of its age have.
    #[error("`{database}` has no column `{table}.{column}`, which Nova has had since {releases}")]
    MissingColumn {
        /// The database.
        database: String,
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The first release with the column.
        releases: &'static str,
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

/// Connects and checks that Nova's tables and the `used` columns exist. Returns also the tables and the path of the
/// database.
pub(super) async fn open(url: &str, used: &Used) -> Result<(AnyPool, Dialect, Tables, PathBuf), OpenError> {
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
    let names: Vec<&str> = used.iter().map(|(table, _)| *table).collect();
    let columns = sqlx::query_as(AssertSqlSafe(dialect.columns(&names)));
    let columns = columns.fetch_all(&pool).await.map_err(unreadable)?;
    let tables = Tables::new(columns);
    tables.check(path, used)?;
    Ok((pool, dialect, tables, path.into()))
}
