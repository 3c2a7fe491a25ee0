//! The component in wasmtime.

mod device;
mod fault;
mod volume;

use std::path::Path;

use anyhow::Result;
use nova_compute_utils::{Config, Context, NotificationFormat, Release, time};
use nova_compute_utils_wasmtime::{
    Clock, Error, Instance, Limits, Runtime as Wasmtime, period, types, usage, usage_notify,
};
use tokio::runtime::Runtime;

use super::action::failure_record;
use super::{Answer, Bounds, ExistsOptions, Face, Failure, Info, UsageOptions};
use crate::script::Script;
use crate::tables::{SqlTables, Tables};

/// The built component. One instance serves all cases: an error leaves it usable.
pub struct ComponentFace {
    runtime: Runtime,
    instance: Instance<Script>,
    script: Script,
    tables: Option<SqlTables>,
}

impl ComponentFace {
    /// Load a component file.
    pub fn load(path: &Path) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let script = Script::default();
        let plugin = Wasmtime::new(Limits::default())?.load::<Script>(path)?;
        let clock = script.clone();
        let instance = runtime.block_on(plugin.instantiate(script.clone(), Clock::called(move || clock.now())))?;
        Ok(Self { runtime, instance, script, tables: None })
    }

    pub(super) fn call<T>(
        &mut self,
        call: impl AsyncFnOnce(&mut Instance<Script>) -> Result<T, Error>,
    ) -> Result<Answer<T>> {
        match self.runtime.block_on(call(&mut self.instance)) {
            Ok(value) => Ok(Ok(value)),
            Err(Error::Nova(error)) => Ok(Err(Failure { code: error.code, message: error.message })),
            Err(broken) => Err(broken.into()),
        }
    }
}

impl Face for ComponentFace {
    fn name(&self) -> &'static str {
        "component"
    }

    fn script(&self) -> &Script {
        &self.script
    }

    /// The SQL conductor of the wasmtime host, on a real cell.
    fn tables(&mut self) -> Result<&mut dyn Tables> {
        let tables = match self.tables.take() {
            Some(tables) => tables,
            None => {
                SqlTables::unpack(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../cells/hour15/nova-cell.sqlite.xz"))?
            }
        };
        Ok(self.tables.insert(tables))
    }

    fn last_completed_audit_period(
        &mut self,
        config: &Config,
        unit: Option<&str>,
        before: &str,
    ) -> Result<Answer<Bounds>> {
        let (config, before) = (config_record(config), before.to_owned());
        let window = self.call(async |nova| nova.last_completed_audit_period(&config, unit, &before).await)?;
        Ok(window.map(bounds))
    }

    fn audit_period_bounds(&mut self, config: &Config, current_period: bool, now: &str) -> Result<Answer<Bounds>> {
        let (config, now) = (config_record(config), now.to_owned());
        let window = self.call(async |nova| nova.audit_period_bounds(&config, current_period, &now).await)?;
        Ok(window.map(bounds))
    }

    fn info_from_instance(&mut self, config: &Config, instance: &str, info: &Info<'_>) -> Result<Answer> {
        let (config, instance) = (config_record(config), instance.to_owned());
        let info = usage::Info {
            network_info: info.network_info.map(str::to_owned),
            system_metadata: info.system_metadata.map(str::to_owned),
            populate_image_ref_url: info.populate_image_ref_url,
            times_are_text: info.times_are_text,
            extra: info.extra.map(str::to_owned),
        };
        self.call(async |nova| nova.info_from_instance(&config, &instance, &info).await)
    }

    fn image_meta(&mut self, system_metadata: &str) -> Result<Answer> {
        let system_metadata = system_metadata.to_owned();
        self.call(async |nova| nova.image_meta(&system_metadata).await)
    }

    fn hydrate(&mut self, release: Release, network_info: &str) -> Result<Answer> {
        let network_info = network_info.to_owned();
        self.call(async |nova| nova.hydrate(release_record(release), &network_info).await)
    }

    fn get_nw_info_for_instance(&mut self, instance: &str) -> Result<Answer> {
        let instance = instance.to_owned();
        self.call(async |nova| nova.get_nw_info_for_instance(&instance).await)
    }

    fn get_network_info(&mut self, instance: &str) -> Result<Answer<Option<String>>> {
        let instance = instance.to_owned();
        self.call(async |nova| nova.get_network_info(&instance).await)
    }

    fn bandwidth_usage(
        &mut self,
        instance: &str,
        audit_start: &str,
        ignore_missing_network_data: bool,
    ) -> Result<Answer<Option<String>>> {
        let (instance, audit_start) = (instance.to_owned(), audit_start.to_owned());
        self.call(async |nova| nova.bandwidth_usage(&instance, &audit_start, ignore_missing_network_data).await)
    }

    fn notify_about_instance_usage(
        &mut self,
        config: &Config,
        context: &Context,
        instance: &str,
        event_suffix: &str,
        options: &UsageOptions<'_>,
    ) -> Result<Answer<()>> {
        let (config, context, instance) = (config_record(config), context_record(context), instance.to_owned());
        let options = usage_notify::UsageOptions {
            host: options.host.map(str::to_owned),
            network_info: options.network_info.map(str::to_owned),
            system_metadata: options.system_metadata.map(str::to_owned),
            extra_usage_info: options.extra_usage_info.map(str::to_owned),
            fault: options.fault.as_ref().map(failure_record),
            best_effort: options.best_effort,
            times_are_text: options.times_are_text,
        };
        self.call(async |nova| {
            nova.notify_about_instance_usage(&config, &context, &instance, event_suffix, &options).await
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
        let (config, context, instance) = (config_record(config), context_record(context), instance.to_owned());
        let options = usage_notify::ExistsOptions {
            current_period: options.current_period,
            ignore_missing_network_data: options.ignore_missing_network_data,
            system_metadata: options.system_metadata.map(str::to_owned),
            extra_usage_info: options.extra_usage_info.map(str::to_owned),
            times_are_text: options.times_are_text,
        };
        self.call(async |nova| nova.notify_usage_exists(&config, &context, &instance, host, &options).await)
    }

    fn has_audit_been_run(&mut self, config: &Config, host: &str, timestamp: Option<&str>) -> Result<Answer<bool>> {
        let (config, timestamp) = (config_record(config), timestamp.map(str::to_owned));
        self.call(async |nova| nova.has_audit_been_run(&config, host, timestamp.as_ref()).await)
    }

    fn start_instance_usage_audit(&mut self, window: &Bounds, host: &str, num_instances: i64) -> Result<Answer<()>> {
        self.call(async |nova| nova.start_instance_usage_audit(&window.0, &window.1, host, num_instances).await)
    }

    fn finish_instance_usage_audit(
        &mut self,
        window: &Bounds,
        host: &str,
        errors: i64,
        message: Option<&str>,
    ) -> Result<Answer<()>> {
        self.call(async |nova| nova.finish_instance_usage_audit(&window.0, &window.1, host, errors, message).await)
    }

    fn instance_usage_audit(&mut self, config: &Config, context: &Context) -> Result<Answer<bool>> {
        let (config, context) = (config_record(config), context_record(context));
        let report = self.call(async |nova| nova.instance_usage_audit(&config, &context).await)?;
        Ok(report.map(|report| report.is_some()))
    }
}

pub(super) fn release_record(release: Release) -> types::Release {
    match release {
        Release::Grizzly => types::Release::Grizzly,
        Release::Hibiscus => types::Release::Hibiscus,
    }
}

fn config_record(config: &Config) -> types::Config {
    types::Config {
        release: release_record(config.release),
        host: config.host.clone(),
        instance_usage_audit_period: config.instance_usage_audit_period.clone(),
        notification_format: match config.notification_format {
            NotificationFormat::Unversioned => types::NotificationFormat::Unversioned,
            NotificationFormat::Versioned => types::NotificationFormat::Versioned,
            NotificationFormat::Both => types::NotificationFormat::Both,
        },
        glance_endpoint: config.glance_endpoint.clone(),
        max_disk_devices_to_attach: config.max_disk_devices_to_attach,
        compute_driver: config.compute_driver.clone(),
    }
}

pub(super) fn context_record(context: &Context) -> types::Context {
    types::Context {
        user_id: context.user_id.clone(),
        project_id: context.project_id.clone(),
        request_id: context.request_id.clone(),
        timestamp: context.timestamp.map(time::isoformat),
    }
}

fn bounds(window: period::Window) -> Bounds {
    (window.begin, window.end)
}
