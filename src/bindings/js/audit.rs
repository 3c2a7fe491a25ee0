//! The usage audit.

use std::prelude::v1::*;

use chrono::NaiveDateTime;
use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::compute_utils::ComputeUtils;
use super::error::host_error;
use super::host::{AbortSignal, ProgressFunction};
use super::options::{self, options};
use super::record::ToJs;
use crate::audit;
use crate::period::Window;
use crate::{Context, Error};

options! {
    /// The audit to look for.
    pub struct HasAuditBeenRunOptions {
        context: Option<Context>,
        /// The compute host [default: the configured one].
        host: Option<String>,
        /// The timestamp before which the window is complete [default: the current time].
        timestamp: Option<NaiveDateTime>,
    }
}

options! {
    /// The task log row to insert.
    pub struct StartInstanceUsageAuditOptions {
        context: Option<Context>,
        /// The window of the audit.
        window: Window,
        /// The compute host [default: the configured one].
        host: Option<String>,
        /// How many instances the audit has.
        num_instances: i64,
    }
}

options! {
    /// The task log row to finish.
    pub struct FinishInstanceUsageAuditOptions {
        context: Option<Context>,
        /// The window of the audit.
        window: Window,
        /// The compute host [default: the configured one].
        host: Option<String>,
        /// How many instances failed.
        errors: i64,
        /// The message of the row.
        message: Option<String>,
    }
}

options! {
    /// The request context, the signal and the progress callback of an audit.
    pub struct RunInstanceUsageAuditOptions {
        context: Option<Context>,
        /// Stops the audit between two pages or while it waits for a callback. The audit then finishes the task log row
        /// with a message that says so.
        signal: Option<AbortSignal>,
        /// Receives the progress once the task log row is inserted and after each page. An error that it throws stops
        /// the audit.
        on_progress: Option<ProgressFunction>,
    }
}

#[wasm_bindgen]
impl ComputeUtils {
    /// Returns whether the task log has a row, in any state, for this host and the last window that is complete before
    /// `timestamp`. Nova: `has_audit_been_run`.
    #[wasm_bindgen(js_name = hasAuditBeenRun, unchecked_return_type = "Promise<boolean>")]
    pub fn has_audit_been_run(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "HasAuditBeenRunOptions | null")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let HasAuditBeenRunOptions { context, host, timestamp } = options::read_optional(options)?;
            let (context, host) = (context.unwrap_or_default(), host.as_deref().unwrap_or(&config.host));
            let (release, period) = (config.release, &config.instance_usage_audit_period);
            Ok(audit::has_audit_been_run(services, &context, release, period, host, timestamp).await?)
        })
    }

    /// Inserts the task log row of an audit. Throws `TaskAlreadyRunning` when the row exists. Nova:
    /// `start_instance_usage_audit`.
    #[wasm_bindgen(js_name = startInstanceUsageAudit, unchecked_return_type = "Promise<void>")]
    pub fn start_instance_usage_audit(
        &self,
        #[wasm_bindgen(unchecked_param_type = "StartInstanceUsageAuditOptions")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let StartInstanceUsageAuditOptions { context, window, host, num_instances } = options::read(&options)?;
            let (context, host) = (context.unwrap_or_default(), host.as_deref().unwrap_or(&config.host));
            Ok(audit::start_instance_usage_audit(services, &context, window, host, num_instances).await?)
        })
    }

    /// Finishes the task log row of an audit. Throws `TaskNotRunning` when the row does not exist. Nova:
    /// `finish_instance_usage_audit`.
    #[wasm_bindgen(js_name = finishInstanceUsageAudit, unchecked_return_type = "Promise<void>")]
    pub fn finish_instance_usage_audit(
        &self,
        #[wasm_bindgen(unchecked_param_type = "FinishInstanceUsageAuditOptions")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let FinishInstanceUsageAuditOptions { context, window, host, errors, message } = options::read(&options)?;
            let (context, host) = (context.unwrap_or_default(), host.as_deref().unwrap_or(&config.host));
            let message = message.as_deref();
            Ok(audit::finish_instance_usage_audit(services, &context, window, host, errors, message).await?)
        })
    }

    /// Audits the last completed window of the configured host. Returns null and changes nothing when the task log has
    /// a row for the window. Nova: the periodic task `_instance_usage_audit`.
    ///
    /// The audit reads the instances and sends their notifications page by page. A refused notification or an
    /// unreadable instance counts as one error, and the audit continues. When a page cannot be read, the notifier fails
    /// on a whole batch, or the signal is aborted, the audit stops: it finishes the task log row with a message that
    /// says so, counts every remaining instance as an error, and throws the error.
    #[wasm_bindgen(js_name = runInstanceUsageAudit, unchecked_return_type = "Promise<AuditReport | null>")]
    pub fn run_instance_usage_audit(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "RunInstanceUsageAuditOptions | null")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let RunInstanceUsageAuditOptions { context, signal, on_progress } = options::read_optional(options)?;
            if let Some(signal) = signal {
                services.set_signal(signal);
            }
            services.check_signal()?;
            let context = context.unwrap_or_default();
            let report = audit::observed_instance_usage_audit(services, config, &context, |progress| {
                if let Some(ProgressFunction(on_progress)) = &on_progress {
                    let failed = |thrown| Error::host("on-progress", host_error(thrown));
                    on_progress.call1(&JsValue::UNDEFINED, &progress.to_js()).map_err(failed)?;
                }
                services.check_signal()
            });
            Ok(report.await?)
        })
    }
}
