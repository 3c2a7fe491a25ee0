//! The component in wasmtime.

use std::path::Path;

use anyhow::{Result, ensure};
use nova_compute_utils::audit::CoverageState;
use nova_compute_utils::{Release, fault};
use nova_compute_utils_wasmtime::{
    Callbacks, Clock, Error, Instance, Limits, Runtime as Wasmtime, action, action_record, audit, device, notification,
    period, reconcile, types, usage, usage_notify, verify,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use super::function::{self, Document, Exception, Function, Parsed};
use super::native::exception_dict;
use super::{Answer, Face, Failure, document, document_text, json};
use crate::arguments::Arguments;
use crate::script::Script;
use crate::tables::{SqlTables, Tables};

/// The built component. One instance serves all cases, because an error leaves it usable.
pub struct ComponentFace {
    runtime: Runtime,
    instance: Instance<Script, Script>,
    script: Script,
    tables: Option<SqlTables>,
}

impl ComponentFace {
    /// Loads a component file.
    pub fn load(path: &Path) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let script = Script::default();
        let plugin = Wasmtime::new(Limits::default())?.load(path)?;
        let host = Callbacks { conductor: script.clone(), notifier: script.clone() };
        let clock = script.clone();
        let instance = runtime.block_on(plugin.instantiate(host, Clock::called(move || clock.now())))?;
        Ok(Self { runtime, instance, script, tables: None })
    }
}

impl Face for ComponentFace {
    fn name(&self) -> &'static str {
        "component"
    }

    fn script(&self) -> &Script {
        &self.script
    }

    /// The SQL conductor of the wasmtime host, on a real cell.
    fn tables(&mut self) -> Result<&mut dyn Tables> {
        let tables = match self.tables.take() {
            Some(tables) => tables,
            None => {
                SqlTables::unpack(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../cells/hour15/nova-cell.sqlite.xz"))?
            }
        };
        Ok(self.tables.insert(tables))
    }

    fn call(&mut self, function: &str, arguments: &Arguments) -> Result<Answer> {
        let function = Function::decode(function, arguments)?;
        match self.runtime.block_on(call(&mut self.instance, function)) {
            Ok(answer) => Ok(Ok(answer)),
            Err(error) => match error.downcast()? {
                Error::Nova(error) => Ok(Err(failure(error))),
                broken => Err(broken.into()),
            },
        }
    }
}

#[allow(clippy::too_many_lines, reason = "one arm per function")]
async fn call(nova: &mut Instance<Script, Script>, function: Function) -> Result<String> {
    use Function as F;
    Ok(match function {
        F::MatchDevice { device } => json(nova.match_device(&device).await?),
        F::StripDev { device_name } => json(nova.strip_dev(&device_name).await?),
        F::StripPrefix { release, device_name } => json(nova.strip_prefix(record(&release)?, &device_name).await?),
        F::PrependDev { device_name } => json(nova.prepend_dev(&device_name).await?),
        F::GetDeviceLetter { release, device_name } => {
            json(nova.get_device_letter(record(&release)?, &device_name).await?)
        }
        F::GenerateDeviceLetter { index } => json(nova.generate_device_letter(index).await?),
        F::GenerateDeviceName { prefix, index } => json(nova.generate_device_name(&prefix, index).await?),
        F::GetUnusedLetter { release, used_letters } => {
            json(nova.get_unused_letter(record(&release)?, &used_letters).await?)
        }
        F::ValidateDeviceName { value } => json(nova.validate_device_name(&value).await?),
        F::InstanceBlockMapping { release, compute_driver, instance, bdms } => {
            let (config, instance) = (device_config(release, -1, compute_driver)?, text(&instance));
            let mapping = nova.instance_block_mapping(&config, &instance, &records(&bdms)?).await?;
            json(mapping.into_iter().map(|it| (it.role, json!(it.device_name))).collect::<Map<_, _>>())
        }
        F::GetDeviceNameForInstance(it) => {
            let config = device_config(it.release, it.max_disk_devices_to_attach, it.compute_driver)?;
            let (instance, bdms, device) = (text(&it.instance), records(&it.bdms)?, it.device.as_deref());
            json(nova.get_device_name_for_instance(&config, &instance, &bdms, device).await?)
        }
        F::ExplainDeviceNameForInstance(it) => {
            let config = device_config(it.release, it.max_disk_devices_to_attach, it.compute_driver)?;
            let (instance, bdms, device) = (text(&it.instance), records(&it.bdms)?, it.device.as_deref());
            explanation(nova.explain_device_name_for_instance(&config, &instance, &bdms, device).await?)
        }
        F::GetNextDeviceName(it) => {
            let config = device_config(it.release, it.max_disk_devices_to_attach, None)?;
            let (root, device) = (it.root_device_name.as_deref(), it.device.as_deref());
            json(nova.get_next_device_name(&config, &it.device_name_list, root, device).await?)
        }
        F::ExplainNextDeviceName(it) => {
            let config = device_config(it.release, it.max_disk_devices_to_attach, None)?;
            let (root, device) = (it.root_device_name.as_deref(), it.device.as_deref());
            explanation(nova.explain_next_device_name(&config, &it.device_name_list, root, device).await?)
        }
        F::DefaultDeviceNamesForInstance {
            release,
            max_disk_devices_to_attach,
            root_device_name,
            block_device_lists,
        } => {
            let config = device_config(release, max_disk_devices_to_attach, None)?;
            let root = root_device_name.as_deref();
            let names = nova.default_device_names_for_instance(&config, root, &block_device_lists).await?;
            json(json!({ "named": names.named, "stopped": names.stopped.map(error_json) }))
        }
        F::LastCompletedAuditPeriod { release, instance_usage_audit_period: setting, unit, before } => {
            let (release, unit) = (record(&release)?, unit.as_deref());
            json(nova.last_completed_audit_period(release, &setting, unit, &before.text).await?)
        }
        F::AuditPeriodBounds { release, instance_usage_audit_period: setting, current_period, now } => {
            json(nova.audit_period_bounds(record(&release)?, &setting, current_period, &now.text).await?)
        }
        F::Hydrate { release, network_info } => nova.hydrate(record(&release)?, &network_info).await?,
        F::GetNwInfoForInstance { instance } => nova.get_nw_info_for_instance(&text(&instance)).await?,
        F::GetNetworkInfo { instance } => document(nova.get_network_info(&text(&instance)).await?),
        F::ReadNotification { notification } => {
            received_notification(nova.read_notification(&document_text(&notification)).await?)?
        }
        F::InfoFromInstance {
            release,
            instance,
            network_info,
            system_metadata,
            populate_image_ref_url,
            glance_endpoint,
            times_are_text,
            extra,
        } => {
            let info = usage::Info {
                network_info: network_info.as_ref().map(text),
                system_metadata: system_metadata.as_ref().map(text),
                populate_image_ref_url: populate_image_ref_url.unwrap_or_default(),
                glance_endpoint,
                times_are_text,
                extra: extra.as_ref().map(text),
            };
            nova.info_from_instance(record(&release)?, &text(&instance), &info).await?
        }
        F::ImageMeta { system_metadata } => nova.image_meta(&text(&system_metadata)).await?,
        F::InstanceExistsPayload { context, instance, window, bdms_in_notifications, include_share_mapping } => {
            let options = usage::InstancePayloadOptions { bdms_in_notifications, include_share_mapping };
            let (context, window) = (record(&context)?, record(&window)?);
            nova.instance_exists_payload(&context, &text(&instance), &window, options).await?
        }
        F::NotifyAboutInstanceUsage {
            config,
            context,
            instance,
            event_suffix,
            host,
            network_info,
            system_metadata,
            extra_usage_info,
            fault,
            best_effort,
            times_are_text,
        } => {
            let options = usage_notify::UsageOptions {
                host,
                network_info: network_info.as_ref().map(text),
                system_metadata: system_metadata.as_ref().map(text),
                extra_usage_info: extra_usage_info.as_ref().map(text),
                fault: fault.map(failure_record),
                best_effort: best_effort.unwrap_or_default(),
                times_are_text,
            };
            let (config, context, instance) = (record(&config)?, record(&context)?, text(&instance));
            json(nova.notify_about_instance_usage(&config, &context, &instance, &event_suffix, &options).await?)
        }
        F::BandwidthUsage { context, instance, audit_start, ignore_missing_network_data: ignore, .. } => {
            let (context, instance) = (record(&context)?, text(&instance));
            document(nova.bandwidth_usage(&context, &instance, &audit_start.text, ignore).await?)
        }
        F::NotifyUsageExists {
            config,
            context,
            instance,
            host,
            current_period,
            ignore_missing_network_data,
            system_metadata,
            extra_usage_info,
            times_are_text,
        } => {
            let options = usage_notify::ExistsOptions {
                current_period,
                ignore_missing_network_data,
                system_metadata: system_metadata.as_ref().map(text),
                extra_usage_info: extra_usage_info.as_ref().map(text),
                times_are_text,
            };
            let (config, context, instance) = (record(&config)?, record(&context)?, text(&instance));
            json(nova.notify_usage_exists(&config, &context, &instance, &host, &options).await?)
        }
        F::HasAuditBeenRun { config, context, host, timestamp } => {
            let (context, release) = (record(&context)?, record(&config.release)?);
            let (setting, timestamp) =
                (&config.instance_usage_audit_period, timestamp.as_ref().map(|timestamp| &timestamp.text));
            json(nova.has_audit_been_run(&context, release, setting, &host, timestamp).await?)
        }
        F::StartInstanceUsageAudit { context, window, host, num_instances, .. } => {
            let (context, window) = (record(&context)?, record(&window)?);
            json(nova.start_instance_usage_audit(&context, &window, &host, num_instances).await?)
        }
        F::FinishInstanceUsageAudit { context, window, host, errors, message, .. } => {
            let (context, window) = (record(&context)?, record(&window)?);
            json(nova.finish_instance_usage_audit(&context, &window, &host, errors, message.as_deref()).await?)
        }
        F::InstanceUsageAudit { config, context, resume, give_up, retry_failed, message_ids } => {
            let message_ids = match message_ids {
                function::MessageIds::Random => audit::MessageIds::Random,
                function::MessageIds::Deterministic => audit::MessageIds::Deterministic,
            };
            let options = audit::AuditOptions { resume, give_up, retry_failed, message_ids };
            let report = nova.instance_usage_audit(&record(&config)?, &record(&context)?, options).await?;
            json(report.map(|report| report.message))
        }
        F::DeterministicMessageId { release, event_type, host, window, instance_uuid: uuid } => {
            let (release, window) = (record(&release)?, record(&window)?);
            json(nova.deterministic_message_id(release, &event_type, &host, &window, &uuid).await?)
        }
        F::GetAuditTaskLogs { release, instance_usage_audit_period: setting, before, hosts, task_logs } => {
            let (release, rows) = (record(&release)?, records(&task_logs)?);
            let mut logs = json!(nova.get_audit_task_logs(release, &setting, &before.text, &hosts, &rows).await?);
            logs["log"] = by_host(logs["log"].take());
            json(logs)
        }
        F::GetAuditCoverage {
            release,
            instance_usage_audit_period: unit,
            clamp,
            begin,
            end,
            now,
            hosts,
            task_logs,
        } => {
            let period = period::PeriodOptions { release: record(&release)?, unit, clamp };
            let rows = records(&task_logs)?;
            let coverage = nova.get_audit_coverage(&period, &begin.text, &end.text, &now.text, &hosts, &rows).await?;
            let states: Value = coverage.states.iter().map(|state| *state as u8).collect();
            let rows: Value = coverage.rows.iter().map(|row| row.map_or(-1, i64::from)).collect();
            let mut coverage = json!(coverage);
            coverage["state_names"] = json!(CoverageState::ALL.map(CoverageState::as_str));
            coverage["states"] = states;
            coverage["rows"] = rows;
            json(coverage)
        }
        F::ExistsNdjson {
            release,
            host,
            host_from_instance,
            windows,
            timestamp,
            notification_format,
            bdms_in_notifications,
            include_share_mapping,
            context,
            first_line,
            text,
        } => {
            let config = types::Config {
                release: record(&release)?,
                host,
                instance_usage_audit_period: String::new(),
                notification_format: record(&notification_format)?,
                bdms_in_notifications,
                include_share_mapping,
            };
            let options = usage::ExistsNdjsonOptions {
                windows: records(&windows)?,
                timestamp: timestamp.text,
                host_from_instance,
                first_line,
            };
            json(nova.exists_ndjson(&config, &record(&context)?, &options, &text).await?)
        }
        F::HoursFor { launched_at, terminated_at, window } => {
            let (launched_at, terminated_at) = (launched_at.map(|it| it.text), terminated_at.map(|it| it.text));
            json(nova.hours_for(launched_at.as_ref(), terminated_at.as_ref(), &record(&window)?).await?)
        }
        F::TenantUsagesForPeriod { instances, window, now, detailed } => {
            let instances: Vec<String> = instances.iter().map(text).collect();
            json(nova.tenant_usages_for_period(&instances, &record(&window)?, &now.text, detailed).await?)
        }
        F::UsagesBy { instances, window, key } => {
            let instances: Vec<String> = instances.iter().map(text).collect();
            json(nova.usages_by(&instances, &record(&window)?, record(&key)?).await?)
        }
        F::HoursNdjson { windows, first_line, text } => {
            json(nova.hours_ndjson(&records(&windows)?, first_line, &text).await?)
        }
        F::VerifyUsage { notifications, fields } => {
            let judgements = nova.verify_usage(&texts(&notifications), fields.as_deref()).await?;
            judgements.into_iter().map(judgement).collect::<Value>().to_string()
        }
        F::VerifyNdjson { fields, first_line, text } => {
            json(nova.verify_ndjson(fields.as_deref(), first_line, &text).await?)
        }
        F::ReconcileInstance(it) => {
            let (instance, notifications) = (it.instance.as_ref().map(text), texts(&it.notifications));
            let options = reconcile_options(&it)?;
            reconciliation(nova.reconcile_instance(&options, instance.as_ref(), &notifications).await?)?
        }
        F::ReconcileNdjson(it) => json(nova.reconcile_ndjson(&reconcile_options(&it)?, it.first_line, &it.text).await?),
        F::ReconcileTotals { text } => json(nova.reconcile_totals(&text).await?),
        F::UsageVolumeInfo { release, vol_usage, times_are_text } => {
            nova.usage_volume_info(record(&release)?, &text(&vol_usage), times_are_text).await?
        }
        F::NotifyAboutVolumeUsage { config, context, vol_usage, host } => {
            let (config, context) = (record(&config)?, record(&context)?);
            json(nova.notify_about_volume_usage(&config, &context, &text(&vol_usage), &host).await?)
        }
        F::ExceptionToDict { fault, message } => {
            let dict = nova.exception_to_dict(&failure_record(fault), message.as_deref()).await?;
            exception_dict(&dict.exception, &dict.message, &dict.code)
        }
        F::SafeTruncate { value, length } => json(nova.safe_truncate(&value, length).await?),
        F::AddInstanceFaultFromExc { config, context, instance_uuid: uuid, fault, fault_message } => {
            let (context, fault, message) = (record(&context)?, failure_record(fault), fault_message.as_deref());
            let (release, host) = (record(&config.release)?, &config.host);
            json(nova.add_instance_fault_from_exc(&context, release, host, &uuid, &fault, message).await?)
        }
        F::PackActionStart { release, context, instance_uuid, action_name } => {
            let (context, action_name) = (record(&context)?, action_name.as_deref());
            json(nova.pack_action_start(record(&release)?, &context, &instance_uuid, action_name).await?)
        }
        F::PackActionFinish { release, context, instance_uuid, now } => {
            json(nova.pack_action_finish(record(&release)?, &record(&context)?, &instance_uuid, &now.text).await?)
        }
        F::PackActionEventStart { release, context, instance_uuid: uuid, event_name: event, host, now } => {
            let (release, context, host) = (record(&release)?, record(&context)?, host.as_deref());
            json(nova.pack_action_event_start(release, &context, &uuid, &event, host, &now.text).await?)
        }
        F::PackActionEventFinish { release, context, instance_uuid: uuid, event_name, exc_val, exc_tb, now } => {
            let (release, context) = (record(&release)?, record(&context)?);
            let (exc_val, exc_tb) = (exc_val.map(exc_val_record), exc_tb.as_deref());
            let values = nova
                .pack_action_event_finish(release, &context, &uuid, &event_name, exc_val.as_ref(), exc_tb, &now.text)
                .await?;
            json(values)
        }
        F::ActionStart { config, context, instance_uuid: uuid, action_name } => {
            let (release, context) = (record(&config.release)?, record(&context)?);
            json(nova.action_start(release, &context, &uuid, action_name.as_deref()).await?)
        }
        F::ActionFinish { config, context, instance_uuid } => {
            json(nova.action_finish(record(&config.release)?, &record(&context)?, &instance_uuid).await?)
        }
        F::EventStart { config, context, instance_uuid: uuid, event_name, host } => {
            let (release, context) = (record(&config.release)?, record(&context)?);
            json(nova.event_start(release, &context, &uuid, &event_name, host.as_deref()).await?)
        }
        F::EventFinish { config, context, instance_uuid: uuid, event_name } => {
            json(nova.event_finish(record(&config.release)?, &record(&context)?, &uuid, &event_name).await?)
        }
        F::EventFinishWithFailure { config, context, instance_uuid: uuid, event_name, exc_val, exc_tb } => {
            let (release, context) = (record(&config.release)?, record(&context)?);
            let (exc_val, exc_tb) = (exc_val.map(exc_val_record), exc_tb.as_deref());
            let row =
                nova.event_finish_with_failure(release, &context, &uuid, &event_name, exc_val.as_ref(), exc_tb).await?;
            json(row)
        }
        F::ReportEvent { config, context, event_name, host, instance_uuids, graceful_exit, body } => {
            let graceful_exit = graceful_exit.unwrap_or_default();
            let event = action_record::Event { name: event_name, host, instance_uuids, graceful_exit };
            report_event(nova, record(&config.release)?, &record(&context)?, &event, body).await?
        }
    })
}

/// Reports work that has failed or succeeded. The component has no closure; like Nova, this function hides the failure
/// of the work when an action is gone.
async fn report_event(
    nova: &mut Instance<Script, Script>,
    release: types::Release,
    context: &types::Context,
    event: &action_record::Event,
    body: Option<Exception>,
) -> Result<String> {
    let outcome = |body_ran, raised: Option<Value>, swallowed| {
        json(json!({ "body_ran": body_ran, "raised": raised, "swallowed": swallowed }))
    };
    let mut reporter = match nova.event_reporter_start(release, context, event).await {
        Err(Error::Nova(error)) => return Ok(outcome(false, Some(error_json(error)), false)),
        started => started?,
    };
    let body_error = body.as_ref().map(|body| json!({ "code": body.class_name, "message": body.text }));
    let failure = body.map(failure_record);
    let finished = nova.event_reporter_finish(&mut reporter, failure.as_ref()).await;
    let again = nova.event_reporter_finish(&mut reporter, None).await;
    ensure!(again.is_err(), "an event reporter was finished twice");
    Ok(match finished {
        Err(Error::Nova(error)) => outcome(true, Some(error_json(error)), false),
        finished => match finished? {
            action_record::Finished::All => outcome(true, body_error, false),
            action_record::Finished::ActionGone => outcome(true, None, true),
        },
    })
}

fn failure(error: types::Error) -> Failure {
    let arguments = serde_json::from_str(&error.arguments).unwrap_or_default();
    Failure { code: error.code, message: error.message, arguments }
}

fn error_json(error: types::Error) -> Value {
    let Failure { code, message, arguments } = failure(error);
    json!({ "code": code, "message": message, "arguments": arguments })
}

/// Returns a notification with the documents of its instance as JSON.
fn received_notification(mut notification: notification::ReceivedNotification) -> Result<String> {
    let documents =
        notification.instance.as_mut().map(|instance| [instance.image_meta.take(), instance.metadata.take()]);
    let format = match &notification.format {
        notification::PayloadFormat::Unversioned => json!("unversioned"),
        notification::PayloadFormat::Versioned(object) => json!({ "versioned": object }),
    };
    let mut members = Arguments::of(&notification)?.with("format", format);
    if let Some([image_meta, metadata]) = documents {
        let document = |json: Option<String>| json.map(RawValue::from_string).transpose();
        let instance: Arguments = members.read("instance")?;
        let instance = instance.with("image_meta", document(image_meta)?).with("metadata", document(metadata)?);
        members = members.with("instance", instance);
    }
    Ok(members.to_string())
}

fn explanation(explanation: device::Explanation) -> String {
    let (device_name, error) = match explanation.device_name {
        Ok(device_name) => (Some(device_name), None),
        Err(error) => (None, Some(error_json(error))),
    };
    json(json!({ "device_name": device_name, "error": error }))
}

/// Converts a record or an enum into the generated one with the same names.
pub(crate) fn record<T: DeserializeOwned>(record: &impl Serialize) -> Result<T> {
    Ok(serde_json::from_value(serde_json::to_value(record)?)?)
}

fn records<T: DeserializeOwned>(given: &[impl Serialize]) -> Result<Vec<T>> {
    given.iter().map(record).collect()
}

/// Returns records with a host as one object with a member per host, as Nova does.
fn by_host(records: Value) -> Value {
    let records: Vec<Map<String, Value>> = serde_json::from_value(records).unwrap_or_default();
    let member = |mut record: Map<String, Value>| {
        let host = record.remove("host").unwrap_or_default();
        (host.as_str().unwrap_or_default().to_owned(), record)
    };
    records.into_iter().map(member).collect()
}

fn texts(documents: &[Document]) -> Vec<String> {
    documents.iter().map(|document| document_text(document)).collect()
}

fn judgement(judgement: verify::Judgement) -> Value {
    let verify::Judgement { verdict, exists, message_id, code, error, warnings } = judgement;
    let verdict = match verdict {
        verify::VerifyVerdict::Verified => "verified",
        verify::VerifyVerdict::Failed => "failed",
        verify::VerifyVerdict::Warnings => "warnings",
    };
    json!({
        "verdict": verdict,
        "exists": exists,
        "message_id": message_id,
        "code": code,
        "error": error,
        "warnings": warnings,
    })
}

fn reconcile_options(it: &function::Reconcile) -> Result<reconcile::ReconcileOptions> {
    Ok(reconcile::ReconcileOptions {
        release: record(&it.release)?,
        window: record(&it.window)?,
        notification_format: record(&it.notification_format)?,
        bdms_in_notifications: it.bdms_in_notifications,
        include_share_mapping: it.include_share_mapping,
        host: it.host.clone(),
        context: record(&it.context)?,
        fields: it.fields.clone(),
    })
}

/// Returns a reconciliation with the values of its fields as JSON.
fn reconciliation(reconciliation: reconcile::Reconciliation) -> Result<String> {
    let mut findings = Vec::new();
    for finding in reconciliation.findings {
        let mut fields = Vec::new();
        for field in finding.fields {
            let mut members = Arguments::default().with("field", &field.field);
            for (name, value) in [("expected", field.expected), ("received", field.received)] {
                if let Some(value) = value {
                    members = members.with(name, RawValue::from_string(value)?);
                }
            }
            fields.push(members);
        }
        let verdict = match finding.verdict {
            reconcile::Verdict::Equal => "equal",
            reconcile::Verdict::Missing => "missing",
            reconcile::Verdict::Doubled => "doubled",
            reconcile::Verdict::Different => "different",
            reconcile::Verdict::Unexpected => "unexpected",
            reconcile::Verdict::OtherWindow => "other_window",
        };
        findings.push(
            Arguments::default()
                .with("verdict", verdict)
                .with("event_type", &finding.event_type)
                .with("message_ids", &finding.message_ids)
                .with("fields", fields)
                .with("window", &finding.window)
                .with("hours", finding.hours),
        );
    }
    Ok(Arguments::default()
        .with("instance_uuid", &reconciliation.instance_uuid)
        .with("project_id", &reconciliation.project_id)
        .with("hours", reconciliation.hours)
        .with("findings", findings)
        .to_string())
}

fn text(document: &Document) -> String {
    document.get().to_owned()
}

fn device_config(
    release: Parsed<Release>,
    max_disk_devices_to_attach: i64,
    compute_driver: Option<String>,
) -> Result<device::DeviceConfig> {
    Ok(device::DeviceConfig { release: record(&release)?, max_disk_devices_to_attach, compute_driver })
}

fn failure_record(exception: Exception) -> types::Failure {
    native_failure_record(exception.native())
}

fn native_failure_record(failure: fault::Failure) -> types::Failure {
    types::Failure {
        class_name: failure.class_name,
        text: failure.text,
        code: failure.code,
        value: failure.value,
        formatted_message: failure.formatted_message,
        representation: failure.representation,
        traceback: failure.traceback,
        formatted_exception: failure.formatted_exception,
    }
}

fn exc_val_record(exc_val: function::ExcVal) -> action::ExcVal {
    match exc_val {
        function::ExcVal::Text(text) => action::ExcVal::Text(text),
        function::ExcVal::Failure(failure) => action::ExcVal::Failure(native_failure_record(failure)),
    }
}
