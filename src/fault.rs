//! Failures as data.

use std::borrow::Cow;

use crate::python;

/// A failure as data: what Nova sees of an exception and its traceback.
///
/// How a host makes one:
///
/// - **From a Rust error**: [`Failure::from_error`], or the struct itself. There is no class with kwargs and no format method, so `code`,
///   `value` and `formatted_message` stay empty, and what the error says never leaks into a message that tenants see.
/// - **From a JavaScript `Error`**: `class_name` is `error.name`, `text` is `error.message`, `traceback` is the lines of `error.stack`
///   that name places, `formatted_exception` is `error.stack`.
/// - **From a Python exception**: `class_name` is `type(e).__name__`, `text` is `str(e)`, `representation` is `repr(e)`; `code` and
///   `value` are `e.kwargs["code"]` and `e.kwargs["value"]` where `e` has `kwargs` with such a key; `formatted_message` is
///   `e.format_message()`, or nothing where there is no such method or it raises; `traceback` is
///   `"".join(traceback.format_tb(tb))`, `formatted_exception` is `"".join(traceback.format_exception(e))`.
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
    /// The `code` among the keyword arguments that the exception keeps, as JSON: most often a whole number. Without one the code
    /// of a fault is 500.
    pub code: Option<String>,
    /// The `value` among them, as JSON: what an error that came over the wire says. Read in grizzly.
    pub value: Option<String>,
    /// What `format_message()` gives; nothing where the exception has no such method, or where it fails. Read in hibiscus.
    pub formatted_message: Option<String>,
    /// The exception as Python's `repr` shows it; absent, it is made of the class name and the text.
    pub representation: Option<String>,
    /// The frames, printed, without heading and closing line; nothing where there is no traceback.
    pub traceback: Option<String>,
    /// The exception as the interpreter prints it: heading, frames, causes, closing line. Absent, it is made of the traceback, the
    /// class name and the text.
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
