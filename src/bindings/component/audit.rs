use std::prelude::v1::*;

use super::exports::nova::compute_utils::audit::{self, Config, Context, Guest, Release, Window};
use super::imports::{Imports, run};
use super::record::{ToWit, read};
use super::{Component, Result};
use crate::audit::{AuditFailure, AuditReport};

records! {
    AuditFailure { instance_uuid; error }: to audit;
    AuditReport { host, instances, notifications, message; window, failures }: to audit;
}

impl Guest for Component {
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

        fn instance_usage_audit(config: Config, context: Context)
            -> Result<Option<audit::AuditReport>> = &Imports, &read(config)?, &read(context)?;
    }
}
