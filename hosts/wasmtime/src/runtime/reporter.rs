//! The resource `event-reporter`.

use wasmtime::component::ResourceAny;

use super::{Error, Instance};
use crate::action_record::{Event, Finished};
use crate::types::{self, Context, Failure, Release};

/// The open events of some work, one per instance.
///
/// It belongs to the [`Instance`] that made it. If the work is cancelled, hand the reporter to
/// [`Instance::event_reporter_drop`], which records its events as errors; without that call they stay open.
#[derive(Debug)]
#[must_use = "the events stay open until they are finished"]
pub struct EventReporter {
    resource: Option<ResourceAny>,
}

impl<C: Send, N: Send> Instance<C, N> {
    /// Opens an event per instance. The first error ends the call; events that are open by then stay open.
    pub async fn event_reporter_start(
        &mut self,
        release: Release,
        context: &Context,
        event: &Event,
    ) -> Result<EventReporter, Error> {
        self.begin()?;
        let reporter = self.exports.nova_compute_utils_action_record().event_reporter();
        let started = reporter.call_start(&mut self.store, release, context, event).await;
        Ok(EventReporter { resource: Some(self.end(started)?) })
    }

    /// Finishes the event of each instance, as an error if `failure` is given. The first error ends the call. The
    /// reporter is used up in any case; finishing it again fails and changes nothing.
    pub async fn event_reporter_finish(
        &mut self,
        reporter: &mut EventReporter,
        failure: Option<&Failure>,
    ) -> Result<Finished, Error> {
        let Some(resource) = reporter.resource.take() else {
            return Err(Error::Nova(types::Error {
                code: "RuntimeError".into(),
                message: "the event reporter is already finished".into(),
                arguments: "{}".into(),
                callback: None,
            }));
        };
        self.begin()?;
        let reporter = self.exports.nova_compute_utils_action_record().event_reporter();
        let finished = reporter.call_finish(&mut self.store, resource, failure).await;
        self.end(finished)
    }

    /// Drops a reporter. If it is not finished, its events are recorded as errors, and errors of the conductor are
    /// ignored.
    pub async fn event_reporter_drop(&mut self, reporter: EventReporter) -> Result<(), Error> {
        let Some(resource) = reporter.resource else {
            return Ok(());
        };
        self.begin()?;
        let dropped = resource.resource_drop_async(&mut self.store).await;
        self.end(dropped)
    }
}
