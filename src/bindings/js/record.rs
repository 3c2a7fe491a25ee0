//! The library's records as plain objects, under the same names.

use chrono::NaiveDateTime;
use js_sys::{Array, BigInt, Object, Reflect};
use wasm_bindgen::prelude::*;

use crate::action::{ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues};
use crate::audit::{AuditFailure, AuditProgress, AuditReport};
use crate::device::{DeviceMatch, NamedDevice, PrefixFrom, TakenBy, TakenLetter};
use crate::host::{BwUsage, InstanceAction, InstanceActionEvent, TaskLog};
use crate::period::Window;
use crate::time::isoformat;

use super::options::{At, Member};

/// What JavaScript can be given.
pub trait ToJs {
    fn to_js(&self) -> JsValue;
}

/// A record with all its members: one that is forgotten does not compile.
macro_rules! to_js {
    ($($record:ident { $($member:ident),* $(,)? })*) => {$(
        impl ToJs for $record {
            fn to_js(&self) -> JsValue {
                let $record { $($member),* } = self;
                object(&[$((stringify!($member), $member.to_js())),*])
            }
        }
    )*};
}

to_js! {
    Window { begin, end }
    NamedDevice { list_index, index, device_name }
    TakenLetter { letter, device_name, by }
    ActionStartValues { action, instance_uuid, request_id, user_id, project_id, start_time, updated_at }
    ActionFinishValues { instance_uuid, request_id, finish_time, updated_at }
    ActionEventStartValues { event, instance_uuid, request_id, start_time, host }
    ActionEventFinishValues { event, instance_uuid, request_id, finish_time, result, message, details, traceback }
    InstanceAction {
        id, action, instance_uuid, request_id, user_id, project_id, start_time, finish_time, message, created_at,
        updated_at, deleted_at, deleted,
    }
    InstanceActionEvent {
        id, event, action_id, start_time, finish_time, result, traceback, host, details, created_at, updated_at,
        deleted_at, deleted,
    }
    AuditProgress { instances, num_instances, notifications, failures }
    AuditReport { host, window, instances, notifications, failures, message }
    AuditFailure { instance_uuid, error }
}

impl ToJs for DeviceMatch<'_> {
    fn to_js(&self) -> JsValue {
        object(&[("prefix", self.prefix.to_js()), ("suffix", self.suffix.to_js())])
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

/// A plain object.
pub fn object(members: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in members {
        // A fresh object takes any property.
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object.into()
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

/// `Number.MAX_SAFE_INTEGER`.
pub const SAFE: u64 = (1 << 53) - 1;

/// A `number` while that is exact, a `bigint` beyond.
impl ToJs for i64 {
    fn to_js(&self) -> JsValue {
        #[allow(clippy::cast_precision_loss, reason = "it is exact so far")]
        if self.unsigned_abs() <= SAFE { JsValue::from_f64(*self as f64) } else { BigInt::from(*self).into() }
    }
}

impl ToJs for u64 {
    fn to_js(&self) -> JsValue {
        #[allow(clippy::cast_precision_loss, reason = "it is exact so far")]
        if *self <= SAFE { JsValue::from_f64(*self as f64) } else { BigInt::from(*self).into() }
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

/// A record that the host gives, with all its members.
macro_rules! from_js {
    ($($record:ident { $($member:ident),* $(,)? })*) => {$(
        impl Member for $record {
            fn read(value: JsValue, at: &At<'_>) -> Self {
                let members = at.record(&value);
                $record { $($member: members.get(stringify!($member))),* }
            }
        }
    )*};
}

from_js! {
    TaskLog { task_name, state, host, period_beginning, period_ending, message, task_items, errors }
    BwUsage { uuid, mac, start_period, bw_in, bw_out }
    InstanceAction {
        id, action, instance_uuid, request_id, user_id, project_id, start_time, finish_time, message, created_at,
        updated_at, deleted_at, deleted,
    }
    InstanceActionEvent {
        id, event, action_id, start_time, finish_time, result, traceback, host, details, created_at, updated_at,
        deleted_at, deleted,
    }
}
