//! Failures as data, and the faults of instances that are made of them.

use std::borrow::Cow;

use crate::context::Config;
use crate::document::Json;
use crate::error::Error;
use crate::host::{Conductor, InstanceFaultValues};
use crate::python;
use crate::release::Release;

/// A failure as data: what Nova sees of an exception and its traceback.
///
/// How a host makes one:
///
/// - **From a Rust error**: [`Failure::from_error`], or the struct itself. There is no class with kwargs and no
///   format method, so `code`, `value` and `formatted_message` stay empty, and what the error says never leaks into a
///   message that tenants see.
/// - **From a JavaScript `Error`**: `class_name` is `error.name`, `text` is `error.message`, `traceback` is the lines
///   of `error.stack` that name places, `formatted_exception` is `error.stack`.
/// - **From a Python exception**: `class_name` is `type(e).__name__`, `text` is `str(e)`, `representation` is
///   `repr(e)`; `code` and `value` are `e.kwargs["code"]` and `e.kwargs["value"]` where `e` has `kwargs` with such a
///   key; `formatted_message` is `e.format_message()`, or nothing where there is no such method or it raises;
///   `traceback` is `"".join(traceback.format_tb(tb))`, `formatted_exception` is
///   `"".join(traceback.format_exception(e))`.
///
/// ```
/// use nova_compute_utils::fault::Failure;
///
/// let failure = Failure::new("NoValidHost", "No valid host was found. ").with_code(500).with_traceback("  File \"a.py\", line 7\n");
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
    /// The failure as text: Python's `str(e)`.
    pub text: String,
    /// The `code` among the keyword arguments that the exception keeps, as JSON: most often a whole number. Without
    /// one the code of a fault is 500.
    pub code: Option<String>,
    /// The `value` among them, as JSON: what an error that came over the wire says. Read in grizzly.
    pub value: Option<String>,
    /// What `format_message()` gives; nothing where the exception has no such method, or where it fails. Read in
    /// hibiscus.
    pub formatted_message: Option<String>,
    /// The exception as Python's `repr` shows it; absent, it is made of the class name and the text.
    pub representation: Option<String>,
    /// The frames, printed, without heading and closing line; nothing where there is no traceback.
    pub traceback: Option<String>,
    /// The exception as the interpreter prints it: heading, frames, causes, closing line. Absent, it is made of the
    /// traceback, the class name and the text.
    pub formatted_exception: Option<String>,
}

impl Failure {
    /// A failure with a class name and a text.
    #[must_use]
    pub fn new(class_name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { class_name: class_name.into(), text: text.into(), ..Self::default() }
    }

    /// A Rust error as a failure, its causes as the lines of the traceback.
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
    pub fn from_error(class_name: impl Into<String>, error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        let lines: Vec<String> = causes.map(|cause| format!("  caused by: {cause}\n")).collect();
        Self::new(class_name, error.to_string()).with_traceback(lines.concat())
    }

    /// With a whole number as its code.
    #[must_use]
    pub fn with_code(self, code: i64) -> Self {
        Self { code: Some(code.to_string()), ..self }
    }

    /// With a message that may be shown to tenants.
    #[must_use]
    pub fn with_formatted_message(self, message: impl Into<String>) -> Self {
        Self { formatted_message: Some(message.into()), ..self }
    }

    /// With printed frames.
    #[must_use]
    pub fn with_traceback(self, traceback: impl Into<String>) -> Self {
        Self { traceback: Some(traceback.into()), ..self }
    }

    /// The exception as Python's `repr` shows it.
    #[must_use]
    pub fn representation(&self) -> Cow<'_, str> {
        match &self.representation {
            Some(representation) => Cow::Borrowed(representation),
            None if self.text.is_empty() => Cow::Owned(format!("{}()", self.class_name)),
            None => Cow::Owned(format!("{}({})", self.class_name, python::repr(&self.text))),
        }
    }

    /// The exception as the interpreter prints it.
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

/// What a notification or a fault says of a failure. Nova: the result of `exception_to_dict`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionDict<'a> {
    /// The name of the class.
    pub exception: &'a str,
    /// At most 255 bytes.
    pub message: &'a str,
    /// Most often a whole number; 500 where the failure has none.
    pub code: Json<'a>,
}

/// What a notification or a fault says of a failure. Nova: `exception_to_dict`, hibiscus.
///
/// The message is the one given unless that is empty, else the formatted message, else the name of the class: the
/// text of a failure that is not Nova's never leaks. `ValueError` where the code is no JSON.
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
    let given = message.filter(|message| !message.is_empty());
    let message = given.or(fault.formatted_message.as_deref()).unwrap_or(&fault.class_name);
    Ok(ExceptionDict { exception: &fault.class_name, message: safe_truncate(message, 255), code: fault.code()? })
}

/// The first bytes of a text, as many as `length` says and no split character; a negative length counts from the end.
/// Nova: `safe_truncate`, hibiscus.
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

/// Record what befell an instance. Nova: `add_instance_fault_from_exc`.
///
/// In grizzly the message is the failure's `value`, or the name of its class, of any length, and the details are its
/// text, with the frames of the traceback where the code is 500. In hibiscus code and message are those of
/// [`exception_to_dict`], where `fault_message` is the message given; the details are the whole printed exception
/// where there is a traceback and the code is 500, else empty. `ValueError` where a code that hibiscus wants as a
/// whole number is none.
///
/// ```
/// use nova_compute_utils::fault::{Failure, add_instance_fault_from_exc};
/// use nova_compute_utils::host::MemoryHost;
/// use nova_compute_utils::{Config, Release, time};
///
/// # fn ready<F: std::future::Future>(future: F) -> F::Output {
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     match std::pin::pin!(future).poll(&mut context) { std::task::Poll::Ready(output) => output, _ => unreachable!() }
/// # }
/// let host = MemoryHost::new(time::parse("2026-11-01T00:17:03.25")?);
/// let config = Config::new(Release::Hibiscus, "cmp-01");
/// let failure = Failure::new("NoValidHost", "No valid host was found. ").with_formatted_message("No valid host was found. ");
/// ready(add_instance_fault_from_exc(&host, &config, "5a92d5c4-d71c-4972-bcbb-019167ffd7f1", &failure, None))?;
/// assert_eq!(host.instance_faults()[0].values.message.as_deref(), Some("No valid host was found. "));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub async fn add_instance_fault_from_exc<H: Conductor>(
    services: &H,
    config: &Config,
    instance_uuid: &str,
    fault: &Failure,
    fault_message: Option<&str>,
) -> Result<(), Error> {
    let Fault { code, message, details } = fault_of_failure(config.release)(fault, fault_message)?;
    let (instance_uuid, host) = (instance_uuid.to_owned(), config.host.clone());
    let values = InstanceFaultValues { instance_uuid, code, message, details, host };
    services.instance_fault_create(&values).await.map_err(|error| Error::host("instance-fault-create", error))
}

/// What a release makes of a failure, and of the message given.
type FaultOfFailure = fn(&Failure, Option<&str>) -> Result<Fault, Error>;

fn fault_of_failure(release: Release) -> FaultOfFailure {
    release.pick(grizzly_fault, hibiscus_fault)
}

/// What is recorded of a failure.
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

    /// Grizzly turns the value into text, whatever it is.
    fn value_or_class_name(&self) -> Result<String, Error> {
        self.value.as_deref().map_or_else(|| Ok(self.class_name.clone()), |value| unicode(Json::parse(value)?))
    }

    /// Grizzly's details. It compares the code as it is: the text `500` is another one.
    fn text_and_frames(&self, code: Json<'_>) -> String {
        match &self.traceback {
            Some(frames) if is_500(code) => format!("{}\n{frames}", self.text),
            _ => self.text.clone(),
        }
    }

    /// Hibiscus' details. It compares the code once it is a whole number.
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

/// Python 2's `unicode` of a value.
fn unicode(value: Json<'_>) -> Result<String, Error> {
    if let Some(text) = value.text()? {
        return Ok(text.into_owned());
    }
    Ok(match value.as_str() {
        "null" => "None".to_owned(),
        "true" => "True".to_owned(),
        "false" => "False".to_owned(),
        digits if value.integer().is_some() => digits.to_owned(),
        other => number(value).map_or_else(|| other.to_owned(), |value| Release::Grizzly.float(value)),
    })
}

/// A value in a field of Nova's that holds whole numbers.
fn integer_field(code: Json<'_>) -> Result<i128, Error> {
    if code.is_null() {
        return Err(Error::value("Field `code' cannot be None"));
    }
    let text = code.text()?;
    let number = match (code.as_str(), &text) {
        (_, Some(text)) => python::int(text, Release::Hibiscus.groups_digits()).ok().map(i128::from),
        ("true", None) => Some(1),
        ("false", None) => Some(0),
        _ => code.integer().or_else(|| truncated(number(code)?)),
    };
    number.ok_or_else(|| Error::value(format!("the code of a fault is {}: give a whole number", code.as_str())))
}

fn truncated(number: f64) -> Option<i128> {
    format!("{:.0}", number.trunc()).parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(release: Release, failure: &Failure) -> Fault {
        fault_of_failure(release)(failure, None).expect("a fault")
    }

    #[test]
    fn a_code_is_compared_as_it_is_or_as_a_number() {
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
    fn hibiscus_wants_a_whole_number() {
        for code in ["null", "\"x\"", "[]", "{}", "1e999", "500]"] {
            let failure = Failure { code: Some(code.to_owned()), ..Failure::default() };
            assert_eq!(hibiscus_fault(&failure, None).expect_err(code).code(), "ValueError", "{code}");
        }
    }

    #[test]
    fn grizzly_prints_the_value() {
        for (value, message) in
            [("null", "None"), ("5", "5"), ("true", "True"), ("0.1", "0.1"), ("\"\"", ""), ("\"\\u00e9\"", "\u{e9}")]
        {
            let failure = Failure { value: Some(value.to_owned()), ..Failure::new("RemoteError", "") };
            assert_eq!(fault(Release::Grizzly, &failure).message, message);
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
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
        fn as_much_is_kept_as_fits(value in any::<String>(), length in -40..300_i64) {
            let kept = safe_truncate(&value, length);
            let bytes = |text: &str| i64::try_from(text.len()).expect("a short text");
            let room = if length < 0 { bytes(&value) + length } else { length };
            let fits = |text: &str| bytes(text) <= room.max(0);
            prop_assert!(value.starts_with(kept) && fits(kept));
            let next = value[kept.len()..].chars().next().map(char::len_utf8).unwrap_or_default();
            prop_assert!(next == 0 || !fits(&value[..kept.len() + next]));
        }

        #[test]
        fn any_failure_is_a_fault_or_an_error(
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
