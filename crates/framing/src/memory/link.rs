//! What the two ends of an in-memory transport share: two bounded queues, and how they ended.
//!
//! ```text
//! sender     Open --close, drop--> Ended
//! receiver   Open --drop--> Gone { unread: were messages lost? }
//! link       whole --reset--> reset
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use anysock_async::Departure;
use bytes::Bytes;
use tokio::task::coop;

use crate::{Error, ErrorKind};

/// Both directions, behind one lock that is held for a few instructions at a time.
#[derive(Debug)]
pub(super) struct Link(Mutex<State>);

/// One end's view of the link: which direction it sends in.
#[derive(Clone, Debug)]
pub(super) struct End {
    link: Arc<Link>,
    side: usize,
}

/// What was taken out of the queue.
pub(super) enum Taken {
    Message(Bytes),
    TooLong { length: usize },
}

#[derive(Debug)]
struct State {
    directions: [Direction; 2],
    reset: bool,
    /// Those who wait until one end is gone, of either side.
    watchers: Vec<Waker>,
}

struct Direction {
    queue: VecDeque<Bytes>,
    bytes: usize,
    watermark: usize,
    max_queued: usize,
    sender: Sender,
    receiver: Receiver,
    sender_waker: Option<Waker>,
    receiver_waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    Open,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receiver {
    Open,
    Gone { unread: bool },
}

/// Whether another message can be sent.
enum Room {
    Free,
    Full,
    Closed,
    Broken(io::ErrorKind),
}

/// What is done once the lock is released, because it runs other people's code: wakers, and
/// what owns the messages.
#[derive(Default)]
struct Afterwards {
    wake: [Option<Waker>; 4],
    replaced: Option<Waker>,
    discarded: VecDeque<Bytes>,
    watchers: Vec<Waker>,
}

impl Link {
    pub(super) fn new(watermark: usize, max_queued: usize) -> Self {
        let direction = || Direction {
            queue: VecDeque::new(),
            bytes: 0,
            watermark,
            max_queued,
            sender: Sender::Open,
            receiver: Receiver::Open,
            sender_waker: None,
            receiver_waker: None,
        };
        Self(Mutex::new(State {
            directions: [direction(), direction()],
            reset: false,
            watchers: Vec::new(),
        }))
    }

    fn with<R>(&self, operation: impl FnOnce(&mut State, &mut Afterwards) -> R) -> R {
        let mut afterwards = Afterwards::default();
        // A panic while the lock is held would be our own; it leaves the queues consistent.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let result = operation(&mut state, &mut afterwards);
        drop(state);
        afterwards.wake.into_iter().flatten().for_each(Waker::wake);
        afterwards.watchers.into_iter().for_each(Waker::wake);
        result
    }
}

impl End {
    pub(super) fn both(link: Arc<Link>) -> [Self; 2] {
        [0, 1].map(|side| Self { link: Arc::clone(&link), side })
    }

    /// Waits until the peer's queue takes a message.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.link.with(|state, afterwards| match state.room(self.side) {
            Room::Full => {
                let waker = &mut state.directions[self.side].sender_waker;
                afterwards.register(waker, cx);
                Poll::Pending
            }
            Room::Broken(kind) => Poll::Ready(Err(io::Error::from(kind).into())),
            // That this side is closed is for `start_send` to say.
            Room::Free | Room::Closed => Poll::Ready(Ok(())),
        })
    }

    /// Whether the peer's queue takes a message now.
    pub(super) fn check_room(&self) -> Result<(), Error> {
        match self.link.with(|state, _| state.room(self.side)) {
            Room::Free => Ok(()),
            Room::Full => Err(ErrorKind::NotReady.into()),
            Room::Closed => Err(ErrorKind::Closed.into()),
            Room::Broken(kind) => Err(io::Error::from(kind).into()),
        }
    }

    /// Whether the connection was reset.
    pub(super) fn check_reset(&self) -> Result<(), Error> {
        self.link.with(|state, _| if state.reset { Err(reset()) } else { Ok(()) })
    }

    /// Puts a message into the peer's queue, which has room.
    pub(super) fn push(&self, message: Bytes) {
        self.link.with(|state, afterwards| {
            let outgoing = &mut state.directions[self.side];
            if let Receiver::Gone { unread } = &mut outgoing.receiver {
                // It went between the check for room and now: accepted, and lost.
                *unread = true;
                afterwards.discarded.push_back(message);
                return;
            }
            outgoing.bytes += message.len();
            outgoing.queue.push_back(message);
            afterwards.wake(&mut outgoing.receiver_waker);
        });
    }

    /// Waits for the next message; `None` at the end.
    pub(super) fn poll_take(
        &self,
        cx: &mut Context<'_>,
        max: usize,
    ) -> Poll<Result<Option<Taken>, Error>> {
        self.link.with(|state, afterwards| {
            let incoming = &mut state.directions[1 - self.side];
            if let Some(message) = incoming.pop(afterwards) {
                let length = message.len();
                let taken = if length <= max {
                    Taken::Message(message)
                } else {
                    afterwards.discarded.push_back(message);
                    Taken::TooLong { length }
                };
                return Poll::Ready(Ok(Some(taken)));
            }
            state.poll_end(self.side, cx, afterwards).map_ok(|()| None)
        })
    }

    /// Hands out at most `most` messages that are there, while the task's budget lasts, up to
    /// one that is longer than `max`.
    pub(super) fn take_more(&self, most: usize, max: usize, mut each: impl FnMut(Bytes)) {
        self.link.with(|state, afterwards| {
            let incoming = &mut state.directions[1 - self.side];
            for _ in 0..most {
                let fits = incoming.queue.front().is_some_and(|message| message.len() <= max);
                if !fits || !coop::has_budget_remaining() {
                    return;
                }
                incoming.pop(afterwards).into_iter().for_each(&mut each);
            }
        });
    }

    /// Discards what arrives until the peer's end.
    pub(super) fn poll_discard(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.link.with(|state, afterwards| {
            state.directions[1 - self.side].clear(afterwards);
            state.poll_end(self.side, cx, afterwards)
        })
    }

    /// Bytes that wait to be received.
    pub(super) fn held(&self) -> usize {
        self.link.with(|state, _| state.directions[1 - self.side].bytes)
    }

    /// Waits until the other end, or this one, has dropped both halves, or the link is reset.
    pub(super) fn poll_departure(&self, cx: &mut Context<'_>) -> Poll<Departure> {
        self.link.with(|state, _| {
            if state.reset || state.is_gone(1 - self.side) {
                return Poll::Ready(Departure::HungUp);
            }
            if state.is_gone(self.side) {
                return Poll::Ready(Departure::Dropped);
            }
            if !state.watchers.iter().any(|waker| waker.will_wake(cx.waker())) {
                state.watchers.push(cx.waker().clone());
            }
            Poll::Pending
        })
    }

    /// Nothing more will be sent.
    pub(super) fn end_sending(&self) {
        self.link.with(|state, afterwards| {
            let outgoing = &mut state.directions[self.side];
            outgoing.sender = Sender::Ended;
            afterwards.wake(&mut outgoing.receiver_waker);
            afterwards.watchers.append(&mut state.watchers);
        });
    }

    /// Nothing more will be received.
    pub(super) fn stop_receiving(&self) {
        self.link.with(|state, afterwards| {
            let incoming = &mut state.directions[1 - self.side];
            incoming.receiver = Receiver::Gone { unread: !incoming.queue.is_empty() };
            incoming.clear(afterwards);
            afterwards.wake(&mut incoming.sender_waker);
            afterwards.watchers.append(&mut state.watchers);
        });
    }

    /// Breaks both directions.
    pub(super) fn reset(&self) {
        self.link.with(|state, afterwards| {
            state.reset = true;
            afterwards.watchers.append(&mut state.watchers);
            for direction in &mut state.directions {
                afterwards.wake(&mut direction.sender_waker);
                afterwards.wake(&mut direction.receiver_waker);
            }
        });
    }
}

impl State {
    /// Whether this side neither sends nor receives any more.
    fn is_gone(&self, side: usize) -> bool {
        self.directions[side].sender == Sender::Ended
            && self.directions[1 - side].receiver != Receiver::Open
    }

    fn room(&self, side: usize) -> Room {
        let outgoing = &self.directions[side];
        match outgoing.receiver {
            _ if outgoing.sender == Sender::Ended => Room::Closed,
            _ if self.reset => Room::Broken(io::ErrorKind::ConnectionReset),
            Receiver::Gone { .. } => Room::Broken(io::ErrorKind::BrokenPipe),
            Receiver::Open if outgoing.has_room() => Room::Free,
            Receiver::Open => Room::Full,
        }
    }

    /// How the empty incoming direction ended, if it did.
    fn poll_end(
        &mut self,
        side: usize,
        cx: &mut Context<'_>,
        afterwards: &mut Afterwards,
    ) -> Poll<Result<(), Error>> {
        // The peer has left without reading all that was sent to it. To call that an orderly
        // end would lose messages in silence.
        let lost = self.directions[side].receiver == Receiver::Gone { unread: true };
        let incoming = &mut self.directions[1 - side];
        let ended = incoming.sender == Sender::Ended;
        if self.reset || ended && lost {
            return Poll::Ready(Err(reset()));
        }
        if ended {
            return Poll::Ready(Ok(()));
        }
        // An idle connection holds no memory.
        incoming.queue = VecDeque::new();
        afterwards.register(&mut incoming.receiver_waker, cx);
        Poll::Pending
    }
}

impl Direction {
    fn has_room(&self) -> bool {
        self.bytes < self.watermark && self.queue.len() < self.max_queued
    }

    fn pop(&mut self, afterwards: &mut Afterwards) -> Option<Bytes> {
        let message = self.queue.pop_front()?;
        self.bytes -= message.len();
        if self.has_room() {
            afterwards.wake(&mut self.sender_waker);
        }
        Some(message)
    }

    fn clear(&mut self, afterwards: &mut Afterwards) {
        afterwards.discarded.append(&mut self.queue);
        self.bytes = 0;
        afterwards.wake(&mut self.sender_waker);
    }
}

/// Without the messages themselves.
impl fmt::Debug for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direction")
            .field("messages", &self.queue.len())
            .field("bytes", &self.bytes)
            .field("sender", &self.sender)
            .field("receiver", &self.receiver)
            .finish_non_exhaustive()
    }
}

impl Afterwards {
    fn wake(&mut self, waker: &mut Option<Waker>) {
        if let Some(free) = self.wake.iter_mut().find(|free| free.is_none()) {
            *free = waker.take();
        }
    }

    fn register(&mut self, waker: &mut Option<Waker>, cx: &Context<'_>) {
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.replaced = waker.replace(cx.waker().clone());
        }
    }
}

fn reset() -> Error {
    io::Error::from(io::ErrorKind::ConnectionReset).into()
}
