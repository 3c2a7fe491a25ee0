//! `instance_faults`.

use std::collections::BTreeMap;

use super::table::{Column, Table, columns};
use super::{Result, SqlConductor};
use crate::bindings::nova::compute_utils::conductor::{HostError, InstanceFaultValues};

/// A row of `instance_faults`: a fault of an instance.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct InstanceFault {
    /// The number of the row. Ignored on insertion.
    pub id: i64,
    /// The instance.
    pub instance_uuid: Option<String>,
    /// An HTTP-like status code.
    pub code: i64,
    /// The message for tenants.
    pub message: Option<String>,
    /// The details for administrators, such as a traceback.
    pub details: Option<String>,
    /// The compute host.
    pub host: Option<String>,
    /// When the row was inserted. Ignored on insertion.
    pub created_at: Option<String>,
}

impl Table for InstanceFault {
    const NAME: &str = "instance_faults";
    const COLUMNS: &[Column] = &columns! {
        id: Integer, instance_uuid: Text, code: Integer, message: Text, details: LongText, host: Text,
        created_at: Timestamp,
    };
}

impl SqlConductor {
    /// Inserts a fault. Nova: `instance_fault_create`.
    pub async fn insert_instance_fault(&self, fault: &InstanceFault) -> Result<()> {
        Ok(self.insert(&self.pool, fault).await?)
    }

    /// Returns the faults of each instance, newest first; with `latest` only the newest one. An instance without faults
    /// has an empty list. Nova: `instance_fault_get_by_instance_uuids`.
    pub async fn instance_fault_get_by_instance_uuids(
        &self,
        instance_uuids: &[&str],
        latest: bool,
    ) -> Result<BTreeMap<String, Vec<InstanceFault>>> {
        let mut faults: BTreeMap<String, Vec<InstanceFault>> =
            instance_uuids.iter().map(|uuid| ((*uuid).to_owned(), Vec::new())).collect();
        if instance_uuids.is_empty() {
            return Ok(faults);
        }
        let of_instances = || self.live().one_of("instance_uuid", instance_uuids);
        let condition = if latest {
            let newest = "id IN (SELECT MAX(id) FROM instance_faults WHERE ";
            self.condition().nested(newest, of_instances(), " GROUP BY instance_uuid)")
        } else {
            of_instances()
        };
        for fault in self.select::<InstanceFault>(&self.pool, condition, "ORDER BY created_at DESC, id DESC").await? {
            if let Some(of_instance) = fault.instance_uuid.as_ref().and_then(|uuid| faults.get_mut(uuid)) {
                of_instance.push(fault);
            }
        }
        Ok(faults)
    }

    /// Inserts a fault that the component sends. Its code is an integer, or a string that contains one, because Nova's
    /// databases convert such a string.
    pub(super) async fn create_instance_fault(&self, values: InstanceFaultValues) -> Result<()> {
        let code = values.code.trim_matches('"').parse().map_err(|_| {
            HostError::new("DBError", format!("`{}` is not an integer, as the code of a fault must be", values.code))
        })?;
        let fault = InstanceFault {
            id: 0,
            instance_uuid: Some(values.instance_uuid),
            code,
            message: Some(values.message),
            details: Some(values.details),
            host: Some(values.host),
            created_at: None,
        };
        self.insert_instance_fault(&fault).await
    }
}
