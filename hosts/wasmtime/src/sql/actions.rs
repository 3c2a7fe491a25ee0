//! `instance_actions` and `instance_actions_events`.

use serde_json::json;
use sqlx::AnyConnection;

use super::table::{Column, Table, Value, columns};
use super::{Result, SqlConductor, optional_timestamp, timestamp};
use crate::bindings::nova::compute_utils::conductor::{
    ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, Context, HostError,
    InstanceAction, InstanceActionEvent,
};

impl Table for InstanceAction {
    const NAME: &str = "instance_actions";
    const COLUMNS: &[Column] = &columns! {
        id: Integer, action: Text, instance_uuid: Text, request_id: Text, user_id: Text, project_id: Text,
        start_time: Timestamp, finish_time: Timestamp, message: Text, created_at: Timestamp,
        updated_at: Timestamp, deleted_at: Timestamp, deleted: Boolean,
    };
}

impl Table for InstanceActionEvent {
    const NAME: &str = "instance_actions_events";
    const COLUMNS: &[Column] = &columns! {
        id: Integer, event: Text, action_id: Integer, start_time: Timestamp, finish_time: Timestamp,
        result: Text, traceback: LongText, host: Text, details: LongText, created_at: Timestamp,
        updated_at: Timestamp, deleted_at: Timestamp, deleted: Boolean,
    };
    const HIBISCUS_ONLY: &[&str] = &["host", "details"];
}

/// The instance and the request that an action belongs to.
#[derive(Clone, Copy)]
struct Request<'a> {
    instance_uuid: &'a str,
    request_id: Option<&'a str>,
}

impl<'a> Request<'a> {
    fn new(instance_uuid: &'a str, request_id: Option<&'a String>) -> Self {
        Self { instance_uuid, request_id: request_id.map(String::as_str) }
    }

    fn action_not_found(self) -> HostError {
        let Self { instance_uuid, request_id } = self;
        let shown = request_id.unwrap_or("None");
        let message = format!("Action for request_id {shown} on instance {instance_uuid} not found");
        HostError::new("InstanceActionNotFound", message)
            .with_arguments(json!({ "request_id": request_id, "instance_uuid": instance_uuid }))
    }
}

fn event_not_found(event: &str, action_id: i64) -> HostError {
    HostError::new("InstanceActionEventNotFound", format!("Event {event} not found for action id {action_id}"))
        .with_arguments(json!({ "event": event, "action_id": action_id }))
}

impl SqlConductor {
    pub(super) async fn start_action(&self, values: ActionStartValues) -> Result<InstanceAction> {
        let request = Request::new(&values.instance_uuid, values.request_id.as_ref());
        let row = InstanceAction {
            id: 0,
            action: values.action,
            instance_uuid: Some(values.instance_uuid.clone()),
            request_id: values.request_id.clone(),
            user_id: values.user_id,
            project_id: values.project_id,
            start_time: optional_timestamp(values.start_time.as_deref())?,
            finish_time: None,
            message: None,
            created_at: None,
            updated_at: optional_timestamp(values.updated_at.as_deref())?,
            deleted_at: None,
            deleted: false,
        };
        let mut transaction = self.begin_write().await?;
        self.insert(&mut *transaction, &row).await?;
        let inserted = self.actions(&mut transaction, request, "ORDER BY id DESC LIMIT 1").await?;
        transaction.commit().await?;
        inserted.into_iter().next().ok_or_else(|| request.action_not_found())
    }

    pub(super) async fn finish_action(&self, values: &ActionFinishValues) -> Result<InstanceAction> {
        let finish_time = timestamp(&values.finish_time)?;
        let updated_at = optional_timestamp(values.updated_at.as_deref())?;
        let request = Request::new(&values.instance_uuid, values.request_id.as_ref());
        let mut transaction = self.begin_write().await?;
        let mut found = self.actions(&mut transaction, request, "ORDER BY id LIMIT 2").await?.into_iter();
        let before = found.next().ok_or_else(|| request.action_not_found())?;
        if self.rules().requires_one_action_to_finish && found.next().is_some() {
            return Err(request.action_not_found());
        }
        let mut action = before.clone();
        action.finish_time = Some(finish_time);
        action.updated_at = updated_at.or(action.updated_at);
        self.update_action(&mut transaction, &before, &mut action).await?;
        transaction.commit().await?;
        Ok(action)
    }

    pub(super) async fn start_event(
        &self,
        context: &Context,
        values: ActionEventStartValues,
    ) -> Result<InstanceActionEvent> {
        let start_time = timestamp(&values.start_time)?;
        let request = Request::new(&values.instance_uuid, values.request_id.as_ref());
        let mut transaction = self.begin_write().await?;
        let (before, is_own) = self.action_of(&mut transaction, context, request).await?;
        let row = InstanceActionEvent {
            id: 0,
            event: Some(values.event.clone()),
            action_id: Some(before.id),
            start_time: Some(start_time.clone()),
            finish_time: None,
            result: None,
            traceback: None,
            host: values.host,
            details: None,
            created_at: None,
            updated_at: None,
            deleted_at: None,
            deleted: false,
        };
        self.insert(&mut *transaction, &row).await?;
        let event = self.event(&mut transaction, before.id, &values.event, "ORDER BY id DESC LIMIT 1").await?;
        if is_own && self.rules().events_update_action {
            let mut action = before.clone();
            action.updated_at = Some(start_time);
            self.update_action(&mut transaction, &before, &mut action).await?;
        }
        transaction.commit().await?;
        Ok(event)
    }

    pub(super) async fn finish_event(
        &self,
        context: &Context,
        values: ActionEventFinishValues,
    ) -> Result<InstanceActionEvent> {
        let finish_time = timestamp(&values.finish_time)?;
        let request = Request::new(&values.instance_uuid, values.request_id.as_ref());
        let mut transaction = self.begin_write().await?;
        let (action_before, is_own) = self.action_of(&mut transaction, context, request).await?;
        let event_before = self.event(&mut transaction, action_before.id, &values.event, "ORDER BY id LIMIT 1").await?;

        let mut action = action_before.clone();
        if values.result.eq_ignore_ascii_case("error") {
            action.message = Some("Error".to_owned());
        }
        if is_own && self.rules().events_update_action {
            action.updated_at = Some(finish_time.clone());
        }

        let mut event = event_before.clone();
        event.finish_time = Some(finish_time);
        event.result = Some(values.result);
        event.traceback = values.traceback.or(event.traceback);
        event.details = values.details.or(event.details);
        if event != event_before {
            event.updated_at = Some(self.now());
            let changes = vec![
                ("updated_at", Value::Timestamp(event.updated_at.clone())),
                ("finish_time", Value::Timestamp(event.finish_time.clone())),
                ("result", Value::Text(event.result.clone())),
                ("traceback", Value::Text(event.traceback.clone())),
                ("details", Value::Text(event.details.clone())),
            ];
            let condition = self.condition().equal("id", event.id);
            self.update::<InstanceActionEvent>(&mut *transaction, changes, condition).await?;
        }
        self.update_action(&mut transaction, &action_before, &mut action).await?;
        transaction.commit().await?;
        Ok(event)
    }

    /// Returns the action that the events of a request belong to, and whether that action belongs to the request.
    async fn action_of(
        &self,
        connection: &mut AnyConnection,
        context: &Context,
        request: Request<'_>,
    ) -> Result<(InstanceAction, bool)> {
        let newest = "ORDER BY created_at DESC, id DESC LIMIT 1";
        let uses_newest = self.rules().uses_newest_action;
        let order = if uses_newest { newest } else { "ORDER BY id LIMIT 1" };
        if let Some(own) = self.actions(connection, request, order).await?.into_iter().next() {
            return Ok((own, true));
        }
        // A service that restarts resumes its instances with a new request, which has no project. Such an event belongs
        // to the newest action of the instance.
        if uses_newest && context.project_id.as_deref().is_none_or(str::is_empty) {
            let condition = self.live().equal("instance_uuid", request.instance_uuid);
            if let Some(action) = self.select(connection, condition, newest).await?.into_iter().next() {
                return Ok((action, false));
            }
        }
        Err(request.action_not_found())
    }

    async fn actions(
        &self,
        connection: &mut AnyConnection,
        Request { instance_uuid, request_id }: Request<'_>,
        order: &str,
    ) -> Result<Vec<InstanceAction>, sqlx::Error> {
        let request_id = Value::Text(request_id.map(str::to_owned));
        let condition = self.live().equal("instance_uuid", instance_uuid).equal("request_id", request_id);
        self.select(connection, condition, order).await
    }

    async fn event(
        &self,
        connection: &mut AnyConnection,
        action_id: i64,
        event: &str,
        order: &str,
    ) -> Result<InstanceActionEvent> {
        let condition = self.live().equal("action_id", action_id).equal("event", event);
        let found = self.select(connection, condition, order).await?;
        found.into_iter().next().ok_or_else(|| event_not_found(event, action_id))
    }

    /// Writes the changes of an action. `updated_at` becomes the current time unless it is among the changes.
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
            action.updated_at = Some(self.now());
        }
        let changes = vec![
            ("updated_at", Value::Timestamp(action.updated_at.clone())),
            ("finish_time", Value::Timestamp(action.finish_time.clone())),
            ("message", Value::Text(action.message.clone())),
        ];
        self.update::<InstanceAction>(connection, changes, self.condition().equal("id", action.id)).await?;
        Ok(())
    }
}
