//! How the cases of each function are put to a face.

mod action;
mod audit;
mod device;
mod fault;
mod network;
mod period;
mod tables;
mod usage;
mod volume;

use anyhow::{Context as _, Result};
use nova_compute_utils::{Context, Release};
use serde::Deserialize;

use crate::faces::{Answer, Face};
use crate::json;
use crate::vectors::{Case, ExpectedError};

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As in Nova.
    Passed,
    /// Not as in Nova: where, and how.
    Failed(String),
    /// Not put to the face, by this rule.
    SetAside(&'static str),
}

/// How a case is put to a face.
pub type Runner = fn(&mut dyn Face, Release, &Case) -> Result<Verdict>;

/// The runner of a function; nothing when it is not built yet.
#[must_use]
pub fn runner(release: Release, function: &str) -> Option<Runner> {
    let both: Option<Runner> = match function {
        "last_completed_audit_period" => Some(period::last_completed_audit_period),
        "audit_period_bounds" => Some(period::audit_period_bounds),
        "info_from_instance" => Some(usage::info_from_instance),
        "image_meta" => Some(usage::image_meta),
        "notify_about_instance_usage" => Some(usage::notify_about_instance_usage),
        "notify_usage_exists" => Some(usage::notify_usage_exists),
        "NetworkInfo.hydrate" => Some(network::hydrate),
        "instance_get_active_by_window_joined" => Some(audit::instance_get_active_by_window_joined),
        "_instance_usage_audit" => Some(audit::instance_usage_audit),
        "has_audit_been_run" => Some(audit::has_audit_been_run),
        "start_instance_usage_audit" => Some(audit::start_instance_usage_audit),
        "finish_instance_usage_audit" => Some(audit::finish_instance_usage_audit),
        "pack_action_start" => Some(action::pack_action_start),
        "pack_action_finish" => Some(action::pack_action_finish),
        "pack_action_event_start" => Some(action::pack_action_event_start),
        "pack_action_event_finish" => Some(action::pack_action_event_finish),
        name if name.starts_with("db_") => Some(tables::operations),
        "EventReporter" => Some(action::event_reporter),
        _ => None,
    };
    let of_module = || {
        device::runner(release, function)
            .or_else(|| fault::runner(release, function))
            .or_else(|| volume::runner(release, function))
    };
    both.or_else(of_module).or(match (release, function) {
        (Release::Grizzly, "bandwidth_usage") => Some(usage::bandwidth_usage),
        (Release::Grizzly, "get_nw_info_for_instance") => Some(network::get_nw_info_for_instance),
        (Release::Hibiscus, "get_network_info") => Some(network::get_network_info),
        (Release::Hibiscus, "InstanceAction.action_start") => Some(action::action_start),
        (Release::Hibiscus, "InstanceAction.action_finish") => Some(action::action_finish),
        (Release::Hibiscus, "InstanceActionEvent.event_start") => Some(action::event_start),
        (Release::Hibiscus, "InstanceActionEvent.event_finish") => Some(action::event_finish),
        (Release::Hibiscus, "InstanceActionEvent.event_finish_with_failure") => Some(action::event_finish_with_failure),
        _ => None,
    })
}

/// Hold an answer against what Nova answered; the value of an answer as JSON.
fn judge<T>(case: &Case, answer: Answer<T>, value: impl FnOnce(T) -> String) -> Verdict {
    let difference = match (&case.error, answer) {
        (None, Ok(answer)) => json::difference(case.expected(), &value(answer)),
        (None, Err(failure)) => Some(format!("unexpected error {}: {}", failure.code, failure.message)),
        (Some(expected), Ok(_)) => Some(format!("expected {}: {}, got a value", expected.class, expected.message)),
        (Some(expected), Err(failure)) => differs(expected, &failure.code, &failure.message),
    };
    difference.map_or(Verdict::Passed, Verdict::Failed)
}

fn differs(expected: &ExpectedError, code: &str, message: &str) -> Option<String> {
    let incidental = expected.builtin || expected.library;
    let same = expected.class == code && (incidental || expected.message == message);
    (!same).then(|| format!("expected {}: {}, got {code}: {message}", expected.class, expected.message))
}

/// A verdict that also wants the outgoing calls to be Nova's.
fn with_calls(verdict: Verdict, case: &Case, calls: &[String]) -> Verdict {
    let Some(expected) = case.calls.as_ref().filter(|_| verdict == Verdict::Passed) else {
        return verdict;
    };
    if expected.len() != calls.len() {
        return Verdict::Failed(format!("expected {} calls, got {}: {calls:?}", expected.len(), calls.len()));
    }
    for (at, (expected, actual)) in expected.iter().zip(calls).enumerate() {
        if let Some(difference) = json::difference(expected.get(), actual) {
            return Verdict::Failed(format!("call {at}, {difference}"));
        }
    }
    Verdict::Passed
}

/// An error that the surroundings raise. Its text is what Nova let through.
#[derive(Debug, Deserialize)]
struct Raised {
    #[serde(rename = "type")]
    class: String,
}

/// What the surroundings answer to a call: the JSON of a value, or an error.
fn answer_of(
    case: &Case,
    call: &str,
) -> Result<std::result::Result<Option<String>, nova_compute_utils::host::HostError>> {
    let Some(answer) = case.host.json(call) else {
        return Ok(Ok(None));
    };
    let answer = json::object(answer).with_context(|| format!("the answer to {call} is {answer}"))?;
    if let Some(raised) = answer.get("raise") {
        let raised: Raised = serde_json::from_str(raised.get())?;
        let message = case.error.as_ref().map_or("", |error| &error.message);
        return Ok(Err(nova_compute_utils::host::HostError::new(raised.class, message)));
    }
    Ok(Ok(answer.get("return").map(|value| value.get().to_owned())))
}

/// The context of a case.
fn context(case: &Case) -> Result<Context> {
    #[derive(Deserialize)]
    struct Given {
        user_id: Option<String>,
        project_id: Option<String>,
        request_id: Option<String>,
        timestamp: Option<String>,
    }
    let given: Given = case.args.read("context")?;
    Ok(Context {
        user_id: given.user_id,
        project_id: given.project_id,
        request_id: given.request_id,
        timestamp: given.timestamp.as_deref().map(nova_compute_utils::time::parse).transpose()?,
    })
}

fn now(case: &Case) -> Result<&str> {
    case.now.as_deref().context("the case has no clock")
}
