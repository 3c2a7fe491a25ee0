//! OpenStack Nova's `nova.compute.utils` as a pure library: device names, audit windows, usage notifications, actions,
//! events and faults.
//!
//! The library needs no I/O, no clock and no randomness of its own. For the same input it returns the same output as
//! Nova; tests compare it with golden vectors that the real Nova produced. [`Release`] selects the Nova of 2013 or of
//! 2026. The same code runs natively, as a WebAssembly component and as an npm package.
//!
//! # Name a device
//!
//! ```
//! use nova_compute_utils::device::{BlockDevice, DeviceConfig, get_device_name_for_instance};
//! use nova_compute_utils::Release;
//! use nova_compute_utils::instance::Instance;
//!
//! let config = DeviceConfig::new(Release::Hibiscus);
//! let instance = Instance::parse(r#"{"root_device_name": "/dev/vda"}"#)?;
//! let root = BlockDevice { device_name: Some("/dev/vda"), destination_type: Some("volume"), ..BlockDevice::default() };
//! assert_eq!(get_device_name_for_instance(&config, &instance, &[root.clone()], None)?, "/dev/vdb");
//!
//! let error = get_device_name_for_instance(&config, &instance, &[root], Some("/dev/sda")).unwrap_err();
//! assert_eq!(error.code(), "DevicePathInUse");
//! assert_eq!(error.to_string(), "The supplied device path (/dev/sda) is in use.");
//! # Ok::<(), nova_compute_utils::Error>(())
//! ```
//!
//! # Compute an audit window
//!
//! ```
//! use nova_compute_utils::{Release, period, time};
//!
//! let now = time::parse("2026-11-01T00:17:03.25")?;
//! let window = period::last_completed_audit_period(Release::Hibiscus, "month", None, now)?;
//! assert_eq!(time::isoformat(window.begin), "2026-10-01T00:00:00.000000");
//! assert_eq!(time::isoformat(window.end), "2026-11-01T00:00:00.000000");
//! # Ok::<(), nova_compute_utils::Error>(())
//! ```
//!
//! # Build an `exists` payload
//!
//! ```
//! use nova_compute_utils::document::Object;
//! use nova_compute_utils::instance::Instance;
//! use nova_compute_utils::{Release, period, time, usage};
//!
//! let (release, now) = (Release::Hibiscus, time::parse("2026-11-01T00:17:03.25")?);
//! let window = period::last_completed_audit_period(release, "month", None, now)?;
//! let instance = Instance::parse(r#"{"uuid": "48b988aa-afe1-4664-8307-784d3a2daad0", "vm_state": "active",
//!     "flavor": {"name": "m1.small", "root_gb": 20, "ephemeral_gb": 10}}"#)?;
//! let payload = usage::exists_payload(release, &instance, window, None, None, &Object::default())?;
//! let payload = Object::parse(&payload)?;
//! assert_eq!(payload.get("audit_period_ending").map(|value| value.as_str()), Some(r#""2026-11-01 00:00:00""#));
//! assert_eq!(payload.get("disk_gb").map(|value| value.as_str()), Some("30"));
//! # Ok::<(), nova_compute_utils::Error>(())
//! ```
//!
//! # Report an event
//!
//! The embedding program supplies persistence, a [`Conductor`](host::Conductor), and emission, a
//! [`Notifier`](host::Notifier). The feature `testing` has `testing::MemoryHost`, which is both.
//!
//! ```
//! use nova_compute_utils::action::{self, Event};
//! use nova_compute_utils::testing::{MemoryHost, ready};
//! use nova_compute_utils::{Context, Error, Release, time};
//!
//! let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25")?);
//! let (release, context, uuid) = (Release::Hibiscus, Context::default(), "48b988aa-afe1-4664-8307-784d3a2daad0");
//! ready(action::action_start(&host, release, &context, uuid, Some("reboot")))?;
//!
//! let event = Event { name: "compute_reboot_instance".into(), instance_uuids: vec![uuid.into()], ..Event::default() };
//! let reported = ready(action::report_event(&host, release, &context, event, async || Ok::<_, Error>("rebooted")));
//! assert_eq!(reported, Ok("rebooted"));
//! assert_eq!(host.instance_actions_events()[0].result.as_deref(), Some("Success"));
//! # Ok::<(), Error>(())
//! ```
//!
//! # Modules
//!
//! | module | the names in Nova |
//! |---|---|
//! | [`device`] | `get_device_name_for_instance`, `get_next_device_name`, `default_device_names_for_instance`, `instance_block_mapping` and their helpers |
//! | [`period`] | `last_completed_audit_period`, `audit_period_bounds` |
//! | [`usage`] | `info_from_instance`, `image_meta`, `bandwidth_usage`, `notify_about_instance_usage`, `notify_usage_exists`, `InstanceExistsPayload` |
//! | [`tenant_usage`] | `_hours_for` and `_tenant_usages_for_period` of the API `os-simple-tenant-usage` |
//! | [`notification`] | none: reads the notifications that Nova sent |
//! | [`verify`] | none: `UsageHandler` of winchester, the verifier of StackTach |
//! | [`reconcile`] | none: compares the `exists` notifications that were received with the database |
//! | [`audit`] | `has_audit_been_run`, `start_`/`finish_instance_usage_audit`, the periodic task `_instance_usage_audit`, the API `os-instance_usage_audit_log` |
//! | [`fault`] | `add_instance_fault_from_exc`, `exception_to_dict`, `safe_truncate`, and exceptions as data |
//! | [`action`] | `pack_action_*`, `InstanceAction`, `InstanceActionEvent`, `EventReporter` |
//! | [`volume`] | `usage_volume_info`, `VolumeUsage.to_dict`, `notify_about_volume_usage` |
//! | [`notification`] | – (reads what Nova sent) |
//! | [`network`] | `NetworkInfo.hydrate`, `get_nw_info_for_instance`, `Instance.get_network_info` |
//! | [`host`] | the callbacks that the embedding program implements |
//! | [`instance`], [`document`], [`time`] | the documents and timestamps that the other modules share |

#![no_std]
#![cfg_attr(not(any(feature = "js", feature = "component")), forbid(unsafe_code))]
#![deny(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects
    )
)]

extern crate alloc;
// wasm-bindgen and wit-bindgen need `std`, and the tests use it.
#[cfg(any(test, all(target_arch = "wasm32", any(feature = "js", feature = "component"))))]
extern crate std;

pub mod action;
pub mod audit;
mod bindings;
mod context;
pub mod device;
pub mod document;
mod error;
pub mod fault;
pub mod host;
pub mod instance;
mod ndjson;
pub mod network;
pub mod notification;
pub mod period;
mod python;
pub mod reconcile;
mod release;
pub mod tenant_usage;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod usage;
pub mod verify;
pub mod volume;

pub use context::{Config, Context, NotificationFormat};
pub use error::Error;
pub use release::{DatabaseRules, Release};
