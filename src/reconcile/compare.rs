//! The comparison of two payloads.

use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BinaryHeap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::document::{Json, Object, ObjectWriter, list_json, text_json};
use crate::error::Error;

/// How deep the comparison reads. Values that are deeper are compared as text, which bounds the stack and the time.
const MAX_DEPTH: u8 = 24;

/// 2 to the power of 53, from which on floats skip whole numbers.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// The member of a versioned object that contains its fields. Paths leave it out.
const DATA: &str = "nova_object.data";

/// A field whose values differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldDifference {
    /// The path of the field, with dots: `state`, `image_meta.os_distro`, `fixed_ips.0.address`. It leaves out the
    /// `nova_object.data` of versioned payloads: `flavor.vcpus`.
    pub field: String,
    /// The JSON of the value that Nova should have emitted; `None` when the field should be absent.
    pub expected: Option<String>,
    /// The JSON of the value that was received; `None` when the field was absent.
    pub received: Option<String>,
}

/// Returns the fields in which a payload differs from the expected one, ordered by their paths within each object. Both
/// have to be normalized.
pub(super) fn differences(expected: &str, received: &str) -> Result<Vec<FieldDifference>, Error> {
    let mut differences = Vec::new();
    compare("", Json::parse(expected)?, Json::parse(received)?, MAX_DEPTH, &mut differences)?;
    Ok(differences)
}

/// Returns JSON in which equal values have the same text: objects are ordered by their keys, and numbers and strings
/// have one form. `1.0` becomes `1`, because JavaScript and other programs on the way of a message write it so.
pub(super) fn normalized(value: Json<'_>) -> Result<String, Error> {
    normalize(value, MAX_DEPTH)
}

fn normalize(value: Json<'_>, depth: u8) -> Result<String, Error> {
    let Some(depth) = depth.checked_sub(1) else {
        return Ok(value.as_str().to_owned());
    };
    if value.is_object() {
        let mut object = ObjectWriter::new();
        for (key, value) in sorted(&Object::from_json(value)?) {
            object.value(key, &normalize(value, depth)?);
        }
        return Ok(object.finish());
    }
    if let Some(items) = value.list()? {
        let items: Vec<String> = items.into_iter().map(|item| normalize(item, depth)).collect::<Result<_, _>>()?;
        return Ok(list_json(items));
    }
    // A string with half of a surrogate pair keeps its escapes.
    if let Ok(Some(text)) = value.text() {
        return Ok(text_json(&text));
    }
    let text = value.as_str();
    Ok(match text {
        "-0" => "0".to_owned(),
        _ if value.is_number() && text.contains(['.', 'e', 'E']) => number(text),
        _ => text.to_owned(),
    })
}

/// Returns the one form of a number with a fraction or an exponent.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "a whole number stays the same"
)]
fn number(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if number.abs() < MAX_WHOLE && (number as i64) as f64 == number => (number as i64).to_string(),
        Ok(number) if number.is_finite() => crate::python::float_shortest(number),
        _ => text.to_owned(),
    }
}

/// Returns the members of an object, ordered by their keys.
fn sorted<'o, 'a>(object: &'o Object<'a>) -> Vec<(&'o str, Json<'a>)> {
    object.iter().map(|(key, value)| (key.as_ref(), value)).collect::<BinaryHeap<_>>().into_sorted_vec()
}

/// Adds the differences of two normalized values.
fn compare(
    path: &str,
    expected: Json<'_>,
    received: Json<'_>,
    depth: u8,
    differences: &mut Vec<FieldDifference>,
) -> Result<(), Error> {
    if expected == received {
        return Ok(());
    }
    if let Some(depth) = depth.checked_sub(1) {
        if expected.is_object() && received.is_object() {
            let (expected, received) = (Object::from_json(expected)?, Object::from_json(received)?);
            return compare_members(path, &sorted(&expected), &sorted(&received), depth, differences);
        }
        if let (Some(expected), Some(received)) = (expected.list()?, received.list()?) {
            for index in 0..expected.len().max(received.len()) {
                let index_text = index.to_string();
                let path = join(path, &index_text);
                match (expected.get(index), received.get(index)) {
                    (Some(expected), Some(received)) => compare(&path, *expected, *received, depth, differences)?,
                    (expected, received) => {
                        differences.push(FieldDifference::new(path.into_owned(), expected.copied(), received.copied()));
                    }
                }
            }
            return Ok(());
        }
    }
    differences.push(FieldDifference::new(path.to_owned(), Some(expected), Some(received)));
    Ok(())
}

fn compare_members(
    path: &str,
    expected: &[(&str, Json<'_>)],
    received: &[(&str, Json<'_>)],
    depth: u8,
    differences: &mut Vec<FieldDifference>,
) -> Result<(), Error> {
    let (mut expected, mut received) = (expected.iter().peekable(), received.iter().peekable());
    loop {
        let order = match (expected.peek(), received.peek()) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((expected, _)), Some((received, _))) => expected.cmp(received),
        };
        let expected = if order.is_le() { expected.next() } else { None };
        let received = if order.is_ge() { received.next() } else { None };
        let Some((key, _)) = expected.or(received) else {
            return Ok(());
        };
        let path = join(path, key);
        match (expected, received) {
            (Some((_, expected)), Some((_, received))) => compare(&path, *expected, *received, depth, differences)?,
            (expected, received) => {
                let (expected, received) = (expected.map(|(_, value)| *value), received.map(|(_, value)| *value));
                differences.push(FieldDifference::new(path.into_owned(), expected, received));
            }
        }
    }
}

/// Returns the path of a member.
fn join<'p>(path: &'p str, key: &'p str) -> Cow<'p, str> {
    match (path, key) {
        (path, DATA) => Cow::Borrowed(path),
        ("", key) => Cow::Borrowed(key),
        (path, key) => Cow::Owned(format!("{path}.{key}")),
    }
}

impl FieldDifference {
    fn new(field: String, expected: Option<Json<'_>>, received: Option<Json<'_>>) -> Self {
        let text = |value: Json<'_>| value.as_str().to_owned();
        Self { field, expected: expected.map(text), received: received.map(text) }
    }

    pub(super) fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        object.text("field", &self.field);
        for (name, value) in [("expected", &self.expected), ("received", &self.received)] {
            if let Some(value) = value {
                object.value(name, value);
            }
        }
        object.finish()
    }

    /// Returns whether one of the fields contains this one, or is a part of it.
    pub(super) fn concerns(&self, fields: &[String]) -> bool {
        let contains = |outer: &str, inner: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        fields.iter().any(|field| contains(field, &self.field) || contains(&self.field, field))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn compared(expected: &str, received: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let normal = |text: &str| normalized(Json::parse(text).unwrap()).unwrap();
        let differences = differences(&normal(expected), &normal(received)).unwrap();
        differences
            .into_iter()
            .map(|FieldDifference { field, expected, received }| (field, expected, received))
            .collect()
    }

    #[test]
    fn compares_values_and_not_their_text() {
        let equal = |expected, received| compared(expected, received).is_empty();
        assert!(equal(r#"{"a": 1, "b": "\u00e9"}"#, "{\"b\":\"\u{e9}\",\"a\":1}"));
        assert!(equal("[1.50, 1e2, -0.0]", "[1.5, 100, 0]"));
        assert!(equal("1", "1.0"));
        assert!(equal("-0", "0"));
        assert!(!equal("1", "\"1\""));
        assert!(!equal("9007199254740993", "9007199254740992"));
        assert!(!equal("null", "{}"));
    }

    #[test]
    fn names_the_fields() {
        let some = |text: &str| Some(String::from(text));
        assert_eq!(
            compared(
                r#"{"flavor": {"nova_object.data": {"vcpus": 2}}, "a": null, "b": [1, {"c": 1}], "d": {}}"#,
                r#"{"flavor": {"nova_object.data": {"vcpus": 4}}, "b": [1, {"c": 2}, 3], "d": [], "e": 1}"#
            ),
            [
                ("a".into(), some("null"), None),
                ("b.1.c".into(), some("1"), some("2")),
                ("b.2".into(), None, some("3")),
                ("d".into(), some("{}"), some("[]")),
                ("e".into(), None, some("1")),
                ("flavor.vcpus".into(), some("2"), some("4")),
            ]
        );
    }

    #[test]
    fn selects_fields() {
        let difference = |field: &str| FieldDifference::new(field.into(), None, None);
        let fields = [String::from("flavor.vcpus"), String::from("state")];
        assert!(difference("state").concerns(&fields));
        assert!(difference("flavor").concerns(&fields));
        assert!(difference("flavor.vcpus.x").concerns(&fields));
        assert!(!difference("state_description").concerns(&fields));
        assert!(!difference("flavor.vcpus_max").concerns(&fields));
    }

    #[test]
    fn bounds_the_depth() {
        let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(compared(&deep("1"), &deep("1")).len(), 0);
        assert_eq!(compared(&deep("1"), &deep("2")).len(), 1);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-3_i64..4).prop_map(Value::from),
            (-3_i32..4).prop_map(|number| Value::from(f64::from(number) / 2.0)),
            "[a-c\"\\\\\u{e9}]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|members| Value::from(serde_json::Map::from_iter(members))),
            ]
        })
    }

    /// Returns the value with whole numbers as floats.
    fn whole(value: &Value) -> Value {
        match value {
            Value::Number(number) => Value::from(number.as_f64()),
            Value::Array(items) => items.iter().map(whole).collect(),
            Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), whole(value))).collect(),
            _ => value.clone(),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(expected in value(), received in value()) {
            let differences = compared(&expected.to_string(), &received.to_string());
            prop_assert_eq!(differences.is_empty(), whole(&expected) == whole(&received));
            prop_assert!(compared(&expected.to_string(), &expected.to_string()).is_empty());
        }
    }
}
