//! Options: objects whose names are all known.

use js_sys::{Function, Object, Reflect};
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_path_to_error::Segment;
use tsify::{Ts, Tsify};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

use super::document::kind;
use super::error::Result;
use crate::Error;

/// The options of a call. Null and absent are the same; an option that is not known is refused.
pub fn read<T: Tsify + DeserializeOwned>(options: &Ts<T>) -> Result<T>
where
    T::JsType: JsCast,
{
    read_value(options.js_value())
}

/// Those of a call that can do without.
pub fn read_optional<T: Tsify + DeserializeOwned>(options: Option<&Ts<T>>) -> Result<T>
where
    T::JsType: JsCast,
{
    read_value(options.map_or_else(|| Object::new().into(), Ts::js_value))
}

fn read_value<T: DeserializeOwned>(options: JsValue) -> Result<T> {
    if !options.is_object() || options.is_array() || options.is_function() {
        return Err(Error::type_error(format!("the options are {}: give an object", kind(&options))).into());
    }
    refuse_unknown(&options, known_names::<T>())?;
    record(&options)
}

/// A record, which may hold more than is read.
pub fn record<T: DeserializeOwned>(value: &JsValue) -> Result<T> {
    let deserializer = serde_wasm_bindgen::Deserializer::from(value.clone());
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let (reason, path) = (error.inner().to_string(), error.path());
        complaint(&reason, &path.to_string(), &at(value.clone(), path)).into()
    })
}

fn refuse_unknown(options: &JsValue, known: &[&str]) -> Result<()> {
    for name in Object::keys(options.unchecked_ref::<Object>()) {
        let name = name.as_string().unwrap_or_default();
        if !known.contains(&name.as_str()) {
            return Err(Error::type_error(unknown(&name, known)).into());
        }
    }
    Ok(())
}

fn unknown(name: &str, known: &[&str]) -> String {
    let distance = |known: &&&str| strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase());
    match known.iter().min_by_key(distance) {
        Some(nearest) => format!("unknown option `{name}`: did you mean `{nearest}`?"),
        None => format!("unknown option `{name}`: there are none"),
    }
}

/// One line of serde's, in the words of JavaScript.
fn complaint(reason: &str, path: &str, value: &JsValue) -> Error {
    let reason = reason.strip_prefix("Error: ").unwrap_or(reason);
    if let Some(name) = reason.strip_prefix("missing field ") {
        let name = name.trim_matches('`');
        return Error::type_error(match path {
            "." => format!("the option `{name}` is missing"),
            _ => format!("`{path}.{name}` is missing"),
        });
    }
    let expected = reason.rsplit_once("expected ").map(|(_, expected)| expected);
    let wanted = match expected {
        Some("a string" | "str" | "string") => "text",
        Some("a boolean" | "bool") => "`true` or `false`",
        Some("a sequence") => "an array",
        Some("i64" | "u64" | "i32" | "u32") => "a whole number",
        Some(expected) if expected.starts_with("struct ") || expected == "a map" => "an object",
        // What is of the right type and says nothing that is known: a release, a format.
        _ => return Error::value(reason),
    };
    Error::type_error(format!("`{path}` is {}: give {wanted}", kind(value)))
}

/// The value at a path that serde has walked.
fn at(options: JsValue, path: &serde_path_to_error::Path) -> JsValue {
    path.iter().fold(options, |value, segment| {
        let key = match segment {
            Segment::Map { key } => JsValue::from_str(key),
            Segment::Seq { index } => JsValue::from_str(&index.to_string()),
            Segment::Enum { .. } | Segment::Unknown => return value,
        };
        Reflect::get(&value, &key).unwrap_or(JsValue::UNDEFINED)
    })
}

/// The names of a struct's fields, as serde knows them.
fn known_names<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // It never gets further than to say which fields it wants.
    let _ = T::deserialize(Names(&mut names));
    names
}

/// A deserializer that has nothing to give, and only listens.
struct Names<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> std::result::Result<V::Value, Self::Error> {
        *self.0 = fields;
        Err(Self::Error::custom("listened"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Text that stands on its own, and not among options.
pub fn text(value: &JsValue, name: &str) -> Result<String> {
    let given = || Error::type_error(format!("`{name}` is {}: give text", kind(value)));
    Ok(value.as_string().ok_or_else(given)?)
}

/// A whole number that stands on its own.
pub fn integer(value: &JsValue, name: &str) -> Result<i64> {
    let deserializer = serde_wasm_bindgen::Deserializer::from(value.clone());
    let given = |_| Error::type_error(format!("`{name}` is {}: give a whole number", kind(value)));
    Ok(i64::deserialize(deserializer).map_err(given)?)
}

/// Whose contract is spoken.
pub struct Release(pub crate::Release);

impl<'de> Deserialize<'de> for Release {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map(Self).map_err(D::Error::custom)
    }
}

/// Which notifications are sent.
pub struct NotificationFormat(pub crate::NotificationFormat);

impl<'de> Deserialize<'de> for NotificationFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map(Self).map_err(D::Error::custom)
    }
}

/// Any value, as it was given.
#[derive(Clone, Default)]
pub struct Given(pub JsValue);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        serde_wasm_bindgen::preserve::deserialize(deserializer).map(Self)
    }
}

impl Given {
    /// Is there anything?
    pub fn is_some(&self) -> bool {
        !self.0.is_undefined() && !self.0.is_null()
    }

    /// An object, if there is anything.
    pub fn object(self, name: &str) -> std::result::Result<JsValue, Error> {
        if !self.is_some() || self.0.is_object() || self.0.is_function() {
            return Ok(self.0);
        }
        Err(Error::type_error(format!("`{name}` is {}: give an object", kind(&self.0))))
    }

    /// A function, if there is anything.
    pub fn function(self, name: &str) -> std::result::Result<Option<Function>, Error> {
        if !self.is_some() {
            return Ok(None);
        }
        let given = |value: JsValue| Error::type_error(format!("`{name}` is {}: give a function", kind(&value)));
        self.0.dyn_into().map(Some).map_err(given)
    }
}
