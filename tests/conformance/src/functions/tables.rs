//! Sequences of operations on a conductor's tables.

use anyhow::{Context as _, Result};
use nova_compute_utils::{Context, Release};
use serde::Deserialize;
use serde_json::Value;

use super::{Verdict, differs};
use crate::faces::{Answer, Face};
use crate::json;
use crate::tables::Operation;
use crate::vectors::{Case, ExpectedError};

/// What Nova answered to an operation.
#[derive(Deserialize)]
struct Expected {
    #[serde(default, rename = "return")]
    value: Value,
    error: Option<ExpectedError>,
}

pub(super) fn operations(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let mut expected: serde_json::Map<String, Value> = serde_json::from_str(case.expected())?;
    let results: Vec<Expected> = serde_json::from_value(expected.remove("results").context("no results")?)?;
    let context = Context { project_id: case.args.text("context_project_id")?, ..Context::default() };
    let tables = face.tables()?;
    tables.empty(release)?;
    for (at, (arguments, expected)) in case.args.read::<Vec<Value>>("ops")?.into_iter().zip(&results).enumerate() {
        let text = |name: &str| arguments[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        let operation =
            Operation { name: text("op")?, now: text("now")?, arguments: arguments.clone(), context: context.clone() };
        if let Some(difference) = result_difference(expected, tables.operate(&operation)?) {
            return Ok(Verdict::Failed(format!("operation {at}, {}: {difference}", operation.name)));
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
        // Of an empty table one column tells as much as all.
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
        (Some(error), Err(failure)) => differs(error, &failure.code, &failure.message),
        (Some(error), Ok(_)) => Some(format!("expected {}: {}", error.class, error.message)),
        (None, Err(failure)) => Some(format!("unexpected error {}: {}", failure.code, failure.message)),
        (None, Ok(answer)) => value_difference(&expected.value, &answer),
    }
}

/// A conductor gives what the contract has of a row; the tables are held against Nova's in full.
fn value_difference(expected: &Value, answer: &Value) -> Option<String> {
    let differ = || Some(format!("expected {expected}, got {answer}"));
    match (expected, answer) {
        // What is inserted needs no answer.
        (Value::Object(row), Value::Null) if row.len() == 1 && row.contains_key("id") => None,
        (Value::Object(expected), Value::Object(given)) => {
            let difference = |(key, value)| value_difference(expected.get(key).unwrap_or(&"not there".into()), value);
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
