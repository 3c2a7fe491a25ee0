//! The wasmtime host of nova-compute-utils.
//!
//! A [`Runtime`] loads the component file into a [`Plugin`], which makes an [`Instance`] that calls two implementations
//! of the embedding program, put together as [`Callbacks`]: a [`conductor::Host`] (persistence) and a
//! [`notifier::Host`] (emission). [`SqlConductor`] and [`NdjsonNotifier`] are one of each.

mod callbacks;
mod clock;
mod datetime;
mod error;
mod limits;
mod ndjson;
mod records;
mod runtime;
mod sql;

pub mod bindings;

pub use bindings::exports::nova::compute_utils::{
    action, action_record, audit, device, fault, network, period, types, usage, usage_notify,
};
pub use bindings::nova::compute_utils::{conductor, notifier};
pub use callbacks::Callbacks;
pub use clock::Clock;
pub use error::Error;
pub use limits::Limits;
pub use ndjson::NdjsonNotifier;
pub use runtime::{EventReporter, Instance, Plugin, Runtime};
pub use sql::{BwUsage, BwUsageUpdate, InstanceFault, OpenError, SqlConductor, VolUsageUpdate, VolumeUsage};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
