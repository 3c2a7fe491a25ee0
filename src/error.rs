//! Why a call failed.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

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
#[derive(Debug, Clone)]
pub struct Error {
    code: Cow<'static, str>,
    message: String,
    callback: Option<&'static str>,
    source: Option<Source>,
}

/// The host's own error, of whatever type.
type Source = Arc<dyn std::error::Error + Send + Sync>;

impl Error {
    /// An error with a code and a message.
    #[must_use]
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), callback: None, source: None }
    }

    /// What a callback of the host failed with; `callback` is its name in [`host`](crate::host).
    #[must_use]
    pub fn host(callback: &'static str, error: HostError) -> Self {
        Self { callback: Some(callback), ..error.into() }
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

impl std::error::Error for Error {
    /// The host's own error, where the host gave it.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        source(self.source.as_ref())
    }
}

/// Two errors that say the same are equal, wherever they come from.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        (&self.code, &self.message, self.callback) == (&other.code, &other.message, other.callback)
    }
}

impl Eq for Error {}

/// An error of the host's that no callback of the library's is to blame for.
impl From<HostError> for Error {
    fn from(HostError { code, message, source }: HostError) -> Self {
        Self { code: Cow::Owned(code), message, callback: None, source }
    }
}

/// What a callback of the host failed with.
#[derive(Debug, Clone)]
pub struct HostError {
    /// Nova's exception name where one fits (`TaskAlreadyRunning`), else a name of the host's.
    pub code: String,
    /// One line for people.
    pub message: String,
    source: Option<Source>,
}

impl HostError {
    /// An error of the host with a code and a message.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), source: None }
    }

    /// With the host's own error, which comes back as the source of the [`Error`] that the caller gets.
    #[must_use]
    pub fn with_source(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)), ..self }
    }
}

fn source(source: Option<&Source>) -> Option<&(dyn std::error::Error + 'static)> {
    source.map(|source| source.as_ref() as &(dyn std::error::Error + 'static))
}

/// Two errors that say the same are equal, wherever they come from.
impl PartialEq for HostError {
    fn eq(&self, other: &Self) -> bool {
        (&self.code, &self.message) == (&other.code, &other.message)
    }
}

impl Eq for HostError {}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HostError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        source(self.source.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn the_hosts_own_error_reaches_the_caller() {
        let own = "vda".parse::<u8>().expect_err("no number");
        let error = Error::host("task-log-get", HostError::new("DBError", "cannot read").with_source(own.clone()));
        assert_eq!(error.source().and_then(|source| source.downcast_ref()), Some(&own));
        assert_eq!(error, Error::host("task-log-get", HostError::new("DBError", "cannot read")));
        assert_ne!(error, Error::new("DBError", "cannot read"));
    }
}
