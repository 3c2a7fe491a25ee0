//! `instance_faults`.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::{SqlConductor, row};
use crate::bindings::nova::compute_utils::conductor::{HostError, InstanceFaultValues};

/// Why something failed on an instance: a row of `instance_faults`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct InstanceFault {
    /// The number of the row; of no meaning where one is inserted.
    pub id: i64,
    /// The instance.
    pub instance_uuid: Option<String>,
    /// Like the codes of HTTP.
    pub code: i64,
    /// One line.
    pub message: Option<String>,
    /// The traceback, or more text.
    pub details: Option<String>,
    /// Where it happened.
    pub host: Option<String>,
    /// When the row was inserted; now, where one is inserted.
    pub created_at: Option<String>,
}

impl SqlConductor {
    /// Insert a fault. Nova: `instance_fault_create`.
    pub async fn insert_instance_fault(&self, fault: &InstanceFault) -> Result<(), HostError> {
        let sql = self.dialect.placeholders(format!(
            "INSERT INTO instance_faults (created_at, instance_uuid, code, message, details, host, deleted) \
             VALUES ({}, ?, ?, ?, ?, ?, 0)",
            self.dialect.moment()
        ));
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(self.now())
            .bind(&fault.instance_uuid)
            .bind(fault.code)
            .bind(&fault.message)
            .bind(&fault.details)
            .bind(&fault.host);
        query.execute(&self.pool).await.map(|_| ()).map_err(|error| self.failed(&error))
    }

    /// The faults of some instances, newest first, an empty list where there is none; with `latest` the newest of each only.
    /// Nova: `instance_fault_get_by_instance_uuids`.
    pub async fn instance_fault_get_by_instance_uuids(
        &self,
        instance_uuids: &[&str],
        latest: bool,
    ) -> Result<BTreeMap<String, Vec<InstanceFault>>, HostError> {
        let mut faults: BTreeMap<String, Vec<InstanceFault>> =
            instance_uuids.iter().map(|uuid| ((*uuid).to_owned(), Vec::new())).collect();
        if instance_uuids.is_empty() {
            return Ok(faults);
        }
        let uuids = vec!["?"; instance_uuids.len()].join(", ");
        let latest = if latest {
            format!(
                "AND f.id IN (SELECT MAX(l.id) FROM instance_faults l \
                 WHERE l.deleted = 0 AND l.instance_uuid IN ({uuids}) GROUP BY l.instance_uuid)"
            )
        } else {
            String::new()
        };
        let sql = self.dialect.placeholders(format!(
            "SELECT f.id, f.instance_uuid, f.code, f.message, {}, f.host, {} FROM instance_faults f \
             WHERE f.deleted = 0 AND f.instance_uuid IN ({uuids}) {latest} ORDER BY f.created_at DESC, f.id DESC",
            self.dialect.bytes("f.details"),
            self.dialect.moment_text("f.created_at")
        ));
        let times = if latest.is_empty() { 1 } else { 2 };
        let uuids = std::iter::repeat_n(instance_uuids, times).flatten();
        let query = uuids.fold(sqlx::query(AssertSqlSafe(sql)), |query, uuid| query.bind(*uuid));
        let rows = query.fetch_all(&self.pool).await.map_err(|error| self.failed(&error))?;
        for row in &rows {
            let fault = fault(row).map_err(|error| self.failed(&error))?;
            if let Some(of_instance) = fault.instance_uuid.as_ref().and_then(|uuid| faults.get_mut(uuid)) {
                of_instance.push(fault);
            }
        }
        Ok(faults)
    }
}

/// Insert what the component gives. The column of the code takes whole numbers, and text that is one, as a database of Nova's does.
pub(super) async fn create(conductor: &SqlConductor, values: InstanceFaultValues) -> Result<(), HostError> {
    let code = values.code.trim_matches('"').parse().map_err(|_| HostError {
        code: "DBError".into(),
        message: format!("`{}` is no whole number, which the code of a fault has to be", values.code),
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
    conductor.insert_instance_fault(&fault).await
}

fn fault(row: &AnyRow) -> Result<InstanceFault, sqlx::Error> {
    Ok(InstanceFault {
        id: row.try_get(0)?,
        instance_uuid: row.try_get(1)?,
        code: row.try_get(2)?,
        message: row.try_get(3)?,
        details: row::long_text(row, 4)?,
        host: row.try_get(5)?,
        created_at: row::moment(row, 6)?,
    })
}
