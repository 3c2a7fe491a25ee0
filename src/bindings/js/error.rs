//! Errors of the library as JavaScript errors, and values that a host throws as errors of the library.

use std::error::Error as StdError;
use std::fmt;
use std::prelude::v1::*;

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::value::from_json;
use crate::Error;
use crate::host::HostError;

#[wasm_bindgen(raw_module = "./error.js")]
extern "C" {
    #[wasm_bindgen(js_name = novaError)]
    fn new_nova_error(
        code: &str,
        message: &str,
        arguments: &JsValue,
        callback: Option<&str>,
        cause: &JsValue,
    ) -> JsValue;
}

#[wasm_bindgen(raw_module = "./thrown.js")]
extern "C" {
    /// Returns the code, the message and the arguments as JSON.
    fn describe(thrown: &JsValue) -> Array;
}

/// A JavaScript value that a call throws.
#[derive(Debug)]
pub struct Thrown(pub JsValue);

pub type Result<T> = core::result::Result<T, Thrown>;

impl From<Thrown> for JsValue {
    fn from(Thrown(thrown): Thrown) -> Self {
        thrown
    }
}

impl From<Error> for Thrown {
    fn from(error: Error) -> Self {
        Self(nova_error(&error))
    }
}

/// Returns a `NovaError`; its cause is the value that the host threw.
pub fn nova_error(error: &Error) -> JsValue {
    let source = error.source().and_then(|source| source.downcast_ref::<HostThrew>());
    let cause = source.map_or(JsValue::UNDEFINED, |HostThrew(thrown)| thrown.clone());
    // A host may attach anything as arguments.
    let arguments = from_json(error.arguments()).unwrap_or_default();
    new_nova_error(error.code(), error.message(), &arguments, error.callback(), &cause)
}

/// Returns the error of a value that the host threw or rejected with.
pub fn host_error(thrown: JsValue) -> HostError {
    let Description { code, message, arguments } = Description::of(&thrown);
    HostError::new(code, message).with_arguments(arguments).with_source(HostThrew(thrown))
}

/// Returns a `NovaError` that a JavaScript file of this face threw as an error of the library with the same cause.
pub fn face_error(thrown: &JsValue) -> Error {
    let Description { code, message, arguments } = Description::of(thrown);
    let error = HostError::new(code, message).with_arguments(arguments);
    let cause = js_sys::Reflect::get(thrown, &JsValue::from_str("cause")).unwrap_or_default();
    if cause.is_undefined() { error.into() } else { error.with_source(HostThrew(cause)).into() }
}

/// The parts of a thrown value that an error of the library keeps.
pub struct Description {
    pub code: String,
    pub message: String,
    arguments: String,
}

impl Description {
    pub fn of(thrown: &JsValue) -> Self {
        let described = describe(thrown);
        let text = |index| described.get(index).as_string().unwrap_or_default();
        Self { code: text(0), message: text(1), arguments: text(2) }
    }
}

/// A value that the host threw, as the source of an error.
#[derive(Debug)]
struct HostThrew(JsValue);

#[cfg(target_feature = "atomics")]
compile_error!("a JavaScript value belongs to one thread");

// SAFETY: the library's errors may cross threads, and a JavaScript value must not. This module has one thread.
unsafe impl Send for HostThrew {}
// SAFETY: the same.
unsafe impl Sync for HostThrew {}

impl fmt::Display for HostThrew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Description::of(&self.0).message)
    }
}

impl StdError for HostThrew {}
