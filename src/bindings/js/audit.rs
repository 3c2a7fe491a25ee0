//! The usage audit.

use std::prelude::v1::*;

use chrono::NaiveDateTime;
use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::compute_utils::ComputeUtils;
use super::error::{Result, host_error};
use super::host::{AbortSignal, ProgressFunction};
use super::options::{self, options};
use super::record::ToJs;
use crate::audit::{self, AuditOptions, MessageIds};
use crate::period::Window;
use crate::{Context, Error, Release};

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
    /// How an audit runs and what happens to an interrupted one. Nova has only the context.
    pub struct RunInstanceUsageAuditOptions {
        context: Option<Context>,
        /// Whether the audit continues at its checkpoint when the task log row is `RUNNING` [default: false].
        resume: Option<bool>,
        /// Whether a `RUNNING` row is finished without auditing the remaining instances, which count as errors. It
        /// takes precedence over `resume` [default: false].
        give_up: Option<bool>,
        /// Whether an audit whose row is `DONE` sends the notifications of the instances that failed again. An audit
        /// that was given up first continues at its checkpoint [default: false].
        retry_failed: Option<bool>,
        /// How the audit makes the ids of its notifications [default: `random`, as in Nova].
        message_ids: Option<MessageIds>,
        /// Stops the audit between two pages or while it waits for a callback.
        signal: Option<AbortSignal>,
        /// Receives the progress once the task log row is inserted or found and after each page. An error that it
        /// throws stops the audit.
        on_progress: Option<ProgressFunction>,
    }
}

options! {
    /// The notification of an audit to identify.
    pub struct DeterministicMessageIdOptions {
        release: Release,
        /// The event type, such as `compute.instance.exists`.
        event_type: String,
        /// The compute host.
        host: String,
        /// The window of the audit.
        window: Window,
        /// The instance.
        instance_uuid: String,
    }
}

/// Returns the deterministic id of a notification: the version 5 UUID of the namespace
/// `7d0f3a52-5c0e-5e0b-9d8e-3a1f5c6b7e21` and the name `release/event_type/host/begin/end/instance_uuid`, with the
/// bounds of the window as `YYYY-MM-DDTHH:MM:SS.ffffff`. Nova has no such function.
#[wasm_bindgen(js_name = deterministicMessageId)]
pub fn deterministic_message_id(
    #[wasm_bindgen(unchecked_param_type = "DeterministicMessageIdOptions")] options: &JsValue,
) -> Result<String> {
    let DeterministicMessageIdOptions { release, event_type, host, window, instance_uuid } = options::read(options)?;
    Ok(audit::deterministic_message_id(release, &event_type, &host, window, &instance_uuid))
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
    /// a row for the window that the options do not continue. Nova: the periodic task `_instance_usage_audit`.
    ///
    /// The audit reads the instances and sends their notifications page by page. A refused notification or an
    /// unreadable instance counts as one error, and the audit continues. After each page it stores a checkpoint in the
    /// conductor.
    ///
    /// When a page cannot be read, the notifier fails on a whole batch, or the signal is aborted, the audit stops and
    /// throws the error. The task log row then stays `RUNNING`, and a later call with `resume` continues at the last
    /// checkpoint. A conductor that keeps no checkpoints gets the row finished instead, with a message that says so and
    /// every remaining instance as an error.
    ///
    /// With `retryFailed`, an audit whose row is `DONE` with errors sends the notifications that are missing for the
    /// instances that failed, and updates the row. It sends nothing for the other instances.
    ///
    /// Continuing an audit throws `CheckpointNotFound` when the conductor has no checkpoint for the row, and
    /// `CheckpointMismatch` when the run before had other settings.
    #[wasm_bindgen(js_name = runInstanceUsageAudit, unchecked_return_type = "Promise<AuditReport | null>")]
    pub fn run_instance_usage_audit(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "RunInstanceUsageAuditOptions | null")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let options: RunInstanceUsageAuditOptions = options::read_optional(options)?;
            let RunInstanceUsageAuditOptions {
                context,
                resume,
                give_up,
                retry_failed,
                message_ids,
                signal,
                on_progress,
            } = options;
            if let Some(signal) = signal {
                services.set_signal(signal);
            }
            services.check_signal()?;
            let context = context.unwrap_or_default();
            let options = AuditOptions {
                resume: resume.unwrap_or_default(),
                give_up: give_up.unwrap_or_default(),
                retry_failed: retry_failed.unwrap_or_default(),
                message_ids: message_ids.unwrap_or_default(),
            };
            let report = audit::observed_instance_usage_audit(services, config, &context, &options, |progress| {
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
