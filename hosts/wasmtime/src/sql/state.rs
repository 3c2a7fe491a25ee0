mod lock;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool};
use tokio::task;

use super::dialect::{describe, is_damaged, is_not_a_database};
use super::{Result, timestamp};
pub use lock::Holder;
use lock::Lock;

use crate::bindings::nova::compute_utils::conductor::{AuditCheckpoint, HostError, TaskLogKey};

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Another run uses the file.
    #[error("another run uses the state file `{}`: {holder}", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
        /// The other run.
        holder: Holder,
    },
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

/// A checkpoint, and what the state file knows about its run.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredCheckpoint {
    /// When the audit began, in the format of the contract.
    pub begun_at: String,
    /// The process id of the run that stored the checkpoint.
    pub process: u32,
    /// The host name of the machine of that run.
    pub machine: String,
    /// The `created_at` of the row of the task log that the run inserted, or was about to insert. A row with another
    /// time is that of another program that began the same audit. `None` before the run got that far.
    pub row_created_at: Option<String>,
    /// The checkpoint.
    pub checkpoint: AuditCheckpoint,
}

/// The checkpoints of audits: an SQLite file beside Nova's database, and a lock file beside it, with `.lock` added to
/// the path. Other processes can read the checkpoints at any time. A clone shares the connection and the lock.
#[derive(Clone, Debug)]
pub struct StateFile {
    pool: SqlitePool,
    cell: String,
    run: Holder,
    /// `None` for a file that is opened to read it.
    lock: Option<Arc<Lock>>,
}

const CREATE: &str = "CREATE TABLE IF NOT EXISTS audit_checkpoint (cell TEXT NOT NULL, task_name TEXT NOT NULL, \
    period_beginning TEXT NOT NULL, period_ending TEXT NOT NULL, host TEXT NOT NULL, begun_at TEXT NOT NULL, \
    process INTEGER NOT NULL, machine TEXT NOT NULL, row_created_at TEXT, checkpoint TEXT NOT NULL, \
    PRIMARY KEY (task_name, period_beginning, period_ending, host))";

/// The condition for the row of a task.
const KEY: &str = "task_name = ? AND period_beginning = ? AND period_ending = ? AND host = ?";

impl StateFile {
    /// Opens or creates the state file of the database `cell` and locks its lock file until [`StateFile::close`].
    pub async fn open(path: &Path, cell: &str) -> Result<Self, StateError> {
        let state = path.to_owned();
        let taken = task::spawn_blocking(move || Lock::take(&state)).await.map_err(io::Error::other);
        let lock = match taken.and_then(|taken| taken) {
            Ok(Ok(lock)) => Arc::new(lock),
            Ok(Err(holder)) => return Err(StateError::Locked { path: path.to_owned(), holder }),
            Err(error) => return Err(StateError::Unreadable { path: path.to_owned(), reason: error.to_string() }),
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            // A commit also reaches the directory, so that a loss of power does not undo it.
            .synchronous(SqliteSynchronous::Extra);
        let state = Self { lock: Some(lock), ..Self::connect(path, cell, options).await? };
        sqlx::query(CREATE).execute(&state.pool).await.map_err(|error| state_error(path, &error))?;
        Ok(state)
    }

    /// Opens an existing state file to read it. Needs no lock.
    pub async fn open_to_read(path: &Path, cell: &str) -> Result<Self, StateError> {
        let options = SqliteConnectOptions::new().filename(path);
        match Self::connect(path, cell, options.clone().read_only(true)).await {
            // A run that was killed while it wrote leaves a journal, and only a writer may undo that write.
            Err(StateError::Unreadable { .. }) => Self::connect(path, cell, options).await,
            state => state,
        }
    }

    /// Returns the run that uses the state file at `path`; `None` if no run does. Changes nothing.
    #[must_use]
    pub fn holder(path: &Path) -> Option<Holder> {
        lock::holder(path)
    }

    async fn connect(path: &Path, cell: &str, options: SqliteConnectOptions) -> Result<Self, StateError> {
        let failed = |error: sqlx::Error| state_error(path, &error);
        let one = SqlitePoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let pool = one.connect_with(options.busy_timeout(Duration::from_secs(5))).await.map_err(failed)?;
        let check: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&pool).await.map_err(failed)?;
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
        Ok(Self { pool, cell: cell.to_owned(), run: Holder::this_process(), lock: None })
    }

    /// Returns the checkpoint of a task.
    pub async fn checkpoint(&self, key: &TaskLogKey) -> Result<Option<StoredCheckpoint>> {
        let sql =
            format!("SELECT begun_at, process, machine, row_created_at, checkpoint FROM audit_checkpoint WHERE {KEY}");
        let row: Option<(String, u32, String, Option<String>, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(&key.task_name)
            .bind(timestamp(&key.period_beginning)?)
            .bind(timestamp(&key.period_ending)?)
            .bind(&key.host)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|(begun_at, process, machine, row_created_at, text)| {
            let checkpoint = serde_json::from_str(&text).map_err(|error| {
                HostError::new("CheckpointUnreadable", format!("the state file has an unreadable checkpoint: {error}"))
            })?;
            Ok(StoredCheckpoint { begun_at, process, machine, row_created_at, checkpoint })
        })
        .transpose()
    }

    /// Returns whether the run that stored a checkpoint is dead beyond doubt: it was on this machine, and this run has the
    /// lock.
    #[must_use]
    pub fn is_dead(&self, stored: &StoredCheckpoint) -> bool {
        self.lock.is_some() && !stored.machine.is_empty() && stored.machine == self.run.machine
    }

    /// Notes the `created_at` of the row that the run inserts next. It comes before the row, so that a run that dies
    /// between the two cannot leave a row that nobody recognizes.
    pub(super) async fn expect_row(&self, key: &TaskLogKey, created_at: &str) -> Result<()> {
        let sql = format!("UPDATE audit_checkpoint SET row_created_at = ? WHERE {KEY}");
        self.change(key, sqlx::query(sqlx::AssertSqlSafe(sql)).bind(created_at.to_owned())).await
    }

    /// Deletes the checkpoint of a task, if it has one.
    pub async fn remove(&self, key: &TaskLogKey) -> Result<()> {
        let sql = format!("DELETE FROM audit_checkpoint WHERE {KEY}");
        self.change(key, sqlx::query(sqlx::AssertSqlSafe(sql))).await
    }

    async fn change(&self, key: &TaskLogKey, query: Query<'static, Sqlite, SqliteArguments>) -> Result<()> {
        query
            .bind(key.task_name.clone())
            .bind(timestamp(&key.period_beginning)?)
            .bind(timestamp(&key.period_ending)?)
            .bind(key.host.clone())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub(super) async fn put(&self, key: &TaskLogKey, checkpoint: &AuditCheckpoint, now: &str) -> Result<()> {
        let text =
            serde_json::to_string(checkpoint).map_err(|error| HostError::new("ValueError", error.to_string()))?;
        // The first checkpoint of an audit comes before its row, and replaces what is left of an earlier audit.
        let is_first = checkpoint.instances == 0 && !checkpoint.complete && !checkpoint.retrying;
        let begun = if is_first { ", begun_at = excluded.begun_at, row_created_at = NULL" } else { "" };
        let sql = format!(
            "INSERT INTO audit_checkpoint (cell, task_name, period_beginning, period_ending, host, begun_at, process, \
             machine, checkpoint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (task_name, period_beginning, period_ending, host) DO UPDATE SET cell = excluded.cell, \
             process = excluded.process, machine = excluded.machine, checkpoint = excluded.checkpoint{begun}"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(&self.cell)
            .bind(&key.task_name)
            .bind(timestamp(&key.period_beginning)?)
            .bind(timestamp(&key.period_ending)?)
            .bind(&key.host)
            .bind(now)
            .bind(self.run.process)
            .bind(&self.run.machine)
            .bind(text)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Closes the file, then unlocks it.
    pub async fn close(&self) {
        self.pool.close().await;
        if let Some(lock) = &self.lock {
            lock.release();
        }
    }
}

fn state_error(path: &Path, error: &sqlx::Error) -> StateError {
    let path = path.to_owned();
    if is_not_a_database(error) || is_damaged(error) {
        StateError::NotAState(path)
    } else {
        StateError::Unreadable { path, reason: describe(error) }
    }
}
