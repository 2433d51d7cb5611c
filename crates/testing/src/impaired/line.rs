//! One direction: what is on its way, and when it arrives.
//!
//! ```text
//! judge ──> commit ──lost──> gone
//!              │
//!            hold ──> held, by the time it is due ──poll_due──> pop
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, Sleep};

use super::control::{Control, Side};
use super::decision::Decision;
use super::dice::Dice;
use super::impairments::Impairments;
use super::seed::Seed;
use super::trace::Happening;

/// Messages shorter than this are copied before they wait, lest ten bytes keep a large block
/// alive.
const COPIED: usize = 4 * 1024;

/// One direction. `A` is what is attached to a message on its way.
pub(super) struct Line<A> {
    impairments: Impairments,
    seed: Seed,
    dice: Dice,
    control: Arc<Control>,
    side: Side,
    label: Arc<str>,
    /// The number of the next message.
    next: u64,
    held: BTreeMap<(Instant, u64), Parcel<A>>,
    held_bytes: usize,
    /// Tells apart what is due at the same time.
    turn: u64,
    /// When the last message will have passed, as the bandwidth allows.
    free_at: Instant,
    /// When the last message is due that was not held back: no later one is before it.
    last_due: Instant,
    stalled_until: Option<Instant>,
    partitioned_until: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// A message on its way.
#[derive(Debug)]
pub(super) struct Parcel<A> {
    pub(super) bytes: Bytes,
    pub(super) along: A,
}

impl<A: Default> Line<A> {
    pub(super) fn new(seed: Seed, control: Arc<Control>, side: Side, label: Arc<str>) -> Self {
        let now = Instant::now();
        Self {
            impairments: Impairments::none(),
            seed,
            dice: Dice::new(seed, side as u64),
            control,
            side,
            label,
            next: 0,
            held: BTreeMap::new(),
            held_bytes: 0,
            turn: 0,
            free_at: now,
            last_due: now,
            stalled_until: None,
            partitioned_until: None,
            timer: None,
        }
    }

    pub(super) fn impair(&mut self, impairments: Impairments) {
        self.impairments = impairments;
    }

    pub(super) fn impairments(&self) -> &Impairments {
        &self.impairments
    }

    pub(super) fn control(&self) -> &Arc<Control> {
        &self.control
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Whether another message fits.
    pub(super) fn has_room(&self) -> bool {
        let Impairments { max_messages, max_bytes, .. } = self.impairments;
        self.held.len() < max_messages && self.held_bytes < max_bytes
    }

    /// Whether a message to which nothing is done would pass at once.
    pub(super) fn is_free(&self) -> bool {
        let over = |until: Option<Instant>| until.is_none_or(|until| until <= Instant::now());
        self.is_empty()
            && self.impairments.bandwidth.is_none()
            && over(self.stalled_until)
            && !self.is_parted()
            && !self.control.is_held_up(self.impairments.loses())
    }

    /// Whether the two ends are parted, so that messages wait or are lost.
    fn is_parted(&self) -> bool {
        let until = self.partitioned_until;
        until.is_some_and(|until| until > Instant::now()) || self.control.is_partitioned()
    }

    /// What is to be done to the next message, of `length` bytes. As often as it is asked, the
    /// answer is the same.
    pub(super) fn judge(&mut self, length: usize) -> Decision {
        let dice = self.dice.turn_to(self.next);
        Decision::of(dice, &self.impairments, length)
    }

    /// Counts the message as come by; whether anything of it goes on.
    pub(super) fn commit(&mut self, mut decision: Decision, length: usize) -> bool {
        let now = Instant::now();
        let until = |lasts: Duration| now + lasts;
        if let Some(lasts) = decision.stalled {
            self.stalled_until = self.stalled_until.max(Some(until(lasts)));
        }
        if let Some(lasts) = decision.partitioned {
            let loses = self.impairments.loses();
            let ends = if loses { &mut self.partitioned_until } else { &mut self.stalled_until };
            *ends = (*ends).max(Some(until(lasts)));
        }
        decision.lost |= self.is_parted() && self.impairments.loses();
        let what = Happening::Message { number: self.next, length, decision };
        self.control.journal().write(&self.label, what);
        self.next += 1;
        if decision.reset {
            self.control.reset();
        }
        let goes_on = !decision.lost && !decision.reset;
        if !goes_on {
            self.passes(length);
        }
        goes_on
    }

    /// Puts a message on its way.
    pub(super) fn hold(&mut self, decision: &Decision, bytes: Bytes, along: A) {
        let passed = self.passes(bytes.len());
        let bytes = damaged(decision, bytes);
        let due = passed + decision.delay;
        let due = match decision.held_back {
            Some(time) => due + time,
            None => {
                self.last_due = self.last_due.max(due);
                self.last_due
            }
        };
        let copy = decision.duplicated.then(|| bytes.clone());
        self.insert(due, Parcel { bytes, along });
        if let Some(bytes) = copy {
            self.insert(due, Parcel { bytes, along: A::default() });
        }
    }

    /// Waits until the first message is due; for ever if there is none.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.control.register(self.side, cx);
        let Some((&(due, _), _)) = self.held.first_key_value() else {
            self.timer = None;
            return Poll::Pending;
        };
        if self.control.is_held_up(self.impairments.loses()) {
            return Poll::Pending;
        }
        let due = self.stalled_until.map_or(due, |until| until.max(due));
        if due > Instant::now() {
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            if timer.deadline() != due {
                timer.as_mut().reset(due);
            }
            ready!(timer.as_mut().poll(cx));
        }
        Poll::Ready(())
    }

    /// The first message, if it is due, whatever holds it up.
    pub(super) fn pop_arrived(&mut self) -> Option<Parcel<A>> {
        let (&(due, _), _) = self.held.first_key_value()?;
        if due > Instant::now() { None } else { self.pop() }
    }

    /// The first message.
    pub(super) fn pop(&mut self) -> Option<Parcel<A>> {
        let (_, parcel) = self.held.pop_first()?;
        self.held_bytes -= parcel.bytes.len();
        Some(parcel)
    }

    /// Loses all that is on its way.
    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.held_bytes = 0;
        self.timer = None;
    }

    /// When a message of this length will have passed, if it begins now.
    fn passes(&mut self, length: usize) -> Instant {
        let now = Instant::now();
        let Some(bandwidth) = self.impairments.bandwidth else { return now };
        let nanos = length as u128 * 1_000_000_000 / u128::from(bandwidth);
        let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.free_at = self.free_at.max(now) + takes;
        self.free_at
    }

    fn insert(&mut self, due: Instant, parcel: Parcel<A>) {
        self.held_bytes += parcel.bytes.len();
        self.held.insert((due, self.turn), parcel);
        self.turn += 1;
    }
}

/// Without the messages themselves.
impl<A> fmt::Debug for Line<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("label", &self.label)
            .field("seed", &self.seed)
            .field("impairments", &self.impairments)
            .field("next", &self.next)
            .field("messages", &self.held.len())
            .field("bytes", &self.held_bytes)
            .finish_non_exhaustive()
    }
}

/// How long one more message would be on its way, over a line as this.
pub(crate) fn travel_time(impairments: &Impairments, seed: Seed) -> Duration {
    let (range, spread) = &impairments.delay;
    Dice::new(seed, 0).time(range, *spread)
}

/// The message as it arrives, in an allocation of about its own size.
fn damaged(decision: &Decision, mut bytes: Bytes) -> Bytes {
    if let Some(left) = decision.truncated {
        bytes.truncate(left);
    }
    match decision.corrupted {
        Some(bit) => {
            let mut bytes = BytesMut::from(&bytes[..]);
            bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
            bytes.freeze()
        }
        None if bytes.len() < COPIED => Bytes::copy_from_slice(&bytes),
        None => bytes,
    }
}
