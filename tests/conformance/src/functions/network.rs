//! Network info.

use anyhow::{Context as _, Result};
use nova_compute_utils::Release;

use super::{Verdict, judge};
use crate::faces::Face;
use crate::json;
use crate::vectors::Case;

/// Nova takes a list or the JSON text of one; the library always the latter.
pub(super) fn hydrate(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let given = case.args.json("network_info").unwrap_or("null");
    let text = json::text(given).unwrap_or_else(|| given.to_owned());
    let network_info = face.hydrate(release, &text)?;
    Ok(judge(case, network_info, |network_info| network_info))
}

pub(super) fn get_nw_info_for_instance(face: &mut dyn Face, _: Release, case: &Case) -> Result<Verdict> {
    let network_info = face.get_nw_info_for_instance(case.args.json("instance").context("no instance")?)?;
    Ok(judge(case, network_info, |network_info| network_info))
}

pub(super) fn get_network_info(face: &mut dyn Face, _: Release, case: &Case) -> Result<Verdict> {
    let network_info = face.get_network_info(case.args.json("instance").context("no instance")?)?;
    Ok(judge(case, network_info, |network_info| network_info.unwrap_or_else(|| "null".to_owned())))
}
