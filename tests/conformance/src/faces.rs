//! A face: one way to reach the library's functions.

mod component;
mod native;

use anyhow::Result;
use nova_compute_utils::{Config, Context};

pub use component::ComponentFace;
pub use native::NativeFace;

use crate::script::Script;

/// Why a function failed, as a face tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The stable code.
    pub code: String,
    /// The line for people.
    pub message: String,
}

/// What a function answered. JSON where the value is a document, so that all faces can be held against the same vectors.
pub type Answer<T = String> = std::result::Result<T, Failure>;

/// The begin and the end of a window, `YYYY-MM-DDTHH:MM:SS.ffffff`.
pub type Bounds = (String, String);

/// What a caller may ask of `notify_usage_exists`; documents are JSON.
#[derive(Debug, Clone, Default)]
pub struct ExistsOptions<'a> {
    /// The current period in place of the last completed one.
    pub current_period: bool,
    /// In place of the instance's own.
    pub system_metadata: Option<&'a str>,
    /// More keys for the payload.
    pub extra_usage_info: Option<&'a str>,
}

/// One way to reach the library's functions. An outer error says that the face itself broke.
pub trait Face {
    /// The word for it on the command line.
    fn name(&self) -> &'static str;

    /// The surroundings that its functions call out to.
    fn script(&self) -> &Script;

    /// Nova: `last_completed_audit_period`.
    fn last_completed_audit_period(
        &mut self,
        config: &Config,
        unit: Option<&str>,
        before: &str,
    ) -> Result<Answer<Bounds>>;

    /// Nova: `audit_period_bounds`.
    fn audit_period_bounds(&mut self, config: &Config, current_period: bool, now: &str) -> Result<Answer<Bounds>>;

    /// Nova: `info_from_instance`.
    fn info_from_instance(
        &mut self,
        config: &Config,
        instance: &str,
        network_info: Option<&str>,
        populate_image_ref_url: bool,
        extra: Option<&str>,
    ) -> Result<Answer>;

    /// Nova: `notify_usage_exists`.
    fn notify_usage_exists(
        &mut self,
        config: &Config,
        context: &Context,
        instance: &str,
        host: &str,
        options: &ExistsOptions<'_>,
    ) -> Result<Answer<()>>;

    /// Nova: `has_audit_been_run`.
    fn has_audit_been_run(&mut self, config: &Config, host: &str, timestamp: Option<&str>) -> Result<Answer<bool>>;

    /// Nova: `start_instance_usage_audit`.
    fn start_instance_usage_audit(&mut self, window: &Bounds, host: &str, num_instances: i64) -> Result<Answer<()>>;

    /// Nova: `finish_instance_usage_audit`.
    fn finish_instance_usage_audit(
        &mut self,
        window: &Bounds,
        host: &str,
        errors: i64,
        message: Option<&str>,
    ) -> Result<Answer<()>>;

    /// Nova: `_instance_usage_audit`. Was the audit run?
    fn instance_usage_audit(&mut self, config: &Config, context: &Context) -> Result<Answer<bool>>;
}
