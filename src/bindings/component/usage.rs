//! The interfaces `usage` and `usage-notify`.

use std::prelude::v1::*;

use super::exports::nova::compute_utils::usage::{
    self, Config, Context, Guest, InstancePayloadOptions, Release, Window,
};
use super::record::{ToWit, json, object, read, to_wit};
use super::{Component, Result};
use crate::document::Object;
use crate::instance::Instance;
use crate::usage::{ExistsNdjson, Info};

impl Guest for Component {
    fn info_from_instance(release: Release, instance: String, info: usage::Info) -> Result<String> {
        let instance = Instance::parse(&instance)?.with_times_as_text(info.times_are_text);
        let system_metadata = object(info.system_metadata.as_deref())?;
        let extra = object(info.extra.as_deref())?.unwrap_or_default();
        let info = Info {
            network_info: json(info.network_info.as_deref())?,
            system_metadata: system_metadata.as_ref(),
            populate_image_ref_url: info.populate_image_ref_url,
            glance_endpoint: info.glance_endpoint.as_deref(),
        };
        crate::usage::info_from_instance(read(release)?, &instance, &info, &extra).to_wit()
    }

    functions! { usage, to_wit;
        fn image_meta(system_metadata: String) -> Result<String> = &Object::parse(&system_metadata)?;
    }

    functions! { usage, ToWit::to_wit;
        fn exists_payload(release: Release, instance: String, window: Window, glance_endpoint: Option<String>,
            system_metadata: Option<String>, times_are_text: bool, extra: Option<String>)
            -> Result<String> = read(release)?, &Instance::parse(&instance)?.with_times_as_text(times_are_text),
                read(window)?, glance_endpoint.as_deref(), object(system_metadata.as_deref())?.as_ref(),
                &object(extra.as_deref())?.unwrap_or_default();

        fn instance_exists_payload(context: Context, instance: String, window: Window, options: InstancePayloadOptions)
            -> Result<String> = &read(context)?, &Instance::parse(&instance)?, read(window)?, read(options)?;
    }

    fn exists_ndjson(
        config: Config,
        context: Context,
        options: usage::ExistsNdjsonOptions,
        text: String,
    ) -> Result<String> {
        let options = ExistsNdjson {
            context: read(context)?,
            windows: read(options.windows)?,
            timestamp: read(options.timestamp)?,
            host_from_instance: options.host_from_instance,
            first_line: options.first_line,
        };
        let mut output = String::new();
        crate::usage::exists_ndjson(&read(config)?, &options, &text, &mut output);
        Ok(output)
    }
}

#[cfg(not(feature = "component-pure"))]
mod notify {
    use super::super::exports::nova::compute_utils::usage_notify::{self, Config, Context, Guest};
    use super::super::imports::{Imports, run};
    use super::{Component, Instance, Result, String, json, object, read};
    use crate::fault::Failure;
    use crate::usage::{ExistsOptions, UsageOptions};

    impl Guest for Component {
        fn notify_about_instance_usage(
            config: Config,
            context: Context,
            instance: String,
            event_suffix: String,
            options: usage_notify::UsageOptions,
        ) -> Result<()> {
            let instance = Instance::parse(&instance)?.with_times_as_text(options.times_are_text);
            let system_metadata = object(options.system_metadata.as_deref())?;
            let extra_usage_info = object(options.extra_usage_info.as_deref())?;
            let fault: Option<Failure> = read(options.fault)?;
            let options = UsageOptions {
                host: options.host.as_deref(),
                network_info: json(options.network_info.as_deref())?,
                system_metadata: system_metadata.as_ref(),
                extra_usage_info: extra_usage_info.as_ref(),
                fault: fault.as_ref(),
                best_effort: options.best_effort,
            };
            run(crate::usage::notify_about_instance_usage(
                &Imports,
                &read(config)?,
                &read(context)?,
                &instance,
                &event_suffix,
                &options,
            ))
        }

        functions! { usage, run;
            fn bandwidth_usage(context: Context, instance: String, audit_start: String,
                ignore_missing_network_data: bool)
                -> Result<Option<String>> = &Imports, &read(context)?, &Instance::parse(&instance)?, read(audit_start)?,
                    ignore_missing_network_data;
        }

        fn notify_usage_exists(
            config: Config,
            context: Context,
            instance: String,
            host: String,
            options: usage_notify::ExistsOptions,
        ) -> Result<()> {
            let (config, context) = (read(config)?, read(context)?);
            let instance = Instance::parse(&instance)?.with_times_as_text(options.times_are_text);
            let options = ExistsOptions {
                current_period: options.current_period,
                ignore_missing_network_data: options.ignore_missing_network_data,
                system_metadata: object(options.system_metadata.as_deref())?,
                extra_usage_info: object(options.extra_usage_info.as_deref())?.unwrap_or_default(),
            };
            run(crate::usage::notify_usage_exists(&Imports, &config, &context, &instance, &host, &options))
        }
    }
}
