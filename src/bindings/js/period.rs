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
    /// One window of a period. It begins when the previous window ends.
    pub interface WindowInput for Window {
        /// The begin, which belongs to the window.
        begin: NaiveDateTime,
        /// The end, which does not belong to the window.
        end: NaiveDateTime,
    }
}

options! {
    /// The period, and the timestamp before which its window is complete.
    pub struct LastCompletedAuditPeriodOptions {
        release: Release,
        /// Overrides `auditPeriod` unless it is null or empty.
        unit: Option<String>,
        /// The configured period [default: `month`].
        audit_period: Option<String>,
        /// The timestamp before which the window is complete [default: the current time].
        before: Option<NaiveDateTime>,
        /// Whether an offset past the end of a month means its last day (`month@31`). Nova fails in that case.
        clamp: Option<bool>,
    }
}

/// Returns the last window that is complete before a timestamp; a window that ends exactly then is not complete yet.
/// Nova: `last_completed_audit_period`.
///
/// Throws `ValueError` on an invalid period or offset, and `OverflowError` when a window leaves the calendar.
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
    /// The period, and the current time.
    pub struct AuditPeriodBoundsOptions {
        release: Release,
        /// The configured period [default: `month`].
        audit_period: Option<String>,
        /// Whether to return the window from the end of the last completed window until now, instead of that window.
        current_period: Option<bool>,
        /// The current time [default: the engine's clock].
        now: Option<NaiveDateTime>,
    }
}

/// Returns the last completed window or, with `currentPeriod`, the window from its end until now. Nova:
/// `audit_period_bounds`.
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
        /// Whether an offset past the end of a month means its last day (`month@31`). Nova fails in that case.
        clamp: Option<bool>,
    }
}

/// Returns all windows that lie between two timestamps, oldest first, including a window that begins at `begin` or ends
/// at `end`. Throws `ValueError` when there are more than 100,000 windows. Nova has no such function.
#[wasm_bindgen(js_name = windowsBetween, unchecked_return_type = "Window[]")]
pub fn windows_between(
    #[wasm_bindgen(unchecked_param_type = "WindowsBetweenOptions")] options: &JsValue,
) -> Result<JsValue> {
    let WindowsBetweenOptions { release, audit_period, begin, end, clamp } = options::read(options)?;
    let period = Period::parse(release, audit_period.as_deref().unwrap_or(DEFAULT_AUDIT_PERIOD))?;
    let period = if clamp == Some(true) { period.clamp() } else { period };
    Ok(period.windows_between(begin, end)?.to_js())
}
