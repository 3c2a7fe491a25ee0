use std::format;
use std::prelude::v1::*;
use std::vec;

use super::*;

const MESSAGE_ID: &str = "e429392b-51a7-436e-8109-0aee5622276a";

fn notification(event: &str, payload: &str) -> ReceivedNotification {
    let event_type = format!("compute.instance.{event}");
    let text = format!(r#"{{"event_type":"{event_type}","message_id":"{MESSAGE_ID}","payload":{payload}}}"#);
    ReceivedNotification::parse(&text).expect("a notification")
}

/// Returns the code and the message of the only judgement.
fn failure_of(notifications: &[ReceivedNotification]) -> (String, String) {
    let judgements = verify_usage(notifications, &VerifyOptions::default()).expect("the fields can be read");
    let [Judgement { code: Some(code), error: Some(error), .. }] = judgements.as_slice() else {
        unreachable!("{judgements:?}");
    };
    (code.clone(), error.clone())
}

#[test]
fn reports_a_field_that_only_one_notification_has() {
    let rebuilt = notification("rebuild.end", r#"{"tenant_id": "shop"}"#);
    let exists = notification("exists", "{}");
    let (code, error) = failure_of(&[rebuilt.clone(), exists]);
    assert_eq!((&*code, &*error), ("U2", "Conflicting 'tenant_id' values ('shop' != 'None')"));
    let exists = notification("exists", r#"{"tenant_id": "shop", "launched_at": "2026-10-05 10:43:11"}"#);
    let (code, error) = failure_of(&[rebuilt, exists]);
    assert_eq!((&*code, &*error), ("U2", "Conflicting 'launched_at' values ('None' != '2026-10-05 10:43:11+00:00')"));
}

#[test]
fn reports_a_deleted_instance_that_was_never_launched() {
    let exists = notification("exists", r#"{"state": "deleted", "deleted_at": "2026-10-05 10:43:11"}"#);
    assert_eq!(failure_of(&[exists]).0, "U1");
}

#[test]
fn compares_values_as_python_prints_them() {
    let payload = |value: &str| format!(r#"{{"instance_flavor_id": {value}}}"#);
    let judge = |one: &str, other: &str| {
        let pair = [notification("rescue.end", &payload(one)), notification("exists", &payload(other))];
        verify_usage(&pair, &VerifyOptions::default()).expect("the fields can be read")[0].error.clone()
    };
    assert_eq!(judge("1", r#""1""#), None);
    assert_eq!(judge("null", "null"), None);
    assert_eq!(judge("1.50", r#""1.5""#), None);
    assert_eq!(judge("true", "1").as_deref(), Some("Conflicting 'instance_flavor_id' values ('True' != '1')"));
}

#[test]
fn compares_the_fields_of_the_options() {
    let pair = [
        notification("rebuild.end", r#"{"tenant_id": "a", "image_meta": {"org.example.x": 1}}"#),
        notification("exists", r#"{"tenant_id": "b", "image_meta": {"org.example.x": 2}}"#),
    ];
    let judge = |fields: &[&str]| {
        let options = VerifyOptions { fields: fields.iter().map(|field| String::from(*field)).collect() };
        verify_usage(&pair, &options).expect("the fields can be read")[0].error.clone()
    };
    assert_eq!(judge(&[]), None);
    let conflict = "Conflicting 'image_meta.org.example.x' values ('1' != '2')";
    assert_eq!(judge(&["image_meta.org.example.x", "tenant_id"]).as_deref(), Some(conflict));
}

#[test]
fn skips_versioned_notifications() {
    let text = r#"{"event_type": "instance.exists", "payload": {"nova_object.name": "InstanceExistsPayload",
        "nova_object.version": "2.1", "nova_object.data": {}}}"#;
    let versioned = ReceivedNotification::parse(text).expect("a notification");
    assert_eq!(verify_usage(&[versioned], &VerifyOptions::default()), Ok(vec![]));
}

#[test]
fn has_no_message_id_without_a_uuid() {
    let exists = |message_id: Option<&str>| {
        let notification = notification("exists", "{}");
        let notification = ReceivedNotification { message_id: message_id.map(String::from), ..notification };
        verify_usage(&[notification], &VerifyOptions::default()).expect("the fields can be read").remove(0)
    };
    assert_eq!(exists(None).message_id, None);
    assert_eq!(exists(Some("7")).message_id, None);
    let id = exists(Some(MESSAGE_ID)).message_id;
    assert_eq!(id.as_deref(), Some("3b2f05f8-0a12-5d0a-80aa-28c6faa6dcd5"));
    assert_eq!(exists(Some(&format!("urn:uuid:{}", MESSAGE_ID.to_uppercase()))).message_id, id);
}

#[test]
fn rejects_an_unreadable_timestamp() {
    for value in ["17", r#""yesterday""#] {
        let exists = notification("exists", &format!(r#"{{"state": "active", "launched_at": {value}}}"#));
        let error = verify_usage(&[exists], &VerifyOptions::default()).unwrap_err();
        assert_eq!(error.code(), "ValueError");
        assert!(error.message().contains("`launched_at`"), "{error}");
    }
}

#[test]
fn gives_an_error_in_the_place_of_a_bad_line() {
    let mut output = String::new();
    let line = format!(r#"[{{"event_type":"compute.instance.exists","message_id":"{MESSAGE_ID}","payload":{{}}}}]"#);
    let input = format!("{line}\n\n{{}}\n[{{}}]\n{line}");
    verify_ndjson(&VerifyOptions::default(), 10, &input, &mut output);
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with(r#"{"instance_uuid":null,"verdict":"verified","exists":"e429"#), "{}", lines[0]);
    assert_eq!(lines[3], lines[0]);
    assert!(lines[1].starts_with(r#"{"line":12,"error":{"code":"TypeError","#), "{}", lines[1]);
    assert!(
        lines[2].starts_with(r#"{"line":13,"error":{"code":"KeyError","message":"notifications[0]: "#),
        "{}",
        lines[2]
    );
}
