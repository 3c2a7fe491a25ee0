//! Naming block devices.

use tsify::Ts;
use wasm_bindgen::prelude::*;

use super::document::{self, from_text};
use super::error::Result;
use super::options::{self, Given, Release, options, record};
use super::record::{ToJs, object};
use crate::Config;
use crate::device::{self, Explanation};
use crate::instance::Instance;

record! {
    /// A block device mapping of an instance, as far as naming devices goes; what else it holds is passed over.
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
    Ok(device::match_device(&options::value::<String>(device, "device")?).to_js())
}

/// A device name without `/dev/`. Nova: `strip_dev`.
#[wasm_bindgen(js_name = stripDev)]
pub fn strip_dev(#[wasm_bindgen(unchecked_param_type = "string")] device_name: &JsValue) -> Result<String> {
    Ok(device::strip_dev(&options::value::<String>(device_name, "deviceName")?).to_owned())
}

/// A device name with `/dev/`. Nova: `prepend_dev`.
#[wasm_bindgen(js_name = prependDev)]
pub fn prepend_dev(#[wasm_bindgen(unchecked_param_type = "string")] device_name: &JsValue) -> Result<String> {
    Ok(device::prepend_dev(&options::value::<String>(device_name, "deviceName")?).into_owned())
}

options! {
    /// Which device name, in which release.
    pub struct DeviceNameOptions {
        /// Whose contract is spoken.
        release: Release,
        /// The name.
        device_name: String,
    }
}

/// A device name without `/dev/` and the prefix of its bus. Nova: `strip_prefix`.
#[wasm_bindgen(js_name = stripPrefix)]
pub fn strip_prefix(options: &Ts<DeviceNameOptions>) -> Result<String> {
    let DeviceNameOptions { release, device_name } = options::read(options)?;
    Ok(device::strip_prefix(release.0, &device_name).to_owned())
}

/// The letter of a device name. Nova: `get_device_letter`.
#[wasm_bindgen(js_name = getDeviceLetter)]
pub fn get_device_letter(options: &Ts<DeviceNameOptions>) -> Result<String> {
    let DeviceNameOptions { release, device_name } = options::read(options)?;
    Ok(device::get_device_letter(release.0, &device_name).into_owned())
}

/// The letter or letters at a place, from 0: `a` to `z`, `aa` and so on. Nova: `generate_device_letter`.
#[wasm_bindgen(js_name = generateDeviceLetter)]
pub fn generate_device_letter(#[wasm_bindgen(unchecked_param_type = "Integer")] index: &JsValue) -> Result<String> {
    Ok(device::generate_device_letter(options::value(index, "index")?))
}

options! {
    /// Which device name to make.
    pub struct GenerateDeviceNameOptions {
        /// Such as `vd`.
        prefix: String,
        /// The place of its letter, from 0.
        #[tsify(type = "Integer")]
        index: i64,
    }
}

/// A device name of prefix and place. Nova: `generate_device_name`.
#[wasm_bindgen(js_name = generateDeviceName)]
pub fn generate_device_name(options: &Ts<GenerateDeviceNameOptions>) -> Result<String> {
    let GenerateDeviceNameOptions { prefix, index } = options::read(options)?;
    Ok(device::generate_device_name(&prefix, index))
}

options! {
    /// Which letters are taken.
    pub struct GetUnusedLetterOptions {
        /// Whose contract is spoken.
        release: Release,
        /// The letters that are taken.
        used_letters: Vec<String>,
    }
}

/// The first letter that is not taken. Nova: `_get_unused_letter`.
#[wasm_bindgen(js_name = getUnusedLetter)]
pub fn get_unused_letter(options: &Ts<GetUnusedLetterOptions>) -> Result<String> {
    let GetUnusedLetterOptions { release, used_letters } = options::read(options)?;
    let used_letters: Vec<&str> = used_letters.iter().map(String::as_str).collect();
    Ok(device::get_unused_letter(release.0, &used_letters)?)
}

/// Is this a name that a device may have? `InvalidInput` where it is none. Nova: `validate_device_name`.
#[wasm_bindgen(js_name = validateDeviceName)]
pub fn validate_device_name(#[wasm_bindgen(unchecked_param_type = "string")] value: &JsValue) -> Result<()> {
    Ok(device::validate_device_name(&options::value::<String>(value, "value")?)?)
}

options! {
    /// Which devices an instance has.
    pub struct InstanceBlockMappingOptions {
        /// Whose contract is spoken.
        release: Release,
        /// The instance.
        #[tsify(type = "DocumentInput")]
        instance: Given,
        /// Its block devices.
        bdms: Vec<BlockDevice>,
        /// The class of the driver, such as `xenapi.XenAPIDriver`. Read in grizzly.
        #[tsify(optional, type = "string | null")]
        compute_driver: Option<String>,
    }
}

/// The devices of an instance by role. Nova: `instance_block_mapping`.
#[wasm_bindgen(js_name = instanceBlockMapping, unchecked_return_type = "Record<string, string | null>")]
pub fn instance_block_mapping(options: &Ts<InstanceBlockMappingOptions>) -> Result<JsValue> {
    let InstanceBlockMappingOptions { release, instance, bdms, compute_driver } = options::read(options)?;
    let (config, instance) = (config(&release, None, compute_driver), document::text(&instance.0, "instance")?);
    let bdms: Vec<_> = bdms.iter().map(BlockDevice::borrowed).collect();
    from_text(&device::instance_block_mapping(&config, &Instance::parse(&instance)?, &bdms)?.to_json())
}

options! {
    /// For which instance a device is to be named.
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
pub fn get_device_name_for_instance(options: &Ts<GetDeviceNameForInstanceOptions>) -> Result<String> {
    let DeviceRequest { config, instance, bdms, device } = DeviceRequest::read(options)?;
    let (instance, bdms): (_, Vec<_>) = (Instance::parse(&instance)?, bdms.iter().map(BlockDevice::borrowed).collect());
    Ok(device::get_device_name_for_instance(&config, &instance, &bdms, device.as_deref())?)
}

/// Beyond Nova: why a device gets the name that `getDeviceNameForInstance` gives it.
#[wasm_bindgen(js_name = explainDeviceNameForInstance, unchecked_return_type = "Explanation")]
pub fn explain_device_name_for_instance(options: &Ts<GetDeviceNameForInstanceOptions>) -> Result<JsValue> {
    let DeviceRequest { config, instance, bdms, device } = DeviceRequest::read(options)?;
    let (instance, bdms): (_, Vec<_>) = (Instance::parse(&instance)?, bdms.iter().map(BlockDevice::borrowed).collect());
    Ok(device::explain_device_name_for_instance(&config, &instance, &bdms, device.as_deref())?.to_js())
}

options! {
    /// Beside which names a device is to be named.
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
}

/// The name of a device that is to be attached beside those of a list. Nova: `get_next_device_name`.
#[wasm_bindgen(js_name = getNextDeviceName)]
pub fn get_next_device_name(options: &Ts<GetNextDeviceNameOptions>) -> Result<String> {
    let options = options::read(options)?;
    let config = config(&options.release, options.max_disk_devices_to_attach, options.compute_driver);
    let (list, root) = (texts(&options.device_name_list), options.root_device_name.as_deref());
    Ok(device::get_next_device_name(&config, &list, root, options.device.as_deref())?)
}

/// Beyond Nova: why a device gets the name that `getNextDeviceName` gives it.
#[wasm_bindgen(js_name = explainNextDeviceName, unchecked_return_type = "Explanation")]
pub fn explain_next_device_name(options: &Ts<GetNextDeviceNameOptions>) -> Result<JsValue> {
    let options = options::read(options)?;
    let config = config(&options.release, options.max_disk_devices_to_attach, options.compute_driver);
    let (list, root) = (texts(&options.device_name_list), options.root_device_name.as_deref());
    Ok(device::explain_next_device_name(&config, &list, root, options.device.as_deref())?.to_js())
}

options! {
    /// Which devices are to be named.
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
}

/// Name all devices that have no name; the caller saves those in `named`, in that order, and throws what `stopped`
/// holds. Nova: `default_device_names_for_instance`, hibiscus.
#[wasm_bindgen(js_name = defaultDeviceNamesForInstance, unchecked_return_type = "DefaultDeviceNames")]
pub fn default_device_names_for_instance(options: &Ts<DefaultDeviceNamesForInstanceOptions>) -> Result<JsValue> {
    let options = options::read(options)?;
    let config = config(&options.release, options.max_disk_devices_to_attach, None);
    let lists: Vec<_> = options.block_device_lists.iter().map(|list| texts(list)).collect();
    let names = device::default_device_names_for_instance(&config, options.root_device_name.as_deref(), &lists);
    Ok(object(&[("named", names.named.to_js()), ("stopped", names.stopped.to_js())]))
}

fn config(release: &Release, max_disk_devices_to_attach: Option<i64>, compute_driver: Option<String>) -> Config {
    let config = Config::new(release.0, "");
    let max_disk_devices_to_attach = max_disk_devices_to_attach.unwrap_or(config.max_disk_devices_to_attach);
    Config { max_disk_devices_to_attach, compute_driver, ..config }
}

fn texts(list: &[Option<String>]) -> Vec<Option<&str>> {
    list.iter().map(Option::as_deref).collect()
}

impl ToJs for Explanation {
    fn to_js(&self) -> JsValue {
        let Self { device_name, prefix, prefix_from, replaced_prefix, asked_letter, taken } = self;
        object(&[
            ("device_name", device_name.as_ref().ok().to_js()),
            ("error", device_name.as_ref().err().to_js()),
            ("prefix", prefix.to_js()),
            ("prefix_from", prefix_from.to_js()),
            ("replaced_prefix", replaced_prefix.to_js()),
            ("asked_letter", asked_letter.to_js()),
            ("taken", taken.to_js()),
        ])
    }
}
