//! The members of an object, read with errors that name the member and its value.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

use chrono::NaiveDateTime;

use crate::document::{Json, Metadata, Object};
use crate::error::Error;
use crate::time;

/// The longest part of a value in an error, in characters.
const QUOTED_LENGTH: usize = 64;

/// An object, and its place in the notification, such as `payload.`.
#[derive(Default)]
pub(super) struct Members<'a> {
    place: String,
    object: Object<'a>,
}

impl<'a> Members<'a> {
    pub(super) fn new(place: &str, object: Object<'a>) -> Self {
        Self { place: place.to_owned(), object }
    }

    /// Returns the value of a member; `None` when it is null.
    pub(super) fn get(&self, name: &str) -> Option<Json<'a>> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn required(&self, name: &str) -> Result<Json<'a>, Error> {
        self.get(name).ok_or_else(|| self.missing(name))
    }

    /// Returns a string. A number counts as the string of its digits.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Error> {
        let read = |value: Json<'a>| match value.text() {
            Ok(Some(text)) => Some(text.into_owned()),
            _ => value.is_number().then(|| value.as_str().to_owned()),
        };
        self.read(name, "a string", read)
    }

    pub(super) fn required_text(&self, name: &str) -> Result<String, Error> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| self.missing(name))
    }

    /// Returns an integer, which can be in a string.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Error> {
        let read = |value: Json<'a>| match value.text() {
            Ok(Some(text)) => text.parse().ok(),
            _ => value.integer()?.try_into().ok(),
        };
        self.read(name, "an integer", read)
    }

    /// Returns a timestamp; `None` when it is `""`, or `"None"`, which `grizzly` writes for a null `created_at`.
    pub(super) fn timestamp(&self, name: &str) -> Result<Option<NaiveDateTime>, Error> {
        let read = |value: Json<'a>| match value.text().ok()??.as_ref() {
            "" | "None" => Some(None),
            text => time::parse(text).ok().map(Some),
        };
        self.read(name, "a timestamp such as `2026-11-01T00:17:03.250000`", read).map(Option::flatten)
    }

    /// Returns a mapping, or the mapping of a list of keys and values, as JSON.
    pub(super) fn metadata(&self, name: &str) -> Result<Option<String>, Error> {
        let read = |value: Json<'a>| serde_json::from_str::<Metadata<'a>>(value.as_str()).ok();
        let metadata = self.read(name, "a mapping, or a list of objects with `key` and `value`", read)?;
        Ok(metadata.map(|metadata| metadata.mapping(false).to_json()))
    }

    /// Returns the members of an object.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, Error> {
        let object = self.read(name, "an object", |value| Object::from_json(value).ok())?;
        Ok(object.map(|object| Self::new(&format!("{}{name}.", self.place), object)))
    }

    /// Returns the members of the object in the `nova_object.*` envelope of a member.
    pub(super) fn nova_object(&self, name: &str) -> Result<Option<Self>, Error> {
        self.object(name)?.map_or(Ok(None), |envelope| envelope.object("nova_object.data"))
    }

    fn read<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(Json<'a>) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        read(value).map(Some).ok_or_else(|| self.invalid(name, value, expected))
    }

    pub(super) fn missing(&self, name: &str) -> Error {
        Error::key(format!("`{}{name}` is missing", self.place))
    }

    fn invalid(&self, name: &str, value: Json<'_>, expected: &str) -> Error {
        let (place, mut characters) = (&self.place, value.as_str().chars());
        if value.is_object() || value.is_list() {
            return Error::value(format!("`{place}{name}` is {}: give {expected}", value.type_name()));
        }
        let quoted: String = characters.by_ref().take(QUOTED_LENGTH).collect();
        let rest = if characters.next().is_some() { "…" } else { "" };
        Error::value(format!("`{place}{name}` is `{quoted}{rest}`: give {expected}"))
    }
}
