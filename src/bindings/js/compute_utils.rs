//! The class for calls that need a host.

use std::boxed::Box;
use std::pin::Pin;
use std::prelude::v1::*;
use std::rc::Rc;

use chrono::NaiveDateTime;
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::error::Result;
use super::host::{ClockFunction, ConductorObject, Host, NotifierObject, RandomBytesFunction, Services};
use super::options::{self, options, record};
use super::record::ToJs;
use crate::{Config, Context, NotificationFormat, Release};

options! {
    /// The settings and the host of a `ComputeUtils`.
    pub struct ComputeUtilsOptions {
        release: Release,
        /// The compute host. Nova: `[DEFAULT] host`.
        host: String,
        /// `hour`, `day`, `month` or `year`, optionally with `@offset` [default: `month`]. Nova:
        /// `[DEFAULT] instance_usage_audit_period`.
        audit_period: Option<String>,
        /// Which notifications to emit [default: `unversioned`]. Nova: `[notifications] notification_format`.
        notification_format: Option<NotificationFormat>,
        /// Whether `instance.exists` lists the instance's `block_devices` [default: false]. Nova: `[notifications]
        /// bdms_in_notifications`. `hibiscus` only.
        bdms_in_notifications: Option<bool>,
        /// Whether `instance.exists` lists the instance's `shares` [default: false]. Nova: `[notifications]
        /// include_share_mapping`. `hibiscus` only.
        include_share_mapping: Option<bool>,
        /// The host's persistence, with the methods that the calls need.
        conductor: Option<ConductorObject>,
        /// The host's emission.
        notifier: Option<NotifierObject>,
        /// Returns the current time [default: the engine's clock].
        clock: Option<ClockFunction>,
        /// Returns random bytes for the ids of notifications [default: those of the engine].
        random_bytes: Option<RandomBytesFunction>,
    }
}

record! {
    /// The request context: the part of Nova's `RequestContext` that the library reads. User and project are null in
    /// periodic tasks.
    pub interface ContextInput for Context {
        /// The user who sent the request.
        user_id: Option<String>,
        /// The project of that user.
        project_id: Option<String>,
        /// The request: `req-` and a UUID.
        request_id: Option<String>,
        /// When the request began.
        timestamp: Option<NaiveDateTime>,
        /// The base of the image URLs in unversioned payloads, without a trailing slash [default: the URL is the bare
        /// image reference]. Nova takes it from the request's service catalog.
        glance_endpoint: Option<String>,
    }
}

/// Nova's compute utilities for one compute host: the functions that call a conductor or a notifier.
///
/// Calls may overlap, and a callback may call the library again.
#[wasm_bindgen]
pub struct ComputeUtils(Rc<Shared>);

/// The part that all calls share. A call may outlive its `ComputeUtils`.
struct Shared {
    config: Config,
    host: Host,
}

#[wasm_bindgen]
impl ComputeUtils {
    /// Creates the utilities of a compute host.
    #[wasm_bindgen(constructor)]
    pub fn new(
        #[wasm_bindgen(unchecked_param_type = "ComputeUtilsOptions")] options: &JsValue,
    ) -> Result<ComputeUtils> {
        let options: ComputeUtilsOptions = options::read(options)?;
        let defaults = Config::new(options.release, options.host);
        let config = Config {
            instance_usage_audit_period: options.audit_period.unwrap_or(defaults.instance_usage_audit_period),
            notification_format: options.notification_format.unwrap_or(defaults.notification_format),
            bdms_in_notifications: options.bdms_in_notifications.unwrap_or_default(),
            include_share_mapping: options.include_share_mapping.unwrap_or_default(),
            ..defaults
        };
        let host = Host {
            conductor: options.conductor.map_or(JsValue::UNDEFINED, |ConductorObject(object)| object),
            notifier: options.notifier.map_or(JsValue::UNDEFINED, |NotifierObject(object)| object),
            clock: options.clock.map(|ClockFunction(function)| function),
            random_bytes: options.random_bytes.map(|RandomBytesFunction(function)| function),
        };
        Ok(Self(Rc::new(Shared { config, host })))
    }
}

impl ComputeUtils {
    /// Runs a call with the services of the host. An error in the options rejects the promise too.
    pub(super) fn call<T: ToJs>(
        &self,
        call: impl AsyncFnOnce(&Config, &Services<'_>) -> Result<T> + 'static,
    ) -> Promise {
        let shared = Rc::clone(&self.0);
        promise(Box::pin(async move {
            let services = Services::new(&shared.host);
            let outcome = call(&shared.config, &services).await;
            services.finish(outcome).map(|value| value.to_js())
        }))
    }
}

/// Takes one type of future for all calls: `future_to_promise` would be compiled anew for each further type.
fn promise(call: Pin<Box<dyn Future<Output = Result<JsValue>>>>) -> Promise {
    future_to_promise(async move { call.await.map_err(JsValue::from) })
}
