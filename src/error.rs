//! Errors of the library and of its hosts.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::error::Error as StdError;
use core::fmt;

use serde::{Deserialize, Serialize};

/// Why a call failed: a stable code for programs, one line for people and the arguments of Nova's exception.
///
/// The code is the name of Nova's exception where Nova raises one of its own (`InvalidIpAddressError`), the name of
/// Python's exception where Nova lets one through (`ValueError`, `TypeError`, `KeyError`, `AttributeError`,
/// `IndexError`, `OverflowError`), or the code of the host's own error. The message is Nova's where the exception is
/// Nova's; otherwise it names the value to change.
///
/// ```
/// use nova_compute_utils::device::{self, DeviceConfig};
/// use nova_compute_utils::Release;
///
/// let config = DeviceConfig::new(Release::Hibiscus);
/// let error = device::get_next_device_name(&config, &[], None, Some("vda")).unwrap_err();
/// assert_eq!(error.code(), "InvalidDevicePath");
/// assert_eq!(error.to_string(), "The supplied device path (vda) is invalid.");
/// assert_eq!(error.arguments(), r#"{"path":"vda"}"#);
/// ```
#[derive(Debug, Clone)]
pub struct Error(Box<Fields>);

/// The fields of an error. Boxed to keep every `Result` small.
#[derive(Debug, Clone)]
struct Fields {
    code: Cow<'static, str>,
    message: String,
    arguments: Cow<'static, str>,
    callback: Option<&'static str>,
    source: Option<Source>,
}

/// The host's own error, of any type.
type Source = Arc<dyn StdError + Send + Sync>;

/// The arguments of an error that has none.
const NO_ARGUMENTS: &str = "{}";

impl Error {
    /// Creates an error with a code and a message, and without arguments.
    #[must_use]
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self(Box::new(Fields {
            code: code.into(),
            message: message.into(),
            arguments: Cow::Borrowed(NO_ARGUMENTS),
            callback: None,
            source: None,
        }))
    }

    /// Creates the error of a failed callback; `callback` is its name in `wit/`, such as `task-log-get`.
    #[must_use]
    pub fn host(callback: &'static str, error: HostError) -> Self {
        let mut error = Self::from(error);
        error.0.callback = Some(callback);
        error
    }

    /// Sets the keyword arguments of Nova's exception, a JSON object.
    #[must_use]
    pub fn with_arguments(mut self, arguments: impl Into<Cow<'static, str>>) -> Self {
        self.0.arguments = arguments.into();
        self
    }

    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// Returns the line for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the keyword arguments of Nova's exception as a JSON object; `{}` when it has none.
    #[must_use]
    pub fn arguments(&self) -> &str {
        &self.0.arguments
    }

    /// Returns the name of the callback that failed, as in `wit/`; `None` when no callback failed.
    #[must_use]
    pub fn callback(&self) -> Option<&'static str> {
        self.0.callback
    }

    pub(crate) fn value(message: impl Into<String>) -> Self {
        Self::new("ValueError", message)
    }

    pub(crate) fn type_error(message: impl Into<String>) -> Self {
        Self::new("TypeError", message)
    }

    pub(crate) fn key(message: impl Into<String>) -> Self {
        Self::new("KeyError", message)
    }

    pub(crate) fn overflow(message: impl Into<String>) -> Self {
        Self::new("OverflowError", message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    /// Returns the host's own error when the host attached one.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        source(self.0.source.as_ref())
    }
}

/// Errors are equal when code, message, arguments and callback are; the source does not count.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        let (this, other) = (&self.0, &other.0);
        (&this.code, &this.message, &this.arguments, this.callback)
            == (&other.code, &other.message, &other.arguments, other.callback)
    }
}

impl Eq for Error {}

/// Converts an error of the host outside a callback.
impl From<HostError> for Error {
    fn from(HostError { code, message, arguments, source }: HostError) -> Self {
        Self(Box::new(Fields {
            code: Cow::Owned(code),
            message,
            arguments: Cow::Owned(arguments),
            callback: None,
            source,
        }))
    }
}

/// Why a callback of the host failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HostError {
    /// Nova's exception name where one fits (`TaskAlreadyRunning`), otherwise a name of the host's own.
    pub code: String,
    /// One line for people.
    pub message: String,
    /// The keyword arguments of Nova's exception as a JSON object; `{}` when it has none.
    pub arguments: String,
    #[serde(skip)]
    source: Option<Source>,
}

impl HostError {
    /// Creates an error with a code and a message, and without arguments.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), arguments: NO_ARGUMENTS.into(), source: None }
    }

    /// Sets the keyword arguments of Nova's exception, a JSON object.
    #[must_use]
    pub fn with_arguments(self, arguments: impl Into<String>) -> Self {
        Self { arguments: arguments.into(), ..self }
    }

    /// Attaches the host's own error, which becomes the source of the caller's [`Error`].
    #[must_use]
    pub fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)), ..self }
    }
}

/// Converts an error of the library that a host returns from a callback.
impl From<Error> for HostError {
    fn from(error: Error) -> Self {
        let Fields { code, message, arguments, callback: _, source } = *error.0;
        Self { code: code.into_owned(), message, arguments: arguments.into_owned(), source }
    }
}

fn source(source: Option<&Source>) -> Option<&(dyn StdError + 'static)> {
    source.map(|source| source.as_ref() as &(dyn StdError + 'static))
}

/// Errors are equal when code, message and arguments are; the source does not count.
impl PartialEq for HostError {
    fn eq(&self, other: &Self) -> bool {
        (&self.code, &self.message, &self.arguments) == (&other.code, &other.message, &other.arguments)
    }
}

impl Eq for HostError {}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for HostError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        source(self.source.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_hosts_own_error_as_its_source() {
        let own = "vda".parse::<u8>().expect_err("not a number");
        let error = Error::host("task-log-get", HostError::new("DBError", "cannot read").with_source(own.clone()));
        assert_eq!(error.source().and_then(|source| source.downcast_ref()), Some(&own));
        assert_eq!(error, Error::host("task-log-get", HostError::new("DBError", "cannot read")));
        assert_ne!(error, Error::new("DBError", "cannot read"));
    }

    #[test]
    fn keeps_the_arguments_of_the_host() {
        let own = HostError::new("TaskNotRunning", "it is not running").with_arguments(r#"{"host":"cmp-01"}"#);
        let error = Error::host("task-log-end-task", own.clone());
        assert_eq!(error.arguments(), r#"{"host":"cmp-01"}"#);
        assert_eq!(HostError::from(error), own);
        assert_eq!(Error::value("odd").arguments(), "{}");
    }
}
