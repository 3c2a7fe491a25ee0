//! Audit windows.

use anyhow::Result;
use nova_compute_utils::Release;

use super::{Verdict, judge, now};
use crate::faces::{Bounds, Face};
use crate::json;
use crate::vectors::Case;

pub(super) fn last_completed_audit_period(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let unit = case.args.text("unit")?;
    let before = match case.args.text("before")? {
        Some(before) => before,
        None => now(case)?.to_owned(),
    };
    let window = face.last_completed_audit_period(&case.config(release)?, unit.as_deref(), &before)?;
    Ok(judge(case, window, bounds))
}

pub(super) fn audit_period_bounds(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let window = face.audit_period_bounds(&case.config(release)?, case.args.read("current_period")?, now(case)?)?;
    Ok(judge(case, window, bounds))
}

fn bounds((begin, end): Bounds) -> String {
    format!("[{}, {}]", json::from_text(&begin), json::from_text(&end))
}
