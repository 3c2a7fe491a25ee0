//! The devices of an instance, by role.

use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BinaryHeap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::DeviceConfig;
use crate::document::{Json, ObjectWriter};
use crate::error::Error;
use crate::instance::Instance;

/// The fields of a block device mapping that device names depend on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BlockDevice<'a> {
    /// The name, such as `/dev/vdb`; `None` when the device has no name yet.
    pub device_name: Option<&'a str>,
    /// `volume`, `snapshot`, `image` or `blank`. `hibiscus` only.
    pub source_type: Option<&'a str>,
    /// `volume` or `local`. `hibiscus` only.
    pub destination_type: Option<&'a str>,
    /// `swap`, or the format of an ephemeral disk. `hibiscus` only.
    pub guest_format: Option<&'a str>,
    /// `swap` or `ephemeralN`. `grizzly` only.
    pub virtual_name: Option<&'a str>,
    /// The volume. `grizzly` only.
    pub volume_id: Option<&'a str>,
    /// The snapshot from which the volume is created. `grizzly` only.
    pub snapshot_id: Option<&'a str>,
    /// Whether the mapping removes a device of the image. `grizzly` only.
    pub no_device: bool,
}

/// Device names by role: `ami` (the root device without `/dev/`), `root`, `swap`, `ephemeral0`, `ebs0` and so on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockMapping<'a> {
    entries: Vec<(Cow<'a, str>, Option<Cow<'a, str>>)>,
    is_default: bool,
}

impl<'a> BlockMapping<'a> {
    /// Returns the device name of a role; `None` when the role does not exist or its device has no name.
    #[must_use]
    pub fn get(&self, role: &str) -> Option<&str> {
        self.entries.iter().find(|(name, _)| name == role)?.1.as_deref()
    }

    /// Returns the roles and their device names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.entries.iter().map(|(role, device_name)| (role.as_ref(), device_name.as_deref()))
    }

    /// Returns the mapping as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        for (role, device_name) in self.iter() {
            object.text_or_null(role, device_name);
        }
        object.finish()
    }

    /// Returns whether this is the fixed mapping of an instance without a root device name.
    pub(super) fn is_default(&self) -> bool {
        self.is_default
    }

    fn set(&mut self, role: impl Into<Cow<'a, str>>, device_name: Option<Cow<'a, str>>) {
        let role = role.into();
        match self.entries.iter_mut().find(|(name, _)| *name == role) {
            Some(entry) => entry.1 = device_name,
            None => self.entries.push((role, device_name)),
        }
    }

    /// Adds devices under numbered roles (`ebs0`, `ebs1`), which must be new.
    fn extend_numbered(&mut self, role: &str, device_names: impl Iterator<Item = Option<&'a str>>) {
        let entry =
            |(number, name): (usize, Option<&'a str>)| (format!("{role}{number}").into(), name.map(Cow::Borrowed));
        self.entries.extend(device_names.enumerate().map(entry));
    }
}

/// Returns the devices of an instance, by role. Nova: `instance_block_mapping`.
///
/// An instance without a root device name gets a fixed mapping, and its block devices are ignored; with `grizzly`'s Xen
/// driver its root device is `/dev/xvda` instead. Fails with `KeyError` when a `grizzly` instance lacks the key
/// `root_device_name`.
///
/// ```
/// use nova_compute_utils::Release;
/// use nova_compute_utils::device::{BlockDevice, DeviceConfig, instance_block_mapping};
/// use nova_compute_utils::instance::Instance;
///
/// let config = DeviceConfig::new(Release::Hibiscus);
/// let instance = Instance::parse(r#"{"root_device_name": "/dev/vda", "default_swap_device": "/dev/vdb"}"#)?;
/// let (device_name, destination_type) = (Some("/dev/vdc"), Some("volume"));
/// let volume = BlockDevice { device_name, destination_type, ..BlockDevice::default() };
/// let mapping = instance_block_mapping(&config, &instance, &[volume])?;
/// assert_eq!(mapping.to_json(), r#"{"ami":"vda","root":"/dev/vda","swap":"/dev/vdb","ebs0":"/dev/vdc"}"#);
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn instance_block_mapping<'a>(
    config: &DeviceConfig,
    instance: &Instance<'a>,
    bdms: &[BlockDevice<'a>],
) -> Result<BlockMapping<'a>, Error> {
    let Some(root) = root_device_name(config, instance)? else {
        return Ok(default_mapping());
    };
    let mut mapping = BlockMapping { entries: Vec::with_capacity(bdms.len().saturating_add(4)), is_default: false };
    mapping.set("ami", Some(without_dev(&root)));
    mapping.set("root", Some(root));
    for (role, name, field) in [
        ("ephemeral0", "default_ephemeral_device", instance.default_ephemeral_device),
        ("swap", "default_swap_device", instance.default_swap_device),
    ] {
        if let Some(device_name) = device_name(name, field)?.filter(|device_name| !device_name.is_empty()) {
            mapping.set(role, Some(device_name));
        }
    }
    if config.release.rules().has_legacy_block_devices {
        map_legacy(&mut mapping, bdms);
    } else {
        map(&mut mapping, bdms);
    }
    Ok(mapping)
}

fn default_mapping<'a>() -> BlockMapping<'a> {
    let entry = |(role, device_name)| (Cow::Borrowed(role), Some(Cow::Borrowed(device_name)));
    let entries = [("ami", "sda1"), ("ephemeral0", "sda2"), ("root", "/dev/sda1"), ("swap", "sda3")];
    BlockMapping { entries: entries.map(entry).into(), is_default: true }
}

fn root_device_name<'a>(config: &DeviceConfig, instance: &Instance<'a>) -> Result<Option<Cow<'a, str>>, Error> {
    let may_be_missing = instance.root_device_name.is_none() && config.release.rules().requires_all_columns;
    if may_be_missing && instance.columns()?.get("root_device_name").is_none() {
        return Err(Error::key("the instance has no `root_device_name`"));
    }
    let name = device_name("root_device_name", instance.root_device_name)?;
    Ok(name.or_else(|| config.is_xen().then_some(Cow::Borrowed("/dev/xvda"))))
}

fn device_name<'a>(name: &str, field: Option<Json<'a>>) -> Result<Option<Cow<'a, str>>, Error> {
    let Some(field) = field.filter(|field| !field.is_null()) else {
        return Ok(None);
    };
    let not_a_string =
        || Error::type_error(format!("`{name}` is {}: give a device name as a string", field.type_name()));
    field.text()?.map(Some).ok_or_else(not_a_string)
}

fn without_dev<'a>(name: &Cow<'a, str>) -> Cow<'a, str> {
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(super::strip_dev(name)),
        Cow::Owned(name) => Cow::Owned(super::strip_dev(name).to_owned()),
    }
}

fn map_legacy<'a>(mapping: &mut BlockMapping<'a>, bdms: &[BlockDevice<'a>]) {
    let is_set = |id: Option<&str>| id.is_some_and(|id| !id.is_empty());
    let mut volumes = BinaryHeap::new();
    for bdm in bdms.iter().filter(|bdm| !bdm.no_device) {
        if is_set(bdm.volume_id) || is_set(bdm.snapshot_id) {
            volumes.push(bdm.device_name);
        } else if let Some(role) = bdm.virtual_name.filter(|name| is_swap_or_ephemeral(name)) {
            mapping.set(role, bdm.device_name.map(Cow::Borrowed));
        }
    }
    mapping.extend_numbered("ebs", volumes.into_sorted_vec().into_iter());
}

/// Returns whether the name is `swap` or `ephemeralN`, with a number without leading zeros. Python's `$` also matches
/// before a newline at the end.
fn is_swap_or_ephemeral(virtual_name: &str) -> bool {
    let Some(number) = virtual_name.strip_prefix("ephemeral") else {
        return virtual_name == "swap";
    };
    let number = number.strip_suffix('\n').unwrap_or(number);
    let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    is_number && (number.len() == 1 || !number.starts_with('0'))
}

fn map<'a>(mapping: &mut BlockMapping<'a>, bdms: &[BlockDevice<'a>]) {
    let is_volume = |bdm: &&BlockDevice<'a>| bdm.destination_type == Some("volume");
    let volumes: BinaryHeap<_> = bdms.iter().filter(is_volume).map(|bdm| bdm.device_name).collect();
    mapping.extend_numbered("ebs", volumes.into_sorted_vec().into_iter());

    let blanks = || bdms.iter().filter(|bdm| !is_volume(bdm) && bdm.source_type == Some("blank"));
    let is_swap = |bdm: &&BlockDevice<'a>| bdm.guest_format == Some("swap");
    if let Some(swap) = blanks().rfind(is_swap) {
        mapping.set("swap", swap.device_name.map(Cow::Borrowed));
    }
    for (number, bdm) in blanks().filter(|bdm| !is_swap(bdm)).enumerate() {
        mapping.set(format!("ephemeral{number}"), bdm.device_name.map(Cow::Borrowed));
    }
}
