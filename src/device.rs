//! Block device names: parsing them, ordering their letters, and naming new devices.
//!
//! A name such as `/dev/vdb1` has a prefix (`/dev/vd`), a letter (`b`) and a partition number. A new device of an
//! instance gets the prefix of the instance's root device and the first letter that no other device has.
//!
//! ```
//! use nova_compute_utils::Release;
//! use nova_compute_utils::device::{self, DeviceConfig};
//!
//! let config = DeviceConfig::new(Release::Hibiscus);
//! let used = [Some("/dev/vda1"), Some("/dev/vdb")];
//! assert_eq!(device::get_next_device_name(&config, &used, Some("/dev/vda"), None)?, "/dev/vdc");
//! assert_eq!(device::get_next_device_name(&config, &used, Some("/dev/vda"), Some("/dev/xvdf3"))?, "/dev/vdf");
//!
//! let error = device::get_next_device_name(&config, &used, Some("/dev/vda"), Some("/dev/vdb")).unwrap_err();
//! assert_eq!(error.code(), "DevicePathInUse");
//! assert_eq!(error.message(), "The supplied device path (/dev/vdb) is in use.");
//! assert_eq!(error.arguments(), r#"{"path":"/dev/vdb"}"#);
//! # Ok::<(), nova_compute_utils::Error>(())
//! ```

mod explain;
mod letters;
mod mapping;
mod naming;

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

use crate::document::{member_json, text_json};
use crate::error::Error;
use crate::python;
use crate::release::Release;

pub use explain::{
    Explanation, PrefixFrom, TakenBy, TakenLetter, explain_device_name_for_instance, explain_next_device_name,
};
pub use letters::{generate_device_letter, generate_device_name, get_unused_letter};
pub use mapping::{BlockDevice, BlockMapping, instance_block_mapping};
pub use naming::{
    DefaultDeviceNames, NamedDevice, default_device_names_for_instance, get_device_name_for_instance,
    get_next_device_name,
};

/// The settings that device names depend on, under Nova's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceConfig {
    /// Which Nova release to reproduce.
    pub release: Release,
    /// How many disk devices an instance may have, the root device included; negative means no limit. Nova: `[compute]
    /// max_disk_devices_to_attach`. `hibiscus` only.
    pub max_disk_devices_to_attach: i64,
    /// The class of the driver, such as `xenapi.XenAPIDriver`. Nova: `[DEFAULT] compute_driver`. `grizzly` only.
    pub compute_driver: Option<String>,
}

impl DeviceConfig {
    /// Creates a configuration with Nova's defaults: no limit and no driver.
    #[must_use]
    pub fn new(release: Release) -> Self {
        Self { release, max_disk_devices_to_attach: -1, compute_driver: None }
    }

    /// Returns whether devices get the names of the Xen driver.
    fn is_xen(&self) -> bool {
        let is_xen = |driver: &str| driver.ends_with("xenapi.XenAPIDriver");
        self.release.rules().has_xen_device_names && self.compute_driver.as_deref().is_some_and(is_xen)
    }
}

/// The parts of a device name, as [`match_device`] returns them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceMatch<'a> {
    /// The prefix, such as `/dev/vd`.
    pub prefix: &'a str,
    /// The letter or letters, such as `b`.
    pub suffix: &'a str,
}

/// Splits a device name into its parts; `None` when it is not a device name. Nova: `match_device`.
///
/// A name is `/dev/`, an optional `x`, an optional lower-case letter and an optional `d` (the prefix, as long as
/// possible), one or more lower-case letters (the suffix), and digits, which belong to neither.
///
/// ```
/// use nova_compute_utils::device::{DeviceMatch, match_device};
///
/// assert_eq!(match_device("/dev/xvdab3"), Some(DeviceMatch { prefix: "/dev/xvd", suffix: "ab" }));
/// assert_eq!(match_device("/dev/vd"), Some(DeviceMatch { prefix: "/dev/v", suffix: "d" }));
/// assert_eq!(match_device("vda"), None);
/// ```
#[must_use]
pub fn match_device(device: &str) -> Option<DeviceMatch<'_>> {
    let name = device.strip_prefix(DEV)?;
    let (letters, partition) = name.split_at(name.bytes().take_while(u8::is_ascii_lowercase).count());
    // Python's `$` matches before a newline at the end, too.
    let partition = partition.strip_suffix('\n').unwrap_or(partition);
    if !partition.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // The suffix is never empty: a prefix that matches all the letters leaves the last one to the suffix.
    let prefix_length = prefix_letters(letters.as_bytes()).min(letters.len().checked_sub(1)?);
    let (_, suffix) = letters.split_at(prefix_length);
    let (prefix, _) = device.split_at(DEV.len().saturating_add(prefix_length));
    Some(DeviceMatch { prefix, suffix })
}

/// Removes one leading `/dev/`. Nova: `strip_dev`.
#[must_use]
pub fn strip_dev(device_name: &str) -> &str {
    device_name.strip_prefix(DEV).unwrap_or(device_name)
}

/// Removes one leading `/dev/` and then one leading `xvd`, `vd`, `sd` or, in `hibiscus`, `hd`. Nova: `strip_prefix`.
#[must_use]
pub fn strip_prefix(release: Release, device_name: &str) -> &str {
    let name = strip_dev(device_name);
    release.rules().disk_prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// Puts one `/dev/` in front of a name; an empty name stays empty. Nova: `prepend_dev` in `hibiscus`.
#[must_use]
pub fn prepend_dev(device_name: &str) -> Cow<'_, str> {
    if device_name.is_empty() || device_name.starts_with(DEV) {
        return Cow::Borrowed(device_name);
    }
    Cow::Owned(format!("{DEV}{device_name}"))
}

/// Returns the part of a name that identifies the device in its instance: the name without prefix and digits, which may
/// have several letters. Nova: `get_device_letter`.
///
/// `/dev/mapper/vg-root` gives `mapper/vg-root`. `hibiscus` removes the decimal digits of all scripts, `grizzly` only
/// those of ASCII.
///
/// ```
/// use nova_compute_utils::{Release, device::get_device_letter};
///
/// assert_eq!(get_device_letter(Release::Hibiscus, "/dev/hda1"), "a");
/// assert_eq!(get_device_letter(Release::Grizzly, "/dev/hda1"), "hda"); // grizzly does not know `hd`
/// ```
#[must_use]
pub fn get_device_letter(release: Release, device_name: &str) -> Cow<'_, str> {
    let is_digit = |character: char| {
        character.is_ascii_digit()
            || (!character.is_ascii()
                && release.rules().strips_digits_of_all_scripts
                && python::decimal_digit(character).is_some())
    };
    let name = strip_prefix(release, device_name);
    let letter = name.trim_end_matches(is_digit);
    if letter.contains(is_digit) { Cow::Owned(letter.replace(is_digit, "")) } else { Cow::Borrowed(letter) }
}

/// Checks the name of a block device mapping. Fails with `InvalidBDMFormat` when it is empty, has more than 255
/// characters or contains a space. Other white space is valid, as in Nova. Nova: `validate_device_name` in `hibiscus`.
pub fn validate_device_name(value: &str) -> Result<(), Error> {
    let invalid = |details| {
        let message = format!("Block Device Mapping is Invalid: {details}");
        Err(Error::new("InvalidBDMFormat", message).with_arguments(member_json("details", &text_json(details))))
    };
    if value.is_empty() || value.chars().nth(255).is_some() {
        return invalid("Device name empty or too long.");
    }
    if value.contains(' ') {
        return invalid("Device name contains spaces.");
    }
    Ok(())
}

const DEV: &str = "/dev/";

/// Counts the letters of the longest prefix: `x`, any letter and `d`, each at most once and in this order.
fn prefix_letters(letters: &[u8]) -> usize {
    let mut count = usize::from(letters.first() == Some(&b'x'));
    if letters.len() > count {
        count = count.saturating_add(1);
    }
    if letters.get(count) == Some(&b'd') { count.saturating_add(1) } else { count }
}

fn invalid_device_path(path: &str) -> Error {
    device_path_error("InvalidDevicePath", path, "invalid")
}

fn device_path_error(code: &'static str, path: &str, problem: &str) -> Error {
    Error::new(code, format!("The supplied device path ({path}) is {problem}."))
        .with_arguments(member_json("path", &text_json(path)))
}

#[cfg(test)]
mod tests;
