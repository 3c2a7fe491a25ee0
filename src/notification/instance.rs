//! The members that the instance notifications of both formats have.

use alloc::string::String;

use chrono::NaiveDateTime;

use super::members::Members;
use crate::document::{Json, Object};
use crate::error::Error;
use crate::period::Window;

/// An instance, as a notification reports it in either format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifiedInstance {
    /// The UUID. Unversioned: `instance_id`.
    pub uuid: String,
    /// The project. Both formats: `tenant_id`.
    pub project_id: Option<String>,
    /// The user.
    pub user_id: Option<String>,
    /// The name that the user gave.
    pub display_name: Option<String>,
    /// The state, such as `active`.
    pub state: Option<String>,
    /// The id of the flavor in the API. Unversioned: `instance_flavor_id`, `hibiscus` only. Versioned:
    /// `flavor.flavorid`.
    pub flavor_id: Option<String>,
    /// The name of the flavor. Unversioned: `instance_type`. Versioned: `flavor.name`.
    pub flavor_name: Option<String>,
    /// The memory, in MiB.
    pub memory_mb: Option<i64>,
    /// The number of virtual CPUs.
    pub vcpus: Option<i64>,
    /// The size of the root disk, in GiB.
    pub root_gb: Option<i64>,
    /// The size of the ephemeral disks, in GiB.
    pub ephemeral_gb: Option<i64>,
    /// The size of the swap disk, in MiB. Versioned only.
    pub swap_mb: Option<i64>,
    /// The compute host.
    pub host: Option<String>,
    /// The hypervisor.
    pub node: Option<String>,
    /// The availability zone.
    pub availability_zone: Option<String>,
    /// When the instance was created.
    pub created_at: Option<NaiveDateTime>,
    /// When the instance was launched.
    pub launched_at: Option<NaiveDateTime>,
    /// When the instance was deleted. In `grizzly` this is the time of its termination.
    pub deleted_at: Option<NaiveDateTime>,
    /// When the instance was terminated. `hibiscus` only.
    pub terminated_at: Option<NaiveDateTime>,
    /// The audit window.
    pub audit_period: Option<Window>,
    /// The properties of the image, as JSON. Unversioned only.
    pub image_meta: Option<String>,
    /// The metadata, as a JSON object. A list of rows with `key` and `value` counts as their mapping.
    pub metadata: Option<String>,
}

impl NotifiedInstance {
    /// Reads a payload.
    pub(super) fn read(payload: &str, is_versioned: bool) -> Result<Self, Error> {
        let payload = Self::members(payload, is_versioned)?;
        if is_versioned { Self::versioned(&payload) } else { Self::unversioned(&payload) }
    }

    /// Reads only the UUID of a payload.
    pub(super) fn read_uuid(payload: &str, is_versioned: bool) -> Result<String, Error> {
        Self::members(payload, is_versioned)?.required_text(if is_versioned { "uuid" } else { "instance_id" })
    }

    fn members(payload: &str, is_versioned: bool) -> Result<Members<'_>, Error> {
        let mut message = Object::default();
        message.set("payload", Json::parse(payload)?);
        let message = Members::new("", message);
        if is_versioned {
            message.nova_object("payload")?.ok_or_else(|| message.missing("payload.nova_object.data"))
        } else {
            message.object("payload")?.ok_or_else(|| message.missing("payload"))
        }
    }

    fn unversioned(payload: &Members<'_>) -> Result<Self, Error> {
        Ok(Self {
            uuid: payload.required_text("instance_id")?,
            flavor_id: payload.text("instance_flavor_id")?,
            flavor_name: payload.text("instance_type")?,
            audit_period: audit_period(payload)?,
            image_meta: payload.get("image_meta").map(Json::as_str).map(Into::into),
            ..Self::common(payload, payload)?
        })
    }

    fn versioned(payload: &Members<'_>) -> Result<Self, Error> {
        let flavor = payload.nova_object("flavor")?.unwrap_or_default();
        Ok(Self {
            uuid: payload.required_text("uuid")?,
            flavor_id: flavor.text("flavorid")?,
            flavor_name: flavor.text("name")?,
            swap_mb: flavor.integer("swap")?,
            audit_period: payload.nova_object("audit_period")?.map_or(Ok(None), |period| audit_period(&period))?,
            ..Self::common(payload, &flavor)?
        })
    }

    /// Reads the members that have the same name in both formats.
    fn common(payload: &Members<'_>, flavor: &Members<'_>) -> Result<Self, Error> {
        Ok(Self {
            uuid: String::new(),
            project_id: payload.text("tenant_id")?,
            user_id: payload.text("user_id")?,
            display_name: payload.text("display_name")?,
            state: payload.text("state")?,
            flavor_id: None,
            flavor_name: None,
            memory_mb: flavor.integer("memory_mb")?,
            vcpus: flavor.integer("vcpus")?,
            root_gb: flavor.integer("root_gb")?,
            ephemeral_gb: flavor.integer("ephemeral_gb")?,
            swap_mb: None,
            host: payload.text("host")?,
            node: payload.text("node")?,
            availability_zone: payload.text("availability_zone")?,
            created_at: payload.timestamp("created_at")?,
            launched_at: payload.timestamp("launched_at")?,
            deleted_at: payload.timestamp("deleted_at")?,
            terminated_at: payload.timestamp("terminated_at")?,
            audit_period: None,
            image_meta: None,
            metadata: payload.metadata("metadata")?,
        })
    }
}

/// Reads the bounds of the audit window; `None` when both are absent.
fn audit_period(members: &Members<'_>) -> Result<Option<Window>, Error> {
    let (begin, end) = ("audit_period_beginning", "audit_period_ending");
    match (members.timestamp(begin)?, members.timestamp(end)?) {
        (Some(begin), Some(end)) => Ok(Some(Window { begin, end })),
        (None, None) => Ok(None),
        (begin_or_none, _) => Err(members.missing(if begin_or_none.is_none() { begin } else { end })),
    }
}
