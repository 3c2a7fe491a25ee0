//! Periods and moments: whatever is read makes windows that are in order, and moments print back as they were read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_compute_utils::period::Period;
use nova_compute_utils::{Release, time};

fuzz_target!(|text: &str| {
    if let Ok(moment) = time::parse(text) {
        assert_eq!(time::parse(&time::isoformat(moment)), Ok(moment));
        assert_eq!(time::parse(&time::str_datetime(moment)), Ok(moment));
    }
    let (unit, before) = text.split_once('\n').unwrap_or((text, "2026-03-31T10:00:00"));
    let Ok(before) = time::parse(before) else { return };
    for release in [Release::Grizzly, Release::Hibiscus] {
        if let Ok(window) = Period::parse(release, unit).and_then(|period| period.last_completed(before)) {
            assert!(window.begin < window.end && window.end < before);
        }
    }
});
