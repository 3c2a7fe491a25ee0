//! JSON that keeps its digits: numbers of the vectors go beyond what 64 bits or a float hold.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The members of an object, their values as text; nothing when the text is no object.
#[must_use]
pub fn object(json: &str) -> Option<BTreeMap<Cow<'_, str>, &RawValue>> {
    serde_json::from_str(json).ok()
}

/// The text that a JSON string stands for; nothing when the text is something else.
#[must_use]
pub fn text(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

/// Text as a JSON string.
#[must_use]
pub fn from_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Where two JSON texts differ, and how; nothing when they say the same.
#[must_use]
pub fn difference(expected: &str, actual: &str) -> Option<String> {
    compare("", expected, actual).err()
}

fn compare(path: &str, expected: &str, actual: &str) -> Result<(), String> {
    let differ = || Err(format!("at `{path}`: expected {}, got {}", short(expected), short(actual)));
    if expected.trim() == actual.trim() {
        return Ok(());
    }
    if let (Some(expected), Some(actual)) = (object(expected), object(actual)) {
        for (key, value) in &expected {
            let path = format!("{path}/{key}");
            let found = actual.get(key).ok_or_else(|| format!("at `{path}`: missing"))?;
            compare(&path, value.get(), found.get())?;
        }
        return match actual.keys().find(|key| !expected.contains_key(*key)) {
            Some(key) => Err(format!("at `{path}/{key}`: not expected")),
            None => Ok(()),
        };
    }
    if let (Some(expected), Some(actual)) = (list(expected), list(actual)) {
        if expected.len() != actual.len() {
            return Err(format!("at `{path}`: expected {} members, got {}", expected.len(), actual.len()));
        }
        for (at, (expected, actual)) in expected.iter().zip(&actual).enumerate() {
            compare(&format!("{path}/{at}"), expected.get(), actual.get())?;
        }
        return Ok(());
    }
    match (text(expected), text(actual)) {
        (Some(expected), Some(actual)) if expected == actual => Ok(()),
        (None, None) if same_float(expected, actual) => Ok(()),
        _ => differ(),
    }
}

fn list(json: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(json).ok()
}

/// A float may be written in several ways; a whole number has one, and is not the float of the same value.
fn same_float(expected: &str, actual: &str) -> bool {
    let float = |text: &str| text.contains(['.', 'e', 'E']).then(|| text.parse::<f64>().ok()).flatten();
    match (float(expected), float(actual)) {
        (Some(expected), Some(actual)) => expected.to_bits() == actual.to_bits(),
        _ => false,
    }
}

fn short(json: &str) -> String {
    if json.chars().count() > 120 { json.chars().take(120).chain("…".chars()).collect() } else { json.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn sees_what_differs() {
        assert_eq!(difference(r#"{"a": [1, "é"], "b": 1.0}"#, r#"{"b":1.00,"a":[1,"\u00e9"]}"#), None);
        for (expected, actual) in [
            ("18446744073709551617", "18446744073709551616"),
            ("1", "1.0"),
            ("null", "\"null\""),
            ("[1]", "[1,2]"),
            (r#"{"a": 1}"#, "{}"),
            ("{}", r#"{"a": 1}"#),
            ("[]", "{}"),
        ] {
            assert!(difference(expected, actual).is_some(), "{expected} {actual}");
        }
    }
}
