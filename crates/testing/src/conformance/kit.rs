//! Runs the suite: every law, each watched from outside.

use std::any::Any;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use std::{io, thread};

use super::erased::Erased;
use super::law::Law;
use super::patience::Patience;
use super::report::{Note, Outcome, Report};
use super::stop::Stop;
use super::subject::Subject;
use super::trial::{Event, Trial};
use super::{
    law_01_boundaries, law_02_whole, law_03_empty, law_04_end, law_05_guarantees, law_06_flush,
    law_07_bounded, law_08_cancel_safe, law_09_errors, law_10_fair, law_11_halves,
};

/// The conformance suite: which laws it checks, and how patient it is.
///
/// ```
/// use anysock_testing::conformance::{InMemory, Kit, Law};
///
/// Kit::default().only(&[Law::Whole, Law::Empty]).check(InMemory).assert();
/// ```
#[derive(Clone, Debug)]
pub struct Kit {
    laws: Vec<Law>,
    patience: Duration,
}

impl Default for Kit {
    /// All laws; what must happen may take 10 s.
    fn default() -> Self {
        Self { laws: Law::ALL.into(), patience: Duration::from_secs(10) }
    }
}

impl Kit {
    /// Checks these laws only.
    #[must_use]
    pub fn only(mut self, laws: &[Law]) -> Self {
        self.laws = laws.into();
        self
    }

    /// Waits so long for what must happen, within one check.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Checks the transport of `subject`.
    ///
    /// Every law has a thread and a runtime of its own, so that a transport which never yields
    /// is found guilty, and not waited for. Its thread is then left behind.
    ///
    /// # Panics
    ///
    /// If no thread can be started.
    pub fn check<S: Subject>(&self, subject: S) -> Report {
        let subject = Arc::new(Erased::new(subject));
        let try_law = |&law| (law, self.try_law(law, Arc::clone(&subject)));
        let outcomes = self.laws.iter().map(try_law).collect();
        Report { subject: subject.name(), outcomes }
    }

    fn try_law(&self, law: Law, subject: Arc<Erased>) -> Outcome {
        let (events, progress) = channel();
        let trial = Trial::new(subject, Patience(self.patience), events);
        let name = format!("{law}");
        let thread = thread::Builder::new().name(name).spawn(move || run(law, &trial));
        let thread = thread.expect("a thread for each law");

        let mut tally = Tally::default();
        let mut current = "the beginning";
        loop {
            // The check itself gives up after twice the patience, if it yields at all.
            match progress.recv_timeout(3 * self.patience) {
                Ok(Event::Begun(check)) => current = check,
                Ok(Event::Ended(check, verdict)) => tally.note(check, verdict),
                Err(RecvTimeoutError::Timeout) => {
                    tally.note(
                        current,
                        Err(Stop::failed("the thread was wedged: a poll never ended")),
                    );
                    return tally.into_outcome();
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        match thread.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tally.note("the runtime", Err(error.into())),
            Err(panic) => {
                tally.note(current, Err(Stop::failed(format!("panicked: {}", words(&*panic)))));
            }
        }
        tally.into_outcome()
    }
}

fn run(law: Law, trial: &Trial<Erased>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match law {
            Law::Boundaries => law_01_boundaries::check(trial).await,
            Law::Whole => law_02_whole::check(trial).await,
            Law::Empty => law_03_empty::check(trial).await,
            Law::End => law_04_end::check(trial).await,
            Law::Guarantees => law_05_guarantees::check(trial).await,
            Law::Flush => law_06_flush::check(trial).await,
            Law::Bounded => law_07_bounded::check(trial).await,
            Law::CancelSafe => law_08_cancel_safe::check(trial).await,
            Law::Errors => law_09_errors::check(trial).await,
            Law::Fair => law_10_fair::check(trial).await,
            Law::Halves => law_11_halves::check(trial).await,
        }
    });
    Ok(())
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref().map(String::as_str)).unwrap_or("without words")
}

/// The verdicts of one law's checks.
#[derive(Default)]
struct Tally {
    count: u64,
    not_applicable: Vec<Note>,
    failures: Vec<Note>,
}

impl Tally {
    fn note(&mut self, check: &'static str, verdict: Result<u64, Stop>) {
        match verdict {
            Ok(count) => self.count += count,
            Err(Stop::NotApplicable(why)) => self.not_applicable.push(Note { check, why }),
            Err(Stop::Failed(why)) => self.failures.push(Note { check, why }),
        }
    }

    fn into_outcome(self) -> Outcome {
        let Self { count, not_applicable, failures } = self;
        if !failures.is_empty() {
            Outcome::Failed { count, failures }
        } else if count == 0 {
            Outcome::NotApplicable { why: not_applicable }
        } else {
            Outcome::Checked { count, not_applicable }
        }
    }
}
