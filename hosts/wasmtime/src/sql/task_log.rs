use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{SqlConductor, Window};
use crate::bindings::nova::compute_utils::conductor::TaskLog;
use crate::datetime;

/// Nova leaves soft-deleted rows out, as everywhere.
fn select(conductor: &SqlConductor, filter: &str) -> String {
    let dialect = conductor.dialect;
    let (begin, end) = (dialect.moment_text("t.period_beginning"), dialect.moment_text("t.period_ending"));
    let moment = dialect.moment();
    dialect.placeholders(format!(
        "SELECT t.task_name, t.state, t.host, {begin}, {end}, t.message, t.task_items, t.errors FROM task_log t \
         WHERE t.deleted = 0 AND t.task_name = ? AND t.period_beginning = {moment} AND t.period_ending = {moment} {filter} \
         ORDER BY t.host, t.id"
    ))
}

fn row(row: &AnyRow) -> Result<TaskLog, sqlx::Error> {
    let moment = |index: usize| {
        let text: String = row.try_get(index)?;
        Ok::<_, sqlx::Error>(datetime::parse(&text).map_or(text, datetime::isoformat))
    };
    Ok(TaskLog {
        task_name: row.try_get(0)?,
        state: row.try_get(1)?,
        host: row.try_get(2)?,
        period_beginning: moment(3)?,
        period_ending: moment(4)?,
        message: row.try_get(5)?,
        task_items: row.try_get::<Option<i64>, _>(6)?.unwrap_or_default(),
        errors: row.try_get::<Option<i64>, _>(7)?.unwrap_or_default(),
    })
}

pub(super) async fn get(
    conductor: &SqlConductor,
    task_name: &str,
    window: &Window,
    host: &str,
) -> Result<Option<TaskLog>, sqlx::Error> {
    let sql = select(conductor, "AND t.host = ?");
    let query = sqlx::query(AssertSqlSafe(sql)).bind(task_name).bind(&window.begin).bind(&window.end).bind(host);
    query.fetch_optional(&conductor.pool).await?.as_ref().map(row).transpose()
}

pub(super) async fn get_all(
    conductor: &SqlConductor,
    task_name: &str,
    window: &Window,
) -> Result<Vec<TaskLog>, sqlx::Error> {
    let sql = select(conductor, "");
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(task_name)
        .bind(&window.begin)
        .bind(&window.end)
        .fetch_all(&conductor.pool)
        .await?;
    rows.iter().map(row).collect()
}

pub(super) async fn begin(
    conductor: &SqlConductor,
    task_name: &str,
    window: &Window,
    host: &str,
    task_items: i64,
    message: &str,
) -> Result<(), sqlx::Error> {
    let moment = conductor.dialect.moment();
    let sql = conductor.dialect.placeholders(format!(
        "INSERT INTO task_log \
         (created_at, task_name, state, host, period_beginning, period_ending, message, task_items, errors, deleted) \
         VALUES ({moment}, ?, 'RUNNING', ?, {moment}, {moment}, ?, ?, 0, 0)"
    ));
    // Nova leaves an empty message out, and the column takes no null.
    let message = Some(message).filter(|message| !message.is_empty());
    let now = datetime::sql(conductor.clock.now());
    let query =
        sqlx::query(AssertSqlSafe(sql)).bind(now).bind(task_name).bind(host).bind(&window.begin).bind(&window.end);
    query.bind(message).bind(task_items).execute(&conductor.pool).await?;
    Ok(())
}

/// How many rows there were to end.
pub(super) async fn end(
    conductor: &SqlConductor,
    task_name: &str,
    window: &Window,
    host: &str,
    errors: i64,
    message: Option<&str>,
) -> Result<u64, sqlx::Error> {
    let moment = conductor.dialect.moment();
    let sql = conductor.dialect.placeholders(format!(
        "UPDATE task_log SET updated_at = {moment}, state = 'DONE', errors = ?, message = COALESCE(?, message) \
         WHERE deleted = 0 AND task_name = ? AND period_beginning = {moment} AND period_ending = {moment} AND host = ?"
    ));
    let now = datetime::sql(conductor.clock.now());
    let query = sqlx::query(AssertSqlSafe(sql)).bind(now).bind(errors).bind(message).bind(task_name);
    let done = query.bind(&window.begin).bind(&window.end).bind(host).execute(&conductor.pool).await?;
    Ok(done.rows_affected())
}
