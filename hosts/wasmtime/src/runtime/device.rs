use super::{Host, Instance, exports};
use crate::error::{Error, one_line};

use exports::device::{BlockDevice, DefaultDeviceNames, DeviceMatch, Explanation, MappedDevice};
use exports::types::{Config as NovaConfig, Json, Release};

exported! {
    |answer| answer.map_err(Error::Nova);

    /// The first letter that is not among those used.
    nova_compute_utils_device call_get_unused_letter
    get_unused_letter(release: Release, used_letters: &[String]) -> String;

    /// Refuse a name that no block device mapping may have.
    nova_compute_utils_device call_validate_device_name
    validate_device_name(value: &str) -> ();

    /// Which devices an instance has, by role.
    nova_compute_utils_device call_instance_block_mapping
    instance_block_mapping(config: &NovaConfig, instance: &Json, bdms: &[BlockDevice]) -> Vec<MappedDevice>;

    /// The name that a device of an instance gets, or may have.
    nova_compute_utils_device call_get_device_name_for_instance
    get_device_name_for_instance(
        config: &NovaConfig,
        instance: &Json,
        bdms: &[BlockDevice],
        device: Option<&str>
    ) -> String;

    /// The name that a device gets, or may have, beside a list of others.
    nova_compute_utils_device call_get_next_device_name
    get_next_device_name(
        config: &NovaConfig,
        device_name_list: &[Option<String>],
        root_device_name: Option<&str>,
        device: Option<&str>
    ) -> String;

    /// Explain what `get_device_name_for_instance` gives.
    nova_compute_utils_device call_explain_device_name_for_instance
    explain_device_name_for_instance(
        config: &NovaConfig,
        instance: &Json,
        bdms: &[BlockDevice],
        device: Option<&str>
    ) -> Explanation;

    /// Explain what `get_next_device_name` gives.
    nova_compute_utils_device call_explain_next_device_name
    explain_next_device_name(
        config: &NovaConfig,
        device_name_list: &[Option<String>],
        root_device_name: Option<&str>,
        device: Option<&str>
    ) -> Explanation;
}

exported! {
    |answer| Ok(answer);

    /// Take a device name apart; nothing where it is none.
    nova_compute_utils_device call_match_device
    match_device(device: &str) -> Option<DeviceMatch>;

    /// The name without one leading `/dev/`.
    nova_compute_utils_device call_strip_dev
    strip_dev(device_name: &str) -> String;

    /// The name without `/dev/` and one leading `xvd`, `vd`, `sd` or `hd`.
    nova_compute_utils_device call_strip_prefix
    strip_prefix(release: Release, device_name: &str) -> String;

    /// The name with one `/dev/` in front.
    nova_compute_utils_device call_prepend_dev
    prepend_dev(device_name: &str) -> String;

    /// What identifies a device among those of an instance.
    nova_compute_utils_device call_get_device_letter
    get_device_letter(release: Release, device_name: &str) -> String;

    /// The letter at a place, counted from 0.
    nova_compute_utils_device call_generate_device_letter
    generate_device_letter(index: i64) -> String;

    /// A prefix and the letter at a place.
    nova_compute_utils_device call_generate_device_name
    generate_device_name(prefix: &str, index: i64) -> String;

    /// Name all devices that have no name.
    nova_compute_utils_device call_default_device_names_for_instance
    default_device_names_for_instance(
        config: &NovaConfig,
        root_device_name: Option<&str>,
        block_device_lists: &[Vec<Option<String>>]
    ) -> DefaultDeviceNames;
}
