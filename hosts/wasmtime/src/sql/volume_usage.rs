//! `volume_usage_cache`.

use sqlx::any::AnyRow;
use sqlx::query::Query;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::{SqlConductor, moment, row};
use crate::bindings::nova::compute_utils::conductor::HostError;

/// The counters of a volume, as of now and summed up before: a row of `volume_usage_cache`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct VolumeUsage {
    /// The number of the row.
    pub id: i64,
    /// The volume.
    pub volume_id: Option<String>,
    /// The instance that it is attached to.
    pub instance_uuid: Option<String>,
    /// The project of that instance.
    pub project_id: Option<String>,
    /// The user of that instance.
    pub user_id: Option<String>,
    /// Where it is.
    pub availability_zone: Option<String>,
    /// When the sums grew.
    pub tot_last_refreshed: Option<String>,
    /// Sum of the requests to read.
    pub tot_reads: i64,
    /// Sum of the bytes read.
    pub tot_read_bytes: i64,
    /// Sum of the requests to write.
    pub tot_writes: i64,
    /// Sum of the bytes written.
    pub tot_write_bytes: i64,
    /// When the counters were read.
    pub curr_last_refreshed: Option<String>,
    /// Requests to read since the sum.
    pub curr_reads: i64,
    /// Bytes read since the sum.
    pub curr_read_bytes: i64,
    /// Requests to write since the sum.
    pub curr_writes: i64,
    /// Bytes written since the sum.
    pub curr_write_bytes: i64,
}

/// New counters of a volume, under Nova's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolUsageUpdate {
    /// The volume.
    pub id: String,
    /// Requests to read.
    pub rd_req: i64,
    /// Bytes read.
    pub rd_bytes: i64,
    /// Requests to write.
    pub wr_req: i64,
    /// Bytes written.
    pub wr_bytes: i64,
    /// The instance that it is attached to.
    pub instance_id: Option<String>,
    /// The project of that instance.
    pub project_id: Option<String>,
    /// The user of that instance.
    pub user_id: Option<String>,
    /// Where it is.
    pub availability_zone: Option<String>,
    /// Add the counters to the sums, and begin anew?
    pub update_totals: bool,
}

/// The counters in a row: requests to read, bytes read, requests to write, bytes written.
type Counters = [i64; 4];

impl SqlConductor {
    /// Keep the counters of a volume: as its current ones or, with `update_totals`, in its sums. Counters below the current ones
    /// have begun anew; the current ones go into the sums then. Nova: `vol_usage_update`.
    pub async fn vol_usage_update(&self, update: &VolUsageUpdate) -> Result<VolumeUsage, HostError> {
        let failed = |error: sqlx::Error| self.failed(&error);
        let mut transaction = self.write().await?;
        let found = self.volume(&mut transaction, &update.id).await.map_err(failed)?;
        if let Some(found) = found {
            self.update_volume(&mut transaction, &found, update).await.map_err(failed)?;
        } else {
            self.insert_volume(&mut transaction, update).await.map_err(failed)?;
        }
        let usage = self.volume(&mut transaction, &update.id).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(usage.unwrap_or_default())
    }

    /// The volumes whose counters were read, or whose sums grew, after a moment; likewise those where either never happened. Nova:
    /// `vol_get_usage_by_time`.
    pub async fn vol_get_usage_by_time(&self, begin: &str) -> Result<Vec<VolumeUsage>, HostError> {
        let begin = moment(begin)?;
        let m = self.dialect.moment();
        let sql = self.select_volumes(&format!(
            "v.tot_last_refreshed IS NULL OR v.tot_last_refreshed > {m} \
             OR v.curr_last_refreshed IS NULL OR v.curr_last_refreshed > {m}"
        ));
        let query = sqlx::query(AssertSqlSafe(sql)).bind(&begin).bind(&begin);
        let rows = query.fetch_all(&self.pool).await.and_then(|rows| rows.iter().map(usage).collect());
        rows.map_err(|error: sqlx::Error| self.failed(&error))
    }

    fn select_volumes(&self, filter: &str) -> String {
        let [tot, curr] =
            ["v.tot_last_refreshed", "v.curr_last_refreshed"].map(|column| self.dialect.moment_text(column));
        self.dialect.placeholders(format!(
            "SELECT v.id, v.volume_id, v.instance_uuid, v.project_id, v.user_id, v.availability_zone, {tot}, v.tot_reads, \
             v.tot_read_bytes, v.tot_writes, v.tot_write_bytes, {curr}, v.curr_reads, v.curr_read_bytes, v.curr_writes, \
             v.curr_write_bytes FROM volume_usage_cache v WHERE {filter} ORDER BY v.id"
        ))
    }

    async fn volume(
        &self,
        connection: &mut AnyConnection,
        volume_id: &str,
    ) -> Result<Option<VolumeUsage>, sqlx::Error> {
        let query = sqlx::query(AssertSqlSafe(self.select_volumes("v.volume_id = ?"))).bind(volume_id);
        query.fetch_optional(connection).await?.as_ref().map(usage).transpose()
    }

    async fn update_volume(
        &self,
        connection: &mut AnyConnection,
        found: &VolumeUsage,
        update: &VolUsageUpdate,
    ) -> Result<(), sqlx::Error> {
        let given = given(update);
        let current = [found.curr_reads, found.curr_read_bytes, found.curr_writes, found.curr_write_bytes];
        let began_anew = given.iter().zip(current).any(|(given, current)| *given < current);
        let add = |at: usize| {
            let before = if began_anew { current[at] } else { 0 };
            if update.update_totals { before.saturating_add(given[at]) } else { before }
        };
        let grown: Counters = [0, 1, 2, 3].map(add);
        let current = if update.update_totals { [0; 4] } else { given };
        let m = self.dialect.moment();
        let refreshed = refreshed_column(update);
        let sql = self.dialect.placeholders(format!(
            "UPDATE volume_usage_cache SET updated_at = {m}, {refreshed} = {m}, tot_reads = tot_reads + ?, \
             tot_read_bytes = tot_read_bytes + ?, tot_writes = tot_writes + ?, tot_write_bytes = tot_write_bytes + ?, \
             curr_reads = ?, curr_read_bytes = ?, curr_writes = ?, curr_write_bytes = ?, instance_uuid = ?, \
             project_id = ?, user_id = ?, availability_zone = ? WHERE id = ?"
        ));
        let now = self.now();
        let query = sqlx::query(AssertSqlSafe(sql)).bind(&now).bind(&now);
        let query = grown.into_iter().chain(current).fold(query, Query::bind);
        query
            .bind(&update.instance_id)
            .bind(&update.project_id)
            .bind(&update.user_id)
            .bind(&update.availability_zone)
            .bind(found.id)
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn insert_volume(&self, connection: &mut AnyConnection, update: &VolUsageUpdate) -> Result<(), sqlx::Error> {
        let given = given(update);
        let (total, current) = if update.update_totals { (given, [0; 4]) } else { ([0; 4], given) };
        let m = self.dialect.moment();
        let refreshed = refreshed_column(update);
        let sql = self.dialect.placeholders(format!(
            "INSERT INTO volume_usage_cache (created_at, {refreshed}, tot_reads, tot_read_bytes, tot_writes, \
             tot_write_bytes, curr_reads, curr_read_bytes, curr_writes, curr_write_bytes, volume_id, instance_uuid, \
             project_id, user_id, availability_zone, deleted) \
             VALUES ({m}, {m}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
        ));
        let now = self.now();
        let query = sqlx::query(AssertSqlSafe(sql)).bind(&now).bind(&now);
        let query = total.into_iter().chain(current).fold(query, Query::bind);
        query
            .bind(&update.id)
            .bind(&update.instance_id)
            .bind(&update.project_id)
            .bind(&update.user_id)
            .bind(&update.availability_zone)
            .execute(connection)
            .await?;
        Ok(())
    }
}

fn given(update: &VolUsageUpdate) -> Counters {
    [update.rd_req, update.rd_bytes, update.wr_req, update.wr_bytes]
}

fn refreshed_column(update: &VolUsageUpdate) -> &'static str {
    if update.update_totals { "tot_last_refreshed" } else { "curr_last_refreshed" }
}

fn usage(row: &AnyRow) -> Result<VolumeUsage, sqlx::Error> {
    Ok(VolumeUsage {
        id: row.try_get(0)?,
        volume_id: row.try_get(1)?,
        instance_uuid: row.try_get(2)?,
        project_id: row.try_get(3)?,
        user_id: row.try_get(4)?,
        availability_zone: row.try_get(5)?,
        tot_last_refreshed: row::moment(row, 6)?,
        tot_reads: row::count(row, 7)?,
        tot_read_bytes: row::count(row, 8)?,
        tot_writes: row::count(row, 9)?,
        tot_write_bytes: row::count(row, 10)?,
        curr_last_refreshed: row::moment(row, 11)?,
        curr_reads: row::count(row, 12)?,
        curr_read_bytes: row::count(row, 13)?,
        curr_writes: row::count(row, 14)?,
        curr_write_bytes: row::count(row, 15)?,
    })
}
