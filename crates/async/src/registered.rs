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
//! tokio never clears the closed bits. A loop that clears readiness and waits again would spin
//! on them without ever yielding, so they are looked at here and nowhere else.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anysock_core::{Shutdown, Socket};
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};

use crate::nap::Nap;
use crate::{poll_budget, sys};

/// A socket that the reactor watches. Shared by the halves of what is built on it.
#[derive(Debug)]
pub(crate) struct Registered {
    socket: AsyncFd<Socket>,
    /// Set once `writing` holds a registration that took the first one's place.
    renewed: AtomicBool,
    writing: Mutex<Writing>,
    /// The number of a reset that one direction met and the other has to report; 0 for none.
    reset: AtomicI32,
    /// The last write on a stream was taken in part: there was no room for more.
    filled: AtomicBool,
}

/// The state of the write direction, beside the common case.
#[derive(Debug)]
struct Writing {
    /// A registration of a duplicate descriptor for writing alone. The first registration stays
    /// where it is, so that a parked reader keeps its waker.
    fresh: Option<Arc<AsyncFd<Socket>>>,
    /// Registrations that helped nothing since the last successful call.
    futile: u32,
    nap: Nap,
}

impl Writing {
    fn settle(&mut self) {
        self.futile = 0;
        self.nap.reset();
    }
}

const fn writing_nap() -> Nap {
    Nap::new(Duration::from_micros(500), Duration::from_millis(20))
}

impl Registered {
    pub(crate) fn new(socket: Socket) -> io::Result<Self> {
        Ok(Self {
            socket: sys::register(socket)?,
            renewed: AtomicBool::new(false),
            writing: Mutex::new(Writing { fresh: None, futile: 0, nap: writing_nap() }),
            reset: AtomicI32::new(0),
            filled: AtomicBool::new(false),
        })
    }

    pub(crate) fn socket(&self) -> &Socket {
        self.socket.get_ref()
    }

    /// Ends one or both directions. What waits for room learns of it from the next call.
    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.filled.store(false, Ordering::Relaxed);
        self.socket().shutdown(how)
    }

    /// Records a reset, for whichever direction has to report it.
    pub(crate) fn record_reset(&self, error: &io::Error) {
        if let Some(number) = error.raw_os_error() {
            self.reset.store(number, Ordering::Release);
        }
    }

    /// The reset that was recorded.
    pub(crate) fn reset(&self) -> Option<io::Error> {
        match self.reset.load(Ordering::Acquire) {
            0 => None,
            number => Some(io::Error::from_raw_os_error(number)),
        }
    }

    /// A receiving system call, when readable; `None` if nothing can ever be received again.
    /// One task at a time.
    pub(crate) fn poll_read_with<R>(
        &self,
        cx: &mut Context<'_>,
        mut call: impl FnMut(&Socket) -> io::Result<R>,
    ) -> Poll<io::Result<Option<R>>> {
        loop {
            let guard = ready!(self.socket.poll_read_ready(cx))?;
            if let Some(outcome) = settle_read(guard, &mut call) {
                return Poll::Ready(outcome);
            }
        }
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
        loop {
            let mut guard = ready!(self.socket.poll_read_ready(cx))?;
            match attempt(guard.get_inner(), &mut call) {
                Some(Ok((done, drained))) => {
                    if drained && !self.is_urgent() {
                        guard.clear_ready();
                    }
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
        // Unlike polling for readiness, waiting for several kinds of it spends no budget.
        std::future::poll_fn(poll_budget).await;
        loop {
            let guard = self.socket.ready(Interest::READABLE | Interest::ERROR).await?;
            if let Some(outcome) = settle_read(guard, &mut call) {
                return outcome;
            }
        }
    }

    /// Resolves when the socket has an error to report, with or without data.
    pub(crate) async fn error(&self) {
        if let Ok(mut guard) = self.socket.ready(Interest::ERROR).await {
            guard.clear_ready_matching(tokio::io::Ready::ERROR);
        }
    }

    /// Whether an urgent byte ever came, or the end: what the reactor says of either stays.
    fn is_urgent(&self) -> bool {
        self.socket.try_io(Interest::PRIORITY, |_| Ok(())).is_ok()
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
        if !self.filled.swap(false, Ordering::Relaxed) {
            if let Some(done) = self.write_at_once(&mut call) {
                return Poll::Ready(done.map(|done| self.note_filled(done)));
            }
        }
        loop {
            let fresh = self.fresh();
            let current = fresh.as_deref().unwrap_or(&self.socket);
            let guard = ready!(current.poll_write_ready(cx))?;
            match settle_write(guard, &mut call) {
                Write::Done(done) => {
                    if fresh.is_some() {
                        self.writing().settle();
                    }
                    return Poll::Ready(done.map(|done| self.note_filled(done)));
                }
                Write::Wait => {}
                Write::Stale => ready!(self.poll_renew(cx)),
            }
        }
    }

    /// The first call, which nothing was waited for: a fresh socket is not known to be writable.
    /// Readiness that it finds wrong is cleared. `None` if it would block.
    fn write_at_once<R>(
        &self,
        call: &mut impl FnMut(&Socket) -> io::Result<(R, bool)>,
    ) -> Option<io::Result<(R, bool)>> {
        let mut called = None;
        let _ = self.socket.try_io(Interest::WRITABLE, |socket| {
            match called.insert(attempt(socket, call)) {
                None | Some(Ok((_, true))) => Err(io::ErrorKind::WouldBlock.into()),
                Some(_) => Ok(()),
            }
        });
        called.unwrap_or_else(|| attempt(self.socket(), call))
    }

    fn note_filled<R>(&self, (done, filled): (R, bool)) -> R {
        self.filled.store(filled, Ordering::Relaxed);
        done
    }
    /// As [`poll_write_with`](Self::poll_write_with), for any number of tasks.
    pub(crate) async fn write_with<R>(
        &self,
        mut call: impl FnMut(&Socket) -> io::Result<R>,
    ) -> io::Result<R> {
        std::future::poll_fn(poll_budget).await;
        if let Some(done) = attempt(self.socket(), &mut call) {
            return done;
        }
        let mut nap = writing_nap();
        let mut renewing = false;
        loop {
            let fresh = self.fresh();
            let current = fresh.as_deref().unwrap_or(&self.socket);
            let guard = current.writable().await?;
            match settle_write(guard, &mut |socket| call(socket).map(|done| (done, false))) {
                Write::Done(done) => return done.map(|(done, _)| done),
                Write::Wait => {}
                Write::Stale => {
                    // Also where no registration could be had.
                    if renewing {
                        nap.take().await;
                    }
                    renewing = true;
                    self.renew(&mut self.writing());
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
            match attempt(self.socket(), &mut call) {
                Some(done) => return done,
                None => nap.take().await,
            }
        }
    }

    fn writing(&self) -> std::sync::MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The registration that took the first one's place for writing, if one did.
    fn fresh(&self) -> Option<Arc<AsyncFd<Socket>>> {
        if !self.renewed.load(Ordering::Acquire) {
            return None;
        }
        self.writing().fresh.clone()
    }

    /// Takes a new registration for writing, after a pause if the last one helped nothing.
    fn poll_renew(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut writing = self.writing();
        if writing.futile > 0 {
            ready!(writing.nap.poll(cx));
        }
        writing.futile += 1;
        self.renew(&mut writing);
        Poll::Ready(())
    }

    /// Takes a new registration for writing. Where there is no descriptor for one the old one
    /// serves on, with pauses.
    fn renew(&self, writing: &mut Writing) {
        match self.socket().try_clone().and_then(sys::register) {
            Ok(fresh) => {
                tracing::debug!(cell = %self.socket().cell(), "registered anew for writing");
                writing.fresh = Some(Arc::new(fresh));
                self.renewed.store(true, Ordering::Release);
            }
            Err(error) => {
                tracing::warn!(cell = %self.socket().cell(), %error, "cannot register anew");
            }
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        tracing::debug!(cell = %self.socket().cell(), "closed");
    }
}

/// Calls until it is not interrupted; `None` if it would block.
fn attempt<R>(
    socket: &Socket,
    call: &mut impl FnMut(&Socket) -> io::Result<R>,
) -> Option<io::Result<R>> {
    loop {
        match call(socket) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return Some(done),
        }
    }
}

fn settle_read<R>(
    mut guard: AsyncFdReadyGuard<'_, Socket>,
    call: &mut impl FnMut(&Socket) -> io::Result<R>,
) -> Option<io::Result<Option<R>>> {
    match attempt(guard.get_inner(), call) {
        Some(done) => Some(done.map(Some)),
        None if guard.ready().is_read_closed() => Some(Ok(None)),
        None => {
            guard.clear_ready();
            None
        }
    }
}

enum Write<R> {
    Done(io::Result<R>),
    Wait,
    /// The registration says for ever that writing is closed, and it is not.
    Stale,
}

fn settle_write<R>(
    mut guard: AsyncFdReadyGuard<'_, Socket>,
    call: &mut impl FnMut(&Socket) -> io::Result<(R, bool)>,
) -> Write<(R, bool)> {
    match attempt(guard.get_inner(), call) {
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
