//! Block device names: taking them apart, counting letters, and naming what has no name.
//!
//! A name such as `/dev/vdb1` is a prefix (`/dev/vd`), a letter (`b`) and the number of a partition. A new device of
//! an instance gets the prefix of the instance's root device and the first letter that no other device has.
//!
//! ```
//! use nova_compute_utils::{Config, Release, device};
//!
//! let config = Config::new(Release::Hibiscus, "cmp-01");
//! let used = [Some("/dev/vda1"), Some("/dev/vdb")];
//! assert_eq!(device::get_next_device_name(&config, &used, Some("/dev/vda"), None)?, "/dev/vdc");
//! assert_eq!(device::get_next_device_name(&config, &used, Some("/dev/vda"), Some("/dev/xvdf3"))?, "/dev/vdf");
//!
//! let error = device::get_next_device_name(&config, &used, Some("/dev/vda"), Some("/dev/vdb")).unwrap_err();
//! assert_eq!(error.code(), "DevicePathInUse");
//! assert_eq!(error.message(), "The supplied device path (/dev/vdb) is in use.");
//! # Ok::<(), nova_compute_utils::Error>(())
//! ```

mod explain;
mod letters;
mod mapping;
mod naming;

use std::borrow::Cow;

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

/// A device name taken apart by [`match_device`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceMatch<'a> {
    /// Such as `/dev/vd`.
    pub prefix: &'a str,
    /// The letter or letters: `b`.
    pub suffix: &'a str,
}

/// Take a device name apart; nothing where it is none. Nova: `match_device`.
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
    // The suffix is never empty: the prefix gives its last letter back where it would take them all.
    let of_prefix = prefix_letters(letters.as_bytes()).min(letters.len().checked_sub(1)?);
    let (_, suffix) = letters.split_at(of_prefix);
    let (prefix, _) = device.split_at(DEV.len().saturating_add(of_prefix));
    Some(DeviceMatch { prefix, suffix })
}

/// The name without one leading `/dev/`. Nova: `strip_dev`.
#[must_use]
pub fn strip_dev(device_name: &str) -> &str {
    device_name.strip_prefix(DEV).unwrap_or(device_name)
}

/// The name without `/dev/` and without one leading `xvd`, `vd` or `sd`; in hibiscus `hd`, too. Nova: `strip_prefix`.
#[must_use]
pub fn strip_prefix(release: Release, device_name: &str) -> &str {
    let name = strip_dev(device_name);
    release.disk_prefixes().iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// The name with one `/dev/` in front; an empty one stays empty. Nova: `prepend_dev`, hibiscus.
#[must_use]
pub fn prepend_dev(device_name: &str) -> Cow<'_, str> {
    if device_name.is_empty() || device_name.starts_with(DEV) {
        return Cow::Borrowed(device_name);
    }
    Cow::Owned(format!("{DEV}{device_name}"))
}

/// What identifies a device among those of an instance: the name without prefix and digits. Nova: `get_device_letter`.
///
/// It need not be one letter: that of `/dev/mapper/vg-root` is `mapper/vg-root`. Hibiscus takes the decimal digits of
/// all scripts out, grizzly those of ASCII.
///
/// ```
/// use nova_compute_utils::{Release, device::get_device_letter};
///
/// assert_eq!(get_device_letter(Release::Hibiscus, "/dev/hda1"), "a");
/// assert_eq!(get_device_letter(Release::Grizzly, "/dev/hda1"), "hda"); // so `a` counts as free there
/// ```
#[must_use]
pub fn get_device_letter(release: Release, device_name: &str) -> Cow<'_, str> {
    let is_digit = |character: char| {
        character.is_ascii_digit()
            || (!character.is_ascii() && release.digits_of_all_scripts() && python::decimal_digit(character).is_some())
    };
    let name = strip_prefix(release, device_name);
    let letter = name.trim_end_matches(is_digit);
    if letter.contains(is_digit) { Cow::Owned(letter.replace(is_digit, "")) } else { Cow::Borrowed(letter) }
}

/// Refuse a name that no block device mapping may have: an empty one, one of more than 255 characters, one with a
/// blank. Tabs, newlines and other spaces pass, as in Nova. Nova: `validate_device_name`, hibiscus.
///
/// Fails with `InvalidBDMFormat`.
pub fn validate_device_name(value: &str) -> Result<(), Error> {
    let invalid = |details| Err(Error::new("InvalidBDMFormat", format!("Block Device Mapping is Invalid: {details}")));
    if value.is_empty() || value.chars().nth(255).is_some() {
        return invalid("Device name empty or too long.");
    }
    if value.contains(' ') {
        return invalid("Device name contains spaces.");
    }
    Ok(())
}

const DEV: &str = "/dev/";

/// How many letters belong to the prefix where it may be as long as it likes: `x`, any one, `d`, each at most once.
fn prefix_letters(letters: &[u8]) -> usize {
    let mut taken = usize::from(letters.first() == Some(&b'x'));
    if letters.len() > taken {
        taken = taken.saturating_add(1);
    }
    if letters.get(taken) == Some(&b'd') { taken.saturating_add(1) } else { taken }
}

fn invalid_device_path(path: &str) -> Error {
    Error::new("InvalidDevicePath", format!("The supplied device path ({path}) is invalid."))
}

#[cfg(test)]
mod tests;
