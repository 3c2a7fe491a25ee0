//! Volume usage.

use std::prelude::v1::*;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::compute_utils::ComputeUtils;
use super::error::Result;
use super::options::{self, Document, options};
use super::value::from_json;
use crate::volume::{self, VolumeUsage};
use crate::{Context, Release};

options! {
    /// The volume usage to describe.
    pub struct UsageVolumeInfoOptions {
        release: Release,
        /// A row of the table `volume_usage_cache`.
        vol_usage: Document,
        /// Whether the timestamps are strings from the conductor of `grizzly`; the payload copies the greater one
        /// unchanged.
        times_are_text: Option<bool>,
    }
}

/// Returns the payload of `volume.usage`. Nova: `usage_volume_info` in `grizzly`, `VolumeUsage.to_dict` in `hibiscus`.
#[wasm_bindgen(js_name = usageVolumeInfo, unchecked_return_type = "Document")]
pub fn usage_volume_info(
    #[wasm_bindgen(unchecked_param_type = "UsageVolumeInfoOptions")] options: &JsValue,
) -> Result<JsValue> {
    let UsageVolumeInfoOptions { release, vol_usage, times_are_text } = options::read(options)?;
    let vol_usage = VolumeUsage::parse(&vol_usage.0)?.with_times_as_text(times_are_text.unwrap_or_default());
    Ok(from_json(&volume::usage_volume_info(release, &vol_usage)?)?)
}

options! {
    /// The volume usage to notify about.
    pub struct NotifyAboutVolumeUsageOptions {
        context: Option<Context>,
        /// A row of the table `volume_usage_cache`.
        vol_usage: Document,
        /// The host in the publisher id [default: the configured one].
        host: Option<String>,
    }
}

#[wasm_bindgen]
impl ComputeUtils {
    /// Emits the `volume.usage` notification of a volume; in `hibiscus` only the versioned one exists. Nova:
    /// `notify_about_volume_usage`.
    #[wasm_bindgen(js_name = notifyAboutVolumeUsage, unchecked_return_type = "Promise<void>")]
    pub fn notify_about_volume_usage(
        &self,
        #[wasm_bindgen(unchecked_param_type = "NotifyAboutVolumeUsageOptions")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let NotifyAboutVolumeUsageOptions { context, vol_usage, host } = options::read(&options)?;
            let (context, host) = (context.unwrap_or_default(), host.as_deref().unwrap_or(&config.host));
            let vol_usage = VolumeUsage::parse(&vol_usage.0)?;
            Ok(volume::notify_about_volume_usage(services, config, &context, &vol_usage, host).await?)
        })
    }
}
