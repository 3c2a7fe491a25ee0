//! What volumes were used for.

use js_sys::Promise;
use tsify::Ts;
use wasm_bindgen::prelude::*;

use super::compute_utils::{ComputeUtils, ContextInput};
use super::document::{self, from_text};
use super::error::Result;
use super::options::{self, Given, Release, options};
use crate::volume::{self, VolumeUsage};

options! {
    /// Whose use is told.
    pub struct UsageVolumeInfoOptions {
        /// Whose contract is spoken.
        release: Release,
        /// A row of the table `volume_usage_cache`.
        #[tsify(type = "DocumentInput")]
        vol_usage: Given,
        /// The row came through grizzly's conductor, which hands moments over as text: the later text counts, and is shown
        /// as it is.
        #[tsify(optional, type = "boolean | null")]
        times_are_text: Option<bool>,
    }
}

/// The payload of `volume.usage`. Nova: `usage_volume_info` in grizzly, `VolumeUsage.to_dict` in hibiscus.
#[wasm_bindgen(js_name = usageVolumeInfo, unchecked_return_type = "Document")]
pub fn usage_volume_info(options: &Ts<UsageVolumeInfoOptions>) -> Result<JsValue> {
    let UsageVolumeInfoOptions { release, vol_usage, times_are_text } = options::read(options)?;
    let vol_usage = document::text(&vol_usage.0, "volUsage")?;
    let vol_usage = VolumeUsage::parse(&vol_usage)?.with_times_as_text(times_are_text.unwrap_or_default());
    from_text(&volume::usage_volume_info(release.0, &vol_usage)?)
}

options! {
    /// Whose use is told to whom.
    pub struct NotifyAboutVolumeUsageOptions {
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// A row of the table `volume_usage_cache`.
        #[tsify(type = "DocumentInput")]
        vol_usage: Given,
        /// The compute host that speaks; without one, the configured one.
        #[tsify(optional, type = "string | null")]
        host: Option<String>,
    }
}

#[wasm_bindgen]
impl ComputeUtils {
    /// Tell what a volume was used for: in hibiscus only as a versioned notification. Nova:
    /// `notify_about_volume_usage`.
    #[wasm_bindgen(js_name = notifyAboutVolumeUsage, unchecked_return_type = "Promise<void>")]
    pub fn notify_about_volume_usage(&self, options: Ts<NotifyAboutVolumeUsageOptions>) -> Promise {
        self.call(async move |config, services| {
            let NotifyAboutVolumeUsageOptions { context, vol_usage, host } = options::read(&options)?;
            let (context, vol_usage) =
                (ContextInput::read_context(context)?, document::text(&vol_usage.0, "volUsage")?);
            let (vol_usage, host) = (VolumeUsage::parse(&vol_usage)?, host.as_deref().unwrap_or(&config.host));
            volume::notify_about_volume_usage(services, config, &context, &vol_usage, host).await?;
            Ok(JsValue::UNDEFINED)
        })
    }
}
