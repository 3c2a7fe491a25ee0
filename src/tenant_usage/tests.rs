use std::borrow::ToOwned;
use std::string::ToString;
use std::vec;

use proptest::prelude::*;

use super::*;
use crate::document::Object;
use crate::time;

fn timestamp() -> impl Strategy<Value = NaiveDateTime> {
    // From 2026-08-30 to 2026-12-05; half of the timestamps are whole days.
    (1_788_000_000_i64..1_796_400_000, 0..1_000_000_u32, any::<bool>()).prop_map(|(seconds, microseconds, whole)| {
        let (seconds, microseconds) = if whole { (seconds / 86400 * 86400, 0) } else { (seconds, microseconds) };
        chrono::DateTime::from_timestamp(seconds, microseconds * 1_000).expect("a timestamp").naive_utc()
    })
}

fn window() -> impl Strategy<Value = Window> {
    (timestamp(), timestamp()).prop_map(|(one, other)| Window { begin: one.min(other), end: one.max(other) })
}

/// Documents of both releases.
fn instance() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("null"), Just("\"a\""), Just("\"b\""), Just("\"é\"")];
    let stamp = || {
        let text = |stamp| format!("\"{}\"", time::str_datetime(stamp));
        prop_oneof![1 => Just("null".to_owned()), 6 => timestamp().prop_map(text)]
    };
    (stamp(), stamp(), name, 0..3_i64, 0..200_000_i64, any::<bool>()).prop_map(
        |(launched_at, terminated_at, name, vcpus, size, has_flavor)| {
            let sizes = format!(r#""memory_mb": {size}, "vcpus": {vcpus}, "root_gb": {size}, "ephemeral_gb": 1"#);
            let flavor = if has_flavor {
                format!(r#""flavor": {{"name": {name}, {sizes}}}"#)
            } else {
                format!(r#""system_metadata": {{"instance_type_name": {name}}}, {sizes}"#)
            };
            format!(
                r#"{{"uuid": "u", "project_id": {name}, "host": {name}, "availability_zone": "z",
                "launched_at": {launched_at}, "terminated_at": {terminated_at}, {flavor}}}"#
            )
            .replace('\n', " ")
        },
    )
}

fn parsed(documents: &[String]) -> Vec<Instance<'_>> {
    documents.iter().map(|document| Instance::parse(document).expect("an instance")).collect()
}

const KEYS: [UsageKey; 4] = [UsageKey::Project, UsageKey::Flavor, UsageKey::Host, UsageKey::AvailabilityZone];

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1.0)
}

proptest! {
    #[test]
    fn the_hours_of_adjacent_windows_add_up(
        launched in timestamp(),
        lifetime in proptest::option::of(0..9_000_000_000_000_i64),
        window in window(),
        cut in 0.0..1.0_f64,
    ) {
        let (launched, terminated) =
            (Some(launched), lifetime.map(|lifetime| launched + TimeDelta::microseconds(lifetime)));
        let length = window.end - window.begin;
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any place in the window")]
        let middle = window.begin
            + TimeDelta::microseconds((length.num_microseconds().expect("a span") as f64 * cut) as i64);
        let (first, second) = (Window { end: middle, ..window }, Window { begin: middle, ..window });
        let whole = hours_for(launched, terminated, window);
        prop_assert!((0.0..=hours(length)).contains(&whole));
        let parts = hours_for(launched, terminated, first) + hours_for(launched, terminated, second);
        prop_assert!(close(whole, parts), "{whole} {parts}");
    }

    #[test]
    fn groups_do_not_depend_on_the_order_of_the_instances(
        documents in proptest::collection::vec(instance(), 0..12),
        seed: u64,
        window in window(),
    ) {
        let mut shuffled = documents.clone();
        let mut state = seed;
        shuffled.sort_by_key(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 33
        });
        for key in KEYS {
            let groups = usages_by(&parsed(&documents), window, key).expect("groups");
            prop_assert!(groups.windows(2).all(|pair| pair[0].key < pair[1].key));
            prop_assert_eq!(&groups, &usages_by(&parsed(&shuffled), window, key).expect("groups"));
        }
    }

    #[test]
    fn all_functions_count_the_same_hours(
        documents in proptest::collection::vec(instance(), 0..12),
        window in window(),
        now in timestamp(),
    ) {
        let documents: Vec<_> =
            documents.into_iter().filter(|it| Instance::parse(it).unwrap().is_active_in(window).unwrap()).collect();
        let instances = parsed(&documents);
        let usages = tenant_usages_for_period(&instances, window, now, true).expect("usages");
        let servers = usages.iter().flat_map(|usage| usage.server_usages.as_deref().unwrap_or_default());
        prop_assert_eq!(servers.count(), documents.len());
        for usage in &usages {
            let groups = usages_by(&instances, window, UsageKey::Project).expect("groups");
            let group = groups.iter().find(|group| group.key == usage.tenant_id).expect("a group");
            prop_assert!(close(group.hours, usage.total_hours));
            prop_assert!(close(group.vcpus_hours, usage.total_vcpus_usage));
            prop_assert!(close(group.memory_mb_hours, usage.total_memory_mb_usage));
            prop_assert!(close(group.local_gb_hours, usage.total_local_gb_usage));
        }
        let mut output = String::new();
        hours_ndjson(&[window, window], 1, &documents.join("\n"), &mut output);
        let hours = output.lines().map(|line| {
            let line = Object::parse(line).expect("an object");
            line.get("hours").expect("hours").as_str().parse::<f64>().expect("a number")
        });
        let total: f64 = usages.iter().map(|usage| usage.total_hours).sum();
        prop_assert!(close(hours.sum::<f64>(), 2.0 * total));
    }

    #[test]
    fn any_text_gives_hours_or_an_error(text in any::<String>(), document in instance(), window in window()) {
        for input in [text.clone(), format!("{document}\n{text}\n{document}")] {
            let mut output = String::new();
            hours_ndjson(&[window], u64::MAX - 1, &input, &mut output);
            prop_assert!(output.lines().all(|line| Object::parse(line).is_ok()));
        }
    }
}

#[test]
fn divides_like_python() {
    for (microseconds, expected) in [
        (0, 0.0),
        (1, 1e-6),
        (-1, -1e-6),
        (-86_400_500_000, -86_400.5),
        // Beyond 2^53 a float does not hold the microseconds.
        (9_007_199_254_740_993, 9_007_199_254.740_993),
        (315_537_897_599_999_999, 315_537_897_599.999_999),
    ] {
        let time = TimeDelta::microseconds(microseconds);
        assert_eq!(seconds(time).to_bits(), f64::to_bits(expected), "{microseconds}");
    }
}

#[test]
fn the_bounds_of_a_window_are_half_open() {
    let at = |text: &str| time::parse(text).expect("a timestamp");
    let october = Window { begin: at("2026-10-01"), end: at("2026-11-01") };
    let hours = |launched: &str, terminated: Option<&str>| hours_for(Some(at(launched)), terminated.map(at), october);
    for (launched, terminated, expected) in [
        ("2026-09-01", Some("2026-10-01"), 0.0),
        ("2026-09-01", Some("2026-10-01T00:00:00.000001"), 1e-6 / 3600.0),
        ("2026-11-01", None, 0.0),
        ("2026-10-31T23:59:59.999999", None, 1e-6 / 3600.0),
        ("2026-10-01", Some("2026-11-01"), 744.0),
        ("2026-10-03", Some("2026-10-02"), -24.0),
    ] {
        assert_eq!(hours(launched, terminated).to_bits(), f64::to_bits(expected), "{launched}");
    }
}

#[test]
fn rejects_instances_without_launch_or_sizes() {
    let window = Window { begin: NaiveDateTime::default(), end: NaiveDateTime::default() };
    let sizes = r#""name": "m", "memory_mb": 1, "vcpus": 1, "root_gb": 1"#;
    for (document, code, message) in [
        (format!(r#"{{"uuid": "u", "flavor": {{{sizes}, "ephemeral_gb": 0}}}}"#), "AttributeError", "launched_at"),
        (r#"{"uuid": "u"}"#.to_owned(), "ValueError", "`flavor`"),
        (format!(r#"{{"uuid": "u", "flavor": {{{sizes}}}}}"#), "ValueError", "`ephemeral_gb` of the flavor is null"),
        (r#"{"uuid": "u", "memory_mb": 1}"#.to_owned(), "ValueError", "`root_gb` of the flavor is null"),
        (r#"{"launched_at": "x", "memory_mb": 1}"#.to_owned(), "ValueError", "`x` is not a timestamp"),
    ] {
        let instance = Instance::parse(&document).expect("an instance");
        let error = tenant_usages_for_period(&[instance], window, window.begin, false).expect_err(&document);
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains(message), "{error}");
    }
}

#[test]
fn names_of_keys_parse_back() {
    for key in KEYS {
        assert_eq!(key.as_str().parse::<UsageKey>(), Ok(key));
    }
    assert_eq!("zone".parse::<UsageKey>().expect_err("unknown").code(), "ValueError");
}

#[test]
fn lines_have_numbers_and_windows_have_order() {
    let at = |text: &str| time::parse(text).expect("a timestamp");
    let windows = [("2026-10-02", "2026-10-03"), ("2026-10-01", "2026-10-02"), ("2026-09-01", "2026-10-01")];
    let windows = windows.map(|(begin, end)| Window { begin: at(begin), end: at(end) });
    let good = r#"{"uuid": "u", "launched_at": "2026-10-01 12:00:00", "memory_mb": 512, "vcpus": 1, "root_gb": 1, "ephemeral_gb": 0}"#;
    let input = format!("\n{good}\r\n\n{{\"uuid\": null, \"memory_mb\": 1}}\nnull");
    let mut output = String::new();
    hours_ndjson(&windows, 10, &input, &mut output);
    let lines: Vec<&str> = output.lines().collect();
    let expected = concat!(
        r#"{"uuid":"u","project_id":null,"flavor":null,"host":null,"availability_zone":null,"#,
        r#""begin":"2026-10-02T00:00:00.000000","end":"2026-10-03T00:00:00.000000","hours":24.0,"vcpus_hours":24.0,"#,
        r#""memory_mb_hours":12288.0,"local_gb_hours":24.0}"#,
    );
    assert_eq!(lines[0], expected);
    assert!(lines[1].contains(r#""begin":"2026-10-01T00:00:00.000000""#) && lines[1].contains(r#""hours":12.0"#));
    let errors = vec![r#"{"line":13,"error":{"code":"ValueError""#, r#"{"line":14,"error":{"code":"ValueError""#];
    assert_eq!(lines.len(), 4);
    for (line, error) in lines[2..].iter().zip(errors) {
        assert!(line.starts_with(error), "{}", line.to_string());
    }
}
