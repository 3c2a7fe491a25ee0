//! Property tests of payloads, the bandwidth read from tables, and the notifications of many instances.

use proptest::prelude::*;

use super::*;
use crate::audit::{AuditOptions, MessageIds, deterministic_message_id, instance_usage_audit};
use crate::host::Notification;
use crate::testing::{BwUsageUpdate, MemoryHost, ready};
use crate::{Config, Context, NotificationFormat};
use std::format;
use std::string::ToString;
use std::vec;
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

/// Nova reads `uuid` as a key of a mapping: an absent one fails, and a null one has no traffic.
#[test]
fn grizzly_requires_the_uuid_of_an_instance() {
    let (host, context) = (MemoryHost::new(window().begin), Context::default());
    let config = Config::new(Release::Grizzly, "cmp-01");
    let exists = |instance: &str| {
        let instance = Instance::parse(instance).expect("an instance");
        let options = ExistsOptions { ignore_missing_network_data: true, ..Default::default() };
        ready(notify_usage_exists(&host, &config, &context, &instance, "cmp-01", &options)).expect_err("an error")
    };
    let error = exists(r#"{"info_cache": {"network_info": []}}"#);
    assert_eq!((error.code(), error.message()), ("KeyError", "the instance has no `uuid`"));
    let error = exists(r#"{"uuid": null, "info_cache": {"network_info": []}}"#);
    assert_eq!((error.code(), error.message()), ("KeyError", "the instance has no `system_metadata`"));
}

#[test]
fn a_disk_size_that_is_null_fails_with_the_error_of_the_release() {
    let instance = Instance::parse(r#"{"uuid": "a", "flavor": {"root_gb": null, "ephemeral_gb": 2}}"#).expect("JSON");
    let payload = info_from_instance(Release::Hibiscus, &instance, &Info::default(), &Object::default());
    assert_eq!(payload.expect_err("no size").code(), "ValueError");
    assert_eq!(payload::disk_gb(Release::Grizzly, None, None).expect_err("no size").code(), "TypeError");
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

fn exists_options(windows: &[(&str, &str)], host_from_instance: bool) -> ExistsNdjson {
    let at = |text: &str| crate::time::parse(text).expect("a timestamp");
    ExistsNdjson {
        context: Context::default(),
        windows: windows.iter().map(|(begin, end)| Window { begin: at(begin), end: at(end) }).collect(),
        timestamp: at("2026-12-01T00:17:03"),
        host_from_instance,
        first_line: 1,
    }
}

fn exists_of(config: &Config, options: &ExistsNdjson, input: &str) -> String {
    let mut output = String::new();
    exists_ndjson(config, options, input, &mut output);
    output
}

const MONTHS: [(&str, &str); 3] =
    [("2026-09-01", "2026-10-01"), ("2026-10-01", "2026-11-01"), ("2026-11-01", "2026-12-01")];

/// One audit per window emits the same notifications, with the same ids, as one call for all windows.
#[test]
fn exists_ndjson_equals_the_audits_of_all_windows() {
    let config = Config { notification_format: NotificationFormat::Both, ..Config::new(Release::Hibiscus, "cmp-01") };
    let flavor = r#""vm_state": "active", "flavor": {"name": "m", "root_gb": 20, "ephemeral_gb": 0, "swap": 0}"#;
    let instance = |uuid: u32, launched_at: &str, terminated_at: &str| {
        format!(
            r#"{{"uuid": "{uuid}", "project_id": "p", "host": "cmp-01", {flavor}, "launched_at": {launched_at}, "terminated_at": {terminated_at}}}"#
        )
    };
    let instances = [
        instance(1, r#""2026-08-03 10:00:00""#, "null"),
        instance(2, r#""2026-10-03 10:00:00""#, r#""2026-10-31 23:59:59""#),
        instance(3, "null", "null"),
        instance(4, r#""2026-08-03 10:00:00""#, r#""2026-10-01 00:00:00""#),
        r#"{"uuid": "5", "project_id": "p", "host": "cmp-01", "launched_at": "2026-08-01"}"#.to_owned(),
    ];
    let options = exists_options(&MONTHS, false);
    let mut emitted = Vec::new();
    for window in &options.windows {
        let now = window.end + chrono::TimeDelta::minutes(17);
        let host = MemoryHost::new(now);
        for instance in &instances {
            host.add_instance(instance.as_str()).expect("an instance");
        }
        let audit = AuditOptions { message_ids: MessageIds::Deterministic, ..Default::default() };
        ready(instance_usage_audit(&host, &config, &options.context, &audit)).expect("an audit");
        let options = ExistsNdjson { timestamp: now, windows: vec![*window], ..options.clone() };
        let lines = exists_of(&config, &options, &instances.join("\n"));
        let (errors, lines): (Vec<_>, Vec<_>) = lines.lines().partition(|line| line.contains("\"error\""));
        let notifications: Vec<_> = host.notifications().iter().map(Notification::to_json).collect();
        assert_eq!(lines, notifications);
        assert_eq!(errors.len(), 1);
        emitted.extend(notifications);
    }
    assert_eq!(emitted.len(), 2 * (2 + 2 + 1));

    let output = exists_of(&config, &options, &instances.join("\n"));
    let (errors, lines): (Vec<_>, Vec<_>) = output.lines().partition(|line| line.contains("\"error\""));
    assert_eq!(errors.len(), 1);
    assert!(errors[0].starts_with(r#"{"line":5,"error":{"code":"ValueError""#));
    let id = |line: &str| Object::parse(line).expect("an object").get("message_id").expect("an id").as_str().to_owned();
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    assert_eq!(
        sorted(lines.iter().map(|line| id(line)).collect()),
        sorted(emitted.iter().map(|line| id(line)).collect())
    );
    assert_eq!(output, exists_of(&config, &options, &instances.join("\r\n")));
}

#[test]
fn exists_ndjson_takes_the_host_from_the_line() {
    let config = Config { notification_format: NotificationFormat::Both, ..Config::new(Release::Hibiscus, "cmp-01") };
    for (host, expected) in [(r#""cmp-02""#, "cmp-02"), (r#""""#, "cmp-01"), ("null", "cmp-01"), ("7", "cmp-01")] {
        let input = format!(
            r#"{{"uuid": "a", "host": {host}, "vm_state": "active", "launched_at": "2026-08-03", "flavor": {{"name": "m", "root_gb": 1, "ephemeral_gb": 0, "swap": 0}}}}"#
        );
        for (host_from_instance, expected) in [(true, expected), (false, "cmp-01")] {
            let options = exists_options(&MONTHS[1..2], host_from_instance);
            let output = exists_of(&config, &options, &input);
            let message = Object::parse(output.lines().next().expect("a line")).expect("an object");
            let text = |name: &str| message.get(name).expect("a member").as_str().to_owned();
            assert_eq!(text("publisher_id"), format!("\"compute.{expected}\""));
            let event_type = "compute.instance.exists";
            let id = deterministic_message_id(config.release, event_type, expected, options.windows[0], "a");
            assert_eq!(text("message_id"), format!("\"{id}\""));
            assert!(output.contains(&format!("\"publisher_id\":\"nova-compute:{expected}\"")));
        }
    }
}

/// `hibiscus` builds the versioned payload after the unversioned one; a line has one error for all windows.
#[test]
fn exists_ndjson_keeps_what_can_be_built() {
    let config = Config::new(Release::Hibiscus, "cmp-01");
    let options = exists_options(&MONTHS, false);
    let input = r#"{"uuid": "a", "launched_at": "2026-08-03", "flavor": {"root_gb": 1, "ephemeral_gb": 0}, "info_cache": {"network_info": "oops"}}"#;
    let output = exists_of(&config, &options, input);
    let kinds: Vec<&str> = output.lines().map(|line| line.get(2..7).expect("a key")).collect();
    assert_eq!(kinds, ["messa", "messa", "messa", "line\""]);
    for (line, code) in [
        ("{oops", "ValueError"),
        (r#"{"launched_at": "x"}"#, "ValueError"),
        (r#"{"launched_at": "2026-08-03"}"#, "ValueError"),
    ] {
        let output = exists_of(&config, &options, line);
        assert!(output.starts_with(&format!(r#"{{"line":1,"error":{{"code":"{code}""#)), "{output}");
        assert_eq!(output.lines().count(), 1);
    }
    let grizzly = Config::new(Release::Grizzly, "cmp-01");
    let output = exists_of(&grizzly, &options, r#"{"launched_at": "2026-08-03", "system_metadata": []}"#);
    assert!(output.starts_with(r#"{"line":1,"error":{"code":"KeyError""#), "{output}");
}
