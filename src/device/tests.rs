use std::borrow::ToOwned;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::instance::Instance;

#[test]
fn matching_leaves_the_suffix_at_least_one_letter() {
    for (device, expected) in [
        ("/dev/sda", Some(("/dev/sd", "a"))),
        ("/dev/a", Some(("/dev/", "a"))),
        ("/dev/x", Some(("/dev/", "x"))),
        ("/dev/xd", Some(("/dev/x", "d"))),
        ("/dev/xvd", Some(("/dev/xv", "d"))),
        ("/dev/xvdd", Some(("/dev/xvd", "d"))),
        ("/dev/md0", Some(("/dev/m", "d"))),
        ("/dev/vdb99\n", Some(("/dev/vd", "b"))),
        ("/dev/vdb\n\n", None),
        ("/dev/vdb1a", None),
        ("/dev/vdB", None),
        ("/dev/vd\u{e9}", None),
        ("/dev/1", None),
        ("/dev/", None),
        ("vda", None),
    ] {
        let expected = expected.map(|(prefix, suffix)| DeviceMatch { prefix, suffix });
        assert_eq!(match_device(device), expected, "{device:?}");
    }
}

#[test]
fn letters_continue_after_z_and_round_as_floats_do() {
    for (index, letter) in [
        (0, "a"),
        (25, "z"),
        (26, "aa"),
        (18_277, "zzz"),
        (18_278, "aaaa"),
        (-1, ""),
        (i64::MIN, ""),
        // The results of CPython 3.11.
        (9_007_199_254_740_993, "bktxhsoghkkh"),
        (72_067_453_770_085_745, "spmgwowwxotx"),
        (234_187_180_623_265_791, "bktxhsoghkkfz"),
        (234_187_180_623_265_805, "bktxhsoghkkfn"),
        (234_187_180_623_265_830, "bktxhsoghkkhm"),
        (2_356_345_900_235_127_877, "xqywdwzbixrtl"),
        (3_307_187_896_995_659_929, "ahqalerncydjdf"),
        (9_223_315_571_689_305_242, "crpxdbifvvnnla"),
        (i64::MAX, "crpxnlskvljhbh"),
    ] {
        assert_eq!(generate_device_letter(index), letter, "{index}");
    }
}

#[test]
fn xen_disks_take_letters_without_a_block_device_mapping() {
    let compute_driver = Some("nova.virt.xenapi.XenAPIDriver".to_owned());
    let config = DeviceConfig { compute_driver, ..DeviceConfig::new(Release::Grizzly) };
    let instance = Instance::parse(
        r#"{"root_device_name": null, "system_metadata": {"instance_type_id": "2", "instance_type_name": "m1.tiny",
        "instance_type_memory_mb": "512", "instance_type_vcpus": "1", "instance_type_root_gb": "1",
        "instance_type_ephemeral_gb": "0", "instance_type_flavorid": "1", "instance_type_swap": "64",
        "instance_type_rxtx_factor": "1.0", "instance_type_vcpu_weight": null}}"#,
    )
    .expect("an instance");
    let why = explain_device_name_for_instance(&config, &instance, &[], Some("/dev/vdc")).expect("an explanation");
    assert_eq!(why.prefix_from, PrefixFrom::XenDriver);
    assert_eq!(why.replaced_prefix.as_deref(), Some("/dev/vd"));
    let last = why.taken.last().expect("a letter");
    assert_eq!((last.letter.as_deref(), &last.by), (Some("c"), &TakenBy::XenSwapDisk));
    assert_eq!(why.device_name.map_err(|error| error.code().to_owned()), Err("DevicePathInUse".to_owned()));
    assert_eq!(get_device_name_for_instance(&config, &instance, &[], None).as_deref(), Ok("/dev/xvdb"));
}

#[test]
fn a_device_without_a_name_counts_toward_the_limit() {
    let mut config = DeviceConfig::new(Release::Hibiscus);
    config.max_disk_devices_to_attach = 3;
    let list = [Some("/dev/vda"), None];
    assert_eq!(get_next_device_name(&config, &list, Some("vda"), None).as_deref(), Ok("/dev/vdb"));
    config.max_disk_devices_to_attach = 2;
    let why = explain_next_device_name(&config, &list, None, None).expect("an explanation");
    assert_eq!(why.prefix_from, PrefixFrom::DefaultRootDevice);
    assert_eq!(why.taken[1], TakenLetter { letter: None, device_name: None, by: TakenBy::Place(1) });
    let error = why.device_name.expect_err("the limit");
    let message = "The maximum allowed number of disk devices (2) to attach to a single instance has been exceeded.";
    assert_eq!((error.code(), error.message()), ("TooManyDiskDevices", message));
    assert_eq!(error.arguments(), r#"{"maximum":2}"#);
}

#[test]
fn a_device_name_must_be_a_string() {
    let instance = Instance::parse(r#"{"root_device_name": 5}"#).expect("an instance");
    let config = DeviceConfig::new(Release::Hibiscus);
    let error = get_device_name_for_instance(&config, &instance, &[], None).expect_err("a number");
    assert_eq!(error.message(), "`root_device_name` is a number: give a device name as a string");
}

#[test]
fn an_invalid_name_is_described_by_the_arguments_of_its_error() {
    let details = |value| validate_device_name(value).map_err(|error| error.arguments().to_owned());
    assert_eq!(details("a b"), Err(r#"{"details":"Device name contains spaces."}"#.to_owned()));
    assert_eq!(details(""), Err(r#"{"details":"Device name empty or too long."}"#.to_owned()));
    assert_eq!(details("a\tb"), Ok(()));
}

/// Mostly device names, and arbitrary strings.
fn device_name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "(/dev/)?(xvd|vd|sd|hd|x|d|md)?[a-d]{0,3}[0-9]{0,2}\n?",
        1 => any::<String>(),
    ]
}

fn release() -> impl Strategy<Value = Release> {
    prop_oneof![Just(Release::Grizzly), Just(Release::Hibiscus)]
}

fn borrowed(names: &[Option<String>]) -> Vec<Option<&str>> {
    names.iter().map(Option::as_deref).collect()
}

proptest! {
    #[test]
    fn a_match_consists_of_the_parts_of_the_name(device in device_name()) {
        if let Some(DeviceMatch { prefix, suffix }) = match_device(&device) {
            let rest = device.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(suffix)).expect("the parts");
            prop_assert!(prefix.starts_with("/dev/") && !suffix.is_empty());
            prop_assert!(rest.trim_end_matches('\n').bytes().all(|byte| byte.is_ascii_digit()));
        }
    }

    #[test]
    fn helpers_accept_any_string(release in release(), name in device_name()) {
        prop_assert!(name.ends_with(strip_prefix(release, &name)));
        prop_assert!(!get_device_letter(release, &name).contains(|character: char| character.is_ascii_digit()));
        let prepended = prepend_dev(&name);
        prop_assert_eq!(strip_dev(&prepended), strip_dev(&name));
        prop_assert!(name.is_empty() || prepended.starts_with("/dev/"));
        let is_valid = (1..256).contains(&name.chars().count()) && !name.contains(' ');
        prop_assert_eq!(validate_device_name(&name).is_ok(), is_valid);
    }

    #[test]
    fn letters_are_ordered(index in 0..1_i64 << 48) {
        let (letter, next) = (generate_device_letter(index), generate_device_letter(index + 1));
        prop_assert!((letter.len(), &letter) < (next.len(), &next), "{} {}", letter, next);
        let used = [letter.as_str(), next.as_str()];
        let first = get_unused_letter(Release::Hibiscus, &used).expect("a letter");
        let expected = ["a", "b", "c"].into_iter().find(|letter| !used.contains(letter));
        prop_assert_eq!(first, expected.expect("one of three"));
    }

    #[test]
    fn the_first_unused_letter_is_chosen(
        release in release(),
        used in proptest::collection::vec("[a-c]|[a-z]{0,2}", 0..40),
    ) {
        let used: Vec<&str> = used.iter().map(String::as_str).collect();
        let letter = get_unused_letter(release, &used).expect("a letter");
        let before = (0..800).map(generate_device_letter).take_while(|earlier| *earlier != letter).collect::<Vec<_>>();
        prop_assert!(!used.contains(&letter.as_str()));
        prop_assert!(before.iter().all(|earlier| used.contains(&earlier.as_str())));
    }

    #[test]
    fn a_new_name_is_unused_and_parses(
        release in release(),
        list in proptest::collection::vec(proptest::option::of(device_name()), 0..30),
        root in proptest::option::of(device_name()),
        device in proptest::option::of(device_name()),
        max_disk_devices_to_attach in -1..40_i64,
    ) {
        let config = DeviceConfig { max_disk_devices_to_attach, ..DeviceConfig::new(release) };
        let list = borrowed(&list);
        let name = get_next_device_name(&config, &list, root.as_deref(), device.as_deref());
        let explained = explain_next_device_name(&config, &list, root.as_deref(), device.as_deref());
        prop_assert_eq!(&name, &explained.clone().and_then(|explanation| explanation.device_name));
        if let (Ok(name), Ok(explained)) = (name, explained) {
            prop_assert!(match_device(&name).is_some());
            // The letter of the new name follows the explained prefix. `match_device` may split the name elsewhere:
            // after a prefix as short as `/dev/` it counts part of the letter as prefix.
            let letter = name.strip_prefix(&explained.prefix).expect("the prefix");
            let mut letters = list.iter().flatten().map(|used| get_device_letter(release, used));
            prop_assert!(letters.all(|used| used != letter), "{} {:?}", name, list);
            // Nova compares letters, not names, and removes known prefixes only: next to `/dev/da` it returns
            // `/dev/da`.
            let is_known_prefix = get_device_letter(release, &name) == letter;
            prop_assert!(!is_known_prefix || list.iter().flatten().all(|used| *used != name));
        }
    }

    #[test]
    fn default_names_are_complete_and_different(
        lists in {
            let list = proptest::collection::vec(proptest::option::of("/dev/[sv]d[a-z]"), 0..6);
            proptest::collection::vec(list, 0..4)
        },
    ) {
        let lists: Vec<_> = lists.iter().map(|list| borrowed(list)).collect();
        let names = default_device_names_for_instance(&DeviceConfig::new(Release::Hibiscus), Some("/dev/vda"), &lists);
        prop_assert_eq!(names.stopped, None);
        prop_assert_eq!(names.named.len(), lists.iter().flatten().filter(|name| name.is_none()).count());
        let mut seen: Vec<_> = lists.iter().flatten().flatten().map(|name| (*name).to_owned()).collect();
        for named in names.named {
            prop_assert_eq!(lists[named.list_index][named.index], None);
            prop_assert!(!seen.contains(&named.device_name));
            seen.push(named.device_name);
        }
    }

    #[test]
    fn every_device_has_a_role(
        release in release(),
        root in device_name(),
        names in proptest::collection::vec(proptest::option::of(device_name()), 0..12),
    ) {
        let json = format!("{{\"root_device_name\": {}}}", crate::document::text_json(&root));
        let instance = Instance::parse(&json).expect("an instance");
        let volume = |device_name| BlockDevice {
            device_name,
            destination_type: Some("volume"),
            volume_id: Some("v"),
            ..BlockDevice::default()
        };
        let bdms: Vec<_> = borrowed(&names).into_iter().map(volume).collect();
        let mapping = instance_block_mapping(&DeviceConfig::new(release), &instance, &bdms).expect("a mapping");
        prop_assert_eq!(mapping.get("root"), Some(root.as_str()));
        let mut mapped: Vec<_> = (0..bdms.len()).map(|number| mapping.get(&format!("ebs{number}"))).collect();
        let mut expected: Vec<_> = bdms.iter().map(|bdm| bdm.device_name).collect();
        mapped.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(mapped, expected);
    }
}
