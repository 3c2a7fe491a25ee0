//! Event reporters of the component, on Nova's own tables.

mod common;

use common::{Cell, component_path};
use nova_compute_utils_wasmtime::action_record::Event;
use nova_compute_utils_wasmtime::types::{Context, Failure, Release};
use nova_compute_utils_wasmtime::{Callbacks, Clock, Error, Instance, Limits, Runtime, SqlConductor};
use serde_json::{Value, json};
use sqlx::Row;

const UUID: &str = "48b988aa-afe1-4664-8307-784d3a2daad0";
const HIBISCUS: Release = Release::Hibiscus;

type Nova = Instance<Callbacks<SqlConductor, ()>>;

fn context() -> Context {
    let text = |text: &str| Some(text.to_owned());
    Context { user_id: text("ada"), project_id: text("demo"), request_id: text("req-1"), timestamp: None }
}

fn event() -> Event {
    Event {
        name: "compute_reboot_instance".into(),
        host: Some("cmp-01".into()),
        instance_uuids: vec![UUID.into()],
        graceful_exit: false,
    }
}

/// The component on an empty cell, with an action under way.
async fn nova() -> (Cell, Nova) {
    let cell = Cell::empty().await;
    cell.execute("DELETE FROM instance_actions_events; DELETE FROM instance_actions").await;
    let host = Callbacks { conductor: cell.conductor(Clock::System).await, notifier: () };
    let plugin = Runtime::new(Limits::default()).expect("an engine").load(component_path()).expect("the component");
    let mut nova = plugin.instantiate(host, Clock::System).await.expect("an instance");
    nova.action_start(HIBISCUS, &context(), UUID, Some("reboot")).await.expect("an action");
    (cell, nova)
}

/// The result and the details of the only event there is, and the message of its action.
async fn record(cell: &Cell) -> Value {
    let pool = cell.pool().await;
    let sql = "SELECT json_array(e.result, e.details, a.message) FROM instance_actions_events e \
               JOIN instance_actions a ON a.id = e.action_id";
    let row = sqlx::query(sql).fetch_one(&pool).await.expect("one event");
    pool.close().await;
    serde_json::from_str(row.get(0)).expect("JSON")
}

fn code(result: Result<(), Error>) -> String {
    match result {
        Err(Error::Nova(error)) => error.code,
        other => panic!("expected an error of Nova's, got {other:?}"),
    }
}

#[tokio::test]
async fn a_reporter_is_finished_once() {
    let (cell, mut nova) = nova().await;
    let mut reporter = nova.event_reporter_start(HIBISCUS, &context(), &event()).await.expect("an open event");
    assert_eq!(record(&cell).await, json!([null, null, null]));
    nova.event_reporter_finish(&mut reporter, None).await.expect("a closed event");
    assert_eq!(record(&cell).await, json!(["Success", null, null]));

    let failure = Failure {
        class_name: "E".into(),
        text: String::new(),
        code: None,
        value: None,
        formatted_message: None,
        representation: None,
        traceback: None,
        formatted_exception: None,
    };
    assert_eq!(code(nova.event_reporter_finish(&mut reporter, Some(&failure)).await), "RuntimeError");
    assert_eq!(record(&cell).await, json!(["Success", null, null]), "the second time changes nothing");
    nova.event_reporter_drop(reporter).await.expect("nothing to do");
    assert_eq!(record(&cell).await, json!(["Success", null, null]));
}

#[tokio::test]
async fn a_dropped_reporter_records_an_error() {
    let (cell, mut nova) = nova().await;
    let reporter = nova.event_reporter_start(HIBISCUS, &context(), &event()).await.expect("an open event");
    nova.event_reporter_drop(reporter).await.expect("a drop");
    let details = "the event reporter was dropped before it was finished";
    assert_eq!(record(&cell).await, json!(["Error", details, "Error"]));
}

#[tokio::test]
async fn the_safety_net_neither_fails_nor_traps() {
    let (cell, mut nova) = nova().await;
    let reporter = nova.event_reporter_start(HIBISCUS, &context(), &event()).await.expect("an open event");
    cell.execute("DELETE FROM instance_actions_events; DELETE FROM instance_actions").await;
    nova.event_reporter_drop(reporter).await.expect("a drop");
    nova.action_start(HIBISCUS, &context(), UUID, Some("reboot")).await.expect("the instance is alive");
}

#[tokio::test]
async fn a_refusal_uses_the_reporter_up() {
    let (cell, mut nova) = nova().await;
    let mut reporter = nova.event_reporter_start(HIBISCUS, &context(), &event()).await.expect("an open event");
    cell.execute("DELETE FROM instance_actions_events; DELETE FROM instance_actions").await;
    assert_eq!(code(nova.event_reporter_finish(&mut reporter, None).await), "InstanceActionNotFound");
    assert_eq!(code(nova.event_reporter_finish(&mut reporter, None).await), "RuntimeError");
    let none = nova.event_reporter_start(HIBISCUS, &context(), &event()).await.map(|_| ());
    assert_eq!(code(none), "InstanceActionNotFound");
}
