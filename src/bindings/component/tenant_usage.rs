//! The interface `tenant-usage`.

use std::prelude::v1::*;

use super::exports::nova::compute_utils::tenant_usage::{self, Guest, Window};
use super::record::{FromWit, ToWit, read};
use super::{Component, Result};
use crate::Error;
use crate::instance::Instance;
use crate::tenant_usage::{ServerUsage, TenantUsage, UsageGroup, UsageKey};

records! {
    TenantUsage {
        tenant_id, total_local_gb_usage, total_vcpus_usage, total_memory_mb_usage, total_hours;
        server_usages, start, stop
    }: to tenant_usage;
    ServerUsage {
        hours, flavor, instance_id, name, tenant_id, memory_mb, local_gb, vcpus, state, uptime; started_at, ended_at
    }: to tenant_usage;
    UsageKey [Project, Flavor, Host, AvailabilityZone]: from tenant_usage;
    UsageGroup { key, servers, hours, vcpus_hours, memory_mb_hours, local_gb_hours }: to tenant_usage;
}

impl Guest for Component {
    fn hours_for(launched_at: Option<String>, terminated_at: Option<String>, window: Window) -> Result<f64> {
        Ok(crate::tenant_usage::hours_for(read(launched_at)?, read(terminated_at)?, read(window)?))
    }

    functions! { tenant_usage, ToWit::to_wit;
        fn tenant_usages_for_period(instances: Vec<String>, window: Window, now: String, detailed: bool)
            -> Result<Vec<tenant_usage::TenantUsage>> = &parse(&instances)?, read(window)?, read(now)?, detailed;

        fn usages_by(instances: Vec<String>, window: Window, key: tenant_usage::UsageKey)
            -> Result<Vec<tenant_usage::UsageGroup>> = &parse(&instances)?, read(window)?, key.into();
    }

    fn hours_ndjson(windows: Vec<Window>, first_line: u64, text: String) -> Result<String> {
        let mut output = String::new();
        crate::tenant_usage::hours_ndjson(&read::<_, Vec<_>>(windows)?, first_line, &text, &mut output);
        Ok(output)
    }
}

fn parse(instances: &[String]) -> Result<Vec<Instance<'_>>, Error> {
    instances.iter().map(|instance| Instance::parse(instance)).collect()
}
