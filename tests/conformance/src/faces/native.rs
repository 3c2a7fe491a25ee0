//! The library itself.

use anyhow::Result;
use chrono::NaiveDateTime;
use nova_compute_utils::action::{self, Event, ExcVal, ReportError};
use nova_compute_utils::audit::{self, CoverageState, HostAuditLog};
use nova_compute_utils::device::{self, DeviceConfig, Explanation};
use nova_compute_utils::document::{Json, Object};
use nova_compute_utils::fault::{self, Failure as NovaFailure};
use nova_compute_utils::instance::Instance;
use nova_compute_utils::network::{self, NetworkInfo};
use nova_compute_utils::notification::{NotifiedInstance, PayloadFormat, ReceivedNotification};
use nova_compute_utils::period::{self, Period, Window};
use nova_compute_utils::testing::ready;
use nova_compute_utils::verify::{self, VerifyOptions};
use nova_compute_utils::volume::{self, VolumeUsage};
use nova_compute_utils::{Error, Release, reconcile, tenant_usage, time, usage};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::function::{self, BlockDevice, Document, Function, Parsed};
use super::{Answer, Face, Failure, document, document_text, json};
use crate::arguments::Arguments;
use crate::script::Script;
use crate::tables::{MemoryTables, Tables};

/// The library as a Rust program uses it.
#[derive(Debug, Default)]
pub struct NativeFace {
    script: Script,
    tables: MemoryTables,
}

impl Face for NativeFace {
    fn name(&self) -> &'static str {
        "native"
    }

    fn script(&self) -> &Script {
        &self.script
    }

    fn tables(&mut self) -> Result<&mut dyn Tables> {
        Ok(&mut self.tables)
    }

    fn call(&mut self, function: &str, arguments: &Arguments) -> Result<Answer> {
        let function = Function::decode(function, arguments)?;
        Ok(ready(call(&self.script, function)).map_err(|error| failure(&error)))
    }
}

#[allow(clippy::too_many_lines, reason = "one arm per function")]
async fn call(script: &Script, function: Function) -> Result<String, Error> {
    use Function as F;
    Ok(match function {
        F::MatchDevice { device } => {
            let parts = device::match_device(&device);
            json(parts.map(|parts| json!({ "prefix": parts.prefix, "suffix": parts.suffix })))
        }
        F::StripDev { device_name } => json(device::strip_dev(&device_name)),
        F::StripPrefix { release, device_name } => json(device::strip_prefix(release.0, &device_name)),
        F::PrependDev { device_name } => json(device::prepend_dev(&device_name)),
        F::GetDeviceLetter { release, device_name } => json(device::get_device_letter(release.0, &device_name)),
        F::GenerateDeviceLetter { index } => json(device::generate_device_letter(index)),
        F::GenerateDeviceName { prefix, index } => json(device::generate_device_name(&prefix, index)),
        F::GetUnusedLetter { release, used_letters } => {
            let used_letters: Vec<&str> = used_letters.iter().map(String::as_str).collect();
            json(device::get_unused_letter(release.0, &used_letters)?)
        }
        F::ValidateDeviceName { value } => json(device::validate_device_name(&value)?),
        F::InstanceBlockMapping { release, compute_driver, instance, bdms } => {
            let config = device_config(release, -1, compute_driver);
            device::instance_block_mapping(&config, &Instance::parse(instance.get())?, &natives(&bdms))?.to_json()
        }
        F::GetDeviceNameForInstance(it) => {
            let config = device_config(it.release, it.max_disk_devices_to_attach, it.compute_driver);
            let (instance, bdms) = (Instance::parse(it.instance.get())?, natives(&it.bdms));
            json(device::get_device_name_for_instance(&config, &instance, &bdms, it.device.as_deref())?)
        }
        F::ExplainDeviceNameForInstance(it) => {
            let config = device_config(it.release, it.max_disk_devices_to_attach, it.compute_driver);
            let (instance, bdms) = (Instance::parse(it.instance.get())?, natives(&it.bdms));
            explanation(device::explain_device_name_for_instance(&config, &instance, &bdms, it.device.as_deref())?)
        }
        F::GetNextDeviceName(it) => {
            let config = device_config(it.release, it.max_disk_devices_to_attach, None);
            let (list, root) = (texts(&it.device_name_list), it.root_device_name.as_deref());
            json(device::get_next_device_name(&config, &list, root, it.device.as_deref())?)
        }
        F::ExplainNextDeviceName(it) => {
            let config = device_config(it.release, it.max_disk_devices_to_attach, None);
            let (list, root) = (texts(&it.device_name_list), it.root_device_name.as_deref());
            explanation(device::explain_next_device_name(&config, &list, root, it.device.as_deref())?)
        }
        F::DefaultDeviceNamesForInstance {
            release,
            max_disk_devices_to_attach,
            root_device_name,
            block_device_lists,
        } => {
            let config = device_config(release, max_disk_devices_to_attach, None);
            let lists: Vec<_> = block_device_lists.iter().map(|list| texts(list)).collect();
            let names = device::default_device_names_for_instance(&config, root_device_name.as_deref(), &lists);
            let devices = names.named.iter().map(|device| {
                json!({ "list_index": device.list_index, "index": device.index, "device_name": device.device_name })
            });
            json(json!({ "named": devices.collect::<Value>(), "stopped": names.stopped.as_ref().map(error_json) }))
        }
        F::LastCompletedAuditPeriod { release, instance_usage_audit_period: setting, unit, before } => {
            window(period::last_completed_audit_period(release.0, &setting, unit.as_deref(), before.value)?)
        }
        F::AuditPeriodBounds { release, instance_usage_audit_period: setting, current_period, now } => {
            window(period::audit_period_bounds(release.0, &setting, current_period, now.value)?)
        }
        F::Hydrate { release, network_info } => NetworkInfo::hydrate(release.0, &network_info)?.to_json(),
        F::GetNwInfoForInstance { instance } => {
            let mut text = String::new();
            network::get_nw_info_for_instance(&Instance::parse(instance.get())?, &mut text)?.to_json()
        }
        F::GetNetworkInfo { instance } => {
            let mut text = String::new();
            let network_info = network::get_network_info(&Instance::parse(instance.get())?, &mut text)?;
            document(network_info.map(|network_info| network_info.to_json()))
        }
        F::ReadNotification { notification } => {
            let notification = ReceivedNotification::parse(&document_text(&notification))?;
            let instance = notification.instance()?;
            received_notification(&notification, instance.as_ref())
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
            let instance = Instance::parse(instance.get())?.with_times_as_text(times_are_text);
            let system_metadata = object(system_metadata.as_ref())?;
            let info = usage::Info {
                network_info: parsed(network_info.as_ref())?,
                system_metadata: system_metadata.as_ref(),
                populate_image_ref_url: populate_image_ref_url.unwrap_or_default(),
                glance_endpoint: glance_endpoint.as_deref(),
            };
            usage::info_from_instance(release.0, &instance, &info, &object(extra.as_ref())?.unwrap_or_default())?
        }
        F::ImageMeta { system_metadata } => usage::image_meta(&Object::parse(system_metadata.get())?),
        F::InstanceExistsPayload { context, instance, window, bdms_in_notifications, include_share_mapping } => {
            let options = usage::InstancePayloadOptions { bdms_in_notifications, include_share_mapping };
            let instance = Instance::parse(instance.get())?;
            usage::instance_exists_payload(&context.native(), &instance, window.native(), options)?
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
            let instance = Instance::parse(instance.get())?.with_times_as_text(times_are_text);
            let (system_metadata, extra) = (object(system_metadata.as_ref())?, object(extra_usage_info.as_ref())?);
            let (context, fault) = (context.native(), fault.map(function::Exception::native));
            let options = usage::UsageOptions {
                host: host.as_deref(),
                network_info: parsed(network_info.as_ref())?,
                system_metadata: system_metadata.as_ref(),
                extra_usage_info: extra.as_ref(),
                fault: fault.as_ref(),
                best_effort: best_effort.unwrap_or_default(),
            };
            let config = config.native();
            json(
                usage::notify_about_instance_usage(script, &config, &context, &instance, &event_suffix, &options)
                    .await?,
            )
        }
        F::BandwidthUsage { context, instance, audit_start, ignore_missing_network_data: ignore, .. } => {
            let (context, instance) = (context.native(), Instance::parse(instance.get())?);
            document(usage::bandwidth_usage(script, &context, &instance, audit_start.value, ignore).await?)
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
            let instance = Instance::parse(instance.get())?.with_times_as_text(times_are_text);
            let options = usage::ExistsOptions {
                current_period,
                ignore_missing_network_data,
                system_metadata: object(system_metadata.as_ref())?,
                extra_usage_info: object(extra_usage_info.as_ref())?.unwrap_or_default(),
            };
            let (config, context) = (config.native(), context.native());
            json(usage::notify_usage_exists(script, &config, &context, &instance, &host, &options).await?)
        }
        F::HasAuditBeenRun { config, context, host, timestamp } => {
            let (context, release, setting) = (context.native(), config.release.0, &config.instance_usage_audit_period);
            let timestamp = timestamp.map(|timestamp| timestamp.value);
            json(audit::has_audit_been_run(script, &context, release, setting, &host, timestamp).await?)
        }
        F::StartInstanceUsageAudit { context, window, host, num_instances, .. } => {
            let (context, window) = (context.native(), window.native());
            json(audit::start_instance_usage_audit(script, &context, window, &host, num_instances).await?)
        }
        F::FinishInstanceUsageAudit { context, window, host, errors, message, .. } => {
            let (context, window, message) = (context.native(), window.native(), message.as_deref());
            json(audit::finish_instance_usage_audit(script, &context, window, &host, errors, message).await?)
        }
        F::InstanceUsageAudit { config, context, resume, give_up, retry_failed, message_ids } => {
            let message_ids = match message_ids {
                function::MessageIds::Random => audit::MessageIds::Random,
                function::MessageIds::Deterministic => audit::MessageIds::Deterministic,
            };
            let options = audit::AuditOptions { resume, give_up, retry_failed, message_ids };
            let report = audit::instance_usage_audit(script, &config.native(), &context.native(), &options).await?;
            json(report.map(|report| report.message))
        }
        F::DeterministicMessageId { release, event_type, host, window, instance_uuid } => {
            json(audit::deterministic_message_id(release.0, &event_type, &host, window.native(), &instance_uuid))
        }
        F::GetAuditTaskLogs { release, instance_usage_audit_period: setting, before, hosts, task_logs } => {
            let rows = task_logs.iter().map(function::TaskLog::native);
            let logs = audit::get_audit_task_logs(release.0, &setting, before.value, &hosts, rows)?;
            let log = logs.log.into_iter().map(|log| {
                let HostAuditLog { host, state, instances, errors, message } = log;
                let log = json!({ "state": state, "instances": instances, "errors": errors, "message": message });
                (host, log)
            });
            json(json!({
                "period_beginning": logs.period_beginning,
                "period_ending": logs.period_ending,
                "num_hosts": logs.num_hosts,
                "num_hosts_done": logs.num_hosts_done,
                "num_hosts_running": logs.num_hosts_running,
                "num_hosts_not_run": logs.num_hosts_not_run,
                "hosts_not_run": logs.hosts_not_run,
                "total_instances": logs.total_instances,
                "total_errors": logs.total_errors,
                "overall_status": logs.overall_status,
                "log": log.collect::<Map<_, _>>(),
            }))
        }
        F::GetAuditCoverage {
            release,
            instance_usage_audit_period: setting,
            clamp,
            begin,
            end,
            now,
            hosts,
            task_logs,
        } => {
            let period = Period::parse(release.0, &setting)?;
            let period = if clamp { period.clamp() } else { period };
            let rows = task_logs.iter().map(function::TaskLog::native);
            let (begin, end, now) = (begin.value, end.value, now.value);
            let coverage = audit::get_audit_coverage(&period, begin, end, now, &hosts, rows)?;
            let windows = coverage.windows.into_iter().map(|window| {
                json!({
                    "begin": time::isoformat(window.begin),
                    "end": time::isoformat(window.end),
                    "is_due": window.is_due,
                    "num_hosts_done": window.num_hosts_done,
                    "num_hosts_running": window.num_hosts_running,
                    "num_hosts_not_run": window.num_hosts_not_run,
                    "total_instances": window.total_instances,
                    "total_errors": window.total_errors,
                    "overall_status": window.overall_status,
                })
            });
            json(json!({
                "windows": windows.collect::<Value>(),
                "hosts": coverage.hosts,
                "num_hosts": coverage.num_hosts,
                "state_names": CoverageState::ALL.map(CoverageState::as_str),
                "states": coverage.states.into_iter().map(|state| state as u8).collect::<Value>(),
                "rows": coverage.rows.into_iter().map(|row| row.map_or(-1, i64::from)).collect::<Value>(),
                "state_counts": coverage.state_counts,
                "num_due": coverage.num_due,
                "num_hosts_not_run": coverage.num_hosts_not_run,
                "num_other_rows": coverage.num_other_rows,
            }))
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
            let config = nova_compute_utils::Config {
                notification_format: notification_format.0,
                bdms_in_notifications,
                include_share_mapping,
                ..nova_compute_utils::Config::new(release.0, host)
            };
            let options = usage::ExistsNdjson {
                context: context.native(),
                windows: windows.iter().map(function::Window::native).collect(),
                timestamp: timestamp.value,
                host_from_instance,
                first_line,
            };
            let mut output = String::new();
            usage::exists_ndjson(&config, &options, &text, &mut output);
            json(output)
        }
        F::HoursFor { launched_at, terminated_at, window } => {
            let value = |time: Option<function::Time>| time.map(|time| time.value);
            json(tenant_usage::hours_for(value(launched_at), value(terminated_at), window.native()))
        }
        F::TenantUsagesForPeriod { instances, window, now, detailed } => {
            let instances = instances.iter().map(|it| Instance::parse(it.get())).collect::<Result<Vec<_>, _>>()?;
            let usages = tenant_usage::tenant_usages_for_period(&instances, window.native(), now.value, detailed)?;
            usages.iter().map(tenant_usage_json).collect::<Value>().to_string()
        }
        F::UsagesBy { instances, window, key } => {
            let instances = instances.iter().map(|it| Instance::parse(it.get())).collect::<Result<Vec<_>, _>>()?;
            let groups = tenant_usage::usages_by(&instances, window.native(), key.0)?;
            let group = |group: tenant_usage::UsageGroup| {
                json!({
                    "key": group.key,
                    "servers": group.servers,
                    "hours": group.hours,
                    "vcpus_hours": group.vcpus_hours,
                    "memory_mb_hours": group.memory_mb_hours,
                    "local_gb_hours": group.local_gb_hours,
                })
            };
            groups.into_iter().map(group).collect::<Value>().to_string()
        }
        F::HoursNdjson { windows, first_line, text } => {
            let windows: Vec<Window> = windows.iter().map(function::Window::native).collect();
            let mut output = String::new();
            tenant_usage::hours_ndjson(&windows, first_line, &text, &mut output);
            json(output)
        }
        F::VerifyUsage { notifications, fields } => {
            let judgements = verify::verify_usage(&received(&notifications)?, &verify_options(fields))?;
            list_of(judgements.iter().map(verify::Judgement::to_json))
        }
        F::VerifyNdjson { fields, first_line, text } => {
            let mut output = String::new();
            verify::verify_ndjson(&verify_options(fields), first_line, &text, &mut output);
            json(output)
        }
        F::ReconcileInstance(it) => {
            let instance = it.instance.as_ref().map(|instance| Instance::parse(instance.get())).transpose()?;
            let notifications = received(&it.notifications)?;
            reconcile::reconcile_instance(&it.native(), instance.as_ref(), &notifications)?.to_json()
        }
        F::ReconcileNdjson(it) => {
            let mut output = String::new();
            reconcile::reconcile_ndjson(&it.native(), it.first_line, &it.text, &mut output);
            json(output)
        }
        F::ReconcileTotals { text } => {
            let mut totals = reconcile::ReconcileTotals::default();
            totals.add_ndjson(&text)?;
            json(totals.to_json())
        }
        F::UsageVolumeInfo { release, vol_usage, times_are_text } => {
            let vol_usage = VolumeUsage::parse(vol_usage.get())?.with_times_as_text(times_are_text);
            volume::usage_volume_info(release.0, &vol_usage)?
        }
        F::NotifyAboutVolumeUsage { config, context, vol_usage, host } => {
            let (config, context) = (config.native(), context.native());
            let vol_usage = VolumeUsage::parse(vol_usage.get())?;
            json(volume::notify_about_volume_usage(script, &config, &context, &vol_usage, &host).await?)
        }
        F::ExceptionToDict { fault, message } => {
            let fault = fault.native();
            let dict = fault::exception_to_dict(&fault, message.as_deref())?;
            exception_dict(dict.exception, dict.message, dict.code.as_str())
        }
        F::SafeTruncate { value, length } => json(fault::safe_truncate(&value, length)),
        F::AddInstanceFaultFromExc { config, context, instance_uuid, fault, fault_message } => {
            let (context, fault, message) = (context.native(), fault.native(), fault_message.as_deref());
            let (release, host) = (config.release.0, &config.host);
            json(
                fault::add_instance_fault_from_exc(script, &context, release, host, &instance_uuid, &fault, message)
                    .await?,
            )
        }
        F::PackActionStart { release, context, instance_uuid, action_name } => {
            json(action::pack_action_start(release.0, &context.native(), &instance_uuid, action_name.as_deref()))
        }
        F::PackActionFinish { release, context, instance_uuid, now } => {
            json(action::pack_action_finish(release.0, &context.native(), &instance_uuid, now.value))
        }
        F::PackActionEventStart { release, context, instance_uuid: uuid, event_name: event, host, now } => {
            let (context, host) = (context.native(), host.as_deref());
            json(action::pack_action_event_start(release.0, &context, &uuid, &event, host, now.value))
        }
        F::PackActionEventFinish { release, context, instance_uuid: uuid, event_name, exc_val, exc_tb, now } => {
            let (context, exc_val, exc_tb) = (context.native(), exc_val.as_ref().map(borrowed), exc_tb.as_deref());
            json(action::pack_action_event_finish(release.0, &context, &uuid, &event_name, exc_val, exc_tb, now.value)?)
        }
        F::ActionStart { config, context, instance_uuid: uuid, action_name } => {
            let (release, context) = (config.release.0, context.native());
            json(action::action_start(script, release, &context, &uuid, action_name.as_deref()).await?)
        }
        F::ActionFinish { config, context, instance_uuid } => {
            json(action::action_finish(script, config.release.0, &context.native(), &instance_uuid).await?)
        }
        F::EventStart { config, context, instance_uuid: uuid, event_name, host } => {
            let (release, context) = (config.release.0, context.native());
            json(action::event_start(script, release, &context, &uuid, &event_name, host.as_deref()).await?)
        }
        F::EventFinish { config, context, instance_uuid: uuid, event_name } => {
            json(action::event_finish(script, config.release.0, &context.native(), &uuid, &event_name).await?)
        }
        F::EventFinishWithFailure { config, context, instance_uuid: uuid, event_name: event, exc_val, exc_tb } => {
            let (release, context) = (config.release.0, context.native());
            let (exc_val, exc_tb) = (exc_val.as_ref().map(borrowed), exc_tb.as_deref());
            json(action::event_finish_with_failure(script, release, &context, &uuid, &event, exc_val, exc_tb).await?)
        }
        F::ReportEvent { config, context, event_name, host, instance_uuids, graceful_exit, body } => {
            // Nova hides the failure of the work when an action is gone.
            let graceful_exit = graceful_exit.unwrap_or_default();
            let event = Event { name: event_name, host, instance_uuids, graceful_exit, swallow_body_error: true };
            let mut body_ran = false;
            let work = async || {
                body_ran = true;
                body.map_or(Ok(()), |body| Err(Raised(Box::new(body.native()))))
            };
            let outcome = action::report_event(script, config.release.0, &context.native(), event, work).await;
            let swallowed = matches!(outcome, Err(ReportError::Swallowed));
            let raised = match outcome {
                Ok(()) | Err(ReportError::Swallowed) => None,
                Err(ReportError::Body(Raised(body))) => Some(json!({ "code": body.class_name, "message": body.text })),
                Err(ReportError::Start(error) | ReportError::Finish { error, .. }) => Some(error_json(&error)),
            };
            json(json!({ "body_ran": body_ran, "raised": raised, "swallowed": swallowed }))
        }
    })
}

/// The error of reported work.
#[derive(Debug)]
struct Raised(Box<NovaFailure>);

impl From<&Raised> for NovaFailure {
    fn from(raised: &Raised) -> Self {
        (*raised.0).clone()
    }
}

fn failure(error: &Error) -> Failure {
    let arguments = serde_json::from_str(error.arguments()).unwrap_or_default();
    Failure { code: error.code().to_owned(), message: error.message().to_owned(), arguments }
}

fn error_json(error: &Error) -> Value {
    json!({ "code": error.code(), "message": error.message(), "arguments": failure(error).arguments })
}

fn device_config(
    release: Parsed<Release>,
    max_disk_devices_to_attach: i64,
    compute_driver: Option<String>,
) -> DeviceConfig {
    DeviceConfig { release: release.0, max_disk_devices_to_attach, compute_driver }
}

fn natives(bdms: &[BlockDevice]) -> Vec<device::BlockDevice<'_>> {
    bdms.iter().map(BlockDevice::native).collect()
}

fn texts(list: &[Option<String>]) -> Vec<Option<&str>> {
    list.iter().map(Option::as_deref).collect()
}

fn explanation(explanation: Explanation) -> String {
    let (device_name, error) = match explanation.device_name {
        Ok(device_name) => (Some(device_name), None),
        Err(error) => (None, Some(error_json(&error))),
    };
    json(json!({ "device_name": device_name, "error": error }))
}

fn received(notifications: &[Document]) -> Result<Vec<ReceivedNotification>, Error> {
    notifications.iter().map(|notification| ReceivedNotification::parse(&document_text(notification))).collect()
}

fn verify_options(fields: Option<Vec<String>>) -> VerifyOptions {
    fields.map_or_else(VerifyOptions::default, |fields| VerifyOptions { fields })
}

fn list_of(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn received_notification(notification: &ReceivedNotification, instance: Option<&NotifiedInstance>) -> String {
    let timestamp = |timestamp: Option<NaiveDateTime>| timestamp.map(time::isoformat);
    let instance = instance.map(|instance| {
        let document = |json: &Option<String>| json.clone().map(|json| RawValue::from_string(json).expect("JSON"));
        Arguments::default()
            .with("uuid", &instance.uuid)
            .with("project_id", &instance.project_id)
            .with("user_id", &instance.user_id)
            .with("display_name", &instance.display_name)
            .with("state", &instance.state)
            .with("flavor_id", &instance.flavor_id)
            .with("flavor_name", &instance.flavor_name)
            .with("memory_mb", instance.memory_mb)
            .with("vcpus", instance.vcpus)
            .with("root_gb", instance.root_gb)
            .with("ephemeral_gb", instance.ephemeral_gb)
            .with("swap_mb", instance.swap_mb)
            .with("host", &instance.host)
            .with("node", &instance.node)
            .with("availability_zone", &instance.availability_zone)
            .with("created_at", timestamp(instance.created_at))
            .with("launched_at", timestamp(instance.launched_at))
            .with("deleted_at", timestamp(instance.deleted_at))
            .with("terminated_at", timestamp(instance.terminated_at))
            .with("audit_period", instance.audit_period.map(window_json))
            .with("image_meta", document(&instance.image_meta))
            .with("metadata", document(&instance.metadata))
    });
    let format = match &notification.format {
        PayloadFormat::Unversioned => json!("unversioned"),
        PayloadFormat::Versioned { name, version } => json!({ "versioned": { "name": name, "version": version } }),
    };
    Arguments::default()
        .with("message_id", &notification.message_id)
        .with("event_type", &notification.event_type)
        .with("publisher_id", &notification.publisher_id)
        .with("service", &notification.service)
        .with("host", &notification.host)
        .with("priority", &notification.priority)
        .with("timestamp", timestamp(notification.timestamp))
        .with("request_id", &notification.request_id)
        .with("user_id", &notification.user_id)
        .with("project_id", &notification.project_id)
        .with("format", format)
        .with("payload", &notification.payload)
        .with("instance", instance)
        .to_string()
}

fn window_json(window: Window) -> Value {
    json!({ "begin": time::isoformat(window.begin), "end": time::isoformat(window.end) })
}

fn window(window: Window) -> String {
    json(window_json(window))
}

fn object(document: Option<&Document>) -> Result<Option<Object<'_>>, Error> {
    document.map(|document| Object::parse(document.get())).transpose()
}

fn parsed(document: Option<&Document>) -> Result<Option<Json<'_>>, Error> {
    document.map(|document| Json::parse(document.get())).transpose()
}

fn borrowed(exc_val: &function::ExcVal) -> ExcVal<'_> {
    match exc_val {
        function::ExcVal::Text(text) => ExcVal::Text(text),
        function::ExcVal::Failure(failure) => ExcVal::Failure(failure),
    }
}

fn tenant_usage_json(usage: &tenant_usage::TenantUsage) -> Value {
    let server = |server: &tenant_usage::ServerUsage| {
        json!({
            "hours": server.hours,
            "flavor": server.flavor,
            "instance_id": server.instance_id,
            "name": server.name,
            "tenant_id": server.tenant_id,
            "memory_mb": server.memory_mb,
            "local_gb": server.local_gb,
            "vcpus": server.vcpus,
            "started_at": time::isoformat(server.started_at),
            "ended_at": server.ended_at.map(time::isoformat),
            "state": server.state,
            "uptime": server.uptime,
        })
    };
    json!({
        "tenant_id": usage.tenant_id,
        "server_usages": usage.server_usages.as_ref().map(|servers| servers.iter().map(server).collect::<Value>()),
        "total_local_gb_usage": usage.total_local_gb_usage,
        "total_vcpus_usage": usage.total_vcpus_usage,
        "total_memory_mb_usage": usage.total_memory_mb_usage,
        "total_hours": usage.total_hours,
        "start": time::isoformat(usage.start),
        "stop": time::isoformat(usage.stop),
    })
}

/// Returns the result of `exception_to_dict` as JSON; the code keeps every digit.
pub(super) fn exception_dict(exception: &str, message: &str, code: &str) -> String {
    format!(r#"{{"exception":{},"message":{},"code":{code}}}"#, json(exception), json(message))
}
