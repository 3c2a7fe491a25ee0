//! Notifications as they arrive from a message bus.

use std::prelude::v1::*;

use wasm_bindgen::prelude::*;

use super::document;
use super::error::Result;
use super::record::{ToJs, extend, object};
use super::value::from_json;
use crate::Error;
use crate::notification::{NotifiedInstance, PayloadFormat, ReceivedNotification};

/// Reads a notification: an object, or JSON text.
///
/// It is the message, or the message in up to 16 layers:
///
/// - oslo.messaging's envelope 2.0, whose member `oslo.message` is the message as a string;
/// - the body of oslo.messaging's AMQP 1.0 driver, whose members are `request` and `context`;
/// - a list of a routing key and the message, as `StackTach` and yagi store it;
/// - a JSON string that contains JSON, as a client that encodes twice sends it.
///
/// The request context is an object in the member `_context`, as in oslo.messaging's Kafka driver, or spread over members
/// `_context_*`. Its project can have the names `project_id`, `tenant_id`, `tenant` and `project`, its user the names
/// `user_id` and `user`. Timestamps are ISO 8601 with `T` or a space, with or without a fraction and a zone; null, `""`
/// and `"None"` count as absent.
///
/// Throws `KeyError` when `event_type` or `payload` is absent or null, when a versioned payload lacks its name or version,
/// or when the payload of an instance lacks its UUID or one bound of its audit window. Throws `ValueError` when a member
/// cannot be read. The error names the member and its value.
#[wasm_bindgen(js_name = readNotification, unchecked_return_type = "ReceivedNotification")]
pub fn read_notification(
    #[wasm_bindgen(unchecked_param_type = "DocumentInput")] notification: &JsValue,
) -> Result<JsValue> {
    let notification = ReceivedNotification::parse(&document::text(notification, "notification")?)?;
    let instance = notification.instance()?.map_or(Ok(JsValue::NULL), |instance| with_documents(&instance))?;
    Ok(extend(notification.to_js(), &[("instance", instance)]))
}

/// Returns an instance whose documents are objects.
fn with_documents(instance: &NotifiedInstance) -> core::result::Result<JsValue, Error> {
    let document = |json: &Option<String>| json.as_ref().map_or(Ok(JsValue::NULL), |json| from_json(json));
    let documents = [("image_meta", document(&instance.image_meta)?), ("metadata", document(&instance.metadata)?)];
    Ok(extend(instance.to_js(), &documents))
}

impl ToJs for PayloadFormat {
    fn to_js(&self) -> JsValue {
        match self {
            Self::Unversioned => JsValue::from_str("unversioned"),
            Self::Versioned { name, version } => {
                object(&[("versioned", object(&[("name", name.to_js()), ("version", version.to_js())]))])
            }
        }
    }
}
