//! Failures and faults.

use anyhow::{Context as _, Result};
use nova_compute_utils::Release;
use nova_compute_utils::fault::Failure;
use nova_compute_utils::host::InstanceFaultValues;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Runner, Verdict, answer_of, judge, with_calls};
use crate::faces::Face;
use crate::json;
use crate::script::{Answers, Call};
use crate::vectors::Case;

pub(super) fn runner(release: Release, function: &str) -> Option<Runner> {
    Some(match (release, function) {
        (Release::Hibiscus, "exception_to_dict") => exception_to_dict,
        (Release::Hibiscus, "safe_truncate") => safe_truncate,
        (Release::Grizzly, "add_instance_fault_from_exc") => {
            |face, release, case| add_instance_fault_from_exc(face, release, case, "conductor.instance_fault_create")
        }
        (Release::Hibiscus, "add_instance_fault_from_exc") => {
            |face, release, case| add_instance_fault_from_exc(face, release, case, "db.instance_fault_create")
        }
        _ => return None,
    })
}

const NULL_MESSAGE: Verdict = Verdict::SetAside("a formatted message is text or absent in a typed interface");

fn exception_to_dict(face: &mut dyn Face, _: Release, case: &Case) -> Result<Verdict> {
    let Some(fault) = failure(case.args.json("fault").context("no fault")?)? else {
        return Ok(NULL_MESSAGE);
    };
    let dict = face.exception_to_dict(&fault, case.args.text("message")?.as_deref())?;
    Ok(judge(case, dict, |dict| dict))
}

fn safe_truncate(face: &mut dyn Face, _: Release, case: &Case) -> Result<Verdict> {
    let Some(value) = case.args.json("value").and_then(json::text) else {
        return Ok(Verdict::SetAside("what is truncated is text in a typed interface"));
    };
    let text = face.safe_truncate(&value, case.args.read("length")?)?;
    Ok(judge(case, text, |text| json::from_text(&text)))
}

fn add_instance_fault_from_exc(face: &mut dyn Face, release: Release, case: &Case, call: &str) -> Result<Verdict> {
    let script = face.script().clone();
    script.play(Answers { instance_fault_create: answer_of(case, call)?.err(), ..Answers::default() });
    let Some(fault) = failure(case.args.json("fault").context("no fault")?)? else {
        return Ok(NULL_MESSAGE);
    };
    let (instance, exc_info): (Instance, Option<ExcInfo>) = (case.args.read("instance")?, case.args.read("exc_info")?);
    let fault = Failure {
        traceback: exc_info.as_ref().map(|exc_info| exc_info.traceback_lines.concat()),
        formatted_exception: exc_info.and_then(|exc_info| Some(exc_info.format_exception_lines?.concat())),
        ..fault
    };
    let message = case.args.text("fault_message")?;
    let added = face.add_instance_fault_from_exc(&case.config(release)?, &instance.uuid, &fault, message.as_deref())?;
    let create = |made: &Call| match made {
        Call::InstanceFaultCreate(values) => {
            format!(r#"{{"call": "{call}", "args": ["$context", {}]}}"#, values_json(values))
        }
        other => format!("\"unexpected call {other:?}\""),
    };
    let calls: Vec<String> = script.calls().iter().map(create).collect();
    Ok(with_calls(judge(case, added, |()| "null".to_owned()), case, &calls))
}

#[derive(Deserialize)]
struct Instance {
    uuid: String,
}

#[derive(Deserialize)]
struct ExcInfo {
    traceback_lines: Vec<String>,
    format_exception_lines: Option<Vec<String>>,
}

fn values_json(values: &InstanceFaultValues) -> String {
    let InstanceFaultValues { instance_uuid, code, message, details, host } = values;
    let text = |text: &String| json::from_text(text);
    format!(
        r#"{{"instance_uuid": {}, "code": {code}, "message": {}, "details": {}, "host": {}}}"#,
        text(instance_uuid),
        text(message),
        text(details),
        text(host)
    )
}

/// An exception of the vectors: all that Nova's functions can see of it is under `resolved`. Nothing where its
/// formatted message is null, which a `Failure` cannot hold.
pub(super) fn failure(exception: &str) -> Result<Option<Failure>> {
    #[derive(Deserialize)]
    struct Given<'a> {
        #[serde(borrow)]
        resolved: Resolved<'a>,
    }
    #[derive(Deserialize)]
    struct Resolved<'a> {
        class: String,
        str: String,
        repr: Option<String>,
        #[serde(borrow)]
        kwargs: Option<Kwargs<'a>>,
        #[serde(borrow)]
        format_message: Option<&'a RawValue>,
    }
    /// A null among them is a value.
    #[derive(Deserialize)]
    struct Kwargs<'a> {
        #[serde(borrow, default, deserialize_with = "present")]
        code: Option<&'a RawValue>,
        #[serde(borrow, default, deserialize_with = "present")]
        value: Option<&'a RawValue>,
    }
    let Given { resolved } = serde_json::from_str(exception)?;
    let formatted = resolved.format_message.and_then(|answer| json::object(answer.get())?.remove("return"));
    let formatted_message = match formatted.map(RawValue::get) {
        Some("null") => return Ok(None),
        Some(message) => json::text(message),
        None => None,
    };
    let owned = |value: Option<&RawValue>| value.map(|value| value.get().to_owned());
    Ok(Some(Failure {
        code: resolved.kwargs.as_ref().and_then(|kwargs| owned(kwargs.code)),
        value: resolved.kwargs.as_ref().and_then(|kwargs| owned(kwargs.value)),
        representation: resolved.repr,
        formatted_message,
        ..Failure::new(resolved.class, resolved.str)
    }))
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}
