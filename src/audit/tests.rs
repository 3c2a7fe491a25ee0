//! A model of failing hosts: whatever call fails, before or after it took effect, an audit that is resumed until it
//! succeeds delivers every notification under one id and counts right.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::vec;

use proptest::prelude::*;

use super::*;
use crate::context::NotificationFormat;
use crate::host::{
    ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, BwUsage, HostError,
    InstanceAction, InstanceActionEvent, InstanceFaultValues,
};
use crate::testing::{MemoryHost, ready};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The call has no effect.
    Lost,
    /// The call takes effect, and its answer is lost.
    AnswerLost,
}

/// A host in memory whose calls fail by a schedule.
struct FailingHost {
    memory: MemoryHost,
    faults: RefCell<BTreeMap<u32, Fault>>,
    calls: Cell<u32>,
    /// The UUIDs of the instances that the conductor cannot read.
    unreadable: RefCell<Vec<String>>,
}

impl FailingHost {
    /// Runs a call unless the schedule says otherwise. Each fault happens once.
    async fn call<T>(&self, call: impl AsyncFnOnce() -> Result<T, HostError>) -> Result<T, HostError> {
        self.calls.set(self.calls.get() + 1);
        let failed = || Err(HostError::new("HostFailed", "the host failed"));
        let fault = self.faults.borrow_mut().remove(&self.calls.get());
        match fault {
            None => call().await,
            Some(Fault::Lost) => failed(),
            Some(Fault::AnswerLost) => call().await.and_then(|_| failed()),
        }
    }
}

impl Conductor for FailingHost {
    async fn task_log_get(&self, context: &Context, key: TaskLogKey<'_>) -> Result<Option<TaskLog>, HostError> {
        self.call(async || self.memory.task_log_get(context, key).await).await
    }

    async fn task_log_begin_task(
        &self,
        context: &Context,
        key: TaskLogKey<'_>,
        task_items: i64,
        message: &str,
    ) -> Result<(), HostError> {
        self.call(async || self.memory.task_log_begin_task(context, key, task_items, message).await).await
    }

    async fn task_log_end_task(
        &self,
        context: &Context,
        key: TaskLogKey<'_>,
        errors: i64,
        message: Option<&str>,
    ) -> Result<(), HostError> {
        self.call(async || self.memory.task_log_end_task(context, key, errors, message).await).await
    }

    async fn audit_checkpoint_get(
        &self,
        context: &Context,
        key: TaskLogKey<'_>,
    ) -> Result<Option<AuditCheckpoint>, HostError> {
        self.call(async || self.memory.audit_checkpoint_get(context, key).await).await
    }

    async fn audit_checkpoint_put(
        &self,
        context: &Context,
        key: TaskLogKey<'_>,
        checkpoint: &AuditCheckpoint,
    ) -> Result<bool, HostError> {
        self.call(async || self.memory.audit_checkpoint_put(context, key, checkpoint).await).await
    }

    async fn instance_get_active_by_window(
        &self,
        context: &Context,
        query: WindowQuery<'_>,
        marker: Option<&str>,
        _: u32,
    ) -> Result<InstancePage, HostError> {
        // Small pages, so that an audit has several.
        let page =
            self.call(async || self.memory.instance_get_active_by_window(context, query, marker, 2).await).await?;
        let unreadable = self.unreadable.borrow();
        let is_unreadable = |document: &String| unreadable.iter().any(|uuid| document.contains(&format!("\"{uuid}\"")));
        let (bad, instances) = page.instances.into_iter().partition::<Vec<String>, _>(is_unreadable);
        let bad = bad.into_iter().map(|document| UnreadableInstance {
            instance_uuid: Instance::parse(&document).and_then(|instance| instance.uuid().map(Cow::into_owned)).ok(),
            instance_id: Some(7),
            error: HostError::new("UnreadableColumn", "a column cannot be read"),
        });
        Ok(InstancePage { instances, unreadable: bad.collect(), next_marker: page.next_marker })
    }

    async fn instance_count_active_by_window(
        &self,
        context: &Context,
        query: WindowQuery<'_>,
    ) -> Result<u64, HostError> {
        self.call(async || self.memory.instance_count_active_by_window(context, query).await).await
    }

    async fn bw_usage_get_by_uuids(
        &self,
        context: &Context,
        uuids: &[String],
        start_period: NaiveDateTime,
    ) -> Result<Vec<BwUsage>, HostError> {
        self.memory.bw_usage_get_by_uuids(context, uuids, start_period).await
    }

    async fn instance_get_nw_info(&self, context: &Context, instance: &str) -> Result<String, HostError> {
        self.memory.instance_get_nw_info(context, instance).await
    }

    async fn instance_fault_create(&self, context: &Context, values: &InstanceFaultValues) -> Result<(), HostError> {
        self.memory.instance_fault_create(context, values).await
    }

    async fn action_start(
        &self,
        context: &Context,
        values: &ActionStartValues,
    ) -> Result<Option<InstanceAction>, HostError> {
        self.memory.action_start(context, values).await
    }

    async fn action_finish(
        &self,
        context: &Context,
        values: &ActionFinishValues,
    ) -> Result<Option<InstanceAction>, HostError> {
        self.memory.action_finish(context, values).await
    }

    async fn action_event_start(
        &self,
        context: &Context,
        values: &ActionEventStartValues,
    ) -> Result<Option<InstanceActionEvent>, HostError> {
        self.memory.action_event_start(context, values).await
    }

    async fn action_event_finish(
        &self,
        context: &Context,
        values: &ActionEventFinishValues,
    ) -> Result<Option<InstanceActionEvent>, HostError> {
        self.memory.action_event_finish(context, values).await
    }
}

impl Notifier for FailingHost {
    async fn notify(
        &self,
        context: &Context,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Result<(), HostError>>, HostError> {
        self.call(async || self.memory.notify(context, notifications).await).await
    }

    async fn position(&self, _: &Context) -> Result<Option<String>, HostError> {
        self.call(async || Ok(Some(self.memory.notifications().len().to_string()))).await
    }

    async fn resume_at(&self, _: &Context, position: Option<&str>) -> Result<(), HostError> {
        self.call(async || {
            let position: usize = position.expect("a position").parse().expect("a number");
            assert!(position <= self.memory.notifications().len(), "nothing behind the end was confirmed");
            Ok(())
        })
        .await
    }
}

impl Clock for FailingHost {
    fn utcnow(&self) -> NaiveDateTime {
        self.memory.utcnow()
    }
}

impl Random for FailingHost {
    fn random_bytes(&self) -> [u8; 16] {
        self.memory.random_bytes()
    }
}

fn config() -> Config {
    Config { notification_format: NotificationFormat::Both, ..Config::new(Release::Hibiscus, "cmp-01") }
}

/// A host with healthy instances and one whose payload cannot be built.
fn host(instances: usize, has_broken_instance: bool, faults: BTreeMap<u32, Fault>) -> FailingHost {
    let memory = MemoryHost::new(time::parse("2026-11-01T00:17:03.25").expect("a timestamp"));
    for number in 0..instances {
        memory.add_instance(instance(number, !(has_broken_instance && number == 0))).expect("an instance");
    }
    FailingHost { memory, faults: RefCell::new(faults), calls: Cell::new(0), unreadable: RefCell::default() }
}

fn instance(number: usize, is_healthy: bool) -> String {
    let flavor = r#"{"name": "m1.small", "swap": 0, "root_gb": 1, "ephemeral_gb": 0}"#;
    let flavor = if is_healthy { flavor } else { "{}" };
    format!(
        r#"{{"uuid": "instance-{number}", "host": "cmp-01", "vm_state": "active", "launched_at": "2026-10-05 10:43:11",
            "flavor": {flavor}}}"#
    )
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![Just(Fault::Lost), Just(Fault::AnswerLost)]
}

proptest! {
    /// After resumes every notification is delivered under one id, none after the row is `DONE`, and the counts are those
    /// of an audit without faults.
    #[test]
    fn loses_nothing_whatever_fails(
        instances in 0_usize..8,
        has_broken_instance: bool,
        faults in proptest::collection::btree_map(1_u32..60, fault(), 0..12),
    ) {
        let planned = faults.len();
        let host = host(instances, has_broken_instance, faults);
        let (config, context) = (config(), Context::default());
        let options = AuditOptions { resume: true, message_ids: MessageIds::Deterministic, ..AuditOptions::default() };
        let mut report = None;
        for _ in 0..=planned {
            match ready(instance_usage_audit(&host, &config, &context, &options)) {
                Ok(done) => {
                    report = done;
                    break;
                }
                Err(error) => prop_assert_eq!(error.code(), "HostFailed"),
            }
        }
        let broken = u64::from(has_broken_instance && instances > 0);
        let rows = host.memory.task_log();
        prop_assert_eq!(rows.len(), 1);
        prop_assert_eq!((rows[0].state.as_str(), rows[0].errors), ("DONE", i64::try_from(broken).expect("a bit")));
        let ids: std::collections::BTreeSet<String> =
            host.memory.notifications().into_iter().map(|notification| notification.message_id).collect();
        let healthy = to_u64(instances) - broken;
        prop_assert_eq!(to_u64(ids.len()), healthy * 2);
        // `None`: only the answer of the last call was lost, and the next run found the row finished.
        if let Some(report) = report {
            prop_assert_eq!((report.instances, report.notifications), (to_u64(instances), healthy * 2));
            prop_assert_eq!(to_u64(report.failures.len()), broken);
        }
        host.faults.borrow_mut().clear();
        let sent = host.memory.notifications().len();
        prop_assert_eq!(ready(instance_usage_audit(&host, &config, &context, &options)), Ok(None));
        prop_assert_eq!(host.memory.notifications().len(), sent, "nothing is sent after DONE");
    }

    /// After an audit with errors, retries send exactly the notifications that are missing, whatever fails, and the row
    /// ends with the errors that remain.
    #[test]
    fn retries_exactly_the_failed_instances(
        instances in 1_usize..8,
        is_repaired: bool,
        given_up_at in proptest::option::of(9_u32..20),
        faults in proptest::collection::btree_map(1_u32..40, fault(), 0..8),
    ) {
        let (config, context) = (config(), Context::default());
        let run = |host: &FailingHost, options: AuditOptions| {
            let options = AuditOptions { message_ids: MessageIds::Deterministic, ..options };
            ready(instance_usage_audit(host, &config, &context, &options))
        };
        let interruption = given_up_at.map(|call| (call, Fault::Lost)).into_iter().collect();
        let host = host(instances, true, interruption);
        if run(&host, AuditOptions::default()).is_err() {
            let give_up = AuditOptions { give_up: true, ..AuditOptions::default() };
            while run(&host, give_up).is_err() {}
        }
        let row = || {
            let row = host.memory.task_log().remove(0);
            (row.state, row.errors)
        };
        prop_assert_eq!(row().0, "DONE");
        let sent = host.memory.notifications();

        if is_repaired {
            host.memory.add_instance(instance(0, true)).expect("an instance");
        }
        host.calls.set(0);
        let planned = faults.len();
        *host.faults.borrow_mut() = faults;
        let retry = AuditOptions { retry_failed: true, ..AuditOptions::default() };
        for _ in 0..=planned {
            match run(&host, retry) {
                Ok(_) => break,
                Err(error) => prop_assert_eq!(error.code(), "HostFailed"),
            }
        }
        host.faults.borrow_mut().clear();
        let remaining = u64::from(!is_repaired);
        prop_assert_eq!(row(), ("DONE".into(), i64::try_from(remaining).expect("a bit")));
        let all = host.memory.notifications();
        let ids = |notifications: &[Notification]| -> std::collections::BTreeSet<String> {
            notifications.iter().map(|notification| notification.message_id.clone()).collect()
        };
        prop_assert_eq!(to_u64(ids(&all).len()), (to_u64(instances) - remaining) * 2);
        // The page at which an audit was given up may have been sent without a checkpoint.
        if given_up_at.is_none() {
            prop_assert!(ids(&all[sent.len()..]).is_disjoint(&ids(&sent)), "a retry sends nothing that was sent");
        }
    }
}

#[test]
fn counts_unreadable_instances_as_failures_and_retries_them() {
    let (config, context) = (config(), Context::default());
    let host = host(5, false, BTreeMap::new());
    *host.unreadable.borrow_mut() = vec!["instance-1".into(), "instance-4".into()];
    let run = |options| ready(instance_usage_audit(&host, &config, &context, &options));
    let report = run(AuditOptions::default()).expect("it runs").expect("a report");
    assert_eq!((report.instances, report.notifications, report.failures.len()), (5, 6, 2));
    assert_eq!(report.failures[0].instance_id, Some(7));
    assert_eq!(report.failures[0].error.code(), "UnreadableColumn");
    assert_eq!(report.failures[0].error.callback(), Some("instance-get-active-by-window"));
    assert_eq!(host.memory.task_log()[0].errors, 2);

    let retry = AuditOptions { retry_failed: true, ..AuditOptions::default() };
    host.unreadable.borrow_mut().clear();
    let report = run(retry).expect("it runs").expect("a report");
    assert_eq!((report.instances, report.notifications, report.failures), (5, 10, vec![]));
    assert_eq!(host.memory.task_log()[0].errors, 0);
    assert_eq!(run(retry), Ok(None));
}

#[test]
fn retries_only_the_notifications_that_are_missing() {
    let (config, context) = (config(), Context::default());
    let memory = MemoryHost::new(time::parse("2026-11-01T00:17:03.25").expect("a timestamp"));
    // Only the versioned payload needs the flavor's swap.
    let broken = instance(0, true).replace(r#""swap": 0, "#, "");
    memory.add_instance(broken).expect("an instance");
    let run = |options| ready(instance_usage_audit(&memory, &config, &context, &options));
    let report = run(AuditOptions::default()).expect("it runs").expect("a report");
    assert_eq!((report.notifications, report.failures.len()), (1, 1));
    assert_eq!(report.failures[0].sent, ["compute.instance.exists"]);

    memory.add_instance(instance(0, true)).expect("an instance");
    let report =
        run(AuditOptions { retry_failed: true, ..AuditOptions::default() }).expect("it runs").expect("a report");
    assert_eq!((report.instances, report.notifications, report.failures), (1, 2, vec![]));
    let event_types: Vec<_> = memory.notifications().into_iter().map(|sent| sent.event_type).collect();
    assert_eq!(event_types, ["compute.instance.exists", "instance.exists"]);
}

#[test]
fn resumes_only_on_request_and_with_the_same_settings() {
    let (config, context) = (config(), Context::default());
    // The calls are: get, page, count, position, put, begin, notify.
    let host = host(3, false, BTreeMap::from([(7, Fault::Lost)]));
    let run = |config: &Config, options| ready(instance_usage_audit(&host, config, &context, &options));
    assert_eq!(run(&config, AuditOptions::default()).expect_err("the notifier fails").callback(), Some("notify"));
    assert_eq!(host.memory.task_log()[0].state, "RUNNING");
    assert_eq!(run(&config, AuditOptions::default()), Ok(None));

    let resume = AuditOptions { resume: true, ..AuditOptions::default() };
    let unversioned = Config { notification_format: NotificationFormat::Unversioned, ..config.clone() };
    assert_eq!(run(&unversioned, resume).expect_err("other settings").code(), "CheckpointMismatch");
    let report = run(&config, resume).expect("it continues").expect("a report");
    assert_eq!((report.instances, report.notifications, report.failures), (3, 6, vec![]));
}

#[test]
fn gives_up_the_remaining_instances() {
    let (config, context) = (config(), Context::default());
    // The calls are: get, page, count, position, put, begin, notify, position, put, page.
    let host = host(5, false, BTreeMap::from([(10, Fault::Lost)]));
    let run = |options| ready(instance_usage_audit(&host, &config, &context, &options));
    run(AuditOptions::default()).expect_err("the second page fails");
    let report =
        run(AuditOptions { give_up: true, ..AuditOptions::default() }).expect("it finishes").expect("a report");
    assert_eq!(report.instances, 2);
    let row = &host.memory.task_log()[0];
    assert_eq!((row.state.as_str(), row.errors), ("DONE", 3));
    assert!(row.message.ends_with("2 of 5 instances: the operator gave it up"), "{}", row.message);
}

#[test]
fn needs_a_checkpoint_to_resume() {
    let (config, context) = (config(), Context::default());
    let host = host(1, false, BTreeMap::new());
    let window = period::audit_period_bounds(config.release, "month", false, host.utcnow()).expect("a window");
    ready(start_instance_usage_audit(&host, &context, window, "cmp-01", 1)).expect("a row");
    let options = AuditOptions { resume: true, ..AuditOptions::default() };
    let error = ready(instance_usage_audit(&host, &config, &context, &options)).expect_err("Nova's own audit runs");
    assert_eq!(error.code(), "CheckpointNotFound");
}
