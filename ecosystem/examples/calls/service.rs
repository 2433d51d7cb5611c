//! A transport as a tower `Service`: requests are pipelined, and each response finds its request.
//!
//! ```text
//!  Calls (cloned at will) --request--> a task: feed, flush when none is left --> transport
//!    a slot is taken by poll_ready            |
//!  Pending <--response-- waiting, by number <-+--------- recv -------------- transport
//! ```
//!
//! A slot is held from `poll_ready` until the response has come: in order also where nobody waits for
//! it any more, because the response comes all the same, and is the dropped one's and nobody else's.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Error, RecvHalf, SendHalf};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::PollSemaphore;
use tower::Service;

/// How long responses are still awaited once nothing more can be sent.
const LAST: Duration = Duration::from_secs(1);

/// How a response finds its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// The first response is the first request's.
    ByOrder,
    /// Requests and responses begin with a number of 8 bytes, big endian.
    ById,
}

/// Why there is no response. All but `Refused` are the end of the service.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// This request was not sent; others are.
    #[error("the request was not sent: {0}")]
    Refused(Arc<Error>),
    /// Whether the request was carried out is not known.
    #[error("the transport has failed: {0}")]
    Failed(Arc<Error>),
    /// Likewise.
    #[error("the peer has ended before its response")]
    Ended,
    /// The peer does not keep to the protocol; no response can be told from another.
    #[error("the peer has answered what nobody has asked: {0}")]
    Unexpected(&'static str),
    /// The runtime was shut down.
    #[error("the task that drives the transport is gone")]
    Gone,
}

/// Calls over one transport, at most so many under way; clones share it.
#[derive(Debug)]
pub(crate) struct Calls {
    shared: Arc<Shared>,
    requests: mpsc::UnboundedSender<Request>,
    slots: PollSemaphore,
    slot: Option<OwnedSemaphorePermit>,
}

/// A response to come. Who drops it gives up the response, and disturbs no other.
#[derive(Debug)]
pub(crate) struct Pending {
    number: u64,
    answer: oneshot::Receiver<Result<Bytes, CallError>>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Request {
    number: u64,
    payload: Bytes,
    waiter: Waiter,
}

#[derive(Debug)]
struct Waiter {
    answer: oneshot::Sender<Result<Bytes, CallError>>,
    _slot: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct Shared {
    by: Match,
    slots: Arc<Semaphore>,
    state: Mutex<State>,
    /// Nobody waits any more.
    idle: Notify,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    waiting: BTreeMap<u64, Waiter>,
    over: Option<CallError>,
}

impl Calls {
    /// Drives `transport` in a task of its own, with at most `most` requests under way.
    ///
    /// # Errors
    ///
    /// [`Unmet`](anysock::ErrorKind::Unmet) where messages may be lost, or change their order and that
    /// is what they are matched by: a caller would wait for ever, or get another's response.
    pub(crate) fn new(
        transport: impl Transport + Send + 'static,
        by: Match,
        most: usize,
    ) -> Result<Self, Error> {
        transport.require(Guarantees::RELIABLE | Guarantees::BOUNDARIES)?;
        if by == Match::ByOrder {
            transport.require(Guarantees::ORDERED)?;
        }
        let slots = Arc::new(Semaphore::new(most));
        let (state, idle) = (Mutex::default(), Notify::new());
        let shared = Arc::new(Shared { by, slots: slots.clone(), state, idle });
        // Bounded by the slots.
        let (requests, taken) = mpsc::unbounded_channel();
        let (send, recv) = Box::new(transport).split_boxed();
        tokio::spawn(drive(shared.clone(), taken, send, recv));
        Ok(Self { shared, requests, slots: PollSemaphore::new(slots), slot: None })
    }
}

impl Clone for Calls {
    /// The clone has no slot yet.
    fn clone(&self) -> Self {
        let (shared, requests) = (self.shared.clone(), self.requests.clone());
        Self { shared, requests, slots: self.slots.clone(), slot: None }
    }
}

impl Service<Bytes> for Calls {
    type Response = Bytes;
    type Error = CallError;
    type Future = Pending;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        if let Some(over) = &self.shared.state().over {
            return Poll::Ready(Err(over.clone()));
        }
        if self.slot.is_none() {
            self.slot = ready!(self.slots.poll_acquire(cx));
        }
        match self.slot {
            Some(_) => Poll::Ready(Ok(())),
            None => Poll::Ready(Err(self.shared.state().over.clone().unwrap_or(CallError::Gone))),
        }
    }

    /// # Panics
    ///
    /// Unless `poll_ready` was `Ok`, as tower has it.
    fn call(&mut self, payload: Bytes) -> Pending {
        let slot = self.slot.take().expect("poll_ready comes before call");
        let (answer, answered) = oneshot::channel();
        let waiter = Waiter { answer, _slot: slot };
        // Under the lock, so that numbers are in the order of sending.
        let mut state = self.shared.state();
        let number = state.next;
        state.next += 1;
        let refused = match state.over.clone() {
            Some(over) => Some((waiter, over)),
            None => self
                .requests
                .send(Request { number, payload, waiter })
                .err()
                .map(|unsent| (unsent.0.waiter, CallError::Gone)),
        };
        drop(state);
        if let Some((waiter, error)) = refused {
            let _ = waiter.answer.send(Err(error));
        }
        Pending { number, answer: answered, shared: self.shared.clone() }
    }
}

impl Future for Pending {
    type Output = Result<Bytes, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.answer).poll(cx));
        Poll::Ready(answer.unwrap_or(Err(CallError::Gone)))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // First, such that `Shared::sent` sees it if it comes later.
        self.answer.close();
        self.shared.give_up(self.number);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sent(&self, number: u64, waiter: Waiter) {
        self.state().waiting.insert(number, waiter);
        self.give_up(number);
    }

    /// Frees the slot of a call that nobody waits for, where a late response is known for what it is.
    fn give_up(&self, number: u64) {
        let mut state = self.state();
        let is_closed = state.waiting.get(&number).is_some_and(|it| it.answer.is_closed());
        if self.by == Match::ById && is_closed {
            state.waiting.remove(&number);
            self.idle.notify_one();
        }
    }

    fn received(&self, mut message: Bytes) -> Result<(), CallError> {
        let mut state = self.state();
        let waiter = match self.by {
            Match::ByOrder => match state.waiting.pop_first() {
                Some((_, waiter)) => Some(waiter),
                None => return Err(CallError::Unexpected("nothing is under way")),
            },
            Match::ById if message.len() < 8 => {
                return Err(CallError::Unexpected("a response without a number"));
            }
            Match::ById => {
                let number = message.get_u64();
                if number >= state.next {
                    return Err(CallError::Unexpected("a number that was never given"));
                }
                // Where it is not there, it was given up.
                state.waiting.remove(&number)
            }
        };
        drop(state);
        if let Some(waiter) = waiter {
            let _ = waiter.answer.send(Ok(message));
        }
        Ok(())
    }

    fn end(&self, error: &CallError) {
        let mut state = self.state();
        state.over = Some(error.clone());
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.slots.close();
        for waiter in waiting.into_values() {
            let _ = waiter.answer.send(Err(error.clone()));
        }
    }

    fn marked(&self, number: u64, payload: Bytes) -> Bytes {
        if self.by == Match::ByOrder {
            return payload;
        }
        let mut marked = BytesMut::with_capacity(8 + payload.len());
        marked.put_u64(number);
        marked.put(payload);
        marked.freeze()
    }
}

async fn drive(
    shared: Arc<Shared>,
    mut requests: mpsc::UnboundedReceiver<Request>,
    mut send: Box<dyn SendHalf + Send>,
    mut recv: Box<dyn RecvHalf + Send>,
) {
    let error = {
        let mut receiving = std::pin::pin!(receive(&shared, &mut *recv));
        tokio::select! {
            error = &mut receiving => error,
            sent = transmit(&shared, &mut requests, &mut *send) => match sent {
                // The last clone is dropped; who has called is answered all the same.
                Ok(()) => tokio::select! {
                    error = &mut receiving => error,
                    () = answered(&shared) => CallError::Ended,
                },
                // What has come before the failure is delivered before it is told.
                Err(failed) => match tokio::time::timeout(LAST, &mut receiving).await {
                    Ok(CallError::Ended) | Err(_) => CallError::Failed(failed),
                    Ok(error) => error,
                },
            },
        }
    };
    shared.end(&error);
    requests.close();
    while let Ok(request) = requests.try_recv() {
        let _ = request.waiter.answer.send(Err(error.clone()));
    }
}

async fn transmit(
    shared: &Shared,
    requests: &mut mpsc::UnboundedReceiver<Request>,
    send: &mut (dyn SendHalf + Send),
) -> Result<(), Arc<Error>> {
    while let Some(Request { number, payload, waiter }) = requests.recv().await {
        // Given up before it was sent: it never was.
        if !waiter.answer.is_closed() {
            match send.feed(shared.marked(number, payload)).await {
                Ok(()) => shared.sent(number, waiter),
                Err(error) if error.is_fatal() => {
                    let error = Arc::new(error);
                    let _ = waiter.answer.send(Err(CallError::Failed(error.clone())));
                    return Err(error);
                }
                Err(error) => {
                    let _ = waiter.answer.send(Err(CallError::Refused(Arc::new(error))));
                }
            }
        }
        if requests.is_empty() {
            send.flush().await?;
        }
    }
    Ok(send.flush().await?)
}

async fn receive(shared: &Shared, recv: &mut (dyn RecvHalf + Send)) -> CallError {
    loop {
        match recv.recv().await {
            Ok(Some(message)) => {
                if let Err(error) = shared.received(message.into_bytes()) {
                    return error;
                }
                if shared.state().waiting.is_empty() {
                    shared.idle.notify_one();
                }
            }
            Ok(None) => return CallError::Ended,
            Err(error) => return CallError::Failed(Arc::new(error)),
        }
    }
}

async fn answered(shared: &Shared) {
    while !shared.state().waiting.is_empty() {
        shared.idle.notified().await;
    }
}
