use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::table::{Column, Condition, Value, columns, document, timestamp as time};
use super::{Result, SqlConductor, optional_timestamp, timestamp};
use crate::bindings::nova::compute_utils::conductor::{HostError, InstancePage, WindowQuery};

/// The largest page. The databases limit the number of UUIDs in a query.
const LARGEST_PAGE: u32 = 1000;

/// The columns of `instances` that a document contains. Columns that Nova no longer uses and those that may contain
/// secrets (`user_data`, `key_data`) are left out. The columns of the marker come first.
const INSTANCE: &[Column] = &columns! {
    project_id: Text, uuid: Text,
    created_at: Timestamp, updated_at: Timestamp, deleted_at: Timestamp, deleted: Integer,
    id: Integer, user_id: Text, image_ref: Text, kernel_id: Text, ramdisk_id: Text, hostname: Text,
    launch_index: Integer, key_name: Text, power_state: Integer, vm_state: Text, task_state: Text,
    memory_mb: Integer, vcpus: Integer, root_gb: Integer, ephemeral_gb: Integer,
    host: Text, node: Text, compute_id: Integer, instance_type_id: Integer, reservation_id: Text,
    launched_at: Timestamp, terminated_at: Timestamp, availability_zone: Text,
    display_name: Text, display_description: Text, locked: Boolean, locked_by: Text,
    os_type: Text, architecture: Text, vm_mode: Text,
    root_device_name: Text, default_ephemeral_device: Text, default_swap_device: Text, config_drive: Text,
    access_ip_v4: Text, access_ip_v6: Text, auto_disk_config: Boolean, progress: Integer,
    cell_name: Text, hidden: Boolean,
};

/// A member of a document that comes from the rows of another table.
struct Child {
    member: &'static str,
    table: &'static str,
    columns: &'static [Column],
    live_only: bool,
    /// Converts the rows of an instance, oldest first, to the value of the member.
    value: fn(Vec<Map<String, Json>>) -> Json,
}

const METADATA: Child = Child {
    member: "metadata",
    table: "instance_metadata",
    columns: &columns! { key: Text, value: Text, deleted: Integer },
    live_only: false,
    value: |rows| rows.into(),
};

const SYSTEM_METADATA: Child = Child { member: "system_metadata", table: "instance_system_metadata", ..METADATA };

const INFO_CACHE: Child = Child {
    member: "info_cache",
    table: "instance_info_caches",
    columns: &columns! { network_info: LongText },
    live_only: false,
    value: |rows| rows.into_iter().next().into(),
};

const FLAVOR: Child = Child {
    member: "flavor",
    table: "instance_extra",
    columns: &columns! { flavor: LongText },
    live_only: false,
    value: |rows| rows.into_iter().next().and_then(|mut row| row.remove("flavor")).into(),
};

const BLOCK_DEVICES: Child = Child {
    member: "block_devices",
    table: "block_device_mapping",
    // Only the columns that a payload reads: `connection_info` holds credentials.
    columns: &columns! {
        device_name: Text, boot_index: Integer, delete_on_termination: Boolean, volume_id: Text, tag: Text,
    },
    live_only: true,
    value: |rows| rows.into(),
};

const SHARES: Child = Child {
    member: "shares",
    table: "share_mapping",
    // Only the columns that a payload reads: `export_location` may be sensitive.
    columns: &columns! { uuid: Text, share_id: Text, status: Text, tag: Text },
    live_only: false,
    value: |rows| rows.into(),
};

/// The position of the last instance of a page.
#[derive(Debug, Deserialize, Serialize)]
struct Marker {
    project_id: Option<String>,
    uuid: String,
}

impl Marker {
    fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|_| {
            HostError::new("MarkerNotFound", format!("Marker {text} could not be found."))
                .with_arguments(json!({ "marker": text }))
        })
    }

    fn of(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self { project_id: row.try_get(0)?, uuid: row.try_get(1)? })
    }

    /// Adds the condition that an instance comes after this one. Instances without a project come first.
    fn after(&self, condition: Condition) -> Condition {
        let uuid = Value::from(&self.uuid[..]);
        match self.project_id.as_deref().map(Value::from) {
            None => condition.and("(project_id IS NOT NULL OR uuid > ?)", [uuid]),
            Some(project) => {
                condition.and("(project_id > ? OR (project_id = ? AND uuid > ?))", [project.clone(), project, uuid])
            }
        }
    }
}

impl SqlConductor {
    /// Returns the hosts that have instances in a window or a `nova-compute` service, in alphabetical order.
    pub async fn hosts(&self, begin: &str, end: &str) -> Result<Vec<String>> {
        let query = WindowQuery { begin: begin.into(), end: Some(end.into()), project_id: None, host: None };
        let instances = self.active(&query)?.and("host IS NOT NULL", []);
        let services = self.live().equal("binary", "nova-compute").and("host IS NOT NULL", []);
        // Sorted here and not by the database, because databases order strings differently.
        let mut hosts = BTreeSet::new();
        for (table, condition) in [("instances", instances), ("services", services)] {
            for row in self.select_expressions(&self.pool, "DISTINCT host", table, condition, "").await? {
                hosts.insert(row.try_get(0)?);
            }
        }
        Ok(hosts.into_iter().collect())
    }

    /// Returns how many instances a query selects.
    pub async fn instance_count(&self, query: &WindowQuery) -> Result<u64> {
        let rows = self.select_expressions(&self.pool, "COUNT(*)", "instances", self.active(query)?, "").await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
        Ok(count.unsigned_abs())
    }

    pub(super) async fn instance_page(
        &self,
        query: &WindowQuery,
        marker: Option<&str>,
        limit: u32,
    ) -> Result<InstancePage> {
        let condition = self.active(query)?;
        let condition = match marker {
            Some(marker) => Marker::parse(marker)?.after(condition),
            None => condition,
        };
        // An empty page would have no marker to continue from.
        let limit = limit.clamp(1, LARGEST_PAGE);
        let order =
            format!("ORDER BY CASE WHEN project_id IS NULL THEN 0 ELSE 1 END, project_id, uuid LIMIT {}", limit + 1);
        // One transaction, so that an instance and its metadata are consistent.
        let mut transaction = self.pool.begin().await?;
        let mut rows = self.select_columns(&mut transaction, INSTANCE, "instances", condition, &order).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_marker = match rows.last() {
            Some(last) if has_more => Some(json!(Marker::of(last)?).to_string()),
            _ => None,
        };
        let instances = self.documents(&mut transaction, &rows).await?;
        transaction.rollback().await?;
        Ok(InstancePage { instances, unreadable: Vec::new(), next_marker })
    }

    /// Selects the instances that existed at any time of a window, soft-deleted ones included.
    fn active(&self, query: &WindowQuery) -> Result<Condition> {
        let mut condition = self.condition().null_or_later(["terminated_at"], &timestamp(&query.begin)?);
        if let Some(end) = optional_timestamp(query.end.as_deref())? {
            condition = condition.compare("launched_at", "<", time(&end));
        }
        if let Some(project_id) = query.project_id.as_deref() {
            condition = condition.equal("project_id", project_id);
        }
        if let Some(host) = query.host.as_deref() {
            condition = condition.equal("host", host);
        }
        Ok(condition)
    }

    async fn documents(&self, connection: &mut AnyConnection, rows: &[AnyRow]) -> Result<Vec<String>, sqlx::Error> {
        let uuids = rows.iter().map(|row| row.try_get(1)).collect::<Result<Vec<String>, _>>()?;
        if uuids.is_empty() {
            return Ok(Vec::new());
        }
        let mut documents = rows.iter().map(|row| document(row, INSTANCE)).collect::<Result<Vec<_>, _>>()?;
        let block_devices = self.reads_block_devices.then_some(BLOCK_DEVICES);
        let shares = self.reads_shares.then_some(SHARES);
        let children = [METADATA, SYSTEM_METADATA, INFO_CACHE, FLAVOR].into_iter().chain(block_devices).chain(shares);
        for child in children {
            let mut rows = self.children(connection, &child, &uuids).await?;
            for (document, uuid) in documents.iter_mut().zip(&uuids) {
                let value = (child.value)(rows.remove(uuid).unwrap_or_default());
                document.insert(child.member.to_owned(), value);
            }
        }
        Ok(documents.into_iter().map(|document| Json::Object(document).to_string()).collect())
    }

    /// Returns the rows of a child table by the UUID of their instance, oldest first.
    async fn children(
        &self,
        connection: &mut AnyConnection,
        child: &Child,
        uuids: &[String],
    ) -> Result<HashMap<String, Vec<Map<String, Json>>>, sqlx::Error> {
        let condition = if child.live_only { self.live() } else { self.condition() };
        let condition = condition.one_of("instance_uuid", uuids);
        let columns = [child.columns, &columns! { instance_uuid: Text }].concat();
        let rows = self.select_columns(connection, &columns, child.table, condition, "ORDER BY id").await?;
        let mut children: HashMap<String, Vec<Map<String, Json>>> = HashMap::new();
        for row in &rows {
            let instance_uuid = row.try_get(child.columns.len())?;
            children.entry(instance_uuid).or_default().push(document(row, child.columns)?);
        }
        Ok(children)
    }

    async fn select_columns(
        &self,
        connection: &mut AnyConnection,
        columns: &[Column],
        table: &str,
        condition: Condition,
        order: &str,
    ) -> Result<Vec<AnyRow>, sqlx::Error> {
        let expressions = columns.iter().map(|column| self.dialect.expression(table, column)).collect::<Vec<_>>();
        self.select_expressions(connection, &expressions.join(", "), table, condition, order).await
    }
}
