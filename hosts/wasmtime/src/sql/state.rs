use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode, SqlitePoolOptions, SqliteSynchronous};

use super::dialect::{describe, is_damaged, is_locked, is_not_a_database};
use super::{Result, timestamp};
use crate::bindings::nova::compute_utils::conductor::{AuditCheckpoint, HostError, TaskLogKey};

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Another run uses the file.
    #[error("another run uses the state file `{}`: wait until it ends", .0.display())]
    Locked(PathBuf),
    /// The file has the checkpoints of another database.
    #[error("the state file `{}` belongs to the database `{cell}`: give another one", path.display())]
    OtherCell {
        /// The file.
        path: PathBuf,
        /// The database.
        cell: String,
    },
    /// The file is damaged, or it is no state file.
    #[error("`{}` is not a state file, or it is damaged: give another one", .0.display())]
    NotAState(PathBuf),
    /// The file cannot be opened.
    #[error("cannot use the state file `{}`: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the database, on one line.
        reason: String,
    },
}

/// A checkpoint and its times.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredCheckpoint {
    /// When the audit began, in the format of the contract.
    pub begun_at: String,
    /// The checkpoint.
    pub checkpoint: AuditCheckpoint,
}

/// The checkpoints of audits: an SQLite file beside Nova's database. A clone shares the connection.
#[derive(Clone, Debug)]
pub struct StateFile {
    pool: SqlitePool,
    cell: String,
}

const CREATE: &str = "CREATE TABLE IF NOT EXISTS audit_checkpoint (cell TEXT NOT NULL, task_name TEXT NOT NULL, \
    period_beginning TEXT NOT NULL, period_ending TEXT NOT NULL, host TEXT NOT NULL, begun_at TEXT NOT NULL, \
    checkpoint TEXT NOT NULL, PRIMARY KEY (task_name, period_beginning, period_ending, host))";

impl StateFile {
    /// Opens or creates the state file of the database `cell` and locks it until [`StateFile::close`].
    pub async fn open(path: &Path, cell: &str) -> Result<Self, StateError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .locking_mode(SqliteLockingMode::Exclusive)
            .synchronous(SqliteSynchronous::Full);
        let state = Self::connect(path, cell, options).await?;
        state.create().await.map_err(|error| state_error(path, &error))?;
        Ok(state)
    }

    /// Opens an existing state file to read it, without a lock.
    pub async fn open_to_read(path: &Path, cell: &str) -> Result<Self, StateError> {
        Self::connect(path, cell, SqliteConnectOptions::new().filename(path).read_only(true)).await
    }

    async fn connect(path: &Path, cell: &str, options: SqliteConnectOptions) -> Result<Self, StateError> {
        let failed = |error: sqlx::Error| state_error(path, &error);
        let one = SqlitePoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let pool = one.connect_with(options.busy_timeout(Duration::from_secs(1))).await.map_err(failed)?;
        let check: String = sqlx::query_scalar("PRAGMA quick_check").fetch_one(&pool).await.map_err(failed)?;
        let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
            .fetch_all(&pool)
            .await
            .map_err(failed)?;
        if check != "ok" || tables.iter().any(|name| name != "audit_checkpoint") {
            return Err(StateError::NotAState(path.to_owned()));
        }
        if !tables.is_empty() {
            let other = sqlx::query_scalar("SELECT cell FROM audit_checkpoint WHERE cell <> ? LIMIT 1");
            if let Some(cell) = other.bind(cell).fetch_optional(&pool).await.map_err(failed)? {
                return Err(StateError::OtherCell { path: path.to_owned(), cell });
            }
        }
        Ok(Self { pool, cell: cell.to_owned() })
    }

    /// Creates the table. The write locks the file, because the locking mode is exclusive.
    async fn create(&self) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin_with("BEGIN EXCLUSIVE").await?;
        sqlx::query(CREATE).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    /// Returns the checkpoint of a task.
    pub async fn checkpoint(&self, key: &TaskLogKey) -> Result<Option<StoredCheckpoint>> {
        let sql = "SELECT begun_at, checkpoint FROM audit_checkpoint \
                   WHERE task_name = ? AND period_beginning = ? AND period_ending = ? AND host = ?";
        let row: Option<(String, String)> = sqlx::query_as(sql)
            .bind(&key.task_name)
            .bind(timestamp(&key.period_beginning)?)
            .bind(timestamp(&key.period_ending)?)
            .bind(&key.host)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|(begun_at, text)| {
            let checkpoint = serde_json::from_str(&text).map_err(|error| {
                HostError::new("CheckpointUnreadable", format!("the state file has an unreadable checkpoint: {error}"))
            })?;
            Ok(StoredCheckpoint { begun_at, checkpoint })
        })
        .transpose()
    }

    pub(super) async fn put(&self, key: &TaskLogKey, checkpoint: &AuditCheckpoint, now: &str) -> Result<()> {
        let text =
            serde_json::to_string(checkpoint).map_err(|error| HostError::new("ValueError", error.to_string()))?;
        // The first checkpoint of an audit replaces the time of an earlier audit under the same key.
        let begun = if checkpoint.instances == 0 { "excluded.begun_at" } else { "begun_at" };
        let sql = format!(
            "INSERT INTO audit_checkpoint (cell, task_name, period_beginning, period_ending, host, begun_at, checkpoint) \
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (task_name, period_beginning, period_ending, host) \
             DO UPDATE SET cell = excluded.cell, checkpoint = excluded.checkpoint, begun_at = {begun}"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(&self.cell)
            .bind(&key.task_name)
            .bind(timestamp(&key.period_beginning)?)
            .bind(timestamp(&key.period_ending)?)
            .bind(&key.host)
            .bind(now)
            .bind(text)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Closes the file, which unlocks it.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn state_error(path: &Path, error: &sqlx::Error) -> StateError {
    let path = path.to_owned();
    if is_not_a_database(error) || is_damaged(error) {
        StateError::NotAState(path)
    } else if is_locked(error) {
        StateError::Locked(path)
    } else {
        StateError::Unreadable { path, reason: describe(error) }
    }
}
