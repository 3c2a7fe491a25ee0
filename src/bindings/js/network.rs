//! Network info.

use std::prelude::v1::*;

use wasm_bindgen::prelude::*;

use super::document;
use super::error::Result;
use super::options::{self, Document, options};
use super::value::from_json;
use crate::Release;
use crate::instance::Instance;
use crate::network::{self, NetworkInfo};

options! {
    /// The network info to hydrate.
    pub struct HydrateOptions {
        release: Release,
        /// A list of vifs, or its JSON text.
        network_info: Document,
    }
}

/// Returns a list of vifs with everything that a cache leaves out: defaults, the IP versions of addresses and networks,
/// and unknown keys collected in `meta`. Nova: `NetworkInfo.hydrate`.
///
/// Throws `ValueError` (`JSONDecodeError` in `hibiscus`) when the text is not JSON, `TypeError` or `AttributeError`
/// when a value has the wrong type, and `InvalidIpAddressError` or `AddrFormatError` when the version of an address or
/// network cannot be inferred.
#[wasm_bindgen(unchecked_return_type = "Document[]")]
pub fn hydrate(#[wasm_bindgen(unchecked_param_type = "HydrateOptions")] options: &JsValue) -> Result<JsValue> {
    let HydrateOptions { release, network_info } = options::read(options)?;
    Ok(from_json(&NetworkInfo::hydrate(release, &network_info.0)?.to_json())?)
}

/// Returns the hydrated network info of an instance's cache. Nova: `get_nw_info_for_instance` in `grizzly`.
#[wasm_bindgen(js_name = getNwInfoForInstance, unchecked_return_type = "Document[]")]
pub fn get_nw_info_for_instance(
    #[wasm_bindgen(unchecked_param_type = "DocumentInput")] instance: &JsValue,
) -> Result<JsValue> {
    let (instance, mut text) = (document::text(instance, "instance")?, String::new());
    Ok(from_json(&network::get_nw_info_for_instance(&Instance::parse(&instance)?, &mut text)?.to_json())?)
}

/// Returns the hydrated network info of an instance's cache; null when the column of the cache is null. Nova:
/// `Instance.get_network_info` in `hibiscus`.
#[wasm_bindgen(js_name = getNetworkInfo, unchecked_return_type = "Document[] | null")]
pub fn get_network_info(#[wasm_bindgen(unchecked_param_type = "DocumentInput")] instance: &JsValue) -> Result<JsValue> {
    let (instance, mut text) = (document::text(instance, "instance")?, String::new());
    match network::get_network_info(&Instance::parse(&instance)?, &mut text)? {
        Some(network_info) => Ok(from_json(&network_info.to_json())?),
        None => Ok(JsValue::NULL),
    }
}
