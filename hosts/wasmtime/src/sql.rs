mod actions;
mod bw_usage;
mod connection;
mod dialect;
mod faults;
mod instances;
mod schema;
mod state;
mod table;
mod task_log;
mod volume_usage;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nova_compute_utils::{DatabaseRules, Release};
use sqlx::{Any, AnyPool, Transaction};

pub use bw_usage::{BwUsage, BwUsageUpdate};
pub use connection::OpenError;
use dialect::Dialect;
pub use faults::InstanceFault;
use instances::{CHILDREN, INSTANCE, OF_CHILD};
pub use schema::Schema;
use schema::Tables;
pub use state::{Holder, StateError, StateFile, StoredCheckpoint};
use table::{Column, Table, columns};
pub use volume_usage::{VolUsageUpdate, VolumeUsage};

use crate::bindings::nova::compute_utils::conductor::{
    self, ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, AuditCheckpoint,
    Context, Datetime, HostError, InstanceAction, InstanceActionEvent, InstanceFaultValues, InstancePage, Json,
    TaskLog, TaskLogKey, WindowQuery,
};
use crate::clock::Clock;
use crate::{datetime, types};

type Result<T, E = HostError> = std::result::Result<T, E>;

/// A conductor on the tables of a Nova cell database.
///
/// Reading changes nothing. The conductor writes rows of `task_log`, `instance_actions`, `instance_actions_events`,
/// `instance_faults`, `bw_usage_cache` and `volume_usage_cache`. A clone shares the connections. It keeps the checkpoints
/// of audits in a [`StateFile`], if it has one.
#[derive(Clone, Debug)]
pub struct SqlConductor {
    pool: AnyPool,
    dialect: Dialect,
    clock: Clock,
    release: Release,
    tables: Arc<Tables>,
    reads_block_devices: bool,
    reads_shares: bool,
    path: PathBuf,
    state: Option<StateFile>,
}

impl SqlConductor {
    /// Opens the existing database at `url`: `sqlite:PATH`. Does not create a missing one. Fails when a table or column
    /// is missing that a Nova database of its age has. The conductor reads a column that Nova has added later as null,
    /// and does not write it.
    ///
    /// `clock` gives the timestamps of rows, such as `created_at`.
    pub async fn open(url: &str, clock: Clock) -> Result<Self, OpenError> {
        let (pool, dialect, tables, path) = connection::open(url, &used()).await?;
        let tables = Arc::new(tables);
        let (release, reads_block_devices, reads_shares) = (Release::Hibiscus, false, false);
        let state = None;
        Ok(Self { pool, dialect, clock, release, tables, reads_block_devices, reads_shares, path, state })
    }

    /// Sets the Nova release whose rules for actions and events the conductor follows. With `grizzly`, it does not use
    /// the columns of events that `grizzly` lacks. Default: `hibiscus`.
    #[must_use]
    pub fn with_release(self, release: types::Release) -> Self {
        let release = match release {
            types::Release::Grizzly => Release::Grizzly,
            types::Release::Hibiscus => Release::Hibiscus,
        };
        Self { release, ..self }
    }

    /// Sets whether the documents of instances contain `block_devices`, which `Config::bdms_in_notifications` needs.
    /// They cost a query per page. Default: no.
    #[must_use]
    pub fn with_block_devices(self, reads_block_devices: bool) -> Self {
        Self { reads_block_devices, ..self }
    }

    /// Sets whether the documents of instances contain `shares`, which `Config::include_share_mapping` needs. They cost
    /// a query per page. Has no effect on a database without the table `share_mapping`. Default: no.
    #[must_use]
    pub fn with_shares(self, reads_shares: bool) -> Self {
        Self { reads_shares, ..self }
    }

    /// Returns the Nova release that the tables of the database belong to.
    #[must_use]
    pub fn schema(&self) -> Schema {
        self.tables.schema()
    }

    /// Keeps the checkpoints of audits in this file, which is created if it does not exist and locked until
    /// [`SqlConductor::close_state`]. Default: no checkpoints.
    pub async fn with_state(self, path: impl AsRef<Path>) -> Result<Self, StateError> {
        let state = StateFile::open(path.as_ref(), &self.cell()).await?;
        Ok(Self { state: Some(state), ..self })
    }

    /// Returns the path of the state file that the command uses by default: `.audit-state` added to the path of the
    /// database.
    #[must_use]
    pub fn default_state(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".audit-state");
        path.into()
    }

    /// Returns the identity of the database in a state file: its absolute path.
    #[must_use]
    pub fn cell(&self) -> String {
        self.path.canonicalize().unwrap_or_else(|_| self.path.clone()).to_string_lossy().into_owned()
    }

    /// Returns the state file.
    #[must_use]
    pub fn state(&self) -> Option<&StateFile> {
        self.state.as_ref()
    }

    /// Closes and unlocks the state file.
    pub async fn close_state(&self) {
        if let Some(state) = &self.state {
            state.close().await;
        }
    }

    fn rules(&self) -> &'static DatabaseRules {
        self.release.database_rules()
    }

    /// Begins a transaction that writes. Waits until no other writer holds the database.
    async fn begin_write(&self) -> Result<Transaction<'static, Any>> {
        Ok(self.pool.begin_with(self.dialect.begin_write()).await?)
    }

    fn now(&self) -> String {
        datetime::isoformat(self.clock.now())
    }
}

impl conductor::Host for SqlConductor {
    async fn task_log_get(&mut self, _: Context, key: TaskLogKey) -> Result<Option<TaskLog>> {
        self.task_log(&key).await
    }

    async fn task_log_begin_task(
        &mut self,
        _: Context,
        key: TaskLogKey,
        task_items: i64,
        message: String,
    ) -> Result<()> {
        let created_at = self.now();
        if let Some(state) = &self.state {
            state.expect_row(&key, &created_at).await?;
        }
        let begun = self.begin_task(key.clone(), task_items, message, &created_at).await;
        if let (Some(state), Err(error)) = (&self.state, &begun)
            && error.code == "TaskAlreadyRunning"
        {
            // The row is another program's, and so no checkpoint of this audit may stay.
            state.remove(&key).await?;
        }
        begun
    }

    async fn task_log_end_task(
        &mut self,
        _: Context,
        key: TaskLogKey,
        errors: i64,
        message: Option<String>,
    ) -> Result<()> {
        self.end_task(&key, errors, message).await?;
        if let Some(state) = self.state.as_ref().filter(|_| errors == 0) {
            // The row is finished, so a checkpoint that stays is never read.
            state.remove(&key).await.ok();
        }
        Ok(())
    }

    async fn audit_checkpoint_get(&mut self, _: Context, key: TaskLogKey) -> Result<Option<AuditCheckpoint>> {
        let Some(state) = &self.state else { return Ok(None) };
        Ok(state.checkpoint(&key).await?.map(|stored| stored.checkpoint))
    }

    async fn audit_checkpoint_put(&mut self, _: Context, key: TaskLogKey, checkpoint: AuditCheckpoint) -> Result<bool> {
        let Some(state) = &self.state else { return Ok(false) };
        state.put(&key, &checkpoint, &self.now()).await.map(|()| true)
    }

    async fn instance_get_active_by_window(
        &mut self,
        _: Context,
        query: WindowQuery,
        marker: Option<String>,
        limit: u32,
    ) -> Result<InstancePage> {
        self.instance_page(&query, marker.as_deref(), limit).await
    }

    async fn instance_count_active_by_window(&mut self, _: Context, query: WindowQuery) -> Result<u64> {
        self.instance_count(&query).await
    }

    async fn bw_usage_get_by_uuids(
        &mut self,
        _: Context,
        uuids: Vec<String>,
        start_period: Datetime,
    ) -> Result<Vec<conductor::BwUsage>> {
        let uuids: Vec<&str> = uuids.iter().map(String::as_str).collect();
        let rows = self.bw_usage_of(&uuids, &start_period).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Fails: a database is not a network API, and the network info that it caches is already in the document.
    async fn instance_get_nw_info(&mut self, _: Context, _: Json) -> Result<Json> {
        let message = "this host has no network API, and the instance has no network info in its cache";
        Err(HostError::new("NoNetworkApi", message))
    }

    async fn instance_fault_create(&mut self, _: Context, values: InstanceFaultValues) -> Result<()> {
        self.create_instance_fault(values).await
    }

    async fn action_start(&mut self, _: Context, values: ActionStartValues) -> Result<Option<InstanceAction>> {
        self.start_action(values).await.map(Some)
    }

    async fn action_finish(&mut self, _: Context, values: ActionFinishValues) -> Result<Option<InstanceAction>> {
        self.finish_action(&values).await.map(Some)
    }

    async fn action_event_start(
        &mut self,
        context: Context,
        values: ActionEventStartValues,
    ) -> Result<Option<InstanceActionEvent>> {
        self.start_event(&context, values).await.map(Some)
    }

    async fn action_event_finish(
        &mut self,
        context: Context,
        values: ActionEventFinishValues,
    ) -> Result<Option<InstanceActionEvent>> {
        self.finish_event(&context, values).await.map(Some)
    }
}

/// Returns the tables that the conductor uses and their columns.
fn used() -> Vec<(&'static str, Vec<&'static [Column]>)> {
    fn rows<T: Table>() -> (&'static str, Vec<&'static [Column]>) {
        (T::NAME, vec![T::COLUMNS])
    }
    let services: &[Column] = &columns! { host: Text, binary: Text, deleted: Integer };
    let mut used = vec![
        ("instances", vec![INSTANCE]),
        ("services", vec![services]),
        rows::<TaskLog>(),
        rows::<InstanceAction>(),
        rows::<InstanceActionEvent>(),
        rows::<InstanceFault>(),
        rows::<BwUsage>(),
        rows::<VolumeUsage>(),
    ];
    used.extend(CHILDREN.map(|child| (child.table, vec![child.columns, OF_CHILD])));
    used
}

/// Parses a timestamp of the contract. Returns it with six digits of fraction, so that timestamps compare as strings.
fn timestamp(text: &str) -> Result<String> {
    datetime::parse(text).map(datetime::isoformat).ok_or_else(|| {
        let message = format!("`{text}` is not a timestamp: write it as `2026-11-01T00:17:03.250000`");
        HostError::new("ValueError", message)
    })
}

fn optional_timestamp(text: Option<&str>) -> Result<Option<String>> {
    text.map(timestamp).transpose()
}
