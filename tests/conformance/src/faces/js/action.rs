//! Actions and events.

use anyhow::Result;
use nova_compute_utils::action::Event;
use nova_compute_utils::fault::Failure as NovaFailure;
use nova_compute_utils::{Config, Context, Release};
use serde::Deserialize;
use serde_json::{Value, json};

use super::options::{self, Options};
use super::{JsFace, Thrown, context_json, value};
use crate::faces::{ActionFace, Answer, Face as _, Failure, GivenExcVal, Reported, Subject};
use crate::json;

impl ActionFace for JsFace {
    fn pack_action_start(&mut self, subject: &Subject, action_name: Option<&str>) -> Result<Answer<Value>> {
        let options = packed(subject).optional("actionName", action_name);
        value(self.call("packActionStart", &options.finish())?)
    }

    fn pack_action_finish(&mut self, subject: &Subject, now: &str) -> Result<Answer<Value>> {
        value(self.call("packActionFinish", &packed(subject).text("now", now).finish())?)
    }

    fn pack_action_event_start(
        &mut self,
        subject: &Subject,
        event_name: &str,
        host: Option<&str>,
        now: &str,
    ) -> Result<Answer<Value>> {
        let options = packed(subject).text("eventName", event_name).optional("host", host).text("now", now);
        value(self.call("packActionEventStart", &options.finish())?)
    }

    fn pack_action_event_finish(
        &mut self,
        subject: &Subject,
        event_name: &str,
        exc_val: Option<&GivenExcVal>,
        exc_tb: Option<&str>,
        now: &str,
    ) -> Result<Answer<Value>> {
        let options = with_failure(packed(subject), exc_val, exc_tb).text("eventName", event_name).text("now", now);
        value(self.call("packActionEventFinish", &options.finish())?)
    }

    fn action_start(&mut self, subject: &Subject, action_name: Option<&str>) -> Result<Answer<Value>> {
        let options = recorded(subject).optional("actionName", action_name);
        value(self.method(&config(subject.release), "actionStart", &options)?)
    }

    fn action_finish(&mut self, subject: &Subject) -> Result<Answer<Value>> {
        value(self.method(&config(subject.release), "actionFinish", &recorded(subject))?)
    }

    fn event_start(&mut self, subject: &Subject, event_name: &str, host: Option<&str>) -> Result<Answer<Value>> {
        let options = recorded(subject).text("eventName", event_name).optional("host", host);
        value(self.method(&config(subject.release), "eventStart", &options)?)
    }

    fn event_finish(&mut self, subject: &Subject, event_name: &str) -> Result<Answer<Value>> {
        let options = recorded(subject).text("eventName", event_name);
        value(self.method(&config(subject.release), "eventFinish", &options)?)
    }

    fn event_finish_with_failure(
        &mut self,
        subject: &Subject,
        event_name: &str,
        exc_val: Option<&GivenExcVal>,
        exc_tb: Option<&str>,
    ) -> Result<Answer<Value>> {
        let options = with_failure(recorded(subject), exc_val, exc_tb).text("eventName", event_name);
        value(self.method(&config(subject.release), "eventFinishWithFailure", &options)?)
    }

    /// What Nova does, quirk included.
    fn report_event(
        &mut self,
        release: Release,
        context: &Context,
        event: &Event,
        body: Option<&NovaFailure>,
    ) -> Result<Reported> {
        #[derive(Deserialize)]
        struct Outcome {
            body_ran: bool,
            raised: Option<Thrown>,
            swallowed: bool,
        }
        let options = Options::new()
            .value("context", &context_json(context))
            .text("eventName", &event.name)
            .value("instanceUuids", &json!(event.instance_uuids).to_string())
            .optional("host", event.host.as_deref())
            .flag("gracefulExit", event.graceful_exit)
            .flag("swallowBodyError", true);
        let body = body.map_or_else(|| "null".to_owned(), options::failure);
        let request = self.request(&config(release), "reportEvent", &options).value("body", &body);
        let outcome = match self.ask(&request.finish())? {
            Ok(outcome) => serde_json::from_str::<Outcome>(&outcome)?,
            Err(failure) => anyhow::bail!("the work is not reported on: {failure:?}"),
        };
        // Nova's exit says "handled" also where there was nothing to handle.
        let suppressed = outcome.swallowed || (outcome.raised.is_none() && self.script().refused_to_finish());
        let raised = outcome.raised.map(|Thrown { code, message }| Failure { code, message });
        Ok(Reported { body_ran: outcome.body_ran, suppressed, raised })
    }
}

fn config(release: Release) -> Config {
    Config::new(release, "")
}

fn packed(subject: &Subject) -> Options {
    let Subject { release, context, instance_uuid } = subject;
    Options::of(*release).value("context", &context_json(context)).text("instanceUuid", instance_uuid)
}

fn recorded(subject: &Subject) -> Options {
    Options::new().value("context", &context_json(&subject.context)).text("instanceUuid", &subject.instance_uuid)
}

fn with_failure(options: Options, exc_val: Option<&GivenExcVal>, exc_tb: Option<&str>) -> Options {
    let exc_val = exc_val.map(|exc_val| match exc_val {
        GivenExcVal::Text(text) => json::from_text(text),
        GivenExcVal::Failure(failure) => options::failure(failure),
    });
    options.optional_value("excVal", exc_val.as_deref()).optional("excTb", exc_tb)
}
