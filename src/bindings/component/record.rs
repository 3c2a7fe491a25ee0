//! The conversions between the library's types and those of WIT.

use std::borrow::Cow;
use std::prelude::v1::*;

use chrono::NaiveDateTime;

use super::exports::nova::compute_utils::{action, device, fault, notification, period, types, usage};
#[cfg(not(feature = "component-pure"))]
use super::nova::compute_utils::conductor;
use crate::device::{
    DefaultDeviceNames, DeviceConfig, DeviceMatch, Explanation, NamedDevice, PrefixFrom, TakenBy, TakenLetter,
};
use crate::document::{Json, Object};
use crate::fault::{ExceptionDict, Failure};
use crate::host::{ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, HostError};
use crate::notification::NotifiedInstance;
use crate::period::Window;
use crate::usage::InstancePayloadOptions;
use crate::{Config, Context, Error, NotificationFormat, Release, time};

/// A type of the library that converts to the WIT type `W`.
pub(super) trait ToWit<W> {
    fn to_wit(self) -> W;
}

/// A type of the library that converts from the WIT type `W`.
pub(super) trait FromWit<W>: Sized {
    fn from_wit(value: W) -> Result<Self, Error>;
}

/// Converts a value from WIT to the type that the context requires.
pub(super) fn read<W, T: FromWit<W>>(value: W) -> Result<T, Error> {
    T::from_wit(value)
}

/// Converts a value of the library to a WIT result, where only reading the arguments can fail.
#[allow(clippy::unnecessary_wraps, reason = "WIT has a result")]
pub(super) fn to_wit<W, T: ToWit<W>>(value: T) -> Result<W, types::Error> {
    Ok(value.to_wit())
}

/// Declares the conversions of records and enums that have the same name in WIT, `from` or `to` an interface.
/// `borrowed` is `to` for a record with a lifetime, and `imported` is `to` an interface that only the world
/// `compute-utils` has.
///
/// - `Record { a, b; c, d }` lists the fields: `a` and `b` have the same type on both sides, `c` and `d` are converted.
///   A missing field does not compile.
/// - `Enum [A, B]` lists the cases.
macro_rules! records {
    ($($record:ident $members:tt: $($direction:ident $interface:ident),+;)*) => {
        $($(records! { @$direction $interface $record ($record) $members })+)*
    };
    (@borrowed $interface:ident $record:ident $type:tt $members:tt) => {
        records! { @to $interface $record ($record<'_>) $members }
    };
    (@imported $($record:tt)*) => { #[cfg(not(feature = "component-pure"))] records! { @to $($record)* } };
    (@from $interface:ident $record:ident ($type:ty) { $($same:ident),* $(; $($field:ident),*)? }) => {
        impl FromWit<$interface::$record> for $type {
            fn from_wit(record: $interface::$record) -> Result<Self, Error> {
                let $interface::$record { $($same,)* $($($field),*)? } = record;
                Ok(Self { $($same,)* $($($field: read($field)?),*)? })
            }
        }
    };
    (@to $interface:ident $record:ident ($type:ty) { $($same:ident),* $(; $($field:ident),*)? }) => {
        impl ToWit<$interface::$record> for $type {
            fn to_wit(self) -> $interface::$record {
                let Self { $($same,)* $($($field),*)? } = self;
                $interface::$record { $($same,)* $($($field: $field.to_wit()),*)? }
            }
        }
    };
    (@from $interface:ident $record:ident ($type:ty) [$($case:ident),*]) => {
        impl From<$interface::$record> for $type {
            fn from(case: $interface::$record) -> Self {
                match case { $($interface::$record::$case => Self::$case),* }
            }
        }

        impl FromWit<$interface::$record> for $type {
            fn from_wit(case: $interface::$record) -> Result<Self, Error> {
                Ok(case.into())
            }
        }
    };
    (@to $interface:ident $record:ident ($type:ty) [$($case:ident),*]) => {
        impl ToWit<$interface::$record> for $type {
            fn to_wit(self) -> $interface::$record {
                match self { $(Self::$case => $interface::$record::$case),* }
            }
        }
    };
}

records! {
    Release [Grizzly, Hibiscus]: from types;
    NotificationFormat [Unversioned, Versioned, Both]: from types;
    Config {
        host, instance_usage_audit_period, bdms_in_notifications, include_share_mapping; release, notification_format
    }: from types;
    Context { user_id, project_id, request_id, glance_endpoint; timestamp }: from types, imported conductor;
    Failure {
        class_name, text, code, value, formatted_message, representation, traceback, formatted_exception
    }: from types;

    Window { ; begin, end }: from period, to period;
    NotifiedInstance {
        uuid, project_id, user_id, display_name, state, flavor_id, flavor_name, memory_mb, vcpus, root_gb, ephemeral_gb,
        swap_mb, host, node, availability_zone, image_meta, metadata;
        created_at, launched_at, deleted_at, terminated_at, audit_period
    }: to notification;
    InstancePayloadOptions { bdms_in_notifications, include_share_mapping }: from usage;
    ExceptionDict { ; exception, message, code }: borrowed fault;

    ActionStartValues {
        action, instance_uuid, request_id, user_id, project_id; start_time, updated_at
    }: to action, imported conductor;
    ActionFinishValues { instance_uuid, request_id; finish_time, updated_at }: to action, imported conductor;
    ActionEventStartValues { event, instance_uuid, request_id, host; start_time }: to action, imported conductor;
    ActionEventFinishValues {
        event, instance_uuid, request_id, result, message, details, traceback; finish_time
    }: to action, imported conductor;

    DeviceConfig { max_disk_devices_to_attach, compute_driver; release }: from device;
    DeviceMatch { ; prefix, suffix }: borrowed device;
    NamedDevice { device_name; list_index, index }: to device;
    DefaultDeviceNames { ; named, stopped }: to device;
    PrefixFrom [RootDevice, DefaultRootDevice, XenDriver]: to device;
    TakenLetter { letter, device_name; by }: to device;
    Explanation { prefix, replaced_prefix, requested_letter; device_name, prefix_from, taken }: to device;
}

impl ToWit<device::TakenBy> for TakenBy {
    fn to_wit(self) -> device::TakenBy {
        match self {
            Self::Role(role) => device::TakenBy::Role(role),
            Self::Place(index) => device::TakenBy::Place(index.to_wit()),
            Self::XenEphemeralDisk => device::TakenBy::XenEphemeralDisk,
            Self::XenSwapDisk => device::TakenBy::XenSwapDisk,
        }
    }
}

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        let callback = error.callback().map(str::to_owned);
        let HostError { code, message, arguments, .. } = error.into();
        Self { code, message, arguments, callback }
    }
}

impl ToWit<types::Error> for Error {
    fn to_wit(self) -> types::Error {
        self.into()
    }
}

impl<W, T: ToWit<W>> ToWit<Result<W, types::Error>> for Result<T, Error> {
    fn to_wit(self) -> Result<W, types::Error> {
        Ok(self?.to_wit())
    }
}

/// Declares types that are the same in WIT.
macro_rules! same {
    ($($type:ty)*) => {$(
        impl ToWit<$type> for $type {
            fn to_wit(self) -> $type {
                self
            }
        }

        impl FromWit<$type> for $type {
            fn from_wit(value: $type) -> Result<Self, Error> {
                Ok(value)
            }
        }
    )*};
}

same! { () bool u64 String }

impl ToWit<String> for &str {
    fn to_wit(self) -> String {
        self.to_owned()
    }
}

impl ToWit<String> for Cow<'_, str> {
    fn to_wit(self) -> String {
        self.into_owned()
    }
}

impl ToWit<String> for Json<'_> {
    fn to_wit(self) -> String {
        self.as_str().to_owned()
    }
}

// The conversions of timestamps are large and have many callers, so they stay out of line.
impl ToWit<String> for NaiveDateTime {
    #[inline(never)]
    fn to_wit(self) -> String {
        time::isoformat(self)
    }
}

impl FromWit<String> for NaiveDateTime {
    #[inline(never)]
    fn from_wit(value: String) -> Result<Self, Error> {
        time::parse(&value)
    }
}

/// A list that crosses the boundary has fewer than 2^32 items.
impl ToWit<u32> for usize {
    fn to_wit(self) -> u32 {
        self.try_into().unwrap_or(u32::MAX)
    }
}

impl<W, T: Clone + ToWit<W>> ToWit<W> for &T {
    fn to_wit(self) -> W {
        self.clone().to_wit()
    }
}

impl<W, T: ToWit<W>> ToWit<Option<W>> for Option<T> {
    fn to_wit(self) -> Option<W> {
        self.map(T::to_wit)
    }
}

impl<W, T: FromWit<W>> FromWit<Option<W>> for Option<T> {
    fn from_wit(value: Option<W>) -> Result<Self, Error> {
        value.map(T::from_wit).transpose()
    }
}

impl<W, T: ToWit<W>> ToWit<Vec<W>> for Vec<T> {
    fn to_wit(self) -> Vec<W> {
        self.into_iter().map(T::to_wit).collect()
    }
}

impl<W, T: FromWit<W>> FromWit<Vec<W>> for Vec<T> {
    fn from_wit(value: Vec<W>) -> Result<Self, Error> {
        value.into_iter().map(T::from_wit).collect()
    }
}

/// Parses an optional argument that is JSON.
pub(super) fn json(json: Option<&str>) -> Result<Option<Json<'_>>, Error> {
    json.map(Json::parse).transpose()
}

/// Parses an optional argument that is a JSON object.
pub(super) fn object(json: Option<&str>) -> Result<Option<Object<'_>>, Error> {
    json.map(Object::parse).transpose()
}
