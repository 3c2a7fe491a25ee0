//! A face: one way to reach the library's functions.

mod action;
mod component;
pub mod device;
pub mod fault;
mod js;
mod native;
pub mod volume;

use anyhow::Result;
use nova_compute_utils::fault::Failure as Fault;
use nova_compute_utils::{Config, Context, Release};

pub use action::{ActionFace, GivenExcVal, Reported, Subject};
pub use component::ComponentFace;
pub use js::JsFace;
pub use native::NativeFace;

use crate::script::Script;
use crate::tables::Tables;

/// Why a function failed, as a face tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The stable code.
    pub code: String,
    /// The line for people.
    pub message: String,
}

/// What a function answered. JSON where the value is a document, so that all faces can be held against the same
/// vectors.
pub type Answer<T = String> = std::result::Result<T, Failure>;

/// The begin and the end of a window, `YYYY-MM-DDTHH:MM:SS.ffffff`.
pub type Bounds = (String, String);

/// What a payload is made of beside the instance; documents are JSON.
#[derive(Debug, Clone, Default)]
pub struct Info<'a> {
    /// A list of vifs.
    pub network_info: Option<&'a str>,
    /// In place of the instance's own.
    pub system_metadata: Option<&'a str>,
    /// Is the image URL filled in?
    pub populate_image_ref_url: bool,
    /// Did the times reach Nova as text?
    pub times_are_text: bool,
    /// More keys for the payload.
    pub extra: Option<&'a str>,
}

/// What a caller may ask of `notify_about_instance_usage`; documents are JSON.
#[derive(Debug, Clone, Default)]
pub struct UsageOptions<'a> {
    /// Who speaks.
    pub host: Option<&'a str>,
    /// A list of vifs.
    pub network_info: Option<&'a str>,
    /// In place of the instance's own.
    pub system_metadata: Option<&'a str>,
    /// More keys for the payload.
    pub extra_usage_info: Option<&'a str>,
    /// Why it went wrong.
    pub fault: Option<Fault>,
    /// A notifier that fails is no error.
    pub best_effort: bool,
    /// Did the times reach Nova as text?
    pub times_are_text: bool,
}

/// What a caller may ask of `notify_usage_exists`; documents are JSON.
#[derive(Debug, Clone, Default)]
pub struct ExistsOptions<'a> {
    /// The current period in place of the last completed one.
    pub current_period: bool,
    /// No network data, no bandwidth.
    pub ignore_missing_network_data: bool,
    /// In place of the instance's own.
    pub system_metadata: Option<&'a str>,
    /// More keys for the payload.
    pub extra_usage_info: Option<&'a str>,
    /// Did the times reach Nova as text?
    pub times_are_text: bool,
}

/// One way to reach the library's functions. An outer error says that the face itself broke.
pub trait Face: ActionFace + device::DeviceFace + fault::FaultFace + volume::VolumeFace {
    /// The word for it on the command line.
    fn name(&self) -> &'static str;

    /// Do its numbers tell `1.0` from `1`? And does its clock tell fractions of a microsecond?
    fn has_floats(&self) -> bool {
        true
    }

    /// The surroundings that its functions call out to.
    fn script(&self) -> &Script;

    /// The conductor whose tables stand behind it.
    fn tables(&mut self) -> Result<&mut dyn Tables>;

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
    fn info_from_instance(&mut self, config: &Config, instance: &str, info: &Info<'_>) -> Result<Answer>;

    /// Nova: `image_meta`.
    fn image_meta(&mut self, system_metadata: &str) -> Result<Answer>;

    /// Nova: `NetworkInfo.hydrate`, given JSON text.
    fn hydrate(&mut self, release: Release, network_info: &str) -> Result<Answer>;

    /// Nova: `get_nw_info_for_instance`.
    fn get_nw_info_for_instance(&mut self, instance: &str) -> Result<Answer>;

    /// Nova: `get_network_info`.
    fn get_network_info(&mut self, instance: &str) -> Result<Answer<Option<String>>>;

    /// Nova: `bandwidth_usage`.
    fn bandwidth_usage(
        &mut self,
        instance: &str,
        audit_start: &str,
        ignore_missing_network_data: bool,
    ) -> Result<Answer<Option<String>>>;

    /// Nova: `notify_about_instance_usage`.
    fn notify_about_instance_usage(
        &mut self,
        config: &Config,
        context: &Context,
        instance: &str,
        event_suffix: &str,
        options: &UsageOptions<'_>,
    ) -> Result<Answer<()>>;

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
