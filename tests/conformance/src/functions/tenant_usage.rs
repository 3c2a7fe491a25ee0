//! The hours of servers, and the bulk functions that read one instance per line.

use anyhow::Result;
use serde_json::Value;

use super::{Trial, Verdict};
use crate::arguments::{Arguments, parse};
use crate::faces::Answer;

pub(super) fn hours_for(trial: &mut Trial<'_>) -> Result<Verdict> {
    let instance: Arguments = trial.case.args.read("instance")?;
    let arguments = period(trial)?.copying(&["launched_at", "terminated_at"], &instance);
    let answer = trial.face.call("hours_for", &arguments)?;
    judge(trial, answer, Numbers::Equal, Ok)
}

pub(super) fn tenant_usages_for_period(trial: &mut Trial<'_>) -> Result<Verdict> {
    let arguments = period(trial)?.copying(&["instances", "detailed"], &trial.case.args).with("now", trial.now()?);
    let answer = trial.face.call("tenant_usages_for_period", &arguments)?;
    judge(trial, answer, Numbers::Equal, |mut usages| {
        // Nova has no list of servers in a usage that is not detailed.
        for usage in usages.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            if usage.get("server_usages").is_some_and(Value::is_null) {
                usage.remove("server_usages");
            }
        }
        Ok(usages)
    })
}

pub(super) fn usages_by(trial: &mut Trial<'_>) -> Result<Verdict> {
    let arguments = period(trial)?.copying(&["instances", "key"], &trial.case.args);
    let answer = trial.face.call("usages_by", &arguments)?;
    judge(trial, answer, Numbers::Close, Ok)
}

pub(super) fn hours_ndjson(trial: &mut Trial<'_>) -> Result<Verdict> {
    let arguments = trial.arguments(&["windows", "first_line", "text"])?;
    let answer = trial.face.call("hours_ndjson", &arguments)?;
    judge(trial, answer, Numbers::Equal, lines)
}

pub(super) fn exists_ndjson(trial: &mut Trial<'_>) -> Result<Verdict> {
    let names = ["context", "windows", "timestamp", "host_from_instance", "first_line", "text"];
    let mut config = trial.config();
    config.remove("instance_usage_audit_period");
    let all: Vec<&str> = config.iter().map(|(name, _)| name).collect();
    let arguments = trial.arguments(&names)?.copying(&all, &config);
    let answer = trial.face.call("exists_ndjson", &arguments)?;
    judge(trial, answer, Numbers::Equal, lines)
}

/// Returns the window of a case whose period has two arguments.
fn period(trial: &Trial<'_>) -> Result<Arguments> {
    let bound = |name: &str| trial.case.args.read::<String>(name);
    let window = Arguments::default().with("begin", bound("period_start")?).with("end", bound("period_stop")?);
    Ok(Arguments::default().with("window", window))
}

/// How the numbers of an answer are compared.
#[derive(Clone, Copy)]
enum Numbers {
    /// As floats, to the last bit: Python prints no hours as `0`, and JavaScript whole floats without a point.
    Equal,
    /// To nine digits: exact sums differ from Python's in the last bits.
    Close,
}

fn judge(
    trial: &Trial<'_>,
    answer: Answer,
    numbers: Numbers,
    form: impl FnOnce(Value) -> Result<Value>,
) -> Result<Verdict> {
    let Ok(actual) = answer else {
        return Ok(trial.judge(answer));
    };
    let (expected, actual): (Value, Value) = (parse(trial.case.expected())?, form(parse(&actual)?)?);
    let is_same = trial.case.error.is_none() && same(&expected, &actual, numbers);
    Ok(if is_same { Verdict::Passed } else { Verdict::Failed(format!("expected {expected}, got {actual}")) })
}

fn same(expected: &Value, actual: &Value, numbers: Numbers) -> bool {
    match (expected, actual) {
        (Value::Number(expected), Value::Number(actual)) => {
            let is_float = expected.is_f64() || actual.is_f64();
            let (Some(one), Some(other)) = (expected.as_f64(), actual.as_f64()) else { return false };
            #[allow(clippy::float_cmp, reason = "Python's floats are the contract")]
            match numbers {
                Numbers::Equal => expected == actual || (is_float && one == other),
                Numbers::Close => (one - other).abs() <= 1e-9 * one.abs().max(other.abs()),
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            let mut pairs = expected.iter().zip(actual);
            expected.len() == actual.len() && pairs.all(|(expected, actual)| same(expected, actual, numbers))
        }
        (Value::Object(expected), Value::Object(actual)) => {
            let found =
                |(name, value): (&String, &Value)| actual.get(name).is_some_and(|actual| same(value, actual, numbers));
            expected.len() == actual.len() && expected.iter().all(found)
        }
        _ => expected == actual,
    }
}

/// Returns the objects of an NDJSON text, without the messages of errors, which are incidental.
fn lines(text: Value) -> Result<Value> {
    let text: String = serde_json::from_value(text)?;
    let line = |line: &str| {
        let mut line: Value = parse(line)?;
        if let Some(error) = line.get_mut("error").and_then(Value::as_object_mut) {
            error.remove("message");
        }
        Ok(line)
    };
    text.lines().map(line).collect()
}
