//! OpenStack Nova's compute utilities, pure: audit windows, usage payloads and notifications, the usage audit.
//!
//! Nova keeps these rules in its Python services. Here they are a library without I/O, clock or randomness of its own, for native
//! Rust and, through its faces, for component hosts and JavaScript. For the same input it yields what Nova yields; the golden
//! vectors in `tests/vectors`, made by the real Nova, say so.
//!
//! Whoever embeds it supplies a [`Conductor`](host::Conductor) (persistence) and a [`Notifier`](host::Notifier) (emission). What needs
//! neither is a plain function:
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
