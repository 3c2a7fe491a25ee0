//! The settings and the request context that the functions read.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

use crate::error::Error;
use crate::release::Release;

/// Which notifications to emit. Nova: `[notifications] notification_format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotificationFormat {
    /// The unversioned notifications, which have a flat payload.
    Unversioned,
    /// The versioned notifications, whose payload has a `nova_object.*` envelope.
    Versioned,
    /// One of each.
    Both,
}

impl NotificationFormat {
    /// Returns the format as Nova's option spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unversioned => "unversioned",
            Self::Versioned => "versioned",
            Self::Both => "both",
        }
    }

    /// Returns whether to emit unversioned notifications.
    #[must_use]
    pub const fn unversioned(self) -> bool {
        matches!(self, Self::Unversioned | Self::Both)
    }

    /// Returns whether to emit versioned notifications.
    #[must_use]
    pub const fn versioned(self) -> bool {
        matches!(self, Self::Versioned | Self::Both)
    }
}

impl core::str::FromStr for NotificationFormat {
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

/// The settings that usage notifications and the usage audit read, under Nova's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Which Nova release to reproduce.
    pub release: Release,
    /// The compute host. Nova: `[DEFAULT] host`.
    pub host: String,
    /// `hour`, `day`, `month` or `year`, optionally with `@offset`. Nova: `[DEFAULT] instance_usage_audit_period`.
    pub instance_usage_audit_period: String,
    /// Which notifications to emit. Nova: `[notifications] notification_format`.
    pub notification_format: NotificationFormat,
    /// Whether `instance.exists` lists the block devices. Nova: `[notifications] bdms_in_notifications`. `hibiscus`
    /// only.
    pub bdms_in_notifications: bool,
    /// Whether `instance.exists` lists the shares. Nova: `[notifications] include_share_mapping`. `hibiscus` only.
    pub include_share_mapping: bool,
}

impl Config {
    /// Creates a configuration with Nova's defaults: the period `month`, unversioned notifications, no block devices
    /// and no shares.
    #[must_use]
    pub fn new(release: Release, host: impl Into<String>) -> Self {
        Self {
            release,
            host: host.into(),
            instance_usage_audit_period: "month".to_owned(),
            notification_format: NotificationFormat::Unversioned,
            bdms_in_notifications: false,
            include_share_mapping: false,
        }
    }
}

/// The request context: the part of Nova's `RequestContext` that the library reads. Every callback gets it. User and
/// project are `None` in periodic tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// The user who sent the request.
    pub user_id: Option<String>,
    /// The project of that user.
    pub project_id: Option<String>,
    /// The request: `req-` and a UUID.
    pub request_id: Option<String>,
    /// When the request began.
    pub timestamp: Option<chrono::NaiveDateTime>,
    /// The base of the image URLs in unversioned payloads, without a trailing slash; Nova takes it from the request's
    /// service catalog. With `None` the payload has the bare image reference, as in Nova.
    pub glance_endpoint: Option<String>,
}
