//! The interfaces `volume` and `volume-notify`.

use std::prelude::v1::*;

use super::exports::nova::compute_utils::volume::{Guest, Release};
use super::record::{ToWit, read};
use super::{Component, Result};
use crate::volume::VolumeUsage;

impl Guest for Component {
    functions! { volume, ToWit::to_wit;
        fn usage_volume_info(release: Release, vol_usage: String, times_are_text: bool)
            -> Result<String> = read(release)?, &VolumeUsage::parse(&vol_usage)?.with_times_as_text(times_are_text);
    }
}

#[cfg(not(feature = "component-pure"))]
mod notify {
    use super::super::exports::nova::compute_utils::volume_notify::{Config, Context, Guest};
    use super::super::imports::{Imports, run};
    use super::{Component, Result, String, VolumeUsage, read};

    impl Guest for Component {
        functions! { volume, run;
            fn notify_about_volume_usage(config: Config, context: Context, vol_usage: String, host: String)
                -> Result<()> = &Imports, &read(config)?, &read(context)?, &VolumeUsage::parse(&vol_usage)?, &host;
        }
    }
}
