//! Open-ended JSON documents, read by borrowing and written without re-encoding what only passes through.
//!
//! An instance, a network info cache, a payload carry fields that Nova adds over the years. They stay text: [`Json`]
//! is a value whose text is known to be valid, [`Object`] reads one level of it, and what is not looked at is copied
//! as it is, digits and escapes included.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::Error;

/// One JSON value, as text that is known to be valid.
///
/// ```
/// use nova_compute_utils::document::Json;
///
/// let value = Json::parse("18446744073709551616")?;
/// assert_eq!(value.as_str(), "18446744073709551616"); // digits pass exactly
/// assert_eq!(Json::parse("{").unwrap_err().code(), "ValueError");
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    pub(crate) const NULL: Json<'static> = Json("null");
    pub(crate) const FALSE: Json<'static> = Json("false");
    pub(crate) const EMPTY_LIST: Json<'static> = Json("[]");
    pub(crate) const EMPTY_OBJECT: Json<'static> = Json("{}");

    /// A value from text; `ValueError` where the text is no JSON.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| not_json(&error))?;
        Ok(Self(raw.get()))
    }

    pub(crate) const fn constant(text: &'static str) -> Json<'static> {
        Json(text)
    }

    /// The text of the value.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Is it null?
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

    pub(crate) fn is_number(self) -> bool {
        self.0.starts_with(|first: char| first == '-' || first.is_ascii_digit())
    }

    /// Is it true in Python's sense: neither null, false, a zero, nor empty?
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

    /// The text that a JSON string stands for; nothing when the value is no string, `ValueError` when it is one that
    /// no text can hold (half of a surrogate pair).
    pub(crate) fn text(self) -> Result<Option<Cow<'a, str>>, Error> {
        if !self.0.starts_with('"') {
            return Ok(None);
        }
        let Text(text) = serde_json::from_str(self.0).map_err(|error| not_json(&error))?;
        Ok(Some(text))
    }

    /// The number, where it is one without fraction and exponent that fits.
    pub(crate) fn integer(self) -> Option<i128> {
        self.0.parse().ok()
    }

    /// The members of a list; nothing when the value is no list.
    pub(crate) fn list(self) -> Result<Option<Vec<Json<'a>>>, Error> {
        if !self.is_list() {
            return Ok(None);
        }
        serde_json::from_str(self.0).map(Some).map_err(|error| not_json(&error))
    }

    /// What Python calls the type of the value.
    pub(crate) fn type_name(self) -> &'static str {
        match self.0.as_bytes().first() {
            Some(b'{') => "a mapping",
            Some(b'[') => "a list",
            Some(b'"') => "text",
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

/// A JSON string, borrowed where it holds no escapes.
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("text")
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

/// One level of a JSON object: the keys decoded, the values as text. Where a key comes twice the last value counts,
/// as in Python.
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
    /// An object from text; `ValueError` where the text is no JSON, `TypeError` where it is JSON but no object.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        Self::from_json(Json::parse(text)?)
    }

    pub(crate) fn from_json(value: Json<'a>) -> Result<Self, Error> {
        if !value.is_object() {
            return Err(Error::type_error(format!("expected a JSON object, got {}", value.type_name())));
        }
        serde_json::from_str(value.0).map_err(|error| not_json(&error))
    }

    /// The value under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Json<'a>> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    /// Take the value out that stands under a key.
    pub(crate) fn take(&mut self, key: &str) -> Option<Json<'a>> {
        let at = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.remove(at).1)
    }

    /// Python's `dict.update`: each value replaces the one under its key, or is added.
    pub(crate) fn update(&mut self, other: Object<'a>) {
        self.entries.extend(other.entries);
        self.keep_last();
    }

    pub(crate) fn push(&mut self, key: Cow<'a, str>, value: Json<'a>) {
        self.entries.push((key, value));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Cow<'a, str>, Json<'a>)> {
        self.entries.iter().map(|(key, value)| (key, *value))
    }

    /// Of several entries with one key keep the place of the first and the value of the last.
    pub(crate) fn keep_last(&mut self) {
        let repeated = self.repeated();
        if repeated.is_empty() {
            return;
        }
        for (first, later) in &repeated {
            let last = self.entries.get(*later).map(|(_, value)| *value);
            if let (Some((_, value)), Some(last)) = (self.entries.get_mut(*first), last) {
                *value = last;
            }
        }
        let mut later = repeated.into_iter().map(|(_, later)| later).peekable();
        let mut place: usize = 0;
        self.entries.retain(|_| {
            let keep = later.next_if_eq(&place).is_none();
            place = place.saturating_add(1);
            keep
        });
    }

    /// Where a key comes again, and where it came first.
    fn repeated(&self) -> Vec<(usize, usize)> {
        let mut first: HashMap<&str, usize> = HashMap::with_capacity(self.entries.len());
        let mut repeated = Vec::new();
        for (place, (key, _)) in self.entries.iter().enumerate() {
            match first.entry(key) {
                Entry::Occupied(first) => repeated.push((*first.get(), place)),
                Entry::Vacant(first) => {
                    first.insert(place);
                }
            }
        }
        repeated
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

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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

/// Declares a document of which some fields are read, each as its JSON. Null and absent are the same, what else there is
/// is passed over, and where a field comes twice the last one counts, as in Python.
macro_rules! fields {
    ($(#[$meta:meta])* pub struct $name:ident { $($field:ident,)* } $(and { $($(#[$own_meta:meta])* $own:ident: $type:ty,)* })?) => {
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

/// What [`fields!`] declares.
pub(crate) trait Fields<'a>: Default {
    /// Where the value of a field goes; nothing for one that is passed over.
    fn field(&mut self, name: &str) -> Option<&mut Option<Json<'a>>>;
}

/// An object from wherever it comes.
pub(crate) fn read_fields<'de, D: Deserializer<'de>, F: Fields<'de>>(deserializer: D) -> Result<F, D::Error> {
    struct FieldsVisitor<F>(F);
    impl<'de, F: Fields<'de>> Visitor<'de> for FieldsVisitor<F> {
        type Value = F;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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

/// Key-value pairs, from a mapping or from the rows of a metadata table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Metadata<'a> {
    /// A mapping, as Nova's objects hold it.
    Mapping(Object<'a>),
    /// Rows with `key`, `value` and `deleted`, as the tables hold it.
    Rows(Vec<MetadataRow<'a>>),
}

/// A row of `instance_metadata` or `instance_system_metadata`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub(crate) struct MetadataRow<'a> {
    #[serde(borrow)]
    key: Key<'a>,
    #[serde(borrow, default = "null")]
    value: Json<'a>,
    #[serde(borrow, default = "null")]
    deleted: Json<'a>,
}

const fn null<'a>() -> Json<'a> {
    Json::NULL
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer).map(|Text(text)| Self(text))
    }
}

impl<'a> Metadata<'a> {
    /// As a mapping; of rows all, or the live ones only.
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

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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

/// Writes a JSON object member by member.
pub(crate) struct ObjectWriter {
    json: String,
}

impl ObjectWriter {
    pub(crate) fn new() -> Self {
        Self { json: String::from("{") }
    }

    /// A member whose value is JSON already.
    pub(crate) fn value(&mut self, key: &str, json: &str) {
        if self.json.len() > 1 {
            self.json.push(',');
        }
        push_text(&mut self.json, key);
        self.json.push(':');
        self.json.push_str(json);
    }

    /// A member whose value is text.
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.value(key, &text_json(text));
    }

    /// A member whose value is text, or null.
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

/// A JSON list of values that are JSON already.
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

/// Text as a JSON string.
pub(crate) fn text_json(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    push_text(&mut json, text);
    json
}

fn push_text(json: &mut String, text: &str) {
    json.push('"');
    let mut rest = text;
    // Byte by byte: all that is escaped is ASCII, and decoding characters to look for it took a third of a payload.
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

/// The one line for text that is no JSON, or not the JSON that is called for.
pub(crate) fn not_json(error: &serde_json::Error) -> Error {
    Error::value(format!("not the JSON expected here: {error}"))
}
