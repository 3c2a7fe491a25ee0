//! The instances of a window.

use anyhow::{Context as _, Result};
use nova_compute_utils::host::InstancePage;
use nova_compute_utils::time;

use crate::faces::Answer;
use crate::json;

/// Returns the UUIDs of all pages, each requested with the marker of the previous one.
pub(super) fn every_page(
    mut page: impl FnMut(Option<String>) -> Result<Answer<InstancePage>>,
) -> Result<Answer<Vec<String>>> {
    let (mut uuids, mut marker) = (Vec::new(), None);
    loop {
        let page = match page(marker)? {
            Ok(page) => page,
            Err(failure) => return Ok(Err(failure)),
        };
        for instance in &page.instances {
            let instance = json::object(instance).context("an instance is not an object")?;
            let uuid = instance.get("uuid").and_then(|uuid| json::text(uuid.get()));
            uuids.push(uuid.context("an instance has no UUID")?);
        }
        marker = page.next_marker;
        if marker.is_none() {
            return Ok(Ok(uuids));
        }
    }
}

/// Returns SQL that replaces all rows of the table with these instances.
pub(super) fn replace_instances(instances: &[String]) -> Result<String> {
    let inserts: Vec<String> = instances.iter().map(|instance| insert(instance)).collect::<Result<_>>()?;
    Ok(format!("PRAGMA foreign_keys = OFF; DELETE FROM instances; {}", inserts.concat()))
}

fn insert(instance: &str) -> Result<String> {
    let columns = json::object(instance).context("an instance is not an object")?;
    let names: Vec<&str> = columns.keys().map(AsRef::as_ref).collect();
    let values: Vec<String> = columns.values().map(|value| literal(value.get())).collect();
    Ok(format!("INSERT INTO instances ({}) VALUES ({});", names.join(", "), values.join(", ")))
}

/// Returns a value as SQL. Nova writes a timestamp with a blank in the middle; no other string of these vectors looks
/// like a timestamp.
fn literal(value: &str) -> String {
    match json::text(value) {
        Some(text) => {
            let text = time::parse(&text).map_or(text, |value| time::isoformat(value).replace('T', " "));
            format!("'{}'", text.replace('\'', "''"))
        }
        None => value.to_owned(),
    }
}
