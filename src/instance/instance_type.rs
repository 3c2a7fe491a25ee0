//! The flavor of an instance in `grizzly`, which the system metadata contains.

use alloc::borrow::Cow;
use alloc::format;

use super::Instance;
use crate::document::{Json, Object};
use crate::error::Error;
use crate::python;
use crate::release::Release;

/// The fields of the flavor that the library reads. `grizzly` calls a flavor an instance type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstanceType<'a> {
    /// The name, such as `m1.small`.
    pub(crate) name: Cow<'a, str>,
    /// The size of the ephemeral disk in gigabytes.
    pub(crate) ephemeral_gb: i64,
    /// The size of the swap disk in megabytes.
    pub(crate) swap: i64,
}

impl<'a> Instance<'a> {
    /// Returns the flavor as it was when the instance was created. Nova: `extract_instance_type` in `grizzly`.
    ///
    /// Nova converts all ten fields. An absent field fails with `KeyError`, a null number with `TypeError`, and a
    /// string that is not a number with `ValueError`.
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
            name: python_str(name)?,
            ephemeral_gb: integer(&metadata, "ephemeral_gb")?,
            swap: integer(&metadata, "swap")?,
        })
    }
}

fn field<'a>(metadata: &Object<'a>, name: &str) -> Result<Json<'a>, Error> {
    let key = format!("instance_type_{name}");
    metadata.get(&key).ok_or_else(|| Error::key(format!("the instance's system metadata has no `{key}`")))
}

/// Returns Python's `str()` of a value.
fn python_str(value: Json<'_>) -> Result<Cow<'_, str>, Error> {
    let literal = if value.is_null() { "None" } else { value.as_str() };
    Ok(value.text()?.unwrap_or(Cow::Borrowed(literal)))
}

fn integer(metadata: &Object<'_>, name: &str) -> Result<i64, Error> {
    let value = field(metadata, name)?;
    let number = match value.text()? {
        Some(text) => python::int(&text, Release::Grizzly.rules().groups_digits).ok(),
        None => value.integer().map(|number| i64::try_from(number).unwrap_or(i64::MAX)),
    };
    number.ok_or_else(|| not_a_number(name, value, "a whole number"))
}

fn float(metadata: &Object<'_>, name: &str) -> Result<f64, Error> {
    let value = field(metadata, name)?;
    let text = value.text()?;
    let number = text.as_deref().unwrap_or(value.as_str());
    number.trim().parse().map_err(|_| not_a_number(name, value, "a number"))
}

fn not_a_number(name: &str, value: Json<'_>, expected: &str) -> Error {
    let code = if value.is_null() { "TypeError" } else { "ValueError" };
    Error::new(code, format!("`instance_type_{name}` in the system metadata is {}: give {expected}", value.as_str()))
}
