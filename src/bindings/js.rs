//! A stub of the face for browsers and Node, until the real one is merged.

use wasm_bindgen::prelude::*;

/// A device name without its `/dev/`.
#[wasm_bindgen(js_name = stripDev)]
#[must_use]
pub fn strip_dev(device_name: &str) -> String {
    crate::device::strip_dev(device_name).to_owned()
}

/// What needs a host.
#[wasm_bindgen]
pub struct ComputeUtils {}

#[wasm_bindgen]
impl ComputeUtils {
    /// One of them.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> ComputeUtils {
        ComputeUtils {}
    }

    /// Waits for a promise.
    #[wasm_bindgen(js_name = wait)]
    pub async fn wait(&self, promise: js_sys::Promise) -> Result<JsValue, JsValue> {
        wasm_bindgen_futures::JsFuture::from(promise).await
    }
}
