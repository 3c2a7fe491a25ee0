use std::borrow::ToOwned;
use std::format;
use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::document::{ObjectWriter, member_json, text_json};
use crate::time;

const UUID: &str = "48b988aa-afe1-4664-8307-784d3a2daad0";

/// Returns a message of the event with a payload.
fn message(event_type: &str, payload: &str) -> String {
    let mut message = ObjectWriter::new();
    message.text("event_type", event_type);
    message.value("payload", payload);
    message.text("_context_tenant", "p");
    message.finish()
}

fn parse(text: &str) -> ReceivedNotification {
    ReceivedNotification::parse(text).expect("a notification")
}

/// Returns the code and the message of the error.
fn refusal(text: &str) -> (String, String) {
    let notification = ReceivedNotification::parse(text);
    let error = notification.and_then(|notification| notification.instance()).expect_err("refused");
    (error.code().to_owned(), error.message().to_owned())
}

/// Puts a message into a layer.
fn wrap(layer: u8, message: &str) -> String {
    match layer % 5 {
        0 => member_json("oslo.message", &text_json(message)),
        1 => member_json("oslo.message", message),
        2 => member_json("request", message),
        3 => format!("[\"notifications.info\", {message}]"),
        _ => text_json(message),
    }
}

#[test]
fn errors_name_the_member_and_its_value() {
    let instance = |member: &str| message("compute.instance.exists", &format!(r#"{{"instance_id": "i", {member}}}"#));
    let long = "x".repeat(100);
    for (text, code, expected) in [
        (
            "{",
            "ValueError",
            "the notification: not the JSON expected here: EOF while parsing an object at line 1 column 1",
        ),
        ("[]", "ValueError", "the notification is a list: give an object, or a list of a routing key and a message"),
        ("7", "ValueError", "the notification is a number: give an object"),
        ("{}", "KeyError", "`event_type` is missing"),
        (r#"{"event_type": "e", "payload": null}"#, "KeyError", "`payload` is missing"),
        (r#"{"event_type": [], "payload": 1}"#, "ValueError", "`event_type` is a list: give a string"),
        (
            r#"{"oslo.message": "[]"}"#,
            "ValueError",
            "`oslo.message` is a list: give an object, or a list of a routing key and a message",
        ),
        (
            r#"{"event_type": "e", "payload": {"nova_object.name": "P"}}"#,
            "KeyError",
            "`payload.nova_object.version` is missing",
        ),
        (&message("compute.instance.exists", "{}"), "KeyError", "`payload.instance_id` is missing"),
        (&message("compute.instance.exists", "[]"), "ValueError", "`payload` is a list: give an object"),
        (
            &instance(r#""launched_at": "soon\n""#),
            "ValueError",
            r#"`payload.launched_at` is `"soon\n"`: give a timestamp such as `2026-11-01T00:17:03.250000`"#,
        ),
        (&instance(r#""vcpus": 1.5"#), "ValueError", "`payload.vcpus` is `1.5`: give an integer"),
        (
            &instance(&format!(r#""host": true, "node": "{long}""#)),
            "ValueError",
            "`payload.host` is `true`: give a string",
        ),
        (
            &instance(&format!(r#""metadata": "{long}""#)),
            "ValueError",
            &format!(
                "`payload.metadata` is `\"{}…`: give a mapping, or a list of objects with `key` and `value`",
                "x".repeat(63)
            ),
        ),
        (
            &instance(r#""audit_period_ending": "2026-11-01""#),
            "KeyError",
            "`payload.audit_period_beginning` is missing",
        ),
    ] {
        assert_eq!(refusal(text), (code.to_owned(), expected.to_owned()), "{text}");
    }
}

#[test]
fn refuses_a_string_that_is_not_unicode() {
    let (code, text) = refusal(r#"{"event_type": "\ud800", "payload": 1}"#);
    assert_eq!((code.as_str(), text.as_str()), ("ValueError", r#"`event_type` is `"\ud800"`: give a string"#));
}

#[test]
fn bounds_the_number_of_layers() {
    let message = message("e", "1");
    let wrapped = |layers: u8| (1..layers).fold(message.clone(), |message, _| wrap(3, &message));
    assert_eq!(parse(&wrapped(MAX_LAYERS)).event_type, "e");
    let expected = ("ValueError".to_owned(), "more than 16 layers are around the message".to_owned());
    assert_eq!(refusal(&wrapped(MAX_LAYERS + 1)), expected);
}

#[test]
fn reads_the_uuid_of_a_payload_that_is_otherwise_unreadable() {
    let unversioned = format!(r#"{{"instance_id": "{UUID}", "launched_at": "soon"}}"#);
    let versioned = format!(
        r#"{{"nova_object.name": "A", "nova_object.version": "1.0", "nova_object.data": {{"uuid": "{UUID}", "flavor": 1}}}}"#
    );
    let uuid = |event_type: &str, payload: &str| parse(&message(event_type, payload)).instance_uuid();
    assert!(parse(&message("compute.instance.exists", &unversioned)).instance().is_err());
    assert_eq!(uuid("compute.instance.exists", &unversioned), Ok(Some(UUID.to_owned())));
    assert_eq!(uuid("instance.exists", &versioned), Ok(Some(UUID.to_owned())));
    assert_eq!(uuid("volume.usage", &unversioned), Ok(None));
    let error = uuid("compute.instance.exists", "{}").expect_err("no UUID");
    assert_eq!((error.code(), error.message()), ("KeyError", "`payload.instance_id` is missing"));
}

#[test]
fn versioned_and_unversioned_notifications_have_the_same_instance() {
    let unversioned = parse(&message(
        "compute.instance.exists",
        r#"{"instance_id": "i", "tenant_id": "p", "state": "active", "instance_flavor_id": "2", "instance_type": "m1.small",
            "memory_mb": 2048, "launched_at": "2026-09-30T23:01:02.000000", "deleted_at": "", "metadata": [{"key": "a", "value": "b"}],
            "audit_period_beginning": "2026-10-01 00:00:00", "audit_period_ending": "2026-11-01 00:00:00"}"#,
    ));
    let versioned = parse(&message(
        "instance.exists",
        r#"{"nova_object.name": "InstanceExistsPayload", "nova_object.version": "2.1", "nova_object.data": {
            "uuid": "i", "tenant_id": "p", "state": "active", "flavor": {"nova_object.data": {"flavorid": "2", "name": "m1.small",
            "memory_mb": 2048}}, "launched_at": "2026-09-30T23:01:02Z", "deleted_at": null, "metadata": {"a": "b"},
            "audit_period": {"nova_object.data": {"audit_period_beginning": "2026-10-01T00:00:00Z",
            "audit_period_ending": "2026-11-01T00:00:00Z"}}}}"#,
    ));
    assert_eq!(unversioned.format, PayloadFormat::Unversioned);
    let format = PayloadFormat::Versioned { name: "InstanceExistsPayload".to_owned(), version: "2.1".to_owned() };
    assert_eq!(versioned.format, format);
    let instance = |notification: ReceivedNotification| notification.instance().expect("read").expect("an instance");
    let instance = (instance(unversioned), instance(versioned));
    assert_eq!(instance.0, instance.1);
    assert_eq!(instance.0.metadata.as_deref(), Some(r#"{"a":"b"}"#));
    assert_eq!(instance.0.launched_at, time::parse("2026-09-30T23:01:02").ok());
}

proptest! {
    /// The layers around a message change nothing.
    #[test]
    fn reads_the_same_message_in_any_layers(
        layers in proptest::collection::vec(0..5_u8, 0..6),
        host in "[a-z.:\"\\\\ é]{0,12}",
        name in "\\PC{0,12}",
    ) {
        let mut payload = ObjectWriter::new();
        payload.text("instance_id", UUID);
        payload.text("display_name", &name);
        let payload = payload.finish();
        let mut plain = ObjectWriter::new();
        plain.text("event_type", "compute.instance.update");
        plain.text("publisher_id", &format!("compute.{host}"));
        plain.value("payload", &payload);
        plain.value("_context", r#"{"project": "p", "user_id": "u"}"#);
        let plain = plain.finish();
        let wrapped = layers.iter().fold(plain.clone(), |message, layer| wrap(*layer, &message));
        let notification = parse(&wrapped);
        prop_assert_eq!(&notification, &parse(&plain));
        prop_assert_eq!(&notification.payload, &payload);
        prop_assert_eq!(notification.host.as_deref(), Some(host.as_str()));
        prop_assert_eq!(notification.service.as_deref(), Some("compute"));
        prop_assert_eq!((notification.user_id.as_deref(), notification.project_id.as_deref()), (Some("u"), Some("p")));
        let instance = notification.instance().expect("read").expect("an instance");
        prop_assert_eq!(instance.display_name, Some(name));
    }

    /// Every timestamp that the library writes is read back.
    #[test]
    fn reads_every_format_of_a_timestamp(seconds in -62_135_596_800_i64..253_402_300_799, microsecond in 0..1_000_000_u32) {
        let timestamp = chrono::DateTime::from_timestamp(seconds, microsecond * 1_000).expect("a timestamp").naive_utc();
        let read = |text: String| {
            let mut message = ObjectWriter::new();
            message.text("event_type", "e");
            message.text("timestamp", &text);
            message.value("payload", "[]");
            parse(&message.finish()).timestamp
        };
        for format in [time::isoformat, time::str_datetime, time::str_datetime_utc] {
            prop_assert_eq!(read(format(timestamp)), Some(timestamp));
        }
        let whole = chrono::DateTime::from_timestamp(seconds, 0).map(|timestamp| timestamp.naive_utc());
        prop_assert_eq!(read(time::zulu(timestamp)), whole);
    }

    /// A mutilated message is read or refused, and never panics.
    #[test]
    fn reads_or_refuses_a_message_without_a_part(start in 0..400_usize, length in 1..40_usize, layer in 0..5_u8) {
        let mut text: Vec<char> = wrap(layer, &message("compute.instance.exists", &format!(
            r#"{{"instance_id": "{UUID}", "launched_at": "2026-10-01 00:00:00", "vcpus": 1, "metadata": [{{"key": "k"}}]}}"#
        ))).chars().collect();
        let start = start.min(text.len());
        text.drain(start..(start + length).min(text.len()));
        let text: String = text.into_iter().collect();
        if let Ok(notification) = ReceivedNotification::parse(&text) {
            let _ = notification.instance();
            prop_assert!(Json::parse(&notification.payload).is_ok());
        }
    }
}
