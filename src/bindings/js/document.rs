//! Documents on their way in: a JavaScript value becomes JSON text, with every digit of an integer.

use std::format;
use std::prelude::v1::*;

use js_sys::Array;
use serde_json::value::RawValue;
use wasm_bindgen::prelude::*;

use super::error::face_error;
use super::value::kind;
use crate::Error;
use crate::document::text_json;

#[wasm_bindgen(raw_module = "./document.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = toJson)]
    fn to_json(document: &JsValue, name: &str) -> Result<String, JsValue>;

    /// Returns a string or a `Date` as a string, and `None` for another value. An invalid date throws.
    #[wasm_bindgen(catch, js_name = timestampText)]
    pub fn timestamp_text(timestamp: &JsValue) -> Result<Option<String>, JsValue>;
}

/// Returns the JSON text of a document; `name` is its name in errors.
pub fn text(document: &JsValue, name: &str) -> Result<String, Error> {
    if document.is_object() || document.is_string() {
        return to_json(document, name).map_err(|thrown| face_error(&thrown));
    }
    Err(Error::type_error(format!("`{name}` is {}: give an object or its JSON text", kind(document))))
}

/// Returns the JSON text of any value, null included, and `None` when it is undefined. A string is a JSON string.
pub fn value_text(value: &JsValue, name: &str) -> Result<Option<String>, Error> {
    if value.is_undefined() {
        return Ok(None);
    }
    if let Some(text) = value.as_string() {
        return Ok(Some(text_json(&text)));
    }
    to_json(value, name).map(Some).map_err(|thrown| face_error(&thrown))
}

/// Returns the JSON texts of a list of documents. A string passes through unread.
pub fn texts(documents: &Array, name: &str) -> Result<Vec<String>, Error> {
    if documents.iter().any(|document| document.is_string()) {
        let text = |(index, document): (usize, JsValue)| match document.as_string() {
            Some(text) => Ok(text),
            None => to_json(&document, &format!("{name}[{index}]")).map_err(|thrown| face_error(&thrown)),
        };
        return documents.iter().enumerate().map(text).collect();
    }
    // One call for the whole list costs less than one for each document.
    let list = to_json(documents, name).map_err(|thrown| face_error(&thrown))?;
    let list: Vec<Box<RawValue>> =
        serde_json::from_str(&list).map_err(|error| Error::value(format!("`{name}`: {error}")))?;
    Ok(list.into_iter().map(|document| String::from(Box::<str>::from(document))).collect())
}
