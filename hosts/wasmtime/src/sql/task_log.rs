use serde_json::json;

use super::table::{Column, Condition, Table, Value, columns, timestamp as time};
use super::{Result, SqlConductor, timestamp};
use crate::bindings::nova::compute_utils::conductor::{HostError, TaskLog, TaskLogKey};

impl Table for TaskLog {
    const NAME: &str = "task_log";
    const COLUMNS: &[Column] = &columns! {
        task_name: Text, state: Text, host: Text, period_beginning: Timestamp, period_ending: Timestamp,
        message: LongText, task_items: Counter, errors: Counter,
    };
}

impl SqlConductor {
    /// Returns the rows of `task_log` for a task and a window, oldest first. Nova: `task_log_get_all`.
    pub async fn task_log_get_all(
        &self,
        task_name: &str,
        period_beginning: &str,
        period_ending: &str,
    ) -> Result<Vec<TaskLog>> {
        let condition = self.task_condition(task_name, period_beginning, period_ending)?;
        Ok(self.select(&self.pool, condition, "ORDER BY id").await?)
    }

    pub(super) async fn task_log(&self, key: &TaskLogKey) -> Result<Option<TaskLog>> {
        let rows = self.select(&self.pool, self.key_condition(key)?, "ORDER BY id LIMIT 1").await?;
        Ok(rows.into_iter().next())
    }

    /// Returns when the row of a task was inserted; `None` without a row, or when its time cannot be read.
    pub async fn task_begun_at(&self, key: &TaskLogKey) -> Result<Option<String>> {
        let columns = columns! { created_at: Timestamp };
        let (condition, order) = (self.key_condition(key)?, "ORDER BY id LIMIT 1");
        let rows = self.select_columns(&self.pool, &columns, TaskLog::NAME, condition, order).await?;
        let document = rows.first().and_then(|row| row.document(&columns).ok());
        Ok(document.and_then(|row| row.get("created_at")?.as_str().map(str::to_owned)))
    }

    pub(super) async fn begin_task(
        &self,
        key: TaskLogKey,
        task_items: i64,
        message: String,
        created_at: &str,
    ) -> Result<()> {
        // Nova omits an empty message from the INSERT, and the column is not nullable.
        if message.is_empty() {
            return Err(HostError::new("DBError", "the message of a task is empty: give one"));
        }
        let error = task_error("TaskAlreadyRunning", "already running", &key);
        let TaskLogKey { task_name, period_beginning, period_ending, host } = key;
        let row = TaskLog {
            task_name,
            state: "RUNNING".into(),
            host,
            period_beginning: timestamp(&period_beginning)?,
            period_ending: timestamp(&period_ending)?,
            message,
            task_items,
            errors: 0,
        };
        match self.insert_at(&self.pool, &row, created_at).await {
            Err(sqlx::Error::Database(cause)) if cause.is_unique_violation() => Err(error),
            inserted => Ok(inserted?),
        }
    }

    pub(super) async fn end_task(&self, key: &TaskLogKey, errors: i64, message: Option<String>) -> Result<()> {
        let mut changes = vec![("updated_at", time(&self.now())), ("state", "DONE".into()), ("errors", errors.into())];
        changes.extend(message.filter(|message| !message.is_empty()).map(|text| ("message", Value::Text(Some(text)))));
        match self.update::<TaskLog>(&self.pool, changes, self.key_condition(key)?).await? {
            0 => Err(task_error("TaskNotRunning", "not running", key)),
            _ => Ok(()),
        }
    }

    fn key_condition(&self, key: &TaskLogKey) -> Result<Condition> {
        let condition = self.task_condition(&key.task_name, &key.period_beginning, &key.period_ending)?;
        Ok(condition.equal("host", key.host.as_str()))
    }

    fn task_condition(&self, task_name: &str, begin: &str, end: &str) -> Result<Condition> {
        Ok(self
            .live()
            .equal("task_name", task_name)
            .equal("period_beginning", time(&timestamp(begin)?))
            .equal("period_ending", time(&timestamp(end)?)))
    }
}

fn task_error(code: &str, state: &str, TaskLogKey { task_name, host, .. }: &TaskLogKey) -> HostError {
    let message = format!("Task {task_name} is {state} on host {host}");
    HostError::new(code, message).with_arguments(json!({ "task_name": task_name, "host": host }))
}
