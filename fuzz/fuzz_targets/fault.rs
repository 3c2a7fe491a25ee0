//! Faults: a text is cut within its limit and between characters.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_compute_utils::fault::{Failure, exception_to_dict, safe_truncate};

fuzz_target!(|text: &str| {
    for length in [0, 1, 2, 3, 254, 255, 256, i64::MAX] {
        let cut = safe_truncate(text, length);
        assert!(text.starts_with(cut) && i64::try_from(cut.len()).is_ok_and(|cut| cut <= length));
    }
    assert!(text.starts_with(safe_truncate(text, -1)));
    let fault = Failure::new("Exception", text).with_formatted_message(text);
    let dict = exception_to_dict(&fault, None).expect("a text is a message");
    assert!(dict.message.len() <= 255);
});
