//! Why a call failed.

use std::borrow::Cow;
use std::fmt;

/// Why a call failed: a stable code for programs, one line for people and, where a callback failed, its name.
///
/// The code is the name of Nova's exception where Nova raises one of its own (`InvalidIpAddressError`), the name of
/// Python's where Nova lets one out (`ValueError`, `TypeError`, `KeyError`, `AttributeError`, `IndexError`,
/// `OverflowError`), or whatever the host gave when it failed. The message is Nova's where the exception is Nova's;
/// else it says what to change.
///
/// ```
/// use nova_compute_utils::{Release, period::Period};
///
/// let error = Period::parse(Release::Grizzly, "fortnight").unwrap_err();
/// assert_eq!(error.code(), "ValueError");
/// assert_eq!(error.to_string(), "unknown audit period `fortnight`: give `hour`, `day`, `month` or `year`, optionally with `@offset`");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    code: Cow<'static, str>,
    message: String,
    callback: Option<&'static str>,
}

impl Error {
    /// An error with a code and a message.
    #[must_use]
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), callback: None }
    }

    /// What a callback of the host failed with; `callback` is its name in [`host`](crate::host).
    #[must_use]
    pub fn host(callback: &'static str, error: HostError) -> Self {
        Self { code: Cow::Owned(error.code), message: error.message, callback: Some(callback) }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The line for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The callback that failed, by its name in [`host`](crate::host); nothing when no callback is to blame.
    #[must_use]
    pub const fn callback(&self) -> Option<&'static str> {
        self.callback
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
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// What a callback of the host failed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostError {
    /// Nova's exception name where one fits (`TaskAlreadyRunning`), else a name of the host's.
    pub code: String,
    /// One line for people.
    pub message: String,
}

impl HostError {
    /// An error of the host with a code and a message.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HostError {}
