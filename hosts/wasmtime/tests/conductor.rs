//! The SQL conductor, on the vectors of Nova's tables and on real Nova cells.

mod common;

use std::collections::BTreeSet;

use chrono::NaiveDateTime;
use common::{Cell, vectors, volumes_and_a_share};
use nova_compute_utils_wasmtime::conductor::{
    AuditCheckpoint, BwUsage, Context, Host, TaskLog, TaskLogKey, WindowQuery,
};
use nova_compute_utils_wasmtime::{Clock, OpenError, SqlConductor};
use serde_json::{Value, json};

const RELEASES: [&str; 2] = ["grizzly", "hibiscus"];

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{}'", text.replace('T', " ")),
        Value::Null => "NULL".into(),
        other => other.to_string(),
    }
}

/// Reads every instance of a window, page by page.
async fn pages(conductor: &mut SqlConductor, query: &WindowQuery, limit: u32) -> Vec<Value> {
    let (mut instances, mut marker) = (Vec::new(), None);
    loop {
        let page = conductor
            .instance_get_active_by_window(Context::default(), query.clone(), marker, limit)
            .await
            .expect("a page");
        assert!(page.instances.len() <= usize::try_from(limit).expect("a size"));
        assert!(page.next_marker.is_none() || !page.instances.is_empty(), "a marker without an instance");
        instances.extend(page.instances.iter().map(|text| serde_json::from_str::<Value>(text).expect("JSON")));
        marker = page.next_marker;
        if marker.is_none() {
            return instances;
        }
    }
}

#[tokio::test]
async fn passes_the_vectors_of_instances_by_window() {
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
        // Nova returns the rows in no particular order.
        let expected: BTreeSet<String> = case["expect"].as_array().expect("uuids").iter().map(text).collect();
        for limit in [1, 2, 1000] {
            let instances = pages(&mut conductor, &query, limit).await;
            let order: Vec<_> =
                instances.iter().map(|row| (row["project_id"].to_string(), text(&row["uuid"]))).collect();
            assert!(order.is_sorted(), "{id}");
            assert_eq!(order.len(), expected.len(), "{id}");
            assert_eq!(order.into_iter().map(|(_, uuid)| uuid).collect::<BTreeSet<_>>(), expected, "{id}");
        }
        let count = conductor.instance_count_active_by_window(Context::default(), query).await.expect("a number");
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

fn task(host: &str) -> TaskLogKey {
    TaskLogKey {
        task_name: "instance_usage_audit".into(),
        period_beginning: BEGIN.into(),
        period_ending: END.into(),
        host: host.into(),
    }
}

fn of_host(host: &str) -> WindowQuery {
    query(BEGIN, END, host)
}

/// The conformance tests also run the vectors `db_task_log` on this conductor.
#[tokio::test]
async fn task_log_rows_are_those_of_nova() {
    let cell = Cell::empty().await;
    let now = NaiveDateTime::parse_from_str(END, "%Y-%m-%dT%H:%M:%S%.f").expect("a timestamp");
    let mut conductor = cell.conductor(Clock::Fixed(now)).await;
    let arguments = r#"{"host":"a","task_name":"instance_usage_audit"}"#;

    let error = conductor.task_log_end_task(Context::default(), task("a"), 0, None).await.expect_err("no row");
    assert_eq!((error.code.as_str(), error.arguments.as_str()), ("TaskNotRunning", arguments));
    let error = conductor.task_log_begin_task(Context::default(), task("a"), 3, String::new()).await;
    assert_eq!(error.expect_err("no message").code, "DBError");
    assert_eq!(conductor.task_log_get(Context::default(), task("a")).await.expect("an answer"), None);

    conductor.task_log_begin_task(Context::default(), task("a"), 3, "begun".into()).await.expect("a row");
    let error = conductor.task_log_begin_task(Context::default(), task("a"), 3, "again".into()).await;
    let error = error.expect_err("a second row");
    assert_eq!((error.code.as_str(), error.arguments.as_str()), ("TaskAlreadyRunning", arguments));
    assert_eq!(error.message, "Task instance_usage_audit is already running on host a");

    conductor.task_log_end_task(Context::default(), task("a"), 2, Some(String::new())).await.expect("a change");
    let row = conductor.task_log_get(Context::default(), task("a")).await.expect("an answer").expect("a row");
    let TaskLogKey { task_name, period_beginning, period_ending, host } = task("a");
    let (state, message) = ("DONE".to_owned(), "begun".to_owned());
    let expected =
        TaskLog { task_name, state, host, period_beginning, period_ending, message, task_items: 3, errors: 2 };
    assert_eq!(row, expected);
    let sql = "SELECT json_array(period_beginning, period_ending, created_at, updated_at, deleted) FROM task_log";
    let stored: String = sqlx::query_scalar(sql).fetch_one(&cell.pool().await).await.expect("one row");
    let (begin, end) = ("2026-10-01 00:00:00.000000", "2026-11-01 00:00:00.000000");
    assert_eq!(serde_json::from_str::<Value>(&stored).expect("JSON"), json!([begin, end, end, end, 0]));

    conductor.task_log_begin_task(Context::default(), task("0"), 3, "begun".into()).await.expect("a row");
    let TaskLogKey { task_name, period_beginning, period_ending, .. } = task("a");
    let rows = conductor.task_log_get_all(&task_name, &period_beginning, &period_ending).await.expect("an answer");
    let hosts: Vec<&str> = rows.iter().map(|row| row.host.as_str()).collect();
    assert_eq!(hosts, ["a", "0"], "the rows are in the order in which they were inserted");
}

#[tokio::test]
async fn an_audit_without_errors_deletes_its_checkpoint() {
    let cell = Cell::empty().await;
    let conductor = cell.conductor(Clock::System).await;
    let mut conductor = conductor.with_state(cell.directory.path().join("state")).await.expect("a state file");
    let checkpoint = AuditCheckpoint {
        marker: None,
        complete: true,
        retrying: false,
        num_instances: 1,
        instances: 1,
        notifications: 1,
        failures: Vec::new(),
        seconds: 0.5,
        settings: "s".into(),
        notifier_position: None,
    };
    conductor.task_log_begin_task(Context::default(), task("a"), 1, "begun".into()).await.expect("a row");
    assert!(conductor.audit_checkpoint_put(Context::default(), task("a"), checkpoint.clone()).await.expect("a file"));
    conductor.task_log_end_task(Context::default(), task("a"), 1, None).await.expect("a row");
    let kept = conductor.audit_checkpoint_get(Context::default(), task("a")).await.expect("an answer");
    assert_eq!(kept, Some(checkpoint), "the failed instance can be retried");
    conductor.task_log_end_task(Context::default(), task("a"), 0, None).await.expect("a row");
    assert_eq!(conductor.audit_checkpoint_get(Context::default(), task("a")).await.expect("an answer"), None);
    conductor.close_state().await;
}

#[tokio::test]
async fn returns_when_a_task_has_begun() {
    let cell = Cell::empty().await;
    let now = NaiveDateTime::parse_from_str(END, "%Y-%m-%dT%H:%M:%S%.f").expect("a timestamp");
    let mut conductor = cell.conductor(Clock::Fixed(now)).await;
    assert_eq!(conductor.task_begun_at(&task("a")).await.expect("an answer"), None);
    conductor.task_log_begin_task(Context::default(), task("a"), 1, "begun".into()).await.expect("a row");
    assert_eq!(conductor.task_begun_at(&task("a")).await.expect("an answer").as_deref(), Some(END));
    cell.execute("UPDATE task_log SET created_at = 'then'").await;
    assert_eq!(conductor.task_begun_at(&task("a")).await.expect("an answer"), None);
}

#[tokio::test]
async fn reads_the_bandwidth_of_one_period() {
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
    let found = conductor
        .bw_usage_get_by_uuids(Context::default(), vec!["a".into(), "b".into()], BEGIN.into())
        .await
        .expect("rows");
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
    assert_eq!(conductor.bw_usage_get_by_uuids(Context::default(), Vec::new(), BEGIN.into()).await.expect("rows"), []);
    let usages = conductor.bw_usage_get_by_uuids(Context::default(), Vec::new(), "then".into()).await;
    let error = usages.expect_err("not a timestamp");
    assert_eq!(error.code, "ValueError");
    let error = conductor.instance_get_nw_info(Context::default(), "{}".into()).await.expect_err("no network API");
    assert_eq!(error.code, "NoNetworkApi");
}

#[tokio::test]
async fn pages_of_each_size_contain_the_same_instances() {
    let cell = Cell::unpack("month");
    cell.execute(
        "UPDATE instances SET project_id = NULL WHERE id % 3 = 0; \
         UPDATE instances SET project_id = '' WHERE id % 7 = 0",
    )
    .await;
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
async fn documents_contain_the_columns_of_the_tables() {
    let cell = Cell::unpack("hour15");
    let uuid = "a7414f01-010c-4b51-abda-5a4f998d1525";
    cell.execute(&format!(
        "UPDATE instances SET locked = 1, hidden = NULL, auto_disk_config = 0, compute_id = 9007199254740993, \
         display_name = 'a ' || char(0) || ' \"b\" é' WHERE uuid = '{uuid}'; \
         INSERT INTO instance_metadata (instance_uuid, key, value, deleted) VALUES ('{uuid}', 'role', 'old', 77); \
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
    assert!(instance["flavor"].as_str().is_some_and(|text| text.starts_with('{')));
    let other = instances.iter().find(|row| row["uuid"] != uuid).expect("another instance");
    assert!(other["info_cache"]["network_info"].as_str().is_some_and(|text| text.starts_with('[')));
    assert!(other["flavor"].as_str().is_some_and(|text| text.starts_with('{')));
    for member in ["user_data", "block_devices", "shares"] {
        assert_eq!(instance.get(member), None);
    }
}

#[tokio::test]
async fn documents_contain_block_devices_and_shares_on_request() {
    let cell = Cell::unpack("hour15");
    let uuid = "a7414f01-010c-4b51-abda-5a4f998d1525";
    cell.execute(&format!("DELETE FROM block_device_mapping; {}", volumes_and_a_share(uuid))).await;
    let window = query("2026-10-14T08:15:00.000000", "2026-10-14T09:15:00.000000", "cmp-01");
    let mut conductor = cell.conductor(Clock::System).await.with_block_devices(true).with_shares(true);
    let instances = pages(&mut conductor, &window, 1000).await;
    let instance = instances.iter().find(|row| row["uuid"] == uuid).expect("the instance");
    let volume = json!({
        "device_name": "/dev/vda", "boot_index": 0, "delete_on_termination": true, "volume_id": "volume-1", "tag": null,
    });
    assert_eq!(instance["block_devices"], json!([volume]), "only live rows, without credentials");
    let [share] = &instance["shares"].as_array().expect("a list")[..] else { panic!("one row") };
    let members: BTreeSet<&str> = share.as_object().expect("a row").keys().map(String::as_str).collect();
    assert_eq!(members, BTreeSet::from(["share_id", "status", "tag", "uuid"]));
    let other = instances.iter().find(|row| row["uuid"] != uuid).expect("another instance");
    assert_eq!((&other["block_devices"], &other["shares"]), (&json!([]), &json!([])));

    cell.execute("DROP TABLE share_mapping").await;
    let mut conductor = cell.conductor(Clock::System).await.with_shares(true);
    assert!(pages(&mut conductor, &window, 1000).await.iter().all(|row| row.get("shares").is_none()));
}

#[tokio::test]
async fn lists_hosts_with_instances_or_a_compute_service() {
    let cell = Cell::unpack("hour15");
    let service = |host: &str, binary: &str, deleted: i32| {
        format!(
            "INSERT INTO services (host, binary, topic, report_count, deleted) \
             VALUES ('{host}', '{binary}', '{host}', 0, {deleted});"
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
    conductor.task_log_get(Context::default(), task("cmp-01")).await.expect("no row");
    assert_eq!(std::fs::read(cell.path()).expect("a file"), before);
    let files: Vec<_> = std::fs::read_dir(cell.directory.path()).expect("a directory").collect();
    assert_eq!(files.len(), 1, "{files:?}");
}

#[tokio::test]
async fn rejects_files_that_are_not_a_nova_database() {
    let cell = Cell::empty().await;
    let path = |name: &str| cell.directory.path().join(name);
    let open = async |file: &std::path::Path| {
        SqlConductor::open(&format!("sqlite:{}", file.display()), Clock::System).await.expect_err("a bad database")
    };
    let missing = path("missing");
    assert!(matches!(open(&missing).await, OpenError::NoSuchFile(_)));
    assert!(!missing.exists());
    assert!(matches!(open(cell.directory.path()).await, OpenError::NoSuchFile(_)));
    let text = path("text?mode=rwc");
    std::fs::write(&text, "a text file that is longer than the header of a database\n".repeat(99)).expect("a file");
    assert!(matches!(open(&text).await, OpenError::NotADatabase(_)));
    let empty = path("empty");
    std::fs::write(&empty, "").expect("a file");
    assert!(matches!(open(&empty).await, OpenError::MissingTable { table: "instances", .. }));
    cell.execute("DROP TABLE instance_extra").await;
    let error = open(&cell.path()).await;
    assert!(matches!(error, OpenError::MissingTable { table: "instance_extra", .. }));
    assert!(!error.to_string().contains('\n'));
    let mysql = SqlConductor::open("mysql://root:secret@localhost/nova", Clock::System)
        .await
        .expect_err("an unsupported database");
    assert_eq!(mysql.to_string(), "cannot open `mysql` databases: give `sqlite:PATH`");
}

#[tokio::test]
async fn waits_for_another_writer() {
    let cell = Cell::empty().await;
    let mut conductor = cell.conductor(Clock::System).await;
    let pool = cell.pool().await;
    let mut writer = pool.acquire().await.expect("a connection");
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *writer).await.expect("a lock");
    let begun = conductor.task_log_begin_task(Context::default(), task("a"), 1, "m".into()).await;
    let error = begun.expect_err("a locked database");
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("DBError", "the database is locked by another writer: try again later")
    );

    let (begun, ()) =
        tokio::join!(conductor.task_log_begin_task(Context::default(), task("b"), 1, "m".into()), async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            sqlx::raw_sql("ROLLBACK").execute(&mut *writer).await.expect("an unlocked database");
        });
    begun.expect("a row");
}

#[tokio::test]
async fn rejects_malformed_arguments() {
    let cell = Cell::empty().await;
    let mut conductor = cell.conductor(Clock::System).await;
    let count = conductor.instance_count_active_by_window(Context::default(), query("yesterday", END, "h")).await;
    assert_eq!(count.expect_err("not a timestamp").code, "ValueError");
    let page =
        conductor.instance_get_active_by_window(Context::default(), of_host("h"), Some("17".to_owned()), 10).await;
    let error = page.expect_err("not a marker");
    assert_eq!((error.code.as_str(), error.arguments.as_str()), ("MarkerNotFound", r#"{"marker":"17"}"#));
}
