//! Audit windows.

use tsify::Ts;
use wasm_bindgen::prelude::*;

use super::error::Result;
use super::options::{self, Release, options, record};
use super::record::ToJs;
use super::time::Moment;
use crate::period::{self, Period, Window};
use crate::{Config, Error};

record! {
    /// A window, as it is given.
    pub struct WindowInput {
        /// First moment of the window.
        begin: Moment,
        /// First moment after it.
        end: Moment,
    }
}

impl WindowInput {
    pub fn read(&self) -> std::result::Result<Window, Error> {
        Ok(Window { begin: self.begin.wanted("window.begin")?, end: self.end.wanted("window.end")? })
    }
}

options! {
    /// Which window is asked for.
    pub struct LastCompletedAuditPeriodOptions {
        /// Whose contract is spoken.
        release: Release,
        /// The period, where it is not the configured one.
        #[tsify(optional, type = "string | null")]
        unit: Option<String>,
        /// The configured period; without one, `month`.
        #[tsify(optional, type = "string | null")]
        audit_period: Option<String>,
        /// The window is the last one completed before then; without one, before now.
        #[tsify(optional, type = "Moment | null")]
        before: Moment,
        /// Beyond Nova: an offset past the end of a month means its last day, where Nova raises.
        #[tsify(optional, type = "boolean | null")]
        clamp: Option<bool>,
    }
}

/// The window most recently completed before a moment. Nova: `last_completed_audit_period`.
///
/// `ValueError` on a period or an offset that makes no sense, `OverflowError` on a step out of the calendar.
#[wasm_bindgen(js_name = lastCompletedAuditPeriod, unchecked_return_type = "Window")]
pub fn last_completed_audit_period(options: &Ts<LastCompletedAuditPeriodOptions>) -> Result<JsValue> {
    let options = options::read(options)?;
    let (config, before) = (config(options.release, options.audit_period), options.before.or_now("before")?);
    let unit = options.unit.as_deref().filter(|unit| !unit.is_empty());
    let window = if options.clamp == Some(true) {
        let period = unit.unwrap_or(&config.instance_usage_audit_period);
        Period::parse(config.release, period)?.clamp().last_completed(before)?
    } else {
        period::last_completed_audit_period(&config, unit, before)?
    };
    Ok(window.to_js())
}

options! {
    /// Which bounds are asked for.
    pub struct AuditPeriodBoundsOptions {
        /// Whose contract is spoken.
        release: Release,
        /// The configured period; without one, `month`.
        #[tsify(optional, type = "string | null")]
        audit_period: Option<String>,
        /// From the end of the last completed window to now, in place of that window.
        #[tsify(optional, type = "boolean | null")]
        current_period: Option<bool>,
        /// What time it is; without one, the engine's clock says.
        #[tsify(optional, type = "Moment | null")]
        now: Moment,
    }
}

/// The bounds of the configured period. Nova: `audit_period_bounds`.
#[wasm_bindgen(js_name = auditPeriodBounds, unchecked_return_type = "Window")]
pub fn audit_period_bounds(options: &Ts<AuditPeriodBoundsOptions>) -> Result<JsValue> {
    let options = options::read(options)?;
    let (config, now) = (config(options.release, options.audit_period), options.now.or_now("now")?);
    Ok(period::audit_period_bounds(&config, options.current_period.unwrap_or_default(), now)?.to_js())
}

options! {
    /// Which windows are asked for.
    pub struct WindowsBetweenOptions {
        /// Whose contract is spoken.
        release: Release,
        /// `hour`, `day`, `month` or `year`, optionally with `@offset`; without one, `month`.
        #[tsify(optional, type = "string | null")]
        audit_period: Option<String>,
        /// None begins before then.
        begin: Moment,
        /// None ends after then.
        end: Moment,
        /// An offset past the end of a month means its last day, where Nova raises.
        #[tsify(optional, type = "boolean | null")]
        clamp: Option<bool>,
    }
}

/// Beyond Nova: all windows that lie between two moments, oldest first; at most 100,000.
#[wasm_bindgen(js_name = windowsBetween, unchecked_return_type = "Window[]")]
pub fn windows_between(options: &Ts<WindowsBetweenOptions>) -> Result<JsValue> {
    let options = options::read(options)?;
    let config = config(options.release, options.audit_period);
    let period = Period::parse(config.release, &config.instance_usage_audit_period)?;
    let period = if options.clamp == Some(true) { period.clamp() } else { period };
    Ok(period.windows_between(options.begin.wanted("begin")?, options.end.wanted("end")?)?.to_js())
}

/// A configuration for what asks only for the release and the period.
pub fn config(Release(release): Release, audit_period: Option<String>) -> Config {
    let config = Config::new(release, String::new());
    match audit_period {
        Some(instance_usage_audit_period) => Config { instance_usage_audit_period, ..config },
        None => config,
    }
}
