//! The wasmtime host of nova-compute-utils.
//!
//! A [`Runtime`] loads the component file into a [`Plugin`], and a [`Plugin`] makes any number of [`Instance`]s. Each
//! instance calls the [`Callbacks`] of the embedding program: a [`conductor::Host`], which stores records, and a
//! [`notifier::Host`], which sends notifications. This crate has one of each: [`SqlConductor`] and [`NdjsonNotifier`].

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
    action, action_record, audit, audit_log, device, fault, network, notification, period, reconcile, tenant_usage,
    types, usage, usage_notify, verify,
};
pub use bindings::nova::compute_utils::{conductor, notifier};
pub use callbacks::Callbacks;
pub use clock::Clock;
pub use error::Error;
pub use limits::Limits;
pub use ndjson::NdjsonNotifier;
pub use runtime::{EventReporter, Instance, Plugin, Runtime};
pub use sql::{
    BwUsage, BwUsageUpdate, Holder, InstanceFault, OpenError, Schema, SqlConductor, StateError, StateFile,
    StoredCheckpoint, VolUsageUpdate, VolumeUsage,
};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
