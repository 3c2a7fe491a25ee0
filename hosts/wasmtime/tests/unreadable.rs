//! One bad value costs one instance: SQLite stores any bytes in any column, and every other instance is audited.

mod common;
#[path = "common/nova.rs"]
mod nova;

use std::collections::BTreeSet;

use common::{Cell, volumes_and_a_share};
use nova_compute_utils_wasmtime::conductor::{Context, Host as _, UnreadableInstance, WindowQuery};
use nova_compute_utils_wasmtime::types::Release;
use nova_compute_utils_wasmtime::{Clock, SqlConductor};
use serde_json::{Value, json};

const BEGIN: &str = "2026-10-01T00:00:00.000000";
const END: &str = "2026-11-01T00:00:00.000000";

/// Text that is not UTF-8.
const NOT_UTF_8: &str = "CAST(x'61ff' AS TEXT)";

fn window() -> WindowQuery {
    WindowQuery { begin: BEGIN.into(), end: Some(END.into()), project_id: None, host: None }
}

/// Reads all instances of a window, page by page, and compares their number with the count.
async fn read(conductor: &mut SqlConductor, query: &WindowQuery, limit: u32) -> (Vec<Value>, Vec<UnreadableInstance>) {
    let (mut instances, mut unreadable, mut marker) = (Vec::new(), Vec::new(), None);
    loop {
        let page = conductor.instance_get_active_by_window(Context::default(), query.clone(), marker, limit).await;
        let page = page.expect("a page");
        let size = page.instances.len() + page.unreadable.len();
        assert!(size <= usize::try_from(limit).expect("a size") && (size > 0 || page.next_marker.is_none()));
        instances.extend(page.instances.iter().map(|text| serde_json::from_str::<Value>(text).expect("JSON")));
        unreadable.extend(page.unreadable);
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    let count = conductor.instance_count(query).await.expect("a number");
    assert_eq!(count, u64::try_from(instances.len() + unreadable.len()).expect("a number"));
    (instances, unreadable)
}

/// Returns the ids of instances.
fn ids(instances: &[Value]) -> BTreeSet<i64> {
    instances.iter().map(|instance| instance["id"].as_i64().expect("an id")).collect()
}

/// A cell with one instance that has rows in all tables of a document.
struct Bad {
    cell: Cell,
    conductor: SqlConductor,
    instances: Vec<Value>,
    uuid: String,
    id: i64,
}

impl Bad {
    async fn new() -> Self {
        let cell = Cell::unpack("month");
        let mut conductor = cell.conductor(Clock::System).await.with_block_devices(true).with_shares(true);
        let (instances, _) = read(&mut conductor, &window(), 1000).await;
        let instance = instances.iter().find(|row| row["metadata"][0].is_object() && row["deleted"] == 0);
        let instance = instance.expect("an instance with metadata");
        let (uuid, id) =
            (instance["uuid"].as_str().expect("a text").to_owned(), instance["id"].as_i64().expect("an id"));
        cell.execute(&volumes_and_a_share(&uuid)).await;
        let tables = ["instances", "instance_metadata", "instance_system_metadata", "instance_info_caches"];
        for table in tables.into_iter().chain(["instance_extra", "block_device_mapping", "share_mapping"]) {
            cell.execute(&format!("CREATE TABLE saved_{table} AS SELECT * FROM {table}")).await;
        }
        Self { cell, conductor, instances, uuid, id }
    }

    /// Returns the number of the last row of the instance in a table.
    async fn row(&self, table: &str) -> i64 {
        let key = if table == "instances" { "uuid" } else { "instance_uuid" };
        let sql = format!("SELECT MAX(id) FROM {table} WHERE {key} = '{}'", self.uuid);
        let pool = self.cell.pool().await;
        let row: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&pool).await.expect("a number");
        pool.close().await;
        row.unwrap_or_else(|| panic!("no row in {table}"))
    }

    /// Stores a value, an SQL expression, in a column of the last row of the instance, reads all instances, and restores
    /// the column.
    async fn store(&mut self, table: &str, column: &str, value: &str) -> (Vec<Value>, Vec<UnreadableInstance>) {
        let row = self.row(table).await;
        self.cell.execute(&format!("UPDATE {table} SET {column} = {value} WHERE id = {row}")).await;
        let found = read(&mut self.conductor, &window(), 7).await;
        let saved = format!("(SELECT {column} FROM saved_{table} WHERE id = {row})");
        self.cell.execute(&format!("UPDATE {table} SET {column} = {saved} WHERE id = {row}")).await;
        found
    }

    /// Checks that a bad value makes only its instance unreadable, and that the error names it.
    async fn check(&mut self, table: &str, column: &str, value: &str, problem: &str) {
        let row = self.row(table).await;
        let (instances, unreadable) = self.store(table, column, value).await;
        let name = format!("{table}.{column} = {value}");
        let [bad] = &unreadable[..] else { panic!("{name}: {unreadable:?}") };
        let uuid = Some(self.uuid.as_str()).filter(|_| (table, column) != ("instances", "uuid"));
        assert_eq!((bad.instance_uuid.as_deref(), bad.instance_id), (uuid, Some(self.id)), "{name}");
        assert_eq!(bad.error.code, "UnreadableColumn", "{name}");
        assert_eq!(bad.error.message, format!("the column `{table}.{column}` of the row {row} {problem}"), "{name}");
        let arguments: Value = serde_json::from_str(&bad.error.arguments).expect("JSON");
        assert_eq!(arguments, json!({ "table": table, "column": column, "id": row }), "{name}");
        let mut expected = ids(&self.instances);
        expected.remove(&self.id);
        assert_eq!(ids(&instances), expected, "{name}");
    }

    /// Returns the document of the instance with another value, which must be readable.
    async fn document(&mut self, table: &str, column: &str, value: &str) -> Value {
        let (instances, unreadable) = self.store(table, column, value).await;
        assert!(unreadable.is_empty(), "{table}.{column} = {value}: {unreadable:?}");
        instances.into_iter().find(|instance| instance["id"] == self.id).expect("the instance")
    }
}

#[tokio::test]
async fn a_bad_value_in_any_column_makes_one_instance_unreadable() {
    let mut bad = Bad::new().await;
    let pool = bad.cell.pool().await;
    let document = bad.instances[0].as_object().expect("a document").clone();
    let mut checked = 0;
    for (table, prefix) in [
        ("instances", ""),
        ("instance_metadata", "metadata"),
        ("instance_system_metadata", "system_metadata"),
        ("instance_info_caches", "info_cache"),
        ("instance_extra", "flavor"),
        ("block_device_mapping", "device_name boot_index delete_on_termination volume_id tag"),
        ("share_mapping", "uuid share_id status tag"),
    ] {
        let sql = format!("SELECT name, type FROM pragma_table_info('{table}')");
        let columns: Vec<(String, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&pool).await.expect("columns");
        for (column, kind) in columns {
            let is_read = match table {
                "instances" => column != "id" && document.contains_key(&column),
                "instance_metadata" | "instance_system_metadata" => ["key", "value", "deleted"].contains(&&*column),
                "instance_info_caches" => column == "network_info",
                "instance_extra" => column == "flavor",
                _ => prefix.split(' ').any(|name| name == column),
            };
            if !is_read {
                continue;
            }
            match kind.split('(').next().expect("a type") {
                "VARCHAR" | "TEXT" | "BOOLEAN" => bad.check(table, &column, NOT_UTF_8, "is not UTF-8 text").await,
                "INTEGER" | "BIGINT" => bad.check(table, &column, "'many'", "is not an integer").await,
                "DATETIME" => bad.check(table, &column, "'yesterday'", "is not a timestamp").await,
                other => panic!("{table}.{column}: {other}"),
            }
            checked += 1;
        }
    }
    pool.close().await;
    assert_eq!(checked, 62);
}

#[tokio::test]
async fn reads_what_nova_reads() {
    let mut bad = Bad::new().await;
    for (column, value, expected) in [
        // SQLite converts a number to the type of the column.
        ("display_name", "1234", json!("1234")),
        ("memory_mb", "'512'", json!(512)),
        ("memory_mb", "' 512 '", json!(512)),
        // Python's `int` drops the fraction, and `bool` is false for what is empty.
        ("memory_mb", "1.5", json!(1)),
        ("memory_mb", "-1.5", json!(-1)),
        ("locked", "'false'", json!(true)),
        ("locked", "''", json!(false)),
        ("locked", "x''", json!(false)),
        ("locked", "0.5", json!(true)),
        ("locked", "7", json!(true)),
        ("launched_at", "'2026-10-02'", json!("2026-10-02T00:00:00.000000")),
        ("launched_at", "'2026-10-02T03:04:05.6'", json!("2026-10-02T03:04:05.600000")),
        ("display_name", "NULL", Value::Null),
    ] {
        assert_eq!(bad.document("instances", column, value).await[column], expected, "{column} = {value}");
    }
    let flavor = bad.document("instance_extra", "flavor", "CAST(flavor AS BLOB)").await["flavor"].take();
    assert!(flavor.as_str().is_some_and(|text| text.starts_with('{')), "Python parses JSON from bytes");
}

#[tokio::test]
async fn rejects_what_nova_cannot_read() {
    let mut bad = Bad::new().await;
    for (column, value, problem) in [
        ("display_name", "x'61'", "is not text"),
        ("uuid", NOT_UTF_8, "is not UTF-8 text"),
        ("uuid", "x'61'", "is not text"),
        ("project_id", "x'61'", "is not text"),
        ("memory_mb", "x'31'", "is not an integer"),
        ("memory_mb", "9e999", "is not an integer"),
        ("memory_mb", "1e19", "is not an integer"),
        ("memory_mb", "''", "is not an integer"),
        ("launched_at", "20261001", "is not a timestamp"),
        ("launched_at", "1.5", "is not a timestamp"),
        ("launched_at", "x'00'", "is not a timestamp"),
        ("launched_at", "''", "is not a timestamp"),
        ("terminated_at", "'2026-02-30 00:00:00'", "is not a timestamp"),
        ("terminated_at", "'2026-10-05 24:00:00'", "is not a timestamp"),
        ("created_at", NOT_UTF_8, "is not a timestamp"),
    ] {
        bad.check("instances", column, value, problem).await;
    }
}

/// Such a value is before or after the window, as a string.
#[tokio::test]
async fn an_unparseable_timestamp_does_not_drop_the_instance() {
    let mut bad = Bad::new().await;
    for value in
        ["'now'", "'0'", "''", "'zzz'", "'2459000.5'", "'2026-13-01 00:00:00'", "'9999-99-99'", "x'ff'", NOT_UTF_8]
    {
        for column in ["launched_at", "terminated_at"] {
            bad.check("instances", column, value, "is not a timestamp").await;
        }
    }
    // Outside of the window by the other timestamp, or readable and outside.
    for (launched_at, terminated_at) in [
        ("'zzz'", "'2026-09-30 00:00:00.000000'"),
        ("'2026-11-02 00:00:00.000000'", "''"),
        ("'2026-11-02T00:00:00'", "NULL"),
        ("'2026-11-02'", "NULL"),
        ("NULL", "'zzz'"),
    ] {
        let set = format!("launched_at = {launched_at}, terminated_at = {terminated_at}");
        bad.cell.execute(&format!("UPDATE instances SET {set} WHERE id = {}", bad.id)).await;
        let (instances, unreadable) = read(&mut bad.conductor, &window(), 1000).await;
        assert!(unreadable.is_empty(), "{set}: {unreadable:?}");
        assert!(!ids(&instances).contains(&bad.id), "{set}");
    }
}

#[tokio::test]
async fn unreadable_keys_do_not_break_the_order_of_pages() {
    let cell = Cell::unpack("month");
    let mut conductor = cell.conductor(Clock::System).await;
    let (instances, _) = read(&mut conductor, &window(), 1000).await;
    cell.execute(
        "PRAGMA writable_schema = ON; \
         UPDATE sqlite_master SET sql = replace(sql, 'uuid VARCHAR(36) NOT NULL', 'uuid VARCHAR(36)') \
         WHERE name = 'instances'",
    )
    .await;
    cell.execute(
        "UPDATE instances SET project_id = CASE id % 5 WHEN 0 THEN CAST(x'ff' AS TEXT) WHEN 1 THEN x'ff' \
         WHEN 2 THEN NULL WHEN 3 THEN '' ELSE CAST(x'61ff' AS TEXT) END; \
         UPDATE instances SET uuid = CAST(x'ff' || id AS TEXT) WHERE id % 3 = 0; \
         UPDATE instances SET uuid = CAST(uuid AS BLOB) WHERE id % 7 = 0; \
         UPDATE instances SET uuid = NULL WHERE id % 11 = 0",
    )
    .await;
    for limit in [1, 2, 3, 10, 1000] {
        let (readable, unreadable) = read(&mut conductor, &window(), limit).await;
        let mut found: Vec<_> = unreadable.iter().map(|bad| bad.instance_id.expect("an id")).collect();
        assert!(unreadable.iter().any(|bad| bad.error.message.ends_with("is null")));
        found.extend(ids(&readable));
        assert_eq!(found.len(), instances.len(), "{limit}");
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), ids(&instances), "{limit}");
        assert!(!readable.is_empty());
    }
}

#[tokio::test]
async fn lists_the_instances_whose_host_has_no_name() {
    let cell = Cell::unpack("month");
    let conductor = cell.conductor(Clock::System).await;
    let hosts = conductor.hosts(BEGIN, END).await.expect("hosts");
    assert!(conductor.instances_without_host_name(BEGIN, END).await.expect("ids").is_empty());
    let (instances, _) = read(&mut conductor.clone(), &window(), 1000).await;
    let ids: Vec<i64> = ids(&instances).into_iter().collect();
    let values = ["CAST(x'ff' AS TEXT)", "x'636d702d3031'", "NULL"];
    for (id, value) in ids.iter().zip(values) {
        cell.execute(&format!("UPDATE instances SET host = {value} WHERE id = {id}")).await;
    }
    // One outside of the window.
    cell.execute("UPDATE instances SET host = x'00' WHERE terminated_at < '2026-09-01'").await;
    assert_eq!(conductor.instances_without_host_name(BEGIN, END).await.expect("ids"), ids[..2]);
    assert_eq!(conductor.hosts(BEGIN, END).await.expect("hosts"), hosts);
}

#[tokio::test]
async fn knows_every_host_that_a_row_names() {
    let cell = Cell::unpack("hour15");
    cell.execute(
        "INSERT INTO services (host, binary, topic, report_count, deleted) VALUES ('gone', 'nova-compute', 't', 0, 3), \
         ('api', 'nova-scheduler', 't', 0, 0), (CAST(x'ff' AS TEXT), 'nova-compute', 't', 0, 0), \
         (NULL, 'nova-compute', 't', 0, 0); \
         UPDATE instances SET host = 'old', deleted = id, terminated_at = '2020-01-01 00:00:00.000000' \
         WHERE id = (SELECT MIN(id) FROM instances)",
    )
    .await;
    let conductor = cell.conductor(Clock::System).await;
    assert_eq!(conductor.known_hosts().await.expect("hosts"), ["cmp-01", "cmp-02", "gone", "old"]);
}

#[tokio::test]
async fn audits_all_other_instances_of_a_cell() {
    let cell = Cell::unpack("month");
    let (instances, _) = read(&mut cell.conductor(Clock::System).await, &window(), 1000).await;
    let uuid = |index: usize| instances[index]["uuid"].as_str().expect("a text").to_owned();
    let bad: Vec<String> = (0..6).map(|index| uuid(index * 7)).collect();
    let of = |column: &str, index: usize| format!("WHERE {column} = '{}'; ", bad[index]);
    let sql = [
        "UPDATE instances SET display_name = CAST(x'61ff' AS TEXT) ".to_owned() + &of("uuid", 0),
        "UPDATE instances SET memory_mb = 'many' ".to_owned() + &of("uuid", 1),
        "UPDATE instances SET launched_at = 'yesterday' ".to_owned() + &of("uuid", 2),
        "UPDATE instance_system_metadata SET value = CAST(x'ff' AS TEXT) ".to_owned() + &of("instance_uuid", 3),
        "UPDATE instance_extra SET flavor = CAST(x'ff' AS TEXT) ".to_owned() + &of("instance_uuid", 4),
        "DELETE FROM instance_extra ".to_owned() + &of("instance_uuid", 5),
    ];
    cell.execute(&sql.concat()).await;
    let (reports, notifications) = nova::audit(&cell, Release::Hibiscus).await;
    let failures: Vec<_> = reports.iter().flat_map(|report| &report.failures).collect();
    let failed: BTreeSet<_> = failures.iter().filter_map(|failure| failure.instance_uuid.clone()).collect();
    assert_eq!(failed, bad.iter().cloned().collect(), "{failures:?}");
    let codes: Vec<_> = failures.iter().map(|failure| failure.error.code.as_str()).collect();
    assert_eq!(codes.iter().filter(|code| **code == "UnreadableColumn").count(), 5, "{codes:?}");

    let is_other = |notification: &Value| {
        let payload = &notification["payload"];
        let uuid = payload["instance_id"].as_str().or_else(|| payload["nova_object.data"]["uuid"].as_str());
        !bad.iter().any(|bad| Some(bad.as_str()) == uuid)
    };
    let golden: Vec<_> = nova::golden(&cell).into_iter().filter(is_other).collect();
    assert_eq!(notifications.len(), (instances.len() - 6) * 2);
    assert_eq!(notifications, golden);
}
