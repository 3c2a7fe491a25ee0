//! Failures and faults.

use anyhow::{Context as _, Result};
use nova_compute_utils::Release;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Trial, Verdict, call_json, raw, unexpected};
use crate::arguments::{Arguments, parse};
use crate::json;
use crate::vectors::Case;

const NULL_MESSAGE: Verdict = Verdict::SetAside("a formatted message is a string or absent in a typed interface");

pub(super) fn exception_to_dict(trial: &mut Trial<'_>) -> Result<Verdict> {
    let fault = trial.case.args.json("fault").context("the case has no fault")?;
    if has_null_message(fault)? {
        return Ok(NULL_MESSAGE);
    }
    let fault = exception(fault)?;
    let answer = trial.face.call("exception_to_dict", &trial.arguments(&["message"])?.with("fault", fault))?;
    trial.judge_as(answer, |answer| {
        let dict: Arguments = serde_json::from_str(&answer)?;
        let exception = raw(format!(r#"{{"$exception": {}}}"#, dict.json("exception").unwrap_or("null")))?;
        Ok(dict.with("exception", exception).to_string())
    })
}

pub(super) fn add_instance_fault_from_exc(trial: &mut Trial<'_>) -> Result<Verdict> {
    #[derive(Deserialize)]
    struct ExcInfo {
        traceback_lines: Vec<String>,
        format_exception_lines: Option<Vec<String>>,
    }
    let call = match trial.release {
        Release::Grizzly => "conductor.instance_fault_create",
        Release::Hibiscus => "db.instance_fault_create",
    };
    let fault = trial.case.args.json("fault").context("the case has no fault")?;
    if has_null_message(fault)? {
        return Ok(NULL_MESSAGE);
    }
    let mut fault = exception(fault)?;
    if let Some(exc_info) = trial.case.args.read::<Option<ExcInfo>>("exc_info")? {
        let formatted = exc_info.format_exception_lines.map(|lines| lines.concat());
        fault = fault.with("traceback", exc_info.traceback_lines.concat()).with("formatted_exception", formatted);
    }
    let instance: Arguments = trial.case.args.read("instance")?;
    let arguments = trial
        .arguments(&["config", "context", "fault_message"])?
        .with("instance_uuid", instance.read::<Box<RawValue>>("uuid")?)
        .with("fault", fault);
    let mut answers = trial.answers()?;
    answers.replies.insert("instance_fault_create", trial.reply(call)?);
    let (answer, calls) = trial.play(answers, "add_instance_fault_from_exc", &arguments)?;
    let calls: Vec<String> = calls
        .iter()
        .map(|made| match made.name.as_str() {
            "instance_fault_create" => call_json(call, &[r#""$context""#, &made.arguments.to_string()]),
            _ => unexpected(made),
        })
        .collect();
    Ok(trial.with_calls(trial.judge(answer), &calls))
}

/// Returns an exception of the vectors as a failure. Its member `resolved` has everything that Nova's functions read.
pub(super) fn exception(exception: &str) -> Result<Arguments> {
    let resolved: Arguments = parse::<Arguments>(exception)?.read("resolved")?;
    let formatted: Option<Arguments> = resolved.read("format_message")?;
    let kwargs: Option<Arguments> = resolved.read("kwargs")?;
    let (formatted, kwargs) = (formatted.unwrap_or_default(), kwargs.unwrap_or_default());
    let failure = Arguments::default()
        .with("class_name", resolved.read::<Box<RawValue>>("class")?)
        .with("text", resolved.read::<Box<RawValue>>("str")?)
        .with("representation", resolved.read::<Box<RawValue>>("repr")?)
        .with("formatted_message", formatted.read::<Box<RawValue>>("return")?);
    Ok(failure.copying(&["code", "value"], &kwargs))
}

fn has_null_message(exception: &str) -> Result<bool> {
    let resolved: Arguments = parse::<Arguments>(exception)?.read("resolved")?;
    let formatted: Option<Arguments> = resolved.read("format_message")?;
    Ok(formatted.is_some_and(|it| it.iter().any(|(name, message)| name == "return" && message.get() == "null")))
}

/// Returns the exception of an event, or its message.
pub(super) fn exc_val(case: &Case) -> Result<Box<RawValue>> {
    let value = case.args.json("exc_val").unwrap_or("null");
    raw(if value.starts_with('{') { exception(value)?.to_string() } else { value.to_owned() })
}

/// Returns the formatted frames of an event.
pub(super) fn exc_tb(case: &Case) -> Result<Box<RawValue>> {
    #[derive(Deserialize)]
    struct Frames {
        traceback_lines: Vec<String>,
    }
    let value = case.args.json("exc_tb").unwrap_or("null");
    raw(if value.starts_with('{') {
        json::from_text(&parse::<Frames>(value)?.traceback_lines.concat())
    } else {
        value.to_owned()
    })
}
