//! The host: JavaScript objects and functions that serve the library's callbacks.

use std::cell::{Cell, OnceCell, RefCell};
use std::format;
use std::pin::Pin;
use std::prelude::v1::*;

use chrono::NaiveDateTime;
use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::error::host_error;
use super::options::{self, Member, Reader};
use super::record::{ToJs, extend, object};
use super::typescript::Type;
use super::value::{byte_array, elements, from_json, is_absent, kind};
use super::{document, time};
use crate::action::{ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues};
use crate::document::list_json;
use crate::host::{
    AuditCheckpoint, BwUsage, Clock, Conductor, HostError, InstanceAction, InstanceActionEvent, InstanceFaultValues,
    InstancePage, Notification, Notifier, Random, TaskLog, TaskLogKey, UnreadableInstance, WindowQuery,
};
use crate::{Context, Error};

#[wasm_bindgen(raw_module = "./callback.js")]
extern "C" {
    #[wasm_bindgen(js_name = unlessAborted)]
    fn unless_aborted(answer: &JsValue, signal: &JsValue, grace: f64) -> Promise;

    /// Returns a promise of a value, or of the value that a promise resolves to.
    #[wasm_bindgen(js_name = toPromise)]
    pub fn to_promise(value: &JsValue) -> Promise;
}

#[wasm_bindgen]
extern "C" {
    /// The signal that stops a call.
    #[derive(Clone)]
    pub type AbortSignal;

    #[wasm_bindgen(catch, method, getter)]
    fn aborted(this: &AbortSignal) -> Result<bool, JsValue>;

    #[wasm_bindgen(catch, method, getter)]
    fn reason(this: &AbortSignal) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]) -> Result<(), JsValue>;
}

/// Any object with the members of an `AbortSignal`: `instanceof` rejects the one of another realm.
impl Member for AbortSignal {
    const TYPE: Type = Type::Name("AbortSignal");

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        let member = |name: &str| Reflect::get(&value, &JsValue::from_str(name)).unwrap_or_default();
        if member("aborted").as_bool().is_none() || !member("addEventListener").is_function() {
            reader.reject(&value, "an `AbortSignal`");
        }
        value.unchecked_into()
    }
}

/// Declares options that stay JavaScript values: the wrapped type, the type in TypeScript, and which values it takes.
macro_rules! kept {
    ($($(#[$docs:meta])* $name:ident($inner:ty): $type:literal, $expected:literal if $takes:expr;)*) => {$(
        $(#[$docs])*
        pub struct $name(pub $inner);

        impl Member for $name {
            const TYPE: Type = Type::Name($type);

            fn read(value: JsValue, reader: &Reader<'_>) -> Self {
                let takes: fn(&JsValue) -> bool = $takes;
                if !takes(&value) {
                    reader.reject(&value, $expected);
                }
                Self(value.unchecked_into())
            }
        }
    )*};
}

kept! {
    ConductorObject(JsValue): "Partial<Conductor>", "an object" if is_object;
    NotifierObject(JsValue): "Notifier", "an object" if is_object;
    ClockFunction(Function): "(() => Timestamp)", "a function" if JsValue::is_function;
    RandomBytesFunction(Function): "((length: number) => Uint8Array)", "a function" if JsValue::is_function;
    ProgressFunction(Function): "((progress: AuditProgress) => void)", "a function" if JsValue::is_function;
}

fn is_object(value: &JsValue) -> bool {
    value.is_object() || value.is_function()
}

/// The objects and functions that an embedding program supplies.
pub struct Host {
    pub conductor: JsValue,
    pub notifier: JsValue,
    pub clock: Option<Function>,
    pub random_bytes: Option<Function>,
}

/// How long finishing a task log row, or storing a checkpoint, may take once the signal is aborted, in milliseconds.
const FINISH_GRACE: f64 = 5_000.0;

/// The host during one call of the library.
pub struct Services<'a> {
    host: &'a Host,
    signal: OnceCell<AbortSignal>,
    randomness: Randomness,
    /// The failure of the clock or the randomness. The library calls both as infallible; once one fails, no further
    /// callback is called.
    failure: RefCell<Option<Error>>,
}

/// The future answer of a callback. Boxed, because each callback would otherwise compile a copy of `answer`.
type Answer<'s> = Pin<Box<dyn Future<Output = Result<JsValue, HostError>> + 's>>;

impl<'a> Services<'a> {
    pub fn new(host: &'a Host) -> Self {
        Self { host, signal: OnceCell::new(), randomness: Randomness::default(), failure: RefCell::default() }
    }

    /// Sets the signal that stops the call.
    pub fn set_signal(&self, signal: AbortSignal) {
        // One call has one signal.
        let _ = self.signal.set(signal);
    }

    /// Returns the outcome of a call, unless the clock or the randomness failed on the way.
    pub fn finish<T, E: From<Error>>(&self, outcome: Result<T, E>) -> Result<T, E> {
        match self.failure.take() {
            Some(failure) => Err(failure.into()),
            None => outcome,
        }
    }

    /// Fails with the reason of the signal once that is aborted.
    pub fn check_signal(&self) -> Result<(), Error> {
        match self.signal.get() {
            Some(signal) if signal.aborted().map_err(host_error)? => {
                Err(host_error(signal.reason().unwrap_or_else(|thrown| thrown)).into())
            }
            _ => Ok(()),
        }
    }

    /// Calls a method of the conductor and reads its answer.
    async fn ask<T: Member>(&self, method: &'static str, context: &Context, argument: JsValue) -> Result<T, HostError> {
        let answer = self.conductor(method, context, &argument, 0.0).await?;
        Ok(options::answer(&answer, method)?)
    }

    fn conductor<'s>(&'s self, method: &'s str, context: &Context, argument: &JsValue, grace: f64) -> Answer<'s> {
        let arguments = Array::of2(&context.to_js(), argument);
        self.call(&self.host.conductor, "conductor", method, arguments, grace)
    }

    fn call<'s>(
        &'s self,
        object: &'s JsValue,
        role: &'static str,
        method: &'s str,
        arguments: Array,
        grace: f64,
    ) -> Answer<'s> {
        Box::pin(self.answer(object, role, method, arguments, grace))
    }

    /// Calls a method and awaits its answer. An answer that is no promise costs no turn of the event loop.
    async fn answer(
        &self,
        object: &JsValue,
        role: &str,
        method: &str,
        arguments: Array,
        grace: f64,
    ) -> Result<JsValue, HostError> {
        if let Some(failure) = self.failure.borrow().as_ref() {
            return Err(failure.clone().into());
        }
        if is_absent(object) {
            let message = format!("the call needs `{method}`, and there is no {role}: give one to `ComputeUtils`");
            return Err(HostError::new(if role == "conductor" { "NoConductor" } else { "NoNotifier" }, message));
        }
        let function = Reflect::get(object, &JsValue::from_str(method)).map_err(host_error)?;
        let function: Function = function
            .dyn_into()
            .map_err(|_| HostError::new("NotImplementedError", format!("the {role} has no method `{method}`")))?;
        let answer = function.apply(object, &arguments).map_err(host_error)?;
        if !is_thenable(&answer)? {
            return Ok(answer);
        }
        let signal = self.signal.get().map_or(JsValue::UNDEFINED, JsValue::from);
        JsFuture::from(unless_aborted(&answer, &signal, grace)).await.map_err(host_error)
    }

    fn fail(&self, callback: &'static str, failure: HostError) {
        self.failure.borrow_mut().get_or_insert_with(|| Error::host(callback, failure));
    }
}

/// Returns whether an object has a method that it may lack. A member that is no function is an error of the call.
fn has_method(object: &JsValue, method: &str) -> Result<bool, HostError> {
    Ok(!is_absent(object) && !is_absent(&Reflect::get(object, &JsValue::from_str(method)).map_err(host_error)?))
}

fn is_thenable(value: &JsValue) -> Result<bool, HostError> {
    Ok(is_object(value) && Reflect::get(value, &JsValue::from_str("then")).map_err(host_error)?.is_function())
}

/// Reads any answer of a callback that returns nothing.
impl Member for () {
    const TYPE: Type = Type::Unknown;

    fn read(_: JsValue, _: &Reader<'_>) {}
}

impl Member for InstancePage {
    const TYPE: Type = Type::Name("InstancePage");

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        let members = reader.members(&value);
        let Documents(instances) = members.get("instances");
        let unreadable: Option<Vec<UnreadableInstance>> = members.get("unreadable");
        Self { instances, unreadable: unreadable.unwrap_or_default(), next_marker: members.get("next_marker") }
    }
}

/// The JSON texts of a list of documents, converted together.
pub struct Documents(pub Vec<String>);

impl Member for Documents {
    const TYPE: Type = Type::Name("DocumentInput[]");

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        let documents = reader.elements(&value);
        Self(reader.convert(|name| document::texts(&documents, name)))
    }
}

impl Conductor for Services<'_> {
    async fn task_log_get(&self, context: &Context, key: TaskLogKey<'_>) -> Result<Option<TaskLog>, HostError> {
        self.ask("taskLogGet", context, key.to_js()).await
    }

    async fn task_log_begin_task(
        &self,
        context: &Context,
        key: TaskLogKey<'_>,
        task_items: i64,
        message: &str,
    ) -> Result<(), HostError> {
        let task = extend(key.to_js(), &[("task_items", task_items.to_js()), ("message", message.to_js())]);
        self.ask("taskLogBeginTask", context, task).await
    }

    /// A stopped audit finishes its row, so this call gets time even after the signal is aborted.
    async fn task_log_end_task(
        &self,
        context: &Context,
        key: TaskLogKey<'_>,
        errors: i64,
        message: Option<&str>,
    ) -> Result<(), HostError> {
        let task = extend(key.to_js(), &[("errors", errors.to_js()), ("message", message.to_js())]);
        self.conductor("taskLogEndTask", context, &task, FINISH_GRACE).await.map(drop)
    }

    async fn audit_checkpoint_get(
        &self,
        context: &Context,
        key: TaskLogKey<'_>,
    ) -> Result<Option<AuditCheckpoint>, HostError> {
        if !has_method(&self.host.conductor, "auditCheckpointGet")? {
            return Ok(None);
        }
        self.ask("auditCheckpointGet", context, key.to_js()).await
    }

    /// The checkpoint of a page that was sent gets time even after the signal is aborted.
    async fn audit_checkpoint_put(
        &self,
        context: &Context,
        key: TaskLogKey<'_>,
        checkpoint: &AuditCheckpoint,
    ) -> Result<bool, HostError> {
        if !has_method(&self.host.conductor, "auditCheckpointPut")? {
            return Ok(false);
        }
        let task = extend(key.to_js(), &[("checkpoint", checkpoint.to_js())]);
        let answer = self.conductor("auditCheckpointPut", context, &task, FINISH_GRACE).await?;
        let stored: Option<bool> = options::answer(&answer, "auditCheckpointPut")?;
        Ok(stored.unwrap_or(true))
    }

    async fn instance_get_active_by_window(
        &self,
        context: &Context,
        query: WindowQuery<'_>,
        marker: Option<&str>,
        limit: u32,
    ) -> Result<InstancePage, HostError> {
        let query = extend(query.to_js(), &[("marker", marker.to_js()), ("limit", i64::from(limit).to_js())]);
        self.ask("instanceGetActiveByWindow", context, query).await
    }

    async fn instance_count_active_by_window(
        &self,
        context: &Context,
        query: WindowQuery<'_>,
    ) -> Result<u64, HostError> {
        self.ask("instanceCountActiveByWindow", context, query.to_js()).await
    }

    async fn bw_usage_get_by_uuids(
        &self,
        context: &Context,
        uuids: &[String],
        start_period: NaiveDateTime,
    ) -> Result<Vec<BwUsage>, HostError> {
        let query = object(&[("uuids", uuids.to_js()), ("start_period", start_period.to_js())]);
        self.ask("bwUsageGetByUuids", context, query).await
    }

    async fn instance_get_nw_info(&self, context: &Context, instance: &str) -> Result<String, HostError> {
        let options::Document(network_info) = self.ask("instanceGetNwInfo", context, from_json(instance)?).await?;
        Ok(network_info)
    }

    async fn instance_fault_create(&self, context: &Context, values: &InstanceFaultValues) -> Result<(), HostError> {
        let InstanceFaultValues { instance_uuid, code, message, details, host } = values;
        let values = object(&[
            ("instance_uuid", instance_uuid.to_js()),
            ("code", from_json(code)?),
            ("message", message.to_js()),
            ("details", details.to_js()),
            ("host", host.to_js()),
        ]);
        self.ask("instanceFaultCreate", context, values).await
    }

    async fn action_start(
        &self,
        context: &Context,
        values: &ActionStartValues,
    ) -> Result<Option<InstanceAction>, HostError> {
        self.ask("actionStart", context, values.to_js()).await
    }

    async fn action_finish(
        &self,
        context: &Context,
        values: &ActionFinishValues,
    ) -> Result<Option<InstanceAction>, HostError> {
        self.ask("actionFinish", context, values.to_js()).await
    }

    async fn action_event_start(
        &self,
        context: &Context,
        values: &ActionEventStartValues,
    ) -> Result<Option<InstanceActionEvent>, HostError> {
        self.ask("actionEventStart", context, values.to_js()).await
    }

    async fn action_event_finish(
        &self,
        context: &Context,
        values: &ActionEventFinishValues,
    ) -> Result<Option<InstanceActionEvent>, HostError> {
        self.ask("actionEventFinish", context, values.to_js()).await
    }
}

impl Notifier for Services<'_> {
    async fn notify(
        &self,
        context: &Context,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Result<(), HostError>>, HostError> {
        // One call for the whole batch costs less than one for each member.
        let batch = from_json(&list_json(notifications.iter().map(to_json)))?;
        let arguments = Array::of2(&context.to_js(), &batch);
        let answers = self.call(&self.host.notifier, "notifier", "notify", arguments, 0.0).await?;
        if is_absent(&answers) {
            return Ok(notifications.iter().map(|_| Ok(())).collect());
        }
        let Some(answers) = elements(&answers).map_err(host_error)? else {
            let message = format!("the answer of notify is {}: give an array, null or nothing", kind(&answers));
            return Err(HostError::new("TypeError", message));
        };
        let sent = |answer| if is_absent(&answer) { Ok(()) } else { Err(host_error(answer)) };
        Ok(answers.iter().map(sent).collect())
    }

    async fn position(&self, context: &Context) -> Result<Option<String>, HostError> {
        let notifier = &self.host.notifier;
        if !has_method(notifier, "position")? {
            return Ok(None);
        }
        let arguments = Array::of1(&context.to_js());
        let answer = self.call(notifier, "notifier", "position", arguments, FINISH_GRACE).await?;
        Ok(options::answer(&answer, "position")?)
    }

    async fn resume_at(&self, context: &Context, position: Option<&str>) -> Result<(), HostError> {
        let notifier = &self.host.notifier;
        if !has_method(notifier, "resumeAt")? {
            return Ok(());
        }
        let arguments = Array::of2(&context.to_js(), &position.to_js());
        self.call(notifier, "notifier", "resumeAt", arguments, 0.0).await.map(drop)
    }
}

/// Returns the message with `versioned`, which its wire form does not have.
fn to_json(notification: &Notification) -> String {
    let mut json = notification.to_json();
    json.pop();
    json.push_str(if notification.versioned { ",\"versioned\":true}" } else { ",\"versioned\":false}" });
    json
}

impl Clock for Services<'_> {
    fn utcnow(&self) -> NaiveDateTime {
        let Some(clock) = &self.host.clock else {
            return time::now();
        };
        let now = clock.call0(&JsValue::UNDEFINED).map_err(host_error);
        let now = now.and_then(|now| Ok(time::timestamp(&now, "the answer of clock")?));
        now.unwrap_or_else(|failure| {
            self.fail("clock", failure);
            NaiveDateTime::default()
        })
    }
}

impl Random for Services<'_> {
    fn random_bytes(&self) -> [u8; 16] {
        let random = match &self.host.random_bytes {
            Some(random_bytes) => call_random_bytes(random_bytes),
            None => self.randomness.take(),
        };
        random.unwrap_or_else(|failure| {
            self.fail("random-bytes", failure);
            [0; 16]
        })
    }
}

fn call_random_bytes(random_bytes: &Function) -> Result<[u8; 16], HostError> {
    let answer = random_bytes.call1(&JsValue::UNDEFINED, &JsValue::from_f64(16.0)).map_err(host_error)?;
    let Some(bytes) = byte_array(&answer).filter(|bytes| bytes.length() == 16) else {
        return Err(HostError::new("TypeError", "the answer of randomBytes is not a `Uint8Array` of 16 bytes"));
    };
    let mut random = [0; 16];
    bytes.copy_to(&mut random);
    Ok(random)
}

/// The number of ids whose bytes are drawn together: a call of the engine costs more than an id.
const IDS_PER_DRAW: usize = 256;

/// Random bytes of the engine, drawn in advance.
#[derive(Default)]
struct Randomness {
    bytes: RefCell<Vec<u8>>,
    taken: Cell<usize>,
}

impl Randomness {
    /// Returns the next sixteen bytes.
    fn take(&self) -> Result<[u8; 16], HostError> {
        let mut bytes = self.bytes.borrow_mut();
        if bytes.len().saturating_sub(self.taken.get()) < 16 {
            // A call that emits one notification draws the bytes of one.
            let ids = if bytes.is_empty() { 1 } else { IDS_PER_DRAW };
            bytes.resize(ids.saturating_mul(16), 0);
            get_random_values(&mut bytes).map_err(host_error)?;
            self.taken.set(0);
        }
        let from = self.taken.get();
        self.taken.set(from.saturating_add(16));
        Ok(bytes.get(from..).and_then(|rest| rest.first_chunk().copied()).unwrap_or_default())
    }
}
