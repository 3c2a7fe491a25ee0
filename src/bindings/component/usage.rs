use super::exports::nova::compute_utils::{period, types, usage};
use super::{Component, object};
use crate::instance::Instance;
use crate::network::NetworkInfo;
use crate::period::Window;
use crate::usage::Info;
use crate::{Config, Context, Error, Release};

impl usage::Guest for Component {
    fn info_from_instance(config: types::Config, instance: String, info: usage::Info) -> Result<String, types::Error> {
        let config = Config::from(config);
        let instance = Instance::parse(&instance)?.with_times_as_text(info.times_are_text);
        let network_info = network_info(config.release, info.network_info.as_deref())?;
        let system_metadata = object(info.system_metadata.as_deref())?;
        let extra = object(info.extra.as_deref())?.unwrap_or_default();
        let info = Info {
            network_info: network_info.as_ref(),
            system_metadata: system_metadata.as_ref(),
            populate_image_ref_url: info.populate_image_ref_url,
        };
        Ok(crate::usage::info_from_instance(&config, &instance, &info, &extra)?)
    }

    fn image_meta(system_metadata: String) -> Result<String, types::Error> {
        Ok(crate::usage::image_meta(&crate::document::Object::parse(&system_metadata)?))
    }

    fn exists_payload(
        config: types::Config,
        instance: String,
        window: period::Window,
        system_metadata: Option<String>,
        times_are_text: bool,
        extra: Option<String>,
    ) -> Result<String, types::Error> {
        let instance = Instance::parse(&instance)?.with_times_as_text(times_are_text);
        let system_metadata = object(system_metadata.as_deref())?;
        let extra = object(extra.as_deref())?.unwrap_or_default();
        let window = Window::try_from(window)?;
        Ok(crate::usage::exists_payload(&config.into(), &instance, window, system_metadata.as_ref(), &extra)?)
    }

    fn instance_exists_payload(
        context: types::Context,
        instance: String,
        window: period::Window,
    ) -> Result<String, types::Error> {
        let instance = Instance::parse(&instance)?;
        Ok(crate::usage::instance_exists_payload(&Context::try_from(context)?, &instance, Window::try_from(window)?)?)
    }
}

fn network_info(release: Release, json: Option<&str>) -> Result<Option<NetworkInfo<'_>>, Error> {
    json.map(|json| NetworkInfo::hydrate(release, json)).transpose()
}

#[cfg(not(feature = "component-pure"))]
mod notify {
    use super::super::callbacks::{Imports, finished};
    use super::super::exports::nova::compute_utils::{types, usage_notify};
    use super::{Component, network_info, object};
    use crate::fault::Failure;
    use crate::instance::Instance;
    use crate::usage::{ExistsOptions, UsageOptions};
    use crate::{Config, Context};

    impl usage_notify::Guest for Component {
        fn notify_about_instance_usage(
            config: types::Config,
            context: types::Context,
            instance: String,
            event_suffix: String,
            options: usage_notify::UsageOptions,
        ) -> Result<(), types::Error> {
            let (config, context) = (Config::from(config), Context::try_from(context)?);
            let instance = Instance::parse(&instance)?.with_times_as_text(options.times_are_text);
            let network_info = network_info(config.release, options.network_info.as_deref())?;
            let system_metadata = object(options.system_metadata.as_deref())?;
            let extra_usage_info = object(options.extra_usage_info.as_deref())?;
            let fault = options.fault.map(Failure::from);
            let options = UsageOptions {
                host: options.host.as_deref(),
                network_info: network_info.as_ref(),
                system_metadata: system_metadata.as_ref(),
                extra_usage_info: extra_usage_info.as_ref(),
                fault: fault.as_ref(),
                best_effort: options.best_effort,
            };
            finished(crate::usage::notify_about_instance_usage(
                &Imports,
                &config,
                &context,
                &instance,
                &event_suffix,
                &options,
            ))
        }

        fn bandwidth_usage(
            instance: String,
            audit_start: String,
            ignore_missing_network_data: bool,
        ) -> Result<Option<String>, types::Error> {
            let (instance, audit_start) = (Instance::parse(&instance)?, crate::time::parse(&audit_start)?);
            finished(crate::usage::bandwidth_usage(&Imports, &instance, audit_start, ignore_missing_network_data))
        }

        fn notify_usage_exists(
            config: types::Config,
            context: types::Context,
            instance: String,
            host: String,
            options: usage_notify::ExistsOptions,
        ) -> Result<(), types::Error> {
            let (config, context) = (Config::from(config), Context::try_from(context)?);
            let instance = Instance::parse(&instance)?.with_times_as_text(options.times_are_text);
            let options = ExistsOptions {
                current_period: options.current_period,
                ignore_missing_network_data: options.ignore_missing_network_data,
                system_metadata: object(options.system_metadata.as_deref())?,
                extra_usage_info: object(options.extra_usage_info.as_deref())?.unwrap_or_default(),
            };
            finished(crate::usage::notify_usage_exists(&Imports, &config, &context, &instance, &host, &options))
        }
    }
}
