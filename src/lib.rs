//! OpenStack Nova's compute utilities, pure: device names, audit windows, usage notifications, actions, events and
//! faults.
//!
//! Nova keeps these rules in its Python services. Here they are a library without I/O, clock or randomness of its
//! own, for native Rust and, through its faces, for component hosts. For the same input it yields what Nova yields;
//! the golden vectors in `tests/vectors`, made by the real Nova, say so. [`Release`] says which Nova: that of 2013 or
//! today's.
//!
//! # Naming a device
//!
//! ```
//! use nova_compute_utils::device::{BlockDevice, get_device_name_for_instance};
//! use nova_compute_utils::instance::Instance;
//! use nova_compute_utils::{Config, Release};
//!
//! let config = Config::new(Release::Hibiscus, "cmp-01");
//! let instance = Instance::parse(r#"{"root_device_name": "/dev/vda"}"#)?;
//! let root = BlockDevice { device_name: Some("/dev/vda"), destination_type: Some("volume"), ..BlockDevice::default() };
//! assert_eq!(get_device_name_for_instance(&config, &instance, &[root.clone()], None)?, "/dev/vdb");
//!
//! let taken = get_device_name_for_instance(&config, &instance, &[root], Some("/dev/sda")).unwrap_err();
//! assert_eq!(taken.code(), "DevicePathInUse");
//! assert_eq!(taken.to_string(), "The supplied device path (/dev/sda) is in use.");
//! # Ok::<(), nova_compute_utils::Error>(())
//! ```
//!
//! # Asking for a window
//!
//! ```
//! use nova_compute_utils::{Config, Release, period, time};
//!
//! let config = Config::new(Release::Hibiscus, "cmp-01");
//! let window = period::last_completed_audit_period(&config, None, time::parse("2026-11-01T00:17:03.25")?)?;
//! assert_eq!(time::isoformat(window.begin), "2026-10-01T00:00:00.000000");
//! assert_eq!(time::isoformat(window.end), "2026-11-01T00:00:00.000000");
//! # Ok::<(), nova_compute_utils::Error>(())
//! ```
//!
//! # Building an exists payload
//!
//! ```
//! use nova_compute_utils::document::Object;
//! use nova_compute_utils::instance::Instance;
//! use nova_compute_utils::{Config, Release, period, time, usage};
//!
//! let config = Config::new(Release::Hibiscus, "cmp-01");
//! let window = period::last_completed_audit_period(&config, None, time::parse("2026-11-01T00:17:03.25")?)?;
//! let instance = Instance::parse(r#"{"uuid": "48b988aa-afe1-4664-8307-784d3a2daad0", "vm_state": "active",
//!     "flavor": {"name": "m1.small", "root_gb": 20, "ephemeral_gb": 10}}"#)?;
//! let payload = usage::exists_payload(&config, &instance, window, None, &Object::default())?;
//! let payload = Object::parse(&payload)?;
//! assert_eq!(payload.get("audit_period_ending").map(|value| value.as_str()), Some(r#""2026-11-01 00:00:00""#));
//! assert_eq!(payload.get("disk_gb").map(|value| value.as_str()), Some("30"));
//! # Ok::<(), nova_compute_utils::Error>(())
//! ```
//!
//! # Reporting an event
//!
//! What is recorded or sent goes through the two things that an embedding program supplies: a
//! [`Conductor`](host::Conductor) (persistence) and a [`Notifier`](host::Notifier) (emission).
//! [`MemoryHost`](host::MemoryHost) is both, for tests and examples.
//!
//! ```
//! use nova_compute_utils::action::{self, Event};
//! use nova_compute_utils::host::MemoryHost;
//! use nova_compute_utils::{Context, Error, Release, time};
//!
//! # fn ready<F: std::future::Future>(future: F) -> F::Output {
//! #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
//! #     match std::pin::pin!(future).poll(&mut context) { std::task::Poll::Ready(output) => output, _ => unreachable!() }
//! # }
//! # ready(async {
//! let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25")?);
//! let (release, context, uuid) = (Release::Hibiscus, Context::default(), "48b988aa-afe1-4664-8307-784d3a2daad0");
//! action::action_start(&host, release, &context, uuid, Some("reboot")).await?;
//!
//! let event = Event { name: "compute_reboot_instance".into(), instance_uuids: vec![uuid.into()], ..Event::default() };
//! let reported = action::report_event(&host, release, &context, event, async || Ok::<_, Error>("rebooted")).await;
//! assert_eq!(reported, Ok("rebooted"));
//! assert_eq!(host.instance_actions_events()[0].result.as_deref(), Some("Success"));
//! # Ok::<(), Error>(())
//! # })?;
//! # Ok::<(), Error>(())
//! ```
//!
//! # The modules
//!
//! | module | what it answers to in Nova |
//! |---|---|
//! | [`device`] | `get_device_name_for_instance`, `get_next_device_name`, `default_device_names_for_instance`, `instance_block_mapping` and their helpers |
//! | [`period`] | `last_completed_audit_period`, `audit_period_bounds` |
//! | [`usage`] | `info_from_instance`, `image_meta`, `bandwidth_usage`, `notify_about_instance_usage`, `notify_usage_exists`, `InstanceExistsPayload` |
//! | [`audit`] | `has_audit_been_run`, `start_`/`finish_instance_usage_audit`, the periodic task `_instance_usage_audit` |
//! | [`fault`] | `add_instance_fault_from_exc`, `exception_to_dict`, `safe_truncate`, and exceptions as data |
//! | [`action`] | `pack_action_*`, `InstanceAction`, `InstanceActionEvent`, `EventReporter` |
//! | [`volume`] | `usage_volume_info`, `VolumeUsage.to_dict`, `notify_about_volume_usage` |
//! | [`network`] | `NetworkInfo.hydrate`, `get_nw_info_for_instance`, `Instance.get_network_info` |
//! | [`host`] | what an embedding program supplies |
//! | [`instance`], [`document`], [`time`] | the records, documents and moments that they share |

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
pub mod network;
pub mod period;
mod python;
mod release;
pub mod time;
pub mod usage;
pub mod volume;

pub use context::{Config, Context, NotificationFormat};
pub use error::Error;
pub use release::Release;
