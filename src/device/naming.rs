//! Giving a device its name.

use std::borrow::Cow;

use super::letters::Letters;
use super::{
    BlockDevice, BlockMapping, DeviceMatch, instance_block_mapping, invalid_device_path, match_device, prepend_dev,
};
use crate::context::Config;
use crate::error::Error;
use crate::instance::Instance;

/// The name that a device of an instance gets, or may have. Nova: `get_device_name_for_instance`.
///
/// Without `device`, the first letter that no other device has. With it, that very letter, `DevicePathInUse` where
/// another device has it. The prefix is that of the root device (grizzly's Xen: `/dev/xvd`), and a partition number
/// is dropped. `InvalidDevicePath` where `device` or the root device name is none; `TooManyDiskDevices` beyond
/// hibiscus' limit. In grizzly `TypeError` where another device has no name, `IndexError` where all 702 letters are
/// used, and for Xen `KeyError` where the system metadata lacks a key of the flavor.
///
/// ```
/// use nova_compute_utils::device::{BlockDevice, get_device_name_for_instance};
/// use nova_compute_utils::instance::Instance;
/// use nova_compute_utils::{Config, Release};
///
/// let config = Config::new(Release::Hibiscus, "cmp-01");
/// let instance = Instance::parse(r#"{"root_device_name": "/dev/vda"}"#)?;
/// let volume = BlockDevice { device_name: Some("/dev/vdb"), destination_type: Some("volume"), ..BlockDevice::default() };
/// assert_eq!(get_device_name_for_instance(&config, &instance, &[volume], None)?, "/dev/vdc");
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn get_device_name_for_instance(
    config: &Config,
    instance: &Instance<'_>,
    bdms: &[BlockDevice<'_>],
    device: Option<&str>,
) -> Result<String, Error> {
    let asked = Asked::read(device)?;
    let mapping = instance_block_mapping(config, instance, bdms)?;
    let prefix = Prefix::of_mapping(config, &mapping)?;
    let letters = letters_of_instance(config, instance, &mapping)?;
    name(config, &prefix, &letters, asked)
}

/// The name that a device gets, or may have, beside a list of others. Nova: `get_next_device_name`, hibiscus.
///
/// The root device gives the prefix (without one: `/dev/sda1`); it is not among the others unless it is in the list.
/// An entry without a name counts toward the limit. In grizzly, which has no such function, that release's rules
/// hold.
pub fn get_next_device_name(
    config: &Config,
    device_name_list: &[Option<&str>],
    root_device_name: Option<&str>,
    device: Option<&str>,
) -> Result<String, Error> {
    let asked = Asked::read(device)?;
    let prefix = Prefix::of_root(config, root_device_name)?;
    let letters = Letters::of(config.release, device_name_list.iter().copied())?;
    name(config, &prefix, &letters, asked)
}

/// A device that was given a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedDevice {
    /// The place of its list, from 0.
    pub list_index: usize,
    /// Its place in the list, from 0.
    pub index: usize,
    /// Its name.
    pub device_name: String,
}

/// What [`default_device_names_for_instance`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DefaultDeviceNames {
    /// The devices that were given a name, in the order in which Nova names and saves them.
    pub named: Vec<NamedDevice>,
    /// What ended it before all had a name. Those before keep theirs.
    pub stopped: Option<Error>,
}

/// Name all devices that have no name. Nova: `default_device_names_for_instance`, hibiscus.
///
/// Nova saves each block device at once. Here the caller saves those in `named`, in that order, and raises what
/// `stopped` holds.
///
/// ```
/// use nova_compute_utils::{Config, Release, device::default_device_names_for_instance};
///
/// let mut config = Config::new(Release::Hibiscus, "cmp-01");
/// config.max_disk_devices_to_attach = 3;
/// let names = default_device_names_for_instance(&config, Some("/dev/vda"), &[vec![None, Some("/dev/vdb")], vec![None]]);
/// assert_eq!(names.named[0].device_name, "/dev/vdc");
/// assert_eq!(names.named.len(), 1);
/// assert_eq!(names.stopped.unwrap().code(), "TooManyDiskDevices");
/// ```
pub fn default_device_names_for_instance<'a, L: AsRef<[Option<&'a str>]>>(
    config: &Config,
    root_device_name: Option<&'a str>,
    block_device_lists: &[L],
) -> DefaultDeviceNames {
    let mut names = DefaultDeviceNames::default();
    names.stopped = name_all(config, root_device_name, block_device_lists, &mut names.named).err();
    names
}

/// What was asked for: the text, and the text taken apart.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    device: &'a str,
    pub(super) parts: DeviceMatch<'a>,
}

impl<'a> Asked<'a> {
    /// An empty text asks for nothing, as in Nova.
    pub(super) fn read(device: Option<&'a str>) -> Result<Option<Self>, Error> {
        let asked = |device| {
            let parts = match_device(device).ok_or_else(|| invalid_device_path(device))?;
            Ok(Self { device, parts })
        };
        device.filter(|device| !device.is_empty()).map(asked).transpose()
    }
}

/// The prefix of a new name, and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Prefix {
    Root(String),
    DefaultRoot,
    Xen,
}

impl Prefix {
    pub(super) fn of_mapping(config: &Config, mapping: &BlockMapping<'_>) -> Result<Self, Error> {
        if mapping.is_default() { Ok(Self::DefaultRoot) } else { Self::of_root(config, mapping.get("root")) }
    }

    pub(super) fn of_root(config: &Config, root_device_name: Option<&str>) -> Result<Self, Error> {
        let root = root_device_name.unwrap_or_default();
        let takes_bare_root = config.release.takes_bare_root_device();
        if root.is_empty() && takes_bare_root {
            return Ok(Self::DefaultRoot);
        }
        let name = if takes_bare_root { prepend_dev(root) } else { Cow::Borrowed(root) };
        let parts = match_device(&name).ok_or_else(|| invalid_device_path(root))?;
        // Nova checks the root device of Xen and then does without it.
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

/// The letters of the devices in the mapping and, after them, those that Xen keeps.
pub(super) fn letters_of_instance<'a>(
    config: &Config,
    instance: &Instance<'_>,
    mapping: &'a BlockMapping<'_>,
) -> Result<Letters<'a>, Error> {
    let mut letters = Letters::of(config.release, mapping.iter().map(|(_, device_name)| device_name))?;
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

/// Xen gives these two letters to disks that no block device mapping tells of.
pub(super) const XEN_EPHEMERAL_DISK: &str = "b";
pub(super) const XEN_SWAP_DISK: &str = "c";

pub(super) fn name(
    config: &Config,
    prefix: &Prefix,
    letters: &Letters<'_>,
    asked: Option<Asked<'_>>,
) -> Result<String, Error> {
    check_limit(config, letters)?;
    let letter = match asked {
        None => Cow::Owned(letters.first_unused(config.release)?),
        Some(asked) if letters.contains(asked.parts.suffix) => {
            let message = format!("The supplied device path ({}) is in use.", asked.device);
            return Err(Error::new("DevicePathInUse", message));
        }
        Some(asked) => Cow::Borrowed(asked.parts.suffix),
    };
    Ok(format!("{}{letter}", prefix.as_str()))
}

fn check_limit(config: &Config, letters: &Letters<'_>) -> Result<(), Error> {
    let maximum = config.max_disk_devices_to_attach;
    let Ok(limit) = usize::try_from(maximum) else {
        return Ok(());
    };
    if !config.release.limits_disk_devices() || letters.distinct() < limit {
        return Ok(());
    }
    Err(Error::new(
        "TooManyDiskDevices",
        format!(
            "The maximum allowed number of disk devices ({maximum}) to attach to a single instance has been exceeded."
        ),
    ))
}

fn name_all<'a, L: AsRef<[Option<&'a str>]>>(
    config: &Config,
    root_device_name: Option<&'a str>,
    block_device_lists: &[L],
    named: &mut Vec<NamedDevice>,
) -> Result<(), Error> {
    let devices = || {
        let places = block_device_lists.iter().enumerate();
        places.flat_map(|(list, devices)| {
            devices.as_ref().iter().enumerate().map(move |(index, name)| (list, index, *name))
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
    let prefix = Prefix::of_root(config, root_device_name)?;
    let mut letters = Letters::of(config.release, known.into_iter())?;
    for (list_index, index, _) in devices().filter(|(_, _, name)| is_nameless(*name)) {
        let device_name = name(config, &prefix, &letters, None)?;
        letters.push(Cow::Owned(super::get_device_letter(config.release, &device_name).into_owned()));
        named.push(NamedDevice { list_index, index, device_name });
    }
    Ok(())
}
