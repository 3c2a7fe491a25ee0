//! Whatever text goes in, a face answers with a value or an error, and answers the next call correctly.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use conformance::faces::{ComponentFace, ExistsOptions, Face, Info, NativeFace};
use nova_compute_utils::{Config, Context, NotificationFormat, Release};
use proptest::prelude::*;
use proptest::string::string_regex;
use proptest::test_runner::{Config as Cases, TestRunner};

fn component() -> PathBuf {
    let built = || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("component").join("nova-compute-utils.wasm");
    std::env::var_os("NOVA_COMPUTE_UTILS_COMPONENT").map_or_else(built, PathBuf::from)
}

/// Any text, and JSON that is nearly what is called for.
fn text() -> impl Strategy<Value = String> {
    let value = "(null|true|0|-1|1e999|123456789012345678901234567890|\"\"|\"\\\\ud800\"|\"/dev/vda\"|\"10.0.0.1\"|\\[\\]|\\{\\})";
    let key = "(uuid|flavor|info_cache|network_info|metadata|system_metadata|created_at|vm_state|power_state|address|network|subnets|ips|meta)";
    let member = format!("\"{key}\": {value}");
    let nearly = |pattern: String| string_regex(&pattern).expect("a pattern");
    prop_oneof![
        any::<String>(),
        nearly(format!("\\{{({member}, ){{0,5}}{member}\\}}")),
        nearly(format!("\\[\\{{\"{key}\": (\\{{{member}\\}}|\\[\\{{{member}\\}}\\])\\}}\\]")),
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

/// An outer error says that the face broke: a trap, in the component.
fn feed(face: &mut dyn Face, one: &str, two: &str, three: &str) -> anyhow::Result<()> {
    for release in [Release::Grizzly, Release::Hibiscus] {
        let mut config = Config::new(release, two);
        config.notification_format = NotificationFormat::Both;
        let info =
            Info { network_info: Some(two), extra: Some(three), populate_image_ref_url: true, ..Info::default() };
        let _ = face.info_from_instance(&config, one, &info)?;
        let _ = face.image_meta(one)?;
        let _ = face.hydrate(release, one)?;
        let options = ExistsOptions { extra_usage_info: Some(two), ..ExistsOptions::default() };
        let _ = face.notify_usage_exists(&config, &Context::default(), one, three, &options)?;
        let _ = face.last_completed_audit_period(&config, Some(one), "2026-11-01T00:17:03")?;
        let _ = face.strip_prefix(release, one)?;
        let _ = face.get_device_letter(release, one)?;

        let window = face.last_completed_audit_period(&config, Some("day@6"), "2026-10-14T09:00:00")?;
        let expected = ("2026-10-13T06:00:00.000000".to_owned(), "2026-10-14T06:00:00.000000".to_owned());
        anyhow::ensure!(window == Ok(expected), "the next call gave {window:?}");
    }
    let _ = face.get_network_info(one)?;
    let _ = face.match_device(one)?;
    let _ = face.safe_truncate(one, 7)?;
    Ok(())
}

#[test]
fn native_survives() {
    survives(&mut NativeFace::default());
}

#[test]
fn component_survives() {
    survives(&mut ComponentFace::load(&component()).expect("`cargo xtask build` makes the component"));
}
