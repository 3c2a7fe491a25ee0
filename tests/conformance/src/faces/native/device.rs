//! Naming block devices.

use anyhow::{Result, ensure};
use nova_compute_utils::device::{self, Explanation};
use nova_compute_utils::instance::Instance;
use nova_compute_utils::{Config, Error, Release};

use super::{NativeFace, failure};
use crate::faces::Answer;
use crate::faces::device::{BlockDevice, DefaultDeviceNames, DeviceFace, MappedDevice};

impl DeviceFace for NativeFace {
    fn match_device(&mut self, device: &str) -> Result<Answer<Option<(String, String)>>> {
        Ok(Ok(device::match_device(device).map(|parts| (parts.prefix.to_owned(), parts.suffix.to_owned()))))
    }

    fn strip_dev(&mut self, device_name: &str) -> Result<Answer> {
        Ok(Ok(device::strip_dev(device_name).to_owned()))
    }

    fn strip_prefix(&mut self, release: Release, device_name: &str) -> Result<Answer> {
        Ok(Ok(device::strip_prefix(release, device_name).to_owned()))
    }

    fn prepend_dev(&mut self, device_name: &str) -> Result<Answer> {
        Ok(Ok(device::prepend_dev(device_name).into_owned()))
    }

    fn get_device_letter(&mut self, release: Release, device_name: &str) -> Result<Answer> {
        Ok(Ok(device::get_device_letter(release, device_name).into_owned()))
    }

    fn generate_device_letter(&mut self, index: i64) -> Result<Answer> {
        Ok(Ok(device::generate_device_letter(index)))
    }

    fn generate_device_name(&mut self, prefix: &str, index: i64) -> Result<Answer> {
        Ok(Ok(device::generate_device_name(prefix, index)))
    }

    fn get_unused_letter(&mut self, release: Release, used_letters: &[String]) -> Result<Answer> {
        let used_letters: Vec<&str> = used_letters.iter().map(String::as_str).collect();
        Ok(device::get_unused_letter(release, &used_letters).map_err(failure))
    }

    fn validate_device_name(&mut self, value: &str) -> Result<Answer<()>> {
        Ok(device::validate_device_name(value).map_err(failure))
    }

    fn instance_block_mapping(
        &mut self,
        config: &Config,
        instance: &str,
        bdms: &[BlockDevice],
    ) -> Result<Answer<Vec<MappedDevice>>> {
        let instance = Instance::parse(instance)?;
        let mapping = device::instance_block_mapping(config, &instance, &block_devices(bdms));
        let owned = |(role, name): (&str, Option<&str>)| (role.to_owned(), name.map(str::to_owned));
        Ok(mapping.map(|mapping| mapping.iter().map(owned).collect()).map_err(failure))
    }

    fn get_device_name_for_instance(
        &mut self,
        config: &Config,
        instance: &str,
        bdms: &[BlockDevice],
        device: Option<&str>,
    ) -> Result<Answer> {
        let (instance, bdms) = (Instance::parse(instance)?, block_devices(bdms));
        let name = device::get_device_name_for_instance(config, &instance, &bdms, device);
        explained(name, device::explain_device_name_for_instance(config, &instance, &bdms, device))
    }

    fn get_next_device_name(
        &mut self,
        config: &Config,
        device_name_list: &[Option<String>],
        root_device_name: Option<&str>,
        device: Option<&str>,
    ) -> Result<Answer> {
        let list = texts(device_name_list);
        let name = device::get_next_device_name(config, &list, root_device_name, device);
        explained(name, device::explain_next_device_name(config, &list, root_device_name, device))
    }

    fn default_device_names_for_instance(
        &mut self,
        config: &Config,
        root_device_name: Option<&str>,
        block_device_lists: &[Vec<Option<String>>],
    ) -> Result<Answer<DefaultDeviceNames>> {
        let lists: Vec<_> = block_device_lists.iter().map(|list| texts(list)).collect();
        let given = device::default_device_names_for_instance(config, root_device_name, &lists);
        let named = given.named.into_iter().map(|named| (named.list_index, named.index, named.device_name));
        Ok(Ok(DefaultDeviceNames { named: named.collect(), stopped: given.stopped.map(failure) }))
    }
}

fn explained(name: Result<String, Error>, explanation: Result<Explanation, Error>) -> Result<Answer> {
    let outcome = explanation.and_then(|explanation| explanation.device_name);
    ensure!(outcome == name, "the name is {name:?}, the explanation says {outcome:?}");
    Ok(name.map_err(failure))
}

fn block_devices(bdms: &[BlockDevice]) -> Vec<device::BlockDevice<'_>> {
    bdms.iter().map(block_device).collect()
}

fn block_device(bdm: &BlockDevice) -> device::BlockDevice<'_> {
    device::BlockDevice {
        device_name: bdm.device_name.as_deref(),
        source_type: bdm.source_type.as_deref(),
        destination_type: bdm.destination_type.as_deref(),
        guest_format: bdm.guest_format.as_deref(),
        virtual_name: bdm.virtual_name.as_deref(),
        volume_id: bdm.volume_id.as_deref(),
        snapshot_id: bdm.snapshot_id.as_deref(),
        no_device: bdm.no_device.unwrap_or_default(),
    }
}

fn texts(list: &[Option<String>]) -> Vec<Option<&str>> {
    list.iter().map(Option::as_deref).collect()
}
