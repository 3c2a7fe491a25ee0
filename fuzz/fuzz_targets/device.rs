//! Device names: a generated name parses, and its letter was unused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_compute_utils::Release;
use nova_compute_utils::device::{
    DeviceConfig, explain_next_device_name, get_device_letter, get_next_device_name, match_device, prepend_dev,
    strip_dev, strip_prefix, validate_device_name,
};

fuzz_target!(|text: &str| {
    for release in [Release::Grizzly, Release::Hibiscus] {
        assert!(text.ends_with(strip_dev(text)) && text.ends_with(strip_prefix(release, text)));
        assert!(get_device_letter(release, text).len() <= text.len());
    }
    let _ = (prepend_dev(text), validate_device_name(text), match_device(text));

    let names: Vec<Option<&str>> = text.split('\n').map(Some).collect();
    let config = DeviceConfig::new(Release::Hibiscus);
    let root = names.first().copied().flatten();
    let name = get_next_device_name(&config, &names, root, None);
    let explained = explain_next_device_name(&config, &names, root, None);
    if let (Ok(name), Ok(explained)) = (name, explained) {
        assert!(match_device(&name).is_some());
        let letter = name.strip_prefix(&explained.prefix).expect("the prefix comes first");
        assert!(names.iter().flatten().all(|used| get_device_letter(Release::Hibiscus, used) != letter));
    }
});
