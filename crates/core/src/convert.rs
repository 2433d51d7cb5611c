//! What could not be made into something else, given back.

use std::{fmt, io};

/// A conversion that was refused: why, and the value as it was.
///
/// Becomes an [`io::Error`] where the value does not matter, which then is dropped.
///
/// ```
/// use anysock_core::Socket;
/// use std::os::fd::OwnedFd;
///
/// let file = OwnedFd::from(std::fs::File::open("/dev/null")?);
/// let error = Socket::adopt(file).unwrap_err();
/// assert_eq!(error.error().kind(), std::io::ErrorKind::InvalidInput);
/// let file: OwnedFd = error.into_inner();
/// # Ok::<_, std::io::Error>(())
/// ```
pub struct ConvertError<T> {
    /// Boxed, for it may be a whole transport, and whoever returns it mostly has none to give back.
    value: Box<T>,
    error: io::Error,
}

impl<T> ConvertError<T> {
    /// `value` could not be converted, because of `error`.
    pub fn new(value: T, error: impl Into<io::Error>) -> Self {
        Self { value: Box::new(value), error: error.into() }
    }

    /// Why.
    pub fn error(&self) -> &io::Error {
        &self.error
    }

    /// What was to be converted.
    pub fn into_inner(self) -> T {
        *self.value
    }

    /// The same error about what the value was made of, or is a part of.
    pub fn map<U>(self, from: impl FnOnce(T) -> U) -> ConvertError<U> {
        ConvertError { value: Box::new(from(*self.value)), error: self.error }
    }
}

/// Without the value, which need not be one that can be shown.
impl<T> fmt::Debug for ConvertError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConvertError").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for ConvertError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<T> std::error::Error for ConvertError<T> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

impl<T> From<ConvertError<T>> for io::Error {
    fn from(refused: ConvertError<T>) -> Self {
        refused.error
    }
}
