//! The interfaces `volume` and `volume-notify`.

use super::Component;
use super::exports::nova::compute_utils::{types, volume};
use crate::volume::VolumeUsage;

impl volume::Guest for Component {
    fn usage_volume_info(
        release: types::Release,
        vol_usage: String,
        times_are_text: bool,
    ) -> Result<String, types::Error> {
        let vol_usage = VolumeUsage::parse(&vol_usage)?.with_times_as_text(times_are_text);
        Ok(crate::volume::usage_volume_info(release.into(), &vol_usage)?)
    }
}

#[cfg(not(feature = "component-pure"))]
mod notify {
    use super::super::callbacks::{Imports, finished};
    use super::super::exports::nova::compute_utils::volume_notify;
    use super::{Component, VolumeUsage, types};
    use crate::{Config, Context};

    impl volume_notify::Guest for Component {
        fn notify_about_volume_usage(
            config: types::Config,
            context: types::Context,
            vol_usage: String,
            host: String,
        ) -> Result<(), types::Error> {
            let (config, context) = (Config::from(config), Context::try_from(context)?);
            let vol_usage = VolumeUsage::parse(&vol_usage)?;
            finished(crate::volume::notify_about_volume_usage(&Imports, &config, &context, &vol_usage, &host))
        }
    }
}
