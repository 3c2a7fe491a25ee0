//! The resource `event-reporter`.

use wasmtime::component::ResourceAny;

use super::{Error, Instance};
use crate::action_record::{Event, Finished};
use crate::types::{self, Context, Failure, Release};

/// The open events of a step, one per instance. Nova: `EventReporter`.
///
/// It belongs to the [`Instance`] that made it. If the step is cancelled, pass the reporter to
/// [`Instance::event_reporter_drop`], which finishes its events as errors; without that call they stay open.
#[derive(Debug)]
#[must_use = "the events stay open until they are finished"]
pub struct EventReporter {
    resource: Option<ResourceAny>,
}

impl<C: Send, N: Send> Instance<C, N> {
    /// Starts one event per instance. Stops at the first error, and leaves the events before it open.
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

    /// Finishes the event of each instance, as an error if `failure` is given. Stops at the first error. Finishing the
    /// same reporter again fails and changes nothing, even after an error.
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

    /// Drops a reporter. If it is not finished, this finishes its events as errors and ignores errors of the conductor.
    pub async fn event_reporter_drop(&mut self, reporter: EventReporter) -> Result<(), Error> {
        let Some(resource) = reporter.resource else {
            return Ok(());
        };
        self.begin()?;
        let dropped = resource.resource_drop_async(&mut self.store).await;
        self.end(dropped)
    }
}
