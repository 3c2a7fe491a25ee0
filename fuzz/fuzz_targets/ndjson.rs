//! Lines of instances: every text gives lines that are JSON objects, and usages or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_compute_utils::document::Object;
use nova_compute_utils::instance::Instance;
use nova_compute_utils::period::Window;
use nova_compute_utils::tenant_usage::{UsageKey, hours_ndjson, tenant_usages_for_period, usages_by};
use nova_compute_utils::usage::{ExistsNdjson, exists_ndjson};
use nova_compute_utils::{Config, Context, NotificationFormat, Release, time};

fuzz_target!(|text: &str| {
    let timestamp = |text| time::parse(text).expect("a timestamp");
    let window = |begin, end| Window { begin: timestamp(begin), end: timestamp(end) };
    let windows = [window("2026-10-01", "2026-11-01"), window("0001-01-01", "9999-12-31T23:59:59.999999")];
    let mut output = String::new();
    hours_ndjson(&windows, u64::MAX, text, &mut output);
    for release in [Release::Grizzly, Release::Hibiscus] {
        let config = Config { notification_format: NotificationFormat::Both, ..Config::new(release, "cmp-01") };
        let options = ExistsNdjson {
            context: Context::default(),
            windows: windows.to_vec(),
            timestamp: windows[0].end,
            host_from_instance: true,
            first_line: 1,
        };
        exists_ndjson(&config, &options, text, &mut output);
    }
    for line in output.lines() {
        Object::parse(line).expect("a line is an object");
    }

    let instances: Vec<_> = text.lines().filter_map(|line| Instance::parse(line).ok()).collect();
    for window in windows {
        let _ = tenant_usages_for_period(&instances, window, window.end, true);
        for key in [UsageKey::Project, UsageKey::Flavor, UsageKey::Host, UsageKey::AvailabilityZone] {
            let _ = usages_by(&instances, window, key);
        }
    }
});
