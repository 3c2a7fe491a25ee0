//! The interfaces `action` and `action-record`.

use std::prelude::v1::*;

use super::exports::nova::compute_utils::action::{self, Context, Guest, Release};
use super::record::{FromWit, ToWit, read, to_wit};
use super::{Component, Result};
use crate::Error;
use crate::action::ExcVal;
use crate::fault::Failure;

impl Guest for Component {
    functions! { action, to_wit;
        fn pack_action_start(release: Release, context: Context, instance_uuid: String, action_name: Option<String>)
            -> Result<action::ActionStartValues> = read(release)?, &read(context)?, &instance_uuid,
                action_name.as_deref();

        fn pack_action_finish(release: Release, context: Context, instance_uuid: String, now: String)
            -> Result<action::ActionFinishValues> = read(release)?, &read(context)?, &instance_uuid, read(now)?;

        fn pack_action_event_start(release: Release, context: Context, instance_uuid: String, event_name: String,
            host: Option<String>, now: String)
            -> Result<action::ActionEventStartValues> = read(release)?, &read(context)?, &instance_uuid, &event_name,
                host.as_deref(), read(now)?;
    }

    functions! { action, ToWit::to_wit;
        fn pack_action_event_finish(release: Release, context: Context, instance_uuid: String, event_name: String,
            exc_val: Option<action::ExcVal>, exc_tb: Option<String>, now: String)
            -> Result<action::ActionEventFinishValues> = read(release)?, &read(context)?, &instance_uuid, &event_name,
                OwnedExcVal::from_wit(exc_val)?.borrow(), exc_tb.as_deref(), read(now)?;
    }
}

/// An optional [`ExcVal`] that owns its string or failure.
enum OwnedExcVal {
    None,
    Text(String),
    Failure(Failure),
}

impl OwnedExcVal {
    fn borrow(&self) -> Option<ExcVal<'_>> {
        match self {
            Self::None => None,
            Self::Text(text) => Some(ExcVal::Text(text)),
            Self::Failure(failure) => Some(ExcVal::Failure(failure)),
        }
    }
}

impl FromWit<Option<action::ExcVal>> for OwnedExcVal {
    fn from_wit(exc_val: Option<action::ExcVal>) -> Result<Self, Error> {
        Ok(match exc_val {
            None => Self::None,
            Some(action::ExcVal::Text(text)) => Self::Text(text),
            Some(action::ExcVal::Failure(failure)) => Self::Failure(read(failure)?),
        })
    }
}

#[cfg(not(feature = "component-pure"))]
mod recording {
    use std::cell::RefCell;

    use super::super::exports::nova::compute_utils::action_record::{
        self, Context, Guest, GuestEventReporter, InstanceAction, InstanceActionEvent, Release,
    };
    use super::super::imports::{Imports, run};
    use super::{Component, Error, Failure, FromWit, OwnedExcVal, Result, String, ToWit, action, read};
    use crate::action::{Event, EventReporter, Finished};

    records! {
        Finished [All, ActionGone]: to action_record;
    }

    impl Guest for Component {
        type EventReporter = Reporter;

        functions! { action, run;
            fn action_start(release: Release, context: Context, instance_uuid: String, action_name: Option<String>)
                -> Result<Option<InstanceAction>> = &Imports, read(release)?, &read(context)?, &instance_uuid,
                    action_name.as_deref();

            fn action_finish(release: Release, context: Context, instance_uuid: String)
                -> Result<Option<InstanceAction>> = &Imports, read(release)?, &read(context)?, &instance_uuid;

            fn event_start(release: Release, context: Context, instance_uuid: String, event_name: String,
                host: Option<String>)
                -> Result<Option<InstanceActionEvent>> = &Imports, read(release)?, &read(context)?, &instance_uuid,
                    &event_name, host.as_deref();

            fn event_finish(release: Release, context: Context, instance_uuid: String, event_name: String)
                -> Result<Option<InstanceActionEvent>> = &Imports, read(release)?, &read(context)?, &instance_uuid,
                    &event_name;

            fn event_finish_with_failure(release: Release, context: Context, instance_uuid: String, event_name: String,
                exc_val: Option<action::ExcVal>, exc_tb: Option<String>)
                -> Result<Option<InstanceActionEvent>> = &Imports, read(release)?, &read(context)?, &instance_uuid,
                    &event_name, OwnedExcVal::from_wit(exc_val)?.borrow(), exc_tb.as_deref();
        }
    }

    /// Open events; `None` once they are finished.
    pub struct Reporter(RefCell<Option<EventReporter>>);

    impl GuestEventReporter for Reporter {
        fn start(
            release: Release,
            context: Context,
            event: action_record::Event,
        ) -> Result<action_record::EventReporter> {
            let (release, context, event) = (read(release)?, read(context)?, read(event)?);
            run(EventReporter::start(&Imports, release, &context, event))
        }

        fn finish(
            this: action_record::EventReporter,
            failure: Option<action_record::Failure>,
        ) -> Result<action_record::Finished> {
            let failure: Option<Failure> = read(failure)?;
            match this.into_inner::<Self>().0.take() {
                Some(reporter) => run(reporter.finish(&Imports, failure.as_ref())),
                None => Err(Error::new("RuntimeError", "the event reporter is already finished").into()),
            }
        }
    }

    impl ToWit<action_record::EventReporter> for EventReporter {
        fn to_wit(self) -> action_record::EventReporter {
            action_record::EventReporter::new(Reporter(RefCell::new(Some(self))))
        }
    }

    /// Finishes the events as errors, because the caller did not reach the end of the step. Ignores a refusal, because
    /// `drop` cannot return it.
    impl Drop for Reporter {
        fn drop(&mut self) {
            if let Some(reporter) = self.0.take() {
                let message = "the event reporter was dropped before it was finished";
                let failure = Failure::new("RuntimeError", message).with_formatted_message(message);
                let _: Result<action_record::Finished> = run(reporter.finish(&Imports, Some(&failure)));
            }
        }
    }

    impl FromWit<action_record::Event> for Event {
        fn from_wit(event: action_record::Event) -> Result<Self, Error> {
            let action_record::Event { name, host, instance_uuids, graceful_exit } = event;
            Ok(Self { name, host, instance_uuids, graceful_exit, ..Self::default() })
        }
    }
}
