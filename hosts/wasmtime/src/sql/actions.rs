//! `instance_actions` and `instance_actions_events`.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::{Dialect, SqlConductor, moment, optional_moment, row};
use crate::bindings::exports::nova::compute_utils::types::Release;
use crate::bindings::nova::compute_utils::conductor::{
    ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, Context, HostError,
    InstanceAction, InstanceActionEvent,
};
use crate::datetime;

pub(super) async fn action_start(
    conductor: &SqlConductor,
    values: &ActionStartValues,
) -> Result<InstanceAction, HostError> {
    let (start_time, updated_at) =
        (optional_moment(values.start_time.as_deref())?, optional_moment(values.updated_at.as_deref())?);
    let m = conductor.dialect.moment();
    let sql = conductor.dialect.placeholders(format!(
        "INSERT INTO instance_actions \
         (created_at, updated_at, action, instance_uuid, request_id, user_id, project_id, start_time, deleted) \
         VALUES ({m}, {m}, ?, ?, ?, ?, ?, {m}, 0)"
    ));
    let table = Table { conductor };
    let failed = |error: sqlx::Error| conductor.failed(&error);
    let mut transaction = conductor.write().await?;
    sqlx::query(AssertSqlSafe(sql))
        .bind(conductor.now())
        .bind(updated_at)
        .bind(&values.action)
        .bind(&values.instance_uuid)
        .bind(&values.request_id)
        .bind(&values.user_id)
        .bind(&values.project_id)
        .bind(start_time)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    let request = Asked::new(&values.instance_uuid, values.request_id.as_deref());
    let inserted = table.actions(&mut transaction, request, "a.id DESC", 1).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    inserted.into_iter().next().ok_or_else(|| request.not_found())
}

pub(super) async fn action_finish(
    conductor: &SqlConductor,
    values: &ActionFinishValues,
) -> Result<InstanceAction, HostError> {
    let finish_time = contract_moment(&values.finish_time)?;
    let updated_at = values.updated_at.as_deref().map(contract_moment).transpose()?;
    let failed = |error: sqlx::Error| conductor.failed(&error);
    let table = Table { conductor };
    let request = Asked::new(&values.instance_uuid, values.request_id.as_deref());
    let mut transaction = conductor.write().await?;
    let found = table.actions(&mut transaction, request, "a.id", 2).await.map_err(failed)?;
    let mut found = found.into_iter();
    let before = found.next().ok_or_else(|| request.not_found())?;
    // Today's Nova refuses where there are several, and changes nothing.
    if conductor.release == Release::Hibiscus && found.next().is_some() {
        return Err(request.not_found());
    }
    let mut action = before.clone();
    action.finish_time = Some(finish_time);
    action.updated_at = updated_at.or(action.updated_at);
    table.update_action(&mut transaction, &before, &mut action).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(action)
}

pub(super) async fn action_event_start(
    conductor: &SqlConductor,
    context: &Context,
    values: &ActionEventStartValues,
) -> Result<InstanceActionEvent, HostError> {
    let start_time = moment(&values.start_time)?;
    let failed = |error: sqlx::Error| conductor.failed(&error);
    let table = Table { conductor };
    let request = Asked::new(&values.instance_uuid, values.request_id.as_deref());
    let mut transaction = conductor.write().await?;
    let found = table.action_of(&mut transaction, context, request).await.map_err(failed)?;
    let (before, own) = found.ok_or_else(|| request.not_found())?;
    table.insert_event(&mut transaction, before.id, values, &start_time).await.map_err(failed)?;
    let event = table.event(&mut transaction, before.id, &values.event, "e.id DESC").await.map_err(failed)?;
    if own && conductor.release == Release::Hibiscus {
        let mut action = before.clone();
        action.updated_at = Some(contract_moment(&values.start_time)?);
        table.update_action(&mut transaction, &before, &mut action).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)?;
    event.ok_or_else(|| event_not_found(&values.event, before.id))
}

pub(super) async fn action_event_finish(
    conductor: &SqlConductor,
    context: &Context,
    values: &ActionEventFinishValues,
) -> Result<InstanceActionEvent, HostError> {
    let finish_time = contract_moment(&values.finish_time)?;
    let failed = |error: sqlx::Error| conductor.failed(&error);
    let table = Table { conductor };
    let request = Asked::new(&values.instance_uuid, values.request_id.as_deref());
    let mut transaction = conductor.write().await?;
    let found = table.action_of(&mut transaction, context, request).await.map_err(failed)?;
    let (action_before, own) = found.ok_or_else(|| request.not_found())?;
    let found = table.event(&mut transaction, action_before.id, &values.event, "e.id").await.map_err(failed)?;
    let event_before = found.ok_or_else(|| event_not_found(&values.event, action_before.id))?;

    let mut event = event_before.clone();
    event.finish_time = Some(finish_time.clone());
    event.result = Some(values.result.clone());
    event.traceback = values.traceback.clone().or(event.traceback);
    event.details = values.details.clone().or(event.details);
    table.update_event(&mut transaction, &event_before, &mut event).await.map_err(failed)?;

    let mut action = action_before.clone();
    if values.result.eq_ignore_ascii_case("error") {
        action.message = Some("Error".to_owned());
    }
    if own && conductor.release == Release::Hibiscus {
        action.updated_at = Some(finish_time);
    }
    table.update_action(&mut transaction, &action_before, &mut action).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(event)
}

/// Any form of a moment in the one of the contract, so that two can be compared.
fn contract_moment(text: &str) -> Result<String, HostError> {
    moment(text)?;
    Ok(datetime::parse(text).map_or_else(|| text.to_owned(), datetime::isoformat))
}

fn event_not_found(event: &str, action_id: i64) -> HostError {
    HostError {
        code: "InstanceActionEventNotFound".into(),
        message: format!("Event {event} not found for action id {action_id}"),
    }
}

/// What actions are found by.
#[derive(Clone, Copy)]
struct Asked<'a> {
    instance_uuid: &'a str,
    request_id: Option<&'a str>,
    /// Any request's, in fact.
    any: bool,
}

impl<'a> Asked<'a> {
    fn new(instance_uuid: &'a str, request_id: Option<&'a str>) -> Self {
        Self { instance_uuid, request_id, any: false }
    }

    fn any(self) -> Self {
        Self { any: true, ..self }
    }

    fn not_found(self) -> HostError {
        let request_id = self.request_id.unwrap_or("None");
        let message = format!("Action for request_id {request_id} on instance {} not found", self.instance_uuid);
        HostError { code: "InstanceActionNotFound".into(), message }
    }
}

/// The statements.
struct Table<'a> {
    conductor: &'a SqlConductor,
}

impl Table<'_> {
    fn dialect(&self) -> Dialect {
        self.conductor.dialect
    }

    fn is_hibiscus(&self) -> bool {
        self.conductor.release == Release::Hibiscus
    }

    /// The action that events of a request belong to, and whether it is that request's own.
    async fn action_of(
        &self,
        connection: &mut AnyConnection,
        context: &Context,
        request: Asked<'_>,
    ) -> Result<Option<(InstanceAction, bool)>, sqlx::Error> {
        let newest = "a.created_at DESC, a.id DESC";
        let order = if self.is_hibiscus() { newest } else { "a.id" };
        let own = self.actions(connection, request, order, 1).await?.into_iter().next();
        let is_service = context.project_id.as_deref().is_none_or(str::is_empty);
        if own.is_some() || !is_service || !self.is_hibiscus() {
            return Ok(own.map(|action| (action, true)));
        }
        // A service that starts anew asks with a request of its own. Its instance's newest action is what it goes on with.
        let any = self.actions(connection, request.any(), newest, 1).await?.into_iter().next();
        Ok(any.map(|action| (action, false)))
    }

    async fn actions(
        &self,
        connection: &mut AnyConnection,
        request: Asked<'_>,
        order: &str,
        limit: u32,
    ) -> Result<Vec<InstanceAction>, sqlx::Error> {
        let [start_time, finish_time, created_at, updated_at, deleted_at] =
            ["start_time", "finish_time", "created_at", "updated_at", "deleted_at"]
                .map(|column| self.dialect().moment_text(&format!("a.{column}")));
        let wanted = request.request_id.filter(|_| !request.any);
        let by_request = match wanted {
            None if request.any => "",
            None => "AND a.request_id IS NULL",
            Some(_) => "AND a.request_id = ?",
        };
        let sql = self.dialect().placeholders(format!(
            "SELECT a.id, a.action, a.instance_uuid, a.request_id, a.user_id, a.project_id, {start_time}, {finish_time}, \
             a.message, {created_at}, {updated_at}, {deleted_at}, a.deleted FROM instance_actions a \
             WHERE a.deleted = 0 AND a.instance_uuid = ? {by_request} ORDER BY {order} LIMIT {limit}"
        ));
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(request.instance_uuid);
        if let Some(request_id) = wanted {
            query = query.bind(request_id);
        }
        query.fetch_all(connection).await?.iter().map(action).collect()
    }

    /// Write what changed, and when, unless the change itself says so or there is none.
    async fn update_action(
        &self,
        connection: &mut AnyConnection,
        before: &InstanceAction,
        action: &mut InstanceAction,
    ) -> Result<(), sqlx::Error> {
        if before == action {
            return Ok(());
        }
        if before.updated_at == action.updated_at {
            action.updated_at = Some(datetime::isoformat(self.conductor.clock.now()));
        }
        let m = self.dialect().moment();
        let sql = self.dialect().placeholders(format!(
            "UPDATE instance_actions SET updated_at = {m}, finish_time = {m}, message = ? WHERE id = ?"
        ));
        sqlx::query(AssertSqlSafe(sql))
            .bind(as_sql(action.updated_at.as_deref()))
            .bind(as_sql(action.finish_time.as_deref()))
            .bind(&action.message)
            .bind(action.id)
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn insert_event(
        &self,
        connection: &mut AnyConnection,
        action_id: i64,
        values: &ActionEventStartValues,
        start_time: &str,
    ) -> Result<(), sqlx::Error> {
        let m = self.dialect().moment();
        let (host, host_value) = if self.is_hibiscus() { (", host", ", ?") } else { ("", "") };
        let sql = self.dialect().placeholders(format!(
            "INSERT INTO instance_actions_events (created_at, event, action_id, start_time, deleted{host}) \
             VALUES ({m}, ?, ?, {m}, 0{host_value})"
        ));
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(self.conductor.now())
            .bind(&values.event)
            .bind(action_id)
            .bind(start_time.to_owned());
        let query = if self.is_hibiscus() { query.bind(&values.host) } else { query };
        query.execute(connection).await?;
        Ok(())
    }

    /// An event of an action by its name, the first in an order.
    async fn event(
        &self,
        connection: &mut AnyConnection,
        action_id: i64,
        event: &str,
        order: &str,
    ) -> Result<Option<InstanceActionEvent>, sqlx::Error> {
        let dialect = self.dialect();
        let [start_time, finish_time, created_at, updated_at, deleted_at] =
            ["start_time", "finish_time", "created_at", "updated_at", "deleted_at"]
                .map(|column| dialect.moment_text(&format!("e.{column}")));
        let traceback = dialect.bytes("e.traceback");
        let hibiscus =
            if self.is_hibiscus() { format!(", e.host, {}", dialect.bytes("e.details")) } else { String::new() };
        let sql = dialect.placeholders(format!(
            "SELECT e.id, e.event, e.action_id, {start_time}, {finish_time}, e.result, {traceback}, {created_at}, \
             {updated_at}, {deleted_at}, e.deleted{hibiscus} FROM instance_actions_events e \
             WHERE e.deleted = 0 AND e.action_id = ? AND e.event = ? ORDER BY {order} LIMIT 1"
        ));
        let found = sqlx::query(AssertSqlSafe(sql)).bind(action_id).bind(event).fetch_optional(connection).await?;
        found.as_ref().map(|row| self.read_event(row)).transpose()
    }

    fn read_event(&self, row: &AnyRow) -> Result<InstanceActionEvent, sqlx::Error> {
        let (host, details) =
            if self.is_hibiscus() { (row.try_get(11)?, row::long_text(row, 12)?) } else { (None, None) };
        Ok(InstanceActionEvent {
            id: row.try_get(0)?,
            event: row.try_get(1)?,
            action_id: row.try_get(2)?,
            start_time: row::moment(row, 3)?,
            finish_time: row::moment(row, 4)?,
            result: row.try_get(5)?,
            traceback: row::long_text(row, 6)?,
            host,
            details,
            created_at: row::moment(row, 7)?,
            updated_at: row::moment(row, 8)?,
            deleted_at: row::moment(row, 9)?,
            deleted: row::count(row, 10)? != 0,
        })
    }

    /// Likewise of an event.
    async fn update_event(
        &self,
        connection: &mut AnyConnection,
        before: &InstanceActionEvent,
        event: &mut InstanceActionEvent,
    ) -> Result<(), sqlx::Error> {
        if before == event {
            return Ok(());
        }
        event.updated_at = Some(datetime::isoformat(self.conductor.clock.now()));
        let m = self.dialect().moment();
        let details = if self.is_hibiscus() { ", details = ?" } else { "" };
        let sql = self.dialect().placeholders(format!(
            "UPDATE instance_actions_events SET updated_at = {m}, finish_time = {m}, result = ?, traceback = ?{details} \
             WHERE id = ?"
        ));
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(as_sql(event.updated_at.as_deref()))
            .bind(as_sql(event.finish_time.as_deref()))
            .bind(&event.result)
            .bind(&event.traceback);
        let query = if self.is_hibiscus() { query.bind(&event.details) } else { query };
        query.bind(event.id).execute(connection).await?;
        Ok(())
    }
}

fn action(row: &AnyRow) -> Result<InstanceAction, sqlx::Error> {
    Ok(InstanceAction {
        id: row.try_get(0)?,
        action: row.try_get(1)?,
        instance_uuid: row.try_get(2)?,
        request_id: row.try_get(3)?,
        user_id: row.try_get(4)?,
        project_id: row.try_get(5)?,
        start_time: row::moment(row, 6)?,
        finish_time: row::moment(row, 7)?,
        message: row.try_get(8)?,
        created_at: row::moment(row, 9)?,
        updated_at: row::moment(row, 10)?,
        deleted_at: row::moment(row, 11)?,
        deleted: row::count(row, 12)? != 0,
    })
}

/// What came out of the database goes in again in its form.
fn as_sql(text: Option<&str>) -> Option<String> {
    text.map(|text| datetime::parse(text).map_or_else(|| text.to_owned(), datetime::sql))
}
