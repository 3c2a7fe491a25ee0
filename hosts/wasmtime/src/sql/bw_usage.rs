//! `bw_usage_cache`.

use super::table::{Column, Table, columns, timestamp as time};
use super::{Result, SqlConductor, optional_timestamp, timestamp};
use crate::bindings::nova::compute_utils::conductor;

/// A row of `bw_usage_cache`: the traffic of a vif in a period.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct BwUsage {
    /// The instance.
    pub uuid: Option<String>,
    /// The MAC address of the vif.
    pub mac: Option<String>,
    /// When the period began.
    pub start_period: Option<String>,
    /// When the counters were read.
    pub last_refreshed: Option<String>,
    /// Bytes received in the period.
    pub bw_in: Option<i64>,
    /// Bytes sent in the period.
    pub bw_out: Option<i64>,
    /// The hypervisor's counter of received bytes at `last_refreshed`.
    pub last_ctr_in: Option<i64>,
    /// The hypervisor's counter of sent bytes at `last_refreshed`.
    pub last_ctr_out: Option<i64>,
}

impl Table for BwUsage {
    const NAME: &str = "bw_usage_cache";
    const COLUMNS: &[Column] = &columns! {
        uuid: Text, mac: Text, start_period: Timestamp, last_refreshed: Timestamp, bw_in: Integer,
        bw_out: Integer, last_ctr_in: Integer, last_ctr_out: Integer,
    };
}

/// New counters of a vif in a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BwUsageUpdate {
    /// The instance.
    pub uuid: String,
    /// The MAC address of the vif.
    pub mac: String,
    /// When the period began.
    pub start_period: String,
    /// Bytes received in the period.
    pub bw_in: i64,
    /// Bytes sent in the period.
    pub bw_out: i64,
    /// The hypervisor's counter of received bytes at `last_refreshed`.
    pub last_ctr_in: Option<i64>,
    /// The hypervisor's counter of sent bytes at `last_refreshed`.
    pub last_ctr_out: Option<i64>,
    /// When the counters were read; `None` means the current time.
    pub last_refreshed: Option<String>,
}

impl SqlConductor {
    /// Inserts or replaces the counters of a vif in a period. Nova: `bw_usage_update`.
    pub async fn bw_usage_update(&self, update: &BwUsageUpdate) -> Result<()> {
        let now = self.now();
        let last_refreshed = optional_timestamp(update.last_refreshed.as_deref())?;
        let row = BwUsage {
            uuid: Some(update.uuid.clone()),
            mac: Some(update.mac.clone()),
            start_period: Some(timestamp(&update.start_period)?),
            last_refreshed: last_refreshed.or_else(|| Some(now.clone())),
            bw_in: Some(update.bw_in),
            bw_out: Some(update.bw_out),
            last_ctr_in: update.last_ctr_in,
            last_ctr_out: update.last_ctr_out,
        };
        let mut transaction = self.begin_write().await?;
        let condition = self
            .condition()
            .equal("uuid", update.uuid.as_str())
            .equal("mac", update.mac.as_str())
            .equal("start_period", time(&update.start_period));
        let mut changes = self.values(&row)?;
        changes.push(("updated_at", time(&now)));
        if self.update::<BwUsage>(&mut *transaction, changes, condition).await? == 0 {
            self.insert(&mut *transaction, &row).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Returns the counters of a vif in a period, or `None`. Nova: `bw_usage_get`.
    pub async fn bw_usage_get(&self, uuid: &str, start_period: &str, mac: &str) -> Result<Option<BwUsage>> {
        let usages = self.bw_usage_of(&[uuid], start_period).await?;
        Ok(usages.into_iter().find(|usage| usage.mac.as_deref() == Some(mac)))
    }

    /// Returns the counters of all vifs of some instances in a period, including soft-deleted rows. Nova:
    /// `bw_usage_get_by_uuids` with a context that reads deleted rows.
    pub async fn bw_usage_of(&self, uuids: &[&str], start_period: &str) -> Result<Vec<BwUsage>> {
        let start_period = time(&timestamp(start_period)?);
        if uuids.is_empty() {
            return Ok(Vec::new());
        }
        let condition = self.condition().equal("start_period", start_period).one_of("uuid", uuids);
        Ok(self.select(&self.pool, condition, "ORDER BY id").await?)
    }
}

impl From<BwUsage> for conductor::BwUsage {
    fn from(usage: BwUsage) -> Self {
        // The query selects by instance and period, so the row has both.
        Self {
            uuid: usage.uuid.unwrap_or_default(),
            mac: usage.mac,
            start_period: usage.start_period.unwrap_or_default(),
            bw_in: usage.bw_in,
            bw_out: usage.bw_out,
        }
    }
}
