//! Periods and timestamps: windows are in order, and a formatted timestamp parses to itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_compute_utils::period::Period;
use nova_compute_utils::{Release, time};

fuzz_target!(|text: &str| {
    if let Ok(timestamp) = time::parse(text) {
        assert_eq!(time::parse(&time::isoformat(timestamp)), Ok(timestamp));
        assert_eq!(time::parse(&time::str_datetime(timestamp)), Ok(timestamp));
    }
    let (unit, before) = text.split_once('\n').unwrap_or((text, "2026-03-31T10:00:00"));
    let Ok(before) = time::parse(before) else { return };
    for release in [Release::Grizzly, Release::Hibiscus] {
        if let Ok(window) = Period::parse(release, unit).and_then(|period| period.last_completed(before)) {
            assert!(window.begin < window.end && window.end < before);
        }
    }
});
