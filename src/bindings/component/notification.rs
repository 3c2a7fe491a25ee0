use std::prelude::v1::*;

use super::exports::nova::compute_utils::notification::{Guest, PayloadFormat, PayloadObject, ReceivedNotification};
use super::record::ToWit;
use super::{Component, Result};
use crate::notification;

impl Guest for Component {
    fn read_notification(notification: String) -> Result<ReceivedNotification> {
        let notification = notification::ReceivedNotification::parse(&notification)?;
        let instance = notification.instance()?.to_wit();
        Ok(ReceivedNotification { instance, ..notification.to_wit() })
    }
}

/// The result has no instance.
impl ToWit<ReceivedNotification> for notification::ReceivedNotification {
    fn to_wit(self) -> ReceivedNotification {
        let Self {
            message_id,
            event_type,
            publisher_id,
            service,
            host,
            priority,
            timestamp,
            request_id,
            user_id,
            project_id,
            format,
            payload,
        } = self;
        ReceivedNotification {
            message_id,
            event_type,
            publisher_id,
            service,
            host,
            priority,
            timestamp: timestamp.to_wit(),
            request_id,
            user_id,
            project_id,
            format: format.to_wit(),
            payload,
            instance: None,
        }
    }
}

impl ToWit<PayloadFormat> for notification::PayloadFormat {
    fn to_wit(self) -> PayloadFormat {
        match self {
            Self::Unversioned => PayloadFormat::Unversioned,
            Self::Versioned { name, version } => PayloadFormat::Versioned(PayloadObject { name, version }),
        }
    }
}
