//! The judgement of usage.

use anyhow::{Context as _, Result, ensure};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Trial, Verdict};
use crate::arguments::{Arguments, parse};
use crate::faces::Answer;
use crate::json;

/// Judges the notifications of a case, and judges them again as a line of the bulk function. A vector has the warnings
/// alone, and no message id where winchester makes a random one.
pub(super) fn verify_usage(trial: &mut Trial<'_>) -> Result<Verdict> {
    let fields: Option<Vec<String>> = trial.case.args.read("fields")?;
    let notifications: Vec<Box<RawValue>> = trial.case.args.read("notifications")?;
    let notifications: Vec<Box<RawValue>> = notifications.into_iter().map(exact).collect::<Result<_>>()?;
    let arguments = Arguments::default().with("notifications", notifications).with("fields", &fields);
    let answer = trial.face.call("verify_usage", &arguments)?;
    if let Ok(judgements) = &answer {
        let line = trial.case.args.json("notifications").context("the case has no notifications")?;
        let text = line.replace(['\n', '\r'], " ");
        let arguments = Arguments::default().with("fields", &fields).with("first_line", 1).with("text", text);
        let lines = trial.face.call("verify_ndjson", &arguments)?;
        ensure!(lines_of(lines)? == parse::<Vec<Value>>(judgements)?, "the bulk function judges differently");
    }
    trial.judge_as(answer, |judgements| {
        let judgements: Vec<Map<String, Value>> = parse(&judgements)?;
        Ok(serde_json::json!(judgements.into_iter().map(as_winchester).collect::<Vec<_>>()).to_string())
    })
}

/// Returns a notification with floats as a string, which keeps their decimal points in JavaScript.
fn exact(notification: Box<RawValue>) -> Result<Box<RawValue>> {
    let text = notification.get();
    let has_floats = json::without_points(text) != text || text.contains("e+");
    Ok(if has_floats { RawValue::from_string(json::from_text(text))? } else { notification })
}

/// Returns the judgements in the lines of an answer, without the UUID of the instance.
fn lines_of(answer: Answer) -> Result<Vec<Value>> {
    let text: String = parse(&answer.map_err(|failure| anyhow::anyhow!("{failure:?}"))?)?;
    let judgement = |line: &str| {
        let mut judgement: Map<String, Value> = parse(line)?;
        ensure!(judgement.remove("instance_uuid").is_some(), "a line has no `instance_uuid`");
        Ok(Value::from(judgement))
    };
    text.lines().map(judgement).collect()
}

fn as_winchester(mut judgement: Map<String, Value>) -> Value {
    if judgement["verdict"] == "warnings" {
        return serde_json::json!({ "warnings": judgement["warnings"] });
    }
    judgement.retain(|name, value| name == "exists" || !value.is_null());
    judgement.into()
}
