//! The judgement of usage.

use std::prelude::v1::*;

use wasm_bindgen::prelude::*;

use super::error::Result;
use super::host::Documents;
use super::options::{self, options};
use super::value::from_json;
use crate::Error;
use crate::document::list_json;
use crate::notification::ReceivedNotification;
use crate::verify::{self, Judgement, VerifyOptions};

options! {
    /// The notifications of an instance.
    pub struct VerifyUsageOptions {
        /// The notifications of one instance, in the order in which they were emitted.
        notifications: Documents,
        /// The fields that must be the same in an `exists` and in the last rebuild, resize or rescue before it
        /// [default: `launched_at`, `instance_flavor_id`, `tenant_id`, `os_architecture`, `os_version`, `os_distro`].
        fields: Option<Vec<String>>,
    }
}

/// Judges each `compute.instance.exists` of an instance by its own fields and by the notifications before it.
/// Winchester: `UsageHandler.handle_events`.
///
/// An `exists` is judged together with the notifications after the `exists` before it. The result has the judgements in
/// the order of the `exists`, each after the warnings up to it. Versioned notifications are skipped, because winchester
/// does not know them. The codes of failures are:
///
/// - `U0`: the `exists` is missing: the last notifications have none after them;
/// - `U1`: it is active and has no `launched_at`;
/// - `U2`: a field differs from that of the last rebuild, resize, rescue or deletion;
/// - `U3`: it has a `deleted_at` and another state than `deleted`;
/// - `U4`: its `deleted_at` is before its `launched_at`;
/// - `U5`: its `deleted_at` lies in its window, and no notification reports a deletion;
/// - `U6`: it has no `deleted_at` after a deletion;
/// - `U7`: the instance was deleted twice;
/// - `U8`: it is active, its `launched_at` lies in its window, and no notifications are before it.
///
/// A notification is an object or JSON text, in the layers that `readNotification` accepts. Throws the errors of
/// `readNotification`, and `ValueError` when a timestamp cannot be read.
#[wasm_bindgen(js_name = verifyUsage, unchecked_return_type = "Judgement[]")]
pub fn verify_usage(#[wasm_bindgen(unchecked_param_type = "VerifyUsageOptions")] options: &JsValue) -> Result<JsValue> {
    let VerifyUsageOptions { notifications, fields } = options::read(options)?;
    let judgements = verify::verify_usage(&parse(&notifications)?, &verify_options(fields))?;
    Ok(from_json(&list_json(judgements.iter().map(Judgement::to_json)))?)
}

options! {
    /// The settings that all lines share.
    pub struct VerifyNdjsonOptions {
        /// The fields that must be the same in an `exists` and in the last rebuild, resize or rescue before it
        /// [default: those of `verifyUsage`].
        fields: Option<Vec<String>>,
        /// The number of the first line [default: 1].
        first_line: Option<u64>,
    }
}

/// Judges the usage of many instances: reads the notifications of one instance per line (NDJSON), a JSON list, and
/// returns its judgements, one per line, as objects with `instance_uuid` and the members of a `Judgement`.
///
/// A line that cannot be read yields `{"line": 3, "error": {"code": "ValueError", "message": "…"}}` in its place. Blank
/// lines are counted and skipped. Use `verifyNdjsonStream` for input that does not fit in memory.
#[wasm_bindgen(js_name = verifyNdjson)]
pub fn verify_ndjson(
    #[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue,
    #[wasm_bindgen(unchecked_optional_param_type = "VerifyNdjsonOptions | null")] options: JsValue,
) -> Result<String> {
    let text: String = options::value(text, "text")?;
    let VerifyNdjsonOptions { fields, first_line } = options::read_optional(options)?;
    let mut output = String::new();
    verify::verify_ndjson(&verify_options(fields), first_line.unwrap_or(1), &text, &mut output);
    Ok(output)
}

fn verify_options(fields: Option<Vec<String>>) -> VerifyOptions {
    fields.map_or_else(VerifyOptions::default, |fields| VerifyOptions { fields })
}

/// Reads notifications.
pub fn parse(Documents(notifications): &Documents) -> core::result::Result<Vec<ReceivedNotification>, Error> {
    notifications.iter().map(|notification| ReceivedNotification::parse(notification)).collect()
}
