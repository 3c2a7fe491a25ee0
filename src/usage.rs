//! Usage payloads and notifications.
//!
//! Two kinds go out for an instance: the classic, unversioned one with a flat payload (`compute.instance.exists`), and the versioned
//! one in a `nova_object.*` envelope (`instance.exists`).

mod versioned;

use std::borrow::Cow;

use chrono::NaiveDateTime;

use crate::context::{Config, Context};
use crate::document::{Json, Object, ObjectWriter, list_json, text_json};
use crate::error::Error;
use crate::host::{Clock, Notification, Notifier, Priority, Random};
use crate::instance::{Flavor, Instance, moment};
use crate::network::{NetworkInfo, Vif, ipv6_text};
use crate::period::{Window, audit_period_bounds};
use crate::time;

pub(crate) use versioned::envelope;
pub use versioned::instance_exists_payload;

/// What a caller may ask of [`notify_usage_exists`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExistsOptions<'a> {
    /// From the end of the last completed window to now, in place of that window.
    pub current_period: bool,
    /// Replaces the instance's own system metadata where `image_meta` is made.
    pub system_metadata: Option<Object<'a>>,
    /// Each key replaces or adds one of the unversioned payload.
    pub extra_usage_info: Object<'a>,
}

/// What is to be said about one instance: the notifications that could be built and, where one could not, why.
pub(crate) struct Exists {
    /// In the order in which they are sent.
    pub(crate) messages: Vec<Message>,
    /// Why the rest is missing.
    pub(crate) failure: Option<Error>,
}

/// A notification before it gets its id and time.
pub(crate) struct Message {
    publisher_id: String,
    event_type: &'static str,
    payload: String,
}

impl Message {
    pub(crate) fn into_notification(self, random: &impl Random, timestamp: String) -> Notification {
        Notification {
            message_id: uuid::Builder::from_random_bytes(random.random_bytes()).into_uuid().to_string(),
            publisher_id: self.publisher_id,
            event_type: self.event_type.to_owned(),
            priority: Priority::Info,
            payload: self.payload,
            timestamp,
        }
    }
}

/// Tell that an instance exists, in the configured formats. Nova: `notify_usage_exists`, hibiscus.
///
/// `host` is the host that speaks. The versioned payload is built whatever the format, as in Nova; where that fails, the error
/// comes after the unversioned notification was sent.
pub async fn notify_usage_exists<H: Notifier + Clock + Random>(
    services: &H,
    config: &Config,
    context: &Context,
    instance: &Instance<'_>,
    host: &str,
    options: &ExistsOptions<'_>,
) -> Result<(), Error> {
    let now = services.utcnow();
    let window = audit_period_bounds(config, options.current_period, now)?;
    let Exists { messages, failure } = exists(config, context, instance, host, window, options);
    let timestamp = time::str_datetime(now);
    let notifications: Vec<_> =
        messages.into_iter().map(|message| message.into_notification(services, timestamp.clone())).collect();
    if !notifications.is_empty() {
        let answers =
            services.notify(&context.to_json(), notifications).await.map_err(|error| Error::host("notify", error))?;
        for answer in answers {
            answer.map_err(|error| Error::host("notify", error))?;
        }
    }
    failure.map_or(Ok(()), Err)
}

/// The notifications of [`notify_usage_exists`] for a given window.
pub(crate) fn exists(
    config: &Config,
    context: &Context,
    instance: &Instance<'_>,
    host: &str,
    window: Window,
    options: &ExistsOptions<'_>,
) -> Exists {
    let mut messages = Vec::with_capacity(2);
    let payload = exists_payload(config, instance, window, options.system_metadata.as_ref(), &options.extra_usage_info);
    let payload = match payload {
        Ok(payload) => payload,
        Err(error) => return Exists { messages, failure: Some(error) },
    };
    if config.notification_format.unversioned() {
        let host = if host.is_empty() { &config.host } else { host };
        messages.push(Message {
            publisher_id: format!("compute.{host}"),
            event_type: "compute.instance.exists",
            payload,
        });
    }
    // Nova gathers the addresses for the versioned payload even where it does not send it, and fails where it cannot.
    let failure = match versioned::build(config.notification_format.versioned(), context, instance, window) {
        Ok(None) => None,
        Ok(Some(payload)) => {
            messages.push(Message {
                publisher_id: format!("nova-compute:{host}"),
                event_type: "instance.exists",
                payload,
            });
            None
        }
        Err(error) => Some(error),
    };
    Exists { messages, failure }
}

/// The payload of `compute.instance.exists` for a window, as JSON.
///
/// That of [`info_from_instance`] with the image URL, plus `audit_period_beginning` and `audit_period_ending`; `image_meta` comes from
/// `system_metadata` where it is given; each key of `extra_usage_info` replaces or adds one.
pub fn exists_payload(
    config: &Config,
    instance: &Instance<'_>,
    window: Window,
    system_metadata: Option<&Object<'_>>,
    extra_usage_info: &Object<'_>,
) -> Result<String, Error> {
    let image_meta = match system_metadata {
        Some(given) => image_meta(given),
        None => image_meta(&instance.system_metadata()),
    };
    let mut extra = Payload::default();
    extra.text("audit_period_beginning", &time::str_datetime(window.begin));
    extra.text("audit_period_ending", &time::str_datetime(window.end));
    extra.set("image_meta", image_meta);
    extra.update(extra_usage_info);
    let flavor_text = instance.flavor_text()?;
    build(config, instance, &flavor_text, None, true, extra)
}

/// The payload that all unversioned instance notifications share, as JSON. Nova: `info_from_instance`, hibiscus.
///
/// With `network_info` the payload has `fixed_ips`. Each key of `extra` replaces or adds one; one that is a parameter of Nova's
/// function (`context`, `instance`, `network_info`, `populate_image_ref_url`) is a `TypeError`.
///
/// ```
/// use nova_compute_utils::document::Object;
/// use nova_compute_utils::instance::Instance;
/// use nova_compute_utils::{Config, Release, usage};
///
/// let config = Config::new(Release::Hibiscus, "cmp-01");
/// let instance = Instance::parse(r#"{"uuid": "5a92d5c4-d71c-4972-bcbb-019167ffd7f1", "vm_state": "active",
///     "flavor": {"name": "m1.small", "root_gb": 20, "ephemeral_gb": 10}}"#)?;
/// let payload = usage::info_from_instance(&config, &instance, None, false, &Object::default())?;
/// let payload = Object::parse(&payload)?;
/// assert_eq!(payload.get("disk_gb").map(|value| value.as_str()), Some("30"));
/// assert_eq!(payload.get("state").map(|value| value.as_str()), Some(r#""active""#));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn info_from_instance(
    config: &Config,
    instance: &Instance<'_>,
    network_info: Option<&NetworkInfo<'_>>,
    populate_image_ref_url: bool,
    extra: &Object<'_>,
) -> Result<String, Error> {
    let mut given = Payload::default();
    given.update(extra);
    let flavor_text = instance.flavor_text()?;
    build(config, instance, &flavor_text, network_info, populate_image_ref_url, given)
}

/// The names of Nova's own parameters: an extra key of that name would be given twice.
const PARAMETERS: [&str; 4] = ["context", "instance", "network_info", "populate_image_ref_url"];

fn build(
    config: &Config,
    instance: &Instance<'_>,
    flavor_text: &str,
    network_info: Option<&NetworkInfo<'_>>,
    populate_image_ref_url: bool,
    extra: Payload<'_>,
) -> Result<String, Error> {
    if let Some((key, _)) = extra.entries.iter().find(|(key, _)| PARAMETERS.contains(&key.as_ref())) {
        return Err(Error::type_error(format!("`{key}` is a parameter and cannot be an extra key")));
    }
    let flavor = Flavor::parse(flavor_text)?;
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
    payload.set("disk_gb", disk_gb(&flavor)?);
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
    payload.set("image_ref_url", image_ref_url(config, instance, populate_image_ref_url)?);
    payload.field("os_type", instance.os_type);
    payload.field("kernel_id", instance.kernel_id);
    payload.field("ramdisk_id", instance.ramdisk_id);
    payload.field("state", instance.vm_state);
    payload.text_or_empty("state_description", instance.task_state);
    payload.text_or_empty("progress", instance.progress);
    payload.field("access_ip_v4", instance.access_ip_v4);
    payload.set("access_ip_v6", access_ip_v6(instance)?);
    if let Some(network_info) = network_info {
        payload.set("fixed_ips", fixed_ips(network_info));
    }
    payload.set("image_meta", image_meta(&instance.system_metadata()));
    payload.set("metadata", instance.metadata().to_json());
    payload.extend(extra);
    Ok(payload.into_json())
}

/// Image metadata out of system metadata: what begins with `image_`, without it. Nova: `image_meta`.
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

fn disk_gb(flavor: &Flavor<'_>) -> Result<String, Error> {
    let size = |name: &str, field: Option<Json<'_>>| {
        field
            .and_then(Json::integer)
            .ok_or_else(|| Error::type_error(format!("the flavor's `{name}` is no whole number")))
    };
    let sum = size("root_gb", flavor.root_gb)?.checked_add(size("ephemeral_gb", flavor.ephemeral_gb)?);
    sum.map(|sum| sum.to_string()).ok_or_else(|| Error::overflow("the flavor's disks are too large"))
}

/// Python prints a null as `None`.
fn printed(moment: Option<NaiveDateTime>) -> String {
    moment.map_or_else(|| "None".to_owned(), time::str_datetime_utc)
}

fn isotime_or_empty(moment: Option<NaiveDateTime>) -> String {
    moment.map_or_else(String::new, time::isoformat)
}

fn image_ref_url(config: &Config, instance: &Instance<'_>, populate: bool) -> Result<String, Error> {
    if !populate {
        return Ok("null".to_owned());
    }
    let Some(endpoint) = &config.glance_endpoint else {
        return Ok(instance.image_ref.map_or("null", Json::as_str).to_owned());
    };
    let image_ref = match instance.image_ref {
        Some(image_ref) => image_ref.text()?.unwrap_or(Cow::Borrowed(image_ref.as_str())),
        None => Cow::Borrowed("None"),
    };
    Ok(text_json(&format!("{endpoint}/images/{image_ref}")))
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

/// Every fixed address, with the label of its network and the MAC address of its vif.
fn fixed_ips(network_info: &NetworkInfo<'_>) -> String {
    let of_vif = |vif: &Vif<'_>| -> Vec<String> {
        let label = vif.network.as_ref().map_or(Json::NULL, |network| network.label);
        vif.fixed_ips().map(|ip| ip.to_json_with(&[("label", label), ("vif_mac", vif.address())])).collect()
    };
    list_json(network_info.vifs.iter().flat_map(of_vif))
}

/// A payload in the making: keys in the order in which they came, values as JSON.
#[derive(Default)]
struct Payload<'a> {
    entries: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Payload<'a> {
    fn set(&mut self, key: &'static str, json: String) {
        self.entries.push((Cow::Borrowed(key), Cow::Owned(json)));
    }

    fn text(&mut self, key: &'static str, text: &str) {
        self.set(key, text_json(text));
    }

    fn field(&mut self, key: &'static str, field: Option<Json<'a>>) {
        self.entries.push((Cow::Borrowed(key), Cow::Borrowed(field.map_or("null", Json::as_str))));
    }

    /// Nova turns whatever is false here (null, a zero, an empty text) into an empty text.
    fn text_or_empty(&mut self, key: &'static str, field: Option<Json<'a>>) {
        let json = field.filter(|field| field.is_truthy()).map_or("\"\"", Json::as_str);
        self.entries.push((Cow::Borrowed(key), Cow::Borrowed(json)));
    }

    fn update(&mut self, extra: &Object<'a>) {
        for (key, value) in extra.iter() {
            self.put(key.clone(), Cow::Borrowed(value.as_str()));
        }
    }

    fn extend(&mut self, other: Payload<'a>) {
        for (key, value) in other.entries {
            self.put(key, value);
        }
    }

    fn put(&mut self, key: Cow<'a, str>, json: Cow<'a, str>) {
        match self.entries.iter_mut().find(|(name, _)| *name == key) {
            Some(entry) => entry.1 = json,
            None => self.entries.push((key, json)),
        }
    }

    fn into_json(self) -> String {
        let mut object = ObjectWriter::new();
        for (key, value) in &self.entries {
            object.value(key, value);
        }
        object.finish()
    }
}
