//! Instances: whatever document comes, a payload is JSON or there is an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_compute_utils::document::Object;
use nova_compute_utils::instance::Instance;
use nova_compute_utils::period::Window;
use nova_compute_utils::usage::{self, Info};
use nova_compute_utils::{Config, Context, Release, time};

fuzz_target!(|text: &str| {
    let Ok(instance) = Instance::parse(text) else { return };
    let moment = |text| time::parse(text).expect("a moment");
    let window = Window { begin: moment("2026-10-01"), end: moment("2026-11-01") };
    for release in [Release::Grizzly, Release::Hibiscus] {
        let config = Config::new(release, "cmp-01");
        if let Ok(payload) = usage::info_from_instance(&config, &instance, &Info::default(), &Object::default()) {
            Object::parse(&payload).expect("a payload is an object");
        }
    }
    if let Ok(payload) = usage::instance_exists_payload(&Context::default(), &instance, window) {
        Object::parse(&payload).expect("a payload is an object");
    }
});
