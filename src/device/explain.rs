//! Why a device gets the name that it gets. Beyond Nova.

use super::letters::Letters;
use super::naming::{Asked, Prefix, XEN_SWAP_DISK, letters_of_instance, name};
use super::{BlockDevice, instance_block_mapping};
use crate::context::Config;
use crate::error::Error;
use crate::instance::Instance;

/// Why a device gets the name that it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The name, or why there is none.
    pub device_name: Result<String, Error>,
    /// The prefix of the name.
    pub prefix: String,
    /// Why that one.
    pub prefix_from: PrefixFrom,
    /// The prefix that was asked for, where it is another one and is given up for `prefix`.
    pub replaced_prefix: Option<String>,
    /// The letters that were asked for.
    pub asked_letter: Option<String>,
    /// The letters that are taken, and by what. One may come several times.
    pub taken: Vec<TakenLetter>,
}

/// Where the prefix of a new name is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrefixFrom {
    /// The root device of the instance has it: all devices of an instance are on one bus.
    RootDevice,
    /// No root device is named, and Nova takes `/dev/sda1` for it.
    DefaultRootDevice,
    /// The driver is Xen's, whose devices are all called so.
    XenDriver,
}

/// A letter that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenLetter {
    /// The letter; nothing for a device without a name, which takes a place all the same.
    pub letter: Option<String>,
    /// The name that it comes from; nothing where there is none.
    pub device_name: Option<String>,
    /// By what.
    pub by: TakenBy,
}

/// What a letter is taken by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenBy {
    /// The device of this role in the instance's mapping: `root`, `swap`, `ebs0`.
    Role(String),
    /// The name at this place of the list, from 0.
    Place(usize),
    /// The ephemeral disk that Xen gives to a flavor with `ephemeral_gb`.
    XenEphemeralDisk,
    /// The swap disk that Xen gives to a flavor with `swap`.
    XenSwapDisk,
}

/// Explain what [`get_device_name_for_instance`](super::get_device_name_for_instance) gives. Beyond Nova.
///
/// Fails as that function does where there is nothing to explain, since `device`, the root device or the instance
/// cannot be read. That a letter is in use, that none is free, or that the limit is reached is part of the
/// explanation.
///
/// ```
/// use nova_compute_utils::device::{PrefixFrom, TakenBy, explain_device_name_for_instance};
/// use nova_compute_utils::instance::Instance;
/// use nova_compute_utils::{Config, Release};
///
/// let config = Config::new(Release::Hibiscus, "cmp-01");
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
    config: &Config,
    instance: &Instance<'_>,
    bdms: &[BlockDevice<'_>],
    device: Option<&str>,
) -> Result<Explanation, Error> {
    let asked = Asked::read(device)?;
    let mapping = instance_block_mapping(config, instance, bdms)?;
    let prefix = Prefix::of_mapping(config, &mapping)?;
    let letters = letters_of_instance(config, instance, &mapping)?;
    let roles = mapping.iter().map(|(role, device_name)| (TakenBy::Role(role.to_owned()), device_name));
    Ok(explain(config, &prefix, &letters, asked, roles))
}

/// Explain what [`get_next_device_name`](super::get_next_device_name) gives. Beyond Nova.
pub fn explain_next_device_name(
    config: &Config,
    device_name_list: &[Option<&str>],
    root_device_name: Option<&str>,
    device: Option<&str>,
) -> Result<Explanation, Error> {
    let asked = Asked::read(device)?;
    let prefix = Prefix::of_root(config, root_device_name)?;
    let letters = Letters::of(config.release, device_name_list.iter().copied())?;
    let places = device_name_list.iter().enumerate().map(|(place, device_name)| (TakenBy::Place(place), *device_name));
    Ok(explain(config, &prefix, &letters, asked, places))
}

/// The letters are those of `devices`, in their order, and then those that Xen keeps.
fn explain<'a>(
    config: &Config,
    prefix: &Prefix,
    letters: &Letters<'_>,
    asked: Option<Asked<'_>>,
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
    let asked_prefix = asked.map(|asked| asked.parts.prefix);
    Explanation {
        taken: taken.collect(),
        device_name: name(config, prefix, letters, asked),
        prefix: prefix.as_str().to_owned(),
        prefix_from: match prefix {
            Prefix::Root(_) => PrefixFrom::RootDevice,
            Prefix::DefaultRoot => PrefixFrom::DefaultRootDevice,
            Prefix::Xen => PrefixFrom::XenDriver,
        },
        replaced_prefix: asked_prefix.filter(|asked| *asked != prefix.as_str()).map(str::to_owned),
        asked_letter: asked.map(|asked| asked.parts.suffix.to_owned()),
    }
}
