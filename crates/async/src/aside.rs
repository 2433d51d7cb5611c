//! What few registered sockets ever need, beside the common case.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anysock_core::{OwnedPath, Socket};

use crate::busy::Busy;
use crate::calls::Carried;
use crate::closed::{Closed, Watch};
use crate::nap::Nap;
use crate::sys::Watched;

/// What few registered sockets ever need.
#[derive(Debug)]
pub(crate) struct Aside {
    writing: Mutex<Writing>,
    /// The number of a reset that one direction met and the other has to report; 0 for none.
    reset: AtomicI32,
    /// The last write on a stream was taken in part: there was no room for more.
    filled: AtomicBool,
    busy: Busy,
    /// The path to which a client was bound.
    path: OnceLock<OwnedPath>,
    /// What those share who wait until the peer is gone, while there is one.
    watch: Mutex<Weak<Watch>>,
    carried: Carried,
}

/// The state of a write direction that was registered anew.
#[derive(Debug)]
struct Writing {
    /// A registration of a duplicate descriptor for writing alone. The first registration stays
    /// where it is, so that a parked reader keeps its waker.
    fresh: Option<Arc<Watched>>,
    /// Registrations that helped nothing since the last successful call.
    futile: u32,
    nap: Nap,
}

pub(crate) const fn writing_nap() -> Nap {
    Nap::new(Duration::from_micros(500), Duration::from_millis(20))
}

impl Aside {
    pub(crate) fn new() -> Self {
        let writing = Writing { fresh: None, futile: 0, nap: writing_nap() };
        Self {
            writing: Mutex::new(writing),
            reset: AtomicI32::new(0),
            filled: AtomicBool::new(false),
            busy: Busy::default(),
            path: OnceLock::new(),
            watch: Mutex::default(),
            carried: Carried::default(),
        }
    }

    /// Keeps the path to which this socket was bound, until the socket is dropped.
    pub(crate) fn keep_path(&self, path: OwnedPath) {
        let _ = self.path.set(path);
    }

    /// Resolves when the peer is gone.
    pub(crate) fn closed(&self, socket: &Socket) -> io::Result<Closed> {
        let mut current = self.watch();
        let watch = match current.upgrade() {
            Some(watch) => watch,
            None => {
                let watch = Arc::new(Watch::new(socket)?);
                *current = Arc::downgrade(&watch);
                watch
            }
        };
        Ok(Closed::new(watch))
    }

    /// What a busy socket's counters do not hold.
    pub(crate) fn carried(&self) -> &Carried {
        &self.carried
    }

    /// Whether a reader tries again for a while before it waits.
    pub(crate) fn busy(&self) -> &Busy {
        &self.busy
    }

    /// The last write on a stream was taken in part, or there may be room again.
    pub(crate) fn note_filled(&self, filled: bool) {
        self.filled.store(filled, Ordering::Relaxed);
    }

    /// Whether the last write on a stream was taken in part, and no event has come since.
    pub(crate) fn is_filled(&self) -> bool {
        self.filled.load(Ordering::Relaxed)
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

    /// The registration that took the first one's place for writing, if one did.
    pub(crate) fn fresh(&self) -> Option<Arc<Watched>> {
        self.writing().fresh.clone()
    }

    /// A call went well: the next pause is short again.
    pub(crate) fn settle(&self) {
        let mut writing = self.writing();
        writing.futile = 0;
        writing.nap.reset();
    }

    /// Takes a new registration for writing, after a pause if the last one helped nothing.
    pub(crate) fn poll_renew(&self, socket: &Socket, cx: &mut Context<'_>) -> Poll<()> {
        let mut writing = self.writing();
        if writing.futile > 0 {
            ready!(writing.nap.poll(cx));
        }
        writing.futile += 1;
        writing.renew(socket);
        Poll::Ready(())
    }

    /// Takes a new registration for writing.
    pub(crate) fn renew(&self, socket: &Socket) {
        self.writing().renew(socket);
    }

    fn watch(&self) -> MutexGuard<'_, Weak<Watch>> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        let watch = self.watch().upgrade();
        if let Some(watch) = watch {
            watch.end_here();
        }
    }
}

impl Writing {
    /// Where there is no descriptor for a new registration the old one serves on, with pauses.
    fn renew(&mut self, socket: &Socket) {
        let registered = |socket| {
            let fresh = Watched::new(socket)?;
            fresh.register()?;
            Ok(fresh)
        };
        match socket.try_clone().and_then(registered) {
            Ok(fresh) => {
                tracing::debug!(cell = %socket.cell(), "registered anew for writing");
                self.fresh = Some(Arc::new(fresh));
            }
            Err(error) => {
                tracing::warn!(cell = %socket.cell(), %error, "cannot register anew");
            }
        }
    }
}
