use sqlx::any::AnyRow;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Row};

use super::SqlConductor;
use crate::bindings::nova::compute_utils::conductor::BwUsage;
use crate::datetime;

/// Soft-deleted rows too: that of a deleted instance is to be billed as well.
pub(super) async fn get_by_uuids(
    conductor: &SqlConductor,
    uuids: &[String],
    start_period: &str,
) -> Result<Vec<BwUsage>, sqlx::Error> {
    if uuids.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = conductor.dialect;
    let sql = dialect.placeholders(format!(
        "SELECT b.uuid, b.mac, {}, b.bw_in, b.bw_out FROM bw_usage_cache b WHERE b.start_period = {} AND b.uuid IN ({}) \
         ORDER BY b.id",
        dialect.moment_text("b.start_period"),
        dialect.moment(),
        vec!["?"; uuids.len()].join(", ")
    ));
    let query = sqlx::query(AssertSqlSafe(sql)).bind(start_period);
    let rows = uuids.iter().fold(query, Query::bind).fetch_all(&conductor.pool).await?;
    rows.iter().map(row).collect()
}

fn row(row: &AnyRow) -> Result<BwUsage, sqlx::Error> {
    let start_period: String = row.try_get(2)?;
    Ok(BwUsage {
        uuid: row.try_get(0)?,
        mac: row.try_get(1)?,
        start_period: datetime::parse(&start_period).map_or(start_period, datetime::isoformat),
        bw_in: row.try_get(3)?,
        bw_out: row.try_get(4)?,
    })
}
