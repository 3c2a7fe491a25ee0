//! Audit windows.

use std::prelude::v1::*;

use chrono::NaiveDateTime;
use wasm_bindgen::prelude::*;

use super::error::Result;
use super::options::{self, options, record};
use super::record::ToJs;
use super::time::now;
use crate::Release;
use crate::period::{self, Period, Window};

/// Nova's default of `instance_usage_audit_period`.
pub const DEFAULT_AUDIT_PERIOD: &str = "month";

record! {
    /// A window, with its end excluded.
    pub interface WindowInput for Window {
        /// Begin of the window.
        begin: NaiveDateTime,
        /// End of the window.
        end: NaiveDateTime,
    }
}

options! {
    /// The period and the time before which its window completed.
    pub struct LastCompletedAuditPeriodOptions {
        release: Release,
        /// The period in place of the configured one.
        unit: Option<String>,
        /// The configured period [default: `month`].
        audit_period: Option<String>,
        /// The time before which the window completed [default: now].
        before: Option<NaiveDateTime>,
        /// Whether an offset past the end of a month means its last day, where Nova raises. Beyond Nova.
        clamp: Option<bool>,
    }
}

/// Returns the window that completed last before a time. Nova: `last_completed_audit_period`.
///
/// Throws `ValueError` for an invalid period or offset, and `OverflowError` for a step out of the calendar.
#[wasm_bindgen(js_name = lastCompletedAuditPeriod, unchecked_return_type = "Window")]
pub fn last_completed_audit_period(
    #[wasm_bindgen(unchecked_param_type = "LastCompletedAuditPeriodOptions")] options: &JsValue,
) -> Result<JsValue> {
    let options: LastCompletedAuditPeriodOptions = options::read(options)?;
    let audit_period = options.audit_period.as_deref().unwrap_or(DEFAULT_AUDIT_PERIOD);
    let unit = options.unit.as_deref().filter(|unit| !unit.is_empty());
    let before = options.before.unwrap_or_else(now);
    let window = if options.clamp == Some(true) {
        Period::parse(options.release, unit.unwrap_or(audit_period))?.clamp().last_completed(before)?
    } else {
        period::last_completed_audit_period(options.release, audit_period, unit, before)?
    };
    Ok(window.to_js())
}

options! {
    /// The period whose bounds to compute.
    pub struct AuditPeriodBoundsOptions {
        release: Release,
        /// The configured period [default: `month`].
        audit_period: Option<String>,
        /// Whether to return the time from the end of the last completed window to now, in place of that window.
        current_period: Option<bool>,
        /// The current time [default: the engine's clock].
        now: Option<NaiveDateTime>,
    }
}

/// Returns the bounds of the configured period. Nova: `audit_period_bounds`.
#[wasm_bindgen(js_name = auditPeriodBounds, unchecked_return_type = "Window")]
pub fn audit_period_bounds(
    #[wasm_bindgen(unchecked_param_type = "AuditPeriodBoundsOptions")] options: &JsValue,
) -> Result<JsValue> {
    let options: AuditPeriodBoundsOptions = options::read(options)?;
    let audit_period = options.audit_period.as_deref().unwrap_or(DEFAULT_AUDIT_PERIOD);
    let (current, now) = (options.current_period.unwrap_or_default(), options.now.unwrap_or_else(now));
    Ok(period::audit_period_bounds(options.release, audit_period, current, now)?.to_js())
}

options! {
    /// The period and the range of its windows.
    pub struct WindowsBetweenOptions {
        release: Release,
        /// `hour`, `day`, `month` or `year`, optionally with `@offset` [default: `month`].
        audit_period: Option<String>,
        /// The earliest begin of a window.
        begin: NaiveDateTime,
        /// The latest end of a window.
        end: NaiveDateTime,
        /// Whether an offset past the end of a month means its last day, where Nova raises.
        clamp: Option<bool>,
    }
}

/// Returns all windows that lie between two times, oldest first; at most 100,000. Beyond Nova.
#[wasm_bindgen(js_name = windowsBetween, unchecked_return_type = "Window[]")]
pub fn windows_between(
    #[wasm_bindgen(unchecked_param_type = "WindowsBetweenOptions")] options: &JsValue,
) -> Result<JsValue> {
    let WindowsBetweenOptions { release, audit_period, begin, end, clamp } = options::read(options)?;
    let period = Period::parse(release, audit_period.as_deref().unwrap_or(DEFAULT_AUDIT_PERIOD))?;
    let period = if clamp == Some(true) { period.clamp() } else { period };
    Ok(period.windows_between(begin, end)?.to_js())
}
