//! Faults: truncation keeps to its limit and cuts between characters.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_compute_utils::fault::{Failure, exception_to_dict, safe_truncate};

fuzz_target!(|text: &str| {
    for limit in [0, 1, 2, 3, 254, 255, 256, i64::MAX] {
        let truncated = safe_truncate(text, limit);
        assert!(text.starts_with(truncated) && i64::try_from(truncated.len()).is_ok_and(|length| length <= limit));
    }
    assert!(text.starts_with(safe_truncate(text, -1)));
    let failure = Failure::new("Exception", text).with_formatted_message(text);
    let dict = exception_to_dict(&failure, None).expect("any string is a message");
    assert!(dict.message.len() <= 255);
});
