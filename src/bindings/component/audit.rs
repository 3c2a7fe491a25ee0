//! The interfaces `audit-log` and `audit`.

use std::prelude::v1::*;

use super::exports::nova::compute_utils::audit_log::{self, Guest, PeriodOptions, Release};
use super::record::{FromWit, ToWit, read};
use super::{Component, Result};
use crate::Error;
use crate::audit::{self, AuditCoverage, AuditTaskLogs, CoverageState, HostAuditLog, WindowCoverage};
use crate::host::TaskLog;

records! {
    TaskLog { task_name, state, host, message, task_items, errors; period_beginning, period_ending }: from audit_log;
    AuditTaskLogs {
        period_beginning, period_ending, num_hosts, num_hosts_done, num_hosts_running, num_hosts_not_run,
        hosts_not_run, total_instances, total_errors, overall_status; log
    }: to audit_log;
    HostAuditLog { host, state, instances, errors, message }: to audit_log;
    CoverageState [Done, Errors, Running, Other, NotRun, NotDue, NoService]: to audit_log;
    AuditCoverage {
        hosts, num_hosts, rows, state_counts, num_due, num_hosts_not_run, num_other_rows; windows, states
    }: to audit_log;
    WindowCoverage {
        is_due, num_hosts_done, num_hosts_running, num_hosts_not_run, total_instances, total_errors, overall_status;
        begin, end
    }: to audit_log;
}

impl Guest for Component {
    fn get_audit_task_logs(
        release: Release,
        instance_usage_audit_period: String,
        before: String,
        hosts: Vec<String>,
        task_logs: Vec<audit_log::TaskLog>,
    ) -> Result<audit_log::AuditTaskLogs> {
        let (before, task_logs): (_, Vec<TaskLog>) = (read(before)?, read(task_logs)?);
        audit::get_audit_task_logs(release.into(), &instance_usage_audit_period, before, &hosts, &task_logs).to_wit()
    }

    fn get_audit_coverage(
        period: PeriodOptions,
        begin: String,
        end: String,
        now: String,
        hosts: Vec<String>,
        task_logs: Vec<audit_log::TaskLog>,
    ) -> Result<audit_log::AuditCoverage> {
        let (begin, end, now, task_logs): (_, _, _, Vec<TaskLog>) =
            (read(begin)?, read(end)?, read(now)?, read(task_logs)?);
        audit::get_audit_coverage(&read(period)?, begin, end, now, &hosts, &task_logs).to_wit()
    }
}

#[cfg(not(feature = "component-pure"))]
mod run {
    use std::prelude::v1::*;

    use super::super::exports::nova::compute_utils::audit::{self, Config, Context, Guest, Release, Window};
    use super::super::imports::{Imports, run};
    use super::super::record::to_wit;
    use super::{Component, Error, FromWit, Result, ToWit, read};
    use crate::audit::{AuditFailure, AuditOptions, AuditReport, MessageIds};

    records! {
        MessageIds [Random, Deterministic]: from audit;
        AuditOptions { resume, give_up, retry_failed; message_ids }: from audit;
        AuditFailure { instance_uuid, instance_id, sent; error }: to audit;
        AuditReport { host, instances, notifications, message; window, failures }: to audit;
    }

    impl Guest for Component {
        functions! { audit, to_wit;
            fn deterministic_message_id(release: Release, event_type: String, host: String, window: Window,
                instance_uuid: String)
                -> Result<String> = release.into(), &event_type, &host, read(window)?, &instance_uuid;
        }

        functions! { audit, run;
            fn has_audit_been_run(context: Context, release: Release, instance_usage_audit_period: String, host: String,
                timestamp: Option<String>)
                -> Result<bool> = &Imports, &read(context)?, read(release)?, &instance_usage_audit_period, &host,
                    read(timestamp)?;

            fn start_instance_usage_audit(context: Context, window: Window, host: String, num_instances: i64)
                -> Result<()> = &Imports, &read(context)?, read(window)?, &host, num_instances;

            fn finish_instance_usage_audit(context: Context, window: Window, host: String, errors: i64,
                message: Option<String>)
                -> Result<()> = &Imports, &read(context)?, read(window)?, &host, errors, message.as_deref();

            fn instance_usage_audit(config: Config, context: Context, options: audit::AuditOptions)
                -> Result<Option<audit::AuditReport>> = &Imports, &read(config)?, &read(context)?, &read(options)?;
        }
    }
}
