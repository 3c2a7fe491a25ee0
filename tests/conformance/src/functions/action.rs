//! Instance actions, their events, and the reporter of events.

use anyhow::{Context as _, Result};
use nova_compute_utils::action::Event;
use nova_compute_utils::fault::Failure;
use nova_compute_utils::host::HostError;
use nova_compute_utils::{Release, time};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Verdict, context, judge, now, with_calls};
use crate::faces::{Answer, Face, GivenExcVal, Subject};
use crate::script::{Answers, Call, Refusal};
use crate::vectors::Case;

pub(super) fn pack_action_start(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let action_name = case.args.text("action_name")?;
    let values = face.pack_action_start(&subject(release, case)?, action_name.as_deref())?;
    Ok(judge(case, values, |values| as_nova(release, values)))
}

pub(super) fn pack_action_finish(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let values = face.pack_action_finish(&subject(release, case)?, now(case)?)?;
    Ok(judge(case, values, |values| as_nova(release, values)))
}

pub(super) fn pack_action_event_start(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let (event, host) = (event_name(case)?, case.args.text("host")?);
    let values = face.pack_action_event_start(&subject(release, case)?, &event, host.as_deref(), now(case)?)?;
    Ok(judge(case, values, |values| as_nova(release, values)))
}

pub(super) fn pack_action_event_finish(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let (subject, event) = (subject(release, case)?, event_name(case)?);
    let (exc_val, exc_tb) = (exc_val(case)?, exc_tb(case)?);
    let values = face.pack_action_event_finish(&subject, &event, exc_val.as_ref(), exc_tb.as_deref(), now(case)?)?;
    Ok(judge(case, values, |values| as_nova(release, values)))
}

pub(super) fn action_start(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    play(face, case)?;
    let action_name = case.args.text("action_name")?;
    let row = face.action_start(&subject(release, case)?, action_name.as_deref())?;
    recorded(face, release, case, row, true)
}

pub(super) fn action_finish(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    play(face, case)?;
    let row = face.action_finish(&subject(release, case)?)?;
    recorded(face, release, case, row, true)
}

pub(super) fn event_start(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    play(face, case)?;
    let host = case.args.text("host")?;
    let row = face.event_start(&subject(release, case)?, &event_name(case)?, host.as_deref())?;
    recorded(face, release, case, row, true)
}

pub(super) fn event_finish(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    play(face, case)?;
    let row = face.event_finish(&subject(release, case)?, &event_name(case)?)?;
    recorded(face, release, case, row, true)
}

pub(super) fn event_finish_with_failure(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    play(face, case)?;
    let (subject, event) = (subject(release, case)?, event_name(case)?);
    let (exc_val, exc_tb) = (exc_val(case)?, exc_tb(case)?);
    let row = face.event_finish_with_failure(&subject, &event, exc_val.as_ref(), exc_tb.as_deref())?;
    recorded(face, release, case, row, false)
}

/// Nova's way of holding the work: what is raised in it, and the frames.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    raise: &'a RawValue,
    traceback_lines: Vec<String>,
}

pub(super) fn event_reporter(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let mut refusals = Vec::new();
    for call in ["action_event_start", "action_event_finish"] {
        for (instance_uuid, answer) in case.host.read::<Option<Refusals>>(call)?.unwrap_or_default() {
            refusals.push(Refusal { call, instance_uuid, error: answer.raise.error()? });
        }
    }
    face.script().play(Answers { now: time::parse(now(case)?)?, refusals, ..Answers::default() });
    let event = Event {
        name: event_name(case)?,
        host: case.args.text("host")?,
        instance_uuids: case.args.read("instance_uuids")?,
        graceful_exit: case.args.read::<Option<bool>>("graceful_exit")?.unwrap_or_default(),
        swallow_body_error: false,
    };
    let body = match case.args.read::<Option<Body<'_>>>("body")? {
        None => None,
        Some(body) => Some(exception(body.raise.get())?.with_traceback(body.traceback_lines.concat())),
    };
    let reported = face.report_event(release, &context(case)?, &event, body.as_ref())?;
    let verdict = judge_reported(release, case, &reported)?;
    Ok(with_calls(verdict, case, &calls(face, release)))
}

type Refusals = std::collections::BTreeMap<String, GivenRefusal>;

#[derive(Deserialize)]
struct GivenRefusal {
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
    kwargs: std::collections::BTreeMap<String, String>,
}

impl Raise {
    /// The exception with Nova's own text.
    fn error(self) -> Result<HostError> {
        let keyword = |name: &str| self.kwargs.get(name).with_context(|| format!("no {name} in {}", self.class));
        let message = match self.class.as_str() {
            "InstanceActionNotFound" => {
                let (request_id, instance_uuid) = (keyword("request_id")?, keyword("instance_uuid")?);
                format!("Action for request_id {request_id} on instance {instance_uuid} not found")
            }
            _ => self.args.first().cloned().with_context(|| format!("no text in {}", self.class))?,
        };
        Ok(HostError::new(self.class, message))
    }
}

fn judge_reported(release: Release, case: &Case, reported: &crate::faces::Reported) -> Result<Verdict> {
    #[derive(Deserialize)]
    struct Expected {
        body_ran: bool,
        suppressed: Option<bool>,
        raised: Option<crate::vectors::ExpectedError>,
    }
    let expected: Expected = serde_json::from_str(case.expected())?;
    if (expected.body_ran, expected.suppressed.unwrap_or_default()) != (reported.body_ran, reported.suppressed) {
        return Ok(Verdict::Failed(format!("{release}: {reported:?}")));
    }
    Ok(match (&expected.raised, &reported.raised) {
        (None, None) => Verdict::Passed,
        (Some(expected), Some(raised)) => {
            super::differs(expected, &raised.code, &raised.message).map_or(Verdict::Passed, Verdict::Failed)
        }
        (expected, raised) => Verdict::Failed(format!("expected {expected:?}, got {raised:?}")),
    })
}

/// The conductor refuses every call of the case, or none.
fn play(face: &dyn Face, case: &Case) -> Result<()> {
    let refusals = match super::answer_of(case, "db")? {
        Ok(_) => Vec::new(),
        Err(error) => {
            let instance_uuid = case.args.text("instance_uuid")?.context("no instance_uuid")?;
            ["action_start", "action_finish", "action_event_start", "action_event_finish"]
                .map(|call| Refusal { call, instance_uuid: instance_uuid.clone(), error: error.clone() })
                .into()
        }
    };
    face.script().play(Answers { now: time::parse(now(case)?)?, refusals, ..Answers::default() });
    Ok(())
}

/// Nova gives the row only where it is wanted; here it is always there.
fn recorded(
    face: &dyn Face,
    release: Release,
    case: &Case,
    row: Answer<Value>,
    wanted_by_default: bool,
) -> Result<Verdict> {
    let wanted = case.args.read::<Option<bool>>("want_result")?.unwrap_or(wanted_by_default);
    let verdict = judge(case, row, |row| if wanted { zoned(row) } else { "null".to_owned() });
    Ok(with_calls(verdict, case, &calls(face, release)))
}

/// Nova's objects carry their times with a zone.
fn zoned(mut row: Value) -> String {
    for (key, value) in row.as_object_mut().into_iter().flatten() {
        if let Some(moment) = value.as_str().filter(|_| key.ends_with("_at") || key.ends_with("_time")) {
            *value = format!("{moment}+00:00").into();
        }
    }
    row.to_string()
}

/// The calls as the release makes them.
fn calls(face: &dyn Face, release: Release) -> Vec<String> {
    let to = match release {
        Release::Grizzly => "conductor",
        Release::Hibiscus => "db",
    };
    let call = |call: Call| match call {
        Call::Action(name, values) => {
            let values: Value = serde_json::from_str(&as_nova(release, values)).unwrap_or_default();
            json!({ "call": format!("{to}.{name}"), "args": ["$context", values] }).to_string()
        }
        other => json!(format!("unexpected call {other:?}")).to_string(),
    };
    face.script().calls().into_iter().map(call).collect()
}

/// The values as Nova's mapping, which leaves out what does not apply.
fn as_nova(release: Release, mut values: Value) -> String {
    if let Some(values) = values.as_object_mut() {
        values.retain(|key, value| match key.as_str() {
            "updated_at" | "message" | "details" | "traceback" => !value.is_null(),
            "host" => release == Release::Hibiscus || !value.is_null(),
            _ => true,
        });
    }
    values.to_string()
}

fn subject(release: Release, case: &Case) -> Result<Subject> {
    let instance_uuid = case.args.text("instance_uuid")?.context("no instance_uuid")?;
    Ok(Subject { release, context: context(case)?, instance_uuid })
}

fn event_name(case: &Case) -> Result<String> {
    case.args.text("event_name")?.context("no event_name")
}

fn exc_val(case: &Case) -> Result<Option<GivenExcVal>> {
    let Some(json) = case.args.json("exc_val") else {
        return Ok(None);
    };
    Ok(Some(match serde_json::from_str(json) {
        Ok(text) => GivenExcVal::Text(text),
        Err(_) => GivenExcVal::Failure(exception(json)?),
    }))
}

fn exc_tb(case: &Case) -> Result<Option<String>> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        Frames { traceback_lines: Vec<String> },
    }
    Ok(case.args.read::<Option<Given>>("exc_tb")?.map(|given| match given {
        Given::Text(text) => text,
        Given::Frames { traceback_lines } => traceback_lines.concat(),
    }))
}

/// An exception of the vectors: what the functions see of it is under `resolved`.
fn exception(json: &str) -> Result<Failure> {
    #[derive(Deserialize)]
    struct Given {
        resolved: Resolved,
    }
    #[derive(Deserialize)]
    struct Resolved {
        class: String,
        str: String,
        format_message: Option<Formatted>,
    }
    #[derive(Deserialize)]
    struct Formatted {
        r#return: Option<String>,
    }
    let Given { resolved } = serde_json::from_str(json)?;
    let formatted_message = resolved.format_message.and_then(|message| message.r#return);
    Ok(Failure { formatted_message, ..Failure::new(resolved.class, resolved.str) })
}
