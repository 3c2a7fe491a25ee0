//! The reconciliation of a window.

use anyhow::{Context as _, Result, anyhow};
use serde_json::value::RawValue;

use super::{Trial, Verdict};
use crate::arguments::{Arguments, parse};
use crate::faces::Answer;
use crate::json;

/// Reconciles the instance of a case, and reconciles it again as a line of the bulk function.
pub(super) fn reconcile_instance(trial: &mut Trial<'_>) -> Result<Verdict> {
    let args = &trial.case.args;
    let mut settings = trial.config();
    for name in ["host", "instance_usage_audit_period"] {
        settings.remove(name);
    }
    let settings = settings.with("context", trial.context()?).copying(&["window", "host", "fields"], args);
    let arguments = Arguments::default().with("notifications", texts(args)?).copying(&["instance"], args);
    let arguments = settings.iter().fold(arguments, |arguments, (name, value)| arguments.with(name, value));
    let answer = trial.face.call("reconcile_instance", &arguments)?;

    let line = Arguments::default().copying(&["instance", "notifications"], args).to_string();
    let settings = settings.with("first_line", 1).with("text", line.replace(['\n', '\r'], " "));
    let lines = trial.face.call("reconcile_ndjson", &settings)?;
    if let Some(difference) = bulk_difference(&answer, lines, trial.face.has_floats())? {
        return Ok(Verdict::Failed(format!("the bulk function: {difference}")));
    }
    Ok(trial.judge(answer))
}

/// Returns the notifications as strings, which keep the decimal points of floats in JavaScript.
fn texts(args: &Arguments) -> Result<Vec<String>> {
    let notifications: Vec<Box<RawValue>> = args.read("notifications")?;
    Ok(notifications.iter().map(|notification| notification.get().to_owned()).collect())
}

/// Returns the difference between the answer for an instance and the line of the bulk function.
fn bulk_difference(answer: &Answer, lines: Answer, has_floats: bool) -> Result<Option<String>> {
    let line: String = parse(&lines.map_err(|failure| anyhow!("{failure:?}"))?)?;
    let line = line.strip_suffix('\n').context("the bulk function has no line")?;
    Ok(match answer {
        Ok(answer) if has_floats => json::difference(answer, line),
        Ok(answer) => json::difference(answer, &json::without_points(line)),
        Err(failure) => {
            let error: Arguments = parse::<Arguments>(line)?.read("error")?;
            let code = error.text("code")?;
            (code.as_deref() != Some(&failure.code)).then(|| format!("expected {failure:?}, got {line}"))
        }
    })
}
