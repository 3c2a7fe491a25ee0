//! JavaScript values: their kinds, their elements, and JSON text as a value.

use std::format;
use std::prelude::v1::*;

use js_sys::{Array, ArrayBuffer, BigInt, JSON, Object, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

use crate::Error;
use crate::document::{Json, Object as JsonObject};

// js-sys declares these functions as infallible, but they throw on some proxies. An exception that unwinds through wasm
// leaves the call half finished, so each of them is caught.
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = Array, js_name = isArray)]
    fn array_is_array(value: &JsValue) -> Result<bool, JsValue>;

    #[wasm_bindgen(catch, js_namespace = Array, js_name = from)]
    fn array_from(value: &JsValue) -> Result<Array, JsValue>;

    #[wasm_bindgen(catch, js_namespace = Object, js_name = keys)]
    pub fn object_keys(value: &JsValue) -> Result<Array, JsValue>;
}

/// Returns whether a value is an array; false for a revoked proxy.
pub fn is_array(value: &JsValue) -> bool {
    array_is_array(value).unwrap_or_default()
}

/// Returns a copy of an array, or `None` when the value is not an array.
pub fn elements(value: &JsValue) -> Result<Option<Array>, JsValue> {
    if array_is_array(value)? { array_from(value).map(Some) } else { Ok(None) }
}

/// Returns the value as bytes, or `None` when it is not a `Uint8Array`. An object that only has the prototype of one
/// is not.
pub fn byte_array(value: &JsValue) -> Option<&Uint8Array> {
    value.dyn_ref::<Uint8Array>().filter(|_| ArrayBuffer::is_view(value))
}

/// Returns whether a value is null or undefined, which mean the same in options and records.
pub fn is_absent(value: &JsValue) -> bool {
    value.is_undefined() || value.is_null()
}

/// Returns the kind of a value, as errors name it.
pub fn kind(value: &JsValue) -> &'static str {
    match value {
        _ if value.is_undefined() => "missing",
        _ if value.is_null() => "null",
        _ if value.is_string() => "a string",
        _ if is_array(value) => "an array",
        _ if value.is_function() => "a function",
        _ if value.is_bigint() => "a bigint",
        _ if value.as_bool().is_some() => "a boolean",
        _ if value.as_f64().is_some() => "a number",
        _ => "an object",
    }
}

/// `Number.MAX_SAFE_INTEGER`.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Returns the value of a JSON text. An integer that a `number` would round is a `bigint`.
pub fn from_json(text: &str) -> Result<JsValue, Error> {
    if has_long_number(text) {
        return exact(Json::parse(text)?, 0);
    }
    JSON::parse(text).map_err(|_| Error::value("not JSON"))
}

/// Returns whether a text has sixteen digits in a row, which may be more than a `number` holds. They may also be part
/// of a string; the answer only selects the slower way.
fn has_long_number(text: &str) -> bool {
    let mut digits: u32 = 0;
    text.bytes().any(|byte| {
        digits = if byte.is_ascii_digit() { digits.saturating_add(1) } else { 0 };
        digits >= 16
    })
}

/// The deepest nesting of a JSON text, the same as that of a document that comes in.
const MAX_DEPTH: u32 = 128;

fn exact(json: Json<'_>, depth: u32) -> Result<JsValue, Error> {
    if depth > MAX_DEPTH {
        return Err(Error::value(format!("nested more than {MAX_DEPTH} deep")));
    }
    let depth = depth.saturating_add(1);
    if json.is_object() {
        let members = Array::new();
        for (name, member) in JsonObject::from_json(json)?.iter() {
            members.push(&Array::of2(&JsValue::from_str(name), &exact(member, depth)?));
        }
        // Unlike an assignment, this makes a plain member of the name `__proto__`.
        return Object::from_entries(&members).map(JsValue::from).map_err(|_| Error::value("not an object"));
    }
    if let Some(list) = json.list()? {
        let array = Array::new();
        for element in list {
            array.push(&exact(element, depth)?);
        }
        return Ok(array.into());
    }
    Ok(scalar(json))
}

fn scalar(json: Json<'_>) -> JsValue {
    let fits = |integer: i128| integer.unsigned_abs() <= u128::from(MAX_SAFE_INTEGER);
    if json.is_number()
        && !json.integer().is_some_and(fits)
        && let Ok(integer) = BigInt::new(&JsValue::from_str(json.as_str()))
    {
        return integer.into();
    }
    // It was read as JSON, so it parses.
    JSON::parse(json.as_str()).unwrap_or(JsValue::NULL)
}
