//! The interfaces `action` and `action-record`.

use super::Component;
use super::exports::nova::compute_utils::{action, types};
use crate::Context;
use crate::action::{ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, ExcVal};
use crate::fault::Failure;
use crate::time::{isoformat, parse};

impl action::Guest for Component {
    fn pack_action_start(
        release: types::Release,
        context: types::Context,
        instance_uuid: String,
        action_name: Option<String>,
    ) -> Result<action::ActionStartValues, types::Error> {
        let context = Context::try_from(context)?;
        let values = crate::action::pack_action_start(release.into(), &context, &instance_uuid, action_name.as_deref());
        Ok(values.into())
    }

    fn pack_action_finish(
        release: types::Release,
        context: types::Context,
        instance_uuid: String,
        now: String,
    ) -> Result<action::ActionFinishValues, types::Error> {
        let context = Context::try_from(context)?;
        Ok(crate::action::pack_action_finish(release.into(), &context, &instance_uuid, parse(&now)?).into())
    }

    fn pack_action_event_start(
        release: types::Release,
        context: types::Context,
        instance_uuid: String,
        event_name: String,
        host: Option<String>,
        now: String,
    ) -> Result<action::ActionEventStartValues, types::Error> {
        let context = Context::try_from(context)?;
        let values = crate::action::pack_action_event_start(
            release.into(),
            &context,
            &instance_uuid,
            &event_name,
            host.as_deref(),
            parse(&now)?,
        );
        Ok(values.into())
    }

    fn pack_action_event_finish(
        release: types::Release,
        context: types::Context,
        instance_uuid: String,
        event_name: String,
        exc_val: Option<action::ExcVal>,
        exc_tb: Option<String>,
        now: String,
    ) -> Result<action::ActionEventFinishValues, types::Error> {
        let context = Context::try_from(context)?;
        let exc_val = exc_val.map(OwnedExcVal::from);
        let values = crate::action::pack_action_event_finish(
            release.into(),
            &context,
            &instance_uuid,
            &event_name,
            exc_val.as_ref().map(OwnedExcVal::borrowed),
            exc_tb.as_deref(),
            parse(&now)?,
        )?;
        Ok(values.into())
    }
}

/// The exception of an event, as it came over the border.
enum OwnedExcVal {
    Text(String),
    Failure(Failure),
}

impl OwnedExcVal {
    fn borrowed(&self) -> ExcVal<'_> {
        match self {
            Self::Text(text) => ExcVal::Text(text),
            Self::Failure(failure) => ExcVal::Failure(failure),
        }
    }
}

impl From<action::ExcVal> for OwnedExcVal {
    fn from(exc_val: action::ExcVal) -> Self {
        match exc_val {
            action::ExcVal::Text(text) => Self::Text(text),
            action::ExcVal::Failure(failure) => Self::Failure(failure.into()),
        }
    }
}

/// The values of a row have the same fields in every interface that speaks of them.
macro_rules! values {
    ($($interface:ident)*) => {$(
        impl From<ActionStartValues> for $interface::ActionStartValues {
            fn from(values: ActionStartValues) -> Self {
                Self {
                    action: values.action,
                    instance_uuid: values.instance_uuid,
                    request_id: values.request_id,
                    user_id: values.user_id,
                    project_id: values.project_id,
                    start_time: values.start_time.map(isoformat),
                    updated_at: values.updated_at.map(isoformat),
                }
            }
        }

        impl From<ActionFinishValues> for $interface::ActionFinishValues {
            fn from(values: ActionFinishValues) -> Self {
                Self {
                    instance_uuid: values.instance_uuid,
                    request_id: values.request_id,
                    finish_time: isoformat(values.finish_time),
                    updated_at: values.updated_at.map(isoformat),
                }
            }
        }

        impl From<ActionEventStartValues> for $interface::ActionEventStartValues {
            fn from(values: ActionEventStartValues) -> Self {
                Self {
                    event: values.event,
                    instance_uuid: values.instance_uuid,
                    request_id: values.request_id,
                    start_time: isoformat(values.start_time),
                    host: values.host,
                }
            }
        }

        impl From<ActionEventFinishValues> for $interface::ActionEventFinishValues {
            fn from(values: ActionEventFinishValues) -> Self {
                Self {
                    event: values.event,
                    instance_uuid: values.instance_uuid,
                    request_id: values.request_id,
                    finish_time: isoformat(values.finish_time),
                    result: values.result,
                    message: values.message,
                    details: values.details,
                    traceback: values.traceback,
                }
            }
        }
    )*};
}

values! { action }

#[cfg(not(feature = "component-pure"))]
mod callbacks {
    //! What calls out.

    use std::cell::RefCell;

    use super::super::callbacks::{Imports, finished};
    use super::super::exports::nova::compute_utils::action_record;
    use super::super::nova::compute_utils::conductor;
    use super::*;
    use crate::Error;
    use crate::action::{Event, EventReporter};
    use crate::host::{HostError, InstanceAction, InstanceActionEvent};

    values! { conductor }

    impl action_record::Guest for Component {
        type EventReporter = Reporter;

        fn action_start(
            release: types::Release,
            context: types::Context,
            instance_uuid: String,
            action_name: Option<String>,
        ) -> Result<action_record::InstanceAction, types::Error> {
            let context = Context::try_from(context)?;
            let action_name = action_name.as_deref();
            let action = crate::action::action_start(&Imports, release.into(), &context, &instance_uuid, action_name);
            finished(action).map(Into::into)
        }

        fn action_finish(
            release: types::Release,
            context: types::Context,
            instance_uuid: String,
        ) -> Result<action_record::InstanceAction, types::Error> {
            let context = Context::try_from(context)?;
            finished(crate::action::action_finish(&Imports, release.into(), &context, &instance_uuid)).map(Into::into)
        }

        fn event_start(
            release: types::Release,
            context: types::Context,
            instance_uuid: String,
            event_name: String,
            host: Option<String>,
        ) -> Result<action_record::InstanceActionEvent, types::Error> {
            let context = Context::try_from(context)?;
            let host = host.as_deref();
            let event =
                crate::action::event_start(&Imports, release.into(), &context, &instance_uuid, &event_name, host);
            finished(event).map(Into::into)
        }

        fn event_finish(
            release: types::Release,
            context: types::Context,
            instance_uuid: String,
            event_name: String,
        ) -> Result<action_record::InstanceActionEvent, types::Error> {
            let context = Context::try_from(context)?;
            let event = crate::action::event_finish(&Imports, release.into(), &context, &instance_uuid, &event_name);
            finished(event).map(Into::into)
        }

        fn event_finish_with_failure(
            release: types::Release,
            context: types::Context,
            instance_uuid: String,
            event_name: String,
            exc_val: Option<action::ExcVal>,
            exc_tb: Option<String>,
        ) -> Result<action_record::InstanceActionEvent, types::Error> {
            let context = Context::try_from(context)?;
            let exc_val = exc_val.map(OwnedExcVal::from);
            let event = crate::action::event_finish_with_failure(
                &Imports,
                release.into(),
                &context,
                &instance_uuid,
                &event_name,
                exc_val.as_ref().map(OwnedExcVal::borrowed),
                exc_tb.as_deref(),
            );
            finished(event).map(Into::into)
        }
    }

    /// Open events; none once they are finished.
    pub struct Reporter(RefCell<Option<EventReporter>>);

    impl action_record::GuestEventReporter for Reporter {
        fn start(
            release: types::Release,
            context: types::Context,
            event: action_record::Event,
        ) -> Result<action_record::EventReporter, types::Error> {
            let context = Context::try_from(context)?;
            let reporter = finished(EventReporter::start(&Imports, release.into(), &context, event.into()))?;
            Ok(action_record::EventReporter::new(Self(RefCell::new(Some(reporter)))))
        }

        fn finish(this: action_record::EventReporter, failure: Option<types::Failure>) -> Result<(), types::Error> {
            let reporter = this.into_inner::<Self>().0.take();
            let failure = failure.map(Failure::from);
            match reporter {
                Some(reporter) => finished(reporter.finish(&Imports, failure.as_ref())).map(|_| ()),
                None => Err(Error::new("RuntimeError", "the event reporter is finished already").into()),
            }
        }
    }

    /// Who drops it unfinished did not get to the end of the work. There is nobody left to hear of a refusal.
    impl Drop for Reporter {
        fn drop(&mut self) {
            if let Some(reporter) = self.0.take() {
                let message = "the event reporter was dropped before it was finished";
                let failure = Failure::new("RuntimeError", message).with_formatted_message(message);
                let _ = finished(reporter.finish(&Imports, Some(&failure)));
            }
        }
    }

    impl From<action_record::Event> for Event {
        fn from(event: action_record::Event) -> Self {
            Self {
                name: event.name,
                host: event.host,
                instance_uuids: event.instance_uuids,
                graceful_exit: event.graceful_exit,
                swallow_body_error: false,
            }
        }
    }

    impl From<InstanceAction> for action_record::InstanceAction {
        fn from(action: InstanceAction) -> Self {
            Self {
                id: action.id,
                action: action.action,
                instance_uuid: action.instance_uuid,
                request_id: action.request_id,
                user_id: action.user_id,
                project_id: action.project_id,
                start_time: action.start_time.map(isoformat),
                finish_time: action.finish_time.map(isoformat),
                message: action.message,
                created_at: action.created_at.map(isoformat),
                updated_at: action.updated_at.map(isoformat),
                deleted_at: action.deleted_at.map(isoformat),
                deleted: action.deleted,
            }
        }
    }

    impl From<InstanceActionEvent> for action_record::InstanceActionEvent {
        fn from(event: InstanceActionEvent) -> Self {
            Self {
                id: event.id,
                event: event.event,
                action_id: event.action_id,
                start_time: event.start_time.map(isoformat),
                finish_time: event.finish_time.map(isoformat),
                result: event.result,
                traceback: event.traceback,
                host: event.host,
                details: event.details,
                created_at: event.created_at.map(isoformat),
                updated_at: event.updated_at.map(isoformat),
                deleted_at: event.deleted_at.map(isoformat),
                deleted: event.deleted,
            }
        }
    }

    impl TryFrom<conductor::InstanceAction> for InstanceAction {
        type Error = HostError;

        fn try_from(action: conductor::InstanceAction) -> Result<Self, HostError> {
            Ok(Self {
                id: action.id,
                action: action.action,
                instance_uuid: action.instance_uuid,
                request_id: action.request_id,
                user_id: action.user_id,
                project_id: action.project_id,
                start_time: moment(action.start_time)?,
                finish_time: moment(action.finish_time)?,
                message: action.message,
                created_at: moment(action.created_at)?,
                updated_at: moment(action.updated_at)?,
                deleted_at: moment(action.deleted_at)?,
                deleted: action.deleted,
            })
        }
    }

    impl TryFrom<conductor::InstanceActionEvent> for InstanceActionEvent {
        type Error = HostError;

        fn try_from(event: conductor::InstanceActionEvent) -> Result<Self, HostError> {
            Ok(Self {
                id: event.id,
                event: event.event,
                action_id: event.action_id,
                start_time: moment(event.start_time)?,
                finish_time: moment(event.finish_time)?,
                result: event.result,
                traceback: event.traceback,
                host: event.host,
                details: event.details,
                created_at: moment(event.created_at)?,
                updated_at: moment(event.updated_at)?,
                deleted_at: moment(event.deleted_at)?,
                deleted: event.deleted,
            })
        }
    }

    fn moment(text: Option<String>) -> Result<Option<chrono::NaiveDateTime>, HostError> {
        let moment = text.as_deref().map(parse).transpose();
        moment.map_err(|error| HostError::new(error.code(), error.message()))
    }

    impl From<&Context> for conductor::Context {
        fn from(context: &Context) -> Self {
            Self {
                user_id: context.user_id.clone(),
                project_id: context.project_id.clone(),
                request_id: context.request_id.clone(),
                timestamp: context.timestamp.map(isoformat),
            }
        }
    }
}
