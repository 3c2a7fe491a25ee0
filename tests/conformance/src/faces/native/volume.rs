//! The use of volumes.

use anyhow::Result;
use nova_compute_utils::volume::{self, VolumeUsage};
use nova_compute_utils::{Config, Context, Release};

use super::{NativeFace, failure, finished};
use crate::faces::Answer;
use crate::faces::volume::VolumeFace;

impl VolumeFace for NativeFace {
    fn usage_volume_info(&mut self, release: Release, vol_usage: &str, times_are_text: bool) -> Result<Answer> {
        let vol_usage = VolumeUsage::parse(vol_usage).map(|row| row.with_times_as_text(times_are_text));
        Ok(vol_usage.and_then(|vol_usage| volume::usage_volume_info(release, &vol_usage)).map_err(failure))
    }

    fn notify_about_volume_usage(
        &mut self,
        config: &Config,
        context: &Context,
        vol_usage: &str,
        host: &str,
    ) -> Result<Answer<()>> {
        finished(async {
            let vol_usage = VolumeUsage::parse(vol_usage)?;
            volume::notify_about_volume_usage(&self.script, config, context, &vol_usage, host).await
        })
    }
}
