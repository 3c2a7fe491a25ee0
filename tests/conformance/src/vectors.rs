//! Vector files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use nova_compute_utils::{Config, NotificationFormat, Release};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;

/// The cases of one function in one release.
#[derive(Debug, Deserialize)]
pub struct VectorFile {
    /// Nova's name of the function.
    pub function: String,
    /// `grizzly` or `hibiscus`.
    pub release: String,
    /// What was put to it, and what it answered.
    pub cases: Vec<Case>,
}

/// One call of a function of Nova's.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    /// Unique among all cases.
    pub id: String,
    /// The inputs under the names of Nova's parameters.
    pub args: Arguments,
    /// The pinned clock.
    pub now: Option<String>,
    /// The settings in force.
    #[serde(default)]
    pub config: BTreeMap<String, serde_json::Value>,
    /// What the surroundings answer.
    #[serde(default)]
    pub host: Arguments,
    /// Do the times reach the function as text?
    #[serde(default)]
    pub times_are_strings: bool,
    /// The returned value.
    #[serde(default)]
    pub expect: Option<Box<RawValue>>,
    /// What was raised in place of it.
    pub error: Option<ExpectedError>,
    /// The outgoing calls in order, for functions that make any.
    pub calls: Option<Vec<Box<RawValue>>>,
}

/// What Nova raised.
#[derive(Debug, Clone, Deserialize)]
pub struct ExpectedError {
    /// The class.
    #[serde(rename = "type")]
    pub class: String,
    /// The text.
    pub message: String,
    /// An exception of the Python runtime: the class is the contract, the message is incidental.
    #[serde(default)]
    pub builtin: bool,
    /// An exception of a third-party library: likewise.
    #[serde(default)]
    pub library: bool,
}

/// Named JSON values.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Arguments(BTreeMap<String, Box<RawValue>>);

impl Arguments {
    /// The JSON of a value; nothing where it is null or absent.
    #[must_use]
    pub fn json(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.get()).filter(|json| *json != "null")
    }

    /// A text; nothing where it is null or absent.
    pub fn text(&self, name: &str) -> Result<Option<String>> {
        self.json(name)
            .map(|json| serde_json::from_str(json).with_context(|| format!("`{name}` is no text")))
            .transpose()
    }

    /// A value of another type.
    pub fn read<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Result<T> {
        let json = self.0.get(name).map_or("null", |value| value.get());
        serde_json::from_str(json).with_context(|| format!("`{name}` is {json}"))
    }
}

impl Case {
    /// The settings of the case, as the library takes them.
    pub fn config(&self, release: Release) -> Result<Config> {
        let text = |name: &str| self.config.get(name).and_then(|value| value.as_str());
        let mut config = Config::new(release, text("host").unwrap_or_default());
        if let Some(period) = text("instance_usage_audit_period") {
            period.clone_into(&mut config.instance_usage_audit_period);
        }
        if let Some(format) = text("notifications.notification_format") {
            config.notification_format = format.parse::<NotificationFormat>()?;
        }
        config.glance_endpoint = text("glance_endpoint").map(str::to_owned);
        if let Some(maximum) = self.config.get("compute.max_disk_devices_to_attach").and_then(serde_json::Value::as_i64)
        {
            config.max_disk_devices_to_attach = maximum;
        }
        config.compute_driver = text("compute_driver").map(str::to_owned);
        Ok(config)
    }

    /// The case as a face sees it whose numbers have no point of their own: in what is expected, that is. What is put to
    /// the function stays as it is.
    pub fn without_points(&self) -> Result<Self> {
        let plain = |json: &RawValue| RawValue::from_string(json::without_points(json.get()));
        let calls = self.calls.as_ref().map(|calls| calls.iter().map(|call| plain(call)).collect::<Result<_, _>>());
        Ok(Self { expect: self.expect.as_deref().map(plain).transpose()?, calls: calls.transpose()?, ..self.clone() })
    }

    /// The JSON of the expected value.
    #[must_use]
    pub fn expected(&self) -> &str {
        self.expect.as_ref().map_or("null", |json| json.get())
    }
}

/// All vector files of a folder and its folders, in the order of their paths.
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
    serde_json::from_str(&text).with_context(|| format!("`{}` is no vector file", path.display()))
}
