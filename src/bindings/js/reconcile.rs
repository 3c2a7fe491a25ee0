//! The reconciliation of a window.

use std::prelude::v1::*;

use wasm_bindgen::prelude::*;

use super::error::Result;
use super::host::Documents;
use super::options::{self, Document, options};
use super::value::from_json;
use super::verify::parse;
use crate::instance::Instance;
use crate::period::Window;
use crate::reconcile::{self, ReconcileOptions, ReconcileTotals};
use crate::{Context, NotificationFormat, Release};

/// Returns the options of the library, which the options of two functions have.
macro_rules! reconcile_options {
    ($options:ident) => {
        ReconcileOptions {
            notification_format: $options.notification_format.unwrap_or(NotificationFormat::Unversioned),
            bdms_in_notifications: $options.bdms_in_notifications.unwrap_or_default(),
            include_share_mapping: $options.include_share_mapping.unwrap_or_default(),
            host: $options.host,
            context: $options.context.unwrap_or_default(),
            fields: $options.fields,
            ..ReconcileOptions::new($options.release, $options.window)
        }
    };
}

options! {
    /// An instance, its notifications and the window.
    pub struct ReconcileInstanceOptions {
        release: Release,
        /// The window.
        window: Window,
        /// The row in the database; null when the database has none.
        instance: Option<Document>,
        /// The notifications of the instance, in any order. Other events than `exists` are ignored.
        notifications: Documents,
        /// The notifications that Nova was configured to emit; those of the other format are ignored [default:
        /// `unversioned`].
        notification_format: Option<NotificationFormat>,
        /// Whether `instance.exists` lists the block devices [default: false]. `hibiscus` only.
        bdms_in_notifications: Option<bool>,
        /// Whether `instance.exists` lists the shares [default: false]. `hibiscus` only.
        include_share_mapping: Option<bool>,
        /// The host to reconcile: its instances, and the notifications that it published [default: all hosts].
        host: Option<String>,
        /// The request context of the audit, with the base of the image URLs.
        context: Option<Context>,
        /// The fields to compare, with the paths of `FieldDifference`; a field contains the fields in it [default:
        /// all].
        fields: Option<Vec<String>>,
    }
}

/// Compares the `exists` notifications of an instance that Nova should have emitted for a window with those that were
/// received. Nova has no such function.
///
/// Nova emits for an instance that was launched before the end of the window, and not terminated, or after its begin.
/// Notifications with the same message id are one notification. An `exists` without a readable window counts as one for
/// this window.
///
/// The payloads are compared as JSON: neither the order of members nor the spelling of strings and numbers matters, so
/// that `1.0` is `1`. Publisher, timestamp, priority and context are not compared, and neither is `bandwidth` in
/// `grizzly`, which the row does not have. An instance whose row has changed since the audit is `different` in the
/// fields that changed; restrict `fields` to those that are billed when the database is read later.
///
/// A notification is an object or JSON text, in the layers that `readNotification` accepts. Throws the errors of
/// `readNotification` and `existsPayload`, and `ValueError` when a notification is for another instance, or when
/// neither the row nor a notification has the UUID.
#[wasm_bindgen(js_name = reconcileInstance, unchecked_return_type = "Reconciliation")]
pub fn reconcile_instance(
    #[wasm_bindgen(unchecked_param_type = "ReconcileInstanceOptions")] options: &JsValue,
) -> Result<JsValue> {
    let options: ReconcileInstanceOptions = options::read(options)?;
    let instance = options.instance.as_ref().map(|Document(instance)| Instance::parse(instance)).transpose()?;
    let notifications = parse(&options.notifications)?;
    let options = reconcile_options!(options);
    let reconciliation = reconcile::reconcile_instance(&options, instance.as_ref(), &notifications)?;
    Ok(from_json(&reconciliation.to_json())?)
}

options! {
    /// The settings that all lines share.
    pub struct ReconcileNdjsonOptions {
        release: Release,
        /// The window.
        window: Window,
        /// The notifications that Nova was configured to emit; those of the other format are ignored [default:
        /// `unversioned`].
        notification_format: Option<NotificationFormat>,
        /// Whether `instance.exists` lists the block devices [default: false]. `hibiscus` only.
        bdms_in_notifications: Option<bool>,
        /// Whether `instance.exists` lists the shares [default: false]. `hibiscus` only.
        include_share_mapping: Option<bool>,
        /// The host to reconcile: its instances, and the notifications that it published [default: all hosts].
        host: Option<String>,
        /// The request context of the audit, with the base of the image URLs.
        context: Option<Context>,
        /// The fields to compare, with the paths of `FieldDifference`; a field contains the fields in it [default:
        /// all].
        fields: Option<Vec<String>>,
        /// The number of the first line [default: 1].
        first_line: Option<u64>,
    }
}

/// Reconciles many instances: reads one instance per line with its notifications (NDJSON) and returns its
/// `Reconciliation`, one per line. Nova has no such function.
///
/// A line is an object with `instance`, which is null for notifications of an unknown server, and the list
/// `notifications`. A line that cannot be read yields `{"line": 3, "error": {"code": "ValueError", "message": "…"}}` in
/// its place. Blank lines are counted and skipped. Use `reconcileNdjsonStream` for input that does not fit in memory.
#[wasm_bindgen(js_name = reconcileNdjson)]
pub fn reconcile_ndjson(
    #[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "ReconcileNdjsonOptions")] options: &JsValue,
) -> Result<String> {
    let text: String = options::value(text, "text")?;
    let options: ReconcileNdjsonOptions = options::read(options)?;
    let first_line = options.first_line.unwrap_or(1);
    let options = reconcile_options!(options);
    let mut output = String::new();
    reconcile::reconcile_ndjson(&options, first_line, &text, &mut output);
    Ok(output)
}

/// Returns the totals of many reconciliations as one line of JSON, `ReconcileTotals`. The text has the lines of
/// `reconcileNdjson`, errors included, and lines of earlier totals, in any order: the totals of any split are the same.
///
/// Throws `ValueError` on any other line that is not blank.
#[wasm_bindgen(js_name = reconcileTotals)]
pub fn reconcile_totals(#[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue) -> Result<String> {
    let text: String = options::value(text, "text")?;
    let mut totals = ReconcileTotals::default();
    totals.add_ndjson(&text)?;
    Ok(totals.to_json())
}
