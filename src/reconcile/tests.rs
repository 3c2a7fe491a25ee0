use std::format;
use std::prelude::v1::*;
use std::vec;

use proptest::prelude::*;

use super::*;

const UUID: &str = "48b988aa-afe1-4664-8307-784d3a2daad0";

fn instance(more: &str) -> String {
    format!(
        r#"{{"uuid": "{UUID}", "project_id": "shop", "host": "cmp-01", "launched_at": "2026-10-31 22:30:00",
        "flavor": {{"name": "m1.small", "flavorid": "2", "memory_mb": 2048, "vcpus": 1, "root_gb": 20,
        "ephemeral_gb": 0, "swap": 0, "rxtx_factor": 1.0, "vcpu_weight": 0, "disabled": false, "is_public": true, "extra_specs": {{}},
        "projects": []}}{more}}}"#
    )
}

fn options() -> ReconcileOptions {
    let window = Window { begin: time::parse("2026-10-01").unwrap(), end: time::parse("2026-11-01").unwrap() };
    ReconcileOptions::new(Release::Hibiscus, window)
}

/// Returns the notification that Nova emits for an instance, after a change of its text.
fn received(message_id: &str, change: impl FnOnce(String) -> String) -> ReceivedNotification {
    let text = instance("");
    let instance = Instance::parse(&text).unwrap();
    let payload =
        usage::exists_payload(Release::Hibiscus, &instance, options().window, None, None, &Object::default()).unwrap();
    let text = format!(
        r#"{{"event_type": "{UNVERSIONED}", "message_id": "{message_id}", "publisher_id": "compute.cmp-01",
        "payload": {}}}"#,
        change(payload)
    );
    ReceivedNotification::parse(&text).unwrap()
}

fn reconcile(options: &ReconcileOptions, instance: Option<&str>, received: &[ReceivedNotification]) -> Reconciliation {
    let instance = instance.map(|instance| Instance::parse(instance).unwrap());
    reconcile_instance(options, instance.as_ref(), received).unwrap()
}

fn verdicts(reconciliation: &Reconciliation) -> Vec<Verdict> {
    reconciliation.findings.iter().map(|finding| finding.verdict).collect()
}

#[test]
fn counts_notifications_with_one_id_once() {
    let (row, copy) = (instance(""), received("a", |payload| payload));
    let result = reconcile(&options(), Some(&row), &[copy.clone(), copy.clone()]);
    assert_eq!((verdicts(&result), result.hours), (vec![Verdict::Equal], 1.5));
    assert!(result.is_equal());
    let other = ReceivedNotification { message_id: Some("b".into()), ..copy.clone() };
    let third = ReceivedNotification { message_id: None, ..copy.clone() };
    let result = reconcile(&options(), Some(&row), &[other, copy, third]);
    assert_eq!(verdicts(&result), [Verdict::Doubled]);
    assert_eq!(result.findings[0].message_ids, ["a", "b"]);
    assert_eq!(result.findings[0].hours.to_bits(), 3.0_f64.to_bits());
}

#[test]
fn names_the_fields_that_differ() {
    let changed = received("a", |payload| payload.replace(r#""tenant_id":"shop""#, r#""tenant_id":"bank""#));
    let result = reconcile(&options(), Some(&instance("")), core::slice::from_ref(&changed));
    let [Finding { verdict: Verdict::Different, fields, hours, .. }] = result.findings.as_slice() else {
        unreachable!("{result:?}");
    };
    let (expected, received) = (Some(r#""shop""#.into()), Some(r#""bank""#.into()));
    assert_eq!(fields, &[FieldDifference { field: "tenant_id".into(), expected, received }]);
    assert_eq!(hours.to_bits(), 1.5_f64.to_bits());
    let only_state = ReconcileOptions { fields: Some(vec!["state".into()]), ..options() };
    assert_eq!(verdicts(&reconcile(&only_state, Some(&instance("")), &[changed])), [Verdict::Equal]);
}

#[test]
fn reports_what_was_not_received() {
    let both = ReconcileOptions { notification_format: NotificationFormat::Both, ..options() };
    let result = reconcile(&both, Some(&instance("")), &[received("a", |payload| payload)]);
    assert_eq!(verdicts(&result), [Verdict::Equal, Verdict::Missing]);
    assert_eq!(result.findings[1].event_type, VERSIONED);
}

#[test]
fn reports_what_should_not_have_been_received() {
    let notification = received("a", |payload| payload);
    let result = reconcile(&options(), None, core::slice::from_ref(&notification));
    assert_eq!((verdicts(&result), result.instance_uuid.as_str()), (vec![Verdict::Unexpected], UUID));
    assert_eq!((result.project_id.as_deref(), result.hours, result.findings[0].hours), (Some("shop"), 0.0, 1.5));
    let ended = instance(r#", "terminated_at": "2026-10-01 00:00:00""#);
    assert_eq!(verdicts(&reconcile(&options(), Some(&ended), &[notification])), [Verdict::Unexpected]);
}

/// Nova sends the unversioned notification before it fails to build the versioned one.
#[test]
fn needs_the_fields_of_the_configured_formats() {
    let row = instance("").replace(r#""name": "m1.small", "#, "");
    assert_eq!(verdicts(&reconcile(&options(), Some(&row), &[])), [Verdict::Missing]);
    let both = ReconcileOptions { notification_format: NotificationFormat::Both, ..options() };
    let row = Instance::parse(&row).unwrap();
    assert_eq!(reconcile_instance(&both, Some(&row), &[]).unwrap_err().code(), "ValueError");
}

#[test]
fn sets_other_windows_apart() {
    let resized = received("a", |payload| payload.replace("2026-11-01 00:00:00", "2026-10-31 23:00:00.5"));
    let result = reconcile(&options(), Some(&instance("")), &[resized.clone(), received("b", |payload| payload)]);
    assert_eq!(verdicts(&result), [Verdict::Equal, Verdict::OtherWindow]);
    assert!(result.is_equal());
    let hours: f64 = 1_800.5 / 3_600.0;
    assert_eq!(result.findings[1].hours.to_bits(), hours.to_bits());
    assert_eq!(
        verdicts(&reconcile(&options(), Some(&instance("")), &[resized])),
        [Verdict::Missing, Verdict::OtherWindow]
    );
}

#[test]
fn counts_an_exists_without_a_window_as_one_for_this_window() {
    let broken = received("a", |payload| payload.replace("2026-11-01 00:00:00", "soon"));
    let result = reconcile(&options(), Some(&instance("")), &[broken]);
    assert_eq!(verdicts(&result), [Verdict::Different]);
    assert_eq!(result.findings[0].fields[0].field, "audit_period_ending");
}

#[test]
fn restricts_both_sides_to_a_host() {
    let notification = received("a", |payload| payload);
    let on = |host: &str| ReconcileOptions { host: Some(host.into()), ..options() };
    let result = reconcile(&on("cmp-01"), Some(&instance("")), core::slice::from_ref(&notification));
    assert_eq!(verdicts(&result), [Verdict::Equal]);
    assert_eq!(verdicts(&reconcile(&on("cmp-02"), Some(&instance("")), &[notification])), []);
}

#[test]
fn rejects_notifications_of_several_instances() {
    let other = received("b", |payload| payload.replace(UUID, "5a92d5c4-d71c-4972-bcbb-019167ffd7f1"));
    let own = received("a", |payload| payload);
    for notifications in [vec![own.clone(), other.clone()], vec![other.clone(), own]] {
        let error = reconcile_instance(&options(), None, &notifications).unwrap_err();
        assert_eq!(error.code(), "ValueError");
        assert!(error.message().starts_with("the notification `b` is for the instance `5a92"), "{error}");
    }
    let text = instance("");
    let row = Instance::parse(&text).unwrap();
    assert_eq!(reconcile_instance(&options(), Some(&row), &[other]).unwrap_err().code(), "ValueError");
    assert_eq!(reconcile_instance(&options(), None, &[]).unwrap_err().code(), "ValueError");
}

#[test]
fn does_not_compare_the_bandwidth_that_the_row_lacks() {
    let options = ReconcileOptions { release: Release::Grizzly, ..options() };
    let (expected, received) = (r#"{"bandwidth":null,"state":"a"}"#, r#"{"bandwidth":{"x":1},"state":"b"}"#);
    let differences = differences(&options, expected, received).unwrap();
    assert_eq!(differences.iter().map(|it| it.field.as_str()).collect::<Vec<_>>(), ["state"]);
}

#[test]
fn gives_an_error_in_the_place_of_a_bad_line() {
    let mut output = String::new();
    let input = format!("{{\"instance\": {}}}\n{{}}\n[]\n", instance("").replace('\n', ""));
    reconcile_ndjson(&options(), 1, &input, &mut output);
    let lines: Vec<&str> = output.lines().collect();
    assert!(lines[0].contains(r#""verdict":"missing""#), "{}", lines[0]);
    assert!(lines[1].starts_with(r#"{"line":2,"error":{"code":"ValueError","#), "{}", lines[1]);
    assert!(lines[2].starts_with(r#"{"line":3,"error":{"code":"TypeError","#), "{}", lines[2]);

    let mut totals = ReconcileTotals::default();
    totals.add_ndjson(&output).unwrap();
    assert_eq!((totals.instances, totals.errors, totals.of(Verdict::Missing).count), (1, 2, 1));
    assert!(!totals.is_equal());
    for bad in ["{}", "[]", "{", r#"{"findings": [{"verdict": "odd", "hours": 1}]}"#, r#"{"findings": [{}]}"#] {
        assert_eq!(ReconcileTotals::default().add_ndjson(bad).unwrap_err().code(), "ValueError", "{bad}");
    }
}

fn reconciliation() -> impl Strategy<Value = Reconciliation> {
    let finding = (0..Verdict::ALL.len(), 0_u32..2_700_000_000, 0_u32..1_000).prop_map(
        |(verdict, milliseconds, microseconds)| Finding {
            verdict: Verdict::ALL[verdict],
            event_type: UNVERSIONED.into(),
            message_ids: vec!["a".into()],
            fields: Vec::new(),
            window: None,
            // As `hours_for` computes them.
            hours: ((f64::from(milliseconds) * 1e3 + f64::from(microseconds)) / 1e6) / 3_600.0,
        },
    );
    prop::collection::vec(finding, 0..4).prop_map(|findings| Reconciliation {
        instance_uuid: UUID.into(),
        project_id: None,
        hours: 0.0,
        findings,
    })
}

proptest! {
    /// The totals of any split in any order are the same, as values and as lines.
    #[test]
    fn totals_are_associative_and_commutative(
        items in prop::collection::vec((reconciliation(), 0..4_usize), 0..24),
        order in any::<u64>(),
    ) {
        let mut whole = ReconcileTotals::default();
        for (item, _) in &items {
            whole.add(item);
        }
        let mut parts = [ReconcileTotals::default(); 4];
        let mut lines: [String; 4] = Default::default();
        for (item, part) in items.iter().rev() {
            parts[*part].add(item);
            lines[*part] += &(item.to_json() + "\n");
        }
        let mut from_lines = ReconcileTotals::default();
        let mut merged = ReconcileTotals::default();
        for step in 0..4 {
            // Any of the 24 orders in which the parts are merged.
            let part = (step * (1 + 2 * usize::from(order % 2 == 1)) + usize::try_from(order / 2 % 4).unwrap()) % 4;
            let mut lines_of_part = ReconcileTotals::default();
            lines_of_part.add_ndjson(&lines[part]).unwrap();
            prop_assert_eq!(lines_of_part, parts[part]);
            from_lines.add_ndjson(&lines_of_part.to_json()).unwrap();
            let mut both = parts[part];
            both.merge(&merged);
            merged = both;
        }
        prop_assert_eq!(merged, whole);
        prop_assert_eq!(from_lines, whole);
        prop_assert_eq!(merged.to_json(), whole.to_json());
    }

    /// The order of arrival does not matter.
    #[test]
    fn any_order_of_arrival_is_the_same(
        order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let changed = |payload: String| payload.replace("shop", "bank");
        let notifications = [
            received("a", |payload| payload),
            received("b", |payload| payload),
            received("c", changed),
            received("c", |payload| payload),
            received("d", changed),
            received("e", |payload| payload.replace("2026-11-01", "2026-10-31")),
        ];
        let shuffled: Vec<_> = order.iter().map(|index| notifications[*index].clone()).collect();
        let row = instance("");
        let in_order = reconcile(&options(), Some(&row), &notifications);
        prop_assert_eq!(reconcile(&options(), Some(&row), &shuffled), in_order);
    }
}
