//! The audit log: the audits of all hosts, as the task log records them.

use alloc::borrow::ToOwned;
use alloc::collections::BinaryHeap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use chrono::NaiveDateTime;

use super::{RUNNING, TASK_NAME, to_u64};
use crate::error::Error;
use crate::host::TaskLog;
use crate::period::{self, Period, Window};
use crate::release::Release;
use crate::time;

/// The state of a task log row whose task is finished.
const DONE: &str = "DONE";

/// The largest number of audits in a coverage, so that it fits into the memory of a WebAssembly module.
const MAX_AUDITS: usize = 10_000_000;

/// A row of the table `task_log`, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskLogRow<'a> {
    /// `instance_usage_audit` for audits.
    pub task_name: &'a str,
    /// `RUNNING` or `DONE`.
    pub state: &'a str,
    /// The compute host.
    pub host: &'a str,
    /// The begin of the window.
    pub period_beginning: NaiveDateTime,
    /// The end of the window.
    pub period_ending: NaiveDateTime,
    /// The last message of the task. [`get_audit_coverage`] does not read it.
    pub message: &'a str,
    /// How many items the task has to process.
    pub task_items: i64,
    /// How many of them failed.
    pub errors: i64,
}

impl<'a> From<&'a TaskLog> for TaskLogRow<'a> {
    fn from(row: &'a TaskLog) -> Self {
        let TaskLog { task_name, state, host, period_beginning, period_ending, message, task_items, errors } = row;
        Self {
            task_name,
            state,
            host,
            period_beginning: *period_beginning,
            period_ending: *period_ending,
            message,
            task_items: *task_items,
            errors: *errors,
        }
    }
}

/// The answer of Nova's API `os-instance_usage_audit_log` for one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditTaskLogs {
    /// The begin of the window, as Python's `str(datetime)`: `YYYY-MM-DD HH:MM:SS`.
    pub period_beginning: String,
    /// The end of the window, in the same format.
    pub period_ending: String,
    /// How many hosts have a compute service.
    pub num_hosts: u64,
    /// How many hosts have a `DONE` row, hosts without a service included.
    pub num_hosts_done: u64,
    /// How many hosts have a `RUNNING` row, hosts without a service included.
    pub num_hosts_running: u64,
    /// How many hosts with a service have no row.
    pub num_hosts_not_run: u64,
    /// These hosts, in order of their names. Nova returns them in no order.
    pub hosts_not_run: Vec<String>,
    /// The sum of `task_items` of the rows; at the bounds of 64 bits it stops.
    pub total_instances: i64,
    /// The sum of `errors` of the rows; at the bounds of 64 bits it stops.
    pub total_errors: i64,
    /// Nova's summary, such as `7 of 8 hosts done. 2 errors.`.
    pub overall_status: String,
    /// The row of each host, the last one of several, in the order of the rows. Nova has a dictionary by host.
    pub log: Vec<HostAuditLog>,
}

/// The task log row of a host in [`AuditTaskLogs`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAuditLog {
    /// The compute host.
    pub host: String,
    /// `RUNNING` or `DONE`.
    pub state: String,
    /// How many instances the audit has.
    pub instances: i64,
    /// How many of them failed.
    pub errors: i64,
    /// The last message of the audit.
    pub message: String,
}

/// Returns the audits of all hosts in the last window that is complete before a timestamp. `hosts` are those with a
/// compute service; a host may occur several times. Rows of other tasks and windows are ignored. Nova:
/// `_get_audit_task_logs` of the API `os-instance_usage_audit_log`.
///
/// As in Nova, a host without a service counts as done, so that `ALL hosts done` only means that as many hosts are done
/// as have a service.
///
/// ```
/// use nova_compute_utils::host::TaskLog;
/// use nova_compute_utils::{Release, audit, time};
///
/// let row = TaskLog {
///     task_name: "instance_usage_audit".into(),
///     state: "DONE".into(),
///     host: "cmp-01".into(),
///     period_beginning: time::parse("2026-10-01")?,
///     period_ending: time::parse("2026-11-01")?,
///     message: "Instance usage audit ran for host cmp-01, 81 instances in 1.5 seconds.".into(),
///     task_items: 81,
///     errors: 2,
/// };
/// let (hosts, before) = (["cmp-01", "cmp-02"], time::parse("2026-11-01T00:17:03.25")?);
/// let logs = audit::get_audit_task_logs(Release::Hibiscus, "month", before, &hosts, &[row])?;
/// assert_eq!(logs.overall_status, "1 of 2 hosts done. 2 errors.");
/// assert_eq!(logs.hosts_not_run, ["cmp-02"]);
/// assert_eq!(logs.log[0].instances, 81);
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn get_audit_task_logs<'a, R: Into<TaskLogRow<'a>>>(
    release: Release,
    instance_usage_audit_period: &str,
    before: NaiveDateTime,
    hosts: &'a [impl AsRef<str>],
    task_logs: impl IntoIterator<Item = R, IntoIter: Clone>,
) -> Result<AuditTaskLogs, Error> {
    let window = period::last_completed_audit_period(release, instance_usage_audit_period, None, before)?;
    let rows = task_logs.into_iter().map(R::into);
    let AuditCoverage { windows, hosts, num_hosts, rows: last_rows, .. } =
        coverage(&[window], window.end, hosts, rows.clone())?;
    let services = hosts.into_iter().zip(&last_rows).take(usize::try_from(num_hosts).unwrap_or_default());
    let hosts_not_run = services.filter(|(_, row)| row.is_none()).map(|(host, _)| host).collect();
    let last_rows = last_rows.into_iter().flatten().collect::<BinaryHeap<_>>().into_sorted_vec();
    let mut last_rows = last_rows.into_iter().peekable();
    let log = (0..).zip(rows).filter(|(index, _)| last_rows.next_if_eq(index).is_some()).map(|(_, row)| HostAuditLog {
        host: row.host.to_owned(),
        state: row.state.to_owned(),
        instances: row.task_items,
        errors: row.errors,
        message: row.message.to_owned(),
    });
    let log = log.collect();
    let WindowCoverage {
        begin,
        end,
        num_hosts_done,
        num_hosts_running,
        num_hosts_not_run,
        total_instances,
        total_errors,
        overall_status,
        ..
    } = windows.into_iter().next().unwrap_or_else(|| WindowCoverage::new(window, window.end));
    Ok(AuditTaskLogs {
        period_beginning: time::str_datetime(begin),
        period_ending: time::str_datetime(end),
        num_hosts,
        num_hosts_done,
        num_hosts_running,
        num_hosts_not_run,
        hosts_not_run,
        total_instances,
        total_errors,
        overall_status,
        log,
    })
}

/// The state of the audit of one host in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CoverageState {
    /// The audit is done, without errors.
    Done,
    /// The audit is done, with errors.
    Errors,
    /// The audit runs, or was interrupted.
    Running,
    /// The task log row has a state that Nova does not write.
    Other,
    /// The window is over, and the task log has no row.
    NotRun,
    /// The window is not over, and the task log has no row.
    NotDue,
    /// The host has no compute service, and the task log has no row.
    NoService,
}

impl CoverageState {
    /// All states.
    pub const ALL: [Self; 7] =
        [Self::Done, Self::Errors, Self::Running, Self::Other, Self::NotRun, Self::NotDue, Self::NoService];

    /// Returns the name of the state, such as `not_run`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Errors => "errors",
            Self::Running => "running",
            Self::Other => "other",
            Self::NotRun => "not_run",
            Self::NotDue => "not_due",
            Self::NoService => "no_service",
        }
    }

    fn of_row(row: &TaskLogRow<'_>) -> Self {
        match row.state {
            DONE if row.errors == 0 => Self::Done,
            DONE => Self::Errors,
            RUNNING => Self::Running,
            _ => Self::Other,
        }
    }
}

/// The audits of many hosts in many windows.
///
/// `states` and `rows` have one element per host and window, at `host * windows.len() + window`, where `host` and
/// `window` are indexes of `hosts` and `windows`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCoverage {
    /// The windows, oldest first.
    pub windows: Vec<WindowCoverage>,
    /// The hosts with a compute service in order of their names, then those that only have rows, in the same order.
    pub hosts: Vec<String>,
    /// How many of `hosts`, from the first on, have a compute service.
    pub num_hosts: u64,
    /// The state of each host and window.
    pub states: Vec<CoverageState>,
    /// The index of the task log row of each host and window; `None` without one. Of several rows, the last one.
    pub rows: Vec<Option<u32>>,
    /// How often each state occurs, in the order of [`CoverageState::ALL`].
    pub state_counts: Vec<u64>,
    /// How many audits are due: the number of hosts with a service times the number of windows that are over.
    pub num_due: u64,
    /// How many hosts have a window in the state [`CoverageState::NotRun`].
    pub num_hosts_not_run: u64,
    /// How many rows of the audit belong to no window of the coverage, such as those of another period.
    pub num_other_rows: u64,
}

/// A window of an [`AuditCoverage`], with the numbers of [`AuditTaskLogs`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowCoverage {
    /// The begin, which belongs to the window.
    pub begin: NaiveDateTime,
    /// The end, which does not belong to the window.
    pub end: NaiveDateTime,
    /// Whether the window is over, so that Nova audits it.
    pub is_due: bool,
    /// How many hosts have a `DONE` row, hosts without a service included.
    pub num_hosts_done: u64,
    /// How many hosts have a `RUNNING` row, hosts without a service included.
    pub num_hosts_running: u64,
    /// How many hosts with a service have no row.
    pub num_hosts_not_run: u64,
    /// The sum of `task_items` of the rows; at the bounds of 64 bits it stops.
    pub total_instances: i64,
    /// The sum of `errors` of the rows; at the bounds of 64 bits it stops.
    pub total_errors: i64,
    /// Nova's summary, such as `7 of 8 hosts done. 2 errors.`.
    pub overall_status: String,
}

/// Returns the audits of all hosts in all windows that begin at or after `begin` and before `end`, at the time `now`.
/// `hosts` are those with a compute service; a host may occur several times. Rows of other tasks and windows are
/// ignored. Nova has no such function: [`get_audit_task_logs`] returns one window.
///
/// Fails like [`Period::windows_between`], and with `ValueError` when there are more than 10,000,000 audits.
///
/// ```
/// use nova_compute_utils::audit::{self, CoverageState};
/// use nova_compute_utils::host::TaskLog;
/// use nova_compute_utils::{Release, period::Period, time};
///
/// let row = TaskLog {
///     task_name: "instance_usage_audit".into(),
///     state: "DONE".into(),
///     host: "cmp-01".into(),
///     period_beginning: time::parse("2026-10-13T06:00:00")?,
///     period_ending: time::parse("2026-10-14T06:00:00")?,
///     message: "Instance usage audit ran for host cmp-01, 81 instances in 1.5 seconds.".into(),
///     task_items: 81,
///     errors: 0,
/// };
/// let period = Period::parse(Release::Hibiscus, "day@6")?;
/// let (begin, now) = (time::parse("2026-10-13T06:00:00")?, time::parse("2026-10-14T17:32:42")?);
/// let coverage = audit::get_audit_coverage(&period, begin, now, now, &["cmp-01", "cmp-02"], &[row])?;
/// assert_eq!(coverage.windows[0].overall_status, "1 of 2 hosts done. 0 errors.");
/// assert_eq!(coverage.states, [
///     CoverageState::Done, CoverageState::NotDue,
///     CoverageState::NotRun, CoverageState::NotDue,
/// ]);
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn get_audit_coverage<'a, R: Into<TaskLogRow<'a>>>(
    period: &Period,
    begin: NaiveDateTime,
    end: NaiveDateTime,
    now: NaiveDateTime,
    hosts: &'a [impl AsRef<str>],
    task_logs: impl IntoIterator<Item = R, IntoIter: Clone>,
) -> Result<AuditCoverage, Error> {
    let windows = period.windows_beginning_between(begin, end)?;
    coverage(&windows, now, hosts, task_logs.into_iter().map(R::into))
}

/// The audit of a host in a window.
#[derive(Clone, Copy, Default)]
struct Audit {
    /// The state and the index of the last row.
    row: Option<(CoverageState, u32)>,
    is_done: bool,
    is_running: bool,
}

/// Returns the audits of all hosts in some windows, which are in order.
fn coverage<'a>(
    windows: &[Window],
    now: NaiveDateTime,
    hosts: &'a [impl AsRef<str>],
    rows: impl Iterator<Item = TaskLogRow<'a>> + Clone,
) -> Result<AuditCoverage, Error> {
    let window_of = |row: &TaskLogRow<'_>| {
        let place = windows.binary_search_by_key(&row.period_beginning, |window| window.begin).ok()?;
        (row.task_name == TASK_NAME && windows.get(place)?.end == row.period_ending).then_some(place)
    };
    let services = distinct(hosts.iter().map(AsRef::as_ref));
    let has_service = |row: &TaskLogRow<'_>| services.binary_search(&row.host).is_ok();
    let others = rows.clone().filter(|row| window_of(row).is_some() && !has_service(row));
    let others = distinct(others.map(|row| row.host));
    let num_audits = services.len().saturating_add(others.len()).saturating_mul(windows.len());
    if num_audits > MAX_AUDITS {
        return Err(Error::value(format!("the range has {num_audits} audits, more than {MAX_AUDITS}: narrow it")));
    }

    let mut audits = vec![Audit::default(); num_audits];
    let mut totals: Vec<WindowCoverage> = windows.iter().map(|window| WindowCoverage::new(*window, now)).collect();
    let mut num_other_rows = 0;
    for (index, row) in (0..).zip(rows).filter(|(_, row)| row.task_name == TASK_NAME) {
        let Some(window) = window_of(&row) else {
            count(&mut num_other_rows, true);
            continue;
        };
        let host = services.binary_search(&row.host).or_else(|_| {
            let place = others.binary_search(&row.host);
            place.map(|place| place.saturating_add(services.len()))
        });
        let audit = host.unwrap_or_else(|place| place).saturating_mul(windows.len()).saturating_add(window);
        if let (Some(audit), Some(totals)) = (audits.get_mut(audit), totals.get_mut(window)) {
            audit.add(index, &row, totals);
        }
    }

    let num_hosts = to_u64(services.len());
    let (mut states, mut rows) = (Vec::with_capacity(num_audits), Vec::with_capacity(num_audits));
    let mut num_hosts_not_run = 0;
    let mut audits = audits.into_iter();
    let hosts = services.iter().map(|host| (host, true)).chain(others.iter().map(|host| (host, false)));
    let hosts = hosts.map(|(host, has_service)| {
        let mut is_not_run = false;
        for (window, Audit { row, .. }) in totals.iter_mut().zip(&mut audits) {
            let state = match row {
                Some((state, _)) => state,
                None if !has_service => CoverageState::NoService,
                None if window.is_due => CoverageState::NotRun,
                None => CoverageState::NotDue,
            };
            count(&mut window.num_hosts_not_run, has_service && row.is_none());
            is_not_run |= state == CoverageState::NotRun;
            states.push(state);
            rows.push(row.map(|(_, index)| index));
        }
        count(&mut num_hosts_not_run, is_not_run);
        (*host).to_owned()
    });
    let hosts = hosts.collect();
    for window in &mut totals {
        let WindowCoverage { num_hosts_done, total_errors, .. } = window;
        let done =
            if *num_hosts_done == num_hosts { "ALL".to_owned() } else { format!("{num_hosts_done} of {num_hosts}") };
        window.overall_status = format!("{done} hosts done. {total_errors} errors.");
    }
    let num_with = |counted: &CoverageState| to_u64(states.iter().filter(|state| *state == counted).count());
    Ok(AuditCoverage {
        num_due: to_u64(totals.iter().filter(|window| window.is_due).count()).saturating_mul(num_hosts),
        windows: totals,
        hosts,
        num_hosts,
        state_counts: CoverageState::ALL.iter().map(num_with).collect(),
        states,
        rows,
        num_hosts_not_run,
        num_other_rows,
    })
}

impl Audit {
    /// Adds a row to the audit and to the numbers of its window.
    fn add(&mut self, index: u32, row: &TaskLogRow<'_>, totals: &mut WindowCoverage) {
        let (is_done, is_running) = (row.state == DONE, row.state == RUNNING);
        count(&mut totals.num_hosts_done, is_done && !self.is_done);
        count(&mut totals.num_hosts_running, is_running && !self.is_running);
        totals.total_instances = totals.total_instances.saturating_add(row.task_items);
        totals.total_errors = totals.total_errors.saturating_add(row.errors);
        self.row = Some((CoverageState::of_row(row), index));
        self.is_done |= is_done;
        self.is_running |= is_running;
    }
}

impl WindowCoverage {
    fn new(Window { begin, end }: Window, now: NaiveDateTime) -> Self {
        Self {
            begin,
            end,
            is_due: end < now,
            num_hosts_done: 0,
            num_hosts_running: 0,
            num_hosts_not_run: 0,
            total_instances: 0,
            total_errors: 0,
            overall_status: String::new(),
        }
    }
}

fn count(number: &mut u64, counts: bool) {
    *number = number.saturating_add(u64::from(counts));
}

/// Returns the distinct names in order.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    // A heap sorts with a tenth of the code of `sort`.
    let mut names = names.collect::<BinaryHeap<_>>().into_sorted_vec();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use chrono::Duration;
    use proptest::prelude::*;

    use super::*;

    /// Returns a random row of one of the hosts `0` to `9` and of one of the windows, or of a neighbour of one.
    fn row(windows: Vec<Window>) -> impl Strategy<Value = TaskLog> {
        let name = prop_oneof![9 => Just(TASK_NAME), 1 => Just("other")];
        let state = prop_oneof![6 => Just(DONE), 3 => Just(RUNNING), 1 => Just("ERROR"), 1 => Just("")];
        let shift = prop_oneof![9 => Just(0_i64), 1 => Just(1)];
        let number = prop_oneof![Just(0), -3..9_i64, Just(i64::MAX), Just(i64::MIN)];
        (name, state, 0..10_u8, proptest::sample::select(windows), shift, number.clone(), number).prop_map(
            |(name, state, host, window, shift, task_items, errors)| TaskLog {
                task_name: name.to_owned(),
                state: state.to_owned(),
                host: host.to_string(),
                period_beginning: window.begin,
                period_ending: window.end + Duration::microseconds(shift),
                message: format!("{task_items} {errors}"),
                task_items,
                errors,
            },
        )
    }

    fn period() -> impl Strategy<Value = Period> {
        let text = proptest::sample::select(vec!["hour@30", "day", "day@6", "month", "month@15", "year@3"]);
        text.prop_map(|text| Period::parse(Release::Hibiscus, text).expect("a period"))
    }

    fn timestamp() -> impl Strategy<Value = NaiveDateTime> {
        // From 1990 to 2050.
        (631_152_000_i64..2_524_608_000)
            .prop_map(|seconds| chrono::DateTime::from_timestamp(seconds, 0).expect("a timestamp").naive_utc())
    }

    /// Returns the begin of a range of up to five windows, its end, the windows and rows.
    fn table() -> impl Strategy<Value = (Period, NaiveDateTime, NaiveDateTime, Vec<TaskLog>)> {
        (period(), timestamp(), 1..6_usize).prop_flat_map(|(period, end, count)| {
            let mut windows = vec![period.last_completed(end).expect("a window")];
            for _ in 1..count {
                windows
                    .insert(0, period.last_completed(windows[0].begin + Duration::microseconds(1)).expect("a window"));
            }
            let begin = windows[0].begin;
            (Just(period), Just(begin), Just(end), proptest::collection::vec(row(windows), 0..40))
        })
    }

    fn services() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec((0..8_u8).prop_map(|host| host.to_string()), 0..12)
    }

    proptest! {
        #[test]
        fn each_window_has_the_numbers_of_the_audit_log(
            (period, begin, end, rows) in table(),
            hosts in services(),
            ahead in 0..3_u8,
        ) {
            let last = period.last_completed(end).expect("a window").end;
            let now = [begin, end, last][usize::from(ahead)];
            let coverage = get_audit_coverage(&period, begin, end, now, &hosts, &rows).expect("a coverage");
            prop_assert_eq!(coverage.windows[0].begin, begin);
            for (index, window) in coverage.windows.iter().enumerate() {
                let before = window.end + Duration::microseconds(1);
                let text = period.to_string();
                let logs = get_audit_task_logs(Release::Hibiscus, &text, before, &hosts, &rows).expect("logs");
                prop_assert_eq!(time::str_datetime(window.begin), logs.period_beginning);
                prop_assert_eq!(time::str_datetime(window.end), logs.period_ending);
                let numbers = (window.num_hosts_done, window.num_hosts_running, window.num_hosts_not_run);
                prop_assert_eq!(numbers, (logs.num_hosts_done, logs.num_hosts_running, logs.num_hosts_not_run));
                let totals = (window.total_instances, window.total_errors, &window.overall_status);
                prop_assert_eq!(totals, (logs.total_instances, logs.total_errors, &logs.overall_status));
                prop_assert_eq!(coverage.num_hosts, logs.num_hosts);

                let is_due = window.end < now;
                prop_assert_eq!(window.is_due, is_due);
                let mut not_run = Vec::new();
                for (place, host) in coverage.hosts.iter().enumerate() {
                    let audit = place * coverage.windows.len() + index;
                    let state = match logs.log.iter().find(|log| log.host == *host) {
                        Some(log) => match (log.state.as_str(), log.errors) {
                            (DONE, 0) => CoverageState::Done,
                            (DONE, _) => CoverageState::Errors,
                            (RUNNING, _) => CoverageState::Running,
                            _ => CoverageState::Other,
                        },
                        None if !hosts.contains(host) => CoverageState::NoService,
                        None => {
                            not_run.push(host.clone());
                            if is_due { CoverageState::NotRun } else { CoverageState::NotDue }
                        }
                    };
                    prop_assert_eq!(coverage.states[audit], state);
                    let row = coverage.rows[audit].map(|row| &rows[row as usize]);
                    let message = logs.log.iter().find(|log| log.host == *host).map(|log| &log.message);
                    prop_assert_eq!(row.map(|row| &row.message), message);
                    if let Some(row) = row {
                        prop_assert_eq!((row.host.as_str(), row.period_ending), (host.as_str(), window.end));
                    }
                }
                prop_assert_eq!(not_run, logs.hosts_not_run);
            }
        }

        #[test]
        fn the_totals_are_those_of_the_states((period, begin, end, rows) in table(), hosts in services()) {
            let coverage = get_audit_coverage(&period, begin, end, end, &hosts, &rows).expect("a coverage");
            let num_windows = coverage.windows.len();
            prop_assert_eq!(coverage.states.len(), coverage.hosts.len() * num_windows);
            prop_assert_eq!(coverage.rows.len(), coverage.states.len());
            prop_assert_eq!(coverage.state_counts.iter().sum::<u64>(), to_u64(coverage.states.len()));
            for (state, count) in CoverageState::ALL.iter().zip(&coverage.state_counts) {
                prop_assert_eq!(to_u64(coverage.states.iter().filter(|other| *other == state).count()), *count);
            }
            let incomplete = coverage.states.chunks(num_windows);
            let incomplete = incomplete.filter(|states| states.contains(&CoverageState::NotRun)).count();
            prop_assert_eq!(coverage.num_hosts_not_run, to_u64(incomplete));
            let num_hosts = usize::try_from(coverage.num_hosts).expect("few hosts");
            let (services, others) = coverage.hosts.split_at(num_hosts);
            prop_assert!(services.is_sorted() && others.is_sorted());
            prop_assert!(services.iter().all(|host| hosts.contains(host)));
            prop_assert!(others.iter().all(|host| !hosts.contains(host)));
            let is_other = |row: &&TaskLog| {
                row.task_name == TASK_NAME && coverage.windows.iter().all(|window| window.end != row.period_ending)
            };
            prop_assert_eq!(coverage.num_other_rows, to_u64(rows.iter().filter(is_other).count()));
        }

        #[test]
        fn ranges_that_touch_share_no_window(
            period in period(),
            begin in timestamp(),
            lengths in proptest::array::uniform2(0..40_000_000_i64),
        ) {
            let middle = begin + Duration::seconds(lengths[0] / 1000);
            let end = middle + Duration::seconds(lengths[1] / 1000);
            let windows = |begin, end| period.windows_beginning_between(begin, end).expect("windows");
            let all = windows(begin, end);
            prop_assert_eq!([windows(begin, middle), windows(middle, end)].concat(), all.clone());
            prop_assert!(all.windows(2).all(|pair| pair[0].end == pair[1].begin));
            prop_assert!(all.iter().all(|window| begin <= window.begin && window.begin < end));
            // The windows before the first one and after the last one begin outside the range.
            if let (Some(first), Some(last)) = (all.first(), all.last()) {
                prop_assert!(period.last_completed(first.end).expect("a window").begin < begin);
                prop_assert!(last.end >= end);
                prop_assert_eq!(period.last_completed(last.end + Duration::microseconds(1)), Ok(*last));
            }
        }
    }

    #[test]
    fn refuses_a_coverage_that_does_not_fit_in_memory() {
        let period = Period::parse(Release::Hibiscus, "hour").expect("a period");
        let (begin, end) = (time::parse("2020-01-01").expect("a time"), time::parse("2026-01-01").expect("a time"));
        let hosts: Vec<String> = (0..500).map(|host| host.to_string()).collect();
        let error = get_audit_coverage(&period, begin, end, end, &hosts, &Vec::<TaskLog>::new()).expect_err("refused");
        assert_eq!(error.code(), "ValueError");
        assert_eq!(error.message(), "the range has 26304000 audits, more than 10000000: narrow it");
    }

    #[test]
    fn a_clamped_period_has_the_window_in_progress() {
        let period = Period::parse(Release::Hibiscus, "month@31").expect("a period");
        let at = |text| time::parse(text).expect("a time");
        let (begin, now) = (at("2025-12-31"), at("2026-03-01"));
        assert_eq!(period.windows_beginning_between(begin, now).expect_err("refused").code(), "ValueError");
        let windows = period.clamp().windows_beginning_between(begin, now).expect("windows");
        let ends = [at("2026-01-31"), at("2026-02-28"), at("2026-03-31")];
        assert_eq!(windows.iter().map(|window| window.end).collect::<Vec<_>>(), ends);
    }
}
