//! `bw_usage_cache`.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::{SqlConductor, moment, optional_moment, row};
use crate::bindings::nova::compute_utils::conductor::{self, HostError};

/// The traffic of an interface in a period: a row of `bw_usage_cache`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct BwUsage {
    /// The instance.
    pub uuid: Option<String>,
    /// The interface.
    pub mac: Option<String>,
    /// When the period began.
    pub start_period: Option<String>,
    /// When the counters were read.
    pub last_refreshed: Option<String>,
    /// Bytes received in the period.
    pub bw_in: Option<i64>,
    /// Bytes sent in the period.
    pub bw_out: Option<i64>,
    /// What the interface's own counter read.
    pub last_ctr_in: Option<i64>,
    /// Likewise, sent.
    pub last_ctr_out: Option<i64>,
}

/// New counters of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BwUsageUpdate {
    /// The instance.
    pub uuid: String,
    /// The interface.
    pub mac: String,
    /// When the period began.
    pub start_period: String,
    /// Bytes received in the period.
    pub bw_in: i64,
    /// Bytes sent in the period.
    pub bw_out: i64,
    /// What the interface's own counter read.
    pub last_ctr_in: Option<i64>,
    /// Likewise, sent.
    pub last_ctr_out: Option<i64>,
    /// When the counters were read; absent, now.
    pub last_refreshed: Option<String>,
}

impl SqlConductor {
    /// Keep the counters of an interface in a period, in place of those kept before. Nova: `bw_usage_update`.
    pub async fn bw_usage_update(&self, update: &BwUsageUpdate) -> Result<(), HostError> {
        let start_period = moment(&update.start_period)?;
        let now = self.now();
        let last_refreshed = optional_moment(update.last_refreshed.as_deref())?.unwrap_or_else(|| now.clone());
        let m = self.dialect.moment();
        let failed = |error: sqlx::Error| self.failed(&error);
        let change = self.dialect.placeholders(format!(
            "UPDATE bw_usage_cache SET updated_at = {m}, last_refreshed = {m}, bw_in = ?, bw_out = ?, last_ctr_in = ?, \
             last_ctr_out = ? WHERE uuid = ? AND mac = ? AND start_period = {m}"
        ));
        let insert = self.dialect.placeholders(format!(
            "INSERT INTO bw_usage_cache \
             (created_at, last_refreshed, bw_in, bw_out, last_ctr_in, last_ctr_out, uuid, mac, start_period, deleted) \
             VALUES ({m}, {m}, ?, ?, ?, ?, ?, ?, {m}, 0)"
        ));
        let mut transaction = self.write().await?;
        for sql in [change, insert] {
            let done = sqlx::query(AssertSqlSafe(sql))
                .bind(&now)
                .bind(&last_refreshed)
                .bind(update.bw_in)
                .bind(update.bw_out)
                .bind(update.last_ctr_in)
                .bind(update.last_ctr_out)
                .bind(&update.uuid)
                .bind(&update.mac)
                .bind(&start_period)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
            if done.rows_affected() > 0 {
                break;
            }
        }
        transaction.commit().await.map_err(failed)
    }

    /// The counters of an interface in a period. Nova: `bw_usage_get`.
    pub async fn bw_usage_get(&self, uuid: &str, start_period: &str, mac: &str) -> Result<Option<BwUsage>, HostError> {
        let usages = self.bw_usage_of(&[uuid], start_period).await?;
        Ok(usages.into_iter().find(|usage| usage.mac.as_deref() == Some(mac)))
    }

    /// The counters of some instances in a period, those of deleted interfaces included. Nova: `bw_usage_get_by_uuids`,
    /// asked with a context that reads deleted rows.
    pub async fn bw_usage_of(&self, uuids: &[&str], start_period: &str) -> Result<Vec<BwUsage>, HostError> {
        let start_period = moment(start_period)?;
        if uuids.is_empty() {
            return Ok(Vec::new());
        }
        let [start, refreshed] = ["b.start_period", "b.last_refreshed"].map(|column| self.dialect.moment_text(column));
        let sql = self.dialect.placeholders(format!(
            "SELECT b.uuid, b.mac, {start}, {refreshed}, b.bw_in, b.bw_out, b.last_ctr_in, b.last_ctr_out \
             FROM bw_usage_cache b WHERE b.start_period = {} AND b.uuid IN ({}) ORDER BY b.id",
            self.dialect.moment(),
            vec!["?"; uuids.len()].join(", ")
        ));
        let query =
            uuids.iter().fold(sqlx::query(AssertSqlSafe(sql)).bind(start_period), |query, uuid| query.bind(*uuid));
        let rows = query.fetch_all(&self.pool).await.and_then(|rows| rows.iter().map(usage).collect());
        rows.map_err(|error: sqlx::Error| self.failed(&error))
    }
}

fn usage(row: &AnyRow) -> Result<BwUsage, sqlx::Error> {
    Ok(BwUsage {
        uuid: row.try_get(0)?,
        mac: row.try_get(1)?,
        start_period: row::moment(row, 2)?,
        last_refreshed: row::moment(row, 3)?,
        bw_in: row.try_get(4)?,
        bw_out: row.try_get(5)?,
        last_ctr_in: row.try_get(6)?,
        last_ctr_out: row.try_get(7)?,
    })
}

impl From<BwUsage> for conductor::BwUsage {
    fn from(usage: BwUsage) -> Self {
        // The query asked for an instance and a period, so the row has both.
        Self {
            uuid: usage.uuid.unwrap_or_default(),
            mac: usage.mac,
            start_period: usage.start_period.unwrap_or_default(),
            bw_in: usage.bw_in,
            bw_out: usage.bw_out,
        }
    }
}
