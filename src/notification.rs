//! Notifications as they arrive from a message bus, whatever the Nova that sent them and the layers around them.

mod instance;
mod members;
#[cfg(test)]
mod tests;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::NaiveDateTime;

use crate::context::Context;
use crate::document::{Json, Object};
use crate::error::Error;
use members::Members;

pub use instance::NotifiedInstance;

/// The largest number of layers around a message, which bounds the time of parsing it.
const MAX_LAYERS: u8 = 16;

/// The members that contain the message when an object is a layer around it: in oslo.messaging's envelope, in the body
/// of its AMQP 1.0 driver, and in `ManageIQ`'s recordings.
const LAYERS: [&str; 3] = ["oslo.message", "request", ":content"];

/// The members that contain the request context: in oslo.messaging's Kafka driver, in the body of its AMQP 1.0 driver,
/// in `ManageIQ`'s recordings, and in the arguments of an endpoint of oslo.messaging.
const CONTEXTS: [&str; 4] = ["_context", "context", ":context", "ctxt"];

/// The prefix of the members of a request context that is spread over the message.
const SPREAD: &str = "_context_";

/// One notification as it arrived from a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedNotification {
    /// The unique id of the message; an empty one counts as absent.
    pub message_id: Option<String>,
    /// The event, such as `compute.instance.exists` in the unversioned format and `instance.exists` in the versioned
    /// one.
    pub event_type: String,
    /// The publisher, such as `compute.cmp-01` in the unversioned format and `nova-compute:cmp-01` in the versioned one.
    pub publisher_id: Option<String>,
    /// The service of the publisher: the part before its first `.` or `:`. `None` when it has neither.
    pub service: Option<String>,
    /// The host of the publisher: the part after its first `.` or `:`, which can contain both.
    pub host: Option<String>,
    /// The priority in upper case, such as `INFO`.
    pub priority: Option<String>,
    /// When the notification was made.
    pub timestamp: Option<NaiveDateTime>,
    /// The request of the request context: `req-` and a UUID.
    pub request_id: Option<String>,
    /// The user of the request context.
    pub user_id: Option<String>,
    /// The project of the request context.
    pub project_id: Option<String>,
    /// The format of the payload.
    pub format: PayloadFormat,
    /// The JSON text of the payload, as received.
    pub payload: String,
}

/// The format of a payload.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PayloadFormat {
    /// Any JSON value.
    Unversioned,
    /// An object in a `nova_object.*` envelope.
    Versioned {
        /// The name of the object, such as `InstanceExistsPayload`.
        name: String,
        /// The version of the object, such as `2.1`.
        version: String,
    },
}

impl ReceivedNotification {
    /// Parses a notification.
    ///
    /// The text is the message, or the message in up to 16 layers:
    ///
    /// - oslo.messaging's envelope 2.0, whose member `oslo.message` is the message as a string;
    /// - the body of oslo.messaging's AMQP 1.0 driver, whose members are `request` and `context`;
    /// - a list of a routing key and the message, as `StackTach` and yagi store it;
    /// - a JSON string that contains JSON, as a client that encodes twice sends it.
    ///
    /// The request context is an object in the member `_context`, as in oslo.messaging's Kafka driver, or spread over
    /// members `_context_*`. Its project can have the names `project_id`, `tenant_id`, `tenant` and `project`, its user
    /// the names `user_id` and `user`. Timestamps have any format that [`time::parse`](crate::time::parse) reads; null,
    /// `""` and `"None"` count as absent.
    ///
    /// Fails with `KeyError` when `event_type` or `payload` is absent or null, or when a versioned payload lacks its
    /// name or version, and with `ValueError` when a member cannot be read. The error names the member and its value.
    ///
    /// ```
    /// use nova_compute_utils::notification::{PayloadFormat, ReceivedNotification};
    ///
    /// let text = r#"["notifications.info", {"oslo.version": "2.0", "oslo.message": "{\"event_type\":
    ///     \"compute.instance.exists\", \"publisher_id\": \"compute.cmp-01.example.org\", \"priority\": \"INFO\",
    ///     \"_context_tenant\": \"admin\", \"payload\": {\"instance_id\": \"48b988aa-afe1-4664-8307-784d3a2daad0\"}}"}]"#;
    /// let notification = ReceivedNotification::parse(&text.replace('\n', ""))?;
    /// assert_eq!(notification.event_type, "compute.instance.exists");
    /// assert_eq!(notification.host.as_deref(), Some("cmp-01.example.org"));
    /// assert_eq!(notification.project_id.as_deref(), Some("admin"));
    /// assert_eq!(notification.format, PayloadFormat::Unversioned);
    ///
    /// let error = ReceivedNotification::parse(r#"{"event_type": "compute.instance.exists"}"#).unwrap_err();
    /// assert_eq!(error.code(), "KeyError");
    /// assert_eq!(error.message(), "`payload` is missing");
    /// # Ok::<(), nova_compute_utils::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, Error> {
        read_layer(text, "the notification", MAX_LAYERS, Context::default())
    }

    /// Returns the members of the payload that the instance notifications of both formats have; `None` when the event
    /// is not one of an instance. These events begin with `compute.instance.` in the unversioned format and with
    /// `instance.` in the versioned one.
    ///
    /// Fails with `KeyError` when the payload lacks the UUID of the instance or one bound of its audit window, and with
    /// `ValueError` when a member cannot be read. The error names the member and its value.
    ///
    /// ```
    /// use nova_compute_utils::notification::ReceivedNotification;
    ///
    /// let notification = ReceivedNotification::parse(r#"{"event_type": "compute.instance.exists", "payload": {
    ///     "instance_id": "48b988aa-afe1-4664-8307-784d3a2daad0", "instance_type": "m1.small", "memory_mb": 2048}}"#)?;
    /// let instance = notification.instance()?.expect("an instance event");
    /// assert_eq!(instance.uuid, "48b988aa-afe1-4664-8307-784d3a2daad0");
    /// assert_eq!((instance.flavor_name.as_deref(), instance.memory_mb), (Some("m1.small"), Some(2048)));
    /// # Ok::<(), nova_compute_utils::Error>(())
    /// ```
    pub fn instance(&self) -> Result<Option<NotifiedInstance>, Error> {
        let is_instance = self.is_of_instance();
        is_instance.then(|| NotifiedInstance::read(&self.payload, self.is_versioned())).transpose()
    }

    /// Returns the UUID of the instance, without reading the rest of the payload; `None` when the event is not one of an
    /// instance. Use it to group notifications by instance.
    ///
    /// Fails with `KeyError` when the payload lacks the UUID, and with `ValueError` when it is not a string.
    pub fn instance_uuid(&self) -> Result<Option<String>, Error> {
        let is_instance = self.is_of_instance();
        is_instance.then(|| NotifiedInstance::read_uuid(&self.payload, self.is_versioned())).transpose()
    }

    fn is_versioned(&self) -> bool {
        matches!(self.format, PayloadFormat::Versioned { .. })
    }

    fn is_of_instance(&self) -> bool {
        self.event_type.starts_with(if self.is_versioned() { "instance." } else { "compute.instance." })
    }
}

/// Reads the members of the request context that a layer has, which replace those of the layers around it. A member that
/// is not a string is ignored.
fn read_context(layer: &Object<'_>, context: &mut Context) -> Result<(), Error> {
    let contexts = CONTEXTS.iter().filter_map(|name| layer.get(name).filter(|context| context.is_object()));
    let contexts: Vec<Object<'_>> = contexts.map(Object::from_json).collect::<Result<_, _>>()?;
    let text = |name: &&str| {
        let plain = name.strip_prefix(SPREAD).unwrap_or(name);
        let member = contexts.iter().find_map(|context| context.get(plain).or_else(|| context.get(name)));
        member.or_else(|| layer.get(name))?.text().ok()?.filter(|text| !text.is_empty())
    };
    let replace = |member: &mut Option<String>, names: &[&str]| {
        if let Some(text) = names.iter().find_map(text) {
            *member = Some(text.into_owned());
        }
    };
    replace(&mut context.request_id, &["_context_request_id"]);
    replace(&mut context.user_id, &["_context_user_id", "_context_user"]);
    let projects = ["_context_project_id", "_context_tenant_id", "_context_tenant", "_context_project"];
    replace(&mut context.project_id, &projects);
    Ok(())
}

/// Reads a layer and those in it; `name` is its name in errors.
fn read_layer(text: &str, name: &str, layers: u8, mut context: Context) -> Result<ReceivedNotification, Error> {
    let invalid = |error: Error| Error::value(format!("{name}: {error}"));
    let value = Json::parse(text).map_err(invalid)?;
    let Some(layers) = layers.checked_sub(1) else {
        return Err(Error::value(format!("more than {MAX_LAYERS} layers are around the message")));
    };
    if let Some(text) = value.text().map_err(invalid)? {
        return read_layer(&text, name, layers, context);
    }
    if let Some(items) = value.list()? {
        return match items.as_slice() {
            [routing_key, message] if routing_key.is_text() => read_layer(message.as_str(), name, layers, context),
            _ => {
                Err(Error::value(format!("{name} is a list: give an object, or a list of a routing key and a message")))
            }
        };
    }
    if !value.is_object() {
        return Err(Error::value(format!("{name} is {}: give an object", value.type_name())));
    }
    let message = Object::from_json(value).map_err(invalid)?;
    read_context(&message, &mut context)?;
    let layer = LAYERS.into_iter().find_map(|name| Some((name, message.get(name)?)));
    match layer.filter(|_| message.get("event_type").is_none()) {
        Some((name, layer)) => read_layer(layer.as_str(), &format!("`{name}`"), layers, context),
        None => read_message(&Members::new("", message), context),
    }
}

fn read_message(message: &Members<'_>, context: Context) -> Result<ReceivedNotification, Error> {
    // The arguments of an endpoint of oslo.messaging have these two members in an object of their own.
    let metadata = message.object("metadata").ok().flatten();
    let metadata = metadata.unwrap_or_default();
    let event_type = message.required_text("event_type")?;
    let payload = message.required("payload")?;
    let publisher_id = message.text("publisher_id")?;
    let publisher = publisher_id.as_deref().and_then(|publisher| publisher.split_once(['.', ':']));
    let id = |members: &Members<'_>| members.text("message_id").map(|id| id.filter(|id| !id.is_empty()));
    let Context { request_id, user_id, project_id, .. } = context;
    Ok(ReceivedNotification {
        message_id: id(message)?.or(id(&metadata)?),
        event_type,
        service: publisher.map(|(service, _)| service.to_owned()),
        host: publisher.map(|(_, host)| host.to_owned()),
        priority: message.text("priority")?.map(|priority| priority.to_ascii_uppercase()),
        timestamp: message.timestamp("timestamp")?.or(metadata.timestamp("timestamp")?),
        request_id,
        user_id,
        project_id,
        format: read_format(message)?,
        payload: payload.as_str().to_owned(),
        publisher_id,
    })
}

fn read_format(message: &Members<'_>) -> Result<PayloadFormat, Error> {
    let Some(payload) = message.object("payload").ok().flatten() else {
        return Ok(PayloadFormat::Unversioned);
    };
    if ["nova_object.name", "nova_object.data"].iter().all(|name| payload.get(name).is_none()) {
        return Ok(PayloadFormat::Unversioned);
    }
    let name = payload.required_text("nova_object.name")?;
    Ok(PayloadFormat::Versioned { name, version: payload.required_text("nova_object.version")? })
}
