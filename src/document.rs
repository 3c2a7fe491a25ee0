//! Open-ended JSON documents, read by borrowing. A value that no function reads is copied without re-encoding.
//!
//! Nova adds fields to instances, network info caches and payloads over the years. The library keeps such a document as
//! JSON text: [`Json`] is one value whose text is valid JSON, and [`Object`] splits one level of it into members.
//! Values keep their digits and escapes.

use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BinaryHeap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::Error;

/// One JSON value, as validated JSON text.
///
/// ```
/// use nova_compute_utils::document::Json;
///
/// let value = Json::parse("18446744073709551616")?;
/// assert_eq!(value.as_str(), "18446744073709551616"); // all digits are kept
/// assert_eq!(Json::parse("{").unwrap_err().code(), "ValueError");
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    pub(crate) const NULL: Json<'static> = Json("null");
    pub(crate) const FALSE: Json<'static> = Json("false");
    pub(crate) const EMPTY_LIST: Json<'static> = Json("[]");
    pub(crate) const EMPTY_OBJECT: Json<'static> = Json("{}");

    /// Validates JSON text. Fails with `ValueError` when it is not JSON.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| not_json(&error))?;
        Ok(Self(raw.get()))
    }

    pub(crate) const fn constant(text: &'static str) -> Json<'static> {
        Json(text)
    }

    /// Returns the JSON text of the value.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Returns whether the value is null.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    pub(crate) fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    pub(crate) fn is_list(self) -> bool {
        self.0.starts_with('[')
    }

    pub(crate) fn is_text(self) -> bool {
        self.0.starts_with('"')
    }

    pub(crate) fn is_number(self) -> bool {
        self.0.starts_with(|first: char| first == '-' || first.is_ascii_digit())
    }

    /// Returns whether the value is true in Python: neither null, false, a zero, nor empty.
    pub(crate) fn is_truthy(self) -> bool {
        match self.0.as_bytes() {
            b"null" | b"false" | b"\"\"" => false,
            [b'[' | b'{', inside @ .., _] => !inside.trim_ascii().is_empty(),
            [b'-' | b'0'..=b'9', ..] => {
                let mantissa = self.0.split(['e', 'E']).next().unwrap_or_default();
                mantissa.contains(|digit: char| ('1'..='9').contains(&digit))
            }
            _ => true,
        }
    }

    /// Decodes a JSON string; `None` when the value is not a string. Fails with `ValueError` when the string is not
    /// Unicode (half of a surrogate pair).
    pub(crate) fn text(self) -> Result<Option<Cow<'a, str>>, Error> {
        if !self.is_text() {
            return Ok(None);
        }
        let Text(text) = serde_json::from_str(self.0).map_err(|error| not_json(&error))?;
        Ok(Some(text))
    }

    /// Returns an integer; `None` when the value is not a number, has a fraction or an exponent, or does not fit.
    pub(crate) fn integer(self) -> Option<i128> {
        self.0.parse().ok()
    }

    /// Returns the items of a list; `None` when the value is not a list.
    pub(crate) fn list(self) -> Result<Option<Vec<Json<'a>>>, Error> {
        if !self.is_list() {
            return Ok(None);
        }
        serde_json::from_str(self.0).map(Some).map_err(|error| not_json(&error))
    }

    /// Names the type of the value for error messages.
    pub(crate) fn type_name(self) -> &'static str {
        match self.0.as_bytes().first() {
            Some(b'{') => "a mapping",
            Some(b'[') => "a list",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') | None => "null",
            Some(_) => "a number",
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &'de RawValue = Deserialize::deserialize(deserializer)?;
        Ok(Self(raw.get()))
    }
}

/// A decoded JSON string, borrowed when it contains no escapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// One level of a JSON object: decoded keys and undecoded values. When a key repeats, the last value counts, as in
/// Python.
///
/// ```
/// use nova_compute_utils::document::Object;
///
/// let extra = Object::parse(r#"{"bandwidth": {"private": {"bw_in": 1}}, "bandwidth": {}}"#)?;
/// assert_eq!(extra.get("bandwidth").map(|value| value.as_str()), Some("{}"));
/// assert_eq!(Object::parse("[]").unwrap_err().code(), "TypeError");
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object<'a> {
    entries: Vec<(Cow<'a, str>, Json<'a>)>,
}

impl<'a> Object<'a> {
    /// Parses JSON text. Fails with `ValueError` when it is not JSON, and with `TypeError` when it is not an object.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        Self::from_json(Json::parse(text)?)
    }

    pub(crate) fn from_json(value: Json<'a>) -> Result<Self, Error> {
        if !value.is_object() {
            return Err(Error::type_error(format!("expected a JSON object, got {}", value.type_name())));
        }
        serde_json::from_str(value.0).map_err(|error| not_json(&error))
    }

    /// Returns the value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Json<'a>> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    /// Removes a key and returns its value.
    pub(crate) fn take(&mut self, key: &str) -> Option<Json<'a>> {
        let index = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.remove(index).1)
    }

    /// Replaces or adds each value of `other`, as Python's `dict.update`.
    pub(crate) fn update(&mut self, other: Object<'a>) {
        self.entries.extend(other.entries);
        self.keep_last();
    }

    /// Sets the value of a key: Python's `mapping[key] = value`.
    pub(crate) fn set(&mut self, key: &'a str, value: Json<'a>) {
        match self.entries.iter_mut().find(|(name, _)| name == key) {
            Some(entry) => entry.1 = value,
            None => self.push(Cow::Borrowed(key), value),
        }
    }

    pub(crate) fn push(&mut self, key: Cow<'a, str>, value: Json<'a>) {
        self.entries.push((key, value));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Cow<'a, str>, Json<'a>)> {
        self.entries.iter().map(|(key, value)| (key, *value))
    }

    /// Keeps one entry per key: the position of the first and the value of the last.
    pub(crate) fn keep_last(&mut self) {
        let indices = self.entries.iter().enumerate().map(|(index, (key, _))| (key.as_ref(), index));
        // A heap sorts with a tenth of the code of `sort`.
        let sorted = indices.collect::<BinaryHeap<_>>().into_sorted_vec();
        let repeated = sorted.windows(2).rev().filter_map(|pair| match pair {
            [(key, earlier), (repeated, later)] if key == repeated => Some((*earlier, *later)),
            _ => None,
        });
        let repeated: Vec<(usize, usize)> = repeated.collect();
        // From back to front, so that the last value reaches the first position in several steps.
        for (earlier, later) in &repeated {
            let last = self.entries.get(*later).map(|(_, value)| *value);
            if let (Some(entry), Some(last)) = (self.entries.get_mut(*earlier), last) {
                entry.1 = last;
            }
        }
        let removed = repeated.into_iter().map(|(_, later)| later).collect::<BinaryHeap<_>>().into_sorted_vec();
        let mut removed = removed.into_iter().peekable();
        let mut indices = 0_usize..;
        self.entries.retain(|_| indices.next().is_none_or(|index| removed.next_if_eq(&index).is_none()));
    }

    pub(crate) fn to_json(&self) -> String {
        let mut writer = ObjectWriter::new();
        for (key, value) in self.iter() {
            writer.value(key, value.as_str());
        }
        writer.finish()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut object = Object::default();
                while let Some(Text(key)) = map.next_key()? {
                    object.entries.push((key, map.next_value()?));
                }
                object.keep_last();
                Ok(object)
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// Declares a document type with the fields that the library reads, each as its JSON. A null field is `None`, like an
/// absent one; unknown fields are ignored; when a field repeats, the last one counts, as in Python.
macro_rules! fields {
    (
        $(#[$meta:meta])* pub struct $name:ident { $($field:ident,)* }
        $(and { $($(#[$own_meta:meta])* $own:ident: $type:ty,)* })?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name<'a> {
            $(pub(crate) $field: Option<$crate::document::Json<'a>>,)*
            $($($(#[$own_meta])* pub(crate) $own: $type,)*)?
        }

        impl<'a> $crate::document::Fields<'a> for $name<'a> {
            fn field(&mut self, name: &str) -> Option<&mut Option<$crate::document::Json<'a>>> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name<'de> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::document::read_fields(deserializer)
            }
        }
    };
}

pub(crate) use fields;

/// A document type that [`fields!`] declares.
pub(crate) trait Fields<'a>: Default {
    /// Returns the member that stores the value of a field; `None` when the field is ignored.
    fn field(&mut self, name: &str) -> Option<&mut Option<Json<'a>>>;
}

/// Deserializes a document type.
pub(crate) fn read_fields<'de, D: Deserializer<'de>, F: Fields<'de>>(deserializer: D) -> Result<F, D::Error> {
    struct FieldsVisitor<F>(F);
    impl<'de, F: Fields<'de>> Visitor<'de> for FieldsVisitor<F> {
        type Value = F;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<F, A::Error> {
            let Self(mut fields) = self;
            while let Some(Text(name)) = map.next_key()? {
                match fields.field(&name) {
                    Some(field) => *field = Some(map.next_value()?).filter(|value: &Json<'de>| !value.is_null()),
                    None => drop(map.next_value::<IgnoredAny>()?),
                }
            }
            Ok(fields)
        }
    }
    deserializer.deserialize_map(FieldsVisitor(F::default()))
}

/// Key-value pairs: a mapping or the rows of a metadata table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Metadata<'a> {
    /// A mapping, as in Nova's objects.
    Mapping(Object<'a>),
    /// Rows with `key`, `value` and `deleted`, as in Nova's tables.
    Rows(Vec<MetadataRow<'a>>),
}

/// A row of `instance_metadata` or `instance_system_metadata`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub(crate) struct MetadataRow<'a> {
    #[serde(borrow)]
    key: Text<'a>,
    #[serde(borrow, default = "null")]
    value: Json<'a>,
    #[serde(borrow, default = "null")]
    deleted: Json<'a>,
}

const fn null<'a>() -> Json<'a> {
    Json::NULL
}

impl<'a> Metadata<'a> {
    /// Returns the pairs as one object; rows marked as deleted only with `include_deleted`.
    pub(crate) fn mapping(self, include_deleted: bool) -> Object<'a> {
        match self {
            Self::Mapping(object) => object,
            Self::Rows(rows) => {
                let mut object = Object::default();
                for row in rows {
                    if include_deleted || !row.deleted.is_truthy() {
                        object.push(row.key.0, row.value);
                    }
                }
                object.keep_last();
                object
            }
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Metadata<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MetadataVisitor;
        impl<'de> Visitor<'de> for MetadataVisitor {
            type Value = Metadata<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping or rows with `key` and `value`")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Metadata<'de>, A::Error> {
                Object::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Metadata::Mapping)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Metadata<'de>, A::Error> {
                let mut rows = Vec::new();
                while let Some(row) = sequence.next_element()? {
                    rows.push(row);
                }
                Ok(Metadata::Rows(rows))
            }
        }
        deserializer.deserialize_any(MetadataVisitor)
    }
}

/// Writes a JSON object, member by member.
pub(crate) struct ObjectWriter {
    json: String,
}

impl ObjectWriter {
    pub(crate) fn new() -> Self {
        Self { json: String::from("{") }
    }

    /// Appends a member whose value is JSON.
    pub(crate) fn value(&mut self, key: &str, json: &str) {
        if self.json.len() > 1 {
            self.json.push(',');
        }
        push_text(&mut self.json, key);
        self.json.push(':');
        self.json.push_str(json);
    }

    /// Appends a member whose value is a string.
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.value(key, &text_json(text));
    }

    /// Appends a member whose value is a string or null.
    pub(crate) fn text_or_null(&mut self, key: &str, text: Option<&str>) {
        match text {
            Some(text) => self.text(key, text),
            None => self.value(key, "null"),
        }
    }

    pub(crate) fn finish(mut self) -> String {
        self.json.push('}');
        self.json
    }
}

/// Writes a JSON list of values that are JSON.
pub(crate) fn list_json<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let mut json = String::from("[");
    for item in items {
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(item.as_ref());
    }
    json.push(']');
    json
}

/// Writes a JSON object with one member, whose value is JSON.
pub(crate) fn member_json(key: &str, json: &str) -> String {
    let mut object = ObjectWriter::new();
    object.value(key, json);
    object.finish()
}

/// Returns a string as JSON.
pub(crate) fn text_json(text: &str) -> String {
    let mut json = String::with_capacity(text.len().saturating_add(2));
    push_text(&mut json, text);
    json
}

fn push_text(json: &mut String, text: &str) {
    json.push('"');
    let mut rest = text;
    // Searches bytes, not characters: all escaped characters are ASCII, and decoding took a third of a payload's time.
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        let (plain, tail) = rest.split_at(at);
        json.push_str(plain);
        let mut tail = tail.chars();
        match tail.next() {
            Some(special @ ('"' | '\\')) => json.extend(['\\', special]),
            Some(control) => json.extend(format!("\\u{:04x}", u32::from(control)).chars()),
            None => {}
        }
        rest = tail.as_str();
    }
    json.push_str(rest);
    json.push('"');
}

/// Returns the error for text that is not JSON or has another structure than the reader expects.
pub(crate) fn not_json(error: &serde_json::Error) -> Error {
    Error::value(format!("not the JSON expected here: {error}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A repeated key keeps its first position and its last value, as in Python.
        #[test]
        fn keeps_the_last_value_of_a_repeated_key(keys in proptest::collection::vec("[a-d]", 0..12)) {
            let members: Vec<String> = keys.iter().zip(0..).map(|(key, value)| format!("\"{key}\":{value}")).collect();
            let json = format!("{{{}}}", members.join(","));
            let object = Object::parse(&json).expect("an object");
            let last: HashMap<&str, String> =
                keys.iter().zip(0..).map(|(key, value)| (key.as_str(), format!("{value}"))).collect();
            let mut expected: Vec<(&str, &str)> = Vec::new();
            for key in &keys {
                if expected.iter().all(|(known, _)| known != key) {
                    expected.push((key, &last[key.as_str()]));
                }
            }
            let actual: Vec<(&str, &str)> = object.iter().map(|(key, value)| (key.as_ref(), value.as_str())).collect();
            prop_assert_eq!(actual, expected);
        }
    }
}
