//! Notifications about instances: payloads, handed to the notifier.

use std::borrow::Cow;

use super::payload::Payload;
use super::{Info, bandwidth_usage, exists_payload, versioned};
use crate::context::{Config, Context};
use crate::document::{Json, Object, text_json};
use crate::error::Error;
use crate::fault::{Failure, exception_to_dict};
use crate::host::{Clock, Conductor, Notification, Notifier, Priority, Random, message_id, notify};
use crate::instance::Instance;
use crate::network::NetworkInfo;
use crate::period::{Window, audit_period_bounds};
use crate::time;

/// What a caller may ask of [`notify_about_instance_usage`].
#[derive(Debug, Clone, Copy, Default)]
pub struct UsageOptions<'a> {
    /// The host that speaks; absent or empty, the configured one.
    pub host: Option<&'a str>,
    /// With it the payload has `fixed_ips`.
    pub network_info: Option<&'a NetworkInfo<'a>>,
    /// Replaces the instance's own system metadata where `image_meta` is made. Read in grizzly.
    pub system_metadata: Option<&'a Object<'a>>,
    /// Each key replaces or adds one of the payload.
    pub extra_usage_info: Option<&'a Object<'a>>,
    /// Adds `exception`, `message` and `code`, whatever `extra_usage_info` says. Read in hibiscus.
    pub fault: Option<&'a Failure>,
    /// A notifier that fails is no error.
    pub best_effort: bool,
}

/// What a caller may ask of [`notify_usage_exists`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExistsOptions<'a> {
    /// From the end of the last completed window to now, in place of that window.
    pub current_period: bool,
    /// Where the network info of an instance cannot be had, its bandwidth is null. Read in grizzly.
    pub ignore_missing_network_data: bool,
    /// Replaces the instance's own system metadata where `image_meta` is made.
    pub system_metadata: Option<Object<'a>>,
    /// Each key replaces or adds one of the unversioned payload.
    pub extra_usage_info: Object<'a>,
}

/// Tell that something happened to an instance. Nova: `notify_about_instance_usage`.
///
/// The event is `compute.instance.` and the suffix; a suffix that ends in `error` makes it urgent. The errors are
/// those of [`info_from_instance`](super::info_from_instance) and the notifier's own.
///
/// ```
/// use nova_compute_utils::host::{MemoryHost, Priority};
/// use nova_compute_utils::instance::Instance;
/// use nova_compute_utils::usage::{UsageOptions, notify_about_instance_usage};
/// use nova_compute_utils::{Config, Context, Release, time};
///
/// # fn ready<F: std::future::Future>(future: F) -> F::Output {
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     match std::pin::pin!(future).poll(&mut context) { std::task::Poll::Ready(output) => output, _ => unreachable!() }
/// # }
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
    };
    let mut extra = options.extra_usage_info.map(Payload::from_extra).unwrap_or_default();
    if let Some(fault) = options.fault.filter(|_| config.release.tells_faults()) {
        tell_fault(&mut extra, fault)?;
    }
    let build = super::instance_payload(config.release);
    let message = Message::unversioned(config, options.host, event_suffix, build(config, instance, &info, extra)?);
    let timestamp = time::str_datetime(services.utcnow());
    let sent = send(services, context, vec![message], &timestamp).await;
    if options.best_effort { Ok(()) } else { sent }
}

/// Tell that an instance exists, in the configured formats. Nova: `notify_usage_exists`.
///
/// `host` is the host that speaks; empty, the configured one. Grizzly asks for the bandwidth first, as of
/// [`bandwidth_usage`], and sends one notification, whatever the configured format. Hibiscus builds the versioned
/// payload whatever the format; where that fails, the error comes after the unversioned notification was sent.
pub async fn notify_usage_exists<H: Conductor + Notifier + Clock + Random>(
    services: &H,
    config: &Config,
    context: &Context,
    instance: &Instance<'_>,
    host: &str,
    options: &ExistsOptions<'_>,
) -> Result<(), Error> {
    let now = services.utcnow();
    let window = audit_period_bounds(config, options.current_period, now)?;
    let Exists { messages, failure } = exists(services, config, context, instance, host, window, options).await;
    send(services, context, messages, &time::str_datetime(now)).await?;
    failure.map_or(Ok(()), Err)
}

/// What is to be said about one instance: the notifications that could be built and, where one could not, why.
pub(crate) struct Exists {
    /// In the order in which they are sent.
    pub(crate) messages: Vec<Message>,
    /// Why the rest is missing.
    pub(crate) failure: Option<Error>,
}

impl From<Error> for Exists {
    fn from(error: Error) -> Self {
        Self { messages: Vec::new(), failure: Some(error) }
    }
}

/// The notifications of [`notify_usage_exists`] for a given window.
pub(crate) async fn exists<H: Conductor>(
    services: &H,
    config: &Config,
    context: &Context,
    instance: &Instance<'_>,
    host: &str,
    window: Window,
    options: &ExistsOptions<'_>,
) -> Exists {
    match unversioned_payload(services, config, instance, window, options).await {
        Ok(payload) => exists_with(config, context, instance, host, window, payload),
        Err(error) => error.into(),
    }
}

/// The notifications of an instance whose unversioned payload is made.
pub(super) fn exists_with(
    config: &Config,
    context: &Context,
    instance: &Instance<'_>,
    host: &str,
    window: Window,
    payload: String,
) -> Exists {
    let mut messages = Vec::with_capacity(2);
    let has_versioned = config.release.has_versioned_notifications();
    if config.notification_format.unversioned() || !has_versioned {
        messages.push(Message::unversioned(config, Some(host), "exists", payload));
    }
    if !has_versioned {
        return Exists { messages, failure: None };
    }
    // Nova gathers the addresses for the versioned payload even where it does not send it, and fails where it cannot.
    let failure = match versioned::build(config.notification_format.versioned(), context, instance, window) {
        Ok(payload) => {
            messages.extend(payload.map(|payload| Message::versioned_exists(host, payload)));
            None
        }
        Err(error) => Some(error),
    };
    Exists { messages, failure }
}

async fn unversioned_payload<H: Conductor>(
    services: &H,
    config: &Config,
    instance: &Instance<'_>,
    window: Window,
    options: &ExistsOptions<'_>,
) -> Result<String, Error> {
    let (system_metadata, extra) = (options.system_metadata.as_ref(), &options.extra_usage_info);
    if !config.release.tells_bandwidth() {
        return exists_payload(config, instance, window, system_metadata, extra);
    }
    let bandwidth = bandwidth_usage(services, instance, window.begin, options.ignore_missing_network_data)
        .await?
        .unwrap_or_else(null);
    let mut with_bandwidth = Object::default();
    with_bandwidth.push(Cow::Borrowed("bandwidth"), Json::parse(&bandwidth)?);
    with_bandwidth.update(extra.clone());
    exists_payload(config, instance, window, system_metadata, &with_bandwidth)
}

fn null() -> String {
    Json::NULL.as_str().to_owned()
}

/// On the wire the exception stands as Python's `repr` shows it.
fn tell_fault<'a>(extra: &mut Payload<'a>, fault: &'a Failure) -> Result<(), Error> {
    let dict = exception_to_dict(fault, None)?;
    let text = |text: &str| Cow::Owned(text_json(text));
    extra.put(Cow::Borrowed("exception"), text(&fault.representation()));
    extra.put(Cow::Borrowed("message"), text(dict.message));
    extra.put(Cow::Borrowed("code"), Cow::Borrowed(dict.code.as_str()));
    Ok(())
}

/// A notification before it gets its id and time.
pub(crate) struct Message {
    publisher_id: String,
    event_type: String,
    priority: Priority,
    payload: String,
}

impl Message {
    pub(crate) fn into_notification(self, random: &impl Random, timestamp: String) -> Notification {
        Notification {
            message_id: message_id(random),
            publisher_id: self.publisher_id,
            event_type: self.event_type,
            priority: self.priority,
            payload: self.payload,
            timestamp,
        }
    }

    fn unversioned(config: &Config, host: Option<&str>, event_suffix: &str, payload: String) -> Self {
        let host = host.filter(|host| !host.is_empty()).unwrap_or(&config.host);
        // Nova does not ask for a dot before it.
        let priority = if event_suffix.ends_with("error") { Priority::Error } else { Priority::Info };
        Self {
            publisher_id: format!("compute.{host}"),
            event_type: format!("compute.instance.{event_suffix}"),
            priority,
            payload,
        }
    }

    fn versioned_exists(host: &str, payload: String) -> Self {
        Self {
            publisher_id: format!("nova-compute:{host}"),
            event_type: "instance.exists".to_owned(),
            priority: Priority::Info,
            payload,
        }
    }
}

/// All of them in one batch; the first refusal is the error.
async fn send<H: Notifier + Random>(
    services: &H,
    context: &Context,
    messages: Vec<Message>,
    timestamp: &str,
) -> Result<(), Error> {
    let batch = messages.into_iter().map(|message| message.into_notification(services, timestamp.to_owned())).collect();
    notify(services, context, batch).await?.into_iter().collect()
}
