//! What the kit found: transport × law, and no blanks.

use std::fmt;

use super::law::Law;

/// What was found for one transport.
///
/// ```
/// use anysock_testing::conformance::{InMemory, Kit, Law, Outcome};
///
/// let report = Kit::default().only(&[Law::Empty]).check(InMemory);
/// assert!(matches!(report.outcome(Law::Empty), Some(Outcome::Checked { count: 1.., .. })));
/// assert!(report.is_clean());
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) subject: String,
    pub(super) outcomes: Vec<(Law, Outcome)>,
}

/// What was found for one transport and one law.
///
/// ```
/// use anysock_testing::conformance::{InMemory, Kit, Law, Outcome};
///
/// for (law, outcome) in Kit::default().only(&[Law::End]).check(InMemory).outcomes() {
///     match outcome {
///         Outcome::Checked { count, .. } => println!("{law}: kept, {count} times"),
///         Outcome::NotApplicable { why } => println!("{law}: {}", why[0]),
///         Outcome::Failed { failures, .. } => println!("{law}: broken, {}", failures[0]),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The law is kept.
    Checked {
        /// How many single observations say so.
        count: u64,
        /// The checks of this law that do not apply.
        not_applicable: Vec<Note>,
    },
    /// No check of this law applies.
    NotApplicable {
        /// Each of them, and why.
        why: Vec<Note>,
    },
    /// The law is broken.
    Failed {
        /// How many single observations were right nevertheless.
        count: u64,
        /// Each check that failed, and how.
        failures: Vec<Note>,
    },
}

/// One check of a law, and what there is to say about it.
///
/// ```
/// use anysock_testing::conformance::Note;
/// let note = Note { check: "a reset", why: "the peer cannot break a connection".into() };
/// assert_eq!(note.to_string(), "a reset: the peer cannot break a connection");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Which check.
    pub check: &'static str,
    /// Why it does not apply, or how it failed.
    pub why: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.why)
    }
}

impl Report {
    /// Name of the transport.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What was found for each law that was asked for, in order.
    pub fn outcomes(&self) -> impl Iterator<Item = (Law, &Outcome)> {
        self.outcomes.iter().map(|(law, outcome)| (*law, outcome))
    }

    /// What was found for `law`, unless it was not asked for.
    pub fn outcome(&self, law: Law) -> Option<&Outcome> {
        self.outcomes().find(|(which, _)| *which == law).map(|(_, outcome)| outcome)
    }

    /// Whether no law is broken.
    pub fn is_clean(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Every check that failed.
    pub fn failures(&self) -> impl Iterator<Item = (Law, &Note)> {
        self.outcomes().flat_map(|(law, outcome)| {
            let failures = match outcome {
                Outcome::Failed { failures, .. } => &failures[..],
                _ => &[],
            };
            failures.iter().map(move |note| (law, note))
        })
    }

    /// Asks that no law is broken.
    ///
    /// # Panics
    ///
    /// If one is: lists every failure.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.is_clean(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.subject)?;
        if self.is_clean() {
            return write!(f, " keeps the laws");
        }
        self.failures().try_for_each(|(law, note)| write!(f, "\n  breaks {law}: {note}"))
    }
}
