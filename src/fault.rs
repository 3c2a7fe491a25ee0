//! Failures as data, and the instance faults that record them.

use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::iter::successors;

use crate::context::Context;
use crate::document::Json;
use crate::error::Error;
use crate::host::{Conductor, InstanceFaultValues};
use crate::python;
use crate::release::Release;

/// A failure as data: the parts of an exception and its traceback that Nova reads.
///
/// A host creates a failure in one of these ways:
///
/// - **From a Rust error**: with [`Failure::from_error`], or field by field. A Rust error has no keyword arguments and
///   no format method, so `code`, `value` and `formatted_message` stay `None`, and its text never appears in a message
///   that tenants see.
/// - **From a JavaScript `Error`**: `class_name` is `error.name`, `text` is `error.message`, `traceback` contains the
///   lines of `error.stack` that name source locations, `formatted_exception` is `error.stack`.
/// - **From a Python exception**: `class_name` is `type(e).__name__`, `text` is `str(e)`, `representation` is
///   `repr(e)`; `code` and `value` are `e.kwargs["code"]` and `e.kwargs["value"]` if `e.kwargs` has these keys;
///   `formatted_message` is `e.format_message()`, or `None` if the method is missing or raises; `traceback` is
///   `"".join(traceback.format_tb(tb))`, `formatted_exception` is `"".join(traceback.format_exception(e))`.
///
/// ```
/// use nova_compute_utils::fault::Failure;
///
/// let failure = Failure::new("NoValidHost", "No valid host was found. ").with_traceback("  File \"a.py\", line 7\n");
/// assert_eq!(failure.formatted_exception(), concat!(
///     "Traceback (most recent call last):\n",
///     "  File \"a.py\", line 7\n",
///     "NoValidHost: No valid host was found. \n",
/// ));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// The name of the class, without its module: `NoValidHost`.
    pub class_name: String,
    /// The failure as a string: Python's `str(e)`.
    pub text: String,
    /// The keyword argument `code` as JSON, usually an integer; `None` when the key is absent, and then a fault has
    /// code 500.
    pub code: Option<String>,
    /// The keyword argument `value` as JSON: the text of an error that came over RPC; `None` when the key is absent.
    /// `grizzly` only.
    pub value: Option<String>,
    /// The result of `format_message()`; `None` when the exception has no such method or the method raises. `hibiscus`
    /// only.
    pub formatted_message: Option<String>,
    /// Python's `repr` of the exception. The default follows from the class name and the text.
    pub representation: Option<String>,
    /// The formatted stack frames, without the heading and the closing line; `None` without a traceback.
    pub traceback: Option<String>,
    /// The exception as the interpreter prints it: heading, frames, causes, closing line. The default follows from the
    /// traceback, the class name and the text.
    pub formatted_exception: Option<String>,
}

impl Failure {
    /// Creates a failure with a class name and a text, which is Python's `str(e)`.
    #[must_use]
    pub fn new(class_name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { class_name: class_name.into(), text: text.into(), ..Self::default() }
    }

    /// Creates a failure from a Rust error. The causes of the error become the lines of the traceback.
    ///
    /// ```
    /// use nova_compute_utils::fault::Failure;
    ///
    /// let error = "vda".parse::<u8>().unwrap_err();
    /// let failure = Failure::from_error("ParseIntError", &error);
    /// assert_eq!(failure.text, "invalid digit found in string");
    /// assert_eq!(failure.traceback.as_deref(), Some(""));
    /// ```
    #[must_use]
    pub fn from_error(class_name: impl Into<String>, error: &dyn core::error::Error) -> Self {
        let causes = successors(error.source(), |cause| cause.source());
        let lines: Vec<String> = causes.map(|cause| format!("  caused by: {cause}\n")).collect();
        Self::new(class_name, error.to_string()).with_traceback(lines.concat())
    }

    /// Sets the code to an integer.
    #[must_use]
    pub fn with_code(self, code: i64) -> Self {
        Self { code: Some(code.to_string()), ..self }
    }

    /// Sets the message that tenants may see.
    #[must_use]
    pub fn with_formatted_message(self, message: impl Into<String>) -> Self {
        Self { formatted_message: Some(message.into()), ..self }
    }

    /// Sets the formatted stack frames.
    #[must_use]
    pub fn with_traceback(self, traceback: impl Into<String>) -> Self {
        Self { traceback: Some(traceback.into()), ..self }
    }

    /// Returns the exception as Python's `repr` prints it.
    #[must_use]
    pub fn representation(&self) -> Cow<'_, str> {
        match &self.representation {
            Some(representation) => Cow::Borrowed(representation),
            None if self.text.is_empty() => Cow::Owned(format!("{}()", self.class_name)),
            None => Cow::Owned(format!("{}({})", self.class_name, python::repr(&self.text))),
        }
    }

    /// Returns the exception as the interpreter prints it.
    #[must_use]
    pub fn formatted_exception(&self) -> Cow<'_, str> {
        if let Some(formatted) = &self.formatted_exception {
            return Cow::Borrowed(formatted);
        }
        let mut printed = String::new();
        if let Some(traceback) = &self.traceback {
            printed.push_str("Traceback (most recent call last):\n");
            printed.push_str(traceback);
        }
        printed.push_str(&self.class_name);
        if !self.text.is_empty() {
            printed.push_str(": ");
            printed.push_str(&self.text);
        }
        printed.push('\n');
        Cow::Owned(printed)
    }
}

/// The part of a failure that notifications and faults carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionDict<'a> {
    /// The name of the class.
    pub exception: &'a str,
    /// The message, at most 255 bytes.
    pub message: &'a str,
    /// The code, usually an integer; 500 when the failure has none.
    pub code: Json<'a>,
}

/// Returns the part of a failure that notifications and faults carry. Nova: `exception_to_dict` in `hibiscus`.
///
/// The message is the argument unless that is `None` or empty, otherwise the formatted message, otherwise the class
/// name. The text of the failure is not a fallback, because it can contain details that tenants must not see. Fails
/// with `ValueError` when the code is not JSON.
///
/// ```
/// use nova_compute_utils::fault::{Failure, exception_to_dict};
///
/// let failure = Failure::new("OSError", "secret detail");
/// let dict = exception_to_dict(&failure, None)?;
/// assert_eq!((dict.message, dict.code.as_str()), ("OSError", "500"));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn exception_to_dict<'a>(fault: &'a Failure, message: Option<&'a str>) -> Result<ExceptionDict<'a>, Error> {
    let message = message.filter(|message| !message.is_empty());
    let message = message.or(fault.formatted_message.as_deref()).unwrap_or(&fault.class_name);
    Ok(ExceptionDict { exception: &fault.class_name, message: safe_truncate(message, 255), code: fault.code()? })
}

/// Returns the longest prefix of a string that has at most `length` bytes and ends at a character boundary. A negative
/// length counts from the end. Nova: `safe_truncate` in `hibiscus`.
///
/// ```
/// use nova_compute_utils::fault::safe_truncate;
///
/// assert_eq!(safe_truncate("d\u{e9}faut", 2), "d"); // the second character takes two bytes
/// assert_eq!(safe_truncate("abc", -1), "ab");
/// ```
#[must_use]
pub fn safe_truncate(value: &str, length: i64) -> &str {
    let bytes = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX);
    let end = if length < 0 { value.len().saturating_sub(bytes) } else { bytes.min(value.len()) };
    value.split_at(value.floor_char_boundary(end)).0
}

/// Records a fault of an instance. Nova: `add_instance_fault_from_exc`.
///
/// In `grizzly` the message is the failure's `value`, otherwise its class name, of any length. The details are its
/// text, followed by the stack frames when the code is 500.
///
/// In `hibiscus` code and message are those of [`exception_to_dict`] for `fault_message`. The details are the formatted
/// exception when the code is 500 and the failure has a traceback, otherwise empty. Fails with `ValueError` when the
/// code is not an integer.
///
/// ```
/// use nova_compute_utils::fault::{Failure, add_instance_fault_from_exc};
/// use nova_compute_utils::testing::{MemoryHost, ready};
/// use nova_compute_utils::{Context, Release, time};
///
/// let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25")?);
/// let (release, context, uuid) = (Release::Hibiscus, Context::default(), "5a92d5c4-d71c-4972-bcbb-019167ffd7f1");
/// let message = "No valid host was found. ";
/// let failure = Failure::new("NoValidHost", message).with_formatted_message(message);
/// ready(add_instance_fault_from_exc(&host, &context, release, "cmp-01", uuid, &failure, None))?;
/// assert_eq!(host.instance_faults()[0].values.message.as_deref(), Some(message));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub async fn add_instance_fault_from_exc<H: Conductor>(
    services: &H,
    context: &Context,
    release: Release,
    host: &str,
    instance_uuid: &str,
    fault: &Failure,
    fault_message: Option<&str>,
) -> Result<(), Error> {
    let Fault { code, message, details } = fault_of_failure(release)(fault, fault_message)?;
    let (instance_uuid, host) = (instance_uuid.to_owned(), host.to_owned());
    let values = InstanceFaultValues { instance_uuid, code, message, details, host };
    services.instance_fault_create(context, &values).await.map_err(|error| Error::host("instance-fault-create", error))
}

/// Returns the fault of a failure in one release. The second argument is the caller's message.
type FaultOfFailure = fn(&Failure, Option<&str>) -> Result<Fault, Error>;

fn fault_of_failure(release: Release) -> FaultOfFailure {
    release.choose(grizzly_fault as FaultOfFailure, hibiscus_fault)
}

/// The columns of an instance fault that come from the failure.
#[derive(Debug)]
pub(crate) struct Fault {
    code: String,
    message: String,
    details: String,
}

fn grizzly_fault(fault: &Failure, _: Option<&str>) -> Result<Fault, Error> {
    let code = fault.code()?;
    let message = fault.value_or_class_name()?;
    Ok(Fault { code: code.as_str().to_owned(), message, details: fault.text_and_frames(code) })
}

fn hibiscus_fault(fault: &Failure, message: Option<&str>) -> Result<Fault, Error> {
    let ExceptionDict { message, code, .. } = exception_to_dict(fault, message)?;
    let code = integer_field(code)?;
    Ok(Fault { code: code.to_string(), message: message.to_owned(), details: fault.details(code) })
}

impl Failure {
    fn code(&self) -> Result<Json<'_>, Error> {
        self.code.as_deref().map_or(Ok(DEFAULT_CODE), Json::parse)
    }

    /// Returns the message in `grizzly`: the value, of any type, as a string.
    fn value_or_class_name(&self) -> Result<String, Error> {
        self.value.as_deref().map_or_else(|| Ok(self.class_name.clone()), |value| unicode(Json::parse(value)?))
    }

    /// Returns the details in `grizzly`, which compares the code without conversion, so the string `500` does not
    /// match.
    fn text_and_frames(&self, code: Json<'_>) -> String {
        match &self.traceback {
            Some(frames) if is_500(code) => format!("{}\n{frames}", self.text),
            _ => self.text.clone(),
        }
    }

    /// Returns the details in `hibiscus`, which compares the code after its conversion to an integer.
    fn details(&self, code: i128) -> String {
        let has_traceback = self.traceback.is_some() || self.formatted_exception.is_some();
        if has_traceback && code == 500 { self.formatted_exception().into_owned() } else { String::new() }
    }
}

const DEFAULT_CODE: Json<'static> = Json::constant("500");

fn is_500(code: Json<'_>) -> bool {
    code.is_number() && number(code).is_some_and(|code| code.to_bits() == 500_f64.to_bits())
}

fn number(json: Json<'_>) -> Option<f64> {
    json.as_str().parse().ok()
}

/// Returns Python 2's `unicode()` of a value.
fn unicode(value: Json<'_>) -> Result<String, Error> {
    if let Some(text) = value.text()? {
        return Ok(text.into_owned());
    }
    Ok(match value.as_str() {
        "null" => "None".to_owned(),
        "true" => "True".to_owned(),
        "false" => "False".to_owned(),
        digits if value.integer().is_some() => digits.to_owned(),
        other => number(value).map_or_else(|| other.to_owned(), Release::Grizzly.rules().float),
    })
}

/// Converts a value as Nova's `IntegerField` does.
fn integer_field(code: Json<'_>) -> Result<i128, Error> {
    if code.is_null() {
        return Err(Error::value("Field `code' cannot be None"));
    }
    let text = code.text()?;
    let number = match (code.as_str(), &text) {
        (_, Some(text)) => python::int(text, Release::Hibiscus.rules().groups_digits).ok().map(i128::from),
        ("true", None) => Some(1),
        ("false", None) => Some(0),
        _ => code.integer().or_else(|| truncated(number(code)?)),
    };
    number.ok_or_else(|| Error::value(format!("the code of a fault is {}: give a whole number", code.as_str())))
}

/// Returns Python's `int()` of a float, or `None` when it does not fit.
fn truncated(number: f64) -> Option<i128> {
    #[allow(clippy::cast_precision_loss, reason = "a power of two is exact")]
    let limit = -(i128::MIN as f64);
    #[allow(clippy::cast_possible_truncation, reason = "the cast drops the fraction, as `int()` does")]
    let truncated = number as i128;
    (-limit..limit).contains(&number).then_some(truncated)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(release: Release, failure: &Failure) -> Fault {
        fault_of_failure(release)(failure, None).expect("a fault")
    }

    #[test]
    fn grizzly_compares_the_code_unconverted_and_hibiscus_as_a_number() {
        let failure = Failure::new("NovaException", "boom").with_traceback("  frame\n");
        for (code, grizzly, hibiscus) in [
            ("500", "boom\n  frame\n", true),
            ("500.0", "boom\n  frame\n", true),
            ("\"500\"", "boom", true),
            ("\" 5_00\"", "boom", true),
            ("404", "boom", false),
            ("true", "boom", false),
        ] {
            let failure = Failure { code: Some(code.to_owned()), ..failure.clone() };
            assert_eq!(fault(Release::Grizzly, &failure).details, grizzly, "{code}");
            assert_eq!(!fault(Release::Hibiscus, &failure).details.is_empty(), hibiscus, "{code}");
        }
    }

    #[test]
    fn hibiscus_requires_a_whole_number() {
        for code in ["null", "\"x\"", "[]", "{}", "1e999", "500]"] {
            let failure = Failure { code: Some(code.to_owned()), ..Failure::default() };
            assert_eq!(hibiscus_fault(&failure, None).expect_err(code).code(), "ValueError", "{code}");
        }
    }

    #[test]
    fn grizzly_converts_the_value_to_text() {
        for (value, message) in
            [("null", "None"), ("5", "5"), ("true", "True"), ("0.1", "0.1"), ("\"\"", ""), ("\"\\u00e9\"", "\u{e9}")]
        {
            let failure = Failure { value: Some(value.to_owned()), ..Failure::new("RemoteError", "") };
            assert_eq!(fault(Release::Grizzly, &failure).message, message);
        }
    }

    #[test]
    fn truncates_at_a_character_boundary() {
        for (value, length, expected) in [
            ("d\u{e9}faut", 3, "d\u{e9}"),
            ("d\u{e9}faut", -6, "d"),
            ("d\u{e9}faut", -99, ""),
            ("abc", i64::MIN, ""),
            ("abc", i64::MAX, "abc"),
            ("\u{1f525}", 3, ""),
        ] {
            assert_eq!(safe_truncate(value, length), expected);
        }
    }

    proptest! {
        #[test]
        fn keeps_as_many_characters_as_fit(value in any::<String>(), length in -40..300_i64) {
            let kept = safe_truncate(&value, length);
            let bytes = |text: &str| i64::try_from(text.len()).expect("a short text");
            let room = if length < 0 { bytes(&value) + length } else { length };
            let fits = |text: &str| bytes(text) <= room.max(0);
            prop_assert!(value.starts_with(kept) && fits(kept));
            let next = value[kept.len()..].chars().next().map(char::len_utf8).unwrap_or_default();
            prop_assert!(next == 0 || !fits(&value[..kept.len() + next]));
        }

        #[test]
        fn any_failure_gives_a_fault_or_an_error(
            text in any::<String>(),
            code in proptest::option::of(any::<String>()),
            value in proptest::option::of(any::<String>()),
            formatted_message in proptest::option::of(any::<String>()),
            message in proptest::option::of(any::<String>()),
        ) {
            let failure = Failure { code, value, formatted_message, ..Failure::new("E", text) };
            for release in [Release::Grizzly, Release::Hibiscus] {
                match fault_of_failure(release)(&failure, message.as_deref()) {
                    Ok(fault) => prop_assert!(release == Release::Grizzly || fault.message.len() <= 255),
                    Err(error) => prop_assert_eq!(error.code(), "ValueError"),
                }
            }
        }
    }
}
