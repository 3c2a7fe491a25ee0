//! Instance actions, their events, and the reporter of events.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use nova_compute_utils::Release;
use nova_compute_utils::host::HostError;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Trial, Verdict, error_difference, fault, unexpected};
use crate::faces::Failure;
use crate::script::{Call, Refusal};
use crate::vectors::ExpectedError;

const CALLS: [&str; 4] = ["action_start", "action_finish", "action_event_start", "action_event_finish"];

/// Compares the values of a row.
pub(super) fn pack(trial: &mut Trial<'_>, names: &[&str]) -> Result<Verdict> {
    let names = [&["release", "context", "instance_uuid"], names].concat();
    let answer = trial.face.call(trial.function, &trial.arguments(&names)?)?;
    let release = trial.release;
    trial.judge_as(answer, |values| Ok(mapping(release, serde_json::from_str(&values)?).to_string()))
}

/// Compares a row and the call that writes it. In a case the conductor refuses either all calls or none. Nova returns
/// the row only on request.
pub(super) fn record(trial: &mut Trial<'_>, names: &[&str]) -> Result<Verdict> {
    let function = trial.function.split('.').next_back().unwrap_or_default();
    let mut answers = trial.answers()?;
    if let Err(error) = trial.reply("db")? {
        let instance_uuid = trial.case.args.text("instance_uuid")?.context("the case has no instance_uuid")?;
        answers.refusals =
            CALLS.map(|call| Refusal { call, instance_uuid: instance_uuid.clone(), error: error.clone() }).into();
    }
    let names = [&["config", "context", "instance_uuid"], names].concat();
    let (answer, calls) = trial.play(answers, function, &trial.arguments(&names)?)?;
    let is_returned = trial.case.args.read::<Option<bool>>("want_result")?;
    let is_returned = is_returned.unwrap_or(function != "event_finish_with_failure");
    let verdict = trial.judge_as(answer, |row| Ok(if is_returned { zoned(&row)? } else { "null".to_owned() }))?;
    Ok(trial.with_calls(verdict, &outgoing_calls(trial.release, &calls)))
}

pub(super) fn event_reporter(trial: &mut Trial<'_>) -> Result<Verdict> {
    /// The exception that the work raises, and its frames.
    #[derive(Deserialize)]
    struct Body {
        raise: Box<RawValue>,
        traceback_lines: Vec<String>,
    }
    #[derive(Deserialize)]
    struct Reported {
        body_ran: bool,
        swallowed: bool,
        raised: Option<Failure>,
    }
    #[derive(Deserialize)]
    struct Expected {
        body_ran: bool,
        suppressed: Option<bool>,
        raised: Option<ExpectedError>,
    }
    // The reporter reads no row.
    let mut answers = trial.answers()?;
    answers.returns_rows = false;
    for call in ["action_event_start", "action_event_finish"] {
        let refusals: Option<BTreeMap<String, Refused>> = trial.case.host.read(call)?;
        for (instance_uuid, refused) in refusals.unwrap_or_default() {
            answers.refusals.push(Refusal { call, instance_uuid, error: refused.raise.error()? });
        }
    }
    let refusals = answers.refusals.clone();
    let body = match trial.case.args.read::<Option<Body>>("body")? {
        None => None,
        Some(body) => Some(fault::exception(body.raise.get())?.with("traceback", body.traceback_lines.concat())),
    };
    let names = ["config", "context", "event_name", "host", "instance_uuids", "graceful_exit"];
    let arguments = trial.arguments(&names)?.with("body", body);
    let (answer, calls) = trial.play(answers, "report_event", &arguments)?;
    let reported: Reported = match answer {
        Ok(reported) => serde_json::from_str(&reported)?,
        Err(failure) => return Ok(Verdict::Failed(format!("no report: {failure:?}"))),
    };
    let expected: Expected = serde_json::from_str(trial.case.expected())?;
    // Nova's exit reports "handled" even when the work did not fail.
    let is_handled = reported.raised.is_none() && trial.face.script().refused_to_finish();
    let suppressed = reported.swallowed || is_handled;
    ensure!(
        (expected.body_ran, expected.suppressed.unwrap_or_default()) == (reported.body_ran, suppressed),
        "the work ran: {}, its failure is suppressed: {suppressed}",
        reported.body_ran
    );
    let difference = match (expected.raised, reported.raised) {
        (None, None) => None,
        (Some(mut expected), Some(raised)) => {
            let refusal = refusals.iter().find(|refusal| refusal.error.code == raised.code);
            expected.kwargs = refusal.and_then(|refusal| serde_json::from_str(&refusal.error.arguments).ok());
            error_difference(&expected, &raised)
        }
        (expected, raised) => Some(format!("expected {expected:?}, got {raised:?}")),
    };
    let verdict = difference.map_or(Verdict::Passed, Verdict::Failed);
    Ok(trial.with_calls(verdict, &outgoing_calls(trial.release, &calls)))
}

#[derive(Deserialize)]
struct Refused {
    raise: Raise,
}

/// How an exception was built.
#[derive(Deserialize)]
struct Raise {
    #[serde(rename = "type")]
    class: String,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    kwargs: BTreeMap<String, String>,
}

impl Raise {
    /// Returns the exception with Nova's own message.
    fn error(self) -> Result<HostError> {
        let keyword = |name: &str| self.kwargs.get(name).with_context(|| format!("no {name} in {}", self.class));
        let message = match self.class.as_str() {
            "InstanceActionNotFound" => {
                let (request_id, instance_uuid) = (keyword("request_id")?, keyword("instance_uuid")?);
                format!("Action for request_id {request_id} on instance {instance_uuid} not found")
            }
            _ => self.args.first().cloned().with_context(|| format!("no text in {}", self.class))?,
        };
        Ok(HostError::new(self.class, message).with_arguments(json!(self.kwargs).to_string()))
    }
}

/// Returns a row whose timestamps have a zone, as in Nova's objects.
fn zoned(row: &str) -> Result<String> {
    let mut row: Value = serde_json::from_str(row)?;
    for (key, value) in row.as_object_mut().into_iter().flatten() {
        if let Some(time) = value.as_str().filter(|_| key.ends_with("_at") || key.ends_with("_time")) {
            *value = format!("{time}+00:00").into();
        }
    }
    Ok(row.to_string())
}

/// Returns the calls as the release makes them.
fn outgoing_calls(release: Release, calls: &[Call]) -> Vec<String> {
    let receiver = match release {
        Release::Grizzly => "conductor",
        Release::Hibiscus => "db",
    };
    let call = |call: &Call| {
        let values = serde_json::from_str(&call.arguments.to_string()).unwrap_or_default();
        let name = format!("{receiver}.{}", call.name);
        if !CALLS.contains(&call.name.as_str()) {
            return unexpected(call);
        }
        json!({ "call": name, "args": ["$context", mapping(release, values)] }).to_string()
    };
    calls.iter().map(call).collect()
}

/// Returns the values as Nova's mapping, which lacks the keys that do not apply.
fn mapping(release: Release, mut values: Value) -> Value {
    if let Some(values) = values.as_object_mut() {
        values.retain(|key, value| match key.as_str() {
            "updated_at" | "message" | "details" | "traceback" => !value.is_null(),
            "host" => release == Release::Hibiscus || !value.is_null(),
            _ => true,
        });
    }
    values
}
