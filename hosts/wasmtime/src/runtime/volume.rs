use super::{Host, Instance, exports};
use crate::error::{Error, one_line};

use exports::types::{Config as NovaConfig, Context, Json, Release};

exported! {
    |answer| answer.map_err(Error::Nova);

    /// The payload of `volume.usage`, the unversioned notification.
    nova_compute_utils_volume call_usage_volume_info
    usage_volume_info(release: Release, vol_usage: &Json, times_are_text: bool) -> Json;

    /// Tell what a volume was used for.
    nova_compute_utils_volume_notify call_notify_about_volume_usage
    notify_about_volume_usage(config: &NovaConfig, context: &Context, vol_usage: &Json, host: &str) -> ();
}
