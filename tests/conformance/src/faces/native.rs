//! The library itself.

mod device;
mod fault;
mod volume;

use std::future::Future;
use std::pin::pin;
use std::task::{Poll, Waker};

use anyhow::{Result, bail};
use nova_compute_utils::document::Object;
use nova_compute_utils::instance::Instance;
use nova_compute_utils::network::NetworkInfo;
use nova_compute_utils::period::{self, Window};
use nova_compute_utils::{Config, Context, Error, audit, time, usage};

use super::{Answer, Bounds, ExistsOptions, Face, Failure};
use crate::script::Script;
use crate::tables::{MemoryTables, Tables};

/// The library as a Rust program uses it.
#[derive(Debug, Default)]
pub struct NativeFace {
    script: Script,
    tables: MemoryTables,
}

impl Face for NativeFace {
    fn name(&self) -> &'static str {
        "native"
    }

    fn script(&self) -> &Script {
        &self.script
    }

    fn tables(&mut self) -> Result<&mut dyn Tables> {
        Ok(&mut self.tables)
    }

    fn last_completed_audit_period(
        &mut self,
        config: &Config,
        unit: Option<&str>,
        before: &str,
    ) -> Result<Answer<Bounds>> {
        let before = time::parse(before)?;
        Ok(period::last_completed_audit_period(config, unit, before).map(bounds).map_err(failure))
    }

    fn audit_period_bounds(&mut self, config: &Config, current_period: bool, now: &str) -> Result<Answer<Bounds>> {
        let now = time::parse(now)?;
        Ok(period::audit_period_bounds(config, current_period, now).map(bounds).map_err(failure))
    }

    fn info_from_instance(
        &mut self,
        config: &Config,
        instance: &str,
        network_info: Option<&str>,
        populate_image_ref_url: bool,
        extra: Option<&str>,
    ) -> Result<Answer> {
        let info = || {
            let network_info = network_info.map(|json| NetworkInfo::hydrate(config.release, json)).transpose()?;
            let instance = Instance::parse(instance)?;
            let extra = object(extra)?.unwrap_or_default();
            usage::info_from_instance(config, &instance, network_info.as_ref(), populate_image_ref_url, &extra)
        };
        Ok(info().map_err(failure))
    }

    fn notify_usage_exists(
        &mut self,
        config: &Config,
        context: &Context,
        instance: &str,
        host: &str,
        options: &ExistsOptions<'_>,
    ) -> Result<Answer<()>> {
        let script = &self.script;
        finished(async {
            let instance = Instance::parse(instance)?;
            let options = usage::ExistsOptions {
                current_period: options.current_period,
                system_metadata: object(options.system_metadata)?,
                extra_usage_info: object(options.extra_usage_info)?.unwrap_or_default(),
            };
            usage::notify_usage_exists(script, config, context, &instance, host, &options).await
        })
    }

    fn has_audit_been_run(&mut self, config: &Config, host: &str, timestamp: Option<&str>) -> Result<Answer<bool>> {
        let timestamp = timestamp.map(time::parse).transpose()?;
        finished(audit::has_audit_been_run(&self.script, config, host, timestamp))
    }

    fn start_instance_usage_audit(&mut self, window: &Bounds, host: &str, num_instances: i64) -> Result<Answer<()>> {
        finished(audit::start_instance_usage_audit(&self.script, parse(window)?, host, num_instances))
    }

    fn finish_instance_usage_audit(
        &mut self,
        window: &Bounds,
        host: &str,
        errors: i64,
        message: Option<&str>,
    ) -> Result<Answer<()>> {
        finished(audit::finish_instance_usage_audit(&self.script, parse(window)?, host, errors, message))
    }

    fn instance_usage_audit(&mut self, config: &Config, context: &Context) -> Result<Answer<bool>> {
        let report = finished(audit::instance_usage_audit(&self.script, config, context))?;
        Ok(report.map(|report| report.is_some()))
    }
}

fn object(json: Option<&str>) -> Result<Option<Object<'_>>, Error> {
    json.map(Object::parse).transpose()
}

#[allow(clippy::needless_pass_by_value, reason = "it maps errors")]
pub(super) fn failure(error: Error) -> Failure {
    Failure { code: error.code().to_owned(), message: error.message().to_owned() }
}

fn bounds(window: Window) -> Bounds {
    (time::isoformat(window.begin), time::isoformat(window.end))
}

fn parse(window: &Bounds) -> Result<Window> {
    Ok(Window { begin: time::parse(&window.0)?, end: time::parse(&window.1)? })
}

/// The script answers at once, so whatever awaits it is done at the first poll.
pub(super) fn finished<T>(future: impl Future<Output = Result<T, Error>>) -> Result<Answer<T>> {
    match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Ok(result.map_err(failure)),
        Poll::Pending => bail!("the script did not answer at once"),
    }
}
