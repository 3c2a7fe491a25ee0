//! `volume_usage_cache`.

use sqlx::AnyConnection;

use super::table::{Column, Table, Value, columns, timestamp as time};
use super::{Result, SqlConductor, timestamp};

/// A row of `volume_usage_cache`: the current counters of a volume (`curr_`) and the totals before them (`tot_`).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct VolumeUsage {
    /// The number of the row.
    pub id: i64,
    /// The volume.
    pub volume_id: Option<String>,
    /// The instance that the volume is attached to.
    pub instance_uuid: Option<String>,
    /// The project of that instance.
    pub project_id: Option<String>,
    /// The user of that instance.
    pub user_id: Option<String>,
    /// The availability zone of the volume.
    pub availability_zone: Option<String>,
    /// The time of the last update with `update_totals`.
    pub tot_last_refreshed: Option<String>,
    /// Total read requests.
    pub tot_reads: i64,
    /// Total bytes read.
    pub tot_read_bytes: i64,
    /// Total write requests.
    pub tot_writes: i64,
    /// Total bytes written.
    pub tot_write_bytes: i64,
    /// The time of the last update without `update_totals`.
    pub curr_last_refreshed: Option<String>,
    /// Read requests that the total does not contain yet.
    pub curr_reads: i64,
    /// Bytes read that the total does not contain yet.
    pub curr_read_bytes: i64,
    /// Write requests that the total does not contain yet.
    pub curr_writes: i64,
    /// Bytes written that the total does not contain yet.
    pub curr_write_bytes: i64,
}

impl Table for VolumeUsage {
    const NAME: &str = "volume_usage_cache";
    const COLUMNS: &[Column] = &columns! {
        id: Integer, volume_id: Text, instance_uuid: Text, project_id: Text, user_id: Text,
        availability_zone: Text, tot_last_refreshed: Timestamp, tot_reads: Counter, tot_read_bytes: Counter,
        tot_writes: Counter, tot_write_bytes: Counter, curr_last_refreshed: Timestamp, curr_reads: Counter,
        curr_read_bytes: Counter, curr_writes: Counter, curr_write_bytes: Counter,
    };
}

/// New counters of a volume, under Nova's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolUsageUpdate {
    /// The volume.
    pub id: String,
    /// Read requests.
    pub rd_req: i64,
    /// Bytes read.
    pub rd_bytes: i64,
    /// Write requests.
    pub wr_req: i64,
    /// Bytes written.
    pub wr_bytes: i64,
    /// The instance that the volume is attached to.
    pub instance_id: Option<String>,
    /// The project of that instance.
    pub project_id: Option<String>,
    /// The user of that instance.
    pub user_id: Option<String>,
    /// The availability zone of the volume.
    pub availability_zone: Option<String>,
    /// Whether to add the counters to the totals and reset the current ones.
    pub update_totals: bool,
}

impl SqlConductor {
    /// Stores the counters of a volume as the current ones or, with `update_totals`, adds them to the totals. If a
    /// counter is below the current one, the volume's counters were reset, and the current ones are added to the totals
    /// first. Returns the row. Nova: `vol_usage_update`.
    pub async fn vol_usage_update(&self, update: &VolUsageUpdate) -> Result<VolumeUsage> {
        let mut transaction = self.begin_write().await?;
        match self.volume(&mut transaction, &update.id).await? {
            Some(found) => self.update_volume(&mut transaction, &found, update).await?,
            None => self.insert(&mut *transaction, &self.new_volume(update)).await?,
        }
        let usage = self.volume(&mut transaction, &update.id).await?;
        transaction.commit().await?;
        Ok(usage.unwrap_or_default())
    }

    /// Returns the volumes whose `tot_last_refreshed` or `curr_last_refreshed` is null or later than `begin`. Nova:
    /// `vol_get_usage_by_time`.
    pub async fn vol_get_usage_by_time(&self, begin: &str) -> Result<Vec<VolumeUsage>> {
        let columns = ["tot_last_refreshed", "curr_last_refreshed"];
        let condition = self.condition().null_or_later(columns, &timestamp(begin)?);
        Ok(self.select(&self.pool, condition, "ORDER BY id").await?)
    }

    async fn volume(&self, connection: &mut AnyConnection, id: &str) -> Result<Option<VolumeUsage>, sqlx::Error> {
        let rows = self.select(connection, self.condition().equal("volume_id", id), "ORDER BY id LIMIT 1").await?;
        Ok(rows.into_iter().next())
    }

    async fn update_volume(
        &self,
        connection: &mut AnyConnection,
        found: &VolumeUsage,
        update: &VolUsageUpdate,
    ) -> Result<(), sqlx::Error> {
        let counters = [update.rd_req, update.rd_bytes, update.wr_req, update.wr_bytes];
        let current = [found.curr_reads, found.curr_read_bytes, found.curr_writes, found.curr_write_bytes];
        let were_reset = counters.iter().zip(current).any(|(counter, current)| *counter < current);
        let [reads, read_bytes, writes, write_bytes] = [0, 1, 2, 3].map(|index| {
            let lost = if were_reset { current[index] } else { 0 };
            Value::Increment(if update.update_totals { lost.saturating_add(counters[index]) } else { lost })
        });
        let (row, now) = (self.new_volume(update), time(&self.now()));
        let changes = vec![
            ("updated_at", now.clone()),
            (if update.update_totals { "tot_last_refreshed" } else { "curr_last_refreshed" }, now),
            ("tot_reads", reads),
            ("tot_read_bytes", read_bytes),
            ("tot_writes", writes),
            ("tot_write_bytes", write_bytes),
            ("curr_reads", row.curr_reads.into()),
            ("curr_read_bytes", row.curr_read_bytes.into()),
            ("curr_writes", row.curr_writes.into()),
            ("curr_write_bytes", row.curr_write_bytes.into()),
            ("instance_uuid", Value::Text(row.instance_uuid)),
            ("project_id", Value::Text(row.project_id)),
            ("user_id", Value::Text(row.user_id)),
            ("availability_zone", Value::Text(row.availability_zone)),
        ];
        self.update::<VolumeUsage>(connection, changes, self.condition().equal("id", found.id)).await?;
        Ok(())
    }

    /// Returns the first row of a volume.
    fn new_volume(&self, update: &VolUsageUpdate) -> VolumeUsage {
        let row = VolumeUsage {
            volume_id: Some(update.id.clone()),
            instance_uuid: update.instance_id.clone(),
            project_id: update.project_id.clone(),
            user_id: update.user_id.clone(),
            availability_zone: update.availability_zone.clone(),
            ..VolumeUsage::default()
        };
        let now = Some(self.now());
        let VolUsageUpdate { rd_req, rd_bytes, wr_req, wr_bytes, update_totals, .. } = *update;
        if update_totals {
            VolumeUsage {
                tot_last_refreshed: now,
                tot_reads: rd_req,
                tot_read_bytes: rd_bytes,
                tot_writes: wr_req,
                tot_write_bytes: wr_bytes,
                ..row
            }
        } else {
            VolumeUsage {
                curr_last_refreshed: now,
                curr_reads: rd_req,
                curr_read_bytes: rd_bytes,
                curr_writes: wr_req,
                curr_write_bytes: wr_bytes,
                ..row
            }
        }
    }
}
