//! Naming block devices.

use serde::Deserialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use super::document::{self, from_record, from_text, object};
use super::error::{Result, to_js};
use super::options::{self, Given, Release};
use crate::Config;
use crate::device::{self, Explanation};
use crate::instance::Instance;

/// A block device mapping of an instance, as far as naming devices goes; what else it holds is passed over.
#[derive(Deserialize, Tsify)]
pub struct BlockDevice {
    /// Such as `/dev/vdb`; nothing where it has no name yet.
    #[tsify(optional, type = "string | null")]
    device_name: Option<String>,
    /// `volume`, `snapshot`, `image` or `blank`. Read in hibiscus.
    #[tsify(optional, type = "string | null")]
    source_type: Option<String>,
    /// `volume` or `local`. Read in hibiscus.
    #[tsify(optional, type = "string | null")]
    destination_type: Option<String>,
    /// `swap`, or the format of an ephemeral disk. Read in hibiscus.
    #[tsify(optional, type = "string | null")]
    guest_format: Option<String>,
    /// `swap` or `ephemeralN`. Read in grizzly.
    #[tsify(optional, type = "string | null")]
    virtual_name: Option<String>,
    /// The volume that it is. Read in grizzly.
    #[tsify(optional, type = "string | null")]
    volume_id: Option<String>,
    /// The snapshot that its volume is made from. Read in grizzly.
    #[tsify(optional, type = "string | null")]
    snapshot_id: Option<String>,
    /// The device of the image that is left out. Read in grizzly.
    #[tsify(optional, type = "boolean | null")]
    no_device: Option<bool>,
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

/// Take a device name apart; null where it is none. Nova: `match_device`.
#[wasm_bindgen(js_name = matchDevice, unchecked_return_type = "DeviceMatch | null")]
pub fn match_device(#[wasm_bindgen(unchecked_param_type = "string")] device: &JsValue) -> Result<JsValue> {
    from_record(&device::match_device(&options::text(device, "device")?))
}

/// A device name without `/dev/`. Nova: `strip_dev`.
#[wasm_bindgen(js_name = stripDev)]
pub fn strip_dev(#[wasm_bindgen(unchecked_param_type = "string")] device_name: &JsValue) -> Result<String> {
    Ok(device::strip_dev(&options::text(device_name, "deviceName")?).to_owned())
}

/// A device name with `/dev/`. Nova: `prepend_dev`.
#[wasm_bindgen(js_name = prependDev)]
pub fn prepend_dev(#[wasm_bindgen(unchecked_param_type = "string")] device_name: &JsValue) -> Result<String> {
    Ok(device::prepend_dev(&options::text(device_name, "deviceName")?).into_owned())
}

/// Which device name, in which release.
#[derive(Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct DeviceNameOptions {
    /// Whose contract is spoken.
    release: Release,
    /// The name.
    device_name: String,
}

/// A device name without `/dev/` and the prefix of its bus. Nova: `strip_prefix`.
#[wasm_bindgen(js_name = stripPrefix)]
pub fn strip_prefix(options: Ts<DeviceNameOptions>) -> Result<String> {
    let DeviceNameOptions { release, device_name } = options::read(&options)?;
    Ok(device::strip_prefix(release.0, &device_name).to_owned())
}

/// The letter of a device name. Nova: `get_device_letter`.
#[wasm_bindgen(js_name = getDeviceLetter)]
pub fn get_device_letter(options: Ts<DeviceNameOptions>) -> Result<String> {
    let DeviceNameOptions { release, device_name } = options::read(&options)?;
    Ok(device::get_device_letter(release.0, &device_name).into_owned())
}

/// The letter or letters at a place, from 0: `a` to `z`, `aa` and so on. Nova: `generate_device_letter`.
#[wasm_bindgen(js_name = generateDeviceLetter)]
pub fn generate_device_letter(#[wasm_bindgen(unchecked_param_type = "Integer")] index: &JsValue) -> Result<String> {
    Ok(device::generate_device_letter(options::integer(index, "index")?))
}

/// Which device name to make.
#[derive(Deserialize, Tsify)]
pub struct GenerateDeviceNameOptions {
    /// Such as `vd`.
    prefix: String,
    /// The place of its letter, from 0.
    #[tsify(type = "Integer")]
    index: i64,
}

/// A device name of prefix and place. Nova: `generate_device_name`.
#[wasm_bindgen(js_name = generateDeviceName)]
pub fn generate_device_name(options: Ts<GenerateDeviceNameOptions>) -> Result<String> {
    let GenerateDeviceNameOptions { prefix, index } = options::read(&options)?;
    Ok(device::generate_device_name(&prefix, index))
}

/// Which letters are taken.
#[derive(Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct GetUnusedLetterOptions {
    /// Whose contract is spoken.
    release: Release,
    /// The letters that are taken.
    used_letters: Vec<String>,
}

/// The first letter that is not taken. Nova: `_get_unused_letter`.
#[wasm_bindgen(js_name = getUnusedLetter)]
pub fn get_unused_letter(options: Ts<GetUnusedLetterOptions>) -> Result<String> {
    let GetUnusedLetterOptions { release, used_letters } = options::read(&options)?;
    let used_letters: Vec<&str> = used_letters.iter().map(String::as_str).collect();
    Ok(device::get_unused_letter(release.0, &used_letters)?)
}

/// Is this a name that a device may have? `InvalidInput` where it is none. Nova: `validate_device_name`.
#[wasm_bindgen(js_name = validateDeviceName)]
pub fn validate_device_name(#[wasm_bindgen(unchecked_param_type = "string")] value: &JsValue) -> Result<()> {
    Ok(device::validate_device_name(&options::text(value, "value")?)?)
}

/// Which devices an instance has.
#[derive(Deserialize, Tsify)]
pub struct InstanceBlockMappingOptions {
    /// Whose contract is spoken.
    release: Release,
    /// The instance.
    #[tsify(type = "DocumentInput")]
    instance: Given,
    /// Its block devices.
    bdms: Vec<BlockDevice>,
}

/// The devices of an instance by role. Nova: `instance_block_mapping`.
#[wasm_bindgen(js_name = instanceBlockMapping, unchecked_return_type = "Record<string, string | null>")]
pub fn instance_block_mapping(options: Ts<InstanceBlockMappingOptions>) -> Result<JsValue> {
    let InstanceBlockMappingOptions { release, instance, bdms } = options::read(&options)?;
    let (config, instance) = (Config::new(release.0, ""), document::text(&instance.0, "instance")?);
    let bdms: Vec<_> = bdms.iter().map(BlockDevice::borrowed).collect();
    from_text(&device::instance_block_mapping(&config, &Instance::parse(&instance)?, &bdms)?.to_json())
}

/// For which instance a device is to be named.
#[derive(Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct GetDeviceNameForInstanceOptions {
    /// Whose contract is spoken.
    release: Release,
    /// The instance.
    #[tsify(type = "DocumentInput")]
    instance: Given,
    /// Its block devices.
    bdms: Vec<BlockDevice>,
    /// The name that is asked for; without one, the next free one.
    #[tsify(optional, type = "string | null")]
    device: Option<String>,
    /// How many disk devices an instance may have, the root device included; without one, or negative, as many as one
    /// likes. Read in hibiscus.
    #[tsify(optional, type = "Integer | null")]
    max_disk_devices_to_attach: Option<i64>,
    /// The class of the driver, such as `xenapi.XenAPIDriver`. Read in grizzly.
    #[tsify(optional, type = "string | null")]
    compute_driver: Option<String>,
}

struct DeviceRequest {
    config: Config,
    instance: String,
    bdms: Vec<BlockDevice>,
    device: Option<String>,
}

impl DeviceRequest {
    fn read(options: &Ts<GetDeviceNameForInstanceOptions>) -> Result<Self> {
        let options = options::read(options)?;
        Ok(Self {
            config: config(&options.release, options.max_disk_devices_to_attach, options.compute_driver),
            instance: document::text(&options.instance.0, "instance")?,
            bdms: options.bdms,
            device: options.device,
        })
    }
}

/// The name of a device that is to be attached. Nova: `get_device_name_for_instance`.
///
/// `InvalidDevicePath` where the name asked for, or that of the root device, is none; `DevicePathInUse`;
/// `TooManyDiskDevices`.
#[wasm_bindgen(js_name = getDeviceNameForInstance)]
pub fn get_device_name_for_instance(options: Ts<GetDeviceNameForInstanceOptions>) -> Result<String> {
    let DeviceRequest { config, instance, bdms, device } = DeviceRequest::read(&options)?;
    let (instance, bdms): (_, Vec<_>) = (Instance::parse(&instance)?, bdms.iter().map(BlockDevice::borrowed).collect());
    Ok(device::get_device_name_for_instance(&config, &instance, &bdms, device.as_deref())?)
}

/// Beyond Nova: why a device gets the name that `getDeviceNameForInstance` gives it.
#[wasm_bindgen(js_name = explainDeviceNameForInstance, unchecked_return_type = "Explanation")]
pub fn explain_device_name_for_instance(options: Ts<GetDeviceNameForInstanceOptions>) -> Result<JsValue> {
    let DeviceRequest { config, instance, bdms, device } = DeviceRequest::read(&options)?;
    let (instance, bdms): (_, Vec<_>) = (Instance::parse(&instance)?, bdms.iter().map(BlockDevice::borrowed).collect());
    explanation(&device::explain_device_name_for_instance(&config, &instance, &bdms, device.as_deref())?)
}

/// Beside which names a device is to be named.
#[derive(Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct GetNextDeviceNameOptions {
    /// Whose contract is spoken.
    release: Release,
    /// The names of the devices that are there; null for one without a name.
    #[tsify(type = "(string | null)[]")]
    device_name_list: Vec<Option<String>>,
    /// The name of the root device.
    #[tsify(optional, type = "string | null")]
    root_device_name: Option<String>,
    /// The name that is asked for; without one, the next free one.
    #[tsify(optional, type = "string | null")]
    device: Option<String>,
    /// How many disk devices an instance may have, the root device included; without one, or negative, as many as one
    /// likes. Read in hibiscus.
    #[tsify(optional, type = "Integer | null")]
    max_disk_devices_to_attach: Option<i64>,
    /// The class of the driver, such as `xenapi.XenAPIDriver`. Read in grizzly.
    #[tsify(optional, type = "string | null")]
    compute_driver: Option<String>,
}

/// The name of a device that is to be attached beside those of a list. Nova: `get_next_device_name`.
#[wasm_bindgen(js_name = getNextDeviceName)]
pub fn get_next_device_name(options: Ts<GetNextDeviceNameOptions>) -> Result<String> {
    let options = options::read(&options)?;
    let config = config(&options.release, options.max_disk_devices_to_attach, options.compute_driver);
    let (list, root) = (texts(&options.device_name_list), options.root_device_name.as_deref());
    Ok(device::get_next_device_name(&config, &list, root, options.device.as_deref())?)
}

/// Beyond Nova: why a device gets the name that `getNextDeviceName` gives it.
#[wasm_bindgen(js_name = explainNextDeviceName, unchecked_return_type = "Explanation")]
pub fn explain_next_device_name(options: Ts<GetNextDeviceNameOptions>) -> Result<JsValue> {
    let options = options::read(&options)?;
    let config = config(&options.release, options.max_disk_devices_to_attach, options.compute_driver);
    let (list, root) = (texts(&options.device_name_list), options.root_device_name.as_deref());
    explanation(&device::explain_next_device_name(&config, &list, root, options.device.as_deref())?)
}

/// Which devices are to be named.
#[derive(Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct DefaultDeviceNamesForInstanceOptions {
    /// Whose contract is spoken.
    release: Release,
    /// The name of the root device.
    #[tsify(optional, type = "string | null")]
    root_device_name: Option<String>,
    /// The names in each of the lists of block devices that Nova goes through; null for one that is to get a name.
    #[tsify(type = "(string | null)[][]")]
    block_device_lists: Vec<Vec<Option<String>>>,
    /// How many disk devices an instance may have, the root device included; without one, or negative, as many as one
    /// likes.
    #[tsify(optional, type = "Integer | null")]
    max_disk_devices_to_attach: Option<i64>,
}

/// Name all devices that have no name; the caller saves those in `named`, in that order, and throws what `stopped`
/// holds. Nova: `default_device_names_for_instance`, hibiscus.
#[wasm_bindgen(js_name = defaultDeviceNamesForInstance, unchecked_return_type = "DefaultDeviceNames")]
pub fn default_device_names_for_instance(options: Ts<DefaultDeviceNamesForInstanceOptions>) -> Result<JsValue> {
    let options = options::read(&options)?;
    let config = config(&options.release, options.max_disk_devices_to_attach, None);
    let lists: Vec<_> = options.block_device_lists.iter().map(|list| texts(list)).collect();
    let names = device::default_device_names_for_instance(&config, options.root_device_name.as_deref(), &lists);
    let stopped = names.stopped.as_ref().map_or(JsValue::NULL, to_js);
    object(&[("named", from_record(&names.named)?), ("stopped", stopped)])
}

fn config(release: &Release, max_disk_devices_to_attach: Option<i64>, compute_driver: Option<String>) -> Config {
    let config = Config::new(release.0, "");
    let max_disk_devices_to_attach = max_disk_devices_to_attach.unwrap_or(config.max_disk_devices_to_attach);
    Config { max_disk_devices_to_attach, compute_driver, ..config }
}

fn texts(list: &[Option<String>]) -> Vec<Option<&str>> {
    list.iter().map(Option::as_deref).collect()
}

fn explanation(explanation: &Explanation) -> Result<JsValue> {
    let (device_name, error) = match &explanation.device_name {
        Ok(device_name) => (JsValue::from_str(device_name), JsValue::NULL),
        Err(error) => (JsValue::NULL, to_js(error)),
    };
    object(&[
        ("device_name", device_name),
        ("error", error),
        ("prefix", JsValue::from_str(&explanation.prefix)),
        ("prefix_from", from_record(&explanation.prefix_from)?),
        ("replaced_prefix", from_record(&explanation.replaced_prefix)?),
        ("asked_letter", from_record(&explanation.asked_letter)?),
        ("taken", from_record(&explanation.taken)?),
    ])
}
