//! A face: one way to call the library's functions.

mod component;
mod function;
mod js;
mod native;

use anyhow::Result;
use serde_json::value::RawValue;

pub use component::ComponentFace;
pub(crate) use component::record;
pub use js::JsFace;
pub use native::NativeFace;

pub(crate) use function::{Context, Parsed};

use crate::arguments::Arguments;
use crate::json;
use crate::script::Script;
use crate::tables::Tables;

/// Why a function failed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Failure {
    /// The stable code.
    pub code: String,
    /// The message.
    pub message: String,
    /// The arguments of Nova's exception.
    #[serde(default)]
    pub arguments: serde_json::Value,
}

/// The returned value of a function as JSON, or its failure.
pub type Answer<T = String> = std::result::Result<T, Failure>;

/// One way to call the library's functions.
pub trait Face {
    /// Returns the name of the face on the command line.
    fn name(&self) -> &'static str;

    /// Returns whether the face distinguishes `1.0` from `1` and has a clock with fractions of a microsecond.
    fn has_floats(&self) -> bool {
        true
    }

    /// Returns the host whose callbacks the functions call.
    fn script(&self) -> &Script;

    /// Returns the conductor whose tables belong to the face.
    fn tables(&mut self) -> Result<&mut dyn Tables>;

    /// Calls a function. Functions and arguments have the names of the Rust library; a function that needs a host
    /// takes its configuration as `config`. Fails with [`WrongType`](crate::arguments::WrongType) when the interface
    /// cannot take an argument, and with another error when the face itself breaks.
    fn call(&mut self, function: &str, arguments: &Arguments) -> Result<Answer>;
}

/// Returns a value as JSON text.
fn json(value: impl serde::Serialize) -> String {
    serde_json::json!(value).to_string()
}

/// Returns the JSON text of a document, or `null`.
fn document(document: Option<String>) -> String {
    document.unwrap_or_else(|| "null".to_owned())
}

/// Returns the text of a document: the content of a string, or the JSON of another value.
fn document_text(document: &RawValue) -> String {
    json::text(document.get()).unwrap_or_else(|| document.get().to_owned())
}
