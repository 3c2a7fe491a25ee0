//! Instance actions and their events.

use js_sys::{Function, Promise};
use tsify::Ts;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::compute_utils::{ComputeUtils, ContextInput};
use super::document::kind;
use super::error::{Result, Thrown};
use super::fault::{Body, failure};
use super::host::settled;
use super::options::{self, Given, Release, options};
use super::record::ToJs;
use super::time::Moment;
use crate::action::{self, Event, ExcVal, ReportError};
use crate::fault::Failure;
use crate::{Config, Error};

options! {
    /// Which action begins.
    pub struct PackActionStartOptions {
        /// Whose contract is spoken.
        release: Release,
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// The instance.
        instance_uuid: String,
        /// What is asked for, such as `reboot`.
        #[tsify(optional, type = "string | null")]
        action_name: Option<String>,
    }
}

/// The values of an action that begins: it began when the request did. Nova: `pack_action_start`.
#[wasm_bindgen(js_name = packActionStart, unchecked_return_type = "ActionStartValues")]
pub fn pack_action_start(options: &Ts<PackActionStartOptions>) -> Result<JsValue> {
    let PackActionStartOptions { release, context, instance_uuid, action_name } = options::read(options)?;
    let context = ContextInput::read_context(context)?;
    Ok(action::pack_action_start(release.0, &context, &instance_uuid, action_name.as_deref()).to_js())
}

options! {
    /// Which action ends.
    pub struct PackActionFinishOptions {
        /// Whose contract is spoken.
        release: Release,
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// The instance.
        instance_uuid: String,
        /// What time it is; without one, the engine's clock says.
        #[tsify(optional, type = "Moment | null")]
        now: Moment,
    }
}

/// The values that close an action. Nova: `pack_action_finish`.
#[wasm_bindgen(js_name = packActionFinish, unchecked_return_type = "ActionFinishValues")]
pub fn pack_action_finish(options: &Ts<PackActionFinishOptions>) -> Result<JsValue> {
    let PackActionFinishOptions { release, context, instance_uuid, now } = options::read(options)?;
    let context = ContextInput::read_context(context)?;
    Ok(action::pack_action_finish(release.0, &context, &instance_uuid, now.or_now("now")?).to_js())
}

options! {
    /// Which event begins.
    pub struct PackActionEventStartOptions {
        /// Whose contract is spoken.
        release: Release,
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// The instance.
        instance_uuid: String,
        /// The step, such as `compute_reboot_instance`.
        event_name: String,
        /// Where it happens. Read in hibiscus.
        #[tsify(optional, type = "string | null")]
        host: Option<String>,
        /// What time it is; without one, the engine's clock says.
        #[tsify(optional, type = "Moment | null")]
        now: Moment,
    }
}

/// The values of an event that begins. Nova: `pack_action_event_start`.
#[wasm_bindgen(js_name = packActionEventStart, unchecked_return_type = "ActionEventStartValues")]
pub fn pack_action_event_start(options: &Ts<PackActionEventStartOptions>) -> Result<JsValue> {
    let options = options::read(options)?;
    let (context, now) = (ContextInput::read_context(options.context)?, options.now.or_now("now")?);
    let (release, uuid, host) = (options.release.0, &options.instance_uuid, options.host.as_deref());
    Ok(action::pack_action_event_start(release, &context, uuid, &options.event_name, host, now).to_js())
}

options! {
    /// Which event ends, and how it went.
    pub struct PackActionEventFinishOptions {
        /// Whose contract is spoken.
        release: Release,
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// The instance.
        instance_uuid: String,
        /// The step.
        event_name: String,
        /// What was thrown: any error, a record of one, or its message.
        #[tsify(optional, type = "unknown")]
        exc_val: Given,
        /// The printed frames. Without them the event is a success, whatever was thrown.
        #[tsify(optional, type = "string | null")]
        exc_tb: Option<String>,
        /// What time it is; without one, the engine's clock says.
        #[tsify(optional, type = "Moment | null")]
        now: Moment,
    }
}

/// The values that close an event. Nova: `pack_action_event_finish`.
///
/// `UnicodeEncodeError` where grizzly is given a text that is not ASCII.
#[wasm_bindgen(js_name = packActionEventFinish, unchecked_return_type = "ActionEventFinishValues")]
pub fn pack_action_event_finish(options: &Ts<PackActionEventFinishOptions>) -> Result<JsValue> {
    let options = options::read(options)?;
    let (context, now) = (ContextInput::read_context(options.context)?, options.now.or_now("now")?);
    let (exc_val, exc_tb) = (OwnedExcVal::read(&options.exc_val)?, options.exc_tb.as_deref());
    let values = action::pack_action_event_finish(
        options.release.0,
        &context,
        &options.instance_uuid,
        &options.event_name,
        exc_val.borrowed(),
        exc_tb,
        now,
    )?;
    Ok(values.to_js())
}

/// The exception of an event, or its message.
enum OwnedExcVal {
    Nothing,
    Text(String),
    Failure(Box<Failure>),
}

impl OwnedExcVal {
    fn read(given: &Given) -> Result<Self> {
        if !given.is_some() {
            return Ok(Self::Nothing);
        }
        match given.0.as_string() {
            Some(text) => Ok(Self::Text(text)),
            None => Ok(Self::Failure(Box::new(failure(&given.0)?))),
        }
    }

    fn borrowed(&self) -> Option<ExcVal<'_>> {
        match self {
            Self::Nothing => None,
            Self::Text(text) => Some(ExcVal::Text(text)),
            Self::Failure(failure) => Some(ExcVal::Failure(failure)),
        }
    }
}

options! {
    /// Which action begins.
    pub struct ActionStartOptions {
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// The instance.
        instance_uuid: String,
        /// What is asked for, such as `reboot`.
        #[tsify(optional, type = "string | null")]
        action_name: Option<String>,
    }
}

options! {
    /// Which action ends.
    pub struct ActionFinishOptions {
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// The instance.
        instance_uuid: String,
    }
}

options! {
    /// Which event begins.
    pub struct EventStartOptions {
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// The instance.
        instance_uuid: String,
        /// The step, such as `compute_reboot_instance`.
        event_name: String,
        /// Where it happens; without one, on the configured host. Read in hibiscus.
        #[tsify(optional, type = "string | null")]
        host: Option<String>,
    }
}

options! {
    /// Which event ends.
    pub struct EventFinishOptions {
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// The instance.
        instance_uuid: String,
        /// The step.
        event_name: String,
    }
}

options! {
    /// Which event ends, and how it went.
    pub struct EventFinishWithFailureOptions {
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// The instance.
        instance_uuid: String,
        /// The step.
        event_name: String,
        /// What was thrown: any error, a record of one, or its message.
        #[tsify(optional, type = "unknown")]
        exc_val: Given,
        /// The printed frames. Without them the event is a success, whatever was thrown.
        #[tsify(optional, type = "string | null")]
        exc_tb: Option<String>,
    }
}

options! {
    /// A step to report.
    pub struct ReportEventOptions {
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// The step, such as `compute_reboot_instance`.
        event_name: String,
        /// The instances, each of which gets an event of its own.
        instance_uuids: Vec<String>,
        /// Where it happens; without one, on the configured host. Read in hibiscus.
        #[tsify(optional, type = "string | null")]
        host: Option<String>,
        /// Let it pass when an action turns out to be gone at the end; the events of later instances stay open then. Nova:
        /// `graceful_exit`, of hibiscus.
        #[tsify(optional, type = "boolean | null")]
        graceful_exit: Option<bool>,
        /// Let the work's own error pass as well in that case, as hibiscus does; nothing else ever hides it.
        #[tsify(optional, type = "boolean | null")]
        swallow_body_error: Option<bool>,
    }
}

#[wasm_bindgen]
impl ComputeUtils {
    /// Record that an action begins. Nova: `InstanceAction.action_start`.
    #[wasm_bindgen(js_name = actionStart, unchecked_return_type = "Promise<InstanceAction>")]
    pub fn action_start(&self, options: Ts<ActionStartOptions>) -> Promise {
        self.call(async move |config, services| {
            let ActionStartOptions { context, instance_uuid, action_name } = options::read(&options)?;
            let (context, name) = (ContextInput::read_context(context)?, action_name.as_deref());
            Ok(action::action_start(services, config.release, &context, &instance_uuid, name).await?.to_js())
        })
    }

    /// Record that an action has ended. Nova: `InstanceAction.action_finish`.
    #[wasm_bindgen(js_name = actionFinish, unchecked_return_type = "Promise<InstanceAction>")]
    pub fn action_finish(&self, options: Ts<ActionFinishOptions>) -> Promise {
        self.call(async move |config, services| {
            let ActionFinishOptions { context, instance_uuid } = options::read(&options)?;
            let context = ContextInput::read_context(context)?;
            Ok(action::action_finish(services, config.release, &context, &instance_uuid).await?.to_js())
        })
    }

    /// Record that an event begins. Nova: `InstanceActionEvent.event_start`.
    #[wasm_bindgen(js_name = eventStart, unchecked_return_type = "Promise<InstanceActionEvent>")]
    pub fn event_start(&self, options: Ts<EventStartOptions>) -> Promise {
        self.call(async move |config, services| {
            let EventStartOptions { context, instance_uuid: uuid, event_name, host } = options::read(&options)?;
            let (context, host) = (ContextInput::read_context(context)?, host.as_deref().or(configured(config)));
            Ok(action::event_start(services, config.release, &context, &uuid, &event_name, host).await?.to_js())
        })
    }

    /// Record that an event went well. Nova: `InstanceActionEvent.event_finish`.
    #[wasm_bindgen(js_name = eventFinish, unchecked_return_type = "Promise<InstanceActionEvent>")]
    pub fn event_finish(&self, options: Ts<EventFinishOptions>) -> Promise {
        self.call(async move |config, services| {
            let EventFinishOptions { context, instance_uuid: uuid, event_name } = options::read(&options)?;
            let context = ContextInput::read_context(context)?;
            Ok(action::event_finish(services, config.release, &context, &uuid, &event_name).await?.to_js())
        })
    }

    /// Record how an event went. Nova: `InstanceActionEvent.event_finish_with_failure`.
    #[wasm_bindgen(js_name = eventFinishWithFailure, unchecked_return_type = "Promise<InstanceActionEvent>")]
    pub fn event_finish_with_failure(&self, options: Ts<EventFinishWithFailureOptions>) -> Promise {
        self.call(async move |config, services| {
            let options = options::read(&options)?;
            let context = ContextInput::read_context(options.context)?;
            let (exc_val, exc_tb) = (OwnedExcVal::read(&options.exc_val)?, options.exc_tb.as_deref());
            let finished = action::event_finish_with_failure(
                services,
                config.release,
                &context,
                &options.instance_uuid,
                &options.event_name,
                exc_val.borrowed(),
                exc_tb,
            );
            Ok(finished.await?.to_js())
        })
    }

    /// Do something and report it: an event per instance opens before and closes after it, with its outcome. Nova:
    /// `EventReporter`.
    ///
    /// What the body gives comes back; what it throws is reported as `Error` and thrown again, unchanged. Where closing
    /// the events fails, that error comes, as in Nova, with what the body threw as its `body`.
    #[wasm_bindgen(js_name = reportEvent, unchecked_return_type = "Promise<unknown>", skip_typescript)]
    pub fn report_event(&self, options: Ts<ReportEventOptions>, body: JsValue) -> Promise {
        self.call(async move |config, services| {
            let options = options::read(&options)?;
            let context = ContextInput::read_context(options.context)?;
            let given = |body: JsValue| Error::type_error(format!("the body is {}: give a function", kind(&body)));
            let body: Function = body.dyn_into().map_err(given)?;
            let event = Event {
                name: options.event_name,
                host: options.host.or_else(|| configured(config).map(str::to_owned)),
                instance_uuids: options.instance_uuids,
                graceful_exit: options.graceful_exit.unwrap_or_default(),
                swallow_body_error: options.swallow_body_error.unwrap_or_default(),
            };
            match action::report_event(services, config.release, &context, event, async || work(&body).await).await {
                Ok(value) => Ok(value),
                Err(ReportError::Swallowed) => Ok(JsValue::UNDEFINED),
                Err(ReportError::Body(Body(thrown))) => Err(Thrown(thrown)),
                Err(ReportError::Start(error)) => Err(error.into()),
                Err(ReportError::Finish { error, body }) => Err(unfinished(&error, body)),
            }
        })
    }
}

/// The compute host that is spoken for, which is where things happen unless it is said otherwise.
fn configured(config: &Config) -> Option<&str> {
    Some(config.host.as_str()).filter(|host| !host.is_empty())
}

async fn work(body: &Function) -> std::result::Result<JsValue, Body> {
    let given = body.call0(&JsValue::UNDEFINED).map_err(Body)?;
    JsFuture::from(settled(&given)).await.map_err(Body)
}

/// Closing the events failed, and maybe the work before it.
fn unfinished(error: &Error, body: Option<Body>) -> Thrown {
    let thrown = error.to_js();
    if let Some(Body(body)) = body {
        // A fresh object of ours takes any property.
        let _ = js_sys::Reflect::set(&thrown, &JsValue::from_str("body"), &body);
    }
    Thrown(thrown)
}
