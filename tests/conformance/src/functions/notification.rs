//! Notifications as they arrive from a bus.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::value::RawValue;

use super::{Trial, Verdict};
use crate::arguments::{Arguments, parse};

/// Calls the reader with the notification of the case, or with a file of `tests/wild`. The payload of the answer is
/// compared as a value, and only when the case has one. The message of an expected error is a part of ours.
pub(super) fn read_notification(trial: &mut Trial<'_>) -> Result<Verdict> {
    let answer = trial.face.call("read_notification", &arguments(&trial.case.args)?)?;
    if let (Some(expected), Err(failure)) = (&trial.case.error, &answer) {
        let (code, message) = (&failure.code, &failure.message);
        return Ok(if *code == expected.class && message.contains(&expected.message) {
            Verdict::Passed
        } else {
            Verdict::Failed(format!("expected {}: {}, got {code}: {message}", expected.class, expected.message))
        });
    }
    let expects_payload =
        parse::<Option<Arguments>>(trial.case.expected())?.is_some_and(|it| it.json("payload").is_some());
    trial.judge_as(answer, |answer| {
        let mut answer: Arguments = parse(&answer)?;
        let payload: String = answer.read("payload")?;
        let payload = RawValue::from_string(payload)?;
        answer.remove("payload");
        Ok(if expects_payload { answer.with("payload", payload) } else { answer }.to_string())
    })
}

fn arguments(args: &Arguments) -> Result<Arguments> {
    let Some(file) = args.text("wild")? else {
        return Ok(Arguments::default().copying(&["notification"], args));
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wild").join(file);
    let notification = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(Arguments::default().with("notification", RawValue::from_string(notification)?))
}
