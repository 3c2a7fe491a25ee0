use std::prelude::v1::*;

use super::exports::nova::compute_utils::audit::{self, Config, Context, Guest, Release, Window};
use super::imports::{Imports, run};
use super::record::{FromWit, ToWit, read, to_wit};
use super::{Component, Result};
use crate::Error;
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
