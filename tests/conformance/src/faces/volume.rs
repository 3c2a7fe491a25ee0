//! The use of volumes.

use anyhow::Result;
use nova_compute_utils::{Config, Context, Release};

use super::Answer;

/// The functions of the module `volume`.
pub trait VolumeFace {
    /// Nova: `usage_volume_info`, `VolumeUsage.to_dict`.
    fn usage_volume_info(&mut self, release: Release, vol_usage: &str, times_are_text: bool) -> Result<Answer>;

    /// Nova: `notify_about_volume_usage`.
    fn notify_about_volume_usage(
        &mut self,
        config: &Config,
        context: &Context,
        vol_usage: &str,
        host: &str,
    ) -> Result<Answer<()>>;
}
