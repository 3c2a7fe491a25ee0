//! The use of volumes.

use anyhow::Result;
use nova_compute_utils::{Config, Context, Release};

use super::JsFace;
use super::options::Options;
use crate::faces::Answer;
use crate::faces::volume::VolumeFace;

impl VolumeFace for JsFace {
    fn usage_volume_info(&mut self, release: Release, vol_usage: &str, times_are_text: bool) -> Result<Answer> {
        let options = Options::of(release).document("volUsage", vol_usage).flag("timesAreText", times_are_text);
        self.call("usageVolumeInfo", &options.finish())
    }

    fn notify_about_volume_usage(
        &mut self,
        config: &Config,
        context: &Context,
        vol_usage: &str,
        host: &str,
    ) -> Result<Answer<()>> {
        let options =
            Options::new().value("context", &context.to_json()).document("volUsage", vol_usage).text("host", host);
        Ok(Self::done(self.method(config, "notifyAboutVolumeUsage", &options)?))
    }
}
