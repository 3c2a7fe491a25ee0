//! Names of block devices.

use std::prelude::v1::*;

use wasm_bindgen::prelude::*;

use super::error::Result;
use super::options::{self, Document, options, record};
use super::record::{ToJs, object};
use super::value::from_json;
use crate::device::{self, DeviceConfig};
use crate::instance::Instance;
use crate::{Error, Release};

/// The result of a function of the library.
type Outcome<T> = core::result::Result<T, Error>;

record! {
    /// The fields of a block device mapping that device names depend on.
    pub struct BlockDevice {
        /// The name, such as `/dev/vdb`; null when the device has no name yet.
        device_name: Option<String>,
        /// `volume`, `snapshot`, `image` or `blank`. `hibiscus` only.
        source_type: Option<String>,
        /// `volume` or `local`. `hibiscus` only.
        destination_type: Option<String>,
        /// `swap`, or the format of an ephemeral disk. `hibiscus` only.
        guest_format: Option<String>,
        /// `swap` or `ephemeralN`. `grizzly` only.
        virtual_name: Option<String>,
        /// The volume. `grizzly` only.
        volume_id: Option<String>,
        /// The snapshot from which the volume is created. `grizzly` only.
        snapshot_id: Option<String>,
        /// Whether the mapping removes a device of the image. `grizzly` only.
        no_device: Option<bool>,
    }
}

impl BlockDevice {
    fn borrowed(&self) -> device::BlockDevice<'_> {
        device::BlockDevice {
            device_name: self.device_name.as_deref(),
            source_type: self.source_type.as_deref(),
            destination_type: self.destination_type.as_deref(),
            guest_format: self.guest_format.as_deref(),
            virtual_name: self.virtual_name.as_deref(),
            volume_id: self.volume_id.as_deref(),
            snapshot_id: self.snapshot_id.as_deref(),
            no_device: self.no_device.unwrap_or_default(),
        }
    }
}

/// Splits a device name into its parts; null when it is not a device name. Nova: `match_device`.
#[wasm_bindgen(js_name = matchDevice, unchecked_return_type = "DeviceMatch | null")]
pub fn match_device(#[wasm_bindgen(unchecked_param_type = "string")] device: &JsValue) -> Result<JsValue> {
    Ok(device::match_device(&options::value::<String>(device, "device")?).to_js())
}

/// Removes one leading `/dev/`. Nova: `strip_dev`.
#[wasm_bindgen(js_name = stripDev)]
pub fn strip_dev(#[wasm_bindgen(unchecked_param_type = "string")] device_name: &JsValue) -> Result<String> {
    Ok(device::strip_dev(&options::value::<String>(device_name, "deviceName")?).to_owned())
}

/// Puts one `/dev/` in front of a name; an empty name stays empty. Nova: `prepend_dev` in `hibiscus`.
#[wasm_bindgen(js_name = prependDev)]
pub fn prepend_dev(#[wasm_bindgen(unchecked_param_type = "string")] device_name: &JsValue) -> Result<String> {
    Ok(device::prepend_dev(&options::value::<String>(device_name, "deviceName")?).into_owned())
}

options! {
    /// A device name and the release whose rules apply to it.
    pub struct DeviceNameOptions {
        release: Release,
        /// The device name.
        device_name: String,
    }
}

/// Removes one leading `/dev/` and then one leading `xvd`, `vd`, `sd` or, in `hibiscus`, `hd`. Nova: `strip_prefix`.
#[wasm_bindgen(js_name = stripPrefix)]
pub fn strip_prefix(#[wasm_bindgen(unchecked_param_type = "DeviceNameOptions")] options: &JsValue) -> Result<String> {
    let DeviceNameOptions { release, device_name } = options::read(options)?;
    Ok(device::strip_prefix(release, &device_name).to_owned())
}

/// Returns the part of a name that identifies the device in its instance: the name without prefix and digits, which may
/// have several letters. Nova: `get_device_letter`.
#[wasm_bindgen(js_name = getDeviceLetter)]
pub fn get_device_letter(
    #[wasm_bindgen(unchecked_param_type = "DeviceNameOptions")] options: &JsValue,
) -> Result<String> {
    let DeviceNameOptions { release, device_name } = options::read(options)?;
    Ok(device::get_device_letter(release, &device_name).into_owned())
}

/// Returns the letters at an index, from 0: `a`, `z` at 25, `aa` at 26; an empty string at a negative index. Nova:
/// `generate_device_letter` in `hibiscus`.
#[wasm_bindgen(js_name = generateDeviceLetter)]
pub fn generate_device_letter(#[wasm_bindgen(unchecked_param_type = "Integer")] index: &JsValue) -> Result<String> {
    Ok(device::generate_device_letter(options::value(index, "index")?))
}

options! {
    /// The parts of a device name.
    pub struct GenerateDeviceNameOptions {
        /// The prefix, such as `vd`.
        prefix: String,
        /// The index of the letters, from 0.
        index: i64,
    }
}

/// Returns a prefix followed by the letters at an index. Nova: `generate_device_name` in `hibiscus`.
#[wasm_bindgen(js_name = generateDeviceName)]
pub fn generate_device_name(
    #[wasm_bindgen(unchecked_param_type = "GenerateDeviceNameOptions")] options: &JsValue,
) -> Result<String> {
    let GenerateDeviceNameOptions { prefix, index } = options::read(options)?;
    Ok(device::generate_device_name(&prefix, index))
}

options! {
    /// The letters that are used.
    pub struct GetUnusedLetterOptions {
        release: Release,
        /// The used letters.
        used_letters: Vec<String>,
    }
}

/// Returns the first letter that is not used. Nova: `_get_unused_letter`.
#[wasm_bindgen(js_name = getUnusedLetter)]
pub fn get_unused_letter(
    #[wasm_bindgen(unchecked_param_type = "GetUnusedLetterOptions")] options: &JsValue,
) -> Result<String> {
    let GetUnusedLetterOptions { release, used_letters } = options::read(options)?;
    let used_letters: Vec<&str> = used_letters.iter().map(String::as_str).collect();
    Ok(device::get_unused_letter(release, &used_letters)?)
}

/// Checks the name of a block device mapping. Throws `InvalidBDMFormat` when it is empty, has more than 255 characters
/// or contains a space. Nova: `validate_device_name` in `hibiscus`.
#[wasm_bindgen(js_name = validateDeviceName)]
pub fn validate_device_name(#[wasm_bindgen(unchecked_param_type = "string")] value: &JsValue) -> Result<()> {
    Ok(device::validate_device_name(&options::value::<String>(value, "value")?)?)
}

options! {
    /// An instance and its block devices.
    pub struct InstanceBlockMappingOptions {
        release: Release,
        /// The instance.
        instance: Document,
        /// Its block devices.
        bdms: Vec<BlockDevice>,
        /// The class of the driver, such as `xenapi.XenAPIDriver`. `grizzly` only.
        compute_driver: Option<String>,
    }
}

/// Returns the devices of an instance by role. Nova: `instance_block_mapping`.
#[wasm_bindgen(js_name = instanceBlockMapping, unchecked_return_type = "Record<string, string | null>")]
pub fn instance_block_mapping(
    #[wasm_bindgen(unchecked_param_type = "InstanceBlockMappingOptions")] options: &JsValue,
) -> Result<JsValue> {
    let InstanceBlockMappingOptions { release, instance, bdms, compute_driver } = options::read(options)?;
    let (config, instance) = (config(release, None, compute_driver), Instance::parse(&instance.0)?);
    let bdms: Vec<_> = bdms.iter().map(BlockDevice::borrowed).collect();
    Ok(from_json(&device::instance_block_mapping(&config, &instance, &bdms)?.to_json())?)
}

options! {
    /// The instance of the new device, and the requested name.
    pub struct GetDeviceNameForInstanceOptions {
        release: Release,
        /// The instance.
        instance: Document,
        /// Its block devices.
        bdms: Vec<BlockDevice>,
        /// The requested name [default: the next free one].
        device: Option<String>,
        /// How many disk devices an instance may have, the root device included; negative means no limit [default: no
        /// limit]. `hibiscus` only.
        max_disk_devices_to_attach: Option<i64>,
        /// The class of the driver, such as `xenapi.XenAPIDriver`. `grizzly` only.
        compute_driver: Option<String>,
    }
}

impl GetDeviceNameForInstanceOptions {
    /// Calls a function with these options as its arguments.
    fn apply<T>(
        self,
        function: impl FnOnce(&DeviceConfig, &Instance<'_>, &[device::BlockDevice<'_>], Option<&str>) -> Outcome<T>,
    ) -> Outcome<T> {
        let config = config(self.release, self.max_disk_devices_to_attach, self.compute_driver);
        let bdms: Vec<_> = self.bdms.iter().map(BlockDevice::borrowed).collect();
        function(&config, &Instance::parse(&self.instance.0)?, &bdms, self.device.as_deref())
    }
}

/// Returns the name of a new device of an instance. Nova: `get_device_name_for_instance`.
///
/// Throws `InvalidDevicePath` when `device` or the root device name is not a device name, `DevicePathInUse` when
/// another device has the letter, and, in `hibiscus`, `TooManyDiskDevices` when the limit is reached.
#[wasm_bindgen(js_name = getDeviceNameForInstance)]
pub fn get_device_name_for_instance(
    #[wasm_bindgen(unchecked_param_type = "GetDeviceNameForInstanceOptions")] options: &JsValue,
) -> Result<String> {
    let options: GetDeviceNameForInstanceOptions = options::read(options)?;
    Ok(options.apply(device::get_device_name_for_instance)?)
}

/// Explains the result of `getDeviceNameForInstance`. Nova has no such function.
#[wasm_bindgen(js_name = explainDeviceNameForInstance, unchecked_return_type = "Explanation")]
pub fn explain_device_name_for_instance(
    #[wasm_bindgen(unchecked_param_type = "GetDeviceNameForInstanceOptions")] options: &JsValue,
) -> Result<JsValue> {
    let options: GetDeviceNameForInstanceOptions = options::read(options)?;
    Ok(options.apply(device::explain_device_name_for_instance)?.to_js())
}

options! {
    /// The names of the other devices, and the requested name.
    pub struct GetNextDeviceNameOptions {
        release: Release,
        /// The names of the existing devices; null for a device without a name.
        device_name_list: Vec<Option<String>>,
        /// The name of the root device.
        root_device_name: Option<String>,
        /// The requested name [default: the next free one].
        device: Option<String>,
        /// How many disk devices an instance may have, the root device included; negative means no limit [default: no
        /// limit]. `hibiscus` only.
        max_disk_devices_to_attach: Option<i64>,
        /// The class of the driver, such as `xenapi.XenAPIDriver`. `grizzly` only.
        compute_driver: Option<String>,
    }
}

impl GetNextDeviceNameOptions {
    /// Calls a function with these options as its arguments.
    fn apply<T>(
        self,
        function: impl FnOnce(&DeviceConfig, &[Option<&str>], Option<&str>, Option<&str>) -> Outcome<T>,
    ) -> Outcome<T> {
        let config = config(self.release, self.max_disk_devices_to_attach, self.compute_driver);
        let names = borrowed(&self.device_name_list);
        function(&config, &names, self.root_device_name.as_deref(), self.device.as_deref())
    }
}

/// Returns the name of a new device beside a list of others. Nova: `get_next_device_name` in `hibiscus`.
#[wasm_bindgen(js_name = getNextDeviceName)]
pub fn get_next_device_name(
    #[wasm_bindgen(unchecked_param_type = "GetNextDeviceNameOptions")] options: &JsValue,
) -> Result<String> {
    let options: GetNextDeviceNameOptions = options::read(options)?;
    Ok(options.apply(device::get_next_device_name)?)
}

/// Explains the result of `getNextDeviceName`. Nova has no such function.
#[wasm_bindgen(js_name = explainNextDeviceName, unchecked_return_type = "Explanation")]
pub fn explain_next_device_name(
    #[wasm_bindgen(unchecked_param_type = "GetNextDeviceNameOptions")] options: &JsValue,
) -> Result<JsValue> {
    let options: GetNextDeviceNameOptions = options::read(options)?;
    Ok(options.apply(device::explain_next_device_name)?.to_js())
}

options! {
    /// The devices to name.
    pub struct DefaultDeviceNamesForInstanceOptions {
        release: Release,
        /// The name of the root device.
        root_device_name: Option<String>,
        /// The device names in each list of block devices that Nova processes; null for a device to name.
        block_device_lists: Vec<Vec<Option<String>>>,
        /// How many disk devices an instance may have, the root device included; negative means no limit [default: no
        /// limit].
        max_disk_devices_to_attach: Option<i64>,
    }
}

/// Names all devices that have no name. Nova: `default_device_names_for_instance` in `hibiscus`.
///
/// Nova saves each block device as soon as it has a name. The caller of this function saves those in `named`, in that
/// order, and then throws the error in `stopped`.
#[wasm_bindgen(js_name = defaultDeviceNamesForInstance, unchecked_return_type = "DefaultDeviceNames")]
pub fn default_device_names_for_instance(
    #[wasm_bindgen(unchecked_param_type = "DefaultDeviceNamesForInstanceOptions")] options: &JsValue,
) -> Result<JsValue> {
    let options: DefaultDeviceNamesForInstanceOptions = options::read(options)?;
    let config = config(options.release, options.max_disk_devices_to_attach, None);
    let lists: Vec<_> = options.block_device_lists.iter().map(|list| borrowed(list)).collect();
    let names = device::default_device_names_for_instance(&config, options.root_device_name.as_deref(), &lists);
    Ok(object(&[("named", names.named.to_js()), ("stopped", names.stopped.to_js())]))
}

fn config(release: Release, max_disk_devices_to_attach: Option<i64>, compute_driver: Option<String>) -> DeviceConfig {
    let config = DeviceConfig::new(release);
    let max_disk_devices_to_attach = max_disk_devices_to_attach.unwrap_or(config.max_disk_devices_to_attach);
    DeviceConfig { max_disk_devices_to_attach, compute_driver, ..config }
}

fn borrowed(names: &[Option<String>]) -> Vec<Option<&str>> {
    names.iter().map(Option::as_deref).collect()
}
