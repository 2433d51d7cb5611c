//! Waiting until the peer is gone, without reading, and beside whoever reads.
//!
//! ```text
//!  TCP    Open ── the peer's end ──> Ended ── both directions over ──> HungUp
//!  unix   Open ──────────────────────────── both directions over ──> HungUp
//!         any ── this side is dropped ──> Dropped
//! ```
//!
//! A duplicate descriptor is registered for it, once for all who wait: what the reactor says of
//! the first one never tells an end of receiving from that of the connection, and says it for
//! ever. Registered for urgent bytes alone, the kernel tells of nothing but those and a hang-up.
//! Who waits does not own the duplicate, so that it never keeps a connection open that this side
//! has dropped.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use anysock_core::{Domain, Socket, TcpState};
use tokio::io::Interest;

use crate::nap::Nap;
use crate::sys::Watched;

/// How a peer has gone.
///
/// ```
/// use anysock_async::Departure;
/// fn is_certain(how: Departure) -> bool {
///     how != Departure::Ended // he may still read
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Departure {
    /// TCP: the peer's end (FIN) has come. He has closed or was killed, or has only shut down his
    /// sending direction and still reads: nothing on the wire tells these apart, until something
    /// is sent to him. On unix they are told apart, and this never comes.
    Ended,
    /// Neither direction is open: the peer has closed, the connection was reset, or whoever holds
    /// a duplicate of a descriptor has shut it down. What was received before can still be read.
    HungUp,
    /// This side was dropped, so that nobody is there to be told of the peer; or its runtime was.
    Dropped,
}

/// Resolves when the peer is gone: it reads nothing, and takes no waker from who does. Made by
/// the `closed` method of sockets and transports.
///
/// | cell | the peer closes, is killed, or resets | he shuts down his sending direction |
/// |---|---|---|
/// | unix stream, unix seqpacket | [`HungUp`](Departure::HungUp) | nothing: he is still there |
/// | TCP | [`Ended`](Departure::Ended), after a reset `HungUp` | `Ended`: it looks the same |
/// | datagrams | there is no such thing: making one is a typed error | |
///
/// It resolves for everything that is over: both directions shut down, by either side or by another
/// process that holds a duplicate, are `HungUp`; over multipath TCP receiving that was shut down on
/// this side is `Ended`. It resolves with data unread (on TCP with as much as the receive buffer
/// holds: the end comes behind the rest, once there is room for it), and again for each who asks
/// later. A peer that vanishes without a word (power, network) is found gone by
/// [`keepalive`](anysock_core::Options::keepalive) or by sending, and then `HungUp`.
///
/// It is detached from the connection, so that one task may wait for both, and keeps neither it
/// nor its descriptor open. All that are made while one of them lives share one descriptor more.
///
/// # Cancel safety
///
/// It may be dropped at any time; what has happened is told to the next one.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::{Closed, Departure, StreamSocket};
///
/// let (near, far) = StreamSocket::pair()?;
/// let closed: Closed = near.closed()?;
/// tokio::spawn(async move { drop(far) });
/// assert_eq!(closed.await, Departure::HungUp);
/// # Ok::<_, std::io::Error>(()) })?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[must_use = "it waits for nothing unless it is polled"]
pub struct Closed {
    inner: Inner,
    past_half_close: bool,
}

enum Inner {
    Watch { watch: Arc<Watch>, key: u64 },
    Other(Pin<Box<dyn Future<Output = Departure> + Send>>),
}

impl Closed {
    /// As `future` has it, for a transport that is no socket.
    pub fn from_future(future: impl Future<Output = Departure> + Send + 'static) -> Self {
        Self { inner: Inner::Other(Box::pin(future)), past_half_close: false }
    }

    /// Does not resolve with [`Departure::Ended`], but waits until neither direction is open: for
    /// servers whose peers half-close and then read the replies. On TCP a peer that has closed is
    /// then found gone only when something is sent to him.
    pub fn past_half_close(mut self) -> Self {
        self.past_half_close = true;
        self
    }

    pub(crate) fn new(watch: Arc<Watch>) -> Self {
        let key = watch.keys.fetch_add(1, Ordering::Relaxed);
        Self { inner: Inner::Watch { watch, key }, past_half_close: false }
    }
}

impl Future for Closed {
    type Output = Departure;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Departure> {
        let past_half_close = self.past_half_close;
        match &mut self.inner {
            Inner::Watch { watch, key } => watch.poll(cx, *key, past_half_close),
            Inner::Other(future) => future.as_mut().poll(cx),
        }
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        if let Inner::Watch { watch, key } = &self.inner {
            watch.wakers.forget(*key);
        }
    }
}

impl fmt::Debug for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed")
            .field("past_half_close", &self.past_half_close)
            .finish_non_exhaustive()
    }
}

/// What all who wait on one connection share.
pub(crate) struct Watch {
    state: Mutex<State>,
    wakers: Arc<Wakers>,
    keys: AtomicU64,
}

enum State {
    /// The peer's end may have come, with which not everybody is content.
    Waiting {
        ended: bool,
        waiting: Waiting,
    },
    Over(Departure),
}

/// Owns the duplicate, and gives it back where there is more to wait for.
type Waiting = Pin<Box<dyn Future<Output = Heard> + Send>>;

enum Heard {
    /// The peer's end.
    End(Watched),
    /// Nothing of the peer: receiving was shut down on this side.
    Nothing(Watched),
    Over(Departure),
}

impl Watch {
    /// Watches a connection, by a duplicate of its descriptor.
    pub(crate) fn new(socket: &Socket) -> io::Result<Self> {
        let watched = Watched::new(socket.try_clone()?)?;
        let waiting: Waiting = match socket.cell().domain {
            Domain::Unix => {
                watched.register_for(HANG_UP)?;
                Box::pin(wait_for_hang_up(watched))
            }
            Domain::Ipv4 | Domain::Ipv6 => {
                watched.register_for(END)?;
                Box::pin(wait_for_end(watched))
            }
        };
        Ok(Self {
            state: Mutex::new(State::Waiting { ended: false, waiting }),
            wakers: Arc::default(),
            keys: AtomicU64::new(0),
        })
    }

    /// This side is dropped, and the duplicate with it.
    pub(crate) fn end_here(&self) {
        let mut state = self.state();
        if matches!(*state, State::Over(_)) {
            return;
        }
        let before = std::mem::replace(&mut *state, State::Over(Departure::Dropped));
        drop(state);
        drop(before);
        self.wakers.wake_all();
    }

    fn poll(&self, cx: &mut Context<'_>, key: u64, past_half_close: bool) -> Poll<Departure> {
        // Before anything is looked at, so that nothing is missed meanwhile.
        self.wakers.remember(key, cx.waker());
        let mut state = self.state();
        loop {
            let (ended, waiting) = match &mut *state {
                State::Over(departure) => return Poll::Ready(*departure),
                State::Waiting { ended: true, .. } if !past_half_close => {
                    return Poll::Ready(Departure::Ended);
                }
                State::Waiting { ended, waiting } => (ended, waiting),
            };
            let waker = Waker::from(Arc::clone(&self.wakers));
            match waiting.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(Heard::End(watched)) => {
                    (*ended, *waiting) = (true, Box::pin(register_for_hang_up(watched)));
                }
                Poll::Ready(Heard::Nothing(watched)) => {
                    *waiting = Box::pin(register_for_hang_up(watched));
                }
                Poll::Ready(Heard::Over(departure)) => *state = State::Over(departure),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// Without receiving, so that the kernel tells of the end of both directions and of no other.
const HANG_UP: Interest = Interest::PRIORITY;

/// With receiving, so that it tells of the peer's end.
const END: Interest = Interest::PRIORITY.add(Interest::READABLE);

/// Waits for the peer's end, on TCP. Nobody is woken by data: that is waited for elsewhere.
async fn wait_for_end(watched: Watched) -> Heard {
    let Ok(()) = wait_until_closed(&watched, END).await else {
        return Heard::Over(Departure::Dropped);
    };
    // The peer's end is that of the whole connection there, and no path of it need have ended. This
    // side's own looks the same.
    let is_multipath = watched.socket().is_multipath().unwrap_or(false);
    match watched.socket().tcp_info().map(|info| info.state) {
        Ok(TcpState::CloseWait) | Err(_) => Heard::End(watched),
        Ok(_) if is_multipath => Heard::End(watched),
        Ok(state) if state.peer_has_ended() => Heard::Over(Departure::HungUp),
        Ok(_) => Heard::Nothing(watched),
    }
}

/// Waits until neither direction is open.
async fn wait_for_hang_up(watched: Watched) -> Heard {
    let closed = wait_until_closed(&watched, HANG_UP).await;
    Heard::Over(closed.map_or(Departure::Dropped, |()| Departure::HungUp))
}

/// As [`wait_for_hang_up`], of what was registered for more.
async fn register_for_hang_up(watched: Watched) -> Heard {
    let mut nap = Nap::new(Duration::from_millis(5), Duration::from_secs(1));
    let mut socket = watched.into_socket();
    loop {
        let Ok(watched) = Watched::new(socket) else { return Heard::Over(Departure::Dropped) };
        match watched.register_for(HANG_UP) {
            Ok(_) => return wait_for_hang_up(watched).await,
            // The reactor is short of memory, or watches too much.
            Err(error) => tracing::warn!(%error, "cannot watch for a hang-up"),
        }
        socket = watched.into_socket();
        nap.take().await;
    }
}

/// Waits for what the reactor calls closed.
///
/// # Errors
///
/// The runtime is gone.
async fn wait_until_closed(watched: &Watched, interest: Interest) -> io::Result<()> {
    let registration = watched.register_for(interest)?;
    loop {
        let mut guard = registration.ready(Interest::PRIORITY).await?;
        if guard.ready().is_read_closed() {
            return Ok(());
        }
        // An urgent byte, of which this registration need not keep anything.
        guard.clear_ready();
    }
}

/// Whom to wake.
#[derive(Debug, Default)]
struct Wakers(Mutex<Vec<(u64, Waker)>>);

impl Wakers {
    fn remember(&self, key: u64, waker: &Waker) {
        let mut all = self.all();
        match all.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => known.clone_from(waker),
            None => all.push((key, waker.clone())),
        }
    }

    fn forget(&self, key: u64) {
        let mut all = self.all();
        let place = all.iter().position(|(known, _)| *known == key);
        let forgotten = place.map(|place| all.swap_remove(place));
        drop(all);
        drop(forgotten);
    }

    fn wake_all(&self) {
        let all = std::mem::take(&mut *self.all());
        all.into_iter().for_each(|(_, waker)| waker.wake());
    }

    fn all(&self) -> MutexGuard<'_, Vec<(u64, Waker)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}
