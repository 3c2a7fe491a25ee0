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
use nova_compute_utils::network::{self, NetworkInfo};
use nova_compute_utils::period::{self, Window};
use nova_compute_utils::{Config, Context, Error, Release, audit, time, usage};

use super::{Answer, Bounds, ExistsOptions, Face, Failure, Info, UsageOptions};
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

    fn info_from_instance(&mut self, config: &Config, instance: &str, info: &Info<'_>) -> Result<Answer> {
        let payload = || {
            let instance = Instance::parse(instance)?.with_times_as_text(info.times_are_text);
            let network_info = network_info(config, info.network_info)?;
            let system_metadata = object(info.system_metadata)?;
            let extra = object(info.extra)?.unwrap_or_default();
            let info = usage::Info {
                network_info: network_info.as_ref(),
                system_metadata: system_metadata.as_ref(),
                populate_image_ref_url: info.populate_image_ref_url,
            };
            usage::info_from_instance(config, &instance, &info, &extra)
        };
        Ok(payload().map_err(failure))
    }

    fn image_meta(&mut self, system_metadata: &str) -> Result<Answer> {
        Ok(Object::parse(system_metadata).map(|metadata| usage::image_meta(&metadata)).map_err(failure))
    }

    fn hydrate(&mut self, release: Release, network_info: &str) -> Result<Answer> {
        Ok(NetworkInfo::hydrate(release, network_info).map(|network_info| network_info.to_json()).map_err(failure))
    }

    fn get_nw_info_for_instance(&mut self, instance: &str) -> Result<Answer> {
        let mut text = String::new();
        let network_info =
            Instance::parse(instance).and_then(|instance| network::get_nw_info_for_instance(&instance, &mut text));
        Ok(network_info.map(|network_info| network_info.to_json()).map_err(failure))
    }

    fn get_network_info(&mut self, instance: &str) -> Result<Answer<Option<String>>> {
        let mut text = String::new();
        let network_info =
            Instance::parse(instance).and_then(|instance| network::get_network_info(&instance, &mut text));
        let json = |network_info: Option<NetworkInfo<'_>>| network_info.map(|network_info| network_info.to_json());
        Ok(network_info.map(json).map_err(failure))
    }

    fn bandwidth_usage(
        &mut self,
        instance: &str,
        audit_start: &str,
        ignore_missing_network_data: bool,
    ) -> Result<Answer<Option<String>>> {
        let (script, audit_start) = (&self.script, time::parse(audit_start)?);
        finished(async {
            let instance = Instance::parse(instance)?;
            usage::bandwidth_usage(script, &instance, audit_start, ignore_missing_network_data).await
        })
    }

    fn notify_about_instance_usage(
        &mut self,
        config: &Config,
        context: &Context,
        instance: &str,
        event_suffix: &str,
        options: &UsageOptions<'_>,
    ) -> Result<Answer<()>> {
        let script = &self.script;
        finished(async {
            let instance = Instance::parse(instance)?.with_times_as_text(options.times_are_text);
            let network_info = network_info(config, options.network_info)?;
            let system_metadata = object(options.system_metadata)?;
            let extra_usage_info = object(options.extra_usage_info)?;
            let options = usage::UsageOptions {
                host: options.host,
                network_info: network_info.as_ref(),
                system_metadata: system_metadata.as_ref(),
                extra_usage_info: extra_usage_info.as_ref(),
                fault: options.fault.as_ref(),
                best_effort: options.best_effort,
            };
            usage::notify_about_instance_usage(script, config, context, &instance, event_suffix, &options).await
        })
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
            let instance = Instance::parse(instance)?.with_times_as_text(options.times_are_text);
            let options = usage::ExistsOptions {
                current_period: options.current_period,
                ignore_missing_network_data: options.ignore_missing_network_data,
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

fn network_info<'a>(config: &Config, json: Option<&'a str>) -> Result<Option<NetworkInfo<'a>>, Error> {
    json.map(|json| NetworkInfo::hydrate(config.release, json)).transpose()
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
