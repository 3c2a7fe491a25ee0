//! Device names: what is generated parses, and its letter was not in use.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_compute_utils::device::{
    explain_next_device_name, get_device_letter, get_next_device_name, match_device, prepend_dev, strip_dev, strip_prefix,
    validate_device_name,
};
use nova_compute_utils::{Config, Release};

fuzz_target!(|text: &str| {
    for release in [Release::Grizzly, Release::Hibiscus] {
        assert!(text.ends_with(strip_dev(text)) && text.ends_with(strip_prefix(release, text)));
        assert!(get_device_letter(release, text).len() <= text.len());
    }
    let _ = (prepend_dev(text), validate_device_name(text), match_device(text));

    let names: Vec<Option<&str>> = text.split('\n').map(Some).collect();
    let config = Config::new(Release::Hibiscus, "cmp-01");
    let root = names.first().copied().flatten();
    let named = get_next_device_name(&config, &names, root, None);
    let explained = explain_next_device_name(&config, &names, root, None);
    if let (Ok(name), Ok(explained)) = (named, explained) {
        assert!(match_device(&name).is_some());
        let given = name.strip_prefix(&explained.prefix).expect("the prefix comes first");
        assert!(names.iter().flatten().all(|name| get_device_letter(Release::Hibiscus, name) != given));
    }
});
