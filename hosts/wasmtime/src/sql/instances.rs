use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sqlx::any::AnyRow;
use sqlx::query::Query;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::{Dialect, SqlConductor, Window, moment as sql_moment};
use crate::bindings::nova::compute_utils::conductor::{HostError, InstancePage, WindowQuery};
use crate::datetime;

/// No page holds more, whatever is asked for: the databases limit how many UUIDs fit in a query.
const LARGEST_PAGE: u32 = 1000;

/// How a column of `instances` comes out of the database.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Integer,
    Boolean,
    Moment,
}

/// What of `instances` is in a document. Left out: columns that no code of Nova has used for years, and what may hold
/// secrets (`user_data`, `key_data`). The two that paging needs come first.
const COLUMNS: [(&str, Kind); 46] = [
    ("project_id", Kind::Text),
    ("uuid", Kind::Text),
    ("created_at", Kind::Moment),
    ("updated_at", Kind::Moment),
    ("deleted_at", Kind::Moment),
    ("deleted", Kind::Integer),
    ("id", Kind::Integer),
    ("user_id", Kind::Text),
    ("image_ref", Kind::Text),
    ("kernel_id", Kind::Text),
    ("ramdisk_id", Kind::Text),
    ("hostname", Kind::Text),
    ("launch_index", Kind::Integer),
    ("key_name", Kind::Text),
    ("power_state", Kind::Integer),
    ("vm_state", Kind::Text),
    ("task_state", Kind::Text),
    ("memory_mb", Kind::Integer),
    ("vcpus", Kind::Integer),
    ("root_gb", Kind::Integer),
    ("ephemeral_gb", Kind::Integer),
    ("host", Kind::Text),
    ("node", Kind::Text),
    ("compute_id", Kind::Integer),
    ("instance_type_id", Kind::Integer),
    ("reservation_id", Kind::Text),
    ("launched_at", Kind::Moment),
    ("terminated_at", Kind::Moment),
    ("availability_zone", Kind::Text),
    ("display_name", Kind::Text),
    ("display_description", Kind::Text),
    ("locked", Kind::Boolean),
    ("locked_by", Kind::Text),
    ("os_type", Kind::Text),
    ("architecture", Kind::Text),
    ("vm_mode", Kind::Text),
    ("root_device_name", Kind::Text),
    ("default_ephemeral_device", Kind::Text),
    ("default_swap_device", Kind::Text),
    ("config_drive", Kind::Text),
    ("access_ip_v4", Kind::Text),
    ("access_ip_v6", Kind::Text),
    ("auto_disk_config", Kind::Boolean),
    ("progress", Kind::Integer),
    ("cell_name", Kind::Text),
    ("hidden", Kind::Boolean),
];

/// Which instances: a condition, and what to bind there.
pub(super) struct Filter {
    begin: String,
    end: Option<String>,
    project_id: Option<String>,
    host: Option<String>,
}

impl Filter {
    pub(super) fn read(query: WindowQuery) -> Result<Self, HostError> {
        Ok(Self {
            begin: sql_moment(&query.begin)?,
            end: query.end.as_deref().map(sql_moment).transpose()?,
            project_id: query.project_id,
            host: query.host,
        })
    }

    /// Those of any project and host.
    fn of_window(window: &Window) -> Self {
        Self { begin: window.begin.clone(), end: Some(window.end.clone()), project_id: None, host: None }
    }

    /// Alive at any time of the window, soft-deleted rows included.
    fn condition(&self, dialect: Dialect) -> String {
        let moment = dialect.moment();
        let alive = format!("(i.terminated_at IS NULL OR i.terminated_at > {moment})");
        let launched = self.end.as_ref().map(|_| format!("i.launched_at < {moment}"));
        let project = self.project_id.as_ref().map(|_| "i.project_id = ?".to_owned());
        let host = self.host.as_ref().map(|_| "i.host = ?".to_owned());
        let conditions: Vec<String> = [Some(alive), launched, project, host].into_iter().flatten().collect();
        conditions.join(" AND ")
    }

    /// In the order of the condition.
    fn values(&self) -> impl Iterator<Item = &String> {
        [Some(&self.begin), self.end.as_ref(), self.project_id.as_ref(), self.host.as_ref()].into_iter().flatten()
    }
}

/// The last instance of a page.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Marker {
    project_id: Option<String>,
    uuid: String,
}

impl Marker {
    pub(super) fn read(text: &str) -> Result<Self, HostError> {
        serde_json::from_str(text).map_err(|_| HostError {
            code: "MarkerNotFound".into(),
            message: format!("Marker {text} could not be found."),
        })
    }

    fn of(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self { project_id: row.try_get(0)?, uuid: row.try_get(1)? })
    }

    /// What comes after it, and what to bind there. Nulls come first, in every database.
    fn after(self) -> (&'static str, Vec<String>) {
        match self.project_id {
            None => ("AND (i.project_id IS NOT NULL OR i.uuid > ?)", vec![self.uuid]),
            Some(project_id) => (
                "AND (i.project_id > ? OR (i.project_id = ? AND i.uuid > ?))",
                vec![project_id.clone(), project_id, self.uuid],
            ),
        }
    }
}

pub(super) async fn page(
    conductor: &SqlConductor,
    filter: &Filter,
    marker: Option<Marker>,
    limit: u32,
) -> Result<InstancePage, sqlx::Error> {
    // A page of none would never end.
    let limit = limit.clamp(1, LARGEST_PAGE);
    // One transaction, so that an instance and its metadata are of one moment.
    let mut transaction = conductor.pool.begin().await?;
    let mut rows = select(&mut transaction, conductor.dialect, filter, marker, limit + 1).await?;
    let keep = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > keep;
    rows.truncate(keep);
    let next_marker = match rows.last() {
        Some(last) if more => Some(json!(Marker::of(last)?).to_string()),
        _ => None,
    };
    let instances = documents(&mut transaction, conductor.dialect, &rows).await?;
    transaction.rollback().await?;
    Ok(InstancePage { instances, next_marker })
}

pub(super) async fn count(conductor: &SqlConductor, filter: &Filter) -> Result<u64, sqlx::Error> {
    let dialect = conductor.dialect;
    let sql = format!("SELECT COUNT(*) FROM instances i WHERE {}", filter.condition(dialect));
    let query = sqlx::query(AssertSqlSafe(dialect.placeholders(sql)));
    let count: i64 = filter.values().fold(query, Query::bind).fetch_one(&conductor.pool).await?.try_get(0)?;
    Ok(count.unsigned_abs())
}

pub(super) async fn hosts(conductor: &SqlConductor, window: &Window) -> Result<Vec<String>, sqlx::Error> {
    let dialect = conductor.dialect;
    let filter = Filter::of_window(window);
    let sql = format!(
        "SELECT i.host FROM instances i WHERE {} AND i.host IS NOT NULL UNION \
         SELECT s.host FROM services s WHERE s.binary = 'nova-compute' AND s.deleted = 0 AND s.host IS NOT NULL",
        filter.condition(dialect)
    );
    let query = sqlx::query(AssertSqlSafe(dialect.placeholders(sql)));
    let rows = filter.values().fold(query, Query::bind).fetch_all(&conductor.pool).await?;
    // Sorted here: databases differ in how they sort text.
    let hosts: BTreeSet<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(hosts.into_iter().collect())
}

async fn select(
    connection: &mut AnyConnection,
    dialect: Dialect,
    filter: &Filter,
    marker: Option<Marker>,
    limit: u32,
) -> Result<Vec<AnyRow>, sqlx::Error> {
    let columns = COLUMNS.map(|(name, kind)| {
        let column = format!("i.{name}");
        match kind {
            Kind::Text | Kind::Integer => column,
            Kind::Boolean => format!("CASE WHEN {column} THEN 1 WHEN NOT {column} THEN 0 END"),
            Kind::Moment => dialect.moment_text(&column),
        }
    });
    let (after, markers) = marker.map(Marker::after).unwrap_or_default();
    let sql = format!(
        "SELECT {} FROM instances i WHERE {} {after} \
         ORDER BY CASE WHEN i.project_id IS NULL THEN 0 ELSE 1 END, i.project_id, i.uuid LIMIT {limit}",
        columns.join(", "),
        filter.condition(dialect)
    );
    let query = sqlx::query(AssertSqlSafe(dialect.placeholders(sql)));
    filter.values().chain(&markers).fold(query, Query::bind).fetch_all(connection).await
}

/// The rows of `instances` and what other tables say of them, one query per table.
async fn documents(
    connection: &mut AnyConnection,
    dialect: Dialect,
    rows: &[AnyRow],
) -> Result<Vec<String>, sqlx::Error> {
    let uuids = rows.iter().map(|row| row.try_get(1)).collect::<Result<Vec<String>, _>>()?;
    if uuids.is_empty() {
        return Ok(Vec::new());
    }
    let metadata_columns = "c.key, c.value, c.deleted";
    let mut metadata =
        children(connection, dialect, "instance_metadata", metadata_columns, &uuids, metadata_item).await?;
    let mut system_metadata =
        children(connection, dialect, "instance_system_metadata", metadata_columns, &uuids, metadata_item).await?;
    let network_info = dialect.bytes("c.network_info");
    let info_caches = children(connection, dialect, "instance_info_caches", &network_info, &uuids, info_cache).await?;
    let flavors = children(connection, dialect, "instance_extra", &dialect.bytes("c.flavor"), &uuids, text).await?;

    let first = |table: &HashMap<String, Vec<Value>>, uuid| table.get(uuid).and_then(|rows| rows.first()).cloned();
    let documents = rows.iter().zip(&uuids).map(|(row, uuid)| {
        let mut document = columns(row)?;
        document.insert("metadata".into(), metadata.remove(uuid).unwrap_or_default().into());
        document.insert("system_metadata".into(), system_metadata.remove(uuid).unwrap_or_default().into());
        document.insert("info_cache".into(), first(&info_caches, uuid).unwrap_or_default());
        document.insert("flavor".into(), first(&flavors, uuid).unwrap_or_default());
        Ok(Value::Object(document).to_string())
    });
    documents.collect()
}

fn columns(row: &AnyRow) -> Result<Map<String, Value>, sqlx::Error> {
    let value = |(index, (name, kind)): (usize, &(&str, Kind))| {
        let value = match kind {
            Kind::Text => row.try_get::<Option<String>, _>(index)?.into(),
            Kind::Integer => row.try_get::<Option<i64>, _>(index)?.into(),
            Kind::Boolean => row.try_get::<Option<i64>, _>(index)?.map(|value| value != 0).into(),
            Kind::Moment => row.try_get::<Option<String>, _>(index)?.map(moment).into(),
        };
        Ok(((*name).to_owned(), value))
    };
    COLUMNS.iter().enumerate().map(value).collect()
}

/// What is no moment stays as it is: who reads the document shall say so.
fn moment(text: String) -> String {
    datetime::parse(&text).map_or(text, datetime::isoformat)
}

/// The rows of a table by the instance that they belong to, oldest first.
async fn children(
    connection: &mut AnyConnection,
    dialect: Dialect,
    table: &str,
    columns: &str,
    uuids: &[String],
    value: fn(&AnyRow) -> Result<Value, sqlx::Error>,
) -> Result<HashMap<String, Vec<Value>>, sqlx::Error> {
    let placeholders = vec!["?"; uuids.len()].join(", ");
    let sql = format!(
        "SELECT {columns}, c.instance_uuid FROM {table} c WHERE c.instance_uuid IN ({placeholders}) ORDER BY c.id"
    );
    let query = sqlx::query(AssertSqlSafe(dialect.placeholders(sql)));
    let rows = uuids.iter().fold(query, Query::bind).fetch_all(connection).await?;
    let mut children: HashMap<String, Vec<Value>> = HashMap::new();
    for row in &rows {
        children.entry(row.try_get("instance_uuid")?).or_default().push(value(row)?);
    }
    Ok(children)
}

fn metadata_item(row: &AnyRow) -> Result<Value, sqlx::Error> {
    let (key, value): (Option<String>, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    let deleted: Option<i64> = row.try_get(2)?;
    Ok(json!({ "key": key, "value": value, "deleted": deleted }))
}

fn info_cache(row: &AnyRow) -> Result<Value, sqlx::Error> {
    Ok(json!({ "network_info": text(row)? }))
}

fn text(row: &AnyRow) -> Result<Value, sqlx::Error> {
    let bytes: Option<Vec<u8>> = row.try_get(0)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).into())
}
