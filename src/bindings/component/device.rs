//! Naming block devices.

use super::Component;
use super::exports::nova::compute_utils::{device, types};
use crate::Error;
use crate::device::{BlockDevice, BlockMapping, DefaultDeviceNames, DeviceMatch, Explanation, PrefixFrom, TakenBy};
use crate::device::{NamedDevice, TakenLetter};
use crate::instance::Instance;

impl device::Guest for Component {
    fn match_device(device: String) -> Option<device::DeviceMatch> {
        crate::device::match_device(&device).map(Into::into)
    }

    fn strip_dev(device_name: String) -> String {
        crate::device::strip_dev(&device_name).to_owned()
    }

    fn strip_prefix(release: types::Release, device_name: String) -> String {
        crate::device::strip_prefix(release.into(), &device_name).to_owned()
    }

    fn prepend_dev(device_name: String) -> String {
        crate::device::prepend_dev(&device_name).into_owned()
    }

    fn get_device_letter(release: types::Release, device_name: String) -> String {
        crate::device::get_device_letter(release.into(), &device_name).into_owned()
    }

    fn generate_device_letter(index: i64) -> String {
        crate::device::generate_device_letter(index)
    }

    fn generate_device_name(prefix: String, index: i64) -> String {
        crate::device::generate_device_name(&prefix, index)
    }

    fn get_unused_letter(release: types::Release, used_letters: Vec<String>) -> Result<String, types::Error> {
        let used_letters: Vec<&str> = used_letters.iter().map(String::as_str).collect();
        Ok(crate::device::get_unused_letter(release.into(), &used_letters)?)
    }

    fn validate_device_name(value: String) -> Result<(), types::Error> {
        Ok(crate::device::validate_device_name(&value)?)
    }

    fn instance_block_mapping(
        config: types::Config,
        instance: String,
        bdms: Vec<device::BlockDevice>,
    ) -> Result<Vec<device::MappedDevice>, types::Error> {
        let instance = Instance::parse(&instance)?;
        Ok(mapped_devices(&crate::device::instance_block_mapping(&config.into(), &instance, &block_devices(&bdms))?))
    }

    fn get_device_name_for_instance(
        config: types::Config,
        instance: String,
        bdms: Vec<device::BlockDevice>,
        device: Option<String>,
    ) -> Result<String, types::Error> {
        let (config, instance, bdms) = (config.into(), Instance::parse(&instance)?, block_devices(&bdms));
        Ok(crate::device::get_device_name_for_instance(&config, &instance, &bdms, device.as_deref())?)
    }

    fn get_next_device_name(
        config: types::Config,
        device_name_list: Vec<Option<String>>,
        root_device_name: Option<String>,
        device: Option<String>,
    ) -> Result<String, types::Error> {
        let (list, root) = (texts(&device_name_list), root_device_name.as_deref());
        Ok(crate::device::get_next_device_name(&config.into(), &list, root, device.as_deref())?)
    }

    fn default_device_names_for_instance(
        config: types::Config,
        root_device_name: Option<String>,
        block_device_lists: Vec<Vec<Option<String>>>,
    ) -> device::DefaultDeviceNames {
        let lists: Vec<_> = block_device_lists.iter().map(|list| texts(list)).collect();
        crate::device::default_device_names_for_instance(&config.into(), root_device_name.as_deref(), &lists).into()
    }

    fn explain_device_name_for_instance(
        config: types::Config,
        instance: String,
        bdms: Vec<device::BlockDevice>,
        device: Option<String>,
    ) -> Result<device::Explanation, types::Error> {
        let (config, instance, bdms) = (config.into(), Instance::parse(&instance)?, block_devices(&bdms));
        Ok(crate::device::explain_device_name_for_instance(&config, &instance, &bdms, device.as_deref())?.into())
    }

    fn explain_next_device_name(
        config: types::Config,
        device_name_list: Vec<Option<String>>,
        root_device_name: Option<String>,
        device: Option<String>,
    ) -> Result<device::Explanation, types::Error> {
        let (list, root) = (texts(&device_name_list), root_device_name.as_deref());
        Ok(crate::device::explain_next_device_name(&config.into(), &list, root, device.as_deref())?.into())
    }
}

fn block_devices(bdms: &[device::BlockDevice]) -> Vec<BlockDevice<'_>> {
    bdms.iter().map(block_device).collect()
}

fn block_device(bdm: &device::BlockDevice) -> BlockDevice<'_> {
    BlockDevice {
        device_name: bdm.device_name.as_deref(),
        source_type: bdm.source_type.as_deref(),
        destination_type: bdm.destination_type.as_deref(),
        guest_format: bdm.guest_format.as_deref(),
        virtual_name: bdm.virtual_name.as_deref(),
        volume_id: bdm.volume_id.as_deref(),
        snapshot_id: bdm.snapshot_id.as_deref(),
        no_device: bdm.no_device,
    }
}

fn mapped_devices(mapping: &BlockMapping<'_>) -> Vec<device::MappedDevice> {
    let mapped = |(role, device_name): (&str, Option<&str>)| device::MappedDevice {
        role: role.to_owned(),
        device_name: device_name.map(str::to_owned),
    };
    mapping.iter().map(mapped).collect()
}

fn texts(list: &[Option<String>]) -> Vec<Option<&str>> {
    list.iter().map(Option::as_deref).collect()
}

/// A list that crossed the border has fewer members than that.
fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

impl From<DeviceMatch<'_>> for device::DeviceMatch {
    fn from(parts: DeviceMatch<'_>) -> Self {
        Self { prefix: parts.prefix.to_owned(), suffix: parts.suffix.to_owned() }
    }
}

impl From<DefaultDeviceNames> for device::DefaultDeviceNames {
    fn from(names: DefaultDeviceNames) -> Self {
        Self { named: names.named.into_iter().map(Into::into).collect(), stopped: names.stopped.map(Into::into) }
    }
}

impl From<NamedDevice> for device::NamedDevice {
    fn from(named: NamedDevice) -> Self {
        Self { list_index: place(named.list_index), index: place(named.index), device_name: named.device_name }
    }
}

impl From<Explanation> for device::Explanation {
    fn from(explanation: Explanation) -> Self {
        Self {
            device_name: explanation.device_name.map_err(Error::into),
            prefix: explanation.prefix,
            prefix_from: match explanation.prefix_from {
                PrefixFrom::RootDevice => device::PrefixFrom::RootDevice,
                PrefixFrom::DefaultRootDevice => device::PrefixFrom::DefaultRootDevice,
                PrefixFrom::XenDriver => device::PrefixFrom::XenDriver,
            },
            replaced_prefix: explanation.replaced_prefix,
            asked_letter: explanation.asked_letter,
            taken: explanation.taken.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<TakenLetter> for device::TakenLetter {
    fn from(taken: TakenLetter) -> Self {
        Self {
            letter: taken.letter,
            device_name: taken.device_name,
            by: match taken.by {
                TakenBy::Role(role) => device::TakenBy::Role(role),
                TakenBy::Place(index) => device::TakenBy::Place(place(index)),
                TakenBy::XenEphemeralDisk => device::TakenBy::XenEphemeralDisk,
                TakenBy::XenSwapDisk => device::TakenBy::XenSwapDisk,
            },
        }
    }
}
