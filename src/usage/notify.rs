//! Building and emitting the notifications of an instance.

use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::payload::Payload;
use super::{Info, InstancePayloadOptions, bandwidth_usage, exists_payload, versioned};
use crate::context::{Config, Context};
use crate::document::{Json, Object, text_json};
use crate::error::Error;
use crate::fault::{Failure, exception_to_dict};
use crate::host::{Clock, Conductor, Notification, Notifier, Priority, Random, message_id, notify};
use crate::instance::Instance;
use crate::period::{Window, audit_period_bounds};
use crate::time;

/// The options of [`notify_about_instance_usage`].
#[derive(Debug, Clone, Copy, Default)]
pub struct UsageOptions<'a> {
    /// The host in the publisher id; the configured host when `None` or empty.
    pub host: Option<&'a str>,
    /// A JSON list of hydrated vifs, as in [`Info::network_info`].
    pub network_info: Option<Json<'a>>,
    /// Replaces the instance's own system metadata as the source of `image_meta`. `grizzly` only.
    pub system_metadata: Option<&'a Object<'a>>,
    /// A JSON object whose keys replace or extend those of the payload.
    pub extra_usage_info: Option<&'a Object<'a>>,
    /// Sets `exception`, `message` and `code` in the payload, after `extra_usage_info`. `hibiscus` only.
    pub fault: Option<&'a Failure>,
    /// Whether to ignore an error of the notifier.
    pub best_effort: bool,
}

/// The options of [`notify_usage_exists`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExistsOptions<'a> {
    /// Whether to report the window from the end of the last completed window until now, instead of that window.
    pub current_period: bool,
    /// Whether the bandwidth is null when the network info of the instance cannot be obtained. `grizzly` only.
    pub ignore_missing_network_data: bool,
    /// Replaces the instance's own system metadata as the source of `image_meta`.
    pub system_metadata: Option<Object<'a>>,
    /// A JSON object whose keys replace or extend those of the unversioned payload.
    pub extra_usage_info: Object<'a>,
}

/// Emits an unversioned notification about an instance. Nova: `notify_about_instance_usage`.
///
/// The event type is `compute.instance.` and the suffix. The priority is `ERROR` when the suffix ends in `error`. Fails
/// as [`info_from_instance`](super::info_from_instance) and the notifier do.
///
/// ```
/// use nova_compute_utils::host::Priority;
/// use nova_compute_utils::instance::Instance;
/// use nova_compute_utils::testing::{MemoryHost, ready};
/// use nova_compute_utils::usage::{UsageOptions, notify_about_instance_usage};
/// use nova_compute_utils::{Config, Context, Release, time};
///
/// let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25")?);
/// let config = Config::new(Release::Hibiscus, "cmp-01");
/// let instance = Instance::parse(r#"{"uuid": "48b988aa-afe1-4664-8307-784d3a2daad0",
///     "flavor": {"name": "m1.small", "root_gb": 20, "ephemeral_gb": 0}}"#)?;
/// let (context, options) = (Context::default(), UsageOptions::default());
/// ready(notify_about_instance_usage(&host, &config, &context, &instance, "resize.error", &options))?;
///
/// let notification = &host.notifications()[0];
/// assert_eq!(notification.event_type, "compute.instance.resize.error");
/// assert_eq!(notification.publisher_id, "compute.cmp-01");
/// assert_eq!(notification.priority, Priority::Error);
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub async fn notify_about_instance_usage<H: Notifier + Clock + Random>(
    services: &H,
    config: &Config,
    context: &Context,
    instance: &Instance<'_>,
    event_suffix: &str,
    options: &UsageOptions<'_>,
) -> Result<(), Error> {
    let info = Info {
        network_info: options.network_info,
        system_metadata: options.system_metadata,
        populate_image_ref_url: true,
        glance_endpoint: context.glance_endpoint.as_deref(),
    };
    let mut extra = options.extra_usage_info.map(Payload::from_extra).unwrap_or_default();
    if let Some(fault) = options.fault.filter(|_| config.release.rules().notifies_fault) {
        add_fault(&mut extra, fault)?;
    }
    let payload = super::instance_payload(config.release)(instance, &info, extra)?;
    let message = Message::unversioned(config, options.host, event_suffix, payload);
    let timestamp = time::str_datetime(services.utcnow());
    let sent = send(services, context, vec![message], &timestamp).await;
    if options.best_effort { Ok(()) } else { sent }
}

/// Emits the `exists` notifications of an instance in the configured formats. Nova: `notify_usage_exists`.
///
/// `host` is the host in the publisher id; when empty, the configured host in unversioned notifications. `grizzly`
/// reads the bandwidth first and emits one notification in any configured format. `hibiscus` builds the versioned
/// payload in any format; when that fails, the error comes after the unversioned notification was sent.
pub async fn notify_usage_exists<H: Conductor + Notifier + Clock + Random>(
    services: &H,
    config: &Config,
    context: &Context,
    instance: &Instance<'_>,
    host: &str,
    options: &ExistsOptions<'_>,
) -> Result<(), Error> {
    let now = services.utcnow();
    let window = audit_period_bounds(config.release, &config.instance_usage_audit_period, options.current_period, now)?;
    let ExistsMessages { messages, failure } =
        exists_messages(services, config, context, instance, host, window, options).await;
    send(services, context, messages, &time::str_datetime(now)).await?;
    failure.map_or(Ok(()), Err)
}

/// The `exists` notifications of one instance that could be built, and why the others could not.
pub(crate) struct ExistsMessages {
    /// In the order in which they are sent.
    pub(crate) messages: Vec<Message>,
    /// Why the other notifications are missing.
    pub(crate) failure: Option<Error>,
}

impl From<Error> for ExistsMessages {
    fn from(error: Error) -> Self {
        Self { messages: Vec::new(), failure: Some(error) }
    }
}

/// Builds the notifications of [`notify_usage_exists`] for a window.
pub(crate) async fn exists_messages<H: Conductor>(
    services: &H,
    config: &Config,
    context: &Context,
    instance: &Instance<'_>,
    host: &str,
    window: Window,
    options: &ExistsOptions<'_>,
) -> ExistsMessages {
    match unversioned_payload(services, config, context, instance, window, options).await {
        Ok(payload) => exists_messages_of_payload(config, context, instance, host, window, payload),
        Err(error) => error.into(),
    }
}

/// Builds the notifications of an instance whose unversioned payload is already built.
pub(super) fn exists_messages_of_payload(
    config: &Config,
    context: &Context,
    instance: &Instance<'_>,
    host: &str,
    window: Window,
    payload: String,
) -> ExistsMessages {
    let mut messages = Vec::with_capacity(2);
    let (format, has_versioned) = (config.notification_format, config.release.rules().has_versioned_notifications);
    if format.unversioned() || !has_versioned {
        messages.push(Message::unversioned(config, Some(host), "exists", payload));
    }
    if !has_versioned {
        return ExistsMessages { messages, failure: None };
    }
    let options = InstancePayloadOptions {
        bdms_in_notifications: config.bdms_in_notifications,
        include_share_mapping: config.include_share_mapping,
    };
    // Nova builds the versioned payload even when it does not send it, and fails when it cannot.
    let failure = match versioned::build(format.versioned(), context, instance, window, options) {
        Ok(payload) => {
            messages.extend(payload.map(|payload| Message::versioned_exists(host, payload)));
            None
        }
        Err(error) => Some(error),
    };
    ExistsMessages { messages, failure }
}

async fn unversioned_payload<H: Conductor>(
    services: &H,
    config: &Config,
    context: &Context,
    instance: &Instance<'_>,
    window: Window,
    options: &ExistsOptions<'_>,
) -> Result<String, Error> {
    let payload = |extra: &Object<'_>| {
        let (endpoint, system_metadata) = (context.glance_endpoint.as_deref(), options.system_metadata.as_ref());
        exists_payload(config.release, instance, window, endpoint, system_metadata, extra)
    };
    if !config.release.rules().notifies_bandwidth {
        return payload(&options.extra_usage_info);
    }
    let bandwidth =
        bandwidth_usage(services, context, instance, window.begin, options.ignore_missing_network_data).await?;
    let mut extra = Object::default();
    extra.set("bandwidth", bandwidth.as_deref().map_or(Ok(Json::NULL), Json::parse)?);
    extra.update(options.extra_usage_info.clone());
    payload(&extra)
}

/// Adds the fault to a payload. On the wire `exception` is the `repr` of the exception.
fn add_fault<'a>(extra: &mut Payload<'a>, fault: &'a Failure) -> Result<(), Error> {
    let dict = exception_to_dict(fault, None)?;
    let text = |text: &str| Cow::Owned(text_json(text));
    extra.put(Cow::Borrowed("exception"), text(&fault.representation()));
    extra.put(Cow::Borrowed("message"), text(dict.message));
    extra.put(Cow::Borrowed("code"), Cow::Borrowed(dict.code.as_str()));
    Ok(())
}

/// A notification without its id and timestamp.
pub(crate) struct Message {
    publisher_id: String,
    pub(crate) event_type: String,
    priority: Priority,
    pub(crate) payload: String,
    versioned: bool,
}

impl Message {
    pub(crate) fn into_notification(self, message_id: String, timestamp: String) -> Notification {
        let Self { publisher_id, event_type, priority, payload, versioned } = self;
        Notification { message_id, publisher_id, event_type, priority, payload, timestamp, versioned }
    }

    pub(crate) fn unversioned(config: &Config, host: Option<&str>, event_suffix: &str, payload: String) -> Self {
        let host = host.filter(|host| !host.is_empty()).unwrap_or(&config.host);
        // Nova does not require a dot before `error`.
        let priority = if event_suffix.ends_with("error") { Priority::Error } else { Priority::Info };
        Self {
            publisher_id: format!("compute.{host}"),
            event_type: format!("compute.instance.{event_suffix}"),
            priority,
            payload,
            versioned: false,
        }
    }

    fn versioned_exists(host: &str, payload: String) -> Self {
        Self {
            publisher_id: format!("nova-compute:{host}"),
            event_type: "instance.exists".to_owned(),
            priority: Priority::Info,
            payload,
            versioned: true,
        }
    }
}

/// Sends all messages in one batch and returns the first error.
async fn send<H: Notifier + Random>(
    services: &H,
    context: &Context,
    messages: Vec<Message>,
    timestamp: &str,
) -> Result<(), Error> {
    let notification = |message: Message| message.into_notification(message_id(services), timestamp.to_owned());
    let batch = messages.into_iter().map(notification).collect();
    notify(services, context, batch).await?.into_iter().collect()
}
