//! The conductors' tables: what an operation of a vector does to them.

mod memory;
mod sql;
mod window;

use anyhow::{Context as _, Result};
use nova_compute_utils::host::WindowQuery;
use nova_compute_utils::{Context, Release};
use serde_json::Value;

pub use memory::MemoryTables;
pub use sql::SqlTables;

use crate::faces::{Answer, Failure};

/// An operation of a vector, with its arguments under Nova's names.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its name.
    pub name: String,
    /// When it happens.
    pub now: String,
    /// What is asked.
    pub arguments: Value,
    /// Who asks.
    pub context: Context,
}

/// A conductor with tables. An outer error says that it broke, or that the operation makes no sense.
pub trait Tables {
    /// Empty all tables, and go by the rules of a release.
    fn empty(&mut self, release: Release) -> Result<()>;

    /// Do what an operation says. The answer is what the conductor gives of Nova's answer.
    fn operate(&mut self, operation: &Operation) -> Result<Answer<Value>>;

    /// The UUIDs of those of some instances that are in a window.
    fn active_by_window(&mut self, instances: &[String], query: WindowQuery<'_>) -> Result<Answer<Vec<String>>>;

    /// The rows of a table, oldest first.
    fn rows(&mut self, table: &str, columns: &[&str]) -> Result<Vec<Value>>;
}

impl Operation {
    fn text(&self, name: &str) -> Result<&str> {
        self.optional_text(name).with_context(|| format!("no text `{name}` in {self:?}"))
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

    /// The values of a row, as an operation of their own.
    fn values(&self) -> Self {
        Self { arguments: self.arguments["values"].clone(), ..self.clone() }
    }
}

fn failure(code: String, message: String) -> Failure {
    Failure { code, message }
}
