//! Who asks, and with which settings.

use crate::document::ObjectWriter;
use crate::error::Error;
use crate::release::Release;

/// Which notifications are sent: the option `notification_format` of Nova's `[notifications]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotificationFormat {
    /// The classic ones, with a flat payload.
    Unversioned,
    /// The ones with a `nova_object.*` envelope.
    Versioned,
    /// One of each.
    Both,
}

impl NotificationFormat {
    /// Are unversioned notifications sent?
    #[must_use]
    pub const fn unversioned(self) -> bool {
        matches!(self, Self::Unversioned | Self::Both)
    }

    /// Are versioned notifications sent?
    #[must_use]
    pub const fn versioned(self) -> bool {
        matches!(self, Self::Versioned | Self::Both)
    }
}

impl std::str::FromStr for NotificationFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "unversioned" => Ok(Self::Unversioned),
            "versioned" => Ok(Self::Versioned),
            "both" => Ok(Self::Both),
            _ => Err(Error::value(format!(
                "unknown notification format `{name}`: give `unversioned`, `versioned` or `both`"
            ))),
        }
    }
}

/// The settings of Nova that the functions read, under Nova's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Whose contract is spoken.
    pub release: Release,
    /// The compute host on whose behalf is spoken: `[DEFAULT] host`.
    pub host: String,
    /// `hour`, `day`, `month` or `year`, optionally with `@offset`: `[DEFAULT] instance_usage_audit_period`.
    pub instance_usage_audit_period: String,
    /// Which notifications are sent: `[notifications] notification_format`.
    pub notification_format: NotificationFormat,
    /// Base of the image URLs in unversioned payloads, without a slash at the end. Where there is none, Nova puts the
    /// bare image reference in the URL's place, and so does this library.
    pub glance_endpoint: Option<String>,
    /// How many disk devices one instance may have, the root device included; negative for as many as one likes:
    /// `[compute] max_disk_devices_to_attach`. Read in hibiscus.
    pub max_disk_devices_to_attach: i64,
    /// The class of the driver, such as `xenapi.XenAPIDriver`: `[DEFAULT] compute_driver`. Read in grizzly.
    pub compute_driver: Option<String>,
}

impl Config {
    /// A configuration with Nova's defaults: the period `month`, unversioned notifications, no image endpoint, no
    /// limit of disk devices, no driver.
    #[must_use]
    pub fn new(release: Release, host: impl Into<String>) -> Self {
        Self {
            release,
            host: host.into(),
            instance_usage_audit_period: "month".to_owned(),
            notification_format: NotificationFormat::Unversioned,
            glance_endpoint: None,
            max_disk_devices_to_attach: -1,
            compute_driver: None,
        }
    }

    /// Does the driver name devices the way Xen's does?
    pub(crate) fn is_xen(&self) -> bool {
        let is_xen = |driver: &str| driver.ends_with("xenapi.XenAPIDriver");
        self.release.has_xen_device_names() && self.compute_driver.as_deref().is_some_and(is_xen)
    }
}

/// Who asked, and in which request: the part of Nova's `RequestContext` that is read here. Empty for periodic tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// The user who acts.
    pub user_id: Option<String>,
    /// The project of that user.
    pub project_id: Option<String>,
    /// `req-` and a UUID.
    pub request_id: Option<String>,
    /// When the request began.
    pub timestamp: Option<chrono::NaiveDateTime>,
}

impl Context {
    /// The context as a JSON object, the way it is handed to a notifier.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        object.text_or_null("user_id", self.user_id.as_deref());
        object.text_or_null("project_id", self.project_id.as_deref());
        object.text_or_null("request_id", self.request_id.as_deref());
        object.text_or_null("timestamp", self.timestamp.map(crate::time::isoformat).as_deref());
        object.finish()
    }
}
