//! The resource `event-reporter`.

use wasmtime::component::ResourceAny;

use super::{Context, Error, Host, Instance, exports, one_line};
use exports::action_record::Event;
use exports::types::{self, Failure, Release};

/// Events that are open while something is done: one per instance.
///
/// It belongs to the [`Instance`] that made it. Where it cannot be finished, hand it to [`Instance::event_reporter_drop`], which
/// records the events as errors; where the instance is gone, they stay open.
#[derive(Debug)]
#[must_use = "the events stay open until they are finished"]
pub struct EventReporter {
    resource: Option<ResourceAny>,
}

impl<H: Host> Instance<H> {
    /// Open an event per instance. The first refusal ends it, and leaves those open that were opened.
    pub async fn event_reporter_start(
        &mut self,
        release: Release,
        context: &Context,
        event: &Event,
    ) -> Result<EventReporter, Error> {
        self.begin()?;
        let reporter = self.exports.nova_compute_utils_action_record().event_reporter();
        let started = reporter.call_start(&mut self.store, release, context, event).await;
        let resource = self.end(started)?.map_err(Error::Nova)?;
        Ok(EventReporter { resource: Some(resource) })
    }

    /// Close the event of each instance: as an error where there was a failure. The first refusal ends it. The reporter is used up
    /// either way; finishing it again is an error that changes nothing.
    pub async fn event_reporter_finish(
        &mut self,
        reporter: &mut EventReporter,
        failure: Option<&Failure>,
    ) -> Result<(), Error> {
        let Some(resource) = reporter.resource.take() else {
            return Err(Error::Nova(types::Error {
                code: "RuntimeError".into(),
                message: "the event reporter is finished already".into(),
                callback: None,
            }));
        };
        self.begin()?;
        let reporter = self.exports.nova_compute_utils_action_record().event_reporter();
        let finished = reporter.call_finish(&mut self.store, resource, failure).await;
        self.end(finished)?.map_err(Error::Nova)
    }

    /// Let go of a reporter. Where it was not finished its events are recorded as errors; a refusal of that is not told.
    pub async fn event_reporter_drop(&mut self, reporter: EventReporter) -> Result<(), Error> {
        let Some(resource) = reporter.resource else {
            return Ok(());
        };
        self.begin()?;
        let dropped = resource.resource_drop_async(&mut self.store).await;
        self.end(dropped)
    }

    /// Stays dead when the call traps and when its future is dropped.
    fn begin(&mut self) -> Result<(), Error> {
        if !std::mem::take(&mut self.alive) {
            return Err(Error::Dead);
        }
        self.store.data_mut().deadline.restart();
        Ok(())
    }

    fn end<T>(&mut self, answer: wasmtime::Result<T>) -> Result<T, Error> {
        let answer = answer.map_err(|error| Error::Stopped(one_line(&error)))?;
        self.alive = true;
        Ok(answer)
    }
}
