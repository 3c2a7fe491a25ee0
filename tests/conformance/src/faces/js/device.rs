//! Naming block devices.

use anyhow::{Context as _, Result, ensure};
use nova_compute_utils::{Config, Release};
use serde::Deserialize;
use serde_json::{Value, json};

use super::options::Options;
use super::{JsFace, text};
use crate::faces::device::{BlockDevice, DefaultDeviceNames, DeviceFace, MappedDevice};
use crate::faces::{Answer, Failure};
use crate::json;

impl DeviceFace for JsFace {
    fn match_device(&mut self, device: &str) -> Result<Answer<Option<(String, String)>>> {
        #[derive(Deserialize)]
        struct DeviceMatch {
            prefix: String,
            suffix: String,
        }
        Ok(match self.call("matchDevice", &json::from_text(device))? {
            Ok(answer) => {
                let parts: Option<DeviceMatch> = serde_json::from_str(&answer)?;
                Ok(parts.map(|DeviceMatch { prefix, suffix }| (prefix, suffix)))
            }
            Err(failure) => Err(failure),
        })
    }

    fn strip_dev(&mut self, device_name: &str) -> Result<Answer> {
        text(self.call("stripDev", &json::from_text(device_name))?)
    }

    fn strip_prefix(&mut self, release: Release, device_name: &str) -> Result<Answer> {
        text(self.call("stripPrefix", &Options::of(release).text("deviceName", device_name).finish())?)
    }

    fn prepend_dev(&mut self, device_name: &str) -> Result<Answer> {
        text(self.call("prependDev", &json::from_text(device_name))?)
    }

    fn get_device_letter(&mut self, release: Release, device_name: &str) -> Result<Answer> {
        text(self.call("getDeviceLetter", &Options::of(release).text("deviceName", device_name).finish())?)
    }

    fn generate_device_letter(&mut self, index: i64) -> Result<Answer> {
        text(self.call("generateDeviceLetter", &index.to_string())?)
    }

    fn generate_device_name(&mut self, prefix: &str, index: i64) -> Result<Answer> {
        let options = Options::new().text("prefix", prefix).value("index", &index.to_string());
        text(self.call("generateDeviceName", &options.finish())?)
    }

    fn get_unused_letter(&mut self, release: Release, used_letters: &[String]) -> Result<Answer> {
        let options = Options::of(release).value("usedLetters", &json!(used_letters).to_string());
        text(self.call("getUnusedLetter", &options.finish())?)
    }

    fn validate_device_name(&mut self, value: &str) -> Result<Answer<()>> {
        Ok(Self::done(self.call("validateDeviceName", &json::from_text(value))?))
    }

    fn instance_block_mapping(
        &mut self,
        config: &Config,
        instance: &str,
        bdms: &[BlockDevice],
    ) -> Result<Answer<Vec<MappedDevice>>> {
        let options = Options::of(config.release)
            .document("instance", instance)
            .value("bdms", &block_devices(bdms))
            .optional("computeDriver", config.compute_driver.as_deref());
        Ok(match self.call("instanceBlockMapping", &options.finish())? {
            Ok(mapping) => {
                let mapping: serde_json::Map<String, Value> = serde_json::from_str(&mapping)?;
                Ok(mapping.into_iter().map(|(role, name)| (role, name.as_str().map(str::to_owned))).collect())
            }
            Err(failure) => Err(failure),
        })
    }

    fn get_device_name_for_instance(
        &mut self,
        config: &Config,
        instance: &str,
        bdms: &[BlockDevice],
        device: Option<&str>,
    ) -> Result<Answer> {
        let options = with_limits(Options::of(config.release), config)
            .document("instance", instance)
            .value("bdms", &block_devices(bdms))
            .optional("device", device)
            .finish();
        let name = text(self.call("getDeviceNameForInstance", &options)?)?;
        explained(&name, self.call("explainDeviceNameForInstance", &options)?)?;
        Ok(name)
    }

    fn get_next_device_name(
        &mut self,
        config: &Config,
        device_name_list: &[Option<String>],
        root_device_name: Option<&str>,
        device: Option<&str>,
    ) -> Result<Answer> {
        let options = with_limits(Options::of(config.release), config)
            .value("deviceNameList", &json!(device_name_list).to_string())
            .optional("rootDeviceName", root_device_name)
            .optional("device", device)
            .finish();
        let name = text(self.call("getNextDeviceName", &options)?)?;
        explained(&name, self.call("explainNextDeviceName", &options)?)?;
        Ok(name)
    }

    fn default_device_names_for_instance(
        &mut self,
        config: &Config,
        root_device_name: Option<&str>,
        block_device_lists: &[Vec<Option<String>>],
    ) -> Result<Answer<DefaultDeviceNames>> {
        #[derive(Deserialize)]
        struct Names {
            named: Vec<Named>,
            stopped: Option<Stopped>,
        }
        #[derive(Deserialize)]
        struct Named {
            list_index: usize,
            index: usize,
            device_name: String,
        }
        let options = Options::of(config.release)
            .optional("rootDeviceName", root_device_name)
            .value("blockDeviceLists", &json!(block_device_lists).to_string())
            .value("maxDiskDevicesToAttach", &config.max_disk_devices_to_attach.to_string());
        Ok(match self.call("defaultDeviceNamesForInstance", &options.finish())? {
            Ok(answer) => {
                let Names { named, stopped } = serde_json::from_str(&answer)?;
                let named = named.into_iter().map(|named| (named.list_index, named.index, named.device_name)).collect();
                Ok(DefaultDeviceNames { named, stopped: stopped.map(Stopped::failure) })
            }
            Err(failure) => Err(failure),
        })
    }
}

/// An error as a value, which the other end prints by what it says of itself.
#[derive(Debug, Deserialize)]
struct Stopped {
    code: String,
    message: String,
}

impl Stopped {
    fn failure(self) -> Failure {
        Failure { code: self.code, message: self.message }
    }
}

fn with_limits(options: Options, config: &Config) -> Options {
    options
        .value("maxDiskDevicesToAttach", &config.max_disk_devices_to_attach.to_string())
        .optional("computeDriver", config.compute_driver.as_deref())
}

fn block_devices(bdms: &[BlockDevice]) -> String {
    let record = |bdm: &BlockDevice| {
        json!({
            "device_name": bdm.device_name,
            "source_type": bdm.source_type,
            "destination_type": bdm.destination_type,
            "guest_format": bdm.guest_format,
            "virtual_name": bdm.virtual_name,
            "volume_id": bdm.volume_id,
            "snapshot_id": bdm.snapshot_id,
            "no_device": bdm.no_device,
        })
    };
    bdms.iter().map(record).collect::<Value>().to_string()
}

/// The explanation names the same device, or the same reason for none.
fn explained(name: &Answer, explanation: Answer) -> Result<()> {
    #[derive(Deserialize)]
    struct Explanation {
        device_name: Option<String>,
        error: Option<Stopped>,
    }
    let same = match explanation {
        Err(failure) => name.as_ref().err() == Some(&failure),
        Ok(explanation) => {
            let Explanation { device_name, error } = serde_json::from_str(&explanation)?;
            let given = device_name.map(Ok).or_else(|| error.map(|error| Err(error.failure())));
            given.context("an explanation of nothing")? == *name
        }
    };
    ensure!(same, "{name:?} is explained otherwise");
    Ok(())
}
