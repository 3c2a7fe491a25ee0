//! Naming block devices.

use anyhow::{Result, ensure};
use nova_compute_utils::{Config, Release};
use nova_compute_utils_wasmtime::{device, types};

use super::{ComponentFace, config_record, release_record};
use crate::faces::device::{BlockDevice, DefaultDeviceNames, DeviceFace, MappedDevice};
use crate::faces::{Answer, Failure};

impl DeviceFace for ComponentFace {
    fn match_device(&mut self, device: &str) -> Result<Answer<Option<(String, String)>>> {
        let parts = self.call(async |nova| nova.match_device(device).await)?;
        Ok(parts.map(|parts| parts.map(|parts| (parts.prefix, parts.suffix))))
    }

    fn strip_dev(&mut self, device_name: &str) -> Result<Answer> {
        self.call(async |nova| nova.strip_dev(device_name).await)
    }

    fn strip_prefix(&mut self, release: Release, device_name: &str) -> Result<Answer> {
        self.call(async |nova| nova.strip_prefix(release_record(release), device_name).await)
    }

    fn prepend_dev(&mut self, device_name: &str) -> Result<Answer> {
        self.call(async |nova| nova.prepend_dev(device_name).await)
    }

    fn get_device_letter(&mut self, release: Release, device_name: &str) -> Result<Answer> {
        self.call(async |nova| nova.get_device_letter(release_record(release), device_name).await)
    }

    fn generate_device_letter(&mut self, index: i64) -> Result<Answer> {
        self.call(async |nova| nova.generate_device_letter(index).await)
    }

    fn generate_device_name(&mut self, prefix: &str, index: i64) -> Result<Answer> {
        self.call(async |nova| nova.generate_device_name(prefix, index).await)
    }

    fn get_unused_letter(&mut self, release: Release, used_letters: &[String]) -> Result<Answer> {
        self.call(async |nova| nova.get_unused_letter(release_record(release), used_letters).await)
    }

    fn validate_device_name(&mut self, value: &str) -> Result<Answer<()>> {
        self.call(async |nova| nova.validate_device_name(value).await)
    }

    fn instance_block_mapping(
        &mut self,
        config: &Config,
        instance: &str,
        bdms: &[BlockDevice],
    ) -> Result<Answer<Vec<MappedDevice>>> {
        let (config, instance, bdms) = (config_record(config), instance.to_owned(), block_devices(bdms));
        let mapping = self.call(async |nova| nova.instance_block_mapping(&config, &instance, &bdms).await)?;
        Ok(mapping.map(|mapping| mapping.into_iter().map(|mapped| (mapped.role, mapped.device_name)).collect()))
    }

    fn get_device_name_for_instance(
        &mut self,
        config: &Config,
        instance: &str,
        bdms: &[BlockDevice],
        device: Option<&str>,
    ) -> Result<Answer> {
        let (config, instance, bdms) = (config_record(config), instance.to_owned(), block_devices(bdms));
        let name =
            self.call(async |nova| nova.get_device_name_for_instance(&config, &instance, &bdms, device).await)?;
        let explanation =
            self.call(async |nova| nova.explain_device_name_for_instance(&config, &instance, &bdms, device).await)?;
        explained(name, explanation)
    }

    fn get_next_device_name(
        &mut self,
        config: &Config,
        device_name_list: &[Option<String>],
        root_device_name: Option<&str>,
        device: Option<&str>,
    ) -> Result<Answer> {
        let (config, list, root) = (config_record(config), device_name_list, root_device_name);
        let name = self.call(async |nova| nova.get_next_device_name(&config, list, root, device).await)?;
        let explanation = self.call(async |nova| nova.explain_next_device_name(&config, list, root, device).await)?;
        explained(name, explanation)
    }

    fn default_device_names_for_instance(
        &mut self,
        config: &Config,
        root_device_name: Option<&str>,
        block_device_lists: &[Vec<Option<String>>],
    ) -> Result<Answer<DefaultDeviceNames>> {
        let (config, root, lists) = (config_record(config), root_device_name, block_device_lists);
        let names = self.call(async |nova| nova.default_device_names_for_instance(&config, root, lists).await)?;
        Ok(names.map(|names| DefaultDeviceNames {
            named: names
                .named
                .into_iter()
                .map(|named| (named.list_index as usize, named.index as usize, named.device_name))
                .collect(),
            stopped: names.stopped.map(failure),
        }))
    }
}

fn explained(name: Answer, explanation: Answer<device::Explanation>) -> Result<Answer> {
    let outcome = explanation.and_then(|explanation| explanation.device_name.map_err(failure));
    ensure!(outcome == name, "the name is {name:?}, the explanation says {outcome:?}");
    Ok(name)
}

fn failure(error: types::Error) -> Failure {
    Failure { code: error.code, message: error.message }
}

fn block_devices(bdms: &[BlockDevice]) -> Vec<device::BlockDevice> {
    let block_device = |bdm: BlockDevice| device::BlockDevice {
        device_name: bdm.device_name,
        source_type: bdm.source_type,
        destination_type: bdm.destination_type,
        guest_format: bdm.guest_format,
        virtual_name: bdm.virtual_name,
        volume_id: bdm.volume_id,
        snapshot_id: bdm.snapshot_id,
        no_device: bdm.no_device.unwrap_or_default(),
    };
    bdms.iter().cloned().map(block_device).collect()
}
