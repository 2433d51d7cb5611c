//! Why a trial was stopped: a promise was broken, or something failed that should not.

use std::fmt;

/// What was found, in words.
#[derive(Debug)]
pub(crate) struct Stop(pub(crate) String);

/// How a trial went.
pub(crate) type Verdict<T = ()> = Result<T, Stop>;

impl Stop {
    pub(crate) fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: std::error::Error> From<E> for Stop {
    fn from(error: E) -> Self {
        Self(format!("an error that nothing here makes: {error:?}"))
    }
}

/// Stops unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($what:tt)+) => {
        if !$condition {
            return Err($crate::stop::Stop::new(format_args!($($what)+)));
        }
    };
}

pub(crate) use ensure;
