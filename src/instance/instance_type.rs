//! The flavor of a grizzly instance, kept in its system metadata.

use std::borrow::Cow;

use super::Instance;
use crate::document::{Json, Object};
use crate::error::Error;
use crate::python;
use crate::release::Release;

/// What grizzly calls the instance type: the flavor, as far as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstanceType<'a> {
    /// What users call it.
    pub(crate) name: Cow<'a, str>,
    /// Gigabytes.
    pub(crate) ephemeral_gb: i64,
    /// Megabytes.
    pub(crate) swap: i64,
}

impl<'a> Instance<'a> {
    /// The flavor as it was when the instance was made. Nova: `extract_instance_type`, grizzly.
    ///
    /// All ten fields must be there (`KeyError`) and numbers be numbers (`ValueError`), whichever of them is read.
    pub(crate) fn extract_instance_type(&self) -> Result<InstanceType<'a>, Error> {
        let metadata = self.live_system_metadata();
        let name = field(&metadata, "name")?;
        field(&metadata, "flavorid")?;
        for number in ["id", "memory_mb", "vcpus", "root_gb"] {
            integer(&metadata, number)?;
        }
        float(&metadata, "rxtx_factor")?;
        if !field(&metadata, "vcpu_weight")?.is_null() {
            integer(&metadata, "vcpu_weight")?;
        }
        Ok(InstanceType {
            name: printed(name)?,
            ephemeral_gb: integer(&metadata, "ephemeral_gb")?,
            swap: integer(&metadata, "swap")?,
        })
    }
}

fn field<'a>(metadata: &Object<'a>, name: &str) -> Result<Json<'a>, Error> {
    let key = format!("instance_type_{name}");
    metadata.get(&key).ok_or_else(|| Error::key(format!("the instance's system metadata has no `{key}`")))
}

/// Python prints a null as `None`.
fn printed(value: Json<'_>) -> Result<Cow<'_, str>, Error> {
    let literal = if value.is_null() { "None" } else { value.as_str() };
    Ok(value.text()?.unwrap_or(Cow::Borrowed(literal)))
}

fn integer(metadata: &Object<'_>, name: &str) -> Result<i64, Error> {
    let value = field(metadata, name)?;
    let number = match value.text()? {
        Some(text) => python::int(&text, Release::Grizzly.groups_digits()).ok(),
        None => value.integer().map(|number| i64::try_from(number).unwrap_or(i64::MAX)),
    };
    number.ok_or_else(|| no_number(name, value, "a whole number"))
}

fn float(metadata: &Object<'_>, name: &str) -> Result<f64, Error> {
    let value = field(metadata, name)?;
    let text = value.text()?;
    let number = text.as_deref().unwrap_or(value.as_str());
    number.trim().parse().map_err(|_| no_number(name, value, "a number"))
}

fn no_number(name: &str, value: Json<'_>, wanted: &str) -> Error {
    let code = if value.is_null() { "TypeError" } else { "ValueError" };
    Error::new(code, format!("`instance_type_{name}` in the system metadata is {}: give {wanted}", value.as_str()))
}
