//! The use of volumes.

use anyhow::Result;
use nova_compute_utils::{Config, Context, Release};

use super::{ComponentFace, config_record, context_record, release_record};
use crate::faces::Answer;
use crate::faces::volume::VolumeFace;

impl VolumeFace for ComponentFace {
    fn usage_volume_info(&mut self, release: Release, vol_usage: &str, times_are_text: bool) -> Result<Answer> {
        let vol_usage = vol_usage.to_owned();
        self.call(async |nova| nova.usage_volume_info(release_record(release), &vol_usage, times_are_text).await)
    }

    fn notify_about_volume_usage(
        &mut self,
        config: &Config,
        context: &Context,
        vol_usage: &str,
        host: &str,
    ) -> Result<Answer<()>> {
        let (config, context, vol_usage) = (config_record(config), context_record(context), vol_usage.to_owned());
        self.call(async |nova| nova.notify_about_volume_usage(&config, &context, &vol_usage, host).await)
    }
}
