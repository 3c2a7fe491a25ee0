//! The payload of unversioned instance notifications in today's Nova: sizes from the flavor, times as ISO 8601.

use chrono::NaiveDateTime;

use super::payload::{Payload, disk_gb, fixed_ips, image_ref_url};
use super::{Info, image_meta};
use crate::context::Config;
use crate::document::{Json, text_json};
use crate::error::Error;
use crate::instance::{Flavor, Instance, moment};
use crate::network::{NetworkInfo, ipv6_text};
use crate::time;

/// The names of Nova's own parameters.
const PARAMETERS: [&str; 4] = ["context", "instance", "network_info", "populate_image_ref_url"];

pub(super) fn instance_payload(
    config: &Config,
    instance: &Instance<'_>,
    info: &Info<'_>,
    extra: Payload<'_>,
) -> Result<String, Error> {
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
    payload.set("disk_gb", disk_gb(flavor.root_gb, flavor.ephemeral_gb)?);
    payload.field("vcpus", flavor.vcpus);
    payload.field("root_gb", flavor.root_gb);
    payload.field("ephemeral_gb", flavor.ephemeral_gb);
    payload.field("host", instance.host);
    payload.field("node", instance.node);
    payload.field("availability_zone", instance.availability_zone);
    payload.text_or_empty("cell_name", instance.cell_name);
    payload.text("created_at", &printed(moment("created_at", instance.created_at)?));
    payload.text("terminated_at", &isotime_or_empty(moment("terminated_at", instance.terminated_at)?));
    payload.text("deleted_at", &isotime_or_empty(moment("deleted_at", instance.deleted_at)?));
    payload.text("launched_at", &isotime_or_empty(moment("launched_at", instance.launched_at)?));
    if info.populate_image_ref_url {
        payload.set("image_ref_url", image_ref_url(config, instance.image_ref)?);
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
    if let Some(network_info) = info.network_info {
        payload.set("fixed_ips", labelled_ips(network_info));
    }
    payload.set("image_meta", image_meta(&instance.system_metadata()));
    payload.set("metadata", instance.metadata().to_json());
    payload.extend(extra);
    Ok(payload.into_json())
}

/// Python prints a null as `None`.
fn printed(moment: Option<NaiveDateTime>) -> String {
    moment.map_or_else(|| "None".to_owned(), time::str_datetime_utc)
}

fn isotime_or_empty(moment: Option<NaiveDateTime>) -> String {
    moment.map_or_else(String::new, time::isoformat)
}

/// Nova's objects hold an IPv6 address in netaddr's form.
fn access_ip_v6(instance: &Instance<'_>) -> Result<String, Error> {
    let Some(address) = instance.access_ip_v6 else {
        return Ok("null".to_owned());
    };
    let text = address.text()?;
    text.and_then(|text| ipv6_text(&text))
        .map(|text| text_json(&text))
        .ok_or_else(|| Error::value(format!("`access_ip_v6` is {}, which is no IPv6 address", address.as_str())))
}

fn labelled_ips(network_info: &NetworkInfo<'_>) -> String {
    fixed_ips(network_info, |vif| {
        let label = vif.network.as_ref().map_or(Json::NULL, |network| network.label);
        vec![("label", label), ("vif_mac", vif.address())]
    })
}
