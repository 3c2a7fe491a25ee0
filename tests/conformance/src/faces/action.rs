//! Actions and events, through a face.

use anyhow::Result;
use nova_compute_utils::action::{self, Event, ExcVal, ReportError};
use nova_compute_utils::fault::Failure as NovaFailure;
use nova_compute_utils::{Context, Error, Release, time};
use nova_compute_utils_wasmtime::{action as wit, action_record, types};
use serde::Serialize;
use serde_json::Value;

use super::component::{context_record, release_record};
use super::native::{failure, finished};
use super::{Answer, ComponentFace, Face as _, Failure, NativeFace};
use crate::records;

/// The exception of an event, or its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenExcVal {
    /// A message.
    Text(String),
    /// An exception.
    Failure(NovaFailure),
}

impl GivenExcVal {
    fn borrowed(&self) -> ExcVal<'_> {
        match self {
            Self::Text(text) => ExcVal::Text(text),
            Self::Failure(failure) => ExcVal::Failure(failure),
        }
    }
}

/// Who does what to which instance, in which release.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Whose contract is spoken.
    pub release: Release,
    /// Who asks.
    pub context: Context,
    /// The instance.
    pub instance_uuid: String,
}

/// What became of reported work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Was it begun?
    pub body_ran: bool,
    /// Did its own failure pass?
    pub suppressed: bool,
    /// What came out: the work's own failure, or that of reporting it.
    pub raised: Option<Failure>,
}

/// Values and rows are JSON under Nova's names, with every field.
pub trait ActionFace {
    /// Nova: `pack_action_start`.
    fn pack_action_start(&mut self, subject: &Subject, action_name: Option<&str>) -> Result<Answer<Value>>;

    /// Nova: `pack_action_finish`.
    fn pack_action_finish(&mut self, subject: &Subject, now: &str) -> Result<Answer<Value>>;

    /// Nova: `pack_action_event_start`.
    fn pack_action_event_start(
        &mut self,
        subject: &Subject,
        event_name: &str,
        host: Option<&str>,
        now: &str,
    ) -> Result<Answer<Value>>;

    /// Nova: `pack_action_event_finish`.
    fn pack_action_event_finish(
        &mut self,
        subject: &Subject,
        event_name: &str,
        exc_val: Option<&GivenExcVal>,
        exc_tb: Option<&str>,
        now: &str,
    ) -> Result<Answer<Value>>;

    /// Nova: `InstanceAction.action_start`.
    fn action_start(&mut self, subject: &Subject, action_name: Option<&str>) -> Result<Answer<Value>>;

    /// Nova: `InstanceAction.action_finish`.
    fn action_finish(&mut self, subject: &Subject) -> Result<Answer<Value>>;

    /// Nova: `InstanceActionEvent.event_start`.
    fn event_start(&mut self, subject: &Subject, event_name: &str, host: Option<&str>) -> Result<Answer<Value>>;

    /// Nova: `InstanceActionEvent.event_finish`.
    fn event_finish(&mut self, subject: &Subject, event_name: &str) -> Result<Answer<Value>>;

    /// Nova: `InstanceActionEvent.event_finish_with_failure`.
    fn event_finish_with_failure(
        &mut self,
        subject: &Subject,
        event_name: &str,
        exc_val: Option<&GivenExcVal>,
        exc_tb: Option<&str>,
    ) -> Result<Answer<Value>>;

    /// Nova: `EventReporter`, around work that fails or does not.
    fn report_event(
        &mut self,
        release: Release,
        context: &Context,
        event: &Event,
        body: Option<&NovaFailure>,
    ) -> Result<Reported>;
}

impl ActionFace for NativeFace {
    fn pack_action_start(&mut self, subject: &Subject, action_name: Option<&str>) -> Result<Answer<Value>> {
        let Subject { release, context, instance_uuid } = subject;
        Ok(Ok(records::record(&action::pack_action_start(*release, context, instance_uuid, action_name))))
    }

    fn pack_action_finish(&mut self, subject: &Subject, now: &str) -> Result<Answer<Value>> {
        let Subject { release, context, instance_uuid } = subject;
        let values = action::pack_action_finish(*release, context, instance_uuid, time::parse(now)?);
        Ok(Ok(records::record(&values)))
    }

    fn pack_action_event_start(
        &mut self,
        subject: &Subject,
        event_name: &str,
        host: Option<&str>,
        now: &str,
    ) -> Result<Answer<Value>> {
        let Subject { release, context, instance_uuid } = subject;
        let now = time::parse(now)?;
        let values = action::pack_action_event_start(*release, context, instance_uuid, event_name, host, now);
        Ok(Ok(records::record(&values)))
    }

    fn pack_action_event_finish(
        &mut self,
        subject: &Subject,
        event_name: &str,
        exc_val: Option<&GivenExcVal>,
        exc_tb: Option<&str>,
        now: &str,
    ) -> Result<Answer<Value>> {
        let Subject { release, context, instance_uuid } = subject;
        let (exc_val, now) = (exc_val.map(GivenExcVal::borrowed), time::parse(now)?);
        let values =
            action::pack_action_event_finish(*release, context, instance_uuid, event_name, exc_val, exc_tb, now);
        Ok(values.map(|values| records::record(&values)).map_err(failure))
    }

    fn action_start(&mut self, subject: &Subject, action_name: Option<&str>) -> Result<Answer<Value>> {
        let Subject { release, context, instance_uuid } = subject;
        let row = finished(action::action_start(self.script(), *release, context, instance_uuid, action_name))?;
        Ok(row.map(|row| records::record(&row)))
    }

    fn action_finish(&mut self, subject: &Subject) -> Result<Answer<Value>> {
        let Subject { release, context, instance_uuid } = subject;
        let row = finished(action::action_finish(self.script(), *release, context, instance_uuid))?;
        Ok(row.map(|row| records::record(&row)))
    }

    fn event_start(&mut self, subject: &Subject, event_name: &str, host: Option<&str>) -> Result<Answer<Value>> {
        let Subject { release, context, instance_uuid } = subject;
        let row = finished(action::event_start(self.script(), *release, context, instance_uuid, event_name, host))?;
        Ok(row.map(|row| records::record(&row)))
    }

    fn event_finish(&mut self, subject: &Subject, event_name: &str) -> Result<Answer<Value>> {
        let Subject { release, context, instance_uuid } = subject;
        let row = finished(action::event_finish(self.script(), *release, context, instance_uuid, event_name))?;
        Ok(row.map(|row| records::record(&row)))
    }

    fn event_finish_with_failure(
        &mut self,
        subject: &Subject,
        event_name: &str,
        exc_val: Option<&GivenExcVal>,
        exc_tb: Option<&str>,
    ) -> Result<Answer<Value>> {
        let Subject { release, context, instance_uuid } = subject;
        let exc_val = exc_val.map(GivenExcVal::borrowed);
        let script = self.script();
        let row =
            action::event_finish_with_failure(script, *release, context, instance_uuid, event_name, exc_val, exc_tb);
        Ok(finished(row)?.map(|row| records::record(&row)))
    }

    fn report_event(
        &mut self,
        release: Release,
        context: &Context,
        event: &Event,
        body: Option<&NovaFailure>,
    ) -> Result<Reported> {
        // What Nova does, quirk included.
        let event = Event { swallow_body_error: true, ..event.clone() };
        let mut body_ran = false;
        let work = async || {
            body_ran = true;
            body.map_or(Ok(()), |failure| Err(Raised(Box::new(failure.clone()))))
        };
        let reported = action::report_event(self.script(), release, context, event, work);
        let outcome = finished(async { Ok::<_, Error>(reported.await) })?.unwrap_or(Ok(()));
        // Nova's exit says "handled" also where there was nothing to handle.
        let let_pass = outcome.is_ok() && self.script().refused_to_finish();
        let suppressed = let_pass || matches!(outcome, Err(ReportError::Swallowed));
        let raised = match outcome {
            Ok(()) | Err(ReportError::Swallowed) => None,
            Err(ReportError::Body(Raised(body))) => Some(as_raised(&body)),
            Err(ReportError::Start(error) | ReportError::Finish { error, .. }) => Some(failure(error)),
        };
        Ok(Reported { body_ran, suppressed, raised })
    }
}

/// The error of the work.
#[derive(Debug)]
struct Raised(Box<NovaFailure>);

impl From<&Raised> for NovaFailure {
    fn from(raised: &Raised) -> Self {
        (*raised.0).clone()
    }
}

fn as_raised(body: &NovaFailure) -> Failure {
    Failure { code: body.class_name.clone(), message: body.text.clone() }
}

impl ActionFace for ComponentFace {
    fn pack_action_start(&mut self, subject: &Subject, action_name: Option<&str>) -> Result<Answer<Value>> {
        let (release, context, uuid) = subject_records(subject);
        json(self.call(async |nova| nova.pack_action_start(release, &context, &uuid, action_name).await)?)
    }

    fn pack_action_finish(&mut self, subject: &Subject, now: &str) -> Result<Answer<Value>> {
        let ((release, context, uuid), now) = (subject_records(subject), now.to_owned());
        json(self.call(async |nova| nova.pack_action_finish(release, &context, &uuid, &now).await)?)
    }

    fn pack_action_event_start(
        &mut self,
        subject: &Subject,
        event_name: &str,
        host: Option<&str>,
        now: &str,
    ) -> Result<Answer<Value>> {
        let ((release, context, uuid), now) = (subject_records(subject), now.to_owned());
        json(
            self.call(async |nova| {
                nova.pack_action_event_start(release, &context, &uuid, event_name, host, &now).await
            })?,
        )
    }

    fn pack_action_event_finish(
        &mut self,
        subject: &Subject,
        event_name: &str,
        exc_val: Option<&GivenExcVal>,
        exc_tb: Option<&str>,
        now: &str,
    ) -> Result<Answer<Value>> {
        let ((release, context, uuid), now) = (subject_records(subject), now.to_owned());
        let exc_val = exc_val.map(exc_val_record);
        json(self.call(async |nova| {
            let exc_val = exc_val.as_ref();
            nova.pack_action_event_finish(release, &context, &uuid, event_name, exc_val, exc_tb, &now).await
        })?)
    }

    fn action_start(&mut self, subject: &Subject, action_name: Option<&str>) -> Result<Answer<Value>> {
        let (release, context, uuid) = subject_records(subject);
        json(self.call(async |nova| nova.action_start(release, &context, &uuid, action_name).await)?)
    }

    fn action_finish(&mut self, subject: &Subject) -> Result<Answer<Value>> {
        let (release, context, uuid) = subject_records(subject);
        json(self.call(async |nova| nova.action_finish(release, &context, &uuid).await)?)
    }

    fn event_start(&mut self, subject: &Subject, event_name: &str, host: Option<&str>) -> Result<Answer<Value>> {
        let (release, context, uuid) = subject_records(subject);
        json(self.call(async |nova| nova.event_start(release, &context, &uuid, event_name, host).await)?)
    }

    fn event_finish(&mut self, subject: &Subject, event_name: &str) -> Result<Answer<Value>> {
        let (release, context, uuid) = subject_records(subject);
        json(self.call(async |nova| nova.event_finish(release, &context, &uuid, event_name).await)?)
    }

    fn event_finish_with_failure(
        &mut self,
        subject: &Subject,
        event_name: &str,
        exc_val: Option<&GivenExcVal>,
        exc_tb: Option<&str>,
    ) -> Result<Answer<Value>> {
        let (release, context, uuid) = subject_records(subject);
        let exc_val = exc_val.map(exc_val_record);
        json(self.call(async |nova| {
            nova.event_finish_with_failure(release, &context, &uuid, event_name, exc_val.as_ref(), exc_tb).await
        })?)
    }

    /// The component reports; what becomes of the work's own failure is for whoever has it. Here it is what becomes of
    /// it in Nova: it passes where a refusal to close an event did.
    fn report_event(
        &mut self,
        release: Release,
        context: &Context,
        event: &Event,
        body: Option<&NovaFailure>,
    ) -> Result<Reported> {
        let (release, context) = (release_record(release), context_record(context));
        let event = action_record::Event {
            name: event.name.clone(),
            host: event.host.clone(),
            instance_uuids: event.instance_uuids.clone(),
            graceful_exit: event.graceful_exit,
        };
        let started = self.call(async |nova| nova.event_reporter_start(release, &context, &event).await)?;
        let mut reporter = match started {
            Ok(reporter) => reporter,
            Err(refused) => return Ok(Reported { body_ran: false, suppressed: false, raised: Some(refused) }),
        };
        let failure = body.map(failure_record);
        let finished = self.call(async |nova| nova.event_reporter_finish(&mut reporter, failure.as_ref()).await)?;
        // A reporter is used up, and says so.
        let again = self.call(async |nova| nova.event_reporter_finish(&mut reporter, None).await)?;
        anyhow::ensure!(again.is_err(), "an event reporter was finished twice");
        let suppressed = finished.is_ok() && self.script().refused_to_finish();
        let raised = finished.err().or_else(|| body.filter(|_| !suppressed).map(as_raised));
        Ok(Reported { body_ran: true, suppressed, raised })
    }
}

fn subject_records(subject: &Subject) -> (types::Release, types::Context, String) {
    (release_record(subject.release), context_record(&subject.context), subject.instance_uuid.clone())
}

fn exc_val_record(exc_val: &GivenExcVal) -> wit::ExcVal {
    match exc_val {
        GivenExcVal::Text(text) => wit::ExcVal::Text(text.clone()),
        GivenExcVal::Failure(failure) => wit::ExcVal::Failure(failure_record(failure)),
    }
}

pub(super) fn failure_record(failure: &NovaFailure) -> types::Failure {
    let failure = failure.clone();
    types::Failure {
        class_name: failure.class_name,
        text: failure.text,
        code: failure.code,
        value: failure.value,
        formatted_message: failure.formatted_message,
        representation: failure.representation,
        traceback: failure.traceback,
        formatted_exception: failure.formatted_exception,
    }
}

fn json<T: Serialize>(answer: Answer<T>) -> Result<Answer<Value>> {
    Ok(match answer {
        Ok(value) => Ok(serde_json::to_value(value)?),
        Err(failure) => Err(failure),
    })
}
