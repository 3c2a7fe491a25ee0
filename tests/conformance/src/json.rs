//! JSON text that keeps every digit, because 64 bits or a float cannot hold some numbers of the vectors.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Returns the members of an object, their values as text; `None` when the text is not an object.
#[must_use]
pub fn object(json: &str) -> Option<BTreeMap<Cow<'_, str>, &RawValue>> {
    serde_json::from_str(json).ok()
}

/// Returns the content of a JSON string; `None` when the text is not a JSON string.
#[must_use]
pub fn text(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

/// Returns a string as JSON.
#[must_use]
pub fn from_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns the first difference of two JSON texts and its path; `None` when they have the same value.
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

/// Returns whether both texts are floats of the same value. An integer has one spelling and differs from every float.
fn same_float(expected: &str, actual: &str) -> bool {
    let float = |text: &str| text.contains(['.', 'e', 'E']).then(|| text.parse::<f64>().ok()).flatten();
    match (float(expected), float(actual)) {
        (Some(expected), Some(actual)) => expected.to_bits() == actual.to_bits(),
        _ => false,
    }
}

/// Returns the same JSON with `1` for `1.0`, as JavaScript prints it.
#[must_use]
pub fn without_points(json: &str) -> String {
    let mut rest = json;
    let mut plain = String::with_capacity(json.len());
    while let Some(at) = rest.find(|character: char| character == '"' || character == '-' || character.is_ascii_digit())
    {
        let (before, token) = rest.split_at(at);
        plain.push_str(before);
        let length = if token.starts_with('"') { string_length(token) } else { number_length(token) };
        let (token, after) = token.split_at(length);
        plain.push_str(&without_point(token));
        rest = after;
    }
    plain.push_str(rest);
    plain
}

fn string_length(token: &str) -> usize {
    let mut escaped = false;
    let end = token.char_indices().skip(1).find(|(_, character)| {
        let ends = *character == '"' && !escaped;
        escaped = *character == '\\' && !escaped;
        ends
    });
    end.map_or(token.len(), |(at, _)| at + 1)
}

fn number_length(token: &str) -> usize {
    let of_number = |character: char| character.is_ascii_digit() || "+-.eE".contains(character);
    token.find(|character| !of_number(character)).unwrap_or(token.len())
}

fn without_point(token: &str) -> String {
    let is_float = !token.starts_with('"') && token.contains(['.', 'e', 'E']);
    // From 1e21 on, JavaScript prints an integer with an exponent.
    match token.parse::<f64>() {
        Ok(value) if is_float && value.fract() == 0.0 && value.abs() < 1e21 => format!("{value}"),
        _ => token.to_owned(),
    }
}

fn short(json: &str) -> String {
    if json.chars().count() > 120 { json.chars().take(120).chain("…".chars()).collect() } else { json.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{difference, without_points};

    #[test]
    fn writes_whole_floats_without_a_point() {
        let json = r#"{"1.0": [1.0, -2.50, 1e3, "a \"1.0\" b", 18446744073709551617, 1e999], "b": 0.0}"#;
        let plain = r#"{"1.0": [1, -2.50, 1000, "a \"1.0\" b", 18446744073709551617, 1e999], "b": 0}"#;
        assert_eq!(without_points(json), plain);
    }

    #[test]
    fn finds_differences() {
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
