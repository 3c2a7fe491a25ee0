//! The payload of instance notifications in Nova 2013.1. Sizes are columns of the instance, the instance type is in the
//! system metadata, and timestamps have the format of Python's `str(datetime)`.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

use super::payload::{Payload, disk_gb, fixed_ips, image_ref_url};
use super::{Info, image_meta};
use crate::document::{Json, Object};
use crate::error::Error;
use crate::instance::{Instance, timestamp};
use crate::release::Release;
use crate::time;

/// The parameters of Nova's function.
const PARAMETERS: [&str; 4] = ["context", "instance_ref", "network_info", "system_metadata"];

pub(super) fn instance_payload(instance: &Instance<'_>, info: &Info<'_>, extra: Payload<'_>) -> Result<String, Error> {
    extra.refuse_parameters(&PARAMETERS)?;
    let columns = Columns { columns: instance.columns()?, times_are_text: instance.times_are_text };
    columns.get("system_metadata")?;
    let system_metadata = instance.live_system_metadata();

    let mut payload = Payload::default();
    payload.value("tenant_id", columns.get("project_id")?);
    payload.value("user_id", columns.get("user_id")?);
    payload.value("instance_id", columns.get("uuid")?);
    payload.value("display_name", columns.get("display_name")?);
    payload.value("reservation_id", columns.get("reservation_id")?);
    payload.value("hostname", columns.get("hostname")?);
    payload.text("instance_type", &instance.extract_instance_type()?.name);
    payload.value("instance_type_id", columns.get("instance_type_id")?);
    payload.value("architecture", columns.get("architecture")?);
    payload.value("memory_mb", columns.get("memory_mb")?);
    let (root_gb, ephemeral_gb) = (columns.get("root_gb")?, columns.get("ephemeral_gb")?);
    payload.set("disk_gb", disk_gb(Release::Grizzly, Some(root_gb), Some(ephemeral_gb))?);
    payload.value("vcpus", columns.get("vcpus")?);
    payload.value("root_gb", columns.get("root_gb")?);
    payload.value("ephemeral_gb", columns.get("ephemeral_gb")?);
    payload.value("host", columns.get("host")?);
    payload.value("node", columns.get("node")?);
    payload.value("availability_zone", columns.get("availability_zone")?);
    payload.text("created_at", columns.time("created_at", columns.get("created_at")?)?.as_deref().unwrap_or("None"));
    payload.text("launched_at", &columns.time_or_empty("launched_at")?);
    // `grizzly` reports the termination as the deletion and never reads the row's own `deleted_at`.
    payload.text("deleted_at", &columns.time_or_empty("terminated_at")?);
    payload.set("image_ref_url", image_ref_url(info.glance_endpoint, Some(columns.get("image_ref")?))?);
    payload.value("os_type", columns.get("os_type")?);
    payload.value("kernel_id", columns.get("kernel_id")?);
    payload.value("ramdisk_id", columns.get("ramdisk_id")?);
    payload.value("state", columns.get("vm_state")?);
    payload.text_or_empty("state_description", columns.get_or_null("task_state"));
    payload.value("access_ip_v4", columns.get("access_ip_v4")?);
    payload.value("access_ip_v6", columns.get("access_ip_v6")?);
    if let Some(network_info) = info.network_info.filter(|network_info| !network_info.is_null()) {
        payload.set("fixed_ips", fixed_ips(Release::Grizzly, network_info)?);
    }
    payload.set("image_meta", image_meta(info.system_metadata.unwrap_or(&system_metadata)));
    payload.value("metadata", columns.get("metadata")?);
    payload.extend(extra);
    Ok(payload.into_json())
}

/// Returns the instance's own system metadata for an `exists` notification. Nova reads `key` and `value` of each entry,
/// which only rows have.
pub(super) fn exists_system_metadata<'a>(instance: &Instance<'a>) -> Result<Object<'a>, Error> {
    let columns = instance.columns()?;
    let system_metadata = columns.get("system_metadata").ok_or_else(|| missing("system_metadata"))?;
    if system_metadata.is_object() && system_metadata.is_truthy() {
        return Err(Error::new("AttributeError", "`system_metadata` is a mapping: give rows with `key` and `value`"));
    }
    Ok(instance.live_system_metadata())
}

/// The columns of an instance. A missing column differs from a null one.
struct Columns<'a> {
    columns: Object<'a>,
    times_are_text: bool,
}

impl<'a> Columns<'a> {
    fn get(&self, name: &str) -> Result<Json<'a>, Error> {
        self.columns.get(name).ok_or_else(|| missing(name))
    }

    fn get_or_null(&self, name: &str) -> Option<Json<'a>> {
        self.columns.get(name)
    }

    fn time_or_empty(&self, name: &str) -> Result<Cow<'a, str>, Error> {
        let value = self.get_or_null(name).unwrap_or(Json::NULL);
        Ok(self.time(name, value)?.unwrap_or_default())
    }

    fn time(&self, name: &str, value: Json<'a>) -> Result<Option<Cow<'a, str>>, Error> {
        if self.times_are_text {
            return value.text();
        }
        let timestamp = timestamp(name, Some(value).filter(|value| !value.is_null()))?;
        Ok(timestamp.map(|timestamp| Cow::Owned(time::str_datetime(timestamp))))
    }
}

pub(super) fn missing(column: &str) -> Error {
    Error::key(format!("the instance has no `{column}`"))
}
