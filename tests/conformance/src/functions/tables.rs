//! Sequences of operations on a conductor's tables.

use anyhow::{Context as _, Result};
use nova_compute_utils::Context;
use serde::Deserialize;
use serde_json::Value;

use super::{Trial, Verdict, error_difference};
use crate::faces::Answer;
use crate::json;
use crate::tables::Operation;
use crate::vectors::ExpectedError;

/// Nova's answer to an operation.
#[derive(Deserialize)]
struct Expected {
    #[serde(default, rename = "return")]
    value: Value,
    error: Option<ExpectedError>,
}

pub(super) fn operations(trial: &mut Trial<'_>) -> Result<Verdict> {
    let case = trial.case;
    let mut expected: serde_json::Map<String, Value> = serde_json::from_str(case.expected())?;
    let results: Vec<Expected> = serde_json::from_value(expected.remove("results").context("no results")?)?;
    let context = Context { project_id: case.args.text("context_project_id")?, ..Context::default() };
    let tables = trial.face.tables()?;
    tables.empty(trial.release)?;
    for (index, (arguments, expected)) in case.args.read::<Vec<Value>>("ops")?.into_iter().zip(&results).enumerate() {
        let text = |name: &str| arguments[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        let (name, now, context) = (text("op")?, text("now")?, context.clone());
        let answer = tables.operate(&Operation { name: name.clone(), now, arguments, context })?;
        if let Some(difference) = result_difference(expected, answer) {
            return Ok(Verdict::Failed(format!("operation {index}, {name}: {difference}")));
        }
    }
    for (table, rows) in &expected {
        let rows = rows.as_array().context("no rows")?;
        let columns: Vec<&str> = rows
            .first()
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|row| row.keys())
            .map(String::as_str)
            .collect();
        // Any one column is enough to find out that a table is empty.
        let columns = if columns.is_empty() { vec!["id"] } else { columns };
        let found: Vec<Value> = tables.rows(table, &columns)?.into_iter().map(|row| only(row, &columns)).collect();
        if let Some(difference) =
            json::difference(&Value::from(rows.clone()).to_string(), &Value::from(found).to_string())
        {
            return Ok(Verdict::Failed(format!("table {table}, {difference}")));
        }
    }
    Ok(Verdict::Passed)
}

fn result_difference(expected: &Expected, answer: Answer<Value>) -> Option<String> {
    match (&expected.error, answer) {
        (Some(error), Err(failure)) => error_difference(error, &failure),
        (Some(error), Ok(_)) => Some(format!("expected {}: {}", error.class, error.message)),
        (None, Err(failure)) => Some(format!("unexpected error {}: {}", failure.code, failure.message)),
        (None, Ok(answer)) => value_difference(&expected.value, &answer),
    }
}

/// Compares an answer with Nova's. A conductor may return fewer columns than Nova; the tables are compared in full.
fn value_difference(expected: &Value, answer: &Value) -> Option<String> {
    let differ = || Some(format!("expected {expected}, got {answer}"));
    match (expected, answer) {
        // An insertion needs no answer.
        (Value::Object(row), Value::Null) if row.len() == 1 && row.contains_key("id") => None,
        (Value::Object(expected), Value::Object(given)) => {
            let difference = |(key, value)| value_difference(expected.get(key).unwrap_or(&"absent".into()), value);
            let rows_differ = expected.values().any(Value::is_array) && expected.len() != given.len();
            if rows_differ { differ() } else { given.iter().find_map(difference) }
        }
        (Value::Array(expected), Value::Array(given)) if expected.len() == given.len() => {
            expected.iter().zip(given).find_map(|(expected, given)| value_difference(expected, given))
        }
        (expected, given) if expected == given => None,
        _ => differ(),
    }
}

fn only(mut row: Value, columns: &[&str]) -> Value {
    if let Some(row) = row.as_object_mut() {
        row.retain(|column, _| columns.contains(&column.as_str()));
    }
    row
}
