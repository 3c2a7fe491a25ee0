//! Event reporters of the component, on Nova's own tables.

mod common;

use common::{Cell, component_path};
use nova_compute_utils_wasmtime::action_record::{Event, Finished};
use nova_compute_utils_wasmtime::types::{Context, Failure, Release};
use nova_compute_utils_wasmtime::{Callbacks, Clock, Error, Instance, Limits, Runtime, SqlConductor};
use serde_json::{Value, json};
use sqlx::Row;

const UUID: &str = "48b988aa-afe1-4664-8307-784d3a2daad0";
const HIBISCUS: Release = Release::Hibiscus;

type Nova = Instance<SqlConductor, ()>;

fn context() -> Context {
    let text = |text: &str| Some(text.to_owned());
    Context { user_id: text("ada"), project_id: text("demo"), request_id: text("req-1"), ..Context::default() }
}

fn event() -> Event {
    Event {
        name: "compute_reboot_instance".into(),
        host: Some("cmp-01".into()),
        instance_uuids: vec![UUID.into()],
        graceful_exit: false,
    }
}

/// Runs the component on an empty cell and starts an action.
async fn nova() -> (Cell, Nova) {
    let cell = Cell::empty().await;
    cell.execute("DELETE FROM instance_actions_events; DELETE FROM instance_actions").await;
    let callbacks = Callbacks { conductor: cell.conductor(Clock::System).await, notifier: () };
    let plugin = Runtime::new(Limits::default()).expect("an engine").load(component_path()).expect("the component");
    let mut nova = plugin.instantiate(callbacks, Clock::System).await.expect("an instance");
    nova.action_start(HIBISCUS, &context(), UUID, Some("reboot")).await.expect("an action");
    (cell, nova)
}

/// Reads the result and the details of the only event, and the message of its action.
async fn record(cell: &Cell) -> Value {
    let pool = cell.pool().await;
    let sql = "SELECT json_array(e.result, e.details, a.message) FROM instance_actions_events e \
               JOIN instance_actions a ON a.id = e.action_id";
    let row = sqlx::query(sql).fetch_one(&pool).await.expect("one event");
    pool.close().await;
    serde_json::from_str(row.get(0)).expect("JSON")
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Nova(error)) => error.code,
        other => panic!("not an error of Nova: {other:?}"),
    }
}

#[tokio::test]
async fn finishes_a_reporter_once() {
    let (cell, mut nova) = nova().await;
    let mut reporter = nova.event_reporter_start(HIBISCUS, &context(), &event()).await.expect("an open event");
    assert_eq!(record(&cell).await, json!([null, null, null]));
    let finished = nova.event_reporter_finish(&mut reporter, None).await;
    assert_eq!(finished.expect("a closed event"), Finished::All);
    assert_eq!(record(&cell).await, json!(["Success", null, null]));

    let failure = Failure::new("E", "");
    assert_eq!(code(nova.event_reporter_finish(&mut reporter, Some(&failure)).await), "RuntimeError");
    assert_eq!(record(&cell).await, json!(["Success", null, null]), "the second call changes nothing");
    nova.event_reporter_drop(reporter).await.expect("a drop");
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
async fn dropping_a_reporter_ignores_errors_of_the_conductor() {
    let (cell, mut nova) = nova().await;
    let reporter = nova.event_reporter_start(HIBISCUS, &context(), &event()).await.expect("an open event");
    cell.execute("DELETE FROM instance_actions_events; DELETE FROM instance_actions").await;
    nova.event_reporter_drop(reporter).await.expect("a drop");
    nova.action_start(HIBISCUS, &context(), UUID, Some("reboot")).await.expect("the instance is alive");
}

#[tokio::test]
async fn an_error_uses_up_the_reporter() {
    let (cell, mut nova) = nova().await;
    let mut reporter = nova.event_reporter_start(HIBISCUS, &context(), &event()).await.expect("an open event");
    cell.execute("DELETE FROM instance_actions_events; DELETE FROM instance_actions").await;
    assert_eq!(code(nova.event_reporter_finish(&mut reporter, None).await), "InstanceActionNotFound");
    assert_eq!(code(nova.event_reporter_finish(&mut reporter, None).await), "RuntimeError");
    let started = nova.event_reporter_start(HIBISCUS, &context(), &event()).await;
    assert_eq!(code(started), "InstanceActionNotFound");
}

#[tokio::test]
async fn reports_that_the_action_is_gone() {
    let (cell, mut nova) = nova().await;
    let event = Event { graceful_exit: true, ..event() };
    let mut reporter = nova.event_reporter_start(HIBISCUS, &context(), &event).await.expect("an open event");
    cell.execute("DELETE FROM instance_actions_events; DELETE FROM instance_actions").await;
    let finished = nova.event_reporter_finish(&mut reporter, None).await;
    assert_eq!(finished.expect("a graceful exit"), Finished::ActionGone);
}
