//! The exported functions.

use super::{Error, Instance};
use crate::action::{ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, ExcVal};
use crate::audit::{AuditOptions, AuditReport};
use crate::audit_log::{AuditCoverage, AuditTaskLogs, TaskLog};
use crate::conductor::{InstanceAction, InstanceActionEvent};
use crate::device::{BlockDevice, DefaultDeviceNames, DeviceConfig, DeviceMatch, Explanation, MappedDevice};
use crate::fault::ExceptionDict;
use crate::notification::ReceivedNotification;
use crate::period::{PeriodOptions, Window};
use crate::reconcile::{ReconcileOptions, Reconciliation};
use crate::tenant_usage::{TenantUsage, UsageGroup, UsageKey};
use crate::types::{Config, Context, Datetime, Failure, Json, Release};
use crate::usage::{ExistsNdjsonOptions, Info, InstancePayloadOptions};
use crate::usage_notify::{ExistsOptions, UsageOptions};
use crate::verify::Judgement;

/// Defines one method per function. Functions with and without a `result` are declared alike.
macro_rules! exported {
    ($($interface:ident {
        $($(#[$doc:meta])* $name:ident = $call:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*
    })*) => {
        impl<C: Send, N: Send> Instance<C, N> {
            $($(
                $(#[$doc])*
                #[allow(clippy::too_many_arguments, reason = "as many as the contract has")]
                pub async fn $name(&mut self, $($argument: $type),*) -> Result<$answer, Error> {
                    self.begin()?;
                    let answer = self.exports.$interface().$call(&mut self.store, $($argument),*).await;
                    self.end(answer)
                }
            )*)*
        }
    };
}

exported! {
    nova_compute_utils_device {
        /// Splits a device name into prefix and suffix; `None` if it is not a device name.
        match_device = call_match_device(device: &str) -> Option<DeviceMatch>;
        /// Removes one leading `/dev/`.
        strip_dev = call_strip_dev(device_name: &str) -> String;
        /// Removes `/dev/` and one leading disk prefix, such as `vd`.
        strip_prefix = call_strip_prefix(release: Release, device_name: &str) -> String;
        /// Puts one `/dev/` in front of a device name.
        prepend_dev = call_prepend_dev(device_name: &str) -> String;
        /// Returns the letter that identifies a device among the devices of an instance.
        get_device_letter = call_get_device_letter(release: Release, device_name: &str) -> String;
        /// Returns the letter at an index, which counts from 0.
        generate_device_letter = call_generate_device_letter(index: i64) -> String;
        /// Joins a prefix and the letter at an index.
        generate_device_name = call_generate_device_name(prefix: &str, index: i64) -> String;
        /// Returns the first unused letter.
        get_unused_letter = call_get_unused_letter(release: Release, used_letters: &[String]) -> String;
        /// Fails if the name is not valid for a block device mapping.
        validate_device_name = call_validate_device_name(value: &str) -> ();
        /// Returns the devices of an instance by role.
        instance_block_mapping = call_instance_block_mapping(
            config: &DeviceConfig, instance: &Json, bdms: &[BlockDevice]) -> Vec<MappedDevice>;
        /// Chooses the name of a new device of an instance, or checks a requested one.
        get_device_name_for_instance = call_get_device_name_for_instance(
            config: &DeviceConfig, instance: &Json, bdms: &[BlockDevice], device: Option<&str>) -> String;
        /// Chooses the name of a new device, given the names in use, or checks a requested one.
        get_next_device_name = call_get_next_device_name(
            config: &DeviceConfig, device_name_list: &[Option<String>], root_device_name: Option<&str>,
            device: Option<&str>) -> String;
        /// Chooses the names of all devices that have none.
        default_device_names_for_instance = call_default_device_names_for_instance(
            config: &DeviceConfig, root_device_name: Option<&str>,
            block_device_lists: &[Vec<Option<String>>]) -> DefaultDeviceNames;
        /// Explains the result of `get_device_name_for_instance`.
        explain_device_name_for_instance = call_explain_device_name_for_instance(
            config: &DeviceConfig, instance: &Json, bdms: &[BlockDevice], device: Option<&str>) -> Explanation;
        /// Explains the result of `get_next_device_name`.
        explain_next_device_name = call_explain_next_device_name(
            config: &DeviceConfig, device_name_list: &[Option<String>], root_device_name: Option<&str>,
            device: Option<&str>) -> Explanation;
    }

    nova_compute_utils_period {
        /// Returns the last window of the configured period that was completed before a time.
        last_completed_audit_period = call_last_completed_audit_period(
            release: Release, instance_usage_audit_period: &str, unit: Option<&str>, before: &Datetime) -> Window;
        /// Returns the last completed window or, for the current period, the time from its end to now.
        audit_period_bounds = call_audit_period_bounds(
            release: Release, instance_usage_audit_period: &str, current_period: bool, now: &Datetime) -> Window;
        /// Returns the last window of a period that was completed before a time.
        last_completed = call_last_completed(period: &PeriodOptions, before: &Datetime) -> Window;
        /// Returns all windows of a period between two times, oldest first.
        windows_between = call_windows_between(period: &PeriodOptions, begin: &Datetime, end: &Datetime) -> Vec<Window>;
    }

    nova_compute_utils_network {
        /// Returns a list of vifs with the members that a cache leaves out.
        hydrate = call_hydrate(release: Release, network_info: &Json) -> Json;
        /// Returns the hydrated network info of an instance's cache, in `grizzly`.
        get_nw_info_for_instance = call_get_nw_info_for_instance(instance: &Json) -> Json;
        /// Returns the hydrated network info of an instance's cache, in `hibiscus`; `None` if the cache has null.
        get_network_info = call_get_network_info(instance: &Json) -> Option<Json>;
    }

    nova_compute_utils_notification {
        /// Reads a notification as it arrived from a bus.
        read_notification = call_read_notification(notification: &Json) -> ReceivedNotification;
    }

    nova_compute_utils_usage {
        /// Builds the payload that all unversioned instance notifications share.
        info_from_instance = call_info_from_instance(release: Release, instance: &Json, info: &Info) -> Json;
        /// Extracts image metadata from system metadata.
        image_meta = call_image_meta(system_metadata: &Json) -> Json;
        /// Builds the payload of `compute.instance.exists`, the unversioned notification.
        exists_payload = call_exists_payload(
            release: Release, instance: &Json, window: &Window, glance_endpoint: Option<&str>,
            system_metadata: Option<&Json>, times_are_text: bool, extra: Option<&Json>) -> Json;
        /// Builds the payload of `instance.exists`, the versioned notification of `hibiscus`.
        instance_exists_payload = call_instance_exists_payload(
            context: &Context, instance: &Json, window: &Window, options: InstancePayloadOptions) -> Json;
        /// Builds the `exists` notifications of many instances, one per line in both directions.
        exists_ndjson = call_exists_ndjson(
            config: &Config, context: &Context, options: &ExistsNdjsonOptions, text: &str) -> String;
    }

    nova_compute_utils_tenant_usage {
        /// Returns the hours of a server in a window.
        hours_for = call_hours_for(
            launched_at: Option<&Datetime>, terminated_at: Option<&Datetime>, window: &Window) -> f64;
        /// Returns the usage of each project in a period.
        tenant_usages_for_period = call_tenant_usages_for_period(
            instances: &[Json], window: &Window, now: &Datetime, detailed: bool) -> Vec<TenantUsage>;
        /// Returns the usage of each project, flavor, host or availability zone in a window.
        usages_by = call_usages_by(instances: &[Json], window: &Window, key: UsageKey) -> Vec<UsageGroup>;
        /// Counts the hours of many instances, one line per instance and window.
        hours_ndjson = call_hours_ndjson(windows: &[Window], first_line: u64, text: &str) -> String;
    }

    nova_compute_utils_verify {
        /// Judges each `exists` of an instance by the notifications before it.
        verify_usage = call_verify_usage(notifications: &[Json], fields: Option<&[String]>) -> Vec<Judgement>;
        /// Judges the usage of many instances, one instance per line.
        verify_ndjson = call_verify_ndjson(fields: Option<&[String]>, first_line: u64, text: &str) -> String;
    }

    nova_compute_utils_reconcile {
        /// Compares the `exists` notifications of an instance with those that Nova should have emitted for a window.
        reconcile_instance = call_reconcile_instance(
            options: &ReconcileOptions, instance: Option<&Json>, notifications: &[Json]) -> Reconciliation;
        /// Reconciles many instances, one per line.
        reconcile_ndjson = call_reconcile_ndjson(options: &ReconcileOptions, first_line: u64, text: &str) -> String;
        /// Returns the totals of many reconciliations.
        reconcile_totals = call_reconcile_totals(text: &str) -> Json;
    }

    nova_compute_utils_usage_notify {
        /// Emits the notification of an event of an instance.
        notify_about_instance_usage = call_notify_about_instance_usage(
            config: &Config, context: &Context, instance: &Json, event_suffix: &str, options: &UsageOptions) -> ();
        /// Returns the traffic of an instance since a time by network label, in `grizzly`.
        bandwidth_usage = call_bandwidth_usage(
            context: &Context, instance: &Json, audit_start: &Datetime,
            ignore_missing_network_data: bool) -> Option<Json>;
        /// Emits the `exists` notifications of an instance.
        notify_usage_exists = call_notify_usage_exists(
            config: &Config, context: &Context, instance: &Json, host: &str, options: &ExistsOptions) -> ();
    }

    nova_compute_utils_audit {
        /// Returns whether the audit of the last completed window of a host is done or running.
        has_audit_been_run = call_has_audit_been_run(
            context: &Context, release: Release, instance_usage_audit_period: &str, host: &str,
            timestamp: Option<&Datetime>) -> bool;
        /// Inserts the task log row of an audit.
        start_instance_usage_audit = call_start_instance_usage_audit(
            context: &Context, window: &Window, host: &str, num_instances: i64) -> ();
        /// Finishes the task log row of an audit.
        finish_instance_usage_audit = call_finish_instance_usage_audit(
            context: &Context, window: &Window, host: &str, errors: i64, message: Option<&str>) -> ();
        /// Returns the deterministic id of a notification.
        deterministic_message_id = call_deterministic_message_id(
            release: Release, event_type: &str, host: &str, window: &Window, instance_uuid: &str) -> String;
        /// Audits the last completed window of the configured host; `None` if the task log has a row for it that the
        /// options do not continue.
        instance_usage_audit = call_instance_usage_audit(
            config: &Config, context: &Context, options: AuditOptions) -> Option<AuditReport>;
    }

    nova_compute_utils_audit_log {
        /// Returns the audits of all hosts in the last window that is complete before a timestamp.
        get_audit_task_logs = call_get_audit_task_logs(
            release: Release, instance_usage_audit_period: &str, before: &Datetime, hosts: &[String],
            task_logs: &[TaskLog]) -> AuditTaskLogs;
        /// Returns the audits of all hosts in all windows that begin in a range.
        get_audit_coverage = call_get_audit_coverage(
            period: &PeriodOptions, begin: &Datetime, end: &Datetime, now: &Datetime, hosts: &[String],
            task_logs: &[TaskLog]) -> AuditCoverage;
    }

    nova_compute_utils_action {
        /// Builds the values of a new action.
        pack_action_start = call_pack_action_start(
            release: Release, context: &Context, instance_uuid: &str, action_name: Option<&str>) -> ActionStartValues;
        /// Builds the values that finish an action.
        pack_action_finish = call_pack_action_finish(
            release: Release, context: &Context, instance_uuid: &str, now: &Datetime) -> ActionFinishValues;
        /// Builds the values of a new event.
        pack_action_event_start = call_pack_action_event_start(
            release: Release, context: &Context, instance_uuid: &str, event_name: &str, host: Option<&str>,
            now: &Datetime) -> ActionEventStartValues;
        /// Builds the values that finish an event.
        pack_action_event_finish = call_pack_action_event_finish(
            release: Release, context: &Context, instance_uuid: &str, event_name: &str, exc_val: Option<&ExcVal>,
            exc_tb: Option<&str>, now: &Datetime) -> ActionEventFinishValues;
    }

    nova_compute_utils_action_record {
        /// Starts an action and returns the conductor's row.
        action_start = call_action_start(
            release: Release, context: &Context, instance_uuid: &str,
            action_name: Option<&str>) -> Option<InstanceAction>;
        /// Finishes an action and returns the conductor's row.
        action_finish = call_action_finish(
            release: Release, context: &Context, instance_uuid: &str) -> Option<InstanceAction>;
        /// Starts an event and returns the conductor's row.
        event_start = call_event_start(
            release: Release, context: &Context, instance_uuid: &str, event_name: &str,
            host: Option<&str>) -> Option<InstanceActionEvent>;
        /// Finishes an event as a success and returns the conductor's row.
        event_finish = call_event_finish(
            release: Release, context: &Context, instance_uuid: &str, event_name: &str) -> Option<InstanceActionEvent>;
        /// Finishes an event: as an error if `exc_tb` is given, even an empty one, otherwise as a success.
        event_finish_with_failure = call_event_finish_with_failure(
            release: Release, context: &Context, instance_uuid: &str, event_name: &str, exc_val: Option<&ExcVal>,
            exc_tb: Option<&str>) -> Option<InstanceActionEvent>;
    }

    nova_compute_utils_fault {
        /// Describes a failure in the form that notifications and faults contain.
        exception_to_dict = call_exception_to_dict(fault: &Failure, message: Option<&str>) -> ExceptionDict;
        /// Returns the first `length` bytes of a string, without splitting a character.
        safe_truncate = call_safe_truncate(value: &str, length: i64) -> String;
    }

    nova_compute_utils_fault_add {
        /// Records a fault of an instance.
        add_instance_fault_from_exc = call_add_instance_fault_from_exc(
            context: &Context, release: Release, host: &str, instance_uuid: &str, fault: &Failure,
            fault_message: Option<&str>) -> ();
    }

    nova_compute_utils_volume {
        /// Builds the payload of `volume.usage`, the unversioned notification.
        usage_volume_info = call_usage_volume_info(release: Release, vol_usage: &Json, times_are_text: bool) -> Json;
    }

    nova_compute_utils_volume_notify {
        /// Emits the notification of the usage of a volume.
        notify_about_volume_usage = call_notify_about_volume_usage(
            config: &Config, context: &Context, vol_usage: &Json, host: &str) -> ();
    }
}
