//! Usage payloads and notifications.
//!
//! Two kinds go out for an instance: the classic, unversioned one with a flat payload (`compute.instance.exists`),
//! which both releases have, each with fields of its own; and hibiscus' versioned one in a `nova_object.*` envelope
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

use crate::context::Config;
use crate::document::{Object, ObjectWriter};
use crate::error::Error;
use crate::instance::Instance;
use crate::network::NetworkInfo;
use crate::period::Window;
use crate::release::Release;
use crate::time;

use payload::Payload;

pub use bandwidth::bandwidth_usage;
pub use ndjson::{ExistsNdjson, exists_ndjson};
pub(crate) use notify::{Exists, exists};
pub use notify::{ExistsOptions, UsageOptions, notify_about_instance_usage, notify_usage_exists};
pub(crate) use versioned::envelope;
pub use versioned::instance_exists_payload;

/// What a payload is made of beside the instance. The borrowed parts of it are those that Nova's function takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Info<'a> {
    /// With it the payload has `fixed_ips`.
    pub network_info: Option<&'a NetworkInfo<'a>>,
    /// Replaces the instance's own system metadata where `image_meta` is made. Read in grizzly.
    pub system_metadata: Option<&'a Object<'a>>,
    /// Is the image URL to be filled in? Read in hibiscus; grizzly always does it.
    pub populate_image_ref_url: bool,
}

/// How a release builds the payload of an instance notification.
type InstancePayload = fn(&Config, &Instance<'_>, &Info<'_>, Payload<'_>) -> Result<String, Error>;

fn instance_payload(release: Release) -> InstancePayload {
    release.pick(grizzly::instance_payload, hibiscus::instance_payload)
}

/// What `image_meta` of an `exists` notification is made of where no system metadata is given.
fn exists_system_metadata<'a>(release: Release, instance: &Instance<'a>) -> Result<Object<'a>, Error> {
    let read: fn(&Instance<'a>) -> Result<Object<'a>, Error> =
        release.pick(grizzly::exists_system_metadata, |instance| Ok(instance.system_metadata()));
    read(instance)
}

/// The payload that all unversioned instance notifications share, as JSON. Nova: `info_from_instance`.
///
/// Each key of `extra` replaces or adds one; a key that is a parameter of Nova's function (`context`, `network_info`,
/// `instance_ref` and `system_metadata` in grizzly, `instance` and `populate_image_ref_url` in hibiscus) is a
/// `TypeError`.
///
/// Grizzly wants every column it shows to be there (`KeyError`), and its ten `instance_type_*` keys in the system
/// metadata (`KeyError`, `ValueError` where one of them is no number); a vif without a network is a `TypeError`.
///
/// ```
/// use nova_compute_utils::document::Object;
/// use nova_compute_utils::instance::Instance;
/// use nova_compute_utils::usage::{self, Info};
/// use nova_compute_utils::{Config, Release};
///
/// let config = Config::new(Release::Hibiscus, "cmp-01");
/// let instance = Instance::parse(r#"{"uuid": "5a92d5c4-d71c-4972-bcbb-019167ffd7f1", "vm_state": "active",
///     "flavor": {"name": "m1.small", "root_gb": 20, "ephemeral_gb": 10}}"#)?;
/// let payload = usage::info_from_instance(&config, &instance, &Info::default(), &Object::default())?;
/// let payload = Object::parse(&payload)?;
/// assert_eq!(payload.get("disk_gb").map(|value| value.as_str()), Some("30"));
/// assert_eq!(payload.get("state").map(|value| value.as_str()), Some(r#""active""#));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn info_from_instance(
    config: &Config,
    instance: &Instance<'_>,
    info: &Info<'_>,
    extra: &Object<'_>,
) -> Result<String, Error> {
    let build = instance_payload(config.release);
    build(config, instance, info, Payload::from_extra(extra))
}

/// The payload of `compute.instance.exists` for a window, as JSON.
///
/// That of [`info_from_instance`] with the image URL, plus `audit_period_beginning` and `audit_period_ending` and, in
/// grizzly, `bandwidth`: null unless `extra_usage_info` gives what [`bandwidth_usage`] found. `image_meta` comes from
/// `system_metadata` where it is given; else grizzly wants rows in the instance's own (`AttributeError`). Each key of
/// `extra_usage_info` replaces or adds one.
pub fn exists_payload(
    config: &Config,
    instance: &Instance<'_>,
    window: Window,
    system_metadata: Option<&Object<'_>>,
    extra_usage_info: &Object<'_>,
) -> Result<String, Error> {
    let own;
    let system_metadata = if let Some(given) = system_metadata {
        given
    } else {
        own = exists_system_metadata(config.release, instance)?;
        &own
    };
    let mut extra = Payload::default();
    extra.text("audit_period_beginning", &time::str_datetime(window.begin));
    extra.text("audit_period_ending", &time::str_datetime(window.end));
    if config.release.tells_bandwidth() {
        extra.set("bandwidth", "null".to_owned());
    }
    extra.set("image_meta", image_meta(system_metadata));
    extra.update(extra_usage_info);
    let info = Info { populate_image_ref_url: true, system_metadata: Some(system_metadata), network_info: None };
    let build = instance_payload(config.release);
    build(config, instance, &info, extra)
}

/// Image metadata out of system metadata, as JSON: what begins with `image_`, without it. Nova: `image_meta`.
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
