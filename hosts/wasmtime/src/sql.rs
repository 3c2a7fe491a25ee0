mod actions;
mod bw_usage;
mod connection;
mod dialect;
mod faults;
mod instances;
mod row;
mod task_log;
mod volume_usage;

use sqlx::AnyPool;

pub use bw_usage::{BwUsage, BwUsageUpdate};
pub use connection::OpenError;
use dialect::Dialect;
pub use faults::InstanceFault;
pub use volume_usage::{VolUsageUpdate, VolumeUsage};

use crate::bindings::exports::nova::compute_utils::types::Release;
use crate::bindings::nova::compute_utils::conductor::{
    self, ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, Datetime, HostError,
    InstanceAction, InstanceActionEvent, InstanceFaultValues, InstancePage, Json, TaskLog, WindowQuery,
};
use crate::clock::Clock;
use crate::datetime;

/// A conductor on Nova's own tables, in Nova's own cell database.
///
/// Reading changes nothing. What is written: rows of `task_log`, `instance_actions`, `instance_actions_events`,
/// `instance_faults`,
/// `bw_usage_cache` and `volume_usage_cache`. A clone shares the connections.
#[derive(Clone, Debug)]
pub struct SqlConductor {
    pool: AnyPool,
    dialect: Dialect,
    clock: Clock,
    release: Release,
}

impl SqlConductor {
    /// Open the database at `url`: `sqlite:PATH`. It is never created.
    ///
    /// `clock` says what goes into `created_at` and `updated_at`.
    pub async fn open(url: &str, clock: Clock) -> Result<Self, OpenError> {
        let (pool, dialect) = connection::open(url).await?;
        Ok(Self { pool, dialect, clock, release: Release::Hibiscus })
    }

    /// The same conductor with the tables and rules of a release; without this call, those of hibiscus. The releases
    /// differ in which of several actions they take, and grizzly's tables lack some columns.
    #[must_use]
    pub fn with_release(self, release: Release) -> Self {
        Self { release, ..self }
    }

    /// The rows of `task_log` for this task and window, by host. Nova: `task_log_get_all`.
    pub async fn task_log_get_all(
        &self,
        task_name: &str,
        period_beginning: &str,
        period_ending: &str,
    ) -> Result<Vec<TaskLog>, HostError> {
        let window = Window::read(period_beginning, period_ending)?;
        task_log::get_all(self, task_name, &window).await.map_err(|error| self.failed(&error))
    }

    /// The hosts that had instances in a window or have a `nova-compute` service, sorted.
    pub async fn hosts(&self, begin: &str, end: &str) -> Result<Vec<String>, HostError> {
        let window = Window::read(begin, end)?;
        instances::hosts(self, &window).await.map_err(|error| self.failed(&error))
    }

    /// A transaction that means to write. Waiting for other writers happens here.
    async fn write(&self) -> Result<sqlx::Transaction<'static, sqlx::Any>, HostError> {
        self.pool.begin_with(self.dialect.begin_write()).await.map_err(|error| self.failed(&error))
    }

    /// What the clock reads, as the database writes it.
    fn now(&self) -> String {
        datetime::sql(self.clock.now())
    }

    fn failed(&self, error: &sqlx::Error) -> HostError {
        HostError { code: "DBError".into(), message: self.dialect.describe(error) }
    }
}

impl conductor::Host for SqlConductor {
    async fn task_log_get(
        &mut self,
        task_name: String,
        period_beginning: Datetime,
        period_ending: Datetime,
        host: String,
    ) -> Result<Option<TaskLog>, HostError> {
        let window = Window::read(&period_beginning, &period_ending)?;
        task_log::get(self, &task_name, &window, &host).await.map_err(|error| self.failed(&error))
    }

    async fn task_log_begin_task(
        &mut self,
        task_name: String,
        period_beginning: Datetime,
        period_ending: Datetime,
        host: String,
        task_items: i64,
        message: String,
    ) -> Result<(), HostError> {
        let window = Window::read(&period_beginning, &period_ending)?;
        task_log::begin(self, &task_name, &window, &host, task_items, &message).await.map_err(|error| match error {
            sqlx::Error::Database(error) if error.is_unique_violation() => HostError {
                code: "TaskAlreadyRunning".into(),
                message: format!("Task {task_name} is already running on host {host}"),
            },
            error => self.failed(&error),
        })
    }

    async fn task_log_end_task(
        &mut self,
        task_name: String,
        period_beginning: Datetime,
        period_ending: Datetime,
        host: String,
        errors: i64,
        message: Option<String>,
    ) -> Result<(), HostError> {
        let window = Window::read(&period_beginning, &period_ending)?;
        let message = message.filter(|message| !message.is_empty());
        match task_log::end(self, &task_name, &window, &host, errors, message.as_deref()).await {
            Ok(0) => Err(HostError {
                code: "TaskNotRunning".into(),
                message: format!("Task {task_name} is not running on host {host}"),
            }),
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn instance_get_active_by_window(
        &mut self,
        query: WindowQuery,
        marker: Option<String>,
        limit: u32,
    ) -> Result<InstancePage, HostError> {
        let filter = instances::Filter::read(query)?;
        let marker = marker.map(|marker| instances::Marker::read(&marker)).transpose()?;
        instances::page(self, &filter, marker, limit).await.map_err(|error| self.failed(&error))
    }

    async fn instance_count_active_by_window(&mut self, query: WindowQuery) -> Result<u64, HostError> {
        let filter = instances::Filter::read(query)?;
        instances::count(self, &filter).await.map_err(|error| self.failed(&error))
    }

    async fn bw_usage_get_by_uuids(
        &mut self,
        uuids: Vec<String>,
        start_period: Datetime,
    ) -> Result<Vec<conductor::BwUsage>, HostError> {
        let uuids: Vec<&str> = uuids.iter().map(String::as_str).collect();
        let rows = self.bw_usage_of(&uuids, &start_period).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// A database is no network API. What it knows of an instance's network is the cache, and that is in the document
    /// already.
    async fn instance_get_nw_info(&mut self, _: Json) -> Result<Json, HostError> {
        Err(HostError {
            code: "NoNetworkApi".into(),
            message: "this host has no network API, and the instance no network info in its cache".into(),
        })
    }

    async fn action_start(
        &mut self,
        _: conductor::Context,
        values: ActionStartValues,
    ) -> Result<InstanceAction, HostError> {
        actions::action_start(self, &values).await
    }

    async fn action_finish(
        &mut self,
        _: conductor::Context,
        values: ActionFinishValues,
    ) -> Result<InstanceAction, HostError> {
        actions::action_finish(self, &values).await
    }

    async fn action_event_start(
        &mut self,
        context: conductor::Context,
        values: ActionEventStartValues,
    ) -> Result<InstanceActionEvent, HostError> {
        actions::action_event_start(self, &context, &values).await
    }

    async fn action_event_finish(
        &mut self,
        context: conductor::Context,
        values: ActionEventFinishValues,
    ) -> Result<InstanceActionEvent, HostError> {
        actions::action_event_finish(self, &context, &values).await
    }

    async fn instance_fault_create(&mut self, values: InstanceFaultValues) -> Result<(), HostError> {
        faults::create(self, values).await
    }
}

/// A begin and an end, as the database writes them.
struct Window {
    begin: String,
    end: String,
}

impl Window {
    fn read(begin: &str, end: &str) -> Result<Self, HostError> {
        Ok(Self { begin: moment(begin)?, end: moment(end)? })
    }
}

/// A moment of the contract, as the database writes it.
fn moment(text: &str) -> Result<String, HostError> {
    datetime::parse(text).map(datetime::sql).ok_or_else(|| HostError {
        code: "ValueError".into(),
        message: format!("`{text}` is no moment of the form YYYY-MM-DDTHH:MM:SS.ffffff"),
    })
}

fn optional_moment(text: Option<&str>) -> Result<Option<String>, HostError> {
    text.map(moment).transpose()
}
