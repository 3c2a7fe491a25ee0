//! Moments: text, or a `Date`.

use chrono::{DateTime, NaiveDateTime};
use js_sys::Date;
use wasm_bindgen::prelude::*;

use super::document::{kind, moment_text};
use super::options::{At, Member};
use crate::Error;

/// A moment, as it was given.
#[derive(Clone, Default)]
pub struct Moment(JsValue);

impl Member for Moment {
    fn read(value: JsValue, _: &At<'_>) -> Self {
        Self(value)
    }
}

impl Member for NaiveDateTime {
    fn read(value: JsValue, at: &At<'_>) -> Self {
        moment(&value, at.path).unwrap_or_else(|error| {
            at.complain(error);
            Self::default()
        })
    }
}

impl Moment {
    /// The moment; nothing where it is null or not there.
    pub fn read(&self, name: &str) -> Result<Option<NaiveDateTime>, Error> {
        if self.0.is_undefined() || self.0.is_null() { Ok(None) } else { moment(&self.0, name).map(Some) }
    }

    /// The moment, or now.
    pub fn or_now(&self, name: &str) -> Result<NaiveDateTime, Error> {
        Ok(self.read(name)?.unwrap_or_else(now))
    }

    /// The moment, which has to be there.
    pub fn wanted(&self, name: &str) -> Result<NaiveDateTime, Error> {
        moment(&self.0, name)
    }
}

/// A moment of a value; `name` is what errors call it.
pub fn moment(value: &JsValue, name: &str) -> Result<NaiveDateTime, Error> {
    let text = moment_text(value).map_err(|_| Error::value(format!("`{name}` is an invalid date")))?;
    let text = text.ok_or_else(|| Error::type_error(format!("`{name}` is {}: give a `Date` or text", kind(value))))?;
    crate::time::parse(&text)
}

/// Now, by the clock of the JavaScript engine: whole milliseconds.
pub fn now() -> NaiveDateTime {
    #[allow(clippy::cast_possible_truncation, reason = "whole milliseconds, of an age that fits")]
    let milliseconds = Date::now() as i64;
    DateTime::from_timestamp_millis(milliseconds).map(|moment| moment.naive_utc()).unwrap_or_default()
}
