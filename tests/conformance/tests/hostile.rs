//! A face answers every text with a value or an error, and answers the next call correctly.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use conformance::arguments::Arguments;
use conformance::faces::{ComponentFace, Face, NativeFace};
use proptest::prelude::*;
use proptest::string::string_regex;
use proptest::test_runner::{Config as Cases, TestRunner};
use serde_json::json;
use serde_json::value::RawValue;

fn component() -> PathBuf {
    let built = || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("component").join("nova-compute-utils.wasm");
    std::env::var_os("NOVA_COMPUTE_UTILS_COMPONENT").map_or_else(built, PathBuf::from)
}

/// Generates any text, and JSON that resembles a document.
fn text() -> impl Strategy<Value = String> {
    let value = "(null|true|0|-1|1e999|123456789012345678901234567890|\"\"|\"\\\\ud800\"|\"/dev/vda\"|\"10.0.0.1\"|\\[\\]|\\{\\})";
    let key = "(uuid|flavor|info_cache|network_info|metadata|system_metadata|created_at|vm_state|power_state|address|network|subnets|ips|meta)";
    let member = format!("\"{key}\": {value}");
    let similar = |pattern: String| string_regex(&pattern).expect("a pattern");
    prop_oneof![
        any::<String>(),
        similar(format!("\\{{({member}, ){{0,5}}{member}\\}}")),
        similar(format!("\\[\\{{\"{key}\": (\\{{{member}\\}}|\\[\\{{{member}\\}}\\])\\}}\\]")),
        "[\\[\\{\",:]{0,200}",
    ]
}

fn survives(face: &mut dyn Face) {
    let face = RefCell::new(face);
    let mut runner = TestRunner::new(Cases { cases: 400, failure_persistence: None, ..Cases::default() });
    runner
        .run(&(text(), text(), text()), |(one, two, three)| {
            feed(*face.borrow_mut(), &one, &two, &three).map_err(|broken| TestCaseError::fail(format!("{broken:#}")))
        })
        .expect("every answer is a value or an error");
}

/// Returns text as a document: unchanged when it is JSON, otherwise as a JSON string.
fn document(text: &str) -> Box<RawValue> {
    let json = RawValue::from_string(text.to_owned()).ok();
    json.or_else(|| RawValue::from_string(json!(text).to_string()).ok()).expect("a string has a JSON form")
}

/// Passes text to every function. An error means that the face broke: in the component, a trap.
fn feed(face: &mut dyn Face, one: &str, two: &str, three: &str) -> anyhow::Result<()> {
    let empty = || Arguments::default();
    let context = json!({});
    for release in ["grizzly", "hibiscus"] {
        let config = json!({
            "release": release, "host": two, "instance_usage_audit_period": "month", "notification_format": "both",
            "bdms_in_notifications": true, "include_share_mapping": true,
        });
        let instance = empty().with("instance", document(one)).with("times_are_text", false);
        let info = instance.clone().with("release", release).with("populate_image_ref_url", true);
        let info = info.with("network_info", document(two)).with("extra", document(three));
        let exists = instance.with("config", config).with("context", &context).with("host", three);
        let exists = exists.with("current_period", false).with("ignore_missing_network_data", false);
        let name = empty().with("release", release).with("device_name", one);
        let period = |unit: &str, before: &str| {
            let period = empty().with("release", release).with("instance_usage_audit_period", "month");
            period.with("unit", unit).with("before", before)
        };
        let calls = [
            ("info_from_instance", info),
            ("hydrate", empty().with("release", release).with("network_info", one)),
            ("notify_usage_exists", exists.with("extra_usage_info", document(two))),
            ("last_completed_audit_period", period(one, "2026-11-01T00:17:03")),
            ("strip_prefix", name.clone()),
            ("get_device_letter", name),
        ];
        for (function, arguments) in &calls {
            let _ = face.call(function, arguments)?;
        }
        let window = face.call("last_completed_audit_period", &period("day@6", "2026-10-14T09:00:00"))?;
        let expected = json!({ "begin": "2026-10-13T06:00:00.000000", "end": "2026-10-14T06:00:00.000000" });
        anyhow::ensure!(window == Ok(expected.to_string()), "the next call returned {window:?}");
    }
    let calls = [
        ("image_meta", empty().with("system_metadata", document(one))),
        ("get_network_info", empty().with("instance", document(one))),
        ("match_device", empty().with("device", one)),
        ("safe_truncate", empty().with("value", one).with("length", 7)),
    ];
    for (function, arguments) in &calls {
        let _ = face.call(function, arguments)?;
    }
    Ok(())
}

#[test]
fn native_survives_any_text() {
    survives(&mut NativeFace::default());
}

#[test]
fn component_survives_any_text() {
    survives(&mut ComponentFace::load(&component()).expect("run `cargo xtask build` first"));
}
