//! What JavaScript gets to see of an error, and what of a JavaScript error the library gets to see.

use std::error::Error as _;
use std::fmt;

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::record::ToJs;
use crate::Error;
use crate::host::HostError;

#[wasm_bindgen(raw_module = "./error.js")]
extern "C" {
    #[wasm_bindgen(js_name = novaError)]
    fn nova_error(code: &str, message: &str, callback: Option<String>, cause: &JsValue) -> JsValue;

    /// A code and a line of text.
    pub fn describe(thrown: &JsValue) -> Array;
}

/// What is thrown.
#[derive(Debug)]
pub struct Thrown(pub JsValue);

pub type Result<T> = std::result::Result<T, Thrown>;

impl From<JsValue> for Thrown {
    fn from(thrown: JsValue) -> Self {
        Self(thrown)
    }
}

impl From<Thrown> for JsValue {
    fn from(Thrown(thrown): Thrown) -> Self {
        thrown
    }
}

impl From<Error> for Thrown {
    fn from(error: Error) -> Self {
        Self(error.to_js())
    }
}

/// A `NovaError`, with what the host threw as its cause.
impl ToJs for Error {
    fn to_js(&self) -> JsValue {
        let source = self.source().and_then(|source| source.downcast_ref::<HostThrew>());
        let cause = source.map_or(JsValue::UNDEFINED, |HostThrew(thrown)| thrown.clone());
        nova_error(self.code(), self.message(), self.callback().map(|name| camel_case(name, '-')), &cause)
    }
}

/// What a callback threw, or rejected with.
pub fn of_host(thrown: JsValue) -> HostError {
    in_words_of(&thrown.clone(), thrown)
}

/// In the words of one value, with another one as its cause.
pub fn in_words_of(thrown: &JsValue, cause: JsValue) -> HostError {
    let described = describe(thrown);
    let text = |at| described.get(at).as_string().unwrap_or_default();
    HostError::new(text(0), text(1)).with_source(HostThrew(cause))
}

/// What a host threw, on its way through the library.
#[derive(Debug)]
struct HostThrew(JsValue);

#[cfg(target_feature = "atomics")]
compile_error!("a JavaScript value belongs to one thread");

// SAFETY: the library's errors may cross threads, and a JavaScript value must not. This module has one thread.
unsafe impl Send for HostThrew {}
// SAFETY: likewise.
unsafe impl Sync for HostThrew {}

impl fmt::Display for HostThrew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&describe(&self.0).get(1).as_string().unwrap_or_default())
    }
}

impl std::error::Error for HostThrew {}

/// `task-log-get` is called `taskLogGet` here, and `device_name` `deviceName`.
pub fn camel_case(name: &str, between: char) -> String {
    let mut camel = String::with_capacity(name.len());
    for (at, word) in name.split(between).enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if at > 0 => camel.push(first.to_ascii_uppercase()),
            first => camel.extend(first),
        }
        camel.push_str(letters.as_str());
    }
    camel
}
