//! The use of volumes.

use anyhow::{Context as _, Result};
use nova_compute_utils::{Release, time};

use super::usage::call_json;
use super::{Runner, Verdict, context, judge, with_calls};
use crate::faces::Face;
use crate::script::{Answers, are_message_ids};
use crate::vectors::Case;

pub(super) fn runner(release: Release, function: &str) -> Option<Runner> {
    Some(match (release, function) {
        (Release::Grizzly, "usage_volume_info") | (Release::Hibiscus, "VolumeUsage.to_dict") => usage_volume_info,
        (Release::Hibiscus, "notify_about_volume_usage") => notify_about_volume_usage,
        _ => return None,
    })
}

fn usage_volume_info(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let vol_usage = case.args.json("vol_usage").context("no vol_usage")?;
    let info = face.usage_volume_info(release, vol_usage, case.times_are_strings)?;
    Ok(judge(case, info, |info| info))
}

/// These cases do not name their clock, which stood here.
const CLOCK: &str = "2026-04-05T06:07:08";

fn notify_about_volume_usage(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let script = face.script().clone();
    script.play(Answers { now: time::parse(CLOCK)?, ..Answers::default() });
    let vol_usage = case.args.json("vol_usage").context("no vol_usage")?;
    let host = case.args.text("host")?.unwrap_or_default();
    let told = face.notify_about_volume_usage(&case.config(release)?, &context(case)?, vol_usage, &host)?;
    if !are_message_ids(&script.message_ids()) {
        return Ok(Verdict::Failed(format!("message ids {:?}", script.message_ids())));
    }
    let calls: Vec<String> = script.calls().iter().map(call_json).collect();
    Ok(with_calls(judge(case, told, |()| "null".to_owned()), case, &calls))
}
