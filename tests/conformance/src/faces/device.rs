//! Naming block devices.

use anyhow::Result;
use nova_compute_utils::{Config, Release};
use serde::Deserialize;

use super::{Answer, Failure};

/// A block device mapping of a case.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "Nova's names")]
pub struct BlockDevice {
    pub device_name: Option<String>,
    pub source_type: Option<String>,
    pub destination_type: Option<String>,
    pub guest_format: Option<String>,
    pub virtual_name: Option<String>,
    pub volume_id: Option<String>,
    pub snapshot_id: Option<String>,
    pub no_device: Option<bool>,
}

/// A role, and the name of its device.
pub type MappedDevice = (String, Option<String>);

/// The names that were given, each with the places of its list and in its list, and what ended it.
#[derive(Debug, Clone, Default)]
pub struct DefaultDeviceNames {
    /// In the order in which Nova saves them.
    pub named: Vec<(usize, usize, String)>,
    /// Why not all have a name.
    pub stopped: Option<Failure>,
}

/// The functions of the module `device`.
pub trait DeviceFace {
    /// Nova: `match_device`. The prefix and the suffix.
    fn match_device(&mut self, device: &str) -> Result<Answer<Option<(String, String)>>>;

    /// Nova: `strip_dev`.
    fn strip_dev(&mut self, device_name: &str) -> Result<Answer>;

    /// Nova: `strip_prefix`.
    fn strip_prefix(&mut self, release: Release, device_name: &str) -> Result<Answer>;

    /// Nova: `prepend_dev`.
    fn prepend_dev(&mut self, device_name: &str) -> Result<Answer>;

    /// Nova: `get_device_letter`.
    fn get_device_letter(&mut self, release: Release, device_name: &str) -> Result<Answer>;

    /// Nova: `generate_device_letter`.
    fn generate_device_letter(&mut self, index: i64) -> Result<Answer>;

    /// Nova: `generate_device_name`.
    fn generate_device_name(&mut self, prefix: &str, index: i64) -> Result<Answer>;

    /// Nova: `_get_unused_letter`.
    fn get_unused_letter(&mut self, release: Release, used_letters: &[String]) -> Result<Answer>;

    /// Nova: `validate_device_name`.
    fn validate_device_name(&mut self, value: &str) -> Result<Answer<()>>;

    /// Nova: `instance_block_mapping`. Roles and device names.
    fn instance_block_mapping(
        &mut self,
        config: &Config,
        instance: &str,
        bdms: &[BlockDevice],
    ) -> Result<Answer<Vec<MappedDevice>>>;

    /// Nova: `get_device_name_for_instance`. The same name is to stand in the explanation.
    fn get_device_name_for_instance(
        &mut self,
        config: &Config,
        instance: &str,
        bdms: &[BlockDevice],
        device: Option<&str>,
    ) -> Result<Answer>;

    /// Nova: `get_next_device_name`. The same name is to stand in the explanation.
    fn get_next_device_name(
        &mut self,
        config: &Config,
        device_name_list: &[Option<String>],
        root_device_name: Option<&str>,
        device: Option<&str>,
    ) -> Result<Answer>;

    /// Nova: `default_device_names_for_instance`.
    fn default_device_names_for_instance(
        &mut self,
        config: &Config,
        root_device_name: Option<&str>,
        block_device_lists: &[Vec<Option<String>>],
    ) -> Result<Answer<DefaultDeviceNames>>;
}
