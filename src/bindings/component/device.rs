use std::prelude::v1::*;

use super::exports::nova::compute_utils::device::{
    self, DefaultDeviceNames, DeviceConfig, DeviceMatch, Explanation, Guest, MappedDevice, Release,
};
use super::record::{ToWit, read};
use super::{Component, Result};
use crate::Error;
use crate::device::{BlockDevice, BlockMapping};
use crate::instance::Instance;

impl Guest for Component {
    functions! { device, ToWit::to_wit;
        fn match_device(device: String) -> Option<DeviceMatch> = &device;
        fn strip_dev(device_name: String) -> String = &device_name;
        fn strip_prefix(release: Release, device_name: String) -> String = release.into(), &device_name;
        fn prepend_dev(device_name: String) -> String = &device_name;
        fn get_device_letter(release: Release, device_name: String) -> String = release.into(), &device_name;
        fn generate_device_letter(index: i64) -> String = index;
        fn generate_device_name(prefix: String, index: i64) -> String = &prefix, index;

        fn get_unused_letter(release: Release, used_letters: Vec<String>)
            -> Result<String> = release.into(), &used_letters.iter().map(String::as_str).collect::<Vec<_>>();

        fn validate_device_name(value: String) -> Result<()> = &value;

        fn instance_block_mapping(config: DeviceConfig, instance: String, bdms: Vec<device::BlockDevice>)
            -> Result<Vec<MappedDevice>> = &read(config)?, &Instance::parse(&instance)?, &block_devices(&bdms);

        fn get_device_name_for_instance(config: DeviceConfig, instance: String, bdms: Vec<device::BlockDevice>,
            device: Option<String>)
            -> Result<String> = &read(config)?, &Instance::parse(&instance)?, &block_devices(&bdms), device.as_deref();

        fn explain_device_name_for_instance(config: DeviceConfig, instance: String, bdms: Vec<device::BlockDevice>,
            device: Option<String>)
            -> Result<Explanation> = &read(config)?, &Instance::parse(&instance)?, &block_devices(&bdms),
                device.as_deref();

        fn get_next_device_name(config: DeviceConfig, device_name_list: Vec<Option<String>>,
            root_device_name: Option<String>, device: Option<String>)
            -> Result<String> = &read(config)?, &names(&device_name_list), root_device_name.as_deref(),
                device.as_deref();

        fn explain_next_device_name(config: DeviceConfig, device_name_list: Vec<Option<String>>,
            root_device_name: Option<String>, device: Option<String>)
            -> Result<Explanation> = &read(config)?, &names(&device_name_list), root_device_name.as_deref(),
                device.as_deref();
    }

    fn default_device_names_for_instance(
        config: DeviceConfig,
        root_device_name: Option<String>,
        block_device_lists: Vec<Vec<Option<String>>>,
    ) -> DefaultDeviceNames {
        let lists: Vec<_> = block_device_lists.iter().map(|list| names(list)).collect();
        let root = root_device_name.as_deref();
        read(config).map_or_else(
            |error: Error| DefaultDeviceNames { named: Vec::new(), stopped: Some(error.into()) },
            |config| crate::device::default_device_names_for_instance(&config, root, &lists).to_wit(),
        )
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

fn names(list: &[Option<String>]) -> Vec<Option<&str>> {
    list.iter().map(Option::as_deref).collect()
}

impl ToWit<Vec<MappedDevice>> for BlockMapping<'_> {
    fn to_wit(self) -> Vec<MappedDevice> {
        self.iter().map(|(role, name)| MappedDevice { role: role.to_wit(), device_name: name.to_wit() }).collect()
    }
}
