//! Usage payloads and notifications.
//!
//! Nova emits two kinds for an instance: the unversioned one with a flat payload (`compute.instance.exists`), which
//! both releases have with different fields, and the versioned one of `hibiscus` in a `nova_object.*` envelope
//! (`instance.exists`).

mod bandwidth;
mod grizzly;
mod hibiscus;
mod ndjson;
mod notify;
mod payload;
#[cfg(test)]
mod tests;
mod versioned;

use alloc::borrow::ToOwned;
use alloc::string::String;

use crate::document::{Json, Object, ObjectWriter};
use crate::error::Error;
use crate::instance::Instance;
use crate::period::Window;
use crate::release::Release;
use crate::time;

use payload::Payload;

pub use bandwidth::bandwidth_usage;
pub(crate) use ndjson::exists_without_bandwidth;
pub use ndjson::{ExistsNdjson, exists_ndjson};
pub(crate) use notify::{ExistsMessages, exists_messages};
pub use notify::{ExistsOptions, UsageOptions, notify_about_instance_usage, notify_usage_exists};
pub(crate) use versioned::envelope;
pub use versioned::{InstancePayloadOptions, instance_exists_payload};

/// The parts of an unversioned payload that do not come from the instance.
#[derive(Debug, Clone, Copy, Default)]
pub struct Info<'a> {
    /// A JSON list of hydrated vifs, whose addresses the payload copies into `fixed_ips`; with `None` the payload has
    /// no `fixed_ips`.
    pub network_info: Option<Json<'a>>,
    /// Replaces the instance's own system metadata as the source of `image_meta`. `grizzly` only.
    pub system_metadata: Option<&'a Object<'a>>,
    /// Whether to fill in the image URL. `hibiscus` only: `grizzly` always fills it in.
    pub populate_image_ref_url: bool,
    /// The base of the image URL, without a trailing slash; with `None` the payload has the bare image reference.
    pub glance_endpoint: Option<&'a str>,
}

/// Builds the payload of an instance notification in one release.
type InstancePayload = fn(&Instance<'_>, &Info<'_>, Payload<'_>) -> Result<String, Error>;

fn instance_payload(release: Release) -> InstancePayload {
    release.choose(grizzly::instance_payload, hibiscus::instance_payload)
}

/// Returns the instance's own system metadata, the default source of `image_meta` in an `exists` notification.
fn exists_system_metadata<'a>(release: Release, instance: &Instance<'a>) -> Result<Object<'a>, Error> {
    let read: fn(&Instance<'a>) -> Result<Object<'a>, Error> =
        release.choose(grizzly::exists_system_metadata, |instance| Ok(instance.system_metadata()));
    read(instance)
}

/// Returns the payload that all unversioned instance notifications share, as JSON. Nova: `info_from_instance`.
///
/// The keys of `extra` replace or extend those of the payload. Fails with `TypeError` when such a key is a parameter of
/// Nova's function: `context` and `network_info`, `instance_ref` and `system_metadata` in `grizzly`, `instance` and
/// `populate_image_ref_url` in `hibiscus`.
///
/// `grizzly` fails with `KeyError` when a column of the payload or one of the ten `instance_type_*` keys of the system
/// metadata is missing, with `ValueError` when one of those keys is not a number, and with `TypeError` when a vif has
/// no network; `hibiscus` skips such a vif.
///
/// ```
/// use nova_compute_utils::document::Object;
/// use nova_compute_utils::instance::Instance;
/// use nova_compute_utils::usage::{self, Info};
/// use nova_compute_utils::Release;
///
/// let instance = Instance::parse(r#"{"uuid": "5a92d5c4-d71c-4972-bcbb-019167ffd7f1", "vm_state": "active",
///     "flavor": {"name": "m1.small", "root_gb": 20, "ephemeral_gb": 10}}"#)?;
/// let payload = usage::info_from_instance(Release::Hibiscus, &instance, &Info::default(), &Object::default())?;
/// let payload = Object::parse(&payload)?;
/// assert_eq!(payload.get("disk_gb").map(|value| value.as_str()), Some("30"));
/// assert_eq!(payload.get("state").map(|value| value.as_str()), Some(r#""active""#));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn info_from_instance(
    release: Release,
    instance: &Instance<'_>,
    info: &Info<'_>,
    extra: &Object<'_>,
) -> Result<String, Error> {
    instance_payload(release)(instance, info, Payload::from_extra(extra))
}

/// Returns the payload of `compute.instance.exists` for a window, as JSON.
///
/// It is the payload of [`info_from_instance`] with the image URL, plus `audit_period_beginning`, `audit_period_ending`
/// and, in `grizzly`, `bandwidth`, which is null unless `extra_usage_info` has the result of [`bandwidth_usage`].
/// `system_metadata` replaces the instance's own as the source of `image_meta`; without it `grizzly` requires rows in
/// the instance (`AttributeError`). The keys of `extra_usage_info` replace or extend those of the payload.
pub fn exists_payload(
    release: Release,
    instance: &Instance<'_>,
    window: Window,
    glance_endpoint: Option<&str>,
    system_metadata: Option<&Object<'_>>,
    extra_usage_info: &Object<'_>,
) -> Result<String, Error> {
    let own;
    let system_metadata = if let Some(system_metadata) = system_metadata {
        system_metadata
    } else {
        own = exists_system_metadata(release, instance)?;
        &own
    };
    let mut extra = Payload::default();
    extra.text("audit_period_beginning", &time::str_datetime(window.begin));
    extra.text("audit_period_ending", &time::str_datetime(window.end));
    if release.rules().notifies_bandwidth {
        extra.set("bandwidth", "null".to_owned());
    }
    extra.set("image_meta", image_meta(system_metadata));
    extra.update(extra_usage_info);
    let info = Info {
        network_info: None,
        system_metadata: Some(system_metadata),
        populate_image_ref_url: true,
        glance_endpoint,
    };
    instance_payload(release)(instance, &info, extra)
}

/// Returns the image metadata in system metadata as JSON: the keys that begin with `image_`, without that prefix. Nova:
/// `image_meta`.
///
/// ```
/// use nova_compute_utils::{document::Object, usage};
///
/// let system_metadata = Object::parse(r#"{"image_os_distro": "debian", "boot_roles": "admin"}"#)?;
/// assert_eq!(usage::image_meta(&system_metadata), r#"{"os_distro":"debian"}"#);
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
#[must_use]
pub fn image_meta(system_metadata: &Object<'_>) -> String {
    let mut object = ObjectWriter::new();
    for (key, value) in system_metadata.iter() {
        if let Some(name) = key.strip_prefix("image_") {
            object.value(name, value.as_str());
        }
    }
    object.finish()
}
