//! What must hold for all instances.

use proptest::prelude::*;

use super::*;
use crate::host::MemoryHost;
use crate::release::Release;

const COLUMNS: [&str; 14] = [
    "uuid",
    "flavor",
    "system_metadata",
    "metadata",
    "created_at",
    "launched_at",
    "terminated_at",
    "image_ref",
    "root_gb",
    "ephemeral_gb",
    "access_ip_v6",
    "progress",
    "info_cache",
    "task_state",
];

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        Just("1e400".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        Just("\"2026-11-01 00:17:03\"".to_owned()),
        "[a-z0-9:/.]{0,8}".prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key =
            prop_oneof![Just("key"), Just("value"), Just("name"), Just("root_gb"), Just("network_info"), Just("cur")];
        let member = (key, inner.clone()).prop_map(|(key, value)| format!("\"{key}\":{value}"));
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec(member, 0..4).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

fn instance() -> impl Strategy<Value = String> {
    let column = (proptest::sample::select(&COLUMNS[..]), value());
    proptest::collection::vec(column.prop_map(|(name, value)| format!("\"{name}\":{value}")), 0..12)
        .prop_map(|columns| format!("{{{}}}", columns.join(",")))
}

fn window() -> Window {
    let moment = |text| time::parse(text).expect("a moment");
    Window { begin: moment("2026-10-01"), end: moment("2026-11-01") }
}

proptest! {
    #[test]
    fn whatever_instance_comes_is_answered(instance in instance(), times_are_text: bool) {
        let Ok(instance) = Instance::parse(&instance) else { return Ok(()) };
        let instance = instance.with_times_as_text(times_are_text);
        for release in [Release::Grizzly, Release::Hibiscus] {
            let config = Config::new(release, "cmp-01");
            let payload = exists_payload(&config, &instance, window(), None, &Object::default());
            if let Ok(payload) = &payload {
                prop_assert!(Object::parse(payload).is_ok_and(|payload| payload.get("audit_period_ending").is_some()));
            }
        }
    }

    #[test]
    fn an_extra_key_always_counts(key in "[a-z_]{1,16}", value in value()) {
        prop_assume!(key != "context" && key != "instance");
        let instance = r#"{"uuid": "a", "flavor": {"root_gb": 1, "ephemeral_gb": 2}}"#;
        let (config, instance) = (Config::new(Release::Hibiscus, "h"), Instance::parse(instance).expect("an instance"));
        let extra = format!("{{\"{key}\":{value}}}");
        let extra = Object::parse(&extra).expect("an object");
        let payload = info_from_instance(&config, &instance, &Info::default(), &extra).expect("a payload");
        let payload = Object::parse(&payload).expect("an object");
        prop_assert_eq!(payload.get(&key).map(crate::document::Json::as_str), Some(value.as_str()));
    }
}

/// The rows come from a host in memory here; the vectors have them from a script.
#[test]
fn bandwidth_is_that_of_the_vifs_that_are_left() {
    let start_period = window().begin;
    let host = MemoryHost::new(start_period);
    for (mac, bw_in) in [("fa:16:3e:00:00:01", 1), ("fa:16:3e:00:00:02", 2)] {
        host.bw_usage_update(crate::host::BwUsageUpdate {
            uuid: "a".to_owned(),
            mac: mac.to_owned(),
            start_period,
            bw_in,
            bw_out: 7,
            last_ctr_in: None,
            last_ctr_out: None,
            last_refreshed: None,
        });
    }
    let cached = r#"{"uuid": "a", "info_cache": {"network_info": [{"address": "fa:16:3e:00:00:02", "network": {"label": "n"}}]}}"#;
    let instance = Instance::parse(cached).expect("an instance");
    let found = ready(bandwidth_usage(&host, &instance, start_period, false));
    assert_eq!(found, Ok(Some(r#"{"n":{"bw_in":2,"bw_out":7}}"#.to_owned())));

    let bare = Instance::parse(r#"{"uuid": "a"}"#).expect("an instance");
    assert_eq!(ready(bandwidth_usage(&host, &bare, start_period, true)), Ok(None));
    let error = ready(bandwidth_usage(&host, &bare, start_period, false)).expect_err("no network");
    assert_eq!((error.code(), error.callback()), ("NoNetworkApi", Some("instance-get-nw-info")));
}

fn ready<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the host in memory answers at once"),
    }
}
