//! The hours of servers.

use std::prelude::v1::*;

use chrono::NaiveDateTime;
use wasm_bindgen::prelude::*;

use super::error::Result;
use super::host::Documents;
use super::options::{self, options};
use super::record::ToJs;
use super::time::now;
use crate::Error;
use crate::instance::Instance;
use crate::period::Window;
use crate::tenant_usage::{self, UsageKey};

options! {
    /// The life of a server, and the window.
    pub struct HoursForOptions {
        /// When the server was launched.
        launched_at: Option<NaiveDateTime>,
        /// When the server was terminated.
        terminated_at: Option<NaiveDateTime>,
        /// The window.
        window: Window,
    }
}

/// Returns the hours of a server in a window; an instance that was never launched has none. Nova: `_hours_for` of the API
/// `os-simple-tenant-usage`.
///
/// Hours count existence, not running time: a server that is shut off, suspended or shelved has the hours of an active
/// one. Windows are half-open, so that the hours of windows that follow each other add up. A server that still exists
/// counts until the end of the window, also when that lies in the future.
#[wasm_bindgen(js_name = hoursFor)]
pub fn hours_for(#[wasm_bindgen(unchecked_param_type = "HoursForOptions")] options: &JsValue) -> Result<f64> {
    let HoursForOptions { launched_at, terminated_at, window } = options::read(options)?;
    Ok(tenant_usage::hours_for(launched_at, terminated_at, window))
}

options! {
    /// The instances of a period.
    pub struct TenantUsagesForPeriodOptions {
        /// The instances that were alive in the period.
        instances: Documents,
        /// The period.
        window: Window,
        /// The current time, for `uptime` [default: the engine's clock].
        now: Option<NaiveDateTime>,
        /// Whether to list the servers of each project [default: true].
        detailed: Option<bool>,
    }
}

/// Returns the usage of each project in a period, in the order in which the projects first occur. Nova:
/// `_tenant_usages_for_period` of the API `os-simple-tenant-usage`.
///
/// Hours are those of `hoursFor`. Sizes come from the flavor or, for an instance of `grizzly`, which has no `flavor`, from
/// its columns and its system metadata. Throws `AttributeError` when an instance was never launched, and `ValueError` when
/// it has no UUID or no sizes.
#[wasm_bindgen(js_name = tenantUsagesForPeriod, unchecked_return_type = "TenantUsage[]")]
pub fn tenant_usages_for_period(
    #[wasm_bindgen(unchecked_param_type = "TenantUsagesForPeriodOptions")] options: &JsValue,
) -> Result<JsValue> {
    let TenantUsagesForPeriodOptions { instances: Documents(instances), window, now, detailed } =
        options::read(options)?;
    let (instances, now) = (parse(&instances)?, now.unwrap_or_else(self::now));
    Ok(tenant_usage::tenant_usages_for_period(&instances, window, now, detailed.unwrap_or(true))?.to_js())
}

options! {
    /// The instances of a window, and how they are grouped.
    pub struct UsagesByOptions {
        /// The instances. Those that were not alive in the window do not count.
        instances: Documents,
        /// The window.
        window: Window,
        /// What the instances are grouped by.
        key: UsageKey,
    }
}

/// Returns the usage of each project, flavor, host or availability zone in a window, ordered by its name; null comes
/// first. The sums do not depend on the order of the instances. Hours are those of `hoursFor`, sizes those of
/// `tenantUsagesForPeriod`. Nova has no such function.
#[wasm_bindgen(js_name = usagesBy, unchecked_return_type = "UsageGroup[]")]
pub fn usages_by(#[wasm_bindgen(unchecked_param_type = "UsagesByOptions")] options: &JsValue) -> Result<JsValue> {
    let UsagesByOptions { instances: Documents(instances), window, key } = options::read(options)?;
    Ok(tenant_usage::usages_by(&parse(&instances)?, window, key)?.to_js())
}

options! {
    /// The settings that all lines share.
    pub struct HoursNdjsonOptions {
        /// The windows.
        windows: Vec<Window>,
        /// The number of the first line [default: 1].
        first_line: Option<u64>,
    }
}

/// Counts the hours of many instances: reads one instance per line (NDJSON) and returns one line per instance and window
/// in which the instance has hours, an object with `uuid`, `project_id`, `flavor`, `host`, `availability_zone`, `begin`,
/// `end`, `hours`, `vcpus_hours`, `memory_mb_hours` and `local_gb_hours`. Nova has no such function.
///
/// A line that cannot be read yields `{"line": 3, "error": {"code": "ValueError", "message": "…"}}` in its place. Blank
/// lines are counted and skipped. Use `hoursNdjsonStream` for input that does not fit in memory.
#[wasm_bindgen(js_name = hoursNdjson)]
pub fn hours_ndjson(
    #[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "HoursNdjsonOptions")] options: &JsValue,
) -> Result<String> {
    let text: String = options::value(text, "text")?;
    let HoursNdjsonOptions { windows, first_line } = options::read(options)?;
    let mut output = String::new();
    tenant_usage::hours_ndjson(&windows, first_line.unwrap_or(1), &text, &mut output);
    Ok(output)
}

fn parse(instances: &[String]) -> core::result::Result<Vec<Instance<'_>>, Error> {
    instances.iter().map(|instance| Instance::parse(instance)).collect()
}
