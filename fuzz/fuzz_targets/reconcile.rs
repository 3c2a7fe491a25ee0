//! Lines of an instance and its notifications: every text gives lines that are JSON objects, and totals; any text is
//! accepted or refused as totals.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_compute_utils::document::Object;
use nova_compute_utils::period::Window;
use nova_compute_utils::reconcile::{ReconcileOptions, ReconcileTotals, reconcile_ndjson};
use nova_compute_utils::{NotificationFormat, Release, time};

fuzz_target!(|text: &str| {
    let timestamp = |text| time::parse(text).expect("a timestamp");
    let window = Window { begin: timestamp("2026-10-01"), end: timestamp("2026-11-01") };
    let mut output = String::new();
    for release in [Release::Grizzly, Release::Hibiscus] {
        let options = ReconcileOptions {
            notification_format: NotificationFormat::Both,
            ..ReconcileOptions::new(release, window)
        };
        reconcile_ndjson(&options, u64::MAX, text, &mut output);
    }
    for line in output.lines() {
        Object::parse(line).expect("a line is an object");
    }
    let mut totals = ReconcileTotals::default();
    totals.add_ndjson(&output).expect("the totals of all lines");
    let mut again = ReconcileTotals::default();
    again.add_ndjson(&totals.to_json()).expect("the totals of totals");
    assert_eq!(again, totals);
    let _ = totals.add_ndjson(text);
});
