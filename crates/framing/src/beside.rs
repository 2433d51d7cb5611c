//! What stands beside the bytes at hand: what came along with them, until the message is whole to
//! which it belongs; and what few receivers need, how receiving failed and which frames were given up.
//!
//! ```text
//!  unread  ▕ F ......... │ G ... │ H ......
//!  reads   └─── 1 ───┴──── 2 ────────┴─ 3 ┘
//!  runs       end ┘+fds        end ┘+fds
//! ```
//!
//! **Descriptors belong to the message that holds the last byte of the read which brought them**: of
//! read 1 to F, of read 2 to H. A read may begin with plain bytes that were sent before them, as many
//! as there are, and never goes on behind the bytes of the call that passed them; so its last byte is
//! one of that call, however much was read. Who sends descriptors by a call that stays within one
//! message, as [`passing`](crate::passing) does, has them arrive with that message at every size of
//! reads; that may be the whole of it, its header alone or its payload alone. Of several messages sent
//! by one call it is one of those that the first read ended in, mostly the last.
//!
//! Credentials are those of all bytes of a message, its marks included; if they differ, or if some
//! were received before they were asked for, it has none: nobody vouches for the whole of it.
//!
//! At most 253 descriptors wait for one message to become whole; more end the connection.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use anysock_core::{Arrival, Attached, Credentials, Passed};

use crate::{Error, ErrorKind};

/// The most descriptors of one message.
const MOST: usize = Attached::MAX_DESCRIPTORS;

/// At most so many runs are told apart, twice what descriptors can make.
const RUNS: usize = 2 * (MOST + 1);

/// Beside the bytes of a stream that are not handed out yet.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    runs: VecDeque<Run>,
    /// Descriptors in those, of which a loss counts as one.
    waiting: usize,
    /// That of a message that was lost.
    error: Option<Error>,
    /// Why receiving ended, if not in order.
    failure: Option<Error>,
    counts: Counts,
}

/// What a transport counts of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Messages that were lost.
    pub(crate) lost: u64,
    /// Descriptors that were closed.
    pub(crate) closed: u64,
    /// Frames that were given up.
    pub(crate) discarded: u64,
    /// Bytes of those.
    pub(crate) discarded_bytes: u64,
}

/// Bytes of one sender, from the end of the run before it on; descriptors that came with the last
/// of them.
#[derive(Debug, Default)]
struct Run {
    /// Counted from the first unread byte.
    end: usize,
    passed: Passed,
}

impl Run {
    /// Whether no descriptors came with it, nor should have.
    fn is_bare(&self) -> bool {
        self.passed.descriptors.is_empty() && !self.passed.is_truncated
    }

    /// How much it adds to what waits.
    fn weight(&self) -> usize {
        weight(&self.passed)
    }
}

fn weight(passed: &Passed) -> usize {
    passed.descriptors.len() + usize::from(passed.is_truncated)
}

impl Beside {
    /// Of `at_hand` bytes the last `read` have just come, and this with them.
    #[cold]
    pub(crate) fn note(&mut self, at_hand: usize, read: usize, passed: Passed) {
        let start = at_hand - read;
        if self.runs.back().map_or(0, |last| last.end) < start {
            // Bytes of whom nobody knows who sent them.
            self.push(start, Passed::default());
        }
        self.push(at_hand, passed);
    }

    fn push(&mut self, end: usize, passed: Passed) {
        self.waiting += weight(&passed);
        let is_many = self.runs.len() >= RUNS;
        match self.runs.back_mut() {
            Some(last)
                if last.is_bare() && (last.passed.credentials == passed.credentials || is_many) =>
            {
                let is_same = last.passed.credentials == passed.credentials;
                let credentials = passed.credentials.filter(|_| is_same);
                *last = Run { end, passed: Passed { credentials, ..passed } };
            }
            _ => self.runs.push_back(Run { end, passed }),
        }
    }

    /// Refuses to wait for more, if there is too much for a message that is not whole yet.
    ///
    /// # Errors
    ///
    /// [`TooManyDescriptors`](ErrorKind::TooManyDescriptors).
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.waiting > MOST {
            true => Err(ErrorKind::TooManyDescriptors { count: self.waiting, limit: MOST }.into()),
            false => Ok(()),
        }
    }

    /// What belongs to a message of `length` bytes, with which the first `consumed` unread bytes are
    /// done; `None` if the message is lost, which [`take_error`](Self::take_error) then tells.
    ///
    /// # Errors
    ///
    /// [`TooManyDescriptors`](ErrorKind::TooManyDescriptors).
    pub(crate) fn claim(
        &mut self,
        consumed: usize,
        length: usize,
    ) -> Result<Option<Arrival>, Error> {
        let mut arrival = Arrival::default();
        let (descriptors, is_truncated) = self.take(consumed, &mut arrival.credentials);
        let count = descriptors.len();
        if count > MOST {
            self.counts.closed += count as u64;
            return Err(ErrorKind::TooManyDescriptors { count, limit: MOST }.into());
        }
        if is_truncated {
            self.counts.closed += count as u64;
            self.counts.lost += 1;
            self.error = Some(ErrorKind::DescriptorsLost { length, taken: count }.into());
            return Ok(None);
        }
        arrival.descriptors = descriptors;
        Ok(Some(arrival))
    }

    /// The first `consumed` unread bytes are done with, and are of no message.
    pub(crate) fn skip(&mut self, consumed: usize) {
        let (descriptors, _) = self.take(consumed, &mut None);
        self.counts.closed += descriptors.len() as u64;
    }

    /// As [`skip`](Self::skip), of a frame that is given up; whether they begin it.
    pub(crate) fn discard(&mut self, consumed: usize, begins: bool) {
        self.skip(consumed);
        self.counts.discarded += u64::from(begins);
        self.counts.discarded_bytes += consumed as u64;
    }

    /// The error of a message that was lost.
    pub(crate) fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }

    pub(crate) fn has_error(&self) -> bool {
        self.error.is_some()
    }

    /// Receiving has ended by this.
    pub(crate) fn fail(&mut self, failure: Error) {
        self.failure = Some(failure);
    }

    /// What it has ended by, if not in order.
    pub(crate) fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether there is nothing to remember.
    pub(crate) fn is_over(&self) -> bool {
        self.runs.is_empty()
            && self.error.is_none()
            && self.failure.is_none()
            && self.counts == Counts::default()
    }

    /// Closes all descriptors, and remembers how many were.
    pub(crate) fn clear(&mut self) {
        let waiting = self.runs.drain(..).map(|run| run.passed.descriptors.len() as u64);
        self.counts.closed += waiting.sum::<u64>();
        (self.waiting, self.error) = (0, None);
    }

    /// Descriptors whose run ends within the first `consumed` bytes, and whether some are missing;
    /// the credentials of all of these bytes.
    fn take(
        &mut self,
        consumed: usize,
        credentials: &mut Option<Credentials>,
    ) -> (Vec<OwnedFd>, bool) {
        let (mut descriptors, mut is_truncated) = (Vec::new(), false);
        let first = self.runs.front().and_then(|run| run.passed.credentials);
        let last = self.runs.back().map_or(0, |run| run.end);
        *credentials = first.filter(|_| consumed <= last);
        let mut end = 0;
        while end < consumed {
            let Some(run) = self.runs.front_mut() else { break };
            if run.passed.credentials != first {
                *credentials = None;
            }
            end = run.end;
            if end > consumed {
                break;
            }
            is_truncated |= run.passed.is_truncated;
            self.waiting -= run.weight();
            let passed = self.runs.pop_front().map(|run| run.passed.descriptors);
            match passed.unwrap_or_default() {
                only if descriptors.is_empty() => descriptors = only,
                more => descriptors.extend(more),
            }
        }
        for run in &mut self.runs {
            run.end -= consumed;
        }
        (descriptors, is_truncated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::fs::File;

    const ROOT: Credentials = Credentials { pid: Some(1), uid: 0, gid: 0 };
    const OTHER: Credentials = Credentials { pid: Some(2), uid: 7, gid: 7 };

    fn passed(count: usize, credentials: Option<Credentials>) -> Passed {
        let files = (0..count).map(|_| File::open("/dev/null").unwrap().into());
        Passed { descriptors: files.collect(), credentials, is_truncated: false }
    }

    fn truncated() -> Passed {
        Passed { is_truncated: true, ..Passed::default() }
    }

    /// How many descriptors belong to the next message of so many bytes, and its credentials.
    fn claim(beside: &mut Beside, consumed: usize) -> (usize, Option<Credentials>) {
        let arrival = beside.claim(consumed, consumed).unwrap().unwrap();
        (arrival.descriptors.len(), arrival.credentials)
    }

    #[test]
    fn descriptors_belong_to_the_message_that_holds_the_last_byte_of_their_read() {
        let mut beside = Beside::default();
        beside.note(3, 3, passed(1, None)); // of the first message
        beside.note(10, 7, passed(2, None)); // ends in the third
        beside.note(12, 2, passed(3, None)); // with the last byte of the third
        assert_eq!(claim(&mut beside, 5), (1, None));
        assert_eq!(claim(&mut beside, 4), (0, None));
        assert_eq!(claim(&mut beside, 3), (5, None));
        assert!(beside.is_over());
        assert_eq!(beside.waiting, 0);
    }

    #[test]
    fn credentials_are_those_of_all_bytes_of_a_message_or_none() {
        let mut beside = Beside::default();
        beside.note(6, 6, passed(0, Some(ROOT)));
        beside.note(9, 3, passed(0, Some(OTHER)));
        assert_eq!(claim(&mut beside, 2), (0, Some(ROOT)));
        assert_eq!(claim(&mut beside, 5), (0, None));
        assert_eq!(claim(&mut beside, 1), (0, Some(OTHER)));
        beside.note(4, 3, passed(0, Some(ROOT))); // the first byte was not known of
        beside.note(9, 5, passed(1, Some(ROOT)));
        assert_eq!(claim(&mut beside, 2), (0, None));
        assert_eq!(claim(&mut beside, 2), (0, Some(ROOT)));
        assert_eq!(beside.runs.len(), 1, "runs of one sender are one");
        assert_eq!(claim(&mut beside, 6), (1, None), "the last byte is not known of");
        assert!(beside.is_over());
    }

    #[test]
    fn as_many_as_a_message_carries_wait_for_it_and_no_more() {
        let mut beside = Beside::default();
        for at_hand in 1..=MOST {
            beside.note(at_hand, 1, passed(1, None));
            beside.check().unwrap();
        }
        beside.note(MOST + 1, 1, truncated());
        let error = beside.check().unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::TooManyDescriptors { count: 254, limit: 253 }),
            "{error}"
        );
        beside.note(MOST + 2, 1, passed(1, None));
        let error = beside.claim(MOST + 2, 1).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::TooManyDescriptors { count: 254, .. }),
            "{error}"
        );
        assert_eq!(beside.counts().closed, 254);
    }

    #[test]
    fn a_message_may_have_all_that_one_carries() {
        let mut beside = Beside::default();
        beside.note(5, 5, passed(MOST, None));
        assert_eq!(claim(&mut beside, 5), (MOST, None));
    }

    #[test]
    fn where_there_are_too_many_senders_to_tell_apart_nobody_vouches_for_the_last() {
        let mut beside = Beside::default();
        let sender = |number: usize| Some(if number % 2 == 0 { ROOT } else { OTHER });
        for number in 0..RUNS {
            beside.note(number + 1, 1, passed(0, sender(number)));
        }
        beside.note(RUNS + 1, 1, passed(0, sender(RUNS)));
        assert_eq!(beside.runs.len(), RUNS);
        for number in 0..RUNS - 1 {
            assert_eq!(claim(&mut beside, 1), (0, sender(number)), "{number}");
        }
        assert_eq!(claim(&mut beside, 1), (0, None));
        assert_eq!(claim(&mut beside, 1), (0, None));
        assert!(beside.is_over());
    }

    #[test]
    fn a_message_whose_descriptors_are_missing_is_lost_alone() {
        let mut beside = Beside::default();
        beside.note(3, 3, passed(2, None));
        beside.note(4, 1, truncated());
        beside.note(9, 5, passed(1, None));
        assert!(beside.claim(5, 4).unwrap().is_none());
        let error = beside.take_error().unwrap();
        assert!(
            matches!(error.kind(), ErrorKind::DescriptorsLost { length: 4, taken: 2 }),
            "{error}"
        );
        assert_eq!(claim(&mut beside, 4), (1, None));
        assert_eq!(beside.counts(), Counts { lost: 1, closed: 2, ..Counts::default() });
    }

    #[test]
    fn what_is_skipped_or_given_up_is_counted() {
        let mut beside = Beside::default();
        beside.note(3, 3, passed(2, None));
        beside.skip(2);
        assert_eq!(beside.counts().closed, 0);
        beside.skip(1);
        assert_eq!(beside.counts().closed, 2);
        beside.note(3, 3, passed(3, None));
        beside.clear();
        assert_eq!((beside.counts().closed, beside.waiting), (5, 0));
    }

    /// A read of so many bytes, with so many descriptors and of this sender; or a message that is
    /// taken out, as a part of what is at hand in 1/16.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Read { bytes: usize, count: usize, sender: Option<u32> },
        Take { part: usize },
    }

    fn step() -> impl Strategy<Value = Step> {
        let read = (1..9_usize, 0..3_usize, proptest::option::of(0..2_u32));
        prop_oneof![
            read.prop_map(|(bytes, count, sender)| Step::Read { bytes, count, sender }),
            (1..=16_usize).prop_map(|part| Step::Take { part }),
        ]
    }

    proptest! {
        #[test]
        fn every_byte_has_what_was_passed_with_it(steps in vec(step(), 1..60)) {
            let mut beside = Beside::default();
            // Of each unread byte the sender, and how many descriptors came with it.
            let mut unread: VecDeque<(Option<u32>, usize)> = VecDeque::new();
            for step in steps {
                match step {
                    Step::Read { bytes, count, sender } => {
                        unread.extend(std::iter::repeat_n((sender, 0), bytes));
                        unread.back_mut().unwrap().1 += count;
                        let credentials =
                            sender.map(|uid| Credentials { pid: None, uid, gid: uid });
                        let passed = passed(count, credentials);
                        if !passed.is_empty() {
                            beside.note(unread.len(), bytes, passed);
                        }
                    }
                    Step::Take { part } => {
                        let consumed = (unread.len() * part).div_ceil(16);
                        if consumed == 0 {
                            continue;
                        }
                        let taken: Vec<_> = unread.drain(..consumed).collect();
                        let count = taken.iter().map(|(_, with)| with).sum::<usize>();
                        let first = taken[0].0;
                        let is_one = taken.iter().all(|(sender, _)| *sender == first);
                        let (descriptors, credentials) = claim(&mut beside, consumed);
                        prop_assert_eq!(descriptors, count);
                        prop_assert_eq!(credentials.map(|who| who.uid), first.filter(|_| is_one));
                    }
                }
            }
            prop_assert_eq!(beside.waiting, unread.iter().map(|(_, with)| with).sum::<usize>());
        }
    }

    #[test]
    fn however_often_senders_change_no_more_runs_are_held() {
        let mut beside = Beside::default();
        for at_hand in 1..10 * RUNS {
            let credentials = if at_hand % 2 == 0 { ROOT } else { OTHER };
            beside.note(at_hand, 1, passed(0, Some(credentials)));
        }
        assert!(beside.runs.len() <= RUNS);
        assert_eq!(claim(&mut beside, 1), (0, Some(OTHER)));
        assert_eq!(claim(&mut beside, 10 * RUNS - 2), (0, None));
    }
}
