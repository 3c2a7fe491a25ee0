use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use sqlx::AnyConnection;

use super::schema::Schema;
use super::table::{Column, Condition, Row, Unreadable, Value, columns, timestamp as time};
use super::{Result, SqlConductor, optional_timestamp, timestamp};
use crate::bindings::nova::compute_utils::conductor::{HostError, InstancePage, UnreadableInstance, WindowQuery};

/// The largest page. The databases limit the number of UUIDs in a query.
const LARGEST_PAGE: u32 = 1000;

/// The columns of `instances` that a document contains. Columns that Nova no longer uses and those that may contain
/// secrets (`user_data`, `key_data`) are left out. The columns of [`Marker`] come first.
pub(super) const INSTANCE: &[Column] = &columns! {
    project_id: Text, uuid: Text, id: Integer,
    created_at: Timestamp, updated_at: Timestamp, deleted_at: Timestamp, deleted: Integer,
    user_id: Text, image_ref: Text, kernel_id: Text, ramdisk_id: Text, hostname: Text,
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

/// The columns that the conductor needs of each child table.
pub(super) const OF_CHILD: &[Column] = &columns! { instance_uuid: Text, id: Integer };

/// A member of a document that comes from the rows of another table.
pub(super) struct Child {
    member: &'static str,
    pub(super) table: &'static str,
    pub(super) columns: &'static [Column],
    /// The schemas in which Nova ignores soft-deleted rows.
    live_only: &'static [Schema],
    /// Converts the rows of an instance, oldest first, to the value of the member.
    value: fn(Vec<Map<String, Json>>) -> Json,
}

const METADATA: Child = Child {
    member: "metadata",
    table: "instance_metadata",
    columns: &columns! { key: Text, value: Text, deleted: Integer },
    live_only: &[Schema::Grizzly],
    value: |rows| rows.into(),
};

const SYSTEM_METADATA: Child = Child { member: "system_metadata", table: "instance_system_metadata", ..METADATA };

const INFO_CACHE: Child = Child {
    member: "info_cache",
    table: "instance_info_caches",
    columns: &columns! { network_info: Json },
    live_only: &[],
    value: |rows| rows.into_iter().next().into(),
};

const FLAVOR: Child = Child {
    member: "flavor",
    table: "instance_extra",
    columns: &columns! { flavor: Json },
    live_only: &[],
    value: |rows| rows.into_iter().next().and_then(|mut row| row.remove("flavor")).into(),
};

const BLOCK_DEVICES: Child = Child {
    member: "block_devices",
    table: "block_device_mapping",
    // Only the columns that a payload reads: `connection_info` holds credentials.
    columns: &columns! {
        device_name: Text, boot_index: Integer, delete_on_termination: Boolean, volume_id: Text, tag: Text,
    },
    live_only: &[Schema::Grizzly, Schema::Hibiscus],
    value: |rows| rows.into(),
};

const SHARES: Child = Child {
    member: "shares",
    table: "share_mapping",
    // Only the columns that a payload reads: `export_location` may be sensitive.
    columns: &columns! { uuid: Text, share_id: Text, status: Text, tag: Text },
    live_only: &[],
    value: |rows| rows.into(),
};

/// The members that documents can have.
pub(super) const CHILDREN: [Child; 6] = [METADATA, SYSTEM_METADATA, INFO_CACHE, FLAVOR, BLOCK_DEVICES, SHARES];

/// The position of the last instance of a page. The order needs no readable text.
#[derive(Debug, Deserialize, Serialize)]
struct Marker {
    project_id: Option<Key>,
    uuid: Key,
    id: i64,
}

/// The value of a column, as text where it is text.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Key {
    Text(String),
    Bytes(Vec<u8>),
}

/// The order of instances: those without a project first.
const ORDER: &str =
    "project_id IS NOT NULL, COALESCE(CAST(project_id AS BLOB), x''), COALESCE(CAST(uuid AS BLOB), x''), id";

impl Marker {
    fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|_| {
            HostError::new("MarkerNotFound", format!("Marker {text} could not be found."))
                .with_arguments(json!({ "marker": text }))
        })
    }

    fn of(row: &Row) -> Self {
        Self {
            project_id: row.bytes(0).map(Key::new),
            uuid: Key::new(row.bytes(1).unwrap_or_default()),
            id: row.integer(2).unwrap_or_default(),
        }
    }

    /// Adds the condition that an instance comes after this one.
    fn after(self, condition: Condition) -> Condition {
        let values = [
            i64::from(self.project_id.is_some()).into(),
            Value::Bytes(self.project_id.map(Key::into_bytes).unwrap_or_default()),
            Value::Bytes(self.uuid.into_bytes()),
            self.id.into(),
        ];
        condition.and(format!("({ORDER}) > (?, ?, ?, ?)"), values)
    }
}

impl Key {
    fn new(bytes: &[u8]) -> Self {
        match str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Bytes(bytes.to_owned()),
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// Describes a value of a table that cannot be read.
fn unreadable_column(table: &str, id: Option<i64>, Unreadable { column, problem }: Unreadable) -> HostError {
    let row = id.map_or_else(|| "a row".to_owned(), |id| format!("the row {id}"));
    HostError::new("UnreadableColumn", format!("the column `{table}.{column}` of {row} {problem}"))
        .with_arguments(json!({ "table": table, "column": column, "id": id }))
}

/// The documents of a page, or why an instance has none.
type Document = Result<Map<String, Json>, UnreadableInstance>;

/// Reads a row of `instances`.
fn instance(row: &Row) -> Document {
    let document = row.document(INSTANCE).and_then(|document| match document.get("uuid") {
        Some(Json::Null) | None => Err(Unreadable { column: "uuid", problem: "is null" }),
        Some(_) => Ok(document),
    });
    document.map_err(|unreadable| {
        let id = row.integer(2);
        let error = unreadable_column("instances", id, unreadable);
        UnreadableInstance { instance_uuid: row.text(1), instance_id: id, error }
    })
}

fn uuid(document: &Map<String, Json>) -> &str {
    document.get("uuid").and_then(Json::as_str).unwrap_or_default()
}

/// The rows of a child table by the UUID of their instance, or why those of an instance cannot be read.
type Children = HashMap<String, Result<Vec<Map<String, Json>>>>;

impl SqlConductor {
    /// Returns the hosts that have instances in a window or a `nova-compute` service, in alphabetical order. A host name
    /// that is not UTF-8 text is left out; [`Self::instances_without_host_name`] returns its instances.
    pub async fn hosts(&self, begin: &str, end: &str) -> Result<Vec<String>> {
        let instances = self.active(&window(begin, end))?;
        let services = self.live().equal("binary", "nova-compute");
        self.host_names(instances, services).await
    }

    /// Returns every host that an instance or a `nova-compute` service names, deleted ones included, in alphabetical
    /// order.
    pub async fn known_hosts(&self) -> Result<Vec<String>> {
        let instances = self.condition().and("host IS NOT NULL", []);
        let services = self.condition().equal("binary", "nova-compute");
        self.host_names(instances, services).await
    }

    async fn host_names(&self, instances: Condition, services: Condition) -> Result<Vec<String>> {
        // Sorted here and not by the database, because databases order strings differently.
        let mut hosts = BTreeSet::new();
        for (table, condition) in [("instances", instances), ("services", services)] {
            hosts.extend(self.distinct_hosts(table, condition).await?.iter().filter_map(|row| row.text(0)));
        }
        Ok(hosts.into_iter().collect())
    }

    async fn distinct_hosts(&self, table: &str, condition: Condition) -> Result<Vec<Row>> {
        let distinct = format!("DISTINCT {}", self.expressions([("host", true)].into_iter()));
        Ok(self.select_expressions(&self.pool, &distinct, table, condition, "").await?)
    }

    /// Returns the ids of the instances in a window whose host name is not UTF-8 text, so that the audit of no host
    /// contains them. An instance without a host is on no host and not among them.
    pub async fn instances_without_host_name(&self, begin: &str, end: &str) -> Result<Vec<i64>> {
        let has_no_name = |row: &Row, index| row.bytes(index).is_some() && row.text(index).is_none();
        let active = || self.active(&window(begin, end));
        if !self.distinct_hosts("instances", active()?).await?.iter().any(|row| has_no_name(row, 0)) {
            return Ok(Vec::new());
        }
        let columns = columns! { id: Integer, host: Text };
        let rows = self.select_columns(&self.pool, &columns, "instances", active()?, "ORDER BY id").await?;
        Ok(rows.iter().filter(|row| has_no_name(row, 1)).filter_map(|row| row.integer(0)).collect())
    }

    /// Returns how many instances a query selects, unreadable ones included.
    pub async fn instance_count(&self, query: &WindowQuery) -> Result<u64> {
        Ok(self.count("instances", self.active(query)?).await?.unsigned_abs())
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
        let order = format!("ORDER BY {ORDER} LIMIT {}", limit + 1);
        // One transaction, so that an instance and its metadata are consistent.
        let mut transaction = self.pool.begin().await?;
        let mut rows = self.select_columns(&mut *transaction, INSTANCE, "instances", condition, &order).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_marker = rows.last().filter(|_| has_more).map(|last| json!(Marker::of(last)).to_string());
        let mut documents: Vec<_> = rows.iter().map(instance).collect();
        self.add_children(&mut transaction, &mut documents).await?;
        transaction.rollback().await?;
        let mut page = InstancePage { instances: Vec::new(), unreadable: Vec::new(), next_marker };
        for document in documents {
            match document {
                Ok(document) => page.instances.push(Json::Object(document).to_string()),
                Err(unreadable) => page.unreadable.push(unreadable),
            }
        }
        Ok(page)
    }

    /// Selects the instances that existed at any time of a window, soft-deleted ones included. An unreadable timestamp
    /// can be in any window, so it leaves out no instance.
    fn active(&self, query: &WindowQuery) -> Result<Condition> {
        let placeholder = self.dialect.timestamp();
        let begin = time(&timestamp(&query.begin)?);
        let is_terminated = self.dialect.is_timestamp("terminated_at");
        let sql = format!("(terminated_at IS NULL OR terminated_at > {placeholder} OR NOT {is_terminated})");
        let mut condition = self.condition().and(sql, [begin]);
        if let Some(end) = optional_timestamp(query.end.as_deref())? {
            let is_launched = self.dialect.is_timestamp("launched_at");
            let sql = format!("launched_at IS NOT NULL AND (launched_at < {placeholder} OR NOT {is_launched})");
            condition = condition.and(sql, [time(&end)]);
        }
        if let Some(project_id) = query.project_id.as_deref() {
            condition = condition.equal("project_id", project_id);
        }
        if let Some(host) = query.host.as_deref() {
            condition = condition.equal("host", host);
        }
        Ok(condition)
    }

    /// Adds the members that come from other tables. An instance with an unreadable row there becomes unreadable.
    async fn add_children(&self, connection: &mut AnyConnection, documents: &mut [Document]) -> Result<()> {
        let uuids: Vec<String> = documents.iter().flatten().map(|document| uuid(document).to_owned()).collect();
        if uuids.is_empty() {
            return Ok(());
        }
        for child in CHILDREN.into_iter().filter(|child| self.reads(child)) {
            let mut rows = self.children(connection, &child, &uuids).await?;
            for instance in &mut *documents {
                let Ok(document) = instance else { continue };
                match rows.remove(uuid(document)).unwrap_or_else(|| Ok(Vec::new())) {
                    Ok(rows) => drop(document.insert(child.member.to_owned(), (child.value)(rows))),
                    Err(error) => {
                        let instance_id = document.get("id").and_then(Json::as_i64);
                        let instance_uuid = Some(uuid(document).to_owned());
                        *instance = Err(UnreadableInstance { instance_uuid, instance_id, error });
                    }
                }
            }
        }
        Ok(())
    }

    fn reads(&self, child: &Child) -> bool {
        let is_wanted = match child.table {
            "block_device_mapping" => self.reads_block_devices,
            "share_mapping" => self.reads_shares,
            _ => true,
        };
        is_wanted && self.tables.has_table(child.table)
    }

    /// Returns the rows of a child table, oldest first.
    async fn children(&self, connection: &mut AnyConnection, child: &Child, uuids: &[String]) -> Result<Children> {
        let live_only = child.live_only.contains(&self.schema());
        let condition = if live_only { self.live() } else { self.condition() };
        let condition = condition.one_of("instance_uuid", uuids);
        let columns = [OF_CHILD, child.columns].concat();
        let rows = self.select_columns(connection, &columns, child.table, condition, "ORDER BY id").await?;
        let mut children = Children::new();
        for row in &rows {
            let Some(instance_uuid) = row.text(0) else { continue };
            let of_instance = children.entry(instance_uuid).or_insert_with(|| Ok(Vec::new()));
            if let Ok(documents) = of_instance {
                match row.document(&columns) {
                    Ok(mut document) => {
                        document.retain(|name, _| child.columns.iter().any(|column| column.name == name));
                        documents.push(document);
                    }
                    Err(unreadable) => *of_instance = Err(unreadable_column(child.table, row.integer(1), unreadable)),
                }
            }
        }
        Ok(children)
    }
}

fn window(begin: &str, end: &str) -> WindowQuery {
    WindowQuery { begin: begin.into(), end: Some(end.into()), project_id: None, host: None }
}
