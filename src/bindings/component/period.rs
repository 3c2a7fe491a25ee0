use std::prelude::v1::*;

use super::exports::nova::compute_utils::period::{Guest, PeriodOptions, Release, Window};
use super::record::{FromWit, ToWit, read};
use super::{Component, Result};
use crate::Error;
use crate::period::Period;

impl Guest for Component {
    functions! { period, ToWit::to_wit;
        fn last_completed_audit_period(release: Release, instance_usage_audit_period: String, unit: Option<String>,
            before: String)
            -> Result<Window> = read(release)?, &instance_usage_audit_period, unit.as_deref(), read(before)?;

        fn audit_period_bounds(release: Release, instance_usage_audit_period: String, current_period: bool, now: String)
            -> Result<Window> = read(release)?, &instance_usage_audit_period, current_period, read(now)?;
    }

    fn last_completed(period: PeriodOptions, before: String) -> Result<Window> {
        Period::from_wit(period)?.last_completed(read(before)?).to_wit()
    }

    fn windows_between(period: PeriodOptions, begin: String, end: String) -> Result<Vec<Window>> {
        Period::from_wit(period)?.windows_between(read(begin)?, read(end)?).to_wit()
    }
}

impl FromWit<PeriodOptions> for Period {
    fn from_wit(options: PeriodOptions) -> Result<Self, Error> {
        let period = Self::parse(read(options.release)?, &options.unit)?;
        Ok(if options.clamp { period.clamp() } else { period })
    }
}
