//! Loading and running the component: what goes wrong, and what stays usable.

mod common;

use std::future::pending;
use std::time::Duration;

use common::component_path;
use nova_compute_utils_wasmtime::conductor::{self, BwUsage, Datetime, HostError, InstancePage, TaskLog, WindowQuery};
use nova_compute_utils_wasmtime::types::{Config, NotificationFormat, Release};
use nova_compute_utils_wasmtime::{Callbacks, Clock, Error, Instance, Limits, Plugin, Runtime};

type Host = Callbacks<Conductor, ()>;

/// Answers only `task_log_get`, each time in another way.
enum Conductor {
    Late(Duration),
    Never,
    Failing,
    Verbose,
}

impl conductor::Host for Conductor {
    async fn task_log_get(
        &mut self,
        _: String,
        _: Datetime,
        _: Datetime,
        _: String,
    ) -> Result<Option<TaskLog>, HostError> {
        match self {
            Self::Late(delay) => tokio::time::sleep(*delay).await,
            Self::Never => pending().await,
            Self::Failing => return Err(HostError { code: "Overslept".into(), message: "the clerk is not in".into() }),
            Self::Verbose => return Err(HostError { code: "Verbose".into(), message: "x".repeat(8 << 20) }),
        }
        Ok(None)
    }

    async fn task_log_begin_task(
        &mut self,
        _: String,
        _: Datetime,
        _: Datetime,
        _: String,
        _: i64,
        _: String,
    ) -> Result<(), HostError> {
        unreachable!()
    }

    async fn task_log_end_task(
        &mut self,
        _: String,
        _: Datetime,
        _: Datetime,
        _: String,
        _: i64,
        _: Option<String>,
    ) -> Result<(), HostError> {
        unreachable!()
    }

    async fn instance_get_active_by_window(
        &mut self,
        _: WindowQuery,
        _: Option<String>,
        _: u32,
    ) -> Result<InstancePage, HostError> {
        unreachable!()
    }

    async fn instance_count_active_by_window(&mut self, _: WindowQuery) -> Result<u64, HostError> {
        unreachable!()
    }

    async fn bw_usage_get_by_uuids(&mut self, _: Vec<String>, _: Datetime) -> Result<Vec<BwUsage>, HostError> {
        unreachable!()
    }

    async fn instance_get_nw_info(&mut self, _: String) -> Result<String, HostError> {
        unreachable!()
    }

    async fn instance_fault_create(&mut self, _: conductor::InstanceFaultValues) -> Result<(), HostError> {
        unreachable!()
    }

    async fn action_start(
        &mut self,
        _: conductor::Context,
        _: conductor::ActionStartValues,
    ) -> Result<conductor::InstanceAction, HostError> {
        unreachable!()
    }

    async fn action_finish(
        &mut self,
        _: conductor::Context,
        _: conductor::ActionFinishValues,
    ) -> Result<conductor::InstanceAction, HostError> {
        unreachable!()
    }

    async fn action_event_start(
        &mut self,
        _: conductor::Context,
        _: conductor::ActionEventStartValues,
    ) -> Result<conductor::InstanceActionEvent, HostError> {
        unreachable!()
    }

    async fn action_event_finish(
        &mut self,
        _: conductor::Context,
        _: conductor::ActionEventFinishValues,
    ) -> Result<conductor::InstanceActionEvent, HostError> {
        unreachable!()
    }
}

fn config(period: &str) -> Config {
    Config {
        release: Release::Hibiscus,
        host: "cmp-01".into(),
        instance_usage_audit_period: period.into(),
        notification_format: NotificationFormat::Unversioned,
        glance_endpoint: None,
        max_disk_devices_to_attach: -1,
        compute_driver: None,
    }
}

fn plugin(limits: Limits) -> Plugin<Host> {
    Runtime::new(limits).and_then(|runtime| runtime.load(component_path())).expect("the component")
}

async fn instance(plugin: &Plugin<Host>, conductor: Conductor) -> Instance<Host> {
    plugin.instantiate(Callbacks { conductor, notifier: () }, Clock::System).await.expect("an instance")
}

#[tokio::test]
async fn an_error_of_a_callback_comes_back_as_it_is_and_hurts_nobody() {
    let plugin = plugin(Limits::default());
    let mut component = instance(&plugin, Conductor::Failing).await;
    let Err(Error::Nova(error)) = component.has_audit_been_run(&config("month"), "cmp-01", None).await else {
        panic!("it failed otherwise, or not at all")
    };
    assert_eq!((error.code.as_str(), error.message.as_str()), ("Overslept", "the clerk is not in"));
    assert_eq!(error.callback.as_deref(), Some("task-log-get"));
    component.host_mut().conductor = Conductor::Late(Duration::ZERO);
    assert!(!component.has_audit_been_run(&config("month"), "cmp-01", None).await.expect("an answer"));
}

#[tokio::test]
async fn bad_input_is_an_error_and_hurts_nobody() {
    let plugin = plugin(Limits::default());
    let mut component = instance(&plugin, Conductor::Failing).await;
    let now = "2026-11-01T00:17:03.250000".to_owned();
    let error = component.last_completed_audit_period(&config("day@24"), None, &now).await.expect_err("no such hour");
    assert!(matches!(&error, Error::Nova(error) if error.code == "ValueError" && error.callback.is_none()), "{error}");
    let window = component.last_completed_audit_period(&config("day"), None, &now).await.expect("a window");
    assert_eq!(window.end, "2026-11-01T00:00:00.000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_run_side_by_side_on_any_thread() {
    let plugin = plugin(Limits::default());
    let mut calls = Vec::new();
    for _ in 0..8 {
        let mut component = instance(&plugin, Conductor::Late(Duration::from_millis(20))).await;
        calls.push(tokio::spawn(async move { component.has_audit_been_run(&config("month"), "cmp-01", None).await }));
    }
    for call in calls {
        assert!(!call.await.expect("an end").expect("an answer"));
    }
}

#[tokio::test]
async fn only_computing_counts_against_the_deadline() {
    let limit = Duration::from_millis(300);
    let plugin = plugin(Limits { compute: limit, ..Limits::default() });
    let mut component = instance(&plugin, Conductor::Late(limit * 3)).await;
    component.has_audit_been_run(&config("month"), "cmp-01", None).await.expect("an answer");
}

#[tokio::test]
async fn a_stopped_instance_is_dead_and_the_plugin_makes_another() {
    let plugin = plugin(Limits { memory: 4 << 20, ..Limits::default() });
    for _ in 0..2 {
        let mut component = instance(&plugin, Conductor::Verbose).await;
        let error = component.has_audit_been_run(&config("month"), "cmp-01", None).await.expect_err("too long a text");
        assert!(error.to_string().starts_with("the component was stopped: it asked for "), "{error}");
        let error = component.has_audit_been_run(&config("month"), "cmp-01", None).await.expect_err("dead");
        assert!(matches!(error, Error::Dead), "{error}");
    }
}

#[tokio::test]
async fn an_abandoned_call_leaves_a_dead_instance() {
    let plugin = plugin(Limits::default());
    let mut component = instance(&plugin, Conductor::Never).await;
    let config = config("month");
    let call = component.has_audit_been_run(&config, "cmp-01", None);
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    let error = component.has_audit_been_run(&config, "cmp-01", None).await.expect_err("dead");
    assert!(matches!(error, Error::Dead), "{error}");
}

#[tokio::test]
async fn a_component_gets_no_more_memory_than_it_may_have() {
    let plugin = plugin(Limits { memory: 1 << 16, ..Limits::default() });
    let host = Callbacks { conductor: Conductor::Failing, notifier: () };
    let Err(error) = plugin.instantiate(host, Clock::System).await else { panic!("it started") };
    assert!(error.to_string().contains("more than the limit of 65536"), "{error}");
}

#[test]
fn what_is_no_such_component_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let runtime = Runtime::new(Limits::default()).expect("an engine");
    let refusal = |name: &str, bytes: &[u8]| {
        let file = directory.path().join(name);
        std::fs::write(&file, bytes).expect("a file");
        let Err(error) = runtime.load::<()>(&file) else { panic!("{name} was loaded") };
        let text = error.to_string();
        assert!(!text.contains('\n') && text.contains(name), "{text}");
        text
    };
    let wat = |text: &str| wat::parse_str(text).expect("WAT");

    refusal("text", b"no component");
    refusal("empty", b"");
    refusal("module", &wat("(module)"));
    let export = refusal("nothing", &wat("(component)"));
    assert!(export.contains("nova:compute-utils/types@0.1.0"), "{export}");
    let types = r#"(component (instance $empty) (export "nova:compute-utils/types@0.1.0" (instance $empty)))"#;
    let export = refusal("types", &wat(types));
    assert!(export.contains("nova:compute-utils/usage-notify@0.1.0"), "{export}");
    let import = refusal(
        "import",
        &wat(
            r#"(component (import "wasi:cli/environment@0.2.0" (instance (export "initial-cwd" (func (result (option string)))))))"#,
        ),
    );
    assert!(import.contains("wasi:cli/environment@0.2.0"), "{import}");
    let Err(error) = runtime.load::<()>(directory.path().join("missing")) else { panic!("there is no such file") };
    assert!(matches!(error, Error::Read { .. }), "{error}");
}
