//! The usage audit.

use js_sys::{Array, Function, Reflect};
use serde::Deserialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

use super::compute_utils::{ComputeUtils, ContextInput};
use super::document::{self, kind, object};
use super::error::{Result, of_host, to_js};
use super::host::{AbortSignal, Services};
use super::options::{self, Given};
use super::period::WindowInput;
use super::time::Moment;
use crate::audit::{self, AuditProgress, AuditReport};
use crate::{Context, Error};

/// Which audit to look for.
#[derive(Default, Deserialize, Tsify)]
pub struct HasAuditBeenRunOptions {
    /// The compute host; without one, the configured one.
    #[tsify(optional, type = "string | null")]
    host: Option<String>,
    /// The audit is that of the window completed before then; without one, before now.
    #[serde(default)]
    #[tsify(optional, type = "Moment | null")]
    timestamp: Moment,
}

/// Which task log row to open.
#[derive(Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
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

/// Which task log row to close, and how.
#[derive(Deserialize, Tsify)]
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

/// Who asks for an audit, and how it is watched.
#[derive(Default, Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct RunInstanceUsageAuditOptions {
    /// Who asks.
    #[tsify(optional, type = "ContextInput | null")]
    context: Option<ContextInput>,
    /// Stops the audit between two pages, and the waiting for a callback. The task log row is closed all the same, and
    /// says so.
    #[serde(default)]
    #[tsify(optional, type = "AbortSignal | null")]
    signal: Given,
    /// Told how far the audit has come, once its task log row is open and after each page. What it throws stops the
    /// audit.
    #[serde(default)]
    #[tsify(optional, type = "((progress: AuditProgress) => void) | null")]
    on_progress: Given,
}

#[wasm_bindgen]
impl ComputeUtils {
    /// Has the audit of the window completed before `timestamp` been run for this host, or is it running? Nova:
    /// `has_audit_been_run`.
    #[wasm_bindgen(js_name = hasAuditBeenRun)]
    pub async fn has_audit_been_run(&self, options: Option<Ts<HasAuditBeenRunOptions>>) -> Result<bool> {
        let options = options::read_optional(options.as_ref())?;
        let host = options.host.as_deref().unwrap_or(&self.config.host);
        let timestamp = options.timestamp.read("timestamp")?;
        self.with_services(async |services| audit::has_audit_been_run(services, &self.config, host, timestamp).await)
            .await
    }

    /// Open the task log row of an audit; `TaskAlreadyRunning` where there is one. Nova:
    /// `start_instance_usage_audit`.
    #[wasm_bindgen(js_name = startInstanceUsageAudit)]
    pub async fn start_instance_usage_audit(&self, options: Ts<StartInstanceUsageAuditOptions>) -> Result<()> {
        let options = options::read(&options)?;
        let (window, host) = (options.window.read()?, options.host.as_deref().unwrap_or(&self.config.host));
        self.with_services(async |services| {
            audit::start_instance_usage_audit(services, window, host, options.num_instances).await
        })
        .await
    }

    /// Close the task log row of an audit; `TaskNotRunning` where there is none. Nova:
    /// `finish_instance_usage_audit`.
    #[wasm_bindgen(js_name = finishInstanceUsageAudit)]
    pub async fn finish_instance_usage_audit(&self, options: Ts<FinishInstanceUsageAuditOptions>) -> Result<()> {
        let options = options::read(&options)?;
        let (window, host) = (options.window.read()?, options.host.as_deref().unwrap_or(&self.config.host));
        let message = options.message.as_deref();
        self.with_services(async |services| {
            audit::finish_instance_usage_audit(services, window, host, options.errors, message).await
        })
        .await
    }

    /// Audit the last completed window of the configured host: one `exists` notification per instance, and a row in the
    /// task log. Gives null, and does nothing, where the task log has a row for it. Nova: the periodic task
    /// `_instance_usage_audit`.
    ///
    /// Instances are read and told of page by page. A refused notification or an unreadable instance counts as one
    /// error and stops nothing. Where a page cannot be read, where the notifier gives up on a batch, or where the
    /// signal is aborted, the row is closed with a message that says so, with every instance not told of as an error,
    /// and the error comes back.
    #[wasm_bindgen(js_name = runInstanceUsageAudit, unchecked_return_type = "AuditReport | null")]
    pub async fn run_instance_usage_audit(&self, options: Option<Ts<RunInstanceUsageAuditOptions>>) -> Result<JsValue> {
        let options = options::read_optional(options.as_ref())?;
        let context = ContextInput::read(options.context)?;
        let on_progress = options.on_progress.function("onProgress")?;
        let services = Services::new(&self.host, signal(options.signal)?);
        let report = self.audit(&services, &context, on_progress.as_ref()).await;
        match services.finish(report)? {
            Some(report) => audit_report(&report),
            None => Ok(JsValue::NULL),
        }
    }
}

impl ComputeUtils {
    async fn audit(
        &self,
        services: &Services<'_>,
        context: &Context,
        on_progress: Option<&Function>,
    ) -> std::result::Result<Option<AuditReport>, Error> {
        services.check_signal()?;
        audit::observed_instance_usage_audit(services, &self.config, context, |progress| {
            if let Some(on_progress) = on_progress {
                tell(on_progress, progress)?;
            }
            services.check_signal()
        })
        .await
    }
}

fn tell(on_progress: &Function, progress: AuditProgress) -> std::result::Result<(), Error> {
    let failed = |thrown| Error::host("on-progress", of_host(thrown));
    let progress = document::from_record(&progress).map_err(|thrown| failed(thrown.into()))?;
    on_progress.call1(&JsValue::UNDEFINED, &progress).map(drop).map_err(failed)
}

/// Anything with the ways of an `AbortSignal`: the one of another realm is none to `instanceof`.
fn signal(Given(value): Given) -> std::result::Result<Option<AbortSignal>, Error> {
    if value.is_undefined() || value.is_null() {
        return Ok(None);
    }
    let aborted = Reflect::get(&value, &JsValue::from_str("aborted")).ok().and_then(|aborted| aborted.as_bool());
    match aborted {
        Some(_) => Ok(Some(value.unchecked_into())),
        None => Err(Error::type_error(format!("`signal` is {}: give an `AbortSignal`", kind(&value)))),
    }
}

fn audit_report(report: &AuditReport) -> Result<JsValue> {
    let failures = Array::new();
    for failure in &report.failures {
        let instance_uuid = failure.instance_uuid.as_deref().map_or(JsValue::NULL, JsValue::from_str);
        failures.push(&object(&[("instance_uuid", instance_uuid), ("error", to_js(&failure.error))])?);
    }
    object(&[
        ("host", JsValue::from_str(&report.host)),
        ("window", document::from_record(&report.window)?),
        ("instances", document::from_record(&report.instances)?),
        ("notifications", document::from_record(&report.notifications)?),
        ("failures", failures.into()),
        ("message", JsValue::from_str(&report.message)),
    ])
}
