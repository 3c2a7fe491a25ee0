//! The versioned payload `InstanceExistsPayload` 2.1.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::context::Context;
use crate::document::{Json, Object, ObjectWriter, list_json, text_json};
use crate::error::Error;
use crate::instance::{Flavor, Instance, timestamp};
use crate::network::{FixedIp, Vif, get_network_info, mac_address};
use crate::period::Window;
use crate::python;
use crate::time;

/// The optional parts of a versioned instance payload: two options of Nova's `[notifications]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InstancePayloadOptions {
    /// Whether `block_devices` lists the volumes in the instance's `block_devices`. Otherwise it is null.
    pub bdms_in_notifications: bool,
    /// Whether `shares` lists the instance's `shares`. Otherwise it is null.
    pub include_share_mapping: bool,
}

/// Returns the payload of `instance.exists`, the versioned notification, as JSON. Nova: `InstanceExistsPayload` 2.1.
///
/// Fails with `ValueError` when a required field is null (such as `label`, `mac` and `version` of an address) or a
/// state is not one of Nova's.
pub fn instance_exists_payload(
    context: &Context,
    instance: &Instance<'_>,
    window: Window,
    options: InstancePayloadOptions,
) -> Result<String, Error> {
    Parts::of(instance, options)?.payload(context, instance, window)
}

/// Builds the payload when `is_sent` is true. Otherwise it only reads the parts from outside the instance's row,
/// because Nova reads them in any case and fails when one of them is invalid.
pub(super) fn build(
    is_sent: bool,
    context: &Context,
    instance: &Instance<'_>,
    window: Window,
    options: InstancePayloadOptions,
) -> Result<Option<String>, Error> {
    let parts = Parts::of(instance, options)?;
    if is_sent { parts.payload(context, instance, window).map(Some) } else { Ok(None) }
}

/// The parts of a payload that Nova reads from outside the instance's own row, as JSON.
struct Parts {
    ip_addresses: String,
    block_devices: String,
    shares: String,
}

impl Parts {
    fn of(instance: &Instance<'_>, options: InstancePayloadOptions) -> Result<Self, Error> {
        let null = || "null".to_owned();
        Ok(Self {
            ip_addresses: ip_addresses(instance)?,
            block_devices: if options.bdms_in_notifications { block_devices(instance)? } else { null() },
            shares: if options.include_share_mapping { shares(instance)? } else { null() },
        })
    }

    fn payload(&self, context: &Context, instance: &Instance<'_>, window: Window) -> Result<String, Error> {
        let flavor_text = instance.flavor_text()?;
        let flavor = Flavor::parse(&flavor_text)?;
        instance.uuid()?;

        let mut data = ObjectWriter::new();
        field(&mut data, "uuid", instance.uuid);
        field(&mut data, "user_id", instance.user_id);
        field(&mut data, "tenant_id", instance.project_id);
        field(&mut data, "reservation_id", instance.reservation_id);
        field(&mut data, "display_name", instance.display_name);
        field(&mut data, "display_description", instance.display_description);
        field(&mut data, "host_name", instance.hostname);
        field(&mut data, "host", instance.host);
        field(&mut data, "node", instance.node);
        field(&mut data, "os_type", instance.os_type);
        field(&mut data, "architecture", instance.architecture);
        field(&mut data, "availability_zone", instance.availability_zone);
        data.value("flavor", &flavor_payload(&flavor)?);
        field(&mut data, "image_uuid", instance.image_ref);
        field(&mut data, "key_name", instance.key_name);
        field(&mut data, "kernel_id", instance.kernel_id);
        field(&mut data, "ramdisk_id", instance.ramdisk_id);
        timestamp_field(&mut data, "created_at", instance.created_at)?;
        timestamp_field(&mut data, "launched_at", instance.launched_at)?;
        timestamp_field(&mut data, "terminated_at", instance.terminated_at)?;
        timestamp_field(&mut data, "deleted_at", instance.deleted_at)?;
        timestamp_field(&mut data, "updated_at", instance.updated_at)?;
        data.value("state", one_of("vm_state", instance.vm_state, &VM_STATES)?);
        data.text_or_null("power_state", power_state(instance)?);
        data.value("task_state", one_of("task_state", instance.task_state, &TASK_STATES)?);
        field(&mut data, "progress", instance.progress);
        data.value("ip_addresses", &self.ip_addresses);
        data.value("block_devices", &self.block_devices);
        data.value("metadata", &texts("metadata", &instance.metadata())?);
        data.value("locked", boolean(instance.locked));
        data.text("auto_disk_config", if is_true(instance.auto_disk_config) { "AUTO" } else { "MANUAL" });
        data.text_or_null("request_id", request_id(context));
        data.text_or_null("action_initiator_user", context.user_id.as_deref());
        data.text_or_null("action_initiator_project", context.project_id.as_deref());
        field(&mut data, "locked_reason", instance.system_metadata().get("locked_reason"));
        data.value("shares", &self.shares);
        data.value("audit_period", &audit_period_payload(window));
        Ok(envelope("InstanceExistsPayload", "2.1", &data.finish()))
    }
}

/// Returns the request id unless the context lacks project or user, as the context of a periodic task does.
fn request_id(context: &Context) -> Option<&str> {
    let is_set = |id: &Option<String>| id.as_ref().is_some_and(|id| !id.is_empty());
    context.request_id.as_deref().filter(|_| is_set(&context.project_id) && is_set(&context.user_id))
}

fn audit_period_payload(window: Window) -> String {
    let mut data = ObjectWriter::new();
    data.text("audit_period_beginning", &time::zulu(window.begin));
    data.text("audit_period_ending", &time::zulu(window.end));
    envelope("AuditPeriodPayload", "1.0", &data.finish())
}

fn flavor_payload(flavor: &Flavor<'_>) -> Result<String, Error> {
    let mut data = ObjectWriter::new();
    field(&mut data, "flavorid", flavor.flavorid);
    field(&mut data, "memory_mb", flavor.memory_mb);
    field(&mut data, "vcpus", flavor.vcpus);
    field(&mut data, "root_gb", flavor.root_gb);
    field(&mut data, "ephemeral_gb", flavor.ephemeral_gb);
    data.value("name", required("name", flavor.name)?.as_str());
    data.value("swap", required("swap", flavor.swap)?.as_str());
    data.value("rxtx_factor", &float(flavor.rxtx_factor)?);
    field(&mut data, "vcpu_weight", flavor.vcpu_weight);
    // Old flavors lack these two fields; Nova reads them as enabled and public.
    data.value("disabled", boolean(flavor.disabled));
    data.value("is_public", boolean(flavor.is_public.or(Some(Json::constant("true")))));
    field(&mut data, "extra_specs", flavor.extra_specs);
    field(&mut data, "projects", flavor.projects);
    field(&mut data, "description", flavor.description);
    Ok(envelope("FlavorPayload", "1.4", &data.finish()))
}

/// Returns an `IpPayload` for each address in the instance's network info cache.
fn ip_addresses(instance: &Instance<'_>) -> Result<String, Error> {
    let mut text = String::new();
    let Some(network_info) = get_network_info(instance, &mut text)? else {
        return Ok("[]".to_owned());
    };
    let mut payloads = Vec::new();
    for vif in &network_info.vifs {
        for ip in vif.fixed_ips() {
            payloads.push(ip_payload(vif, ip)?);
        }
    }
    Ok(list_json(payloads))
}

fn ip_payload(vif: &Vif<'_>, ip: &FixedIp<'_>) -> Result<String, Error> {
    let label = vif.network.as_ref().map(|network| network.label);
    let mut data = ObjectWriter::new();
    data.value("label", &text("label", required("label", label)?)?);
    data.text("mac", &mac_address(required("mac", Some(vif.address()))?)?);
    data.value("meta", &texts("meta", &vif.meta)?);
    data.value("port_uuid", &text_or_null("port_uuid", vif.id())?);
    if ip.version() == "null" {
        return Err(cannot_be_null("version"));
    }
    data.value("version", ip.version());
    data.value("address", &ip.ip.address_json()?);
    data.value("device_name", &text_or_null("device_name", vif.devname())?);
    Ok(envelope("IpPayload", "1.0", &data.finish()))
}

/// Returns a `BlockDevicePayload` for each volume in the instance's `block_devices`; a missing list is empty.
fn block_devices(instance: &Instance<'_>) -> Result<String, Error> {
    let mut payloads = Vec::new();
    for row in rows("block_devices", instance.block_devices)? {
        let bdm = Object::from_json(row)?;
        if let Some(volume_id) = column(&bdm, "volume_id") {
            let mut data = ObjectWriter::new();
            data.value("device_name", &text_or_null("device_name", bdm.get("device_name").unwrap_or(Json::NULL))?);
            field(&mut data, "boot_index", bdm.get("boot_index"));
            data.value("delete_on_termination", boolean(bdm.get("delete_on_termination")));
            data.value("volume_id", &text("volume_id", volume_id)?);
            data.value("tag", &text_or_null("tag", bdm.get("tag").unwrap_or(Json::NULL))?);
            payloads.push(envelope("BlockDevicePayload", "1.0", &data.finish()));
        }
    }
    Ok(list_json(payloads))
}

/// Returns a `SharePayload` for each row in the instance's `shares`; a missing list is empty.
fn shares(instance: &Instance<'_>) -> Result<String, Error> {
    let payload = |row| {
        let share = Object::from_json(row)?;
        let mut data = ObjectWriter::new();
        for (name, source) in
            [("share_mapping_uuid", "uuid"), ("share_id", "share_id"), ("status", "status"), ("tag", "tag")]
        {
            data.value(name, &text(name, required(name, column(&share, source))?)?);
        }
        Ok(envelope("SharePayload", "1.0", &data.finish()))
    };
    let payloads: Vec<String> =
        rows("shares", instance.shares)?.into_iter().map(payload).collect::<Result<_, Error>>()?;
    Ok(list_json(payloads))
}

fn rows<'a>(name: &str, rows: Option<Json<'a>>) -> Result<Vec<Json<'a>>, Error> {
    let rows = rows.unwrap_or(Json::EMPTY_LIST);
    rows.list()?.ok_or_else(|| Error::type_error(format!("`{name}` is {}: give a list of rows", rows.type_name())))
}

fn column<'a>(row: &Object<'a>, name: &str) -> Option<Json<'a>> {
    row.get(name).filter(|value| !value.is_null())
}

pub(crate) fn envelope(name: &str, version: &str, data: &str) -> String {
    let mut object = ObjectWriter::new();
    object.text("nova_object.name", name);
    object.text("nova_object.namespace", "nova");
    object.text("nova_object.version", version);
    object.value("nova_object.data", data);
    object.finish()
}

fn field(data: &mut ObjectWriter, name: &str, field: Option<Json<'_>>) {
    data.value(name, field.map_or("null", Json::as_str));
}

fn timestamp_field(data: &mut ObjectWriter, name: &str, field: Option<Json<'_>>) -> Result<(), Error> {
    let timestamp = timestamp(name, field)?.map(time::zulu);
    data.text_or_null(name, timestamp.as_deref());
    Ok(())
}

fn required<'a>(name: &str, field: Option<Json<'a>>) -> Result<Json<'a>, Error> {
    field.filter(|field| !field.is_null()).ok_or_else(|| cannot_be_null(name))
}

fn cannot_be_null(name: &str) -> Error {
    Error::value(format!("Field `{name}' cannot be None"))
}

/// Returns the value of a string field as JSON. Nova's string fields accept numbers and print them.
fn text(name: &str, value: Json<'_>) -> Result<String, Error> {
    match value.as_str().as_bytes() {
        [b'"', ..] => Ok(value.as_str().to_owned()),
        b"true" => Ok("\"True\"".to_owned()),
        b"false" => Ok("\"False\"".to_owned()),
        _ if value.integer().is_some() => Ok(text_json(value.as_str())),
        _ if value.is_number() => number(value).map(|number| text_json(&python::float_shortest(number))),
        b"null" => Err(cannot_be_null(name)),
        _ => Err(Error::value(format!("a text is required in field `{name}`, not {}", value.type_name()))),
    }
}

fn text_or_null(name: &str, value: Json<'_>) -> Result<String, Error> {
    if value.is_null() { Ok("null".to_owned()) } else { text(name, value) }
}

fn texts(name: &str, mapping: &Object<'_>) -> Result<String, Error> {
    let mut object = ObjectWriter::new();
    for (key, value) in mapping.iter() {
        object.value(key, &text(&format!("{name}[{key}]"), value)?);
    }
    Ok(object.finish())
}

fn number(value: Json<'_>) -> Result<f64, Error> {
    value.as_str().parse().map_err(|_| Error::value(format!("`{}` is not a number", value.as_str())))
}

/// Returns the value of a float field as JSON. Nova converts an integer to a float.
fn float(field: Option<Json<'_>>) -> Result<String, Error> {
    match field {
        None => Ok("null".to_owned()),
        Some(value) if value.integer().is_some() => number(value).map(python::float_shortest),
        Some(value) => Ok(value.as_str().to_owned()),
    }
}

fn is_true(field: Option<Json<'_>>) -> bool {
    field.is_some_and(Json::is_truthy)
}

fn boolean(field: Option<Json<'_>>) -> &'static str {
    if is_true(field) { "true" } else { "false" }
}

fn one_of<'a>(name: &str, field: Option<Json<'a>>, allowed: &[&str]) -> Result<&'a str, Error> {
    let Some(value) = field else {
        return Ok("null");
    };
    match value.text()? {
        Some(text) if allowed.contains(&text.as_ref()) => Ok(value.as_str()),
        _ => Err(Error::value(format!("`{name}` is {}, which Nova does not know", value.as_str()))),
    }
}

/// Nova's names of the power states, by number; two numbers are unused.
const POWER_STATES: [&str; 8] =
    ["pending", "running", "_unused", "paused", "shutdown", "_unused", "crashed", "suspended"];

fn power_state(instance: &Instance<'_>) -> Result<Option<&'static str>, Error> {
    let Some(value) = instance.power_state else {
        return Ok(None);
    };
    let text = value.text()?;
    let number = match &text {
        Some(text) => python::int(text, true).ok(),
        None => value.integer().map(|number| i64::try_from(number).unwrap_or(i64::MAX)),
    };
    let state = match (number, text) {
        // Python counts a negative index from the end.
        (Some(index), _) if index < 0 => {
            POWER_STATES.iter().rev().nth(usize::try_from(index.unsigned_abs().saturating_sub(1)).unwrap_or(usize::MAX))
        }
        (Some(index), _) => POWER_STATES.get(usize::try_from(index).unwrap_or(usize::MAX)),
        (None, Some(text)) => {
            let known = POWER_STATES.iter().find(|state| **state == text);
            return known.copied().map(Some).ok_or_else(|| unknown_power_state("ValueError", value));
        }
        (None, None) => None,
    };
    state.copied().map(Some).ok_or_else(|| unknown_power_state("IndexError", value))
}

fn unknown_power_state(code: &'static str, value: Json<'_>) -> Error {
    Error::new(code, format!("`power_state` is {}, which Nova does not know", value.as_str()))
}

const VM_STATES: [&str; 12] = [
    "active",
    "building",
    "paused",
    "suspended",
    "stopped",
    "rescued",
    "resized",
    "soft-delete",
    "deleted",
    "error",
    "shelved",
    "shelved_offloaded",
];

const TASK_STATES: [&str; 42] = [
    "scheduling",
    "block_device_mapping",
    "networking",
    "spawning",
    "image_snapshot",
    "image_snapshot_pending",
    "image_pending_upload",
    "image_uploading",
    "image_backup",
    "updating_password",
    "resize_prep",
    "resize_migrating",
    "resize_migrated",
    "resize_finish",
    "resize_reverting",
    "resize_confirming",
    "rebooting",
    "reboot_pending",
    "reboot_started",
    "rebooting_hard",
    "reboot_pending_hard",
    "reboot_started_hard",
    "pausing",
    "unpausing",
    "suspending",
    "resuming",
    "powering-off",
    "powering-on",
    "rescuing",
    "unrescuing",
    "rebuilding",
    "rebuild_block_device_mapping",
    "rebuild_spawning",
    "migrating",
    "deleting",
    "soft-deleting",
    "restoring",
    "shelving",
    "shelving_image_pending_upload",
    "shelving_image_uploading",
    "shelving_offloading",
    "unshelving",
];
