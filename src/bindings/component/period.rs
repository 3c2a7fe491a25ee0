use super::Component;
use super::exports::nova::compute_utils::{period, types};
use crate::period::Period;

impl period::Guest for Component {
    fn last_completed_audit_period(
        config: types::Config,
        unit: Option<String>,
        before: String,
    ) -> Result<period::Window, types::Error> {
        let before = crate::time::parse(&before)?;
        Ok(crate::period::last_completed_audit_period(&config.into(), unit.as_deref(), before)?.into())
    }

    fn audit_period_bounds(
        config: types::Config,
        current_period: bool,
        now: String,
    ) -> Result<period::Window, types::Error> {
        let now = crate::time::parse(&now)?;
        Ok(crate::period::audit_period_bounds(&config.into(), current_period, now)?.into())
    }

    fn last_completed(period: period::PeriodOptions, before: String) -> Result<period::Window, types::Error> {
        let before = crate::time::parse(&before)?;
        Ok(Period::try_from(period)?.last_completed(before)?.into())
    }

    fn windows_between(
        period: period::PeriodOptions,
        begin: String,
        end: String,
    ) -> Result<Vec<period::Window>, types::Error> {
        let (begin, end) = (crate::time::parse(&begin)?, crate::time::parse(&end)?);
        let windows = Period::try_from(period)?.windows_between(begin, end)?;
        Ok(windows.into_iter().map(Into::into).collect())
    }
}

impl TryFrom<period::PeriodOptions> for Period {
    type Error = crate::Error;

    fn try_from(options: period::PeriodOptions) -> Result<Self, crate::Error> {
        let period = Self::parse(options.release.into(), &options.unit)?;
        Ok(if options.clamp { period.clamp() } else { period })
    }
}
