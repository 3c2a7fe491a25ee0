//! The library's records as plain objects under the same names, and the rows that a conductor returns.

use std::prelude::v1::*;

use chrono::NaiveDateTime;
use js_sys::{Array, BigInt, Object, Reflect};
use wasm_bindgen::prelude::*;

use super::error::{host_error, nova_error};
use super::options::{Member, Reader};
use super::typescript::Type;
use super::value::{MAX_SAFE_INTEGER, from_json};
use crate::audit::{AuditFailure, AuditProgress, AuditReport, WindowCoverage};
use crate::device::{DeviceMatch, Explanation, NamedDevice, PrefixFrom, TakenBy, TakenLetter};
use crate::host::{
    ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, AuditCheckpoint, BwUsage,
    FailedInstance, HostError, InstanceAction, InstanceActionEvent, TaskLog, TaskLogKey, UnreadableInstance,
    WindowQuery,
};
use crate::notification::{NotifiedInstance, ReceivedNotification};
use crate::period::Window;
use crate::tenant_usage::{ServerUsage, TenantUsage, UsageGroup};
use crate::time::isoformat;
use crate::{Context, Error};

/// A value that JavaScript can get.
pub trait ToJs {
    fn to_js(&self) -> JsValue;
}

/// Converts records to objects. A list that misses a member does not compile.
macro_rules! to_js {
    ($($record:ty { $($member:ident),* $(,)? })*) => {$(
        impl ToJs for $record {
            fn to_js(&self) -> JsValue {
                let Self { $($member),* } = self;
                object(&[$((stringify!($member), $member.to_js())),*])
            }
        }
    )*};
}

/// Reads rows that a conductor returns. `records.d.ts` declares their types.
macro_rules! from_js {
    ($($record:ident { $($member:ident),* $(,)? })*) => {$(
        impl Member for $record {
            const TYPE: Type = Type::Name(stringify!($record));

            fn read(value: JsValue, reader: &Reader<'_>) -> Self {
                let members = reader.members(&value);
                Self { $($member: members.get(stringify!($member))),* }
            }
        }
    )*};
}

/// Declares the conversions of `to_js!` and `from_js!`.
macro_rules! both_ways {
    ($($records:tt)*) => {
        to_js! { $($records)* }
        from_js! { $($records)* }
    };
}

to_js! {
    Context { user_id, project_id, request_id, timestamp, glance_endpoint }
    Window { begin, end }
    TaskLogKey<'_> { task_name, period_beginning, period_ending, host }
    WindowQuery<'_> { begin, end, project_id, host }
    NamedDevice { list_index, index, device_name }
    TakenLetter { letter, device_name, by }
    ActionStartValues { action, instance_uuid, request_id, user_id, project_id, start_time, updated_at }
    ActionFinishValues { instance_uuid, request_id, finish_time, updated_at }
    ActionEventStartValues { event, instance_uuid, request_id, start_time, host }
    ActionEventFinishValues { event, instance_uuid, request_id, finish_time, result, message, details, traceback }
    AuditProgress { instances, num_instances, notifications, failures }
    AuditReport { host, window, instances, notifications, failures, message }
    AuditFailure { instance_uuid, instance_id, sent, error }
    WindowCoverage {
        begin, end, is_due, num_hosts_done, num_hosts_running, num_hosts_not_run, total_instances, total_errors,
        overall_status,
    }
    TenantUsage {
        tenant_id, server_usages, total_local_gb_usage, total_vcpus_usage, total_memory_mb_usage, total_hours, start,
        stop,
    }
    ServerUsage {
        hours, flavor, instance_id, name, tenant_id, memory_mb, local_gb, vcpus, started_at, ended_at, state, uptime,
    }
    UsageGroup { key, servers, hours, vcpus_hours, memory_mb_hours, local_gb_hours }
    ReceivedNotification {
        message_id, event_type, publisher_id, service, host, priority, timestamp, request_id, user_id, project_id, format,
        payload,
    }
    NotifiedInstance {
        uuid, project_id, user_id, display_name, state, flavor_id, flavor_name, memory_mb, vcpus, root_gb, ephemeral_gb,
        swap_mb, host, node, availability_zone, created_at, launched_at, deleted_at, terminated_at, audit_period,
        image_meta, metadata,
    }
}

from_js! {
    TaskLog { task_name, state, host, period_beginning, period_ending, message, task_items, errors }
    BwUsage { uuid, mac, start_period, bw_in, bw_out }
    UnreadableInstance { instance_uuid, instance_id, error }
}

both_ways! {
    AuditCheckpoint {
        marker, complete, retrying, num_instances, instances, notifications, failures, seconds, settings,
        notifier_position,
    }
    FailedInstance { instance_uuid, instance_id, sent, error }
    InstanceAction {
        id, action, instance_uuid, request_id, user_id, project_id, start_time, finish_time, message, created_at,
        updated_at, deleted_at, deleted,
    }
    InstanceActionEvent {
        id, event, action_id, start_time, finish_time, result, traceback, host, details, created_at, updated_at,
        deleted_at, deleted,
    }
}

impl ToJs for DeviceMatch<'_> {
    fn to_js(&self) -> JsValue {
        object(&[("prefix", self.prefix.to_js()), ("suffix", self.suffix.to_js())])
    }
}

impl ToJs for Explanation {
    fn to_js(&self) -> JsValue {
        let Self { device_name, prefix, prefix_from, replaced_prefix, requested_letter, taken } = self;
        object(&[
            ("device_name", device_name.as_ref().ok().to_js()),
            ("error", device_name.as_ref().err().to_js()),
            ("prefix", prefix.to_js()),
            ("prefix_from", prefix_from.to_js()),
            ("replaced_prefix", replaced_prefix.to_js()),
            ("requested_letter", requested_letter.to_js()),
            ("taken", taken.to_js()),
        ])
    }
}

impl ToJs for PrefixFrom {
    fn to_js(&self) -> JsValue {
        JsValue::from_str(match self {
            Self::RootDevice => "root_device",
            Self::DefaultRootDevice => "default_root_device",
            Self::XenDriver => "xen_driver",
        })
    }
}

impl ToJs for TakenBy {
    fn to_js(&self) -> JsValue {
        match self {
            Self::Role(role) => object(&[("role", role.to_js())]),
            Self::Place(place) => object(&[("place", place.to_js())]),
            Self::XenEphemeralDisk => JsValue::from_str("xen_ephemeral_disk"),
            Self::XenSwapDisk => JsValue::from_str("xen_swap_disk"),
        }
    }
}

/// Returns a plain object.
pub fn object(members: &[(&str, JsValue)]) -> JsValue {
    extend(Object::new().into(), members)
}

/// Adds members to an object that this face made, which takes any property.
pub fn extend(object: JsValue, members: &[(&str, JsValue)]) -> JsValue {
    for (name, value) in members {
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object
}

impl ToJs for HostError {
    fn to_js(&self) -> JsValue {
        let arguments = from_json(&self.arguments).unwrap_or_default();
        object(&[("code", self.code.to_js()), ("message", self.message.to_js()), ("arguments", arguments)])
    }
}

/// Reads any value that a host could throw.
impl Member for HostError {
    const TYPE: Type = Type::Unknown;

    fn read(value: JsValue, _: &Reader<'_>) -> Self {
        host_error(value)
    }
}

impl ToJs for Error {
    fn to_js(&self) -> JsValue {
        nova_error(self)
    }
}

impl ToJs for JsValue {
    fn to_js(&self) -> JsValue {
        self.clone()
    }
}

impl ToJs for () {
    fn to_js(&self) -> JsValue {
        JsValue::UNDEFINED
    }
}

impl ToJs for str {
    fn to_js(&self) -> JsValue {
        JsValue::from_str(self)
    }
}

impl ToJs for String {
    fn to_js(&self) -> JsValue {
        JsValue::from_str(self)
    }
}

impl ToJs for bool {
    fn to_js(&self) -> JsValue {
        JsValue::from_bool(*self)
    }
}

impl ToJs for f64 {
    fn to_js(&self) -> JsValue {
        JsValue::from_f64(*self)
    }
}

/// A `number` where that is exact, otherwise a `bigint`.
impl ToJs for i64 {
    fn to_js(&self) -> JsValue {
        #[allow(clippy::cast_precision_loss, reason = "a safe integer is exact")]
        if self.unsigned_abs() <= MAX_SAFE_INTEGER {
            JsValue::from_f64(*self as f64)
        } else {
            BigInt::from(*self).into()
        }
    }
}

/// A `number` where that is exact, otherwise a `bigint`.
impl ToJs for u64 {
    fn to_js(&self) -> JsValue {
        #[allow(clippy::cast_precision_loss, reason = "a safe integer is exact")]
        if *self <= MAX_SAFE_INTEGER { JsValue::from_f64(*self as f64) } else { BigInt::from(*self).into() }
    }
}

impl ToJs for usize {
    fn to_js(&self) -> JsValue {
        u64::try_from(*self).unwrap_or(u64::MAX).to_js()
    }
}

impl ToJs for NaiveDateTime {
    fn to_js(&self) -> JsValue {
        JsValue::from_str(&isoformat(*self))
    }
}

impl<T: ToJs + ?Sized> ToJs for &T {
    fn to_js(&self) -> JsValue {
        T::to_js(self)
    }
}

impl<T: ToJs> ToJs for Option<T> {
    fn to_js(&self) -> JsValue {
        self.as_ref().map_or(JsValue::NULL, T::to_js)
    }
}

impl<T: ToJs> ToJs for [T] {
    fn to_js(&self) -> JsValue {
        self.iter().map(T::to_js).collect::<Array>().into()
    }
}

impl<T: ToJs> ToJs for Vec<T> {
    fn to_js(&self) -> JsValue {
        self.as_slice().to_js()
    }
}
