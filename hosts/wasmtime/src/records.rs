//! Constructors of the contract's records.

use crate::bindings::nova::compute_utils::conductor::{self, HostError};
use crate::types::{Config, Context, Failure, NotificationFormat, Release};

impl Config {
    /// Returns a configuration with Nova's defaults: `month`, unversioned notifications, no volumes and no shares.
    pub fn new(release: Release, host: impl Into<String>) -> Self {
        Self {
            release,
            host: host.into(),
            instance_usage_audit_period: "month".into(),
            notification_format: NotificationFormat::Unversioned,
            bdms_in_notifications: false,
            include_share_mapping: false,
        }
    }
}

/// The context of a periodic task.
impl Default for Context {
    fn default() -> Self {
        Self { user_id: None, project_id: None, request_id: None, timestamp: None, glance_endpoint: None }
    }
}

/// The context of a periodic task.
impl Default for conductor::Context {
    fn default() -> Self {
        Self { user_id: None, project_id: None, request_id: None, timestamp: None, glance_endpoint: None }
    }
}

impl Failure {
    /// Returns a failure with a class name and a text. All other fields are `None`.
    pub fn new(class_name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            class_name: class_name.into(),
            text: text.into(),
            code: None,
            value: None,
            formatted_message: None,
            representation: None,
            traceback: None,
            formatted_exception: None,
        }
    }
}

impl HostError {
    /// Returns an error without arguments.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), arguments: "{}".into() }
    }

    /// Adds the keyword arguments of Nova's exception. `arguments` is a JSON object.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers write `json!({ … })`")]
    pub fn with_arguments(self, arguments: serde_json::Value) -> Self {
        Self { arguments: arguments.to_string(), ..self }
    }
}
