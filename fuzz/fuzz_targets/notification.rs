//! Notifications: every text is read or refused, and the payload that is read is JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_compute_utils::document::{Json, Object};
use nova_compute_utils::notification::ReceivedNotification;

fuzz_target!(|text: &str| {
    let Ok(notification) = ReceivedNotification::parse(text) else { return };
    Json::parse(&notification.payload).expect("a payload is JSON");
    let Ok(Some(instance)) = notification.instance() else { return };
    assert!(!instance.uuid.is_empty());
    if let Some(image_meta) = &instance.image_meta {
        Json::parse(image_meta).expect("image metadata is JSON");
    }
    if let Some(metadata) = &instance.metadata {
        Object::parse(metadata).expect("metadata is an object");
    }
});
