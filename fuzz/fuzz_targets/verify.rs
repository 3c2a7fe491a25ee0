//! Lines of notifications: every text gives lines that are JSON objects.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_compute_utils::document::Object;
use nova_compute_utils::verify::{VerifyOptions, verify_ndjson};

fuzz_target!(|text: &str| {
    let mut output = String::new();
    let fields = ["image_meta", "image_meta.a", "state"].map(String::from).into();
    for options in [VerifyOptions::default(), VerifyOptions { fields }] {
        verify_ndjson(&options, u64::MAX, text, &mut output);
    }
    for line in output.lines() {
        Object::parse(line).expect("a line is an object");
    }
});
