//! Values over the border: in as JSON text or as a record, out as plain values, with every digit of a whole number.

use js_sys::{Array, ArrayBuffer, BigInt, JSON, Object, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

use super::error::{Result, Thrown};
use super::record::SAFE;
use crate::Error;
use crate::document::{Json, Object as JsonObject};

#[wasm_bindgen(raw_module = "./document.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = toJson)]
    fn to_json(document: &JsValue, name: &str) -> std::result::Result<String, JsValue>;

    /// A moment as text; nothing where it is none. An invalid date throws.
    #[wasm_bindgen(catch, js_name = momentText)]
    pub fn moment_text(moment: &JsValue) -> std::result::Result<Option<String>, JsValue>;
}

/// What throws on a proxy that does. It has to come back as a value: what flies through the module leaves it in the
/// middle of a call.
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = Array, js_name = isArray)]
    fn array_is_array(value: &JsValue) -> std::result::Result<bool, JsValue>;

    #[wasm_bindgen(catch, js_namespace = Array, js_name = from)]
    fn array_from(value: &JsValue) -> std::result::Result<Array, JsValue>;

    #[wasm_bindgen(catch, js_namespace = Object, js_name = keys)]
    pub fn object_keys(value: &JsValue) -> std::result::Result<Array, JsValue>;
}

/// Is it an array?
pub fn is_array(value: &JsValue) -> bool {
    array_is_array(value).unwrap_or_default()
}

/// The members of an array; nothing where it is none.
pub fn members(value: &JsValue) -> std::result::Result<Option<Array>, JsValue> {
    if array_is_array(value)? { array_from(value).map(Some) } else { Ok(None) }
}

/// The JSON text of a document; `name` is what errors call it.
pub fn text(document: &JsValue, name: &str) -> Result<String> {
    if document.is_object() || document.is_string() {
        return Ok(to_json(document, name)?);
    }
    Err(Error::type_error(format!("`{name}` is {}: give an object, or its JSON text", kind(document))).into())
}

/// That of any value, null too; nothing for what is not there.
pub fn value_text(value: &JsValue, name: &str) -> Result<Option<String>> {
    if value.is_undefined() {
        return Ok(None);
    }
    if let Some(text) = value.as_string() {
        return Ok(Some(crate::document::text_json(&text)));
    }
    Ok(Some(to_json(value, name)?))
}

/// That of a document, if there is one.
pub fn optional_text(document: &JsValue, name: &str) -> Result<Option<String>> {
    if document.is_undefined() || document.is_null() {
        return Ok(None);
    }
    text(document, name).map(Some)
}

/// Those of a list of documents. What is text already is not looked at.
pub fn texts(documents: &Array, name: &str) -> Result<Vec<String>> {
    if documents.iter().any(|document| document.is_string()) {
        let text = |(index, document): (usize, JsValue)| match document.as_string() {
            Some(text) => Ok(text),
            None => Ok(to_json(&document, &format!("{name}[{index}]"))?),
        };
        return documents.iter().enumerate().map(text).collect();
    }
    // All at once: a crossing for each would cost more.
    let list = to_json(documents, name)?;
    let list: Vec<Box<serde_json::value::RawValue>> =
        serde_json::from_str(&list).map_err(|error| Error::value(format!("`{name}`: {error}")))?;
    Ok(list.into_iter().map(|document| String::from(Box::<str>::from(document))).collect())
}

/// The bytes of any view of them.
pub fn bytes(value: &JsValue, name: &str) -> Result<Vec<u8>> {
    match byte_array(value) {
        Some(bytes) => Ok(bytes.to_vec()),
        None => Err(Error::type_error(format!("`{name}` is {}: give a `Uint8Array`", kind(value))).into()),
    }
}

/// What has the prototype of a view need not be one.
pub fn byte_array(value: &JsValue) -> Option<&Uint8Array> {
    value.dyn_ref::<Uint8Array>().filter(|_| ArrayBuffer::is_view(value))
}

/// A value of JSON text: a whole number that a `number` would round is a `bigint`.
pub fn from_text(text: &str) -> Result<JsValue> {
    if has_long_number(text) {
        return Ok(exactly(Json::parse(text)?, 0)?);
    }
    JSON::parse(text).map_err(Thrown)
}

/// What a value is, in words.
pub fn kind(value: &JsValue) -> &'static str {
    match value {
        _ if value.is_undefined() => "missing",
        _ if value.is_null() => "null",
        _ if value.is_string() => "text",
        _ if is_array(value) => "an array",
        _ if value.is_function() => "a function",
        _ if value.is_bigint() => "a bigint",
        _ if value.as_bool().is_some() => "a boolean",
        _ if value.as_f64().is_some() => "a number",
        _ => "an object",
    }
}

/// Sixteen digits may be more than a `number` can hold. They may as well stand in a text: this only chooses the way.
fn has_long_number(text: &str) -> bool {
    let mut digits: u32 = 0;
    text.bytes().any(|byte| {
        digits = if byte.is_ascii_digit() { digits.saturating_add(1) } else { 0 };
        digits >= 16
    })
}

/// How deep a document may be nested: as deep as one that is read.
const DEEPEST: u32 = 128;

fn exactly(json: Json<'_>, depth: u32) -> std::result::Result<JsValue, Error> {
    if depth > DEEPEST {
        return Err(Error::value(format!("nested more than {DEEPEST} deep")));
    }
    if json.is_object() {
        let members = Array::new();
        for (name, member) in JsonObject::from_json(json)?.iter() {
            members.push(&Array::of2(&JsValue::from_str(name), &exactly(member, depth.saturating_add(1))?));
        }
        let object = Object::from_entries(&members).map_err(|_| Error::value("a name is no text"))?;
        return Ok(object.into());
    }
    if let Some(list) = json.list()? {
        let array = Array::new();
        for member in list {
            array.push(&exactly(member, depth.saturating_add(1))?);
        }
        return Ok(array.into());
    }
    Ok(scalar(json))
}

fn scalar(json: Json<'_>) -> JsValue {
    let is_long = json.is_number() && json.integer().is_none_or(|integer| integer.unsigned_abs() > u128::from(SAFE));
    if is_long && let Ok(integer) = BigInt::new(&JsValue::from_str(json.as_str())) {
        return integer.into();
    }
    // A value that was read as JSON parses.
    JSON::parse(json.as_str()).unwrap_or(JsValue::NULL)
}
