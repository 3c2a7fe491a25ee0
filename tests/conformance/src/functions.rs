//! Calls a face with the cases of each function, and judges the answers.

mod action;
mod audit;
mod device;
mod fault;
mod notification;
mod reconcile;
mod tables;
mod tenant_usage;
mod usage;
mod verify;

use anyhow::{Context as _, Result, bail, ensure};
use nova_compute_utils::Release;
use nova_compute_utils::host::HostError;
use nova_compute_utils::time;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::arguments::{Arguments, parse};
use crate::faces::{Answer, Context, Face, Failure};
use crate::json;
use crate::script::{Answers, Call, Reply, are_message_ids};
use crate::vectors::{Case, ExpectedError};

/// The outcome of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The outcome is Nova's.
    Passed,
    /// The outcome differs from Nova's, with the place and the difference.
    Failed(String),
    /// The case did not run, because of this rule.
    SetAside(&'static str),
}

/// Calls a face with a case and judges the answer.
pub type Runner = fn(&mut Trial<'_>) -> Result<Verdict>;

/// A case and the face that it runs through.
pub struct Trial<'a> {
    /// The face.
    pub face: &'a mut dyn Face,
    /// Which Nova release to reproduce.
    pub release: Release,
    /// The name of the vector file's function.
    pub function: &'a str,
    /// The case.
    pub case: &'a Case,
}

/// Returns the runner of a function; `None` when the library does not have the function.
#[must_use]
pub fn runner(release: Release, function: &str) -> Option<Runner> {
    use Release::{Grizzly, Hibiscus};
    Some(match (release, function) {
        (_, "match_device") => device::match_device,
        (_, "strip_dev") | (Hibiscus, "prepend_dev") => |trial| trial.pass(&["device_name"]),
        (_, "strip_prefix") | (Hibiscus, "get_device_letter") => |trial| trial.pass(&["release", "device_name"]),
        (_, "get_unused_letter") => |trial| trial.pass_as("get_unused_letter", &["release", "used_letters"]),
        (Hibiscus, "generate_device_letter") => |trial| trial.pass(&["index"]),
        (Hibiscus, "generate_device_name") => |trial| trial.pass(&["prefix", "index"]),
        (Hibiscus, "validate_device_name") => |trial| trial.pass(&["value"]),
        (_, "instance_block_mapping") => device::instance_block_mapping,
        (_, "get_device_name_for_instance") => device::get_device_name_for_instance,
        (Hibiscus, "get_next_device_name") => device::get_next_device_name,
        (Hibiscus, "default_device_names_for_instance") => device::default_device_names_for_instance,
        (_, "last_completed_audit_period") => audit::last_completed_audit_period,
        (_, "audit_period_bounds") => audit::audit_period_bounds,
        (_, "NetworkInfo.hydrate") => usage::hydrate,
        (Grizzly, "get_nw_info_for_instance") | (Hibiscus, "get_network_info") => |trial| trial.pass(&["instance"]),
        (_, "image_meta") => |trial| trial.pass(&["system_metadata"]),
        (_, "info_from_instance") => usage::info_from_instance,
        (Hibiscus, "InstanceExistsPayload") => usage::instance_exists_payload,
        (_, "notify_about_instance_usage") => usage::notify_about_instance_usage,
        (_, "notify_usage_exists") => usage::notify_usage_exists,
        (_, "read_notification") => notification::read_notification,
        (Grizzly, "bandwidth_usage") => usage::bandwidth_usage,
        (_, "exists_ndjson") => tenant_usage::exists_ndjson,
        (_, "hours_for") => tenant_usage::hours_for,
        (_, "tenant_usages_for_period") => tenant_usage::tenant_usages_for_period,
        (_, "usages_by") => tenant_usage::usages_by,
        (_, "hours_ndjson") => tenant_usage::hours_ndjson,
        (_, "verify_usage") => verify::verify_usage,
        (_, "reconcile_instance") => reconcile::reconcile_instance,
        (Grizzly, "usage_volume_info") | (Hibiscus, "VolumeUsage.to_dict") => {
            |trial| trial.pass_as("usage_volume_info", &["release", "vol_usage", "times_are_text"])
        }
        (Hibiscus, "notify_about_volume_usage") => usage::notify_about_volume_usage,
        (_, "instance_get_active_by_window_joined") => audit::instance_get_active_by_window_joined,
        (_, "_instance_usage_audit") => audit::instance_usage_audit,
        (_, "continued_instance_usage_audit") => audit::continued_instance_usage_audit,
        (_, "deterministic_message_id") => {
            |trial| trial.pass(&["release", "event_type", "host", "window", "instance_uuid"])
        }
        (_, "get_audit_task_logs") => audit::get_audit_task_logs,
        (_, "get_audit_coverage") => audit::get_audit_coverage,
        (_, "has_audit_been_run") => audit::has_audit_been_run,
        (_, "start_instance_usage_audit") => audit::start_instance_usage_audit,
        (_, "finish_instance_usage_audit") => audit::finish_instance_usage_audit,
        (Hibiscus, "exception_to_dict") => fault::exception_to_dict,
        (Hibiscus, "safe_truncate") => |trial| trial.pass(&["value", "length"]),
        (_, "add_instance_fault_from_exc") => fault::add_instance_fault_from_exc,
        (_, "pack_action_start") => |trial| action::pack(trial, &["action_name"]),
        (_, "pack_action_finish") => |trial| action::pack(trial, &["now"]),
        (_, "pack_action_event_start") => |trial| action::pack(trial, &["event_name", "host", "now"]),
        (_, "pack_action_event_finish") => |trial| action::pack(trial, &["event_name", "exc_val", "exc_tb", "now"]),
        (Hibiscus, "InstanceAction.action_start") => |trial| action::record(trial, &["action_name"]),
        (Hibiscus, "InstanceAction.action_finish") => |trial| action::record(trial, &[]),
        (Hibiscus, "InstanceActionEvent.event_start") => |trial| action::record(trial, &["event_name", "host"]),
        (Hibiscus, "InstanceActionEvent.event_finish") => |trial| action::record(trial, &["event_name"]),
        (Hibiscus, "InstanceActionEvent.event_finish_with_failure") => {
            |trial| action::record(trial, &["event_name", "exc_val", "exc_tb"])
        }
        (_, "EventReporter") => action::event_reporter,
        (_, name) if name.starts_with("db_") => tables::operations,
        _ => return None,
    })
}

impl Trial<'_> {
    /// Calls the function of the same name and compares its answer.
    fn pass(&mut self, names: &[&str]) -> Result<Verdict> {
        self.pass_as(self.function, names)
    }

    fn pass_as(&mut self, function: &str, names: &[&str]) -> Result<Verdict> {
        let answer = self.face.call(function, &self.arguments(names)?)?;
        Ok(self.judge(answer))
    }

    /// Returns the arguments of these names: settings of the case, or Nova's own arguments. An argument that the case
    /// lacks stays absent.
    fn arguments(&self, names: &[&str]) -> Result<Arguments> {
        names.iter().try_fold(Arguments::default(), |arguments, name| {
            Ok(match *name {
                "release" => arguments.with(name, self.release.as_str()),
                "now" => arguments.with(name, self.now()?),
                "config" => arguments.with(name, self.config()),
                "context" => arguments.with(name, self.context()?),
                "times_are_text" => arguments.with(name, self.case.times_are_strings),
                "max_disk_devices_to_attach" => {
                    arguments.with(name, self.case.setting("compute.max_disk_devices_to_attach").unwrap_or(json!(-1)))
                }
                "instance_usage_audit_period" | "compute_driver" | "glance_endpoint" => {
                    arguments.with(name, self.case.setting(name))
                }
                "exc_val" => arguments.with(name, fault::exc_val(self.case)?),
                "exc_tb" => arguments.with(name, fault::exc_tb(self.case)?),
                _ => arguments.copying(&[name], &self.case.args),
            })
        })
    }

    /// Returns the settings of the case, or Nova's defaults.
    fn config(&self) -> Arguments {
        let setting = |name: &str, default: Value| self.case.setting(name).unwrap_or(default);
        Arguments::default()
            .with("release", self.release.as_str())
            .with("host", setting("host", json!("")))
            .with("instance_usage_audit_period", setting("instance_usage_audit_period", json!("month")))
            .with("notification_format", setting("notifications.notification_format", json!("unversioned")))
            .with("bdms_in_notifications", setting("notifications.bdms_in_notifications", json!(false)))
            .with("include_share_mapping", setting("notifications.include_share_mapping", json!(false)))
    }

    /// Returns the request context of the case, or a default one that callbacks must get too.
    fn context(&self) -> Result<Arguments> {
        let default =
            json!({ "user_id": "u", "project_id": "p", "request_id": "req-1", "timestamp": null }).to_string();
        let given: Arguments = parse(self.case.args.json("context").unwrap_or(&default))?;
        let context = Arguments::default().copying(&["user_id", "project_id", "request_id", "timestamp"], &given);
        Ok(context.with("glance_endpoint", self.case.setting("glance_endpoint")))
    }

    fn now(&self) -> Result<&str> {
        self.case.now.as_deref().context("the case has no clock")
    }

    /// Returns answers with the clock of the case.
    fn answers(&self) -> Result<Answers> {
        let now = self.case.now.as_deref().map(time::parse).transpose()?.unwrap_or_default();
        Ok(Answers { now, returns_rows: true, ..Answers::default() })
    }

    /// Calls a function whose host gives these answers, and returns the result and the callbacks. Fails when a callback
    /// gets another context than the call, or when the message ids are not random.
    fn play(&mut self, answers: Answers, function: &str, arguments: &Arguments) -> Result<(Answer, Vec<Call>)> {
        let (answer, calls) = self.play_with_any_ids(answers, function, arguments)?;
        let ids = message_ids(&calls)?;
        ensure!(are_message_ids(&ids), "message ids {ids:?}");
        Ok((answer, calls))
    }

    /// Calls a function as [`Self::play`] does, with message ids of any kind.
    fn play_with_any_ids(
        &mut self,
        answers: Answers,
        function: &str,
        arguments: &Arguments,
    ) -> Result<(Answer, Vec<Call>)> {
        let script = self.face.script().clone();
        script.play(answers);
        let answer = self.face.call(function, arguments)?;
        let (context, calls): (Context, _) = (arguments.read("context")?, script.calls());
        if let Some(other) = script.contexts().iter().find(|other| **other != context) {
            bail!("a callback got the context {other:?}");
        }
        Ok((answer, calls))
    }

    /// Compares an answer with Nova's.
    fn judge(&self, answer: Answer) -> Verdict {
        self.judge_as(answer, Ok).unwrap_or_else(|broken| Verdict::Failed(format!("{broken:#}")))
    }

    /// Compares an answer with Nova's after it is brought into Nova's form.
    fn judge_as(&self, answer: Answer, form: impl FnOnce(String) -> Result<String>) -> Result<Verdict> {
        let difference = match (&self.case.error, answer) {
            (None, Ok(answer)) => json::difference(self.case.expected(), &form(answer)?),
            (None, Err(failure)) => Some(format!("unexpected error {}: {}", failure.code, failure.message)),
            (Some(expected), Ok(_)) => Some(format!("expected {}: {}, got a value", expected.class, expected.message)),
            (Some(expected), Err(failure)) => error_difference(expected, &failure),
        };
        Ok(difference.map_or(Verdict::Passed, Verdict::Failed))
    }

    /// Compares the callbacks with Nova's outgoing calls, unless the answer differs already.
    fn with_calls(&self, verdict: Verdict, calls: &[String]) -> Verdict {
        let Some(expected) = self.case.calls.as_ref().filter(|_| verdict == Verdict::Passed) else {
            return verdict;
        };
        if expected.len() != calls.len() {
            return Verdict::Failed(format!("expected {} calls, got {}: {calls:?}", expected.len(), calls.len()));
        }
        for (index, (expected, actual)) in expected.iter().zip(calls).enumerate() {
            if let Some(difference) = json::difference(expected.get(), actual) {
                return Verdict::Failed(format!("call {index}, {difference}"));
            }
        }
        Verdict::Passed
    }

    /// Returns the reply of the case's surroundings to a call: JSON, or an error with the text that Nova passed on.
    fn reply(&self, call: &str) -> Result<Reply> {
        let Some(reply) = self.case.host.json(call) else {
            return Ok(Ok("null".to_owned()));
        };
        let reply: Arguments = parse(reply)?;
        Ok(match reply.read::<Option<Raised>>("raise")? {
            Some(raised) => {
                let message = self.case.error.as_ref().map_or("", |error| &error.message);
                Err(HostError::new(raised.class, message))
            }
            None => Ok(reply.json("return").unwrap_or("null").to_owned()),
        })
    }
}

/// Returns the difference between an expected error and a failure.
fn error_difference(expected: &ExpectedError, failure: &Failure) -> Option<String> {
    let is_incidental = expected.builtin || expected.library;
    let (class, message) = (&expected.class, &expected.message);
    if *class != failure.code || (!is_incidental && *message != failure.message) {
        return Some(format!("expected {class}: {message}, got {}: {}", failure.code, failure.message));
    }
    let kwargs = expected.kwargs.as_ref()?;
    (*kwargs != failure.arguments).then(|| format!("{class}: expected {kwargs}, got {}", failure.arguments))
}

/// Returns the ids of the notifications.
fn message_ids(calls: &[Call]) -> Result<Vec<String>> {
    calls.iter().filter(|call| call.name == "notify").map(|call| call.arguments.read("message_id")).collect()
}

/// An error that the surroundings raise.
#[derive(Debug, Deserialize)]
struct Raised {
    #[serde(rename = "type")]
    class: String,
}

/// Returns a call that no vector contains, for a callback that Nova does not make here.
fn unexpected(call: &Call) -> String {
    json!(format!("unexpected call {}({})", call.name, call.arguments)).to_string()
}

/// Returns a call in the form of the vectors.
fn call_json(name: &str, args: &[&str]) -> String {
    format!(r#"{{"call": {}, "args": [{}]}}"#, json::from_text(name), args.join(", "))
}

/// Returns a member of a record as JSON.
fn member<'a>(record: &'a Arguments, name: &str) -> &'a str {
    record.json(name).unwrap_or("null")
}

/// Wraps JSON text, whose numbers keep every digit.
fn raw(json: String) -> Result<Box<RawValue>> {
    Ok(RawValue::from_string(json)?)
}
