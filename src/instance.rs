//! Instances and their flavors, read by borrowing.

mod instance_type;

use alloc::borrow::Cow;
use alloc::format;

use chrono::NaiveDateTime;
use serde::Deserialize;

use crate::document::{Json, Metadata, Object, fields, not_json};
use crate::error::Error;
use crate::period::Window;
use crate::time;

fields! {
    /// An instance: a document whose fields have the names of Nova's columns. Unknown fields are ignored; an absent
    /// field counts as null.
    ///
    /// These fields are not columns of the table `instances`:
    ///
    /// - `metadata`, `system_metadata`: a mapping, or the rows of the tables, each with `key`, `value` and `deleted`;
    /// - `info_cache`: null, or an object whose `network_info` is null or the JSON text of the cache;
    /// - `flavor`: an object with the flavor's fields, the same in Nova's object envelope, or the JSON text in
    ///   `instance_extra.flavor`;
    /// - `block_devices`, `shares`: the rows of `block_device_mapping` and `share_mapping`, for the payload of
    ///   [`instance_exists_payload`](crate::usage::instance_exists_payload).
    ///
    /// ```
    /// use nova_compute_utils::instance::Instance;
    ///
    /// let instance = Instance::parse(r#"{"uuid": "5a92d5c4-d71c-4972-bcbb-019167ffd7f1", "vm_state": "active"}"#)?;
    /// assert_eq!(instance.uuid()?, "5a92d5c4-d71c-4972-bcbb-019167ffd7f1");
    /// # Ok::<(), nova_compute_utils::Error>(())
    /// ```
    #[allow(clippy::struct_field_names, reason = "the columns have Nova's names")]
    pub struct Instance {
        access_ip_v4, access_ip_v6, architecture, auto_disk_config, availability_zone, block_devices, cell_name,
        created_at, default_ephemeral_device, default_swap_device, deleted_at, display_description, display_name,
        ephemeral_gb, flavor, host, hostname, id, image_ref, info_cache, instance_type_id, kernel_id, key_name,
        launched_at, locked, memory_mb, metadata, node, os_type, power_state, progress, project_id, ramdisk_id,
        reservation_id, root_device_name, root_gb, shares, system_metadata, task_state, terminated_at, updated_at,
        user_id, uuid, vcpus, vm_state,
    } and {
        /// Whether the timestamps are strings from the conductor of `grizzly`, which the payload copies unchanged.
        times_are_text: bool,
        document: Option<&'a str>,
        metadata_pairs: Option<Metadata<'a>>,
        system_metadata_pairs: Option<Metadata<'a>>,
    }
}

impl<'a> Instance<'a> {
    /// Parses an instance. Fails with `ValueError` when the text is not a JSON object.
    pub fn parse(json: &'a str) -> Result<Self, Error> {
        let instance: Self = serde_json::from_str(json).map_err(|error| not_json(&error))?;
        let (metadata_pairs, system_metadata_pairs) = (pairs(instance.metadata)?, pairs(instance.system_metadata)?);
        Ok(Self { document: Some(json), metadata_pairs, system_metadata_pairs, ..instance })
    }

    /// Sets whether the timestamps are strings from the conductor of `grizzly`, which the payload copies unchanged.
    /// `grizzly` only.
    #[must_use]
    pub fn with_times_as_text(self, times_are_text: bool) -> Self {
        Self { times_are_text, ..self }
    }

    /// Returns all columns, for `grizzly`, which distinguishes a null column from an absent one.
    pub(crate) fn columns(&self) -> Result<Object<'a>, Error> {
        self.document.map_or_else(|| Ok(Object::default()), Object::parse)
    }

    /// Returns the JSON text from which the instance was parsed.
    pub(crate) fn document(&self) -> &'a str {
        self.document.unwrap_or("{}")
    }

    /// Returns the UUID. Fails with `ValueError` when the instance has none.
    pub fn uuid(&self) -> Result<Cow<'a, str>, Error> {
        match self.uuid {
            Some(uuid) => uuid.text()?,
            None => None,
        }
        .ok_or_else(|| Error::value("the instance has no `uuid`"))
    }

    /// Returns whether the instance was alive in a window: it was launched before the end, and it was not terminated, or
    /// after the begin. Nova: the condition of `instance_get_active_by_window_joined`.
    ///
    /// Fails with `ValueError` when one of the two timestamps cannot be read.
    ///
    /// ```
    /// use nova_compute_utils::instance::Instance;
    /// use nova_compute_utils::{period::Window, time};
    ///
    /// let october = Window { begin: time::parse("2026-10-01")?, end: time::parse("2026-11-01")? };
    /// let instance = Instance::parse(r#"{"launched_at": "2026-09-12 10:43:11", "terminated_at": "2026-10-01 00:00:00"}"#)?;
    /// assert!(!instance.is_active_in(october)?);
    /// # Ok::<(), nova_compute_utils::Error>(())
    /// ```
    pub fn is_active_in(&self, window: Window) -> Result<bool, Error> {
        Ok(self.lifetime()?.is_active_in(window))
    }

    /// Returns when the instance was launched and terminated.
    pub(crate) fn lifetime(&self) -> Result<Lifetime, Error> {
        Ok(Lifetime {
            launched_at: timestamp("launched_at", self.launched_at)?,
            terminated_at: timestamp("terminated_at", self.terminated_at)?,
        })
    }

    /// Returns the number of its row, if it has one.
    pub(crate) fn id(&self) -> Option<i64> {
        self.id?.integer()?.try_into().ok()
    }

    /// Returns the system metadata, including deleted rows, as `hibiscus` reads it.
    pub(crate) fn system_metadata(&self) -> Object<'a> {
        self.system_metadata_pairs.clone().map(|metadata| metadata.mapping(true)).unwrap_or_default()
    }

    /// Returns the system metadata without deleted rows, as `grizzly` reads it.
    pub(crate) fn live_system_metadata(&self) -> Object<'a> {
        self.system_metadata_pairs.clone().map(|metadata| metadata.mapping(false)).unwrap_or_default()
    }

    /// Returns the metadata without deleted rows, which is empty for a deleted instance.
    pub(crate) fn metadata(&self) -> Object<'a> {
        self.metadata_pairs.clone().map(|metadata| metadata.mapping(false)).unwrap_or_default()
    }

    /// Returns the JSON text of the flavor, for [`Flavor::parse`].
    pub(crate) fn flavor_text(&self) -> Result<Cow<'a, str>, Error> {
        let flavor = self.flavor.ok_or_else(|| Error::value("the instance has no `flavor`"))?;
        Ok(flavor.text()?.unwrap_or(Cow::Borrowed(flavor.as_str())))
    }
}

/// When an instance was launched and terminated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetime {
    pub(crate) launched_at: Option<NaiveDateTime>,
    pub(crate) terminated_at: Option<NaiveDateTime>,
}

impl Lifetime {
    pub(crate) fn is_active_in(self, window: Window) -> bool {
        let Self { launched_at, terminated_at } = self;
        launched_at.is_some_and(|launched_at| launched_at < window.end)
            && terminated_at.is_none_or(|terminated_at| terminated_at > window.begin)
    }
}

/// Parses a timestamp in a field of a document; `None` when the field is null or absent.
pub(crate) fn timestamp(name: &str, field: Option<Json<'_>>) -> Result<Option<NaiveDateTime>, Error> {
    let Some(field) = field else {
        return Ok(None);
    };
    let text = field
        .text()?
        .ok_or_else(|| Error::value(format!("`{name}` is {}: give a timestamp as a string", field.type_name())))?;
    time::parse(&text).map(Some)
}

/// Parses a metadata field.
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

/// The objects that can contain a flavor.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow)]
    cur: Option<Json<'a>>,
    #[serde(borrow, rename = "nova_object.data")]
    data: Option<Json<'a>>,
}

impl<'a> Flavor<'a> {
    /// Parses a flavor: its fields, the same in Nova's object envelope, or the JSON text in `instance_extra.flavor`, of
    /// which `cur` is the current flavor. Fails with `ValueError` on any other text.
    pub fn parse(json: &'a str) -> Result<Self, Error> {
        let invalid = |error: serde_json::Error| Error::value(format!("the flavor cannot be read: {error}"));
        let envelope: Envelope<'a> = serde_json::from_str(json).map_err(invalid)?;
        let flavor = match envelope.cur {
            Some(current) => serde_json::from_str::<Envelope<'a>>(current.as_str())
                .map_err(invalid)?
                .data
                .unwrap_or(current)
                .as_str(),
            None => envelope.data.map_or(json, Json::as_str),
        };
        serde_json::from_str(flavor).map_err(invalid)
    }
}
