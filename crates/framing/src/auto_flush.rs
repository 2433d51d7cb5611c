//! A sending half that flushes by itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker, ready};

use anysock_async::Closed;
use anysock_core::{Attached, Guarantees};

use crate::{Error, ErrorKind, Guaranteed, Payload, SendHalf, Stats};

/// A sending half that flushes by itself: what was fed leaves as soon as the task that feeds lets
/// others run, and together.
///
/// An unsplit transport needs none of this, for [`recv`](crate::RecvExt::recv) flushes. It is for
/// a sending half whose owner feeds what others give it and does not know when there is no more.
/// An error that flushing met is told by the next flush of the owner; that the half has
/// [connected again](ErrorKind::Reconnected), by whatever he calls next.
///
/// It costs a task, a lock that is held for one call at a time, and one wake per batch. Dropping
/// it ends the task, and discards what was not flushed.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::StreamSocket;
/// use anysock_framing::{Framed, LengthDelimited, RecvExt, SendExt};
///
/// let (a, b) = StreamSocket::pair()?;
/// let (sending, _) = Framed::new(a, LengthDelimited::u16()).split();
/// let mut b = Framed::new(b, LengthDelimited::u16());
/// let mut sending = sending.auto_flush();
/// sending.feed("one").await?;
/// sending.feed("two").await?; // nobody flushes
/// assert_eq!(b.recv().await?.unwrap(), "one");
/// assert_eq!(b.recv().await?.unwrap(), "two");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AutoFlush<S> {
    shared: Arc<Mutex<Shared<S>>>,
    tasks: Arc<Tasks>,
    /// Of `tasks`.
    waker: Waker,
}

#[derive(Debug)]
struct Shared<S> {
    half: S,
    /// Something was fed since the last flush.
    is_fed: bool,
    /// What flushing met, until somebody asks.
    error: Option<Error>,
}

/// Who is woken when the half can go on: both, whoever of them has waited.
///
/// A half keeps one waker for its direction. If each task gave its own, one would take the other's
/// place, which would never be woken.
#[derive(Debug, Default)]
struct Tasks {
    flusher: Mutex<Option<Waker>>,
    owner: Mutex<Option<Waker>>,
    is_over: AtomicBool,
}

impl<S: SendHalf + Send + 'static> AutoFlush<S> {
    /// Makes one of `half`, and spawns the task that flushes.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn new(half: S) -> Self {
        let tasks = Arc::new(Tasks::default());
        let shared = Arc::new(Mutex::new(Shared { half, is_fed: false, error: None }));
        let waker = Waker::from(Arc::clone(&tasks));
        let flusher = (Arc::downgrade(&shared), Arc::clone(&tasks), waker.clone());
        tokio::spawn(std::future::poll_fn(move |cx| {
            let (shared, tasks, waker) = &flusher;
            poll_flusher(shared, tasks, waker, cx)
        }));
        Self { shared, tasks, waker }
    }
}

/// Flushes what was fed, until the owner is gone.
fn poll_flusher<S: SendHalf>(
    shared: &Weak<Mutex<Shared<S>>>,
    tasks: &Tasks,
    waker: &Waker,
    cx: &mut Context<'_>,
) -> Poll<()> {
    Tasks::wait(&tasks.flusher, cx);
    let Some(shared) = shared.upgrade().filter(|_| !tasks.is_over.load(Ordering::Acquire)) else {
        return Poll::Ready(());
    };
    let mut shared = lock(&shared);
    if shared.is_fed {
        let flushed = ready!(shared.half.poll_flush(&mut Context::from_waker(waker)));
        shared.is_fed = false;
        if let Err(error) = flushed {
            shared.error.get_or_insert(error);
        }
    }
    Poll::Pending
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tasks {
    /// Has this task woken as well.
    fn wait(place: &Mutex<Option<Waker>>, cx: &Context<'_>) {
        lock(place).get_or_insert_with(|| cx.waker().clone()).clone_from(cx.waker());
    }

    fn wake(place: &Mutex<Option<Waker>>) {
        let waiting = lock(place).take();
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Wake for Tasks {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        Self::wake(&self.flusher);
        Self::wake(&self.owner);
    }
}

impl<S> AutoFlush<S> {
    /// Has the half do something, and the owner's task woken when it can go on.
    fn poll<T>(
        &self,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Shared<S>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        Tasks::wait(&self.tasks.owner, cx);
        poll(&mut lock(&self.shared), &mut Context::from_waker(&self.waker))
    }
}

impl<S> AutoFlush<S> {
    /// Something was fed, and the task that flushes has to know.
    fn note_fed(&self, shared: &mut Shared<S>) {
        if !std::mem::replace(&mut shared.is_fed, true) {
            Tasks::wake(&self.tasks.flusher);
        }
    }
}

impl<S> Shared<S> {
    /// Whether flushing met what is to be known before anything else is sent: that it would go over
    /// another connection.
    fn has_report(&self) -> bool {
        let is_report = |error: &Error| matches!(error.kind(), ErrorKind::Reconnected { .. });
        self.error.as_ref().is_some_and(is_report)
    }

    /// Tells that, once.
    fn report(&mut self) -> Result<(), Error> {
        let report = if self.has_report() { self.error.take() } else { None };
        report.map_or(Ok(()), Err)
    }
}

impl<S> Drop for AutoFlush<S> {
    fn drop(&mut self) {
        self.tasks.is_over.store(true, Ordering::Release);
        Tasks::wake(&self.tasks.flusher);
    }
}

impl<S: Guaranteed> Guaranteed for AutoFlush<S> {
    fn guarantees(&self) -> Guarantees {
        lock(&self.shared).half.guarantees()
    }

    fn stats(&self) -> Stats {
        lock(&self.shared).half.stats()
    }

    fn closed(&self) -> std::io::Result<Closed> {
        lock(&self.shared).half.closed()
    }
}

impl<S: SendHalf> SendHalf for AutoFlush<S> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll(cx, |shared, cx| {
            shared.report()?;
            shared.half.poll_ready(cx)
        })
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        let mut shared = lock(&self.shared);
        // Met since it was said to be ready; the next one who asks is told.
        if shared.has_report() {
            return Err(ErrorKind::NotReady.into());
        }
        shared.half.start_send(payload, attached)?;
        self.note_fed(&mut shared);
        Ok(())
    }

    /// Under one lock, so that nothing is flushed in between.
    fn poll_feed(
        &mut self,
        cx: &mut Context<'_>,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Poll<Result<(), Error>> {
        self.poll(cx, |shared, cx| {
            shared.report()?;
            ready!(shared.half.poll_feed(cx, payload, attached))?;
            self.note_fed(shared);
            Poll::Ready(Ok(()))
        })
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll(cx, |shared, cx| {
            let flushed = ready!(shared.half.poll_flush(cx));
            shared.is_fed = false;
            // What was met first is told first.
            Poll::Ready(shared.error.take().map_or(flushed, Err))
        })
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll(cx, |shared, cx| {
            let closed = ready!(shared.half.poll_close(cx));
            shared.is_fed = false;
            Poll::Ready(shared.error.take().map_or(closed, Err))
        })
    }

    fn abort(&mut self) -> std::io::Result<()> {
        lock(&self.shared).half.abort()
    }

    fn max_message(&self) -> usize {
        lock(&self.shared).half.max_message()
    }
}
