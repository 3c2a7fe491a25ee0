//! Property tests of payloads, and the bandwidth read from tables.

use proptest::prelude::*;

use super::*;
use crate::context::Context;
use crate::testing::{BwUsageUpdate, MemoryHost, ready};
use std::format;
use std::string::ToString;
use std::vec::Vec;

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
    let time = |text| time::parse(text).expect("a timestamp");
    Window { begin: time("2026-10-01"), end: time("2026-11-01") }
}

proptest! {
    #[test]
    fn any_instance_gives_a_payload_or_an_error(instance in instance(), times_are_text: bool) {
        let Ok(instance) = Instance::parse(&instance) else { return Ok(()) };
        let instance = instance.with_times_as_text(times_are_text);
        for release in [Release::Grizzly, Release::Hibiscus] {
            let payload = exists_payload(release, &instance, window(), None, None, &Object::default());
            if let Ok(payload) = &payload {
                prop_assert!(Object::parse(payload).is_ok_and(|payload| payload.get("audit_period_ending").is_some()));
            }
        }
    }

    #[test]
    fn an_extra_key_replaces_or_adds_one(key in "[a-z_]{1,16}", value in value()) {
        prop_assume!(key != "context" && key != "instance");
        let instance = r#"{"uuid": "a", "flavor": {"root_gb": 1, "ephemeral_gb": 2}}"#;
        let instance = Instance::parse(instance).expect("an instance");
        let extra = format!("{{\"{key}\":{value}}}");
        let extra = Object::parse(&extra).expect("an object");
        let payload = info_from_instance(Release::Hibiscus, &instance, &Info::default(), &extra).expect("a payload");
        let payload = Object::parse(&payload).expect("an object");
        prop_assert_eq!(payload.get(&key).map(crate::document::Json::as_str), Some(value.as_str()));
    }
}

/// The vectors get their rows from a script; this test gets them from tables.
#[test]
fn bandwidth_contains_only_existing_vifs() {
    let start_period = window().begin;
    let (host, context) = (MemoryHost::new(start_period), Context::default());
    for (mac, bw_in) in [("fa:16:3e:00:00:01", 1), ("fa:16:3e:00:00:02", 2)] {
        host.bw_usage_update(BwUsageUpdate {
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
    let bandwidth = |instance: &str, ignore| {
        let instance = Instance::parse(instance).expect("an instance");
        ready(bandwidth_usage(&host, &context, &instance, start_period, ignore))
    };
    assert_eq!(bandwidth(cached, false), Ok(Some(r#"{"n":{"bw_in":2,"bw_out":7}}"#.to_owned())));

    let bare = r#"{"uuid": "a"}"#;
    assert_eq!(bandwidth(bare, true), Ok(None));
    let error = bandwidth(bare, false).expect_err("the host has no network API");
    assert_eq!((error.code(), error.callback()), ("NoNetworkApi", Some("instance-get-nw-info")));
}

fn payload_data(instance: &str, options: InstancePayloadOptions) -> Result<Vec<(String, String)>, Error> {
    let instance = Instance::parse(instance)?;
    let payload = instance_exists_payload(&Context::default(), &instance, window(), options)?;
    let data = Object::parse(&payload)?.get("nova_object.data").expect("an envelope");
    Ok(Object::from_json(data)?.iter().map(|(key, value)| (key.to_string(), value.as_str().to_owned())).collect())
}

fn value_of(data: &[(String, String)], name: &str) -> String {
    data.iter().find(|(key, _)| key == name).expect("a field").1.clone()
}

#[test]
fn block_devices_and_shares_are_optional() {
    let instance = r#"{"uuid": "a", "vm_state": "active", "flavor": {"name": "m", "swap": 0}, "block_devices": [
        {"device_name": "/dev/vda", "boot_index": 0, "delete_on_termination": 1, "volume_id": "v", "tag": null},
        {"device_name": "/dev/vdb", "boot_index": null, "delete_on_termination": 0, "volume_id": null}],
        "shares": [{"uuid": "m", "share_id": "s", "status": "active", "tag": "t", "export_location": "secret"}]}"#;
    let data = payload_data(instance, InstancePayloadOptions::default()).expect("a payload");
    assert_eq!((value_of(&data, "block_devices"), value_of(&data, "shares")), ("null".to_owned(), "null".to_owned()));

    let both = InstancePayloadOptions { bdms_in_notifications: true, include_share_mapping: true };
    let data = payload_data(instance, both).expect("a payload");
    assert_eq!(
        value_of(&data, "block_devices"),
        r#"[{"nova_object.name":"BlockDevicePayload","nova_object.namespace":"nova","nova_object.version":"1.0","nova_object.data":{"device_name":"/dev/vda","boot_index":0,"delete_on_termination":true,"volume_id":"v","tag":null}}]"#
    );
    assert_eq!(
        value_of(&data, "shares"),
        r#"[{"nova_object.name":"SharePayload","nova_object.namespace":"nova","nova_object.version":"1.0","nova_object.data":{"share_mapping_uuid":"m","share_id":"s","status":"active","tag":"t"}}]"#
    );

    let bare = r#"{"uuid": "a", "vm_state": "active", "flavor": {"name": "m", "swap": 0}}"#;
    let data = payload_data(bare, both).expect("a payload");
    assert_eq!((value_of(&data, "block_devices"), value_of(&data, "shares")), ("[]".to_owned(), "[]".to_owned()));
    let broken = bare.replace("\"vm_state\"", "\"shares\": [{}], \"vm_state\"");
    assert_eq!(payload_data(&broken, both).expect_err("a share without a uuid").code(), "ValueError");
}

/// An address without `type` and `floating_ips` does not gain them, and a label is replaced and not copied to `meta`.
#[test]
fn network_info_is_taken_as_it_is() {
    let instance = r#"{"uuid": "a", "flavor": {"root_gb": 1, "ephemeral_gb": 2}}"#;
    let instance = Instance::parse(instance).expect("an instance");
    let fixed_ips = |network_info| {
        let network_info = Some(Json::parse(network_info).expect("JSON"));
        let info = Info { network_info, ..Info::default() };
        let payload = info_from_instance(Release::Hibiscus, &instance, &info, &Object::default())?;
        Ok::<_, Error>(Object::parse(&payload)?.get("fixed_ips").expect("addresses").as_str().to_owned())
    };
    let raw = r#"[{"address": "fa:16:3e:00:00:01", "network": {"label": "n", "subnets": [{"ips": [{"address": "10.0.0.4", "label": "old"}]}]}},
        {"address": null, "network": null}]"#;
    assert_eq!(fixed_ips(raw), Ok(r#"[{"address":"10.0.0.4","label":"n","vif_mac":"fa:16:3e:00:00:01"}]"#.to_owned()));
    for (broken, code) in [("[{}]", "KeyError"), ("[[]]", "TypeError"), (r#"[{"network": {"a": 1}}]"#, "KeyError")] {
        assert_eq!(fixed_ips(broken).expect_err(broken).code(), code, "{broken}");
    }
}
