//! Instances: every document gives a payload that is a JSON object, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_compute_utils::document::Object;
use nova_compute_utils::instance::Instance;
use nova_compute_utils::period::Window;
use nova_compute_utils::usage::{self, Info, InstancePayloadOptions};
use nova_compute_utils::{Context, Release, time};

fuzz_target!(|text: &str| {
    let Ok(instance) = Instance::parse(text) else { return };
    let timestamp = |text| time::parse(text).expect("a timestamp");
    let window = Window { begin: timestamp("2026-10-01"), end: timestamp("2026-11-01") };
    let options = InstancePayloadOptions { bdms_in_notifications: true, include_share_mapping: true };
    let payloads = [
        usage::info_from_instance(Release::Grizzly, &instance, &Info::default(), &Object::default()),
        usage::info_from_instance(Release::Hibiscus, &instance, &Info::default(), &Object::default()),
        usage::instance_exists_payload(&Context::default(), &instance, window, options),
    ];
    for payload in payloads.into_iter().flatten() {
        Object::parse(&payload).expect("a payload is an object");
    }
});
