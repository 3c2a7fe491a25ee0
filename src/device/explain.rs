//! Why a device gets its name. Nova has no such functions.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use super::letters::UsedLetters;
use super::naming::{Prefix, RequestedDevice, XEN_SWAP_DISK, choose_name, letters_of_instance};
use super::{BlockDevice, DeviceConfig, instance_block_mapping};
use crate::error::Error;
use crate::instance::Instance;

/// Why a device gets its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The name, or the error when the device gets none.
    pub device_name: Result<String, Error>,
    /// The prefix of the name.
    pub prefix: String,
    /// The origin of the prefix.
    pub prefix_from: PrefixFrom,
    /// The requested prefix when `prefix` replaces it; otherwise `None`.
    pub replaced_prefix: Option<String>,
    /// The requested letters.
    pub requested_letter: Option<String>,
    /// The letters that are taken. A letter may occur several times.
    pub taken: Vec<TakenLetter>,
}

/// The origin of a name's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrefixFrom {
    /// The root device of the instance: all devices of an instance are on one bus.
    RootDevice,
    /// Nova's default root device, `/dev/sda1`, because the instance has no root device name.
    DefaultRootDevice,
    /// The Xen driver, whose devices all have the prefix `/dev/xvd`.
    XenDriver,
}

/// A letter that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenLetter {
    /// The letter; `None` for a device without a name, which counts toward the limit all the same.
    pub letter: Option<String>,
    /// The name that contains the letter; `None` when no name does.
    pub device_name: Option<String>,
    /// The device that has the letter.
    pub by: TakenBy,
}

/// The device that has a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenBy {
    /// The device of this role in the instance's mapping: `root`, `swap`, `ebs0`.
    Role(String),
    /// The name at this index of the list, from 0.
    Place(usize),
    /// The ephemeral disk that Xen adds for a flavor with `ephemeral_gb`.
    XenEphemeralDisk,
    /// The swap disk that Xen adds for a flavor with `swap`.
    XenSwapDisk,
}

/// Explains the result of [`get_device_name_for_instance`](super::get_device_name_for_instance).
///
/// Fails like that function when `device`, the root device or the instance cannot be read. The other errors (the letter
/// is in use, no letter is free, the limit is reached) are part of the explanation.
///
/// ```
/// use nova_compute_utils::Release;
/// use nova_compute_utils::device::{DeviceConfig, PrefixFrom, TakenBy, explain_device_name_for_instance};
/// use nova_compute_utils::instance::Instance;
///
/// let config = DeviceConfig::new(Release::Hibiscus);
/// let instance = Instance::parse(r#"{"root_device_name": "/dev/vda", "default_swap_device": "/dev/vdb"}"#)?;
/// let why = explain_device_name_for_instance(&config, &instance, &[], Some("/dev/sdb"))?;
/// assert_eq!(why.replaced_prefix.as_deref(), Some("/dev/sd"));
/// assert_eq!((why.prefix.as_str(), why.prefix_from), ("/dev/vd", PrefixFrom::RootDevice));
/// assert_eq!(why.taken[2].letter.as_deref(), Some("b"));
/// assert_eq!(why.taken[2].by, TakenBy::Role("swap".to_owned()));
/// assert_eq!(why.device_name.unwrap_err().code(), "DevicePathInUse");
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn explain_device_name_for_instance(
    config: &DeviceConfig,
    instance: &Instance<'_>,
    bdms: &[BlockDevice<'_>],
    device: Option<&str>,
) -> Result<Explanation, Error> {
    let requested = RequestedDevice::parse(device)?;
    let mapping = instance_block_mapping(config, instance, bdms)?;
    let prefix = Prefix::from_mapping(config, &mapping)?;
    let letters = letters_of_instance(config, instance, &mapping)?;
    let roles = mapping.iter().map(|(role, device_name)| (TakenBy::Role(role.to_owned()), device_name));
    Ok(explain(config, &prefix, &letters, requested, roles))
}

/// Explains the result of [`get_next_device_name`](super::get_next_device_name).
pub fn explain_next_device_name(
    config: &DeviceConfig,
    device_name_list: &[Option<&str>],
    root_device_name: Option<&str>,
    device: Option<&str>,
) -> Result<Explanation, Error> {
    let requested = RequestedDevice::parse(device)?;
    let prefix = Prefix::from_root(config, root_device_name)?;
    let letters = UsedLetters::new(config.release, device_name_list.iter().copied())?;
    let devices = device_name_list.iter().enumerate().map(|(index, device_name)| (TakenBy::Place(index), *device_name));
    Ok(explain(config, &prefix, &letters, requested, devices))
}

/// Builds the explanation. The letters are those of `devices`, in the same order, followed by those of Xen's own disks.
fn explain<'a>(
    config: &DeviceConfig,
    prefix: &Prefix,
    letters: &UsedLetters<'_>,
    requested: Option<RequestedDevice<'_>>,
    devices: impl Iterator<Item = (TakenBy, Option<&'a str>)>,
) -> Explanation {
    let mut devices = devices.fuse();
    let taken = letters.iter().map(|letter| {
        let (by, device_name) = match devices.next() {
            Some(device) => device,
            None if letter == Some(XEN_SWAP_DISK) => (TakenBy::XenSwapDisk, None),
            None => (TakenBy::XenEphemeralDisk, None),
        };
        TakenLetter { letter: letter.map(str::to_owned), device_name: device_name.map(str::to_owned), by }
    });
    let requested_prefix = requested.map(|requested| requested.parts.prefix);
    Explanation {
        taken: taken.collect(),
        device_name: choose_name(config, prefix, letters, requested),
        prefix: prefix.as_str().to_owned(),
        prefix_from: match prefix {
            Prefix::Root(_) => PrefixFrom::RootDevice,
            Prefix::DefaultRoot => PrefixFrom::DefaultRootDevice,
            Prefix::Xen => PrefixFrom::XenDriver,
        },
        replaced_prefix: requested_prefix.filter(|requested| *requested != prefix.as_str()).map(str::to_owned),
        requested_letter: requested.map(|requested| requested.parts.suffix.to_owned()),
    }
}
