//! Cells as the releases of Nova make them: the columns that each lacks, and what cannot be missing.

mod common;
#[path = "common/nova.rs"]
mod nova;

use std::collections::BTreeMap;

use common::{Cell, read_json, workspace};
use nova_compute_utils_wasmtime::conductor::{ActionEventStartValues, ActionStartValues, Context, Host as _};
use nova_compute_utils_wasmtime::types::Release;
use nova_compute_utils_wasmtime::{Clock, OpenError, Schema, SqlConductor, VolUsageUpdate};
use serde_json::{Value, json};

/// The columns of each table and their types.
type Tables = BTreeMap<String, BTreeMap<String, String>>;

fn schema(release: &str) -> Tables {
    let file = read_json(&workspace().join(format!("tests/cells/schemas/{release}.json")));
    serde_json::from_value(file).expect("tables with columns")
}

/// Rebuilds the tables of a cell with the columns of a release. Columns that the cell lacks are null.
async fn reshape(cell: &Cell, release: &str) {
    let (current, wanted) = (schema("2026.2"), schema(release));
    let mut sql = Vec::new();
    for (table, columns) in &current {
        let Some(wanted) = wanted.get(table) else {
            sql.push(format!("DROP TABLE {table}"));
            continue;
        };
        let key = |name: &str| if name == "id" { " PRIMARY KEY" } else { "" };
        let definitions: Vec<_> = wanted.iter().map(|(name, kind)| format!("{name} {kind}{}", key(name))).collect();
        let kept: Vec<_> = wanted.keys().filter(|name| columns.contains_key(*name)).cloned().collect();
        let (definitions, kept) = (definitions.join(", "), kept.join(", "));
        sql.push(format!("CREATE TABLE rebuilt ({definitions})"));
        sql.push(format!("INSERT INTO rebuilt ({kept}) SELECT {kept} FROM {table}"));
        sql.push(format!("DROP TABLE {table}"));
        sql.push(format!("ALTER TABLE rebuilt RENAME TO {table}"));
    }
    cell.execute(&sql.join("; ")).await;
}

#[tokio::test]
async fn audits_the_cells_of_each_release_as_that_of_today() {
    for release in ["2023.1", "2024.1", "2025.1", "2026.2"] {
        let cell = Cell::unpack("month");
        reshape(&cell, release).await;
        assert_eq!(cell.conductor(Clock::System).await.schema(), Schema::Hibiscus, "{release}");
        let (reports, notifications) = nova::audit(&cell, Release::Hibiscus).await;
        assert!(reports.iter().all(|report| report.failures.is_empty()), "{release}");
        assert_eq!(notifications, nova::golden(&cell), "{release}");
    }
}

/// Copies the flavor of each instance to its system metadata, where `grizzly` reads it.
const FLAVORS_TO_SYSTEM_METADATA: &str = r#"
    INSERT INTO instance_system_metadata (instance_uuid, key, value, deleted)
    SELECT instance_extra.instance_uuid, 'instance_type_' || field.key, field.value, 0
    FROM instance_extra, json_each(instance_extra.flavor, '$.cur."nova_object.data"') AS field
    WHERE field.key IN ('id', 'name', 'flavorid', 'memory_mb', 'vcpus', 'root_gb', 'ephemeral_gb', 'swap', 'rxtx_factor',
                        'vcpu_weight');
"#;

/// The members of a payload that both releases fill from the same columns, in the same form.
const COMMON: &str = "tenant_id user_id instance_id display_name reservation_id hostname instance_type instance_type_id \
    architecture memory_mb disk_gb vcpus root_gb ephemeral_gb host node image_ref_url os_type kernel_id ramdisk_id state \
    state_description access_ip_v4 access_ip_v6 launched_at audit_period_beginning audit_period_ending";

#[tokio::test]
async fn audits_the_cells_of_grizzly() {
    let cell = Cell::unpack("month");
    cell.execute(FLAVORS_TO_SYSTEM_METADATA).await;
    reshape(&cell, "grizzly").await;
    assert_eq!(cell.conductor(Clock::System).await.schema(), Schema::Grizzly);
    let (reports, notifications) = nova::audit(&cell, Release::Grizzly).await;
    for report in &reports {
        assert!(report.failures.is_empty(), "{:?}", report.failures);
    }
    let is_unversioned = |golden: &Value| golden["event_type"] == "compute.instance.exists";
    let golden: Vec<_> = nova::golden(&cell).into_iter().filter(is_unversioned).collect();
    assert_eq!(notifications.len(), golden.len());
    let metadata = |payload: &Value| payload["metadata"].as_array().expect("rows").clone();
    assert!(notifications.iter().any(|notification| !metadata(&notification["payload"]).is_empty()));
    for (notification, golden) in notifications.iter().zip(&golden) {
        let (payload, golden) = (&notification["payload"], &golden["payload"]);
        for member in COMMON.split_whitespace() {
            assert_eq!(payload[member], golden[member], "{member} of {}", golden["instance_id"]);
        }
        // `grizzly` sends the live rows.
        let rows = metadata(payload);
        let pairs: BTreeMap<_, _> = rows.iter().map(|row| (row["key"].to_string(), row["value"].clone())).collect();
        let expected = golden["metadata"].as_object().expect("a mapping").iter();
        assert_eq!(pairs, expected.map(|(key, value)| (json!(key).to_string(), value.clone())).collect());
    }
}

#[tokio::test]
async fn writes_only_the_columns_of_the_database() {
    let cell = Cell::unpack("hour15");
    reshape(&cell, "grizzly").await;
    let mut conductor = cell.conductor(Clock::System).await;
    let time = "2026-11-01T00:00:00.000000".to_owned();
    let action = ActionStartValues {
        action: Some("stop".into()),
        instance_uuid: "uuid-1".into(),
        request_id: Some("req-1".into()),
        user_id: None,
        project_id: None,
        start_time: Some(time.clone()),
        updated_at: None,
    };
    conductor.action_start(Context::default(), action).await.expect("an action");
    let event = ActionEventStartValues {
        event: "compute_stop_instance".into(),
        instance_uuid: "uuid-1".into(),
        request_id: Some("req-1".into()),
        start_time: time.clone(),
        host: Some("cmp-01".into()),
    };
    let event = conductor.action_event_start(Context::default(), event).await.expect("an event").expect("a row");
    assert_eq!((event.event.as_deref(), event.host, event.details), (Some("compute_stop_instance"), None, None));
    let volume = VolUsageUpdate {
        id: "volume-1".into(),
        rd_req: 1,
        rd_bytes: 2,
        wr_req: 3,
        wr_bytes: 4,
        instance_id: Some("uuid-1".into()),
        project_id: Some("project-1".into()),
        user_id: None,
        availability_zone: None,
        update_totals: false,
    };
    let usage = conductor.vol_usage_update(&volume).await.expect("a row");
    assert_eq!((usage.curr_reads, usage.project_id), (1, None));
}

/// Opens a cell of a release after a change.
async fn open(release: &str, sql: &str) -> Result<SqlConductor, OpenError> {
    let cell = Cell::unpack("hour15");
    reshape(&cell, release).await;
    cell.execute(sql).await;
    SqlConductor::open(&cell.url(), Clock::System).await
}

#[tokio::test]
async fn names_a_missing_column_and_the_releases_that_have_it() {
    for (release, table, column, expected) in [
        ("2026.2", "instances", "hidden", "20.0.0 (Train)"),
        ("2023.1", "instances", "locked_by", "2013.2 (Havana)"),
        ("2024.1", "instances", "launched_at", "2013.1 (Grizzly)"),
        ("2025.1", "instance_extra", "flavor", "2015.1 (Kilo)"),
        ("2026.2", "instance_system_metadata", "instance_uuid", "2013.1 (Grizzly)"),
        ("2026.2", "block_device_mapping", "tag", "14.0.0 (Newton)"),
        ("grizzly", "task_log", "errors", "2013.1 (Grizzly)"),
    ] {
        let result = open(release, &format!("ALTER TABLE {table} DROP COLUMN {column}")).await;
        let error = result.expect_err("a column that the release has").to_string();
        let message = format!("has no column `{table}.{column}`, which Nova has had since {expected}");
        assert!(error.ends_with(&message), "{release}: {error}");
    }
}

#[tokio::test]
async fn accepts_older_and_newer_columns() {
    for (release, sql, expected) in [
        ("2026.2", "ALTER TABLE instances ADD COLUMN rating INTEGER", Schema::Hibiscus),
        // Nova 2023.1 has none of these.
        ("2026.2", "ALTER TABLE instances DROP COLUMN compute_id; DROP TABLE share_mapping", Schema::Hibiscus),
        ("grizzly", "ALTER TABLE instances ADD COLUMN locked_by VARCHAR(5)", Schema::Grizzly),
        // Nova 2014.2: the table exists, and the flavors are still in the system metadata.
        ("grizzly", "CREATE TABLE instance_extra (id INTEGER, instance_uuid VARCHAR(36))", Schema::Grizzly),
    ] {
        let conductor = open(release, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(conductor.schema(), expected, "{sql}");
    }
    for (release, table) in
        [("2023.1", "instance_extra"), ("grizzly", "instance_system_metadata"), ("grizzly", "task_log")]
    {
        let error = open(release, &format!("DROP TABLE {table}")).await.expect_err("a missing table");
        assert!(matches!(error, OpenError::MissingTable { table: missing, .. } if missing == table), "{error}");
    }
}
