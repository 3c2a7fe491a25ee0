//! The payload of unversioned instance notifications in Nova 34.0.0. Sizes are those of the flavor, and timestamps have
//! the format ISO 8601.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

use chrono::NaiveDateTime;

use super::payload::{Payload, disk_gb, fixed_ips, image_ref_url};
use super::{Info, image_meta};
use crate::document::{Json, text_json};
use crate::error::Error;
use crate::instance::{Flavor, Instance, timestamp};
use crate::network::ipv6_text;
use crate::release::Release;
use crate::time;

/// The parameters of Nova's function.
const PARAMETERS: [&str; 4] = ["context", "instance", "network_info", "populate_image_ref_url"];

pub(super) fn instance_payload(instance: &Instance<'_>, info: &Info<'_>, extra: Payload<'_>) -> Result<String, Error> {
    extra.refuse_parameters(&PARAMETERS)?;
    let flavor_text = instance.flavor_text()?;
    let flavor = Flavor::parse(&flavor_text)?;
    instance.uuid()?;

    let mut payload = Payload::default();
    payload.field("tenant_id", instance.project_id);
    payload.field("user_id", instance.user_id);
    payload.field("instance_id", instance.uuid);
    payload.field("display_name", instance.display_name);
    payload.field("reservation_id", instance.reservation_id);
    payload.field("hostname", instance.hostname);
    payload.field("instance_type", flavor.name);
    payload.field("instance_type_id", instance.instance_type_id);
    payload.field("instance_flavor_id", flavor.flavorid);
    payload.field("architecture", instance.architecture);
    payload.field("memory_mb", flavor.memory_mb);
    payload.set("disk_gb", disk_gb(Release::Hibiscus, flavor.root_gb, flavor.ephemeral_gb)?);
    payload.field("vcpus", flavor.vcpus);
    payload.field("root_gb", flavor.root_gb);
    payload.field("ephemeral_gb", flavor.ephemeral_gb);
    payload.field("host", instance.host);
    payload.field("node", instance.node);
    payload.field("availability_zone", instance.availability_zone);
    payload.text_or_empty("cell_name", instance.cell_name);
    payload.text("created_at", &str_or_none(timestamp("created_at", instance.created_at)?));
    payload.text("terminated_at", &isotime_or_empty(timestamp("terminated_at", instance.terminated_at)?));
    payload.text("deleted_at", &isotime_or_empty(timestamp("deleted_at", instance.deleted_at)?));
    payload.text("launched_at", &isotime_or_empty(timestamp("launched_at", instance.launched_at)?));
    if info.populate_image_ref_url {
        payload.set("image_ref_url", image_ref_url(info.glance_endpoint, instance.image_ref)?);
    } else {
        payload.value("image_ref_url", Json::NULL);
    }
    payload.field("os_type", instance.os_type);
    payload.field("kernel_id", instance.kernel_id);
    payload.field("ramdisk_id", instance.ramdisk_id);
    payload.field("state", instance.vm_state);
    payload.text_or_empty("state_description", instance.task_state);
    payload.text_or_empty("progress", instance.progress);
    payload.field("access_ip_v4", instance.access_ip_v4);
    payload.set("access_ip_v6", access_ip_v6(instance)?);
    if let Some(network_info) = info.network_info.filter(|network_info| !network_info.is_null()) {
        payload.set("fixed_ips", fixed_ips(Release::Hibiscus, network_info)?);
    }
    payload.set("image_meta", image_meta(&instance.system_metadata()));
    payload.set("metadata", instance.metadata().to_json());
    payload.extend(extra);
    Ok(payload.into_json())
}

/// Python prints a null as `None`.
fn str_or_none(timestamp: Option<NaiveDateTime>) -> String {
    timestamp.map_or_else(|| "None".to_owned(), time::str_datetime_utc)
}

fn isotime_or_empty(timestamp: Option<NaiveDateTime>) -> String {
    timestamp.map_or_else(String::new, time::isoformat)
}

/// Returns the address as JSON in netaddr's format, which Nova's objects use.
fn access_ip_v6(instance: &Instance<'_>) -> Result<String, Error> {
    let Some(address) = instance.access_ip_v6 else {
        return Ok("null".to_owned());
    };
    let text = address.text()?;
    text.and_then(|text| ipv6_text(&text))
        .map(|text| text_json(&text))
        .ok_or_else(|| Error::value(format!("`access_ip_v6` is {}, which is not an IPv6 address", address.as_str())))
}
