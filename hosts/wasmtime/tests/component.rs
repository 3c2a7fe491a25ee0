//! Loading and running the component: its errors, and whether an instance stays usable after them.

mod common;

use std::future::pending;
use std::time::Duration;

use common::component_path;
use nova_compute_utils_wasmtime::conductor::{self, HostError};
use nova_compute_utils_wasmtime::notifier::{self, Notification};
use nova_compute_utils_wasmtime::types::{Config, Context, Release};
use nova_compute_utils_wasmtime::{Callbacks, Clock, Error, Instance, Limits, Plugin, Runtime};
use serde_json::json;

type Nova = Instance<(), Notifier>;

enum Notifier {
    Late(Duration),
    Never,
    Failing,
    Verbose,
}

impl notifier::Host for Notifier {
    async fn notify(
        &mut self,
        _: conductor::Context,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Option<HostError>>, HostError> {
        match self {
            Self::Late(delay) => tokio::time::sleep(*delay).await,
            Self::Never => pending().await,
            Self::Failing => {
                return Err(HostError::new("NoBroker", "the broker is down").with_arguments(json!({ "port": 5672 })));
            }
            Self::Verbose => return Err(HostError::new("Verbose", "x".repeat(8 << 20))),
        }
        Ok(vec![None; notifications.len()])
    }

    async fn position(&mut self, _: conductor::Context) -> Result<Option<String>, HostError> {
        Ok(None)
    }

    async fn resume_at(&mut self, _: conductor::Context, _: Option<String>) -> Result<(), HostError> {
        Ok(())
    }
}

fn plugin(limits: Limits) -> Plugin<(), Notifier> {
    Runtime::new(limits).and_then(|runtime| runtime.load(component_path())).expect("the component")
}

async fn instance(plugin: &Plugin<(), Notifier>, notifier: Notifier) -> Nova {
    plugin.instantiate(Callbacks { conductor: (), notifier }, Clock::System).await.expect("an instance")
}

/// Emits a notification.
async fn emit(nova: &mut Nova) -> Result<(), Error> {
    let config = Config::new(Release::Grizzly, "cmp-01");
    let row = json!({
        "volume_id": "v", "instance_uuid": null, "project_id": null, "user_id": null, "availability_zone": null,
        "tot_last_refreshed": null, "tot_reads": 0, "tot_read_bytes": 0, "tot_writes": 0, "tot_write_bytes": 0,
        "curr_last_refreshed": null, "curr_reads": 0, "curr_read_bytes": 0, "curr_writes": 0, "curr_write_bytes": 0,
    });
    nova.notify_about_volume_usage(&config, &Context::default(), &row.to_string(), "cmp-01").await
}

#[tokio::test]
async fn returns_a_callback_error_unchanged_and_stays_usable() {
    let plugin = plugin(Limits::default());
    let mut nova = instance(&plugin, Notifier::Failing).await;
    let Err(Error::Nova(error)) = emit(&mut nova).await else { panic!("the notifier's error is lost") };
    assert_eq!((error.code.as_str(), error.message.as_str()), ("NoBroker", "the broker is down"));
    assert_eq!((error.arguments.as_str(), error.callback.as_deref()), (r#"{"port":5672}"#, Some("notify")));
    nova.callbacks_mut().notifier = Notifier::Late(Duration::ZERO);
    emit(&mut nova).await.expect("a notification");
}

#[tokio::test]
async fn fails_the_callbacks_of_a_missing_conductor() {
    let plugin = plugin(Limits::default());
    let mut nova = instance(&plugin, Notifier::Failing).await;
    let run = nova.has_audit_been_run(&Context::default(), Release::Hibiscus, "month", "cmp-01", None).await;
    let Err(Error::Nova(error)) = run else { panic!("no conductor answered") };
    assert_eq!((error.code.as_str(), error.callback.as_deref()), ("NoConductor", Some("task-log-get")));
}

#[tokio::test]
async fn returns_an_error_for_bad_input_and_stays_usable() {
    let plugin = plugin(Limits::default());
    let mut nova = instance(&plugin, Notifier::Failing).await;
    let now = "2026-11-01T00:17:03.250000".to_owned();
    let last = nova.last_completed_audit_period(Release::Hibiscus, "day@24", None, &now).await;
    let error = last.expect_err("hour 24 does not exist");
    assert!(matches!(&error, Error::Nova(error) if error.code == "ValueError" && error.callback.is_none()), "{error}");
    let last = nova.last_completed_audit_period(Release::Hibiscus, "day", None, &now).await;
    assert_eq!(last.expect("a window").end, "2026-11-01T00:00:00.000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_instances_concurrently_on_several_threads() {
    let plugin = plugin(Limits::default());
    let mut calls = Vec::new();
    for _ in 0..8 {
        let mut nova = instance(&plugin, Notifier::Late(Duration::from_millis(20))).await;
        calls.push(tokio::spawn(async move { emit(&mut nova).await }));
    }
    for call in calls {
        call.await.expect("a finished task").expect("a notification");
    }
}

#[tokio::test]
async fn does_not_count_the_time_of_callbacks() {
    let limit = Duration::from_millis(300);
    let plugin = plugin(Limits { compute: limit, ..Limits::default() });
    emit(&mut instance(&plugin, Notifier::Late(limit * 3)).await).await.expect("a notification");
}

#[tokio::test]
async fn makes_a_new_instance_after_one_was_stopped() {
    let plugin = plugin(Limits { memory: 4 << 20, ..Limits::default() });
    for _ in 0..2 {
        let mut nova = instance(&plugin, Notifier::Verbose).await;
        let error = emit(&mut nova).await.expect_err("the message does not fit into the memory");
        assert!(error.to_string().starts_with("the component was stopped: it asked for "), "{error}");
        let error = emit(&mut nova).await.expect_err("the instance is dead");
        assert!(matches!(error, Error::Dead), "{error}");
    }
}

#[tokio::test]
async fn an_instance_is_dead_after_a_cancelled_call() {
    let plugin = plugin(Limits::default());
    let mut nova = instance(&plugin, Notifier::Never).await;
    tokio::select! {
        biased;
        emitted = emit(&mut nova) => panic!("the notifier never returns: {emitted:?}"),
        () = std::future::ready(()) => {}
    }
    let error = emit(&mut nova).await.expect_err("the instance is dead");
    assert!(matches!(error, Error::Dead), "{error}");
}

#[tokio::test]
async fn limits_the_memory_of_a_new_instance() {
    let plugin = plugin(Limits { memory: 1 << 16, ..Limits::default() });
    let callbacks = Callbacks { conductor: (), notifier: Notifier::Failing };
    let Err(error) = plugin.instantiate(callbacks, Clock::System).await else { panic!("the instance fits") };
    assert!(error.to_string().contains("more than the limit of 65536"), "{error}");
}

#[test]
fn rejects_files_that_are_not_the_component() {
    let directory = tempfile::tempdir().expect("a directory");
    let runtime = Runtime::new(Limits::default()).expect("an engine");
    let rejection = |name: &str, bytes: &[u8]| {
        let file = directory.path().join(name);
        std::fs::write(&file, bytes).expect("a file");
        let Err(error) = runtime.load::<(), ()>(&file) else { panic!("{name} was loaded") };
        let text = error.to_string();
        assert!(!text.contains('\n') && text.contains(name), "{text}");
        text
    };
    let wat = |text: &str| wat::parse_str(text).expect("WAT");

    rejection("text", b"not a component");
    rejection("empty", b"");
    rejection("module", &wat("(module)"));
    let export = rejection("nothing", &wat("(component)"));
    assert!(export.contains("nova:compute-utils/types@0.1.0"), "{export}");
    let types = r#"(component (instance $empty) (export "nova:compute-utils/types@0.1.0" (instance $empty)))"#;
    let export = rejection("types", &wat(types));
    assert!(export.contains("nova:compute-utils/usage-notify@0.1.0"), "{export}");
    let environment = r#"(component (import "wasi:cli/environment@0.2.0"
        (instance (export "initial-cwd" (func (result (option string)))))))"#;
    let import = rejection("import", &wat(environment));
    assert!(import.contains("wasi:cli/environment@0.2.0"), "{import}");
    let Err(error) = runtime.load::<(), ()>(directory.path().join("missing")) else { panic!("no such file exists") };
    assert!(matches!(error, Error::Read { .. }), "{error}");
}
