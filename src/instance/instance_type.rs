//! The flavor of a grizzly instance, kept in its system metadata.

use super::Instance;
use crate::document::{Json, Object};
use crate::error::Error;
use crate::python;
use crate::release::Release;

/// What grizzly calls the instance type: the flavor, as far as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InstanceType {
    /// Gigabytes.
    pub(crate) ephemeral_gb: i64,
    /// Megabytes.
    pub(crate) swap: i64,
}

impl Instance<'_> {
    /// The flavor as it was when the instance was made. Nova: `extract_instance_type`, grizzly.
    ///
    /// All ten fields must be there (`KeyError`) and numbers be numbers (`ValueError`), whichever of them is read.
    pub(crate) fn extract_instance_type(&self) -> Result<InstanceType, Error> {
        let metadata = self.system_metadata.clone().map(|metadata| metadata.mapping(false)).unwrap_or_default();
        for text in ["name", "flavorid"] {
            field(&metadata, text)?;
        }
        for number in ["id", "memory_mb", "vcpus", "root_gb"] {
            integer(&metadata, number)?;
        }
        float(&metadata, "rxtx_factor")?;
        if !field(&metadata, "vcpu_weight")?.is_null() {
            integer(&metadata, "vcpu_weight")?;
        }
        Ok(InstanceType { ephemeral_gb: integer(&metadata, "ephemeral_gb")?, swap: integer(&metadata, "swap")? })
    }
}

fn field<'a>(metadata: &Object<'a>, name: &str) -> Result<Json<'a>, Error> {
    let key = format!("instance_type_{name}");
    metadata.get(&key).ok_or_else(|| Error::key(format!("the instance's system metadata has no `{key}`")))
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
