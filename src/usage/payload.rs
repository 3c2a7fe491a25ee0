//! The parts that the payloads of both releases share.

use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::document::{Json, Object, ObjectWriter, list_json, text_json};
use crate::error::Error;
use crate::release::Release;

/// An unfinished payload: its keys in order of insertion, its values as JSON.
#[derive(Debug, Default)]
pub(crate) struct Payload<'a> {
    entries: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Payload<'a> {
    pub(super) fn from_extra(extra: &Object<'a>) -> Self {
        let mut payload = Self::default();
        payload.update(extra);
        payload
    }

    pub(super) fn set(&mut self, key: &'static str, json: String) {
        self.entries.push((Cow::Borrowed(key), Cow::Owned(json)));
    }

    pub(super) fn text(&mut self, key: &'static str, text: &str) {
        self.set(key, text_json(text));
    }

    pub(super) fn value(&mut self, key: &'static str, value: Json<'a>) {
        self.entries.push((Cow::Borrowed(key), Cow::Borrowed(value.as_str())));
    }

    pub(super) fn field(&mut self, key: &'static str, field: Option<Json<'a>>) {
        self.value(key, field.unwrap_or(Json::NULL));
    }

    /// Sets the field, or an empty string when the field is false in Python's sense (null, zero, empty), as Nova does.
    pub(super) fn text_or_empty(&mut self, key: &'static str, field: Option<Json<'a>>) {
        self.value(key, field.filter(|field| field.is_truthy()).unwrap_or(Json::constant("\"\"")));
    }

    pub(super) fn update(&mut self, extra: &Object<'a>) {
        for (key, value) in extra.iter() {
            self.put(key.clone(), Cow::Borrowed(value.as_str()));
        }
    }

    pub(super) fn extend(&mut self, other: Payload<'a>) {
        for (key, value) in other.entries {
            self.put(key, value);
        }
    }

    pub(super) fn put(&mut self, key: Cow<'a, str>, json: Cow<'a, str>) {
        match self.entries.iter_mut().find(|(name, _)| *name == key) {
            Some(entry) => entry.1 = json,
            None => self.entries.push((key, json)),
        }
    }

    /// Refuses an extra key with the name of a parameter of Nova's function: Python would get that argument twice.
    pub(super) fn refuse_parameters(&self, parameters: &[&str]) -> Result<(), Error> {
        match self.entries.iter().find(|(key, _)| parameters.contains(&key.as_ref())) {
            Some((key, _)) => Err(Error::type_error(format!("`{key}` is a parameter and cannot be an extra key"))),
            None => Ok(()),
        }
    }

    pub(super) fn into_json(self) -> String {
        let mut object = ObjectWriter::new();
        for (key, value) in &self.entries {
            object.value(key, value);
        }
        object.finish()
    }
}

/// Returns the sum of two sizes.
pub(super) fn disk_gb(
    release: Release,
    root_gb: Option<Json<'_>>,
    ephemeral_gb: Option<Json<'_>>,
) -> Result<String, Error> {
    let size = |name: &str, field: Option<Json<'_>>| {
        let not_a_number = || Error::new(release.rules().missing_disk_size, format!("`{name}` is not a whole number"));
        field.and_then(Json::integer).ok_or_else(not_a_number)
    };
    let sum = size("root_gb", root_gb)?.checked_add(size("ephemeral_gb", ephemeral_gb)?);
    sum.map(|sum| sum.to_string()).ok_or_else(|| Error::overflow("the disks are too large"))
}

/// Returns the image URL as JSON. Nova prints a null image reference as `None`.
pub(super) fn image_ref_url(glance_endpoint: Option<&str>, image_ref: Option<Json<'_>>) -> Result<String, Error> {
    let image_ref = image_ref.filter(|image_ref| !image_ref.is_null());
    let Some(endpoint) = glance_endpoint else {
        return Ok(image_ref.map_or("null", Json::as_str).to_owned());
    };
    let image_ref = match image_ref {
        Some(image_ref) => image_ref.text()?.unwrap_or(Cow::Borrowed(image_ref.as_str())),
        None => Cow::Borrowed("None"),
    };
    Ok(text_json(&format!("{endpoint}/images/{image_ref}")))
}

/// Returns the addresses of a list of vifs as a JSON list. Nova takes the network info as it is: it copies each address
/// and sets its `label` and, in `hibiscus`, its `vif_mac`.
pub(super) fn fixed_ips(release: Release, network_info: Json<'_>) -> Result<String, Error> {
    let rules = release.rules();
    let mut fixed_ips = Vec::new();
    for vif in items("network_info", network_info)? {
        let vif = Object::from_json(vif)?;
        let network = member(&vif, "network")?;
        if network.is_truthy() || !rules.skips_vifs_without_network {
            let network = Object::from_json(network)?;
            for subnet in items("subnets", member(&network, "subnets")?)? {
                for ip in items("ips", member(&Object::from_json(subnet)?, "ips")?)? {
                    let mut ip = Object::from_json(ip)?;
                    ip.set("label", member(&network, "label")?);
                    if rules.notifies_vif_mac {
                        ip.set("vif_mac", member(&vif, "address")?);
                    }
                    fixed_ips.push(ip.to_json());
                }
            }
        }
    }
    Ok(list_json(fixed_ips))
}

fn items<'a>(name: &str, list: Json<'a>) -> Result<Vec<Json<'a>>, Error> {
    list.list()?.ok_or_else(|| Error::type_error(format!("`{name}` is {}: give a list", list.type_name())))
}

fn member<'a>(mapping: &Object<'a>, name: &str) -> Result<Json<'a>, Error> {
    mapping.get(name).ok_or_else(|| Error::key(format!("the network info has no `{name}`")))
}
