//! Why a check ended early: it does not apply, or the law is broken.

use std::fmt;

/// Why a check, or something that a [`Subject`](super::Subject) was asked for, ended early.
///
/// Any error becomes a [`Failed`](Self::Failed), so that `?` works.
///
/// ```
/// use anysock_testing::conformance::Stop;
///
/// fn connect() -> Result<(), Stop> {
///     Err(std::io::Error::other("no route"))?;
///     Ok(())
/// }
/// assert!(matches!(connect(), Err(Stop::Failed(why)) if why == "no route"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// There is nothing to check here: which guarantee or capability is missing.
    NotApplicable(String),
    /// What went wrong.
    Failed(String),
}

impl Stop {
    /// There is nothing to check here, because of `why`.
    pub fn not_applicable(why: impl Into<String>) -> Self {
        Self::NotApplicable(why.into())
    }

    /// `what` went wrong.
    pub fn failed(what: impl Into<String>) -> Self {
        Self::Failed(what.into())
    }
}

// Stop itself is no `Error`, or this would collide with the reflexive `From`.
impl<E: std::error::Error> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotApplicable(why) => write!(f, "not applicable: {why}"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

/// How one check ended: how many single observations it made.
pub(crate) type Verdict = Result<u64, Stop>;

/// Ends the check as failed unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($why:tt)+) => {
        if !$condition {
            return Err($crate::conformance::stop::Stop::Failed(format!($($why)+)));
        }
    };
}
pub(crate) use ensure;
