use super::*;
use crate::instance::Instance;
use crate::{Config, Release};

fn config(release: Release) -> Config {
    Config::new(release, "cmp-01")
}

#[test]
fn the_prefix_leaves_a_letter() {
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
fn letters_go_on_and_lose_precision_as_floats_do() {
    for (index, letter) in [
        (0, "a"),
        (25, "z"),
        (26, "aa"),
        (18_277, "zzz"),
        (18_278, "aaaa"),
        (-1, ""),
        (i64::MIN, ""),
        // What CPython 3.11 gives.
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
fn xen_takes_letters_that_no_mapping_tells_of() {
    let mut config = config(Release::Grizzly);
    config.compute_driver = Some("nova.virt.xenapi.XenAPIDriver".to_owned());
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
fn a_nameless_device_takes_a_place() {
    let mut config = config(Release::Hibiscus);
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
}

#[test]
fn a_device_name_has_to_be_text() {
    let instance = Instance::parse(r#"{"root_device_name": 5}"#).expect("an instance");
    let error = get_device_name_for_instance(&config(Release::Hibiscus), &instance, &[], None).expect_err("a number");
    assert_eq!(error.message(), "`root_device_name` is a number: give a device name as text");
}
