//! The host's side: what a JavaScript object does for the library.

use std::cell::{Cell, OnceCell, RefCell};
use std::pin::Pin;

use chrono::NaiveDateTime;
use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::error::{Thrown, in_words_of, of_host};
use super::options::{self, Member};
use super::record::{ToJs, object};
use super::{document, time};
use crate::action::{ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues};
use crate::host::{
    BwUsage, Clock, Conductor, HostError, InstanceAction, InstanceActionEvent, InstanceFaultValues, InstancePage,
    Notification, Notifier, Random, TaskLog, WindowQuery,
};
use crate::{Context, Error};

#[wasm_bindgen(raw_module = "./callback.js")]
extern "C" {
    #[wasm_bindgen(js_name = unlessAborted)]
    fn unless_aborted(answer: &JsValue, signal: &JsValue, patience: f64) -> Promise;

    /// A promise of what anything comes to.
    pub fn settled(value: &JsValue) -> Promise;
}

#[wasm_bindgen]
extern "C" {
    /// What stops a call.
    #[derive(Clone)]
    pub type AbortSignal;

    #[wasm_bindgen(catch, method, getter)]
    fn aborted(this: &AbortSignal) -> Result<bool, JsValue>;

    #[wasm_bindgen(catch, method, getter)]
    fn reason(this: &AbortSignal) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]) -> Result<(), JsValue>;
}

/// How long closing a task log row may take once the caller wants to stop, in milliseconds.
const PATIENCE: f64 = 5_000.0;

/// The objects that an embedding program supplies.
#[derive(Clone, Default)]
pub struct Host {
    pub conductor: JsValue,
    pub notifier: JsValue,
    pub clock: Option<Function>,
    pub random_bytes: Option<Function>,
}

/// The host during one call of the library.
pub struct Services<'a> {
    host: &'a Host,
    signal: OnceCell<AbortSignal>,
    randomness: Randomness,
    /// Why there is no telling the time, or no randomness. The library asks for both as things that cannot fail; where
    /// they do, nothing may leave it any more.
    failure: RefCell<Option<Error>>,
}

impl<'a> Services<'a> {
    pub fn new(host: &'a Host) -> Self {
        Self { host, signal: OnceCell::new(), randomness: Randomness::default(), failure: RefCell::default() }
    }

    /// From now on wait for the host only until this signal is aborted.
    pub fn heed(&self, signal: AbortSignal) {
        // One call has one signal.
        let _ = self.signal.set(signal);
    }

    /// What a call gave, unless the clock or the randomness failed on the way.
    pub fn finish<T>(&self, outcome: Result<T, Thrown>) -> Result<T, Thrown> {
        match self.failure.take() {
            Some(failure) => Err(failure.into()),
            None => outcome,
        }
    }

    /// Does the caller want to stop?
    pub fn check_signal(&self) -> Result<(), Error> {
        match self.signal.get() {
            Some(signal) if signal.aborted().map_err(of_host)? => {
                Err(of_host(signal.reason().unwrap_or_else(|thrown| thrown)).into())
            }
            _ => Ok(()),
        }
    }

    fn conductor<'s>(&'s self, method: &'s str, arguments: &[JsValue]) -> Answer<'s> {
        self.call(&self.host.conductor, "conductor", method, arguments, 0.0)
    }

    /// Call a method and wait for its answer. Boxed, for each callback would otherwise hold a copy of all this.
    fn call<'s>(
        &'s self,
        object: &'s JsValue,
        role: &'static str,
        method: &'s str,
        arguments: &[JsValue],
        patience: f64,
    ) -> Answer<'s> {
        Box::pin(self.answer(object, role, method, arguments.iter().collect(), patience))
    }

    /// An answer that is there at once costs no turn of the event loop.
    async fn answer(
        &self,
        object: &JsValue,
        role: &str,
        method: &str,
        arguments: Array,
        patience: f64,
    ) -> Result<JsValue, HostError> {
        if let Some(failure) = self.failure.borrow().as_ref() {
            return Err(in_words(failure));
        }
        if object.is_undefined() || object.is_null() {
            let message = format!("`{method}` is called for, and there is no {role}: give one to `ComputeUtils`");
            return Err(HostError::new(if role == "conductor" { "NoConductor" } else { "NoNotifier" }, message));
        }
        let function = Reflect::get(object, &JsValue::from_str(method)).map_err(of_host)?;
        let function: Function = function
            .dyn_into()
            .map_err(|_| HostError::new("NotImplementedError", format!("the {role} has no method `{method}`")))?;
        let answer = function.apply(object, &arguments).map_err(of_host)?;
        if !is_thenable(&answer)? {
            return Ok(answer);
        }
        let signal = self.signal.get().map_or(JsValue::UNDEFINED, JsValue::from);
        JsFuture::from(unless_aborted(&answer, &signal, patience)).await.map_err(of_host)
    }

    fn fail(&self, callback: &'static str, failure: HostError) {
        self.failure.borrow_mut().get_or_insert_with(|| Error::host(callback, failure));
    }
}

/// What a callback will have answered.
type Answer<'s> = Pin<Box<dyn Future<Output = Result<JsValue, HostError>> + 's>>;

fn is_thenable(value: &JsValue) -> Result<bool, HostError> {
    if !value.is_object() && !value.is_function() {
        return Ok(false);
    }
    Ok(Reflect::get(value, &JsValue::from_str("then")).map_err(of_host)?.is_function())
}

/// What a callback answered.
fn answered<T: Member>(answer: &JsValue, method: &str) -> Result<T, HostError> {
    options::value(answer, &format!("the answer of {method}")).map_err(wrong)
}

/// The face's own error of an answer. Its cause is what the host threw while the answer was read, if it did.
fn wrong(Thrown(thrown): Thrown) -> HostError {
    let cause = Reflect::get(&thrown, &JsValue::from_str("cause")).unwrap_or_default();
    in_words_of(&thrown, cause)
}

/// What makes a row of the task log the one that is meant.
fn task_log_key(task_name: &str, begin: NaiveDateTime, end: NaiveDateTime, host: &str) -> [(&'static str, JsValue); 4] {
    [
        ("task_name", task_name.to_js()),
        ("period_beginning", begin.to_js()),
        ("period_ending", end.to_js()),
        ("host", host.to_js()),
    ]
}

fn window_query(query: WindowQuery<'_>) -> [(&'static str, JsValue); 4] {
    let WindowQuery { begin, end, project_id, host } = query;
    [("begin", begin.to_js()), ("end", end.to_js()), ("project_id", project_id.to_js()), ("host", host.to_js())]
}

impl Conductor for Services<'_> {
    async fn task_log_get(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: &str,
    ) -> Result<Option<TaskLog>, HostError> {
        let task = object(&task_log_key(task_name, period_beginning, period_ending, host));
        let row = self.conductor("taskLogGet", &[task]).await?;
        answered(&row, "taskLogGet")
    }

    async fn task_log_begin_task(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: &str,
        task_items: i64,
        message: &str,
    ) -> Result<(), HostError> {
        let [name, begin, end, host] = task_log_key(task_name, period_beginning, period_ending, host);
        let task = object(&[name, begin, end, host, ("task_items", task_items.to_js()), ("message", message.to_js())]);
        self.conductor("taskLogBeginTask", &[task]).await.map(drop)
    }

    /// Closing a row is what stopping ends with, so it gets its time.
    async fn task_log_end_task(
        &self,
        task_name: &str,
        period_beginning: NaiveDateTime,
        period_ending: NaiveDateTime,
        host: &str,
        errors: i64,
        message: Option<&str>,
    ) -> Result<(), HostError> {
        let [name, begin, end, host] = task_log_key(task_name, period_beginning, period_ending, host);
        let task = object(&[name, begin, end, host, ("errors", errors.to_js()), ("message", message.to_js())]);
        self.call(&self.host.conductor, "conductor", "taskLogEndTask", &[task], PATIENCE).await.map(drop)
    }

    async fn instance_get_active_by_window(
        &self,
        query: WindowQuery<'_>,
        marker: Option<&str>,
        limit: u32,
    ) -> Result<InstancePage, HostError> {
        let method = "instanceGetActiveByWindow";
        let [begin, end, project_id, host] = window_query(query);
        let limit = JsValue::from_f64(f64::from(limit));
        let query = object(&[begin, end, project_id, host, ("marker", marker.to_js()), ("limit", limit)]);
        let page = self.conductor(method, &[query]).await?;
        if !page.is_object() {
            let message = format!("the answer of {method} is {}: give an object", document::kind(&page));
            return Err(HostError::new("TypeError", message));
        }
        let member = |name: &str| Reflect::get(&page, &JsValue::from_str(name)).map_err(of_host);
        let instances = member("instances")?;
        let name = format!("the answer of {method}: instances");
        let list = document::members(&instances).map_err(of_host)?.ok_or_else(|| {
            HostError::new("TypeError", format!("`{name}` is {}: give an array", document::kind(&instances)))
        })?;
        let instances = document::texts(&list, &name).map_err(wrong)?;
        let next_marker = member("next_marker")?;
        if next_marker.as_string().is_none() && !next_marker.is_undefined() && !next_marker.is_null() {
            let message = format!("the answer of {method}: `next_marker` is {}", document::kind(&next_marker));
            return Err(HostError::new("TypeError", message));
        }
        Ok(InstancePage { instances, next_marker: next_marker.as_string() })
    }

    async fn instance_count_active_by_window(&self, query: WindowQuery<'_>) -> Result<u64, HostError> {
        let method = "instanceCountActiveByWindow";
        answered(&self.conductor(method, &[object(&window_query(query))]).await?, method)
    }

    async fn bw_usage_get_by_uuids(
        &self,
        uuids: &[String],
        start_period: NaiveDateTime,
    ) -> Result<Vec<BwUsage>, HostError> {
        let method = "bwUsageGetByUuids";
        let query = object(&[("uuids", uuids.to_js()), ("start_period", start_period.to_js())]);
        answered(&self.conductor(method, &[query]).await?, method)
    }

    async fn instance_get_nw_info(&self, instance: &str) -> Result<String, HostError> {
        let method = "instanceGetNwInfo";
        let instance = document::from_text(instance).map_err(wrong)?;
        let network_info = self.conductor(method, &[instance]).await?;
        document::text(&network_info, &format!("the answer of {method}")).map_err(wrong)
    }

    async fn action_start(&self, context: &Context, values: &ActionStartValues) -> Result<InstanceAction, HostError> {
        self.action("actionStart", context, values).await
    }

    async fn action_finish(&self, context: &Context, values: &ActionFinishValues) -> Result<InstanceAction, HostError> {
        self.action("actionFinish", context, values).await
    }

    async fn action_event_start(
        &self,
        context: &Context,
        values: &ActionEventStartValues,
    ) -> Result<InstanceActionEvent, HostError> {
        self.action("actionEventStart", context, values).await
    }

    async fn action_event_finish(
        &self,
        context: &Context,
        values: &ActionEventFinishValues,
    ) -> Result<InstanceActionEvent, HostError> {
        self.action("actionEventFinish", context, values).await
    }

    async fn instance_fault_create(&self, values: &InstanceFaultValues) -> Result<(), HostError> {
        let InstanceFaultValues { instance_uuid, code, message, details, host } = values;
        let values = object(&[
            ("instance_uuid", instance_uuid.to_js()),
            ("code", document::from_text(code).map_err(wrong)?),
            ("message", message.to_js()),
            ("details", details.to_js()),
            ("host", host.to_js()),
        ]);
        self.conductor("instanceFaultCreate", &[values]).await.map(drop)
    }
}

impl Services<'_> {
    async fn action<T: Member>(
        &self,
        method: &'static str,
        context: &Context,
        values: &impl ToJs,
    ) -> Result<T, HostError> {
        let context = document::from_text(&context.to_json()).map_err(wrong)?;
        answered(&self.conductor(method, &[context, values.to_js()]).await?, method)
    }
}

impl Notifier for Services<'_> {
    async fn notify(
        &self,
        context: &str,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Result<(), HostError>>, HostError> {
        let batch = crate::document::list_json(notifications.iter().map(Notification::to_json));
        let arguments = [document::from_text(context).map_err(wrong)?, document::from_text(&batch).map_err(wrong)?];
        let answers = self.call(&self.host.notifier, "notifier", "notify", &arguments, 0.0).await?;
        if answers.is_undefined() || answers.is_null() {
            return Ok(notifications.iter().map(|_| Ok(())).collect());
        }
        let Some(answers) = document::members(&answers).map_err(of_host)? else {
            let message = format!("the answer of notify is {}: give an array, or nothing", document::kind(&answers));
            return Err(HostError::new("TypeError", message));
        };
        let refused = |answer: JsValue| {
            if answer.is_undefined() || answer.is_null() { Ok(()) } else { Err(of_host(answer)) }
        };
        Ok(answers.iter().map(refused).collect())
    }
}

impl Clock for Services<'_> {
    fn utcnow(&self) -> NaiveDateTime {
        let Some(clock) = &self.host.clock else {
            return time::now();
        };
        let read = clock.call0(&JsValue::UNDEFINED).map_err(of_host);
        let read = read.and_then(|now| time::moment(&now, "the answer of clock").map_err(|error| in_words(&error)));
        read.unwrap_or_else(|failure| {
            self.fail("clock", failure);
            NaiveDateTime::default()
        })
    }
}

fn in_words(error: &Error) -> HostError {
    HostError::new(error.code(), error.message())
}

impl Random for Services<'_> {
    fn random_bytes(&self) -> [u8; 16] {
        let Some(random_bytes) = &self.host.random_bytes else {
            return self.randomness.take().unwrap_or_else(|failure| {
                self.fail("random-bytes", failure);
                [0; 16]
            });
        };
        let drawn = random_bytes.call1(&JsValue::UNDEFINED, &JsValue::from_f64(16.0)).map_err(of_host);
        let drawn = drawn.and_then(|bytes| {
            let drawn = document::byte_array(&bytes).filter(|bytes| bytes.length() == 16).cloned();
            drawn.ok_or_else(|| HostError::new("TypeError", "the answer of randomBytes is no `Uint8Array` of 16 bytes"))
        });
        let mut random = [0; 16];
        match drawn {
            Ok(bytes) => bytes.copy_to(&mut random),
            Err(failure) => self.fail("random-bytes", failure),
        }
        random
    }
}

/// How many ids are drawn at a time: a crossing for each would cost more than the ids.
const DRAWN_AT_ONCE: usize = 256;

/// Random bytes in store.
#[derive(Default)]
pub struct Randomness {
    bytes: RefCell<Vec<u8>>,
    taken: Cell<usize>,
}

impl Randomness {
    /// Sixteen of them.
    pub fn take(&self) -> Result<[u8; 16], HostError> {
        let mut bytes = self.bytes.borrow_mut();
        let from = self.taken.get();
        if bytes.len().saturating_sub(from) < 16 {
            // A call that sends one notification draws for one.
            let ids = if bytes.is_empty() { 1 } else { DRAWN_AT_ONCE };
            bytes.resize(ids.saturating_mul(16), 0);
            get_random_values(&mut bytes).map_err(of_host)?;
            self.taken.set(0);
        }
        let from = self.taken.get();
        let drawn = bytes.get(from..).and_then(|rest| rest.first_chunk::<16>().copied()).unwrap_or_default();
        self.taken.set(from.saturating_add(16));
        Ok(drawn)
    }
}

/// The clock and the randomness of the JavaScript engine, for what needs no other host.
#[derive(Default)]
pub struct Engine {
    pub now: NaiveDateTime,
    randomness: Randomness,
    failure: RefCell<Option<HostError>>,
}

impl Engine {
    /// An engine whose clock stands.
    pub fn at(now: NaiveDateTime) -> Self {
        Self { now, ..Self::default() }
    }

    /// What a call gave, unless there was no randomness.
    pub fn finish<T>(self, outcome: T) -> Result<T, Thrown> {
        match self.failure.into_inner() {
            Some(failure) => Err(Error::host("random-bytes", failure).into()),
            None => Ok(outcome),
        }
    }
}

impl Clock for Engine {
    fn utcnow(&self) -> NaiveDateTime {
        self.now
    }
}

impl Random for Engine {
    fn random_bytes(&self) -> [u8; 16] {
        self.randomness.take().unwrap_or_else(|failure| {
            self.failure.borrow_mut().get_or_insert(failure);
            [0; 16]
        })
    }
}
