//! Vector files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::arguments::Arguments;
use crate::json;

/// The cases of one function in one release.
#[derive(Debug, Deserialize)]
pub struct VectorFile {
    /// Nova's name of the function.
    pub function: String,
    /// `grizzly` or `hibiscus`; `None` for the answers of another program than Nova.
    pub release: Option<String>,
    /// The programs that answered, when they are not Nova.
    pub source: Option<String>,
    /// The calls of the function, with Nova's results.
    pub cases: Vec<Case>,
}

/// One call of one of Nova's functions.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    /// The id, unique among all cases.
    pub id: String,
    /// The inputs under the names of Nova's parameters.
    pub args: Arguments,
    /// The pinned clock.
    pub now: Option<String>,
    /// The settings in force.
    #[serde(default)]
    pub config: BTreeMap<String, Value>,
    /// The replies of the surroundings to outgoing calls.
    #[serde(default)]
    pub host: Arguments,
    /// Whether the timestamps reach the function as strings and not as datetime objects.
    #[serde(default)]
    pub times_are_strings: bool,
    /// Whether `network_info` reaches the function without having been hydrated.
    #[serde(default)]
    pub network_info_is_raw: bool,
    /// The returned value.
    #[serde(default)]
    pub expect: Option<Box<RawValue>>,
    /// The error raised instead.
    pub error: Option<ExpectedError>,
    /// The outgoing calls in order, for functions that make any.
    pub calls: Option<Vec<Box<RawValue>>>,
}

/// An error that Nova raised.
#[derive(Debug, Clone, Deserialize)]
pub struct ExpectedError {
    /// The class.
    #[serde(rename = "type")]
    pub class: String,
    /// The text.
    pub message: String,
    /// The keyword arguments of the exception; `None` when the case does not show them.
    pub kwargs: Option<Value>,
    /// Whether it is an exception of the Python runtime, whose class is the contract and whose message is incidental.
    #[serde(default)]
    pub builtin: bool,
    /// Whether it is an exception of a third-party library, to which the same applies.
    #[serde(default)]
    pub library: bool,
}

impl Case {
    /// Returns a setting; `None` when it is null or absent.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<Value> {
        self.config.get(name).filter(|value| !value.is_null()).cloned()
    }

    /// Returns the case for a face that does not distinguish `1.0` from `1`. The expected value and calls change; the
    /// inputs do not.
    pub fn without_points(&self) -> Result<Self> {
        let plain = |json: &RawValue| RawValue::from_string(json::without_points(json.get()));
        let calls = self.calls.as_ref().map(|calls| calls.iter().map(|call| plain(call)).collect::<Result<_, _>>());
        Ok(Self { expect: self.expect.as_deref().map(plain).transpose()?, calls: calls.transpose()?, ..self.clone() })
    }

    /// Returns the JSON of the expected value.
    #[must_use]
    pub fn expected(&self) -> &str {
        self.expect.as_ref().map_or("null", |json| json.get())
    }
}

/// Reads all vector files of a folder and its subfolders, in the order of their paths.
pub fn load(dir: &Path) -> Result<Vec<(PathBuf, VectorFile)>> {
    let mut paths = Vec::new();
    find(dir, &mut paths)?;
    paths.sort();
    ensure!(!paths.is_empty(), "no vector files in `{}`", dir.display());
    paths.into_iter().map(|path| read(&path).map(|file| (path.clone(), file))).collect()
}

fn find(dir: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(dir).with_context(|| format!("cannot read the folder `{}`", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<VectorFile> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("`{}` is not a vector file", path.display()))
}
