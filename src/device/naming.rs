//! Choosing names for new devices.

use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::letters::UsedLetters;
use super::{
    BlockDevice, BlockMapping, DeviceConfig, DeviceMatch, device_path_error, instance_block_mapping,
    invalid_device_path, match_device, prepend_dev,
};
use crate::document::member_json;
use crate::error::Error;
use crate::instance::Instance;

/// Returns the name of a new device of an instance. Nova: `get_device_name_for_instance`.
///
/// Without `device` (or with an empty one) the name has the first free letter. With `device` it has the letter of
/// `device`; this fails with `DevicePathInUse` when another device has that letter. The prefix is the root device's
/// (`/dev/xvd` for `grizzly`'s Xen driver), and a partition number is dropped.
///
/// Fails with `InvalidDevicePath` when `device` or the root device name is not a device name, and in `hibiscus` with
/// `TooManyDiskDevices` when the limit is reached. `grizzly` fails with `TypeError` when another device has no name,
/// with `IndexError` when all 702 letters are used, and, with the Xen driver, with `KeyError` when the system metadata
/// lacks a key of the flavor.
///
/// ```
/// use nova_compute_utils::Release;
/// use nova_compute_utils::device::{BlockDevice, DeviceConfig, get_device_name_for_instance};
/// use nova_compute_utils::instance::Instance;
///
/// let config = DeviceConfig::new(Release::Hibiscus);
/// let instance = Instance::parse(r#"{"root_device_name": "/dev/vda"}"#)?;
/// let (device_name, destination_type) = (Some("/dev/vdb"), Some("volume"));
/// let volume = BlockDevice { device_name, destination_type, ..BlockDevice::default() };
/// assert_eq!(get_device_name_for_instance(&config, &instance, &[volume], None)?, "/dev/vdc");
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn get_device_name_for_instance(
    config: &DeviceConfig,
    instance: &Instance<'_>,
    bdms: &[BlockDevice<'_>],
    device: Option<&str>,
) -> Result<String, Error> {
    let requested = RequestedDevice::parse(device)?;
    let mapping = instance_block_mapping(config, instance, bdms)?;
    let prefix = Prefix::from_mapping(config, &mapping)?;
    let letters = letters_of_instance(config, instance, &mapping)?;
    choose_name(config, &prefix, &letters, requested)
}

/// Returns the name of a new device beside a list of others. Nova: `get_next_device_name` in `hibiscus`.
///
/// The root device (by default `/dev/sda1`) gives the prefix; its letter is free unless the list contains it. An entry
/// without a name counts toward the limit. `grizzly` has no such function; the rules of `grizzly` for letters and
/// prefixes apply to it.
pub fn get_next_device_name(
    config: &DeviceConfig,
    device_name_list: &[Option<&str>],
    root_device_name: Option<&str>,
    device: Option<&str>,
) -> Result<String, Error> {
    let requested = RequestedDevice::parse(device)?;
    let prefix = Prefix::from_root(config, root_device_name)?;
    let letters = UsedLetters::new(config.release, device_name_list.iter().copied())?;
    choose_name(config, &prefix, &letters, requested)
}

/// A device that got a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedDevice {
    /// The index of its list, from 0.
    pub list_index: usize,
    /// Its index in that list, from 0.
    pub index: usize,
    /// Its name.
    pub device_name: String,
}

/// The result of [`default_device_names_for_instance`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DefaultDeviceNames {
    /// The devices that got a name, in the order in which Nova names and saves them.
    pub named: Vec<NamedDevice>,
    /// The error that stopped the naming; `None` when all devices have a name. The devices in `named` keep their names.
    pub stopped: Option<Error>,
}

/// Names all devices that have no name. Nova: `default_device_names_for_instance` in `hibiscus`.
///
/// Nova saves each block device as soon as it has a name. The caller of this function saves those in `named`, in that
/// order, and then raises the error in `stopped`.
///
/// ```
/// use nova_compute_utils::Release;
/// use nova_compute_utils::device::{DeviceConfig, default_device_names_for_instance};
///
/// let config = DeviceConfig { max_disk_devices_to_attach: 3, ..DeviceConfig::new(Release::Hibiscus) };
/// let lists = [vec![None, Some("/dev/vdb")], vec![None]];
/// let names = default_device_names_for_instance(&config, Some("/dev/vda"), &lists);
/// assert_eq!(names.named[0].device_name, "/dev/vdc");
/// assert_eq!(names.named.len(), 1);
/// assert_eq!(names.stopped.unwrap().code(), "TooManyDiskDevices");
/// ```
pub fn default_device_names_for_instance<'a, L: AsRef<[Option<&'a str>]>>(
    config: &DeviceConfig,
    root_device_name: Option<&'a str>,
    block_device_lists: &[L],
) -> DefaultDeviceNames {
    let mut names = DefaultDeviceNames::default();
    names.stopped = name_devices(config, root_device_name, block_device_lists, &mut names.named).err();
    names
}

/// The device name that the caller requests.
#[derive(Clone, Copy)]
pub(super) struct RequestedDevice<'a> {
    device: &'a str,
    pub(super) parts: DeviceMatch<'a>,
}

impl<'a> RequestedDevice<'a> {
    /// Parses the name; an empty one counts as `None`, as in Nova.
    pub(super) fn parse(device: Option<&'a str>) -> Result<Option<Self>, Error> {
        let parse = |device| {
            let parts = match_device(device).ok_or_else(|| invalid_device_path(device))?;
            Ok(Self { device, parts })
        };
        device.filter(|device| !device.is_empty()).map(parse).transpose()
    }
}

/// The prefix of a new name, by its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Prefix {
    Root(String),
    DefaultRoot,
    Xen,
}

impl Prefix {
    pub(super) fn from_mapping(config: &DeviceConfig, mapping: &BlockMapping<'_>) -> Result<Self, Error> {
        if mapping.is_default() { Ok(Self::DefaultRoot) } else { Self::from_root(config, mapping.get("root")) }
    }

    pub(super) fn from_root(config: &DeviceConfig, root_device_name: Option<&str>) -> Result<Self, Error> {
        let root = root_device_name.unwrap_or_default();
        let accepts_bare_root = config.release.rules().accepts_bare_root_device;
        if root.is_empty() && accepts_bare_root {
            return Ok(Self::DefaultRoot);
        }
        let name = if accepts_bare_root { prepend_dev(root) } else { Cow::Borrowed(root) };
        let parts = match_device(&name).ok_or_else(|| invalid_device_path(root))?;
        // Nova validates the root device name with the Xen driver too, although it does not use it.
        Ok(if config.is_xen() { Self::Xen } else { Self::Root(parts.prefix.to_owned()) })
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Root(prefix) => prefix,
            Self::DefaultRoot => "/dev/sd",
            Self::Xen => "/dev/xvd",
        }
    }
}

/// Returns the letters of the devices in the mapping, followed by those of Xen's own disks.
pub(super) fn letters_of_instance<'a>(
    config: &DeviceConfig,
    instance: &Instance<'_>,
    mapping: &'a BlockMapping<'_>,
) -> Result<UsedLetters<'a>, Error> {
    let mut letters = UsedLetters::new(config.release, mapping.iter().map(|(_, device_name)| device_name))?;
    if config.is_xen() {
        let flavor = instance.extract_instance_type()?;
        if flavor.ephemeral_gb != 0 {
            letters.push(Cow::Borrowed(XEN_EPHEMERAL_DISK));
        }
        if flavor.swap != 0 {
            letters.push(Cow::Borrowed(XEN_SWAP_DISK));
        }
    }
    Ok(letters)
}

/// The letters of the disks that Xen adds for a flavor; no block device mapping contains these disks.
pub(super) const XEN_EPHEMERAL_DISK: &str = "b";
pub(super) const XEN_SWAP_DISK: &str = "c";

pub(super) fn choose_name(
    config: &DeviceConfig,
    prefix: &Prefix,
    letters: &UsedLetters<'_>,
    requested: Option<RequestedDevice<'_>>,
) -> Result<String, Error> {
    check_limit(config, letters)?;
    let letter = match requested {
        None => Cow::Owned(letters.first_unused(config.release)?),
        Some(requested) if letters.contains(requested.parts.suffix) => {
            return Err(device_path_error("DevicePathInUse", requested.device, "in use"));
        }
        Some(requested) => Cow::Borrowed(requested.parts.suffix),
    };
    Ok(format!("{}{letter}", prefix.as_str()))
}

fn check_limit(config: &DeviceConfig, letters: &UsedLetters<'_>) -> Result<(), Error> {
    let maximum = config.max_disk_devices_to_attach;
    let Ok(limit) = usize::try_from(maximum) else {
        return Ok(());
    };
    if !config.release.rules().limits_disk_devices || letters.distinct() < limit {
        return Ok(());
    }
    let message = format!(
        "The maximum allowed number of disk devices ({maximum}) to attach to a single instance has been exceeded."
    );
    let arguments = member_json("maximum", &maximum.to_string());
    Err(Error::new("TooManyDiskDevices", message).with_arguments(arguments))
}

fn name_devices<'a, L: AsRef<[Option<&'a str>]>>(
    config: &DeviceConfig,
    root_device_name: Option<&'a str>,
    block_device_lists: &[L],
    named: &mut Vec<NamedDevice>,
) -> Result<(), Error> {
    let devices = || {
        let lists = block_device_lists.iter().enumerate();
        lists.flat_map(|(list_index, devices)| {
            devices.as_ref().iter().enumerate().map(move |(index, name)| (list_index, index, *name))
        })
    };
    let is_nameless = |name: Option<&str>| name.is_none_or(str::is_empty);
    if !devices().any(|(_, _, name)| is_nameless(name)) {
        return Ok(());
    }
    let mut known: Vec<_> = devices().map(|(_, _, name)| name).filter(|name| !is_nameless(*name)).collect();
    if !known.contains(&root_device_name) {
        known.push(root_device_name);
    }
    let prefix = Prefix::from_root(config, root_device_name)?;
    let mut letters = UsedLetters::new(config.release, known.into_iter())?;
    for (list_index, index, _) in devices().filter(|(_, _, name)| is_nameless(*name)) {
        let device_name = choose_name(config, &prefix, &letters, None)?;
        letters.push(Cow::Owned(super::get_device_letter(config.release, &device_name).into_owned()));
        named.push(NamedDevice { list_index, index, device_name });
    }
    Ok(())
}
