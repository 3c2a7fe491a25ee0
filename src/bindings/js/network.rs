//! Network info.

use tsify::Ts;
use wasm_bindgen::prelude::*;

use super::document::{self, from_text};
use super::error::Result;
use super::options::{self, Given, Release, options};
use crate::instance::Instance;
use crate::network::{self, NetworkInfo};

options! {
    /// Which network info to hydrate.
    pub struct HydrateOptions {
        /// Whose contract is spoken.
        release: Release,
        /// A list of vifs, or its JSON text.
        #[tsify(type = "DocumentInput")]
        network_info: Given,
    }
}

/// Network info with all that Nova's model fills in. Nova: `NetworkInfo.hydrate`.
///
/// `ValueError` (`JSONDecodeError` in hibiscus) on text that is no JSON, `TypeError` or `AttributeError` where a
/// structure is called for and something else stands, `InvalidIpAddressError` and `AddrFormatError` on an address or
/// network whose version cannot be inferred.
#[wasm_bindgen(unchecked_return_type = "Document[]")]
pub fn hydrate(options: &Ts<HydrateOptions>) -> Result<JsValue> {
    let HydrateOptions { release, network_info } = options::read(options)?;
    let network_info = document::text(&network_info.0, "networkInfo")?;
    from_text(&NetworkInfo::hydrate(release.0, &network_info)?.to_json())
}

/// The hydrated network info of an instance's cache. Nova: `get_nw_info_for_instance`, grizzly.
#[wasm_bindgen(js_name = getNwInfoForInstance, unchecked_return_type = "Document[]")]
pub fn get_nw_info_for_instance(
    #[wasm_bindgen(unchecked_param_type = "DocumentInput")] instance: &JsValue,
) -> Result<JsValue> {
    let (instance, mut text) = (document::text(instance, "instance")?, String::new());
    from_text(&network::get_nw_info_for_instance(&Instance::parse(&instance)?, &mut text)?.to_json())
}

/// The hydrated network info of an instance's cache; null where the cache has a null in its place. Nova:
/// `Instance.get_network_info`, hibiscus.
#[wasm_bindgen(js_name = getNetworkInfo, unchecked_return_type = "Document[] | null")]
pub fn get_network_info(#[wasm_bindgen(unchecked_param_type = "DocumentInput")] instance: &JsValue) -> Result<JsValue> {
    let (instance, mut text) = (document::text(instance, "instance")?, String::new());
    match network::get_network_info(&Instance::parse(&instance)?, &mut text)? {
        Some(network_info) => from_text(&network_info.to_json()),
        None => Ok(JsValue::NULL),
    }
}
