//! What the payloads of both releases share.

use std::borrow::Cow;

use crate::context::Config;
use crate::document::{Json, Object, ObjectWriter, list_json, text_json};
use crate::error::Error;
use crate::network::{NetworkInfo, Vif};

/// A payload in the making: keys in the order in which they came, values as JSON.
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

    /// Nova turns whatever is false here (null, a zero, an empty text) into an empty text.
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

    /// An extra key that bears the name of a parameter of Nova's function would be given twice.
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

/// The sum of two sizes, which are whole numbers of any length.
pub(super) fn disk_gb(root_gb: Option<Json<'_>>, ephemeral_gb: Option<Json<'_>>) -> Result<String, Error> {
    let size = |name: &str, field: Option<Json<'_>>| {
        field.and_then(Json::integer).ok_or_else(|| Error::type_error(format!("`{name}` is no whole number")))
    };
    let sum = size("root_gb", root_gb)?.checked_add(size("ephemeral_gb", ephemeral_gb)?);
    sum.map(|sum| sum.to_string()).ok_or_else(|| Error::overflow("the disks are too large"))
}

/// Python prints a null as `None`.
pub(super) fn image_ref_url(config: &Config, image_ref: Option<Json<'_>>) -> Result<String, Error> {
    let image_ref = image_ref.filter(|image_ref| !image_ref.is_null());
    let Some(endpoint) = &config.glance_endpoint else {
        return Ok(image_ref.map_or("null", Json::as_str).to_owned());
    };
    let image_ref = match image_ref {
        Some(image_ref) => image_ref.text()?.unwrap_or(Cow::Borrowed(image_ref.as_str())),
        None => Cow::Borrowed("None"),
    };
    Ok(text_json(&format!("{endpoint}/images/{image_ref}")))
}

/// Every fixed address, with what stands beside it: the label of its network and more of its vif.
pub(super) fn fixed_ips<'n>(
    network_info: &'n NetworkInfo<'_>,
    beside: impl Fn(&'n Vif<'_>) -> Vec<(&'static str, Json<'n>)>,
) -> String {
    let of_vif = |vif: &'n Vif<'_>| -> Vec<String> {
        let beside = beside(vif);
        vif.fixed_ips().map(|ip| ip.to_json_with(&beside)).collect()
    };
    list_json(network_info.vifs.iter().flat_map(of_vif))
}
