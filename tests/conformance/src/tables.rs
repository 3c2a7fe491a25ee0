//! The tables of the conductors, and the operations of the `db_*` vectors on them.

mod memory;
mod sql;
mod window;

use anyhow::{Context as _, Result};
use nova_compute_utils::host::WindowQuery;
use nova_compute_utils::{Context, Release};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use memory::MemoryTables;
pub use sql::SqlTables;

use crate::faces::Answer;

/// An operation of a vector, with its arguments under Nova's names.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The name.
    pub name: String,
    /// The timestamp that the clock returns.
    pub now: String,
    /// The arguments.
    pub arguments: Value,
    /// The request context.
    pub context: Context,
}

/// A conductor with tables. An outer error means that the conductor broke, or that the operation is unknown.
pub trait Tables {
    /// Empties all tables and applies the rules of a release.
    fn empty(&mut self, release: Release) -> Result<()>;

    /// Runs an operation and returns the conductor's answer, which can omit parts of Nova's.
    fn operate(&mut self, operation: &Operation) -> Result<Answer<Value>>;

    /// Returns the UUIDs of those instances that a query selects.
    fn active_by_window(&mut self, instances: &[String], query: WindowQuery<'_>) -> Result<Answer<Vec<String>>>;

    /// Returns the rows of a table, oldest first.
    fn rows(&mut self, table: &str, columns: &[&str]) -> Result<Vec<Value>>;
}

impl Operation {
    fn text(&self, name: &str) -> Result<&str> {
        self.optional_text(name).with_context(|| format!("no string `{name}` in {self:?}"))
    }

    fn optional_text(&self, name: &str) -> Option<&str> {
        self.arguments[name].as_str()
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.optional_text(name).map(str::to_owned)
    }

    fn integer(&self, name: &str) -> Result<i64> {
        self.arguments[name].as_i64().with_context(|| format!("no number `{name}` in {self:?}"))
    }

    fn flag(&self, name: &str) -> bool {
        self.arguments[name] == true
    }

    fn texts(&self, name: &str) -> Result<Vec<&str>> {
        let list = self.arguments[name].as_array().with_context(|| format!("no list `{name}` in {self:?}"))?;
        Ok(list.iter().filter_map(Value::as_str).collect())
    }

    /// Returns an operation whose arguments are the values of the row.
    fn values(&self) -> Self {
        Self { arguments: self.arguments["values"].clone(), ..self.clone() }
    }

    /// Returns the values of a row as a record.
    fn record<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.arguments["values"].clone()).with_context(|| format!("the values of {self:?}"))
    }
}
