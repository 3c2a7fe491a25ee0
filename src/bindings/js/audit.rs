//! The usage audit.

use js_sys::{Function, Promise, Reflect};
use tsify::Ts;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

use super::compute_utils::{ComputeUtils, ContextInput};
use super::document::kind;
use super::error::of_host;
use super::host::AbortSignal;
use super::options::{self, Given, options};
use super::period::WindowInput;
use super::record::ToJs;
use super::time::Moment;
use crate::Error;
use crate::audit::{self, AuditProgress};

options! {
    /// Which audit to look for.
    pub struct HasAuditBeenRunOptions {
        /// The compute host; without one, the configured one.
        #[tsify(optional, type = "string | null")]
        host: Option<String>,
        /// The audit is that of the window completed before then; without one, before now.
        #[tsify(optional, type = "Moment | null")]
        timestamp: Moment,
    }
}

options! {
    /// Which task log row to open.
    pub struct StartInstanceUsageAuditOptions {
        /// The window.
        window: WindowInput,
        /// The compute host; without one, the configured one.
        #[tsify(optional, type = "string | null")]
        host: Option<String>,
        /// How many instances there are.
        #[tsify(type = "Integer")]
        num_instances: i64,
    }
}

options! {
    /// Which task log row to close, and how.
    pub struct FinishInstanceUsageAuditOptions {
        /// The window.
        window: WindowInput,
        /// The compute host; without one, the configured one.
        #[tsify(optional, type = "string | null")]
        host: Option<String>,
        /// How many instances failed.
        #[tsify(type = "Integer")]
        errors: i64,
        /// What the row is to say.
        #[tsify(optional, type = "string | null")]
        message: Option<String>,
    }
}

options! {
    /// Who asks for an audit, and how it is watched.
    pub struct RunInstanceUsageAuditOptions {
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// Stops the audit between two pages, and the waiting for a callback. The task log row is closed all the same, and
        /// says so.
        #[tsify(optional, type = "AbortSignal | null")]
        signal: Given,
        /// Told how far the audit has come, once its task log row is open and after each page. What it throws stops the
        /// audit.
        #[tsify(optional, type = "((progress: AuditProgress) => void) | null")]
        on_progress: Given,
    }
}

#[wasm_bindgen]
impl ComputeUtils {
    /// Has the audit of the window completed before `timestamp` been run for this host, or is it running? Nova:
    /// `has_audit_been_run`.
    #[wasm_bindgen(js_name = hasAuditBeenRun, unchecked_return_type = "Promise<boolean>")]
    pub fn has_audit_been_run(&self, options: Option<Ts<HasAuditBeenRunOptions>>) -> Promise {
        self.call(async move |config, services| {
            let options = options::read_optional(options.as_ref())?;
            let host = options.host.as_deref().unwrap_or(&config.host);
            let run = audit::has_audit_been_run(services, config, host, options.timestamp.read("timestamp")?).await?;
            Ok(run.into())
        })
    }

    /// Open the task log row of an audit; `TaskAlreadyRunning` where there is one. Nova:
    /// `start_instance_usage_audit`.
    #[wasm_bindgen(js_name = startInstanceUsageAudit, unchecked_return_type = "Promise<void>")]
    pub fn start_instance_usage_audit(&self, options: Ts<StartInstanceUsageAuditOptions>) -> Promise {
        self.call(async move |config, services| {
            let options = options::read(&options)?;
            let (window, host) = (options.window.read()?, options.host.as_deref().unwrap_or(&config.host));
            audit::start_instance_usage_audit(services, window, host, options.num_instances).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Close the task log row of an audit; `TaskNotRunning` where there is none. Nova:
    /// `finish_instance_usage_audit`.
    #[wasm_bindgen(js_name = finishInstanceUsageAudit, unchecked_return_type = "Promise<void>")]
    pub fn finish_instance_usage_audit(&self, options: Ts<FinishInstanceUsageAuditOptions>) -> Promise {
        self.call(async move |config, services| {
            let options = options::read(&options)?;
            let (window, host) = (options.window.read()?, options.host.as_deref().unwrap_or(&config.host));
            let (errors, message) = (options.errors, options.message.as_deref());
            audit::finish_instance_usage_audit(services, window, host, errors, message).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Audit the last completed window of the configured host: one `exists` notification per instance, and a row in the
    /// task log. Gives null, and does nothing, where the task log has a row for it. Nova: the periodic task
    /// `_instance_usage_audit`.
    ///
    /// Instances are read and told of page by page. A refused notification or an unreadable instance counts as one
    /// error and stops nothing. Where a page cannot be read, where the notifier gives up on a batch, or where the
    /// signal is aborted, the row is closed with a message that says so, with every instance not told of as an error,
    /// and the error comes back.
    #[wasm_bindgen(js_name = runInstanceUsageAudit, unchecked_return_type = "Promise<AuditReport | null>")]
    pub fn run_instance_usage_audit(&self, options: Option<Ts<RunInstanceUsageAuditOptions>>) -> Promise {
        self.call(async move |config, services| {
            let options = options::read_optional(options.as_ref())?;
            let context = ContextInput::read_context(options.context)?;
            let on_progress = options.on_progress.function("onProgress")?;
            if let Some(signal) = signal(options.signal)? {
                services.heed(signal);
            }
            services.check_signal()?;
            let report = audit::observed_instance_usage_audit(services, config, &context, |progress| {
                tell(on_progress.as_ref(), progress)?;
                services.check_signal()
            });
            Ok(report.await?.to_js())
        })
    }
}

fn tell(on_progress: Option<&Function>, progress: AuditProgress) -> std::result::Result<(), Error> {
    let Some(on_progress) = on_progress else {
        return Ok(());
    };
    let failed = |thrown| Error::host("on-progress", of_host(thrown));
    on_progress.call1(&JsValue::UNDEFINED, &progress.to_js()).map(drop).map_err(failed)
}

/// Anything with the ways of an `AbortSignal`: the one of another realm is none to `instanceof`.
fn signal(Given(value): Given) -> std::result::Result<Option<AbortSignal>, Error> {
    if value.is_undefined() || value.is_null() {
        return Ok(None);
    }
    let member = |name: &str| Reflect::get(&value, &JsValue::from_str(name)).unwrap_or_default();
    if member("aborted").as_bool().is_some() && member("addEventListener").is_function() {
        return Ok(Some(value.unchecked_into()));
    }
    Err(Error::type_error(format!("`signal` is {}: give an `AbortSignal`", kind(&value))))
}
