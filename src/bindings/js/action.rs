//! Instance actions and their events.

use std::format;
use std::prelude::v1::*;

use chrono::NaiveDateTime;
use js_sys::{Function, Promise};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::compute_utils::ComputeUtils;
use super::error::{Result, Thrown, nova_error};
use super::fault::{BodyError, Fault};
use super::host::to_promise;
use super::options::{self, Member, Reader, options};
use super::record::{ToJs, extend};
use super::time::now;
use super::typescript::Type;
use super::value::kind;
use crate::action::{self, Event, ExcVal, ReportError};
use crate::{Config, Context, Error, Release};

options! {
    /// The action to start.
    pub struct PackActionStartOptions {
        release: Release,
        context: Option<Context>,
        /// The instance.
        instance_uuid: String,
        /// The requested operation, such as `reboot`.
        action_name: Option<String>,
    }
}

/// Returns the values of a new action. The start time is that of the request, not the current time. Nova:
/// `pack_action_start`.
#[wasm_bindgen(js_name = packActionStart, unchecked_return_type = "ActionStartValues")]
pub fn pack_action_start(
    #[wasm_bindgen(unchecked_param_type = "PackActionStartOptions")] options: &JsValue,
) -> Result<JsValue> {
    let PackActionStartOptions { release, context, instance_uuid, action_name } = options::read(options)?;
    let context = context.unwrap_or_default();
    Ok(action::pack_action_start(release, &context, &instance_uuid, action_name.as_deref()).to_js())
}

options! {
    /// The action to finish.
    pub struct PackActionFinishOptions {
        release: Release,
        context: Option<Context>,
        /// The instance.
        instance_uuid: String,
        /// The current time [default: the engine's clock].
        now: Option<NaiveDateTime>,
    }
}

/// Returns the values that finish an action. Nova: `pack_action_finish`.
#[wasm_bindgen(js_name = packActionFinish, unchecked_return_type = "ActionFinishValues")]
pub fn pack_action_finish(
    #[wasm_bindgen(unchecked_param_type = "PackActionFinishOptions")] options: &JsValue,
) -> Result<JsValue> {
    let PackActionFinishOptions { release, context, instance_uuid, now: at } = options::read(options)?;
    let (context, at) = (context.unwrap_or_default(), at.unwrap_or_else(now));
    Ok(action::pack_action_finish(release, &context, &instance_uuid, at).to_js())
}

options! {
    /// The event to start.
    pub struct PackActionEventStartOptions {
        release: Release,
        context: Option<Context>,
        /// The instance.
        instance_uuid: String,
        /// The step, such as `compute_reboot_instance`.
        event_name: String,
        /// The host that runs the step. `hibiscus` only.
        host: Option<String>,
        /// The current time [default: the engine's clock].
        now: Option<NaiveDateTime>,
    }
}

/// Returns the values of a new event. Nova: `pack_action_event_start`.
#[wasm_bindgen(js_name = packActionEventStart, unchecked_return_type = "ActionEventStartValues")]
pub fn pack_action_event_start(
    #[wasm_bindgen(unchecked_param_type = "PackActionEventStartOptions")] options: &JsValue,
) -> Result<JsValue> {
    let options: PackActionEventStartOptions = options::read(options)?;
    let (context, now) = (options.context.unwrap_or_default(), options.now.unwrap_or_else(now));
    let (release, uuid, host) = (options.release, &options.instance_uuid, options.host.as_deref());
    Ok(action::pack_action_event_start(release, &context, uuid, &options.event_name, host, now).to_js())
}

options! {
    /// The event to finish and its outcome.
    pub struct PackActionEventFinishOptions {
        release: Release,
        context: Option<Context>,
        /// The instance.
        instance_uuid: String,
        /// The step.
        event_name: String,
        /// The failure: any thrown value, a `Failure`, or its message as a string.
        exc_val: Option<Exception>,
        /// The formatted stack frames. Without them the event is a success, even when `excVal` is given.
        exc_tb: Option<String>,
        /// The current time [default: the engine's clock].
        now: Option<NaiveDateTime>,
    }
}

/// Returns the values that finish an event. Nova: `pack_action_event_finish`.
///
/// Throws `UnicodeEncodeError` in `grizzly` when the text of the exception is not ASCII.
#[wasm_bindgen(js_name = packActionEventFinish, unchecked_return_type = "ActionEventFinishValues")]
pub fn pack_action_event_finish(
    #[wasm_bindgen(unchecked_param_type = "PackActionEventFinishOptions")] options: &JsValue,
) -> Result<JsValue> {
    let options: PackActionEventFinishOptions = options::read(options)?;
    let values = action::pack_action_event_finish(
        options.release,
        &options.context.unwrap_or_default(),
        &options.instance_uuid,
        &options.event_name,
        options.exc_val.as_ref().map(Exception::borrowed),
        options.exc_tb.as_deref(),
        options.now.unwrap_or_else(now),
    )?;
    Ok(values.to_js())
}

/// The exception of an event, or only its message.
enum Exception {
    Text(String),
    Fault(Box<Fault>),
}

impl Member for Exception {
    const TYPE: Type = Type::Unknown;

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        match value.as_string() {
            Some(text) => Self::Text(text),
            None => Self::Fault(Box::new(Fault::read(value, reader))),
        }
    }
}

impl Exception {
    fn borrowed(&self) -> ExcVal<'_> {
        match self {
            Self::Text(text) => ExcVal::Text(text),
            Self::Fault(fault) => ExcVal::Failure(&fault.0),
        }
    }
}

options! {
    /// The action to start.
    pub struct ActionStartOptions {
        context: Option<Context>,
        /// The instance.
        instance_uuid: String,
        /// The requested operation, such as `reboot`.
        action_name: Option<String>,
    }
}

options! {
    /// The action to finish.
    pub struct ActionFinishOptions {
        context: Option<Context>,
        /// The instance.
        instance_uuid: String,
    }
}

options! {
    /// The event to start.
    pub struct EventStartOptions {
        context: Option<Context>,
        /// The instance.
        instance_uuid: String,
        /// The step, such as `compute_reboot_instance`.
        event_name: String,
        /// The host that runs the step [default: the configured one]. `hibiscus` only.
        host: Option<String>,
    }
}

options! {
    /// The event to finish as a success.
    pub struct EventFinishOptions {
        context: Option<Context>,
        /// The instance.
        instance_uuid: String,
        /// The step.
        event_name: String,
    }
}

options! {
    /// The event to finish and its outcome.
    pub struct EventFinishWithFailureOptions {
        context: Option<Context>,
        /// The instance.
        instance_uuid: String,
        /// The step.
        event_name: String,
        /// The failure: any thrown value, a `Failure`, or its message as a string.
        exc_val: Option<Exception>,
        /// The formatted stack frames. Without them the event is a success, even when `excVal` is given.
        exc_tb: Option<String>,
    }
}

options! {
    /// The step to report.
    pub struct ReportEventOptions {
        context: Option<Context>,
        /// The step, such as `compute_reboot_instance`.
        event_name: String,
        /// The instances. Each one gets its own event.
        instance_uuids: Vec<String>,
        /// The host that runs the step [default: the configured one]. `hibiscus` only.
        host: Option<String>,
        /// Whether finishing ignores an action that no longer exists; the events of later instances then stay open.
        /// Nova: `graceful_exit`. `hibiscus` only.
        graceful_exit: Option<bool>,
        /// Whether the call drops the error of the body in that case, as Nova does.
        swallow_body_error: Option<bool>,
    }
}

#[wasm_bindgen]
impl ComputeUtils {
    /// Records the start of an action and returns the conductor's row; null when the conductor returns none. Nova:
    /// `InstanceAction.action_start`.
    #[wasm_bindgen(js_name = actionStart, unchecked_return_type = "Promise<InstanceAction | null>")]
    pub fn action_start(
        &self,
        #[wasm_bindgen(unchecked_param_type = "ActionStartOptions")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let ActionStartOptions { context, instance_uuid: uuid, action_name } = options::read(&options)?;
            let (context, name) = (context.unwrap_or_default(), action_name.as_deref());
            Ok(action::action_start(services, config.release, &context, &uuid, name).await?)
        })
    }

    /// Records the finish of an action and returns the conductor's row; null when the conductor returns none. Nova:
    /// `InstanceAction.action_finish`.
    #[wasm_bindgen(js_name = actionFinish, unchecked_return_type = "Promise<InstanceAction | null>")]
    pub fn action_finish(
        &self,
        #[wasm_bindgen(unchecked_param_type = "ActionFinishOptions")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let ActionFinishOptions { context, instance_uuid } = options::read(&options)?;
            let context = context.unwrap_or_default();
            Ok(action::action_finish(services, config.release, &context, &instance_uuid).await?)
        })
    }

    /// Records the start of an event and returns the conductor's row; null when the conductor returns none. Nova:
    /// `InstanceActionEvent.event_start`.
    #[wasm_bindgen(js_name = eventStart, unchecked_return_type = "Promise<InstanceActionEvent | null>")]
    pub fn event_start(&self, #[wasm_bindgen(unchecked_param_type = "EventStartOptions")] options: JsValue) -> Promise {
        self.call(async move |config, services| {
            let EventStartOptions { context, instance_uuid: uuid, event_name, host } = options::read(&options)?;
            let (context, host) = (context.unwrap_or_default(), host.as_deref().or(configured_host(config)));
            Ok(action::event_start(services, config.release, &context, &uuid, &event_name, host).await?)
        })
    }

    /// Records the success of an event and returns the conductor's row; null when the conductor returns none. Nova:
    /// `InstanceActionEvent.event_finish`.
    #[wasm_bindgen(js_name = eventFinish, unchecked_return_type = "Promise<InstanceActionEvent | null>")]
    pub fn event_finish(
        &self,
        #[wasm_bindgen(unchecked_param_type = "EventFinishOptions")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let EventFinishOptions { context, instance_uuid: uuid, event_name } = options::read(&options)?;
            let context = context.unwrap_or_default();
            Ok(action::event_finish(services, config.release, &context, &uuid, &event_name).await?)
        })
    }

    /// Records the finish of an event, with its exception when it failed, and returns the conductor's row; null when
    /// the conductor returns none. Nova: `InstanceActionEvent.event_finish_with_failure`.
    #[wasm_bindgen(js_name = eventFinishWithFailure, unchecked_return_type = "Promise<InstanceActionEvent | null>")]
    pub fn event_finish_with_failure(
        &self,
        #[wasm_bindgen(unchecked_param_type = "EventFinishWithFailureOptions")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let options: EventFinishWithFailureOptions = options::read(&options)?;
            let context = options.context.unwrap_or_default();
            let finished = action::event_finish_with_failure(
                services,
                config.release,
                &context,
                &options.instance_uuid,
                &options.event_name,
                options.exc_val.as_ref().map(Exception::borrowed),
                options.exc_tb.as_deref(),
            );
            Ok(finished.await?)
        })
    }

    // `host.d.ts` declares this method, because wasm-bindgen cannot declare its type parameter.
    #[wasm_bindgen(js_name = reportEvent, unchecked_return_type = "Promise<unknown>", skip_typescript)]
    pub fn report_event(&self, options: JsValue, body: JsValue) -> Promise {
        self.call(async move |config, services| {
            let options: ReportEventOptions = options::read(&options)?;
            let not_a_function =
                |body: JsValue| Error::type_error(format!("the body is {}: give a function", kind(&body)));
            let body: Function = body.dyn_into().map_err(not_a_function)?;
            let context = options.context.unwrap_or_default();
            let event = Event {
                name: options.event_name,
                host: options.host.or_else(|| configured_host(config).map(str::to_owned)),
                instance_uuids: options.instance_uuids,
                graceful_exit: options.graceful_exit.unwrap_or_default(),
                swallow_body_error: options.swallow_body_error.unwrap_or_default(),
            };
            match action::report_event(services, config.release, &context, event, async || run(&body).await).await {
                Ok(value) => Ok(value),
                Err(ReportError::Swallowed) => Ok(JsValue::UNDEFINED),
                Err(ReportError::Body(BodyError(thrown))) => Err(Thrown(thrown)),
                Err(ReportError::Start(error) | ReportError::Finish { error, body: None }) => Err(error.into()),
                Err(ReportError::Finish { error, body: Some(BodyError(body)) }) => {
                    Err(Thrown(extend(nova_error(&error), &[("body", body)])))
                }
            }
        })
    }
}

/// Returns the configured host, where events run by default; `None` when it is empty.
fn configured_host(config: &Config) -> Option<&str> {
    Some(config.host.as_str()).filter(|host| !host.is_empty())
}

async fn run(body: &Function) -> core::result::Result<JsValue, BodyError> {
    let answer = body.call0(&JsValue::UNDEFINED).map_err(BodyError)?;
    JsFuture::from(to_promise(&answer)).await.map_err(BodyError)
}
