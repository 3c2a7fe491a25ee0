//! The SQL conductor, against what real Nova did with its tables and against real Nova cells.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDateTime;
use common::{Cell, vectors};
use nova_compute_utils_wasmtime::conductor::{BwUsage, Host, HostError, TaskLog, WindowQuery};
use nova_compute_utils_wasmtime::{Clock, OpenError, SqlConductor};
use serde_json::{Value, json};
use sqlx::Row;

const RELEASES: [&str; 2] = ["grizzly", "hibiscus"];

fn moment(text: &Value) -> NaiveDateTime {
    let text = text.as_str().expect("a moment");
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").expect("a moment")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[expect(clippy::needless_pass_by_value, reason = "maps rows to values")]
fn task_log(row: TaskLog) -> Value {
    json!({
        "task_name": row.task_name,
        "state": row.state,
        "host": row.host,
        "period_beginning": row.period_beginning,
        "period_ending": row.period_ending,
        "message": row.message,
        "task_items": row.task_items,
        "errors": row.errors,
    })
}

/// The part of an expected row that the contract carries.
fn contract_part(row: &Value) -> Value {
    let mut row = row.clone();
    if let Some(row) = row.as_object_mut() {
        row.retain(|key, _| !["id", "created_at", "updated_at", "deleted_at", "deleted"].contains(&key.as_str()));
    }
    row
}

/// Do what an operation of a vector says, unless a rule sets it aside.
async fn task_log_operation(
    conductor: &mut SqlConductor,
    operation: &Value,
) -> Result<Result<Value, HostError>, &'static str> {
    if operation["state"].is_string() {
        return Err("the contract has no filter on the state");
    }
    let (task_name, begin, end) =
        (text(&operation["task_name"]), text(&operation["period_beginning"]), text(&operation["period_ending"]));
    let message = operation["message"].as_str().map(str::to_owned);
    if operation["op"] == "get_all" {
        let rows = conductor.task_log_get_all(&task_name, &begin, &end).await;
        // A filter on the host is the caller's in the contract.
        let rows = rows.map(|rows| {
            rows.into_iter()
                .filter(|row| operation["host"].is_null() || operation["host"] == row.host)
                .map(task_log)
                .collect()
        });
        return Ok(rows);
    }
    if operation["host"].is_null() {
        return Err("the contract always names a host");
    }
    let host = text(&operation["host"]);
    Ok(match operation["op"].as_str() {
        Some("begin_task") => {
            let items = operation["task_items"].as_i64().unwrap_or_default();
            let message = message.unwrap_or_default();
            conductor.task_log_begin_task(task_name, begin, end, host, items, message).await.map(|()| Value::Null)
        }
        Some("end_task") => {
            let errors = operation["errors"].as_i64().expect("a number");
            conductor.task_log_end_task(task_name, begin, end, host, errors, message).await.map(|()| Value::Null)
        }
        Some("get") => {
            conductor.task_log_get(task_name, begin, end, host).await.map(|row| row.map_or(Value::Null, task_log))
        }
        other => panic!("unknown operation {other:?}"),
    })
}

async fn task_log_table(cell: &Cell) -> Vec<Value> {
    let pool = cell.pool().await;
    let columns = "id, task_name, state, host, period_beginning, period_ending, message, task_items, errors, \
                   created_at, updated_at, deleted_at, deleted";
    let sql = columns.split(", ").map(|name| format!("'{name}', {name}")).collect::<Vec<_>>().join(", ");
    let sql = format!("SELECT json_object({sql}) FROM task_log ORDER BY id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&pool).await.expect("rows");
    pool.close().await;
    rows.iter().map(|row| serde_json::from_str(row.get(0)).expect("JSON")).collect()
}

#[tokio::test]
async fn task_log_vectors() {
    let (mut cases, mut operations) = (0, 0);
    let mut set_aside: BTreeMap<&str, usize> = BTreeMap::new();
    let cell = Cell::empty().await;
    for case in RELEASES.iter().flat_map(|release| vectors(release, "db_task_log")) {
        let id = &case["id"];
        cell.execute("DELETE FROM task_log").await;
        for (operation, expected) in case["args"]["ops"]
            .as_array()
            .expect("operations")
            .iter()
            .zip(case["expect"]["results"].as_array().expect("results"))
        {
            let mut conductor = cell.conductor(Clock::Fixed(moment(&operation["now"]))).await;
            match task_log_operation(&mut conductor, operation).await {
                Err(rule) => {
                    *set_aside.entry(rule).or_default() += 1;
                    continue;
                }
                Ok(Ok(Value::Array(rows))) => {
                    let expected: Vec<_> =
                        expected["return"].as_array().expect("rows").iter().map(contract_part).collect();
                    let by_host = |mut rows: Vec<Value>| {
                        rows.sort_by_key(|row| row["host"].to_string());
                        rows
                    };
                    assert_eq!(by_host(rows), by_host(expected), "{id}");
                }
                Ok(Ok(value)) => assert_eq!(value, contract_part(&expected["return"]), "{id}"),
                Ok(Err(error)) => {
                    assert_eq!(error.code, expected["error"]["type"], "{id}: {}", error.message);
                    if expected["error"]["library"] != true {
                        assert_eq!(error.message, expected["error"]["message"], "{id}");
                    }
                }
            }
            operations += 1;
        }
        let rows = task_log_table(&cell).await;
        let with_blanks: Vec<Value> = case["expect"]["task_log"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| {
                let mut row = row.clone();
                for column in ["period_beginning", "period_ending", "created_at", "updated_at"] {
                    // What lies in the table is exactly what SQLAlchemy puts there.
                    if let Some(moment) = row[column].as_str() {
                        row[column] = moment.replace('T', " ").into();
                    }
                }
                row
            })
            .collect();
        assert_eq!(rows, with_blanks, "{id}");
        cases += 1;
    }
    println!("db_task_log: {cases} cases, {operations} operations; set aside: {set_aside:?}");
    assert!(cases > 0 && operations > cases);
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{}'", text.replace('T', " ")),
        Value::Null => "NULL".into(),
        other => other.to_string(),
    }
}

/// Every instance of a window, page by page.
async fn pages(conductor: &mut SqlConductor, query: &WindowQuery, limit: u32) -> Vec<Value> {
    let (mut instances, mut marker) = (Vec::new(), None);
    loop {
        let page = conductor.instance_get_active_by_window(query.clone(), marker, limit).await.expect("a page");
        assert!(page.instances.len() <= usize::try_from(limit).expect("a size"));
        assert!(page.next_marker.is_none() || !page.instances.is_empty(), "a marker without an instance leads nowhere");
        instances.extend(page.instances.iter().map(|text| serde_json::from_str::<Value>(text).expect("JSON")));
        marker = page.next_marker;
        if marker.is_none() {
            return instances;
        }
    }
}

#[tokio::test]
async fn instances_by_window_vectors() {
    let mut cases = 0;
    let cell = Cell::empty().await;
    let mut conductor = cell.conductor(Clock::System).await;
    for case in RELEASES.iter().flat_map(|release| vectors(release, "instance_get_active_by_window_joined")) {
        let (id, args) = (&case["id"], &case["args"]);
        cell.execute("DELETE FROM instances").await;
        for instance in args["instances"].as_array().expect("instances") {
            let columns: Vec<_> = instance.as_object().expect("an instance").iter().collect();
            let names: Vec<_> = columns.iter().map(|(name, _)| name.as_str()).collect();
            let values: Vec<_> = columns.iter().map(|(_, value)| literal(value)).collect();
            cell.execute(&format!("INSERT INTO instances ({}) VALUES ({})", names.join(", "), values.join(", "))).await;
        }
        let optional = |name: &str| args[name].as_str().map(str::to_owned);
        let query = WindowQuery {
            begin: text(&args["begin"]),
            end: optional("end"),
            project_id: optional("project_id"),
            host: optional("host"),
        };
        // Nova gives no order here; the rows come as they were inserted.
        let expected: BTreeSet<String> = case["expect"].as_array().expect("uuids").iter().map(text).collect();
        for limit in [1, 2, 1000] {
            let instances = pages(&mut conductor, &query, limit).await;
            let order: Vec<_> =
                instances.iter().map(|row| (row["project_id"].to_string(), text(&row["uuid"]))).collect();
            assert!(order.is_sorted(), "{id}");
            assert_eq!(order.len(), expected.len(), "{id}");
            assert_eq!(order.into_iter().map(|(_, uuid)| uuid).collect::<BTreeSet<_>>(), expected, "{id}");
        }
        let count = conductor.instance_count_active_by_window(query).await.expect("a number");
        assert_eq!(count, u64::try_from(expected.len()).expect("a number"), "{id}");
        cases += 1;
    }
    assert_eq!(cases, 72);
}

const BEGIN: &str = "2026-10-01T00:00:00.000000";
const END: &str = "2026-11-01T00:00:00.000000";

fn query(begin: &str, end: &str, host: &str) -> WindowQuery {
    WindowQuery { begin: begin.into(), end: Some(end.into()), project_id: None, host: Some(host.into()) }
}

fn of_host(host: &str) -> WindowQuery {
    query(BEGIN, END, host)
}

#[tokio::test]
async fn bandwidth_is_that_of_one_period() {
    let cell = Cell::empty().await;
    let row = |uuid: &str, mac: &str, start: &str, bw_in: &str, deleted: u8| {
        format!(
            "INSERT INTO bw_usage_cache (uuid, mac, start_period, bw_in, bw_out, deleted) \
             VALUES ('{uuid}', {mac}, '{start}', {bw_in}, 2, {deleted});"
        )
    };
    let october = "2026-10-01 00:00:00.000000";
    let rows = [
        row("a", "'fa:16:3e:00:00:01'", october, "9223372036854775807", 0),
        row("a", "NULL", october, "NULL", 1),
        row("a", "'fa:16:3e:00:00:01'", "2026-09-01 00:00:00.000000", "3", 0),
        row("b", "'fa:16:3e:00:00:02'", october, "4", 0),
        row("c", "'fa:16:3e:00:00:03'", october, "5", 0),
    ];
    cell.execute(&rows.concat()).await;
    let mut conductor = cell.conductor(Clock::System).await;
    let found = conductor.bw_usage_get_by_uuids(vec!["a".into(), "b".into()], BEGIN.into()).await.expect("rows");
    let of = |uuid: &str, mac: Option<&str>, bw_in| BwUsage {
        uuid: uuid.into(),
        mac: mac.map(str::to_owned),
        start_period: BEGIN.into(),
        bw_in,
        bw_out: Some(2),
    };
    let expected = [
        of("a", Some("fa:16:3e:00:00:01"), Some(i64::MAX)),
        of("a", None, None),
        of("b", Some("fa:16:3e:00:00:02"), Some(4)),
    ];
    assert_eq!(found, expected);
    assert_eq!(conductor.bw_usage_get_by_uuids(Vec::new(), BEGIN.into()).await.expect("rows"), []);
    let error = conductor.bw_usage_get_by_uuids(Vec::new(), "then".into()).await.expect_err("no moment");
    assert_eq!(error.code, "ValueError");
    let error = conductor.instance_get_nw_info("{}".into()).await.expect_err("no network");
    assert_eq!(error.code, "NoNetworkApi");
}

#[tokio::test]
async fn pages_of_any_size_hold_the_same_instances() {
    let cell = Cell::unpack("month");
    cell.execute("UPDATE instances SET project_id = NULL WHERE id % 3 = 0; UPDATE instances SET project_id = '' WHERE id % 7 = 0").await;
    let mut conductor = cell.conductor(Clock::System).await;
    for host in conductor.hosts(BEGIN, END).await.expect("hosts") {
        let whole = pages(&mut conductor, &of_host(&host), 1000).await;
        assert!(whole.iter().any(|row| row["project_id"].is_null()) && whole.len() > 3);
        for limit in [1, 2, 3, 5, u32::try_from(whole.len()).expect("a size")] {
            assert_eq!(pages(&mut conductor, &of_host(&host), limit).await, whole, "{host}, {limit}");
        }
    }
}

#[tokio::test]
async fn a_document_holds_what_the_tables_hold() {
    let cell = Cell::unpack("hour15");
    let uuid = "a7414f01-010c-4b51-abda-5a4f998d1525";
    cell.execute(&format!(
        "UPDATE instances SET locked = 1, hidden = NULL, auto_disk_config = 0, compute_id = 9007199254740993, \
         display_name = 'a ' || char(0) || ' \"b\" é' WHERE uuid = '{uuid}'; \
         INSERT INTO instance_metadata (instance_uuid, key, value, deleted) VALUES ('{uuid}', 'role', 'old', 77); \
         UPDATE instance_extra SET flavor = x'7bff' WHERE instance_uuid = '{uuid}'; \
         DELETE FROM instance_info_caches WHERE instance_uuid = '{uuid}'"
    ))
    .await;
    let mut conductor = cell.conductor(Clock::System).await;
    let instances =
        pages(&mut conductor, &query("2026-10-14T08:15:00.000000", "2026-10-14T09:15:00.000000", "cmp-01"), 1000).await;
    let instance = instances.iter().find(|row| row["uuid"] == uuid).expect("the instance");
    assert_eq!(instance["locked"], true);
    assert_eq!(instance["hidden"], Value::Null);
    assert_eq!(instance["auto_disk_config"], false);
    assert_eq!(instance["compute_id"], 9_007_199_254_740_993_i64);
    assert_eq!(instance["display_name"], "a \0 \"b\" é");
    assert_eq!(instance["launched_at"], "2026-10-13T18:11:18.874546");
    assert_eq!(instance["terminated_at"], Value::Null);
    assert_eq!(
        instance["metadata"],
        json!([{"key": "role", "value": "web", "deleted": 0}, {"key": "role", "value": "old", "deleted": 77}])
    );
    assert_eq!(instance["system_metadata"].as_array().map(Vec::len), Some(7));
    assert_eq!(instance["info_cache"], Value::Null);
    // Broken text gets through as far as text goes: it is for the reader to refuse.
    assert_eq!(instance["flavor"], "{\u{fffd}");
    let other = instances.iter().find(|row| row["uuid"] != uuid).expect("another instance");
    assert!(other["info_cache"]["network_info"].as_str().is_some_and(|text| text.starts_with('[')));
    assert!(other["flavor"].as_str().is_some_and(|text| text.starts_with('{')));
    assert_eq!(instance.get("user_data"), None);
}

#[tokio::test]
async fn hosts_are_those_with_instances_or_a_compute_service() {
    let cell = Cell::unpack("hour15");
    let service = |host: &str, binary: &str, deleted: i32| {
        format!(
            "INSERT INTO services (host, binary, topic, report_count, deleted) VALUES ('{host}', '{binary}', '{host}', 0, {deleted});"
        )
    };
    let services =
        [service("idle", "nova-compute", 0), service("gone", "nova-compute", 3), service("api", "nova-scheduler", 0)];
    cell.execute(&services.concat()).await;
    let conductor = cell.conductor(Clock::System).await;
    assert_eq!(conductor.hosts(BEGIN, END).await.expect("hosts"), ["cmp-01", "cmp-02", "idle"]);
    assert_eq!(
        conductor.hosts("2001-01-01T00:00:00.000000", "2001-01-02T00:00:00.000000").await.expect("hosts"),
        ["idle"]
    );
}

#[tokio::test]
async fn reading_changes_nothing() {
    let cell = Cell::unpack("hour15");
    let before = std::fs::read(cell.path()).expect("a file");
    let mut conductor = cell.conductor(Clock::System).await;
    pages(&mut conductor, &of_host("cmp-01"), 3).await;
    conductor.hosts(BEGIN, END).await.expect("hosts");
    conductor
        .task_log_get("instance_usage_audit".into(), BEGIN.into(), END.into(), "cmp-01".into())
        .await
        .expect("no row");
    assert_eq!(std::fs::read(cell.path()).expect("a file"), before);
    let files: Vec<_> = std::fs::read_dir(cell.directory.path()).expect("a directory").collect();
    assert_eq!(files.len(), 1, "{files:?}");
}

#[tokio::test]
async fn what_is_no_nova_database_is_refused() {
    let cell = Cell::empty().await;
    let there = |name: &str| cell.directory.path().join(name);
    let open = async |path: &std::path::Path| {
        SqlConductor::open(&format!("sqlite:{}", path.display()), Clock::System).await.expect_err("a bad database")
    };
    let missing = there("not there");
    assert!(matches!(open(&missing).await, OpenError::NoSuchFile(_)));
    assert!(!missing.exists());
    assert!(matches!(open(cell.directory.path()).await, OpenError::NoSuchFile(_)));
    let text = there("text?mode=rwc");
    std::fs::write(&text, "no database at all, and long enough to have a header that could be one\n".repeat(99))
        .expect("a file");
    assert!(matches!(open(&text).await, OpenError::NotADatabase(_)));
    let empty = there("empty");
    std::fs::write(&empty, "").expect("a file");
    assert!(matches!(open(&empty).await, OpenError::MissingTable { table: "instances", .. }));
    cell.execute("DROP TABLE instance_extra").await;
    let error = open(&cell.path()).await;
    assert!(matches!(error, OpenError::MissingTable { table: "instance_extra", .. }));
    assert!(!error.to_string().contains('\n'));
    let mysql =
        SqlConductor::open("mysql://root:secret@localhost/nova", Clock::System).await.expect_err("not supported yet");
    assert_eq!(mysql.to_string(), "cannot open `mysql` databases: give `sqlite:PATH`");
}

#[tokio::test]
async fn another_writer_is_waited_for() {
    let cell = Cell::empty().await;
    let mut conductor = cell.conductor(Clock::System).await;
    let pool = cell.pool().await;
    let mut writer = pool.acquire().await.expect("a connection");
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *writer).await.expect("a lock");
    let task = |host: &str| ("t".to_owned(), BEGIN.to_owned(), END.to_owned(), host.to_owned());

    let (name, from, to, host) = task("a");
    let error =
        conductor.task_log_begin_task(name, from, to, host, 1, "m".into()).await.expect_err("a locked database");
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("DBError", "the database is locked by another writer, and stayed so")
    );

    let (name, from, to, host) = task("b");
    let (begun, ()) = tokio::join!(conductor.task_log_begin_task(name, from, to, host, 1, "m".into()), async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        sqlx::raw_sql("ROLLBACK").execute(&mut *writer).await.expect("an end");
    });
    begun.expect("a row");
}

#[tokio::test]
async fn nonsense_is_an_error() {
    let cell = Cell::empty().await;
    let mut conductor = cell.conductor(Clock::System).await;
    let error = conductor.instance_count_active_by_window(query("yesterday", END, "h")).await.expect_err("no moment");
    assert_eq!(error.code, "ValueError");
    let marker = Some("17".to_owned());
    let page = conductor.instance_get_active_by_window(of_host("h"), marker, 10).await;
    assert_eq!(page.expect_err("no marker").code, "MarkerNotFound");
}
