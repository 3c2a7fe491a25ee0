//! Usage payloads and notifications.

use std::prelude::v1::*;

use chrono::NaiveDateTime;
use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::compute_utils::ComputeUtils;
use super::document;
use super::error::Result;
use super::fault::Fault;
use super::options::{self, Document, options};
use super::value::from_json;
use crate::document::Object;
use crate::period::Window;
use crate::usage::{self, ExistsNdjson, ExistsOptions, Info, InstancePayloadOptions, UsageOptions};
use crate::{Config, Context, NotificationFormat, Release};

options! {
    /// The instance to describe and the additions to its payload.
    pub struct InfoFromInstanceOptions {
        release: Release,
        /// The instance.
        instance: Document,
        /// A list of hydrated vifs, whose addresses the payload copies into `fixed_ips`.
        network_info: Option<Document>,
        /// Replaces the instance's own system metadata as the source of `image_meta`. `grizzly` only.
        system_metadata: Option<Document>,
        /// Keys that replace or extend those of the payload.
        extra: Option<Document>,
        /// Whether to fill in the image URL. `hibiscus` only: `grizzly` always fills it in.
        populate_image_ref_url: Option<bool>,
        /// The base of the image URL, without a trailing slash [default: the URL is the bare image reference].
        glance_endpoint: Option<String>,
        /// Whether the timestamps are strings from the conductor of `grizzly`, which the payload copies unchanged.
        times_are_text: Option<bool>,
    }
}

/// Returns the payload that all unversioned instance notifications share. Nova: `info_from_instance`.
///
/// `grizzly` throws `KeyError` unless the instance has every column of the payload and its system metadata the ten
/// `instance_type_*` keys, and `TypeError` for a key of `extra` that is a parameter of Nova's function.
#[wasm_bindgen(js_name = infoFromInstance, unchecked_return_type = "Document")]
pub fn info_from_instance(
    #[wasm_bindgen(unchecked_param_type = "InfoFromInstanceOptions")] options: &JsValue,
) -> Result<JsValue> {
    let options: InfoFromInstanceOptions = options::read(options)?;
    let system_metadata = Document::object(options.system_metadata.as_ref())?;
    let info = Info {
        network_info: Document::json(options.network_info.as_ref())?,
        system_metadata: system_metadata.as_ref(),
        populate_image_ref_url: options.populate_image_ref_url.unwrap_or_default(),
        glance_endpoint: options.glance_endpoint.as_deref(),
    };
    let instance = options.instance.instance(options.times_are_text)?;
    let extra = Document::object(options.extra.as_ref())?.unwrap_or_default();
    Ok(from_json(&usage::info_from_instance(options.release, &instance, &info, &extra)?)?)
}

/// Returns the image metadata in system metadata: the keys that begin with `image_`, without that prefix. Nova:
/// `image_meta`.
#[wasm_bindgen(js_name = imageMeta, unchecked_return_type = "Document")]
pub fn image_meta(
    #[wasm_bindgen(unchecked_param_type = "DocumentInput")] system_metadata: &JsValue,
) -> Result<JsValue> {
    let system_metadata = document::text(system_metadata, "systemMetadata")?;
    Ok(from_json(&usage::image_meta(&Object::parse(&system_metadata)?))?)
}

options! {
    /// The instance and the window of an unversioned `exists` payload.
    pub struct ExistsPayloadOptions {
        release: Release,
        /// The instance.
        instance: Document,
        /// The window of the notification.
        window: Window,
        /// Replaces the instance's own system metadata as the source of `image_meta`.
        system_metadata: Option<Document>,
        /// Keys that replace or extend those of the payload; in `grizzly` also `bandwidth`.
        extra_usage_info: Option<Document>,
        /// The base of the image URL, without a trailing slash [default: the URL is the bare image reference].
        glance_endpoint: Option<String>,
        /// Whether the timestamps are strings from the conductor of `grizzly`, which the payload copies unchanged.
        times_are_text: Option<bool>,
    }
}

/// Returns the payload of `compute.instance.exists` for a window: that of `infoFromInstance`, the window and, in
/// `grizzly`, `bandwidth`, which is null unless `extraUsageInfo` has it.
#[wasm_bindgen(js_name = existsPayload, unchecked_return_type = "Document")]
pub fn exists_payload(
    #[wasm_bindgen(unchecked_param_type = "ExistsPayloadOptions")] options: &JsValue,
) -> Result<JsValue> {
    let options: ExistsPayloadOptions = options::read(options)?;
    let instance = options.instance.instance(options.times_are_text)?;
    let system_metadata = Document::object(options.system_metadata.as_ref())?;
    let extra = Document::object(options.extra_usage_info.as_ref())?.unwrap_or_default();
    let payload = usage::exists_payload(
        options.release,
        &instance,
        options.window,
        options.glance_endpoint.as_deref(),
        system_metadata.as_ref(),
        &extra,
    );
    Ok(from_json(&payload?)?)
}

options! {
    /// The instance and the window of a versioned `exists` payload.
    pub struct InstanceExistsPayloadOptions {
        context: Option<Context>,
        /// The instance.
        instance: Document,
        /// The window of the notification.
        window: Window,
        /// Whether the payload lists the instance's `block_devices` [default: false].
        bdms_in_notifications: Option<bool>,
        /// Whether the payload lists the instance's `shares` [default: false].
        include_share_mapping: Option<bool>,
    }
}

/// Returns the payload of the versioned `instance.exists`. Nova: `InstanceExistsPayload` 2.1. `hibiscus` only.
#[wasm_bindgen(js_name = instanceExistsPayload, unchecked_return_type = "Document")]
pub fn instance_exists_payload(
    #[wasm_bindgen(unchecked_param_type = "InstanceExistsPayloadOptions")] options: &JsValue,
) -> Result<JsValue> {
    let options: InstanceExistsPayloadOptions = options::read(options)?;
    let payload_options = InstancePayloadOptions {
        bdms_in_notifications: options.bdms_in_notifications.unwrap_or_default(),
        include_share_mapping: options.include_share_mapping.unwrap_or_default(),
    };
    let (context, instance) = (options.context.unwrap_or_default(), options.instance.instance(None)?);
    Ok(from_json(&usage::instance_exists_payload(&context, &instance, options.window, payload_options)?)?)
}

options! {
    /// The settings that all lines share.
    pub struct ExistsNdjsonOptions {
        release: Release,
        /// The compute host that emits.
        host: String,
        /// Whether the host that emits is that of the instance; `host` when the instance has none [default: false].
        host_from_instance: Option<bool>,
        /// The windows of the notifications.
        windows: Vec<Window>,
        /// When the notifications are emitted.
        timestamp: NaiveDateTime,
        /// Which notifications to build [default: `unversioned`].
        notification_format: Option<NotificationFormat>,
        /// Whether `instance.exists` lists the instance's `block_devices` [default: false]. `hibiscus` only.
        bdms_in_notifications: Option<bool>,
        /// Whether `instance.exists` lists the instance's `shares` [default: false]. `hibiscus` only.
        include_share_mapping: Option<bool>,
        context: Option<Context>,
        /// The number of the first line [default: 1].
        first_line: Option<u64>,
    }
}

/// Builds the `exists` notifications of many instances: reads one instance per line (NDJSON) and returns its
/// notifications, one per line, for each window in which the instance was alive. Nova has no such function.
///
/// The notifications are those of an audit with deterministic message ids, so that the same text always yields the same
/// notifications. `bandwidth` is null in `grizzly`. A line that cannot be read or built yields
/// `{"line": 3, "error": {"code": "ValueError", "message": "…"}}` after those of its notifications that could be built.
/// Blank lines are counted and skipped. Use `existsNdjsonStream` for input that does not fit in memory.
#[wasm_bindgen(js_name = existsNdjson)]
pub fn exists_ndjson(
    #[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "ExistsNdjsonOptions")] options: &JsValue,
) -> Result<String> {
    let text: String = options::value(text, "text")?;
    let options: ExistsNdjsonOptions = options::read(options)?;
    let defaults = Config::new(options.release, options.host);
    let config = Config {
        notification_format: options.notification_format.unwrap_or(defaults.notification_format),
        bdms_in_notifications: options.bdms_in_notifications.unwrap_or_default(),
        include_share_mapping: options.include_share_mapping.unwrap_or_default(),
        ..defaults
    };
    let options = ExistsNdjson {
        context: options.context.unwrap_or_default(),
        windows: options.windows,
        timestamp: options.timestamp,
        host_from_instance: options.host_from_instance.unwrap_or_default(),
        first_line: options.first_line.unwrap_or(1),
    };
    let mut output = String::new();
    usage::exists_ndjson(&config, &options, &text, &mut output);
    Ok(output)
}

options! {
    /// The instance and the period of its bandwidth usage.
    pub struct BandwidthUsageOptions {
        context: Option<Context>,
        /// The instance.
        instance: Document,
        /// When the period began.
        audit_start: NaiveDateTime,
        /// Whether to return null when the network info of the instance cannot be obtained.
        ignore_missing_network_data: Option<bool>,
    }
}

options! {
    /// The event to notify about, its instance and the additions to its payload.
    pub struct NotifyAboutInstanceUsageOptions {
        context: Option<Context>,
        /// The instance.
        instance: Document,
        /// The part of the event type after `compute.instance.`. The priority is `ERROR` when the suffix ends in
        /// `error`.
        event_suffix: String,
        /// The host in the publisher id [default, and when empty: the configured one].
        host: Option<String>,
        /// A list of hydrated vifs, whose addresses the payload copies into `fixed_ips`.
        network_info: Option<Document>,
        /// Replaces the instance's own system metadata as the source of `image_meta`. `grizzly` only.
        system_metadata: Option<Document>,
        /// Keys that replace or extend those of the payload.
        extra_usage_info: Option<Document>,
        /// The failure to report, any thrown value or a `Failure`; adds `exception`, `message` and `code`. `hibiscus`
        /// only.
        fault: Option<Fault>,
        /// Whether to ignore an error of the notifier.
        best_effort: Option<bool>,
        /// Whether the timestamps are strings from the conductor of `grizzly`, which the payload copies unchanged.
        times_are_text: Option<bool>,
    }
}

options! {
    /// The instance to notify about and the additions to its payload.
    pub struct NotifyUsageExistsOptions {
        context: Option<Context>,
        /// The instance.
        instance: Document,
        /// The host in the publisher id [default: the configured one].
        host: Option<String>,
        /// Whether to report the window from the end of the last completed window until now, instead of that window.
        current_period: Option<bool>,
        /// Whether `bandwidth` is null when the network info of the instance cannot be obtained. `grizzly` only.
        ignore_missing_network_data: Option<bool>,
        /// Replaces the instance's own system metadata as the source of `image_meta`.
        system_metadata: Option<Document>,
        /// Keys that replace or extend those of the unversioned payload.
        extra_usage_info: Option<Document>,
        /// Whether the timestamps are strings from the conductor of `grizzly`, which the payload copies unchanged.
        times_are_text: Option<bool>,
    }
}

#[wasm_bindgen]
impl ComputeUtils {
    /// Returns the traffic of an instance since `auditStart`: per network label, an object with `bw_in` and `bw_out`.
    /// Returns null when the network info cannot be obtained and `ignoreMissingNetworkData` is true. Nova:
    /// `bandwidth_usage` in `grizzly`.
    #[wasm_bindgen(js_name = bandwidthUsage, unchecked_return_type = "Promise<Document | null>")]
    pub fn bandwidth_usage(
        &self,
        #[wasm_bindgen(unchecked_param_type = "BandwidthUsageOptions")] options: JsValue,
    ) -> Promise {
        self.call(async move |_, services| {
            let options: BandwidthUsageOptions = options::read(&options)?;
            let (context, instance) = (options.context.unwrap_or_default(), options.instance.instance(None)?);
            let ignore = options.ignore_missing_network_data.unwrap_or_default();
            match usage::bandwidth_usage(services, &context, &instance, options.audit_start, ignore).await? {
                Some(bandwidth) => Ok(from_json(&bandwidth)?),
                None => Ok(JsValue::NULL),
            }
        })
    }

    /// Emits an unversioned notification about an instance. Nova: `notify_about_instance_usage`.
    #[wasm_bindgen(js_name = notifyAboutInstanceUsage, unchecked_return_type = "Promise<void>")]
    pub fn notify_about_instance_usage(
        &self,
        #[wasm_bindgen(unchecked_param_type = "NotifyAboutInstanceUsageOptions")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let options: NotifyAboutInstanceUsageOptions = options::read(&options)?;
            let context = options.context.unwrap_or_default();
            let instance = options.instance.instance(options.times_are_text)?;
            let system_metadata = Document::object(options.system_metadata.as_ref())?;
            let extra = Document::object(options.extra_usage_info.as_ref())?;
            let usage_options = UsageOptions {
                host: options.host.as_deref(),
                network_info: Document::json(options.network_info.as_ref())?,
                system_metadata: system_metadata.as_ref(),
                extra_usage_info: extra.as_ref(),
                fault: options.fault.as_ref().map(|Fault(failure)| failure),
                best_effort: options.best_effort.unwrap_or_default(),
            };
            let suffix = &options.event_suffix;
            Ok(usage::notify_about_instance_usage(services, config, &context, &instance, suffix, &usage_options)
                .await?)
        })
    }

    /// Emits the `exists` notifications of an instance, in the configured formats. Nova: `notify_usage_exists`.
    ///
    /// `grizzly` reads the bandwidth first and emits one notification in any configured format.
    #[wasm_bindgen(js_name = notifyUsageExists, unchecked_return_type = "Promise<void>")]
    pub fn notify_usage_exists(
        &self,
        #[wasm_bindgen(unchecked_param_type = "NotifyUsageExistsOptions")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let options: NotifyUsageExistsOptions = options::read(&options)?;
            let context = options.context.unwrap_or_default();
            let instance = options.instance.instance(options.times_are_text)?;
            let host = options.host.as_deref().unwrap_or(&config.host);
            let exists_options = ExistsOptions {
                current_period: options.current_period.unwrap_or_default(),
                ignore_missing_network_data: options.ignore_missing_network_data.unwrap_or_default(),
                system_metadata: Document::object(options.system_metadata.as_ref())?,
                extra_usage_info: Document::object(options.extra_usage_info.as_ref())?.unwrap_or_default(),
            };
            Ok(usage::notify_usage_exists(services, config, &context, &instance, host, &exists_options).await?)
        })
    }
}
