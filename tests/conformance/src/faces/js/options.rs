//! Options objects, as JSON text.

use nova_compute_utils::Release;
use nova_compute_utils::fault::Failure;

use crate::json;

/// An options object in the making.
#[derive(Debug, Clone, Default)]
pub(super) struct Options(Vec<String>);

impl Options {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Options that begin with the release.
    pub(super) fn of(release: Release) -> Self {
        Self::new().text("release", release.as_str())
    }

    /// A member that is JSON already.
    pub(super) fn value(mut self, name: &str, json: &str) -> Self {
        self.0.push(format!(r#""{name}":{json}"#));
        self
    }

    pub(super) fn optional_value(self, name: &str, json: Option<&str>) -> Self {
        match json {
            Some(json) => self.value(name, json),
            None => self,
        }
    }

    pub(super) fn text(self, name: &str, text: &str) -> Self {
        self.value(name, &json::from_text(text))
    }

    pub(super) fn optional(self, name: &str, text: Option<&str>) -> Self {
        self.value(name, &text.map_or_else(|| "null".to_owned(), json::from_text))
    }

    pub(super) fn flag(self, name: &str, flag: bool) -> Self {
        self.value(name, if flag { "true" } else { "false" })
    }

    pub(super) fn document(self, name: &str, document: &str) -> Self {
        self.value(name, &self::document(document))
    }

    pub(super) fn optional_document(self, name: &str, document: Option<&str>) -> Self {
        match document {
            Some(document) => self.document(name, document),
            None => self,
        }
    }

    pub(super) fn finish(self) -> String {
        format!("{{{}}}", self.0.join(","))
    }
}

/// A document as a JavaScript program has it: an object; where it holds a float, which is to keep its point, or is no
/// object at all, its text.
pub(super) fn document(document: &str) -> String {
    let is_object = document.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<&serde_json::value::RawValue>(document).is_ok();
    // On one line, like all that is said.
    let is_plain = is_object && json::without_points(document) == document && !document.contains(['\n', '\r']);
    if is_plain { document.to_owned() } else { json::from_text(document) }
}

/// A failure as a record.
pub(super) fn failure(failure: &Failure) -> String {
    Options::new()
        .text("class_name", &failure.class_name)
        .text("text", &failure.text)
        .optional_value("code", failure.code.as_deref())
        .optional_value("value", failure.value.as_deref())
        .optional("formatted_message", failure.formatted_message.as_deref())
        .optional("representation", failure.representation.as_deref())
        .optional("traceback", failure.traceback.as_deref())
        .optional("formatted_exception", failure.formatted_exception.as_deref())
        .finish()
}
