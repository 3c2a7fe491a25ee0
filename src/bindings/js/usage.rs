//! Usage payloads and notifications.

use js_sys::Promise;
use tsify::Ts;
use wasm_bindgen::prelude::*;

use super::compute_utils::{ComputeUtils, ContextInput};
use super::document::{self, from_text};
use super::error::Result;
use super::fault::failure;
use super::host::Engine;
use super::options::{self, Given, NotificationFormat, Release, options};
use super::period::{WindowInput, config};
use super::time::Moment;
use crate::document::Object;
use crate::instance::Instance;
use crate::network::NetworkInfo;
use crate::period::last_completed_audit_period;
use crate::usage::{self, ExistsNdjson, ExistsOptions, Info, UsageOptions};
use crate::{Config, Error};

options! {
    /// Whose payload, and what is added to it.
    pub struct InfoFromInstanceOptions {
        /// Whose contract is spoken.
        release: Release,
        /// The instance.
        #[tsify(type = "DocumentInput")]
        instance: Given,
        /// A list of vifs; with it the payload has `fixed_ips`.
        #[tsify(optional, type = "DocumentInput | null")]
        network_info: Given,
        /// Replaces the instance's own system metadata where `image_meta` is made. Read in grizzly.
        #[tsify(optional, type = "DocumentInput | null")]
        system_metadata: Given,
        /// Each key replaces or adds one of the payload.
        #[tsify(optional, type = "DocumentInput | null")]
        extra: Given,
        /// Is the image URL to be filled in? Read in hibiscus; grizzly always does it.
        #[tsify(optional, type = "boolean | null")]
        populate_image_ref_url: Option<bool>,
        /// Base of the image URLs, without a slash at the end; without one, the URL is the bare image reference.
        #[tsify(optional, type = "string | null")]
        glance_endpoint: Option<String>,
        /// The instance came through grizzly's conductor, which hands moments over as text, and they are shown so.
        #[tsify(optional, type = "boolean | null")]
        times_are_text: Option<bool>,
    }
}

/// The payload that all unversioned instance notifications share. Nova: `info_from_instance`.
///
/// Grizzly wants every column it shows to be there (`KeyError`), and its ten `instance_type_*` keys in the system
/// metadata; a key of `extra` that is a parameter of Nova's function is a `TypeError`.
#[wasm_bindgen(js_name = infoFromInstance, unchecked_return_type = "Document")]
pub fn info_from_instance(options: &Ts<InfoFromInstanceOptions>) -> Result<JsValue> {
    let options = options::read(options)?;
    let config = Config { glance_endpoint: options.glance_endpoint, ..Config::new(options.release.0, "") };
    let documents = Documents {
        instance: document::text(&options.instance.0, "instance")?,
        network_info: document::optional_text(&options.network_info.0, "networkInfo")?,
        system_metadata: document::optional_text(&options.system_metadata.0, "systemMetadata")?,
        extra: document::optional_text(&options.extra.0, "extra")?,
    };
    let instance = documents.instance(options.times_are_text)?;
    let (network_info, system_metadata) = (documents.network_info(&config)?, documents.system_metadata()?);
    let info = Info {
        network_info: network_info.as_ref(),
        system_metadata: system_metadata.as_ref(),
        populate_image_ref_url: options.populate_image_ref_url.unwrap_or_default(),
    };
    from_text(&usage::info_from_instance(&config, &instance, &info, &documents.extra()?.unwrap_or_default())?)
}

/// The documents of a call, as text that what is read of them borrows from.
struct Documents {
    instance: String,
    network_info: Option<String>,
    system_metadata: Option<String>,
    extra: Option<String>,
}

impl Documents {
    fn instance(&self, times_are_text: Option<bool>) -> std::result::Result<Instance<'_>, Error> {
        Ok(Instance::parse(&self.instance)?.with_times_as_text(times_are_text.unwrap_or_default()))
    }

    fn network_info(&self, config: &Config) -> std::result::Result<Option<NetworkInfo<'_>>, Error> {
        self.network_info.as_deref().map(|text| NetworkInfo::hydrate(config.release, text)).transpose()
    }

    fn system_metadata(&self) -> std::result::Result<Option<Object<'_>>, Error> {
        self.system_metadata.as_deref().map(Object::parse).transpose()
    }

    fn extra(&self) -> std::result::Result<Option<Object<'_>>, Error> {
        self.extra.as_deref().map(Object::parse).transpose()
    }
}

/// Image metadata out of system metadata: what begins with `image_`, without it. Nova: `image_meta`.
#[wasm_bindgen(js_name = imageMeta, unchecked_return_type = "Document")]
pub fn image_meta(
    #[wasm_bindgen(unchecked_param_type = "DocumentInput")] system_metadata: &JsValue,
) -> Result<JsValue> {
    from_text(&usage::image_meta(&Object::parse(&document::text(system_metadata, "systemMetadata")?)?))
}

options! {
    /// Whose payload, and of which window.
    pub struct ExistsPayloadOptions {
        /// Whose contract is spoken.
        release: Release,
        /// The instance.
        #[tsify(type = "DocumentInput")]
        instance: Given,
        /// The window that is told of.
        window: WindowInput,
        /// Replaces the instance's own system metadata where `image_meta` is made.
        #[tsify(optional, type = "DocumentInput | null")]
        system_metadata: Given,
        /// Each key replaces or adds one of the payload; in grizzly `bandwidth` too.
        #[tsify(optional, type = "DocumentInput | null")]
        extra_usage_info: Given,
        /// Base of the image URLs, without a slash at the end; without one, the URL is the bare image reference.
        #[tsify(optional, type = "string | null")]
        glance_endpoint: Option<String>,
        /// The instance came through grizzly's conductor, which hands moments over as text, and they are shown so.
        #[tsify(optional, type = "boolean | null")]
        times_are_text: Option<bool>,
    }
}

/// The payload of `compute.instance.exists` for a window: that of `infoFromInstance` and the window; in grizzly
/// `bandwidth`, null unless `extraUsageInfo` gives it.
#[wasm_bindgen(js_name = existsPayload, unchecked_return_type = "Document")]
pub fn exists_payload(options: &Ts<ExistsPayloadOptions>) -> Result<JsValue> {
    let options = options::read(options)?;
    let config = Config { glance_endpoint: options.glance_endpoint, ..Config::new(options.release.0, "") };
    let documents = Documents {
        instance: document::text(&options.instance.0, "instance")?,
        network_info: None,
        system_metadata: document::optional_text(&options.system_metadata.0, "systemMetadata")?,
        extra: document::optional_text(&options.extra_usage_info.0, "extraUsageInfo")?,
    };
    let (instance, window) = (documents.instance(options.times_are_text)?, options.window.read()?);
    let (system_metadata, extra) = (documents.system_metadata()?, documents.extra()?.unwrap_or_default());
    from_text(&usage::exists_payload(&config, &instance, window, system_metadata.as_ref(), &extra)?)
}

options! {
    /// Whose versioned payload, and of which window.
    pub struct InstanceExistsPayloadOptions {
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// The instance.
        #[tsify(type = "DocumentInput")]
        instance: Given,
        /// The window that is told of.
        window: WindowInput,
    }
}

/// The payload of the versioned `instance.exists`. Nova: `InstanceExistsPayload` 2.1, hibiscus.
#[wasm_bindgen(js_name = instanceExistsPayload, unchecked_return_type = "Document")]
pub fn instance_exists_payload(options: &Ts<InstanceExistsPayloadOptions>) -> Result<JsValue> {
    let InstanceExistsPayloadOptions { context, instance, window } = options::read(options)?;
    let (context, instance) = (ContextInput::read_context(context)?, document::text(&instance.0, "instance")?);
    from_text(&usage::instance_exists_payload(&context, &Instance::parse(&instance)?, window.read()?)?)
}

options! {
    /// What many instances have in common.
    pub struct ExistsNdjsonOptions {
        /// Whose contract is spoken.
        release: Release,
        /// The compute host that speaks.
        host: String,
        /// The window that is told of; without one, the last one of `auditPeriod` that is complete.
        #[tsify(optional, type = "WindowInput | null")]
        window: Option<WindowInput>,
        /// `hour`, `day`, `month` or `year`, optionally with `@offset`; without one, `month`.
        #[tsify(optional, type = "string | null")]
        audit_period: Option<String>,
        /// Which notifications are wanted; without one, `unversioned`.
        #[tsify(optional, type = "NotificationFormat | null")]
        notification_format: Option<NotificationFormat>,
        /// Base of the image URLs in unversioned payloads, without a slash at the end; without one, the URL is the bare
        /// image reference.
        #[tsify(optional, type = "string | null")]
        glance_endpoint: Option<String>,
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// What time it is; without one, the engine's clock says.
        #[tsify(optional, type = "Moment | null")]
        now: Moment,
        /// The number of the first line; without one, 1.
        #[tsify(optional, type = "Integer | null")]
        first_line: Option<u64>,
    }
}

/// Beyond Nova: tell of many instances at once. One instance per line in (NDJSON, UTF-8), its `exists` notifications
/// out, one per line, as the audit would send them.
///
/// A line that cannot be read, or told of, stops nothing: in its place stands
/// `{"line": 3, "error": {"code": "ValueError", "message": "…"}}`. Blank lines are passed over, and counted. No conductor is
/// asked: in grizzly `bandwidth` is null. For what does not fit in memory there is `existsNdjsonStream`.
#[wasm_bindgen(js_name = existsNdjson)]
pub fn exists_ndjson(
    #[wasm_bindgen(unchecked_param_type = "Uint8Array")] bytes: &JsValue,
    options: &Ts<ExistsNdjsonOptions>,
) -> Result<Vec<u8>> {
    let bytes = document::bytes(bytes, "bytes")?;
    let options = options::read(options)?;
    let engine = Engine::at(options.now.or_now("now")?);
    let format = options.notification_format.map(|NotificationFormat(format)| format);
    let config = config(options.release, options.audit_period);
    let config = Config {
        host: options.host,
        notification_format: format.unwrap_or(config.notification_format),
        glance_endpoint: options.glance_endpoint,
        ..config
    };
    let window = match options.window {
        Some(window) => window.read()?,
        None => last_completed_audit_period(&config, None, engine.now)?,
    };
    let context = ContextInput::read_context(options.context)?;
    let first_line = options.first_line.unwrap_or(1);
    let mut output = String::new();
    let common = ExistsNdjson { context, window, first_line };
    usage::exists_ndjson(&engine, &config, &common, &bytes, &mut output);
    engine.finish(output.into_bytes())
}

options! {
    /// Which instance sent how much since when.
    pub struct BandwidthUsageOptions {
        /// The instance.
        #[tsify(type = "DocumentInput")]
        instance: Given,
        /// When the period began.
        audit_start: Moment,
        /// Where the network info of the instance cannot be had, there is no answer.
        #[tsify(optional, type = "boolean | null")]
        ignore_missing_network_data: Option<bool>,
    }
}

options! {
    /// What happened to which instance.
    pub struct NotifyAboutInstanceUsageOptions {
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// The instance.
        #[tsify(type = "DocumentInput")]
        instance: Given,
        /// What happened: the event is `compute.instance.` and this. One that ends in `error` is urgent.
        event_suffix: String,
        /// The host that speaks; absent or empty, the configured one.
        #[tsify(optional, type = "string | null")]
        host: Option<String>,
        /// A list of vifs; with it the payload has `fixed_ips`.
        #[tsify(optional, type = "DocumentInput | null")]
        network_info: Given,
        /// Replaces the instance's own system metadata where `image_meta` is made. Read in grizzly.
        #[tsify(optional, type = "DocumentInput | null")]
        system_metadata: Given,
        /// Each key replaces or adds one of the payload.
        #[tsify(optional, type = "DocumentInput | null")]
        extra_usage_info: Given,
        /// What was thrown: any error, or a record of one. Adds `exception`, `message` and `code`. Read in hibiscus.
        #[tsify(optional, type = "unknown")]
        fault: Given,
        /// A notifier that fails is no error.
        #[tsify(optional, type = "boolean | null")]
        best_effort: Option<bool>,
        /// The instance came through grizzly's conductor, which hands moments over as text, and they are shown so.
        #[tsify(optional, type = "boolean | null")]
        times_are_text: Option<bool>,
    }
}

options! {
    /// Which instance exists.
    pub struct NotifyUsageExistsOptions {
        /// Who asks.
        #[tsify(optional, type = "ContextInput | null")]
        context: Option<ContextInput>,
        /// The instance.
        #[tsify(type = "DocumentInput")]
        instance: Given,
        /// The host that speaks; without one, the configured one.
        #[tsify(optional, type = "string | null")]
        host: Option<String>,
        /// From the end of the last completed window to now, in place of that window.
        #[tsify(optional, type = "boolean | null")]
        current_period: Option<bool>,
        /// Where the network info of an instance cannot be had, its bandwidth is null. Read in grizzly.
        #[tsify(optional, type = "boolean | null")]
        ignore_missing_network_data: Option<bool>,
        /// Replaces the instance's own system metadata where `image_meta` is made.
        #[tsify(optional, type = "DocumentInput | null")]
        system_metadata: Given,
        /// Each key replaces or adds one of the unversioned payload.
        #[tsify(optional, type = "DocumentInput | null")]
        extra_usage_info: Given,
        /// The instance came through grizzly's conductor, which hands moments over as text, and they are shown so.
        #[tsify(optional, type = "boolean | null")]
        times_are_text: Option<bool>,
    }
}

#[wasm_bindgen]
impl ComputeUtils {
    /// What an instance sent and received since a moment, by the label of the network; null where that cannot be told
    /// and need not. Nova: `bandwidth_usage`, grizzly.
    #[wasm_bindgen(js_name = bandwidthUsage, unchecked_return_type = "Promise<Document | null>")]
    pub fn bandwidth_usage(&self, options: Ts<BandwidthUsageOptions>) -> Promise {
        self.call(async move |_, services| {
            let options = options::read(&options)?;
            let text = document::text(&options.instance.0, "instance")?;
            let (instance, audit_start) = (Instance::parse(&text)?, options.audit_start.wanted("auditStart")?);
            let ignore = options.ignore_missing_network_data.unwrap_or_default();
            match usage::bandwidth_usage(services, &instance, audit_start, ignore).await? {
                Some(bandwidth) => from_text(&bandwidth),
                None => Ok(JsValue::NULL),
            }
        })
    }

    /// Tell that something happened to an instance. Nova: `notify_about_instance_usage`.
    #[wasm_bindgen(js_name = notifyAboutInstanceUsage, unchecked_return_type = "Promise<void>")]
    pub fn notify_about_instance_usage(&self, options: Ts<NotifyAboutInstanceUsageOptions>) -> Promise {
        self.call(async move |config, services| {
            let options = options::read(&options)?;
            let context = ContextInput::read_context(options.context)?;
            let documents = Documents {
                instance: document::text(&options.instance.0, "instance")?,
                network_info: document::optional_text(&options.network_info.0, "networkInfo")?,
                system_metadata: document::optional_text(&options.system_metadata.0, "systemMetadata")?,
                extra: document::optional_text(&options.extra_usage_info.0, "extraUsageInfo")?,
            };
            let fault = if options.fault.is_some() { Some(failure(&options.fault.0)?) } else { None };
            let instance = documents.instance(options.times_are_text)?;
            let (network_info, system_metadata) = (documents.network_info(config)?, documents.system_metadata()?);
            let extra = documents.extra()?;
            let usage_options = UsageOptions {
                host: options.host.as_deref(),
                network_info: network_info.as_ref(),
                system_metadata: system_metadata.as_ref(),
                extra_usage_info: extra.as_ref(),
                fault: fault.as_ref(),
                best_effort: options.best_effort.unwrap_or_default(),
            };
            let suffix = &options.event_suffix;
            usage::notify_about_instance_usage(services, config, &context, &instance, suffix, &usage_options).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Tell that an instance exists, in the configured formats. Nova: `notify_usage_exists`.
    ///
    /// Grizzly asks for the bandwidth first, and sends one notification, whatever the configured format.
    #[wasm_bindgen(js_name = notifyUsageExists, unchecked_return_type = "Promise<void>")]
    pub fn notify_usage_exists(&self, options: Ts<NotifyUsageExistsOptions>) -> Promise {
        self.call(async move |config, services| {
            let options = options::read(&options)?;
            let context = ContextInput::read_context(options.context)?;
            let documents = Documents {
                instance: document::text(&options.instance.0, "instance")?,
                network_info: None,
                system_metadata: document::optional_text(&options.system_metadata.0, "systemMetadata")?,
                extra: document::optional_text(&options.extra_usage_info.0, "extraUsageInfo")?,
            };
            let instance = documents.instance(options.times_are_text)?;
            let host = options.host.as_deref().unwrap_or(&config.host);
            let exists_options = ExistsOptions {
                current_period: options.current_period.unwrap_or_default(),
                ignore_missing_network_data: options.ignore_missing_network_data.unwrap_or_default(),
                system_metadata: documents.system_metadata()?,
                extra_usage_info: documents.extra()?.unwrap_or_default(),
            };
            usage::notify_usage_exists(services, config, &context, &instance, host, &exists_options).await?;
            Ok(JsValue::UNDEFINED)
        })
    }
}
