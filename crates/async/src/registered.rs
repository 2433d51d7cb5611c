//! The one readiness loop, which every operation passes a system call.
//!
//! ```text
//!             ┌───────────── would block: clear, wait ─────────────┐
//!             v                                                    │
//!  reading: wait until readable ──> system call ──> done           │
//!                                        │ would block, although   │
//!                                        └ read-closed: closed     │
//!
//!  writing: system call ──> done                                   │
//!             │ would block, or took a part the last time          │
//!             v                                                    │
//!           wait until writable ──> system call ──> done           │
//!                                        │ would block, although   │
//!                                        └ write-closed: register anew, then nap
//! ```
//!
//! A socket is registered when it first has to wait; until then reading begins with the system
//! call as well, and a connection that is soon over costs the reactor nothing.
//!
//! tokio never clears the closed bits. A loop that clears readiness and waits again would spin
//! on them without ever yielding, so they are looked at here and nowhere else.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anysock_core::{OwnedPath, Shutdown, Socket};
use once_cell::race::OnceBox;
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};

use crate::aside::{Aside, writing_nap};
use crate::calls::{Calls, Counts, Direction, Which};
use crate::closed::Closed;
use crate::poll_budget;
use crate::sys::{Number, Watched};

/// A socket that the reactor watches once it has to wait. Shared by the halves of what is built
/// on it.
#[derive(Debug)]
pub(crate) struct Registered {
    calls: Counts,
    /// Made by the first that needs it. A word where the standard library's takes two. Goes before
    /// the socket, which keeps others from a path of its own until that is unlinked.
    aside: OnceBox<Aside>,
    watched: Watched,
}

impl Registered {
    pub(crate) fn new(socket: Socket) -> io::Result<Self> {
        Ok(Self { watched: Watched::new(socket)?, calls: Counts::default(), aside: OnceBox::new() })
    }

    pub(crate) fn socket(&self) -> &Socket {
        self.watched.socket()
    }

    /// Ends one or both directions. What waits for room learns of it from the next call.
    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.note_filled(false);
        self.socket().shutdown(how)
    }

    /// Resets the connection. What waits for room or for bytes learns of it from the next call.
    pub(crate) fn abort(&self) -> io::Result<()> {
        self.note_filled(false);
        self.socket().abort()
    }

    /// Resolves when the peer is gone.
    ///
    /// # Errors
    ///
    /// There is no such thing on datagram sockets.
    pub(crate) fn closed(&self) -> io::Result<Closed> {
        let cell = self.socket().cell();
        if cell.kind.is_connection_oriented() {
            return self.aside().closed(self.socket());
        }
        let what = format!(
            "the kernel does not tell that the peer of a {cell} socket is gone: send to it and \
             wait for its answer, with a deadline"
        );
        Err(io::Error::new(io::ErrorKind::Unsupported, what))
    }

    /// What was counted of a direction's system calls.
    pub(crate) fn calls(&self, direction: Direction) -> Calls {
        self.calls.calls(direction, self.aside.get().map(Aside::carried))
    }

    /// Lets a reader try again for a while before it waits.
    pub(crate) fn set_busy_poll(&self, longest: Duration) -> io::Result<()> {
        if longest.is_zero() && self.aside.get().is_none() {
            return Ok(());
        }
        self.aside().busy().set(longest)
    }

    /// Keeps the path to which this socket was bound, and unlinks it with the last half.
    pub(crate) fn keep_path(&self, path: OwnedPath) {
        self.aside().keep_path(path);
    }

    /// Records a reset, for whichever direction has to report it.
    pub(crate) fn record_reset(&self, error: &io::Error) {
        self.aside().record_reset(error);
    }

    /// The reset that was recorded.
    pub(crate) fn reset(&self) -> Option<io::Error> {
        self.aside.get()?.reset()
    }

    /// A receiving system call, when readable; `None` if nothing can ever be received again.
    /// One task at a time.
    pub(crate) fn poll_read_with<R>(
        &self,
        cx: &mut Context<'_>,
        mut call: impl FnMut(&Socket) -> io::Result<R>,
    ) -> Poll<io::Result<Option<R>>> {
        self.poll_read_batch(cx, |socket| call(socket).map(|done| (done, false)))
    }

    /// As [`poll_read_with`](Self::poll_read_with), for a call that tells whether it has drained
    /// the socket: then nothing is asked again before the reactor says so. What comes after the
    /// reactor has last looked is an event of its own, which clearing leaves alone.
    ///
    /// A stream is drained by falling short, unless more stands behind an urgent byte. Where one
    /// was ever seen, every read goes on until it would block.
    pub(crate) fn poll_read_batch<R>(
        &self,
        cx: &mut Context<'_>,
        mut call: impl FnMut(&Socket) -> io::Result<(R, bool)>,
    ) -> Poll<io::Result<Option<R>>> {
        self.poll_read_asking(cx, |socket, _| call(socket))
    }

    /// As [`poll_read_batch`](Self::poll_read_batch), for a call that is also told whether it
    /// matters if the socket is drained, where it costs something to know.
    pub(crate) fn poll_read_asking<R>(
        &self,
        cx: &mut Context<'_>,
        mut call: impl FnMut(&Socket, Asked) -> io::Result<(R, bool)>,
    ) -> Poll<io::Result<Option<R>>> {
        let mut early = |socket: &Socket| Ok(call(socket, Asked::Nothing)?.0);
        if let Some(done) = ready!(self.poll_busy(cx, &mut early)) {
            return Poll::Ready(done.map(Some));
        }
        let registration = match self.watched.registered() {
            Some(registration) => registration,
            None => {
                ready!(poll_budget(cx));
                if let Some(done) = self.attempt(Direction::Receive, &mut early) {
                    return Poll::Ready(done.map(Some));
                }
                self.watched.register()?
            }
        };
        let mut call = |socket: &Socket| call(socket, Asked::WhetherDrained);
        loop {
            let mut guard = ready!(registration.poll_read_ready(cx))?;
            match self.attempt(Direction::Receive, &mut call) {
                Some(Ok((done, drained))) => {
                    if drained && !is_urgent(registration) {
                        guard.clear_ready();
                    }
                    self.begin_busy_anew();
                    return Poll::Ready(Ok(Some(done)));
                }
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None if guard.ready().is_read_closed() => return Poll::Ready(Ok(None)),
                None => guard.clear_ready(),
            }
        }
    }

    /// As [`poll_read_with`](Self::poll_read_with), for any number of tasks, and also woken by
    /// an error of the socket that comes without data.
    pub(crate) async fn read_with<R>(
        &self,
        mut call: impl FnMut(&Socket) -> io::Result<R>,
    ) -> io::Result<Option<R>> {
        if let Some(done) = std::future::poll_fn(|cx| self.poll_busy(cx, &mut call)).await {
            return done.map(Some);
        }
        // Unlike polling for readiness, waiting for several kinds of it spends no budget.
        std::future::poll_fn(poll_budget).await;
        if self.watched.registered().is_none() {
            if let Some(done) = self.attempt(Direction::Receive, &mut call) {
                return done.map(Some);
            }
        }
        let registration = self.watched.register()?;
        loop {
            let mut guard = registration.ready(Interest::READABLE | Interest::ERROR).await?;
            match self.attempt(Direction::Receive, &mut call) {
                Some(done) => {
                    self.begin_busy_anew();
                    return done.map(Some);
                }
                None if guard.ready().is_read_closed() => return Ok(None),
                None => guard.clear_ready(),
            }
        }
    }

    /// Resolves when the socket has an error to report, with or without data.
    ///
    /// # Errors
    ///
    /// Those of registering; the runtime is gone.
    pub(crate) async fn error(&self) -> io::Result<()> {
        let mut guard = self.watched.register()?.ready(Interest::ERROR).await?;
        guard.clear_ready_matching(tokio::io::Ready::ERROR);
        Ok(())
    }

    /// A call that takes errors off the socket's queue, until there is one. Any number of tasks,
    /// none of which takes a reader's place.
    ///
    /// A reader may take note of the same event, and clear it. So the queue is looked at once more
    /// when this waits for the next one already.
    pub(crate) async fn error_with<R>(
        &self,
        mut call: impl FnMut(&Socket) -> io::Result<Option<R>>,
    ) -> io::Result<R> {
        std::future::poll_fn(poll_budget).await;
        loop {
            if let Some(done) = call(self.socket())? {
                return Ok(done);
            }
            let mut waiting = std::pin::pin!(self.error());
            let found = std::future::poll_fn(|cx| {
                if let Poll::Ready(waited) = waiting.as_mut().poll(cx) {
                    // Where nothing can be waited for, asking again would go on for ever.
                    return Poll::Ready(waited.err().map(Err));
                }
                match call(self.socket()).transpose() {
                    None => Poll::Pending,
                    found => Poll::Ready(found),
                }
            })
            .await;
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// A sending system call, at once and then whenever writable. One task at a time.
    pub(crate) fn poll_write_with<R>(
        &self,
        cx: &mut Context<'_>,
        mut call: impl FnMut(&Socket) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_write_part(cx, |socket| call(socket).map(|done| (done, false)))
    }

    /// As [`poll_write_with`](Self::poll_write_with), for a call on a stream that tells whether
    /// it has filled the socket: then the next one waits for the reactor first.
    ///
    /// A part is taken where there is room for no more, and whoever makes room tells the reactor.
    /// Where there was another reason, some of what was taken is still to be read, which makes
    /// room as well.
    pub(crate) fn poll_write_part<R>(
        &self,
        cx: &mut Context<'_>,
        mut call: impl FnMut(&Socket) -> io::Result<(R, bool)>,
    ) -> Poll<io::Result<R>> {
        ready!(poll_budget(cx));
        if !self.is_filled() {
            if let Some(done) = self.write_at_once(&mut call) {
                return Poll::Ready(done.map(|done| self.noted(done)));
            }
        }
        loop {
            let fresh = self.fresh();
            let registration = fresh.as_deref().unwrap_or(&self.watched).register()?;
            let guard = ready!(registration.poll_write_ready(cx))?;
            self.note_filled(false);
            match self.settle_write(guard, &mut call) {
                Write::Done(done) => {
                    if fresh.is_some() {
                        self.aside().settle();
                    }
                    return Poll::Ready(done.map(|done| self.noted(done)));
                }
                Write::Wait => {}
                Write::Stale => ready!(self.aside().poll_renew(self.socket(), cx)),
            }
        }
    }

    /// As [`poll_write_with`](Self::poll_write_with), for any number of tasks.
    pub(crate) async fn write_with<R>(
        &self,
        mut call: impl FnMut(&Socket) -> io::Result<R>,
    ) -> io::Result<R> {
        std::future::poll_fn(poll_budget).await;
        if let Some(done) = self.attempt(Direction::Send, &mut call) {
            return done;
        }
        let mut nap = writing_nap();
        let mut renewing = false;
        loop {
            let fresh = self.fresh();
            let registration = fresh.as_deref().unwrap_or(&self.watched).register()?;
            let guard = registration.writable().await?;
            match self.settle_write(guard, &mut |socket| call(socket).map(|done| (done, false))) {
                Write::Done(done) => return done.map(|(done, _)| done),
                Write::Wait => {}
                Write::Stale => {
                    // Also where no registration could be had.
                    if renewing {
                        nap.take().await;
                    }
                    renewing = true;
                    self.aside().renew(self.socket());
                }
            }
        }
    }

    /// A sending system call at once, then after pauses: for a full queue of which no event
    /// tells when it drains. Any number of tasks.
    pub(crate) async fn write_napping<R>(
        &self,
        mut call: impl FnMut(&Socket) -> io::Result<R>,
    ) -> io::Result<R> {
        std::future::poll_fn(poll_budget).await;
        let mut nap = writing_nap();
        loop {
            match self.attempt(Direction::Send, &mut call) {
                Some(done) => return done,
                None => nap.take().await,
            }
        }
    }

    /// Tries to read, and again with the task's next turn, for as long as that was asked for;
    /// `None` if the reactor is to be waited for. The worker's other tasks have their turns in
    /// between, and the reactor is looked at.
    fn poll_busy<R>(
        &self,
        cx: &mut Context<'_>,
        call: &mut impl FnMut(&Socket) -> io::Result<R>,
    ) -> Poll<Option<io::Result<R>>> {
        let Some(busy) = self.aside.get().map(|aside| aside.busy()).filter(|busy| busy.is_on())
        else {
            return Poll::Ready(None);
        };
        ready!(poll_budget(cx));
        match self.attempt(Direction::Receive, call) {
            Some(done) => {
                busy.begin_anew();
                Poll::Ready(Some(done))
            }
            None if busy.goes_on() => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }

    fn begin_busy_anew(&self) {
        if let Some(aside) = self.aside.get() {
            aside.busy().begin_anew();
        }
    }

    /// The first call, which nothing was waited for: a fresh socket is not known to be writable.
    /// Readiness that it finds wrong is cleared. `None` if it would block.
    fn write_at_once<R>(
        &self,
        call: &mut impl FnMut(&Socket) -> io::Result<(R, bool)>,
    ) -> Option<io::Result<(R, bool)>> {
        let mut called = None;
        if let Some(registration) = self.watched.registered() {
            let _ = registration.try_io(Interest::WRITABLE, |_| {
                match called.insert(self.attempt(Direction::Send, call)) {
                    None | Some(Ok((_, true))) => Err(io::ErrorKind::WouldBlock.into()),
                    Some(_) => Ok(()),
                }
            });
        }
        called.unwrap_or_else(|| self.attempt(Direction::Send, call))
    }

    fn settle_write<R>(
        &self,
        mut guard: AsyncFdReadyGuard<'_, Number>,
        call: &mut impl FnMut(&Socket) -> io::Result<(R, bool)>,
    ) -> Write<(R, bool)> {
        match self.attempt(Direction::Send, call) {
            Some(done) => {
                if let Ok((_, true)) = done {
                    guard.clear_ready();
                }
                Write::Done(done)
            }
            None if guard.ready().is_write_closed() => Write::Stale,
            None => {
                guard.clear_ready();
                Write::Wait
            }
        }
    }

    fn noted<R>(&self, (done, filled): (R, bool)) -> R {
        self.note_filled(filled);
        done
    }

    /// Whether the last write on a stream found no room for more, and no event has come since.
    fn is_filled(&self) -> bool {
        self.aside.get().is_some_and(|aside| aside.is_filled())
    }

    fn note_filled(&self, filled: bool) {
        if filled {
            self.aside().note_filled(true);
        } else if let Some(aside) = self.aside.get() {
            aside.note_filled(false);
        }
    }

    /// Calls until it is not interrupted; `None` if it would block.
    ///
    /// Inlined, so that what the call gives is not moved once more.
    #[inline(always)]
    fn attempt<R>(
        &self,
        direction: Direction,
        call: &mut impl FnMut(&Socket) -> io::Result<R>,
    ) -> Option<io::Result<R>> {
        loop {
            let done = call(self.socket());
            self.calls.count(direction, Which::Made, || self.aside().carried());
            match done {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.calls.count(direction, Which::WouldBlock, || self.aside().carried());
                    return None;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return Some(done),
            }
        }
    }

    fn aside(&self) -> &Aside {
        self.aside.get_or_init(|| Box::new(Aside::new()))
    }

    /// The registration that took the first one's place for writing, if one did.
    fn fresh(&self) -> Option<Arc<Watched>> {
        self.aside.get()?.fresh()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        tracing::debug!(cell = %self.socket().cell(), "closed");
    }
}

/// What a receiving call is to tell beside what it received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Nothing,
    WhetherDrained,
}

/// Whether an urgent byte ever came, or the end: what the reactor says of either stays.
fn is_urgent(registration: &AsyncFd<Number>) -> bool {
    registration.try_io(Interest::PRIORITY, |_| Ok(())).is_ok()
}

enum Write<R> {
    Done(io::Result<R>),
    Wait,
    /// The registration says for ever that writing is closed, and it is not.
    Stale,
}
