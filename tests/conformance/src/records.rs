//! Rows as their tables hold them, under Nova's names.

use nova_compute_utils::host::Row;
use nova_compute_utils::time;
use serde::Serialize;
use serde_json::{Value, json};

/// A record as JSON.
#[must_use]
pub fn record(record: &impl Serialize) -> Value {
    json!(record)
}

/// A row of a table that never marks one as deleted.
#[must_use]
pub fn row<T: Serialize>(row: &Row<T>) -> Value {
    let mut values = record(&row.values);
    values["id"] = row.id.into();
    values["created_at"] = time::isoformat(row.created_at).into();
    values["updated_at"] = row.updated_at.map(time::isoformat).into();
    values["deleted_at"] = Value::Null;
    values["deleted"] = 0.into();
    values
}
