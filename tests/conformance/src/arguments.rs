//! Named JSON values that keep every digit.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, Result, anyhow};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// A JSON object whose values are kept as text.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Arguments(BTreeMap<String, Box<RawValue>>);

/// A value that a typed interface cannot take, such as a number as the name of an action.
#[derive(Debug)]
pub struct WrongType(String);

impl Arguments {
    /// Returns the members of a record.
    pub fn of(record: &impl Serialize) -> Result<Self> {
        Ok(serde_json::from_str(&serde_json::to_string(record)?)?)
    }

    /// Adds a value.
    ///
    /// # Panics
    ///
    /// Panics when the value has no JSON form.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.0.insert(name.to_owned(), to_raw_value(&value).expect("the value has a JSON form"));
        self
    }

    /// Adds those values of another object that it has.
    #[must_use]
    pub fn copying(mut self, names: &[&str], from: &Self) -> Self {
        for name in names {
            self.0.extend(from.0.get(*name).map(|value| ((*name).to_owned(), value.clone())));
        }
        self
    }

    /// Takes a value out.
    pub fn remove(&mut self, name: &str) -> Option<Box<RawValue>> {
        self.0.remove(name)
    }

    /// Returns the names and the values, ordered by name.
    #[must_use = "iterators are lazy"]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_ref()))
    }

    /// Returns a value as JSON text; `None` when it is null or absent.
    #[must_use]
    pub fn json(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.get()).filter(|json| *json != "null")
    }

    /// Returns a string; `None` when it is null or absent.
    pub fn text(&self, name: &str) -> Result<Option<String>> {
        self.read(name)
    }

    /// Returns a value of any type; an absent one reads like null. Fails with [`WrongType`] when the type cannot hold a
    /// value that is present.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        match self.0.get(name) {
            Some(value) => parse(value.get()).with_context(|| format!("the argument `{name}`")),
            None => serde_json::from_str("null").map_err(|_| anyhow!("the argument `{name}` is missing")),
        }
    }
}

impl fmt::Display for Arguments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.0.iter().map(|(name, value)| format!("{}:{value}", crate::json::from_text(name)));
        write!(formatter, "{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

/// Reads a value of a case. Fails with [`WrongType`] when the type cannot hold it.
pub fn parse<T: DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| {
        let reason = error.to_string();
        let is_incomplete =
            ["missing field", "unknown field", "unknown variant"].iter().any(|it| reason.starts_with(it));
        if is_incomplete { error.into() } else { WrongType(reason).into() }
    })
}

impl fmt::Display for WrongType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for WrongType {}
