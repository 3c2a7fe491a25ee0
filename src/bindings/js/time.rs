//! Timestamps: a string or a `Date`.

use std::format;

use chrono::{DateTime, NaiveDateTime};
use js_sys::Date;
use wasm_bindgen::prelude::*;

use super::document::timestamp_text;
use super::options::{Member, Reader};
use super::typescript::Type;
use super::value::kind;
use crate::Error;

impl Member for NaiveDateTime {
    const TYPE: Type = Type::Name("Timestamp");

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        reader.convert(|name| timestamp(&value, name))
    }
}

/// Returns the timestamp of a value; `name` is the name of the value in errors.
pub fn timestamp(value: &JsValue, name: &str) -> Result<NaiveDateTime, Error> {
    let text = timestamp_text(value).map_err(|_| Error::value(format!("`{name}` is an invalid date")))?;
    let text =
        text.ok_or_else(|| Error::type_error(format!("`{name}` is {}: give a `Date` or a string", kind(value))))?;
    crate::time::parse(&text)
}

/// Returns the current time by the clock of the JavaScript engine, in whole milliseconds.
pub fn now() -> NaiveDateTime {
    #[allow(clippy::cast_possible_truncation, reason = "the engine's times are whole and fit")]
    let milliseconds = Date::now() as i64;
    DateTime::from_timestamp_millis(milliseconds).map(|now| now.naive_utc()).unwrap_or_default()
}
