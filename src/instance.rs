//! An instance and its flavor, read by borrowing.

mod instance_type;

use std::borrow::Cow;

use chrono::NaiveDateTime;
use serde::Deserialize;

use crate::document::{Json, Metadata, Object, fields, not_json};
use crate::error::Error;
use crate::time;

fields! {
    /// An instance: a document whose fields bear the names of Nova's columns. Unknown ones are ignored, null and absent
    /// are the same.
    ///
    /// Beside the columns of `instances`:
    ///
    /// - `metadata`, `system_metadata`: a mapping, or the rows of the tables, each with `key`, `value` and `deleted`;
    /// - `info_cache`: null, or an object whose `network_info` is the JSON text of the cache, or null;
    /// - `flavor`: an object with the flavor's fields, the same in Nova's object envelope, or the text of
    ///   `instance_extra.flavor`.
    ///
    /// ```
    /// use nova_compute_utils::instance::Instance;
    ///
    /// let instance = Instance::parse(r#"{"uuid": "5a92d5c4-d71c-4972-bcbb-019167ffd7f1", "launched_at": "2026-11-01 00:17:03"}"#)?;
    /// assert_eq!(instance.uuid()?, "5a92d5c4-d71c-4972-bcbb-019167ffd7f1");
    /// # Ok::<(), nova_compute_utils::Error>(())
    /// ```
    #[allow(clippy::struct_field_names, reason = "the columns have Nova's names")]
    pub struct Instance {
        access_ip_v4, access_ip_v6, architecture, auto_disk_config, availability_zone, cell_name, created_at,
        default_ephemeral_device, default_swap_device, deleted_at, display_description, display_name, flavor, host,
        hostname, image_ref, info_cache, instance_type_id, kernel_id, key_name, launched_at, locked, metadata, node,
        os_type, power_state, progress, project_id, ramdisk_id, reservation_id, root_device_name, system_metadata,
        task_state, terminated_at, updated_at, user_id, uuid, vm_state,
    } and {
        /// Did it come through grizzly's conductor, which hands moments over as text? Grizzly's payloads then show that
        /// text as it is.
        times_are_text: bool,
        document: Option<&'a str>,
        metadata_pairs: Option<Metadata<'a>>,
        system_metadata_pairs: Option<Metadata<'a>>,
    }
}

impl<'a> Instance<'a> {
    /// An instance from JSON text; `ValueError` where the text is no JSON or no object.
    pub fn parse(json: &'a str) -> Result<Self, Error> {
        let instance: Self = serde_json::from_str(json).map_err(|error| not_json(&error))?;
        let (metadata_pairs, system_metadata_pairs) = (pairs(instance.metadata)?, pairs(instance.system_metadata)?);
        Ok(Self { document: Some(json), metadata_pairs, system_metadata_pairs, ..instance })
    }

    /// The same instance with its times as text.
    #[must_use]
    pub fn with_times_as_text(self, times_are_text: bool) -> Self {
        Self { times_are_text, ..self }
    }

    /// All its columns, for grizzly, which tells a null from a column that is not there.
    pub(crate) fn columns(&self) -> Result<Object<'a>, Error> {
        self.document.map_or_else(|| Ok(Object::default()), Object::parse)
    }

    /// The text that it was read from.
    pub(crate) fn document(&self) -> &'a str {
        self.document.unwrap_or("{}")
    }

    /// Its UUID; `ValueError` where it has none.
    pub fn uuid(&self) -> Result<Cow<'a, str>, Error> {
        match self.uuid {
            Some(uuid) => uuid.text()?,
            None => None,
        }
        .ok_or_else(|| Error::value("the instance has no `uuid`"))
    }

    /// Nova reads deleted rows of the system metadata too.
    pub(crate) fn system_metadata(&self) -> Object<'a> {
        self.system_metadata_pairs.clone().map(|metadata| metadata.mapping(true)).unwrap_or_default()
    }

    /// Grizzly reads the live rows of the system metadata only.
    pub(crate) fn live_system_metadata(&self) -> Object<'a> {
        self.system_metadata_pairs.clone().map(|metadata| metadata.mapping(false)).unwrap_or_default()
    }

    /// Of the metadata Nova reads the live rows only: that of a deleted instance is empty.
    pub(crate) fn metadata(&self) -> Object<'a> {
        self.metadata_pairs.clone().map(|metadata| metadata.mapping(false)).unwrap_or_default()
    }

    /// The JSON text of the flavor, to be handed to [`Flavor::parse`].
    pub(crate) fn flavor_text(&self) -> Result<Cow<'a, str>, Error> {
        let flavor = self.flavor.ok_or_else(|| Error::value("the instance has no `flavor`"))?;
        Ok(flavor.text()?.unwrap_or(Cow::Borrowed(flavor.as_str())))
    }
}

/// A moment from a field of a document; nothing where the field is null or absent.
pub(crate) fn moment(name: &str, field: Option<Json<'_>>) -> Result<Option<NaiveDateTime>, Error> {
    let Some(field) = field else {
        return Ok(None);
    };
    let text = field
        .text()?
        .ok_or_else(|| Error::value(format!("`{name}` is {}: give a moment as text", field.type_name())))?;
    time::parse(&text).map(Some)
}

/// What a metadata field holds.
fn pairs(metadata: Option<Json<'_>>) -> Result<Option<Metadata<'_>>, Error> {
    metadata.map(|metadata| serde_json::from_str(metadata.as_str())).transpose().map_err(|error| not_json(&error))
}

fields! {
    /// The flavor of an instance.
    pub struct Flavor {
        description, disabled, ephemeral_gb, extra_specs, flavorid, is_public, memory_mb, name, projects, root_gb,
        rxtx_factor, swap, vcpu_weight, vcpus,
    }
}

/// What a flavor may be wrapped in.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow)]
    cur: Option<Json<'a>>,
    #[serde(borrow, rename = "nova_object.data")]
    data: Option<Json<'a>>,
}

impl<'a> Flavor<'a> {
    /// A flavor from JSON text: its fields, the same in Nova's object envelope, or the text of
    /// `instance_extra.flavor`, where the current one counts. `ValueError` where the text is no JSON or no flavor.
    pub fn parse(json: &'a str) -> Result<Self, Error> {
        let read = |error: serde_json::Error| Error::value(format!("the flavor cannot be read: {error}"));
        let extra: Envelope<'a> = serde_json::from_str(json).map_err(read)?;
        let flavor = match extra.cur {
            Some(current) => {
                serde_json::from_str::<Envelope<'a>>(current.as_str()).map_err(read)?.data.unwrap_or(current).as_str()
            }
            None => extra.data.map_or(json, Json::as_str),
        };
        serde_json::from_str(flavor).map_err(read)
    }
}
