//! A transport that lets only so much pass per second.

use std::task::{Context, Poll, ready};

use anysock_core::{Attached, Guarantees, Message};

use super::drive::Drive;
use super::quota::{Meter, Quota};
use crate::{Error, ErrorKind, Guaranteed, Halves, Payload, RecvHalf, SendHalf, Stats, Transport};

/// Lets messages pass at a [`Quota`] in each direction, and delays those beyond.
///
/// Nothing is dropped: a receiver that waits for its quota does not read, so that the peer is slowed
/// down by the transport itself (and a datagram's queue overflows, as it does with any slow
/// reader). What was fed leaves while either direction waits. Each message costs one look at the
/// clock. A quota belongs to its direction, and goes with that half.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?.block_on(async {
/// use std::time::Duration;
/// use anysock_framing::{Quota, Rate, RecvExt, SendExt, memory};
///
/// let (mut a, b) = memory::pair();
/// let mut b = Rate::new(b).received(Quota::messages(1, 2)); // one per second, two at once
/// let start = tokio::time::Instant::now();
/// for _ in 0..3 {
///     a.send("hello").await?;
///     b.recv().await?;
/// }
/// assert_eq!(start.elapsed(), Duration::from_secs(1));
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Rate<T> {
    inner: T,
    received: Option<Meter>,
    sent: Option<Meter>,
    drive: Drive<T>,
}

impl<T> Rate<T> {
    /// Of a whole transport, without a limit yet.
    pub fn new(transport: T) -> Self
    where
        T: Transport,
    {
        Self { inner: transport, received: None, sent: None, drive: Drive::flushing() }
    }

    /// Of one half, without a limit yet.
    pub fn of_half(half: T) -> Self {
        Self { inner: half, received: None, sent: None, drive: Drive::nothing() }
    }

    /// How much is received.
    #[must_use]
    pub fn received(mut self, quota: Quota) -> Self {
        self.received = Some(Meter::new(quota));
        self
    }

    /// How much is sent.
    #[must_use]
    pub fn sent(mut self, quota: Quota) -> Self {
        self.sent = Some(Meter::new(quota));
        self
    }

    /// What is limited.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    /// What was limited, without the limit.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

impl<T: SendHalf> Rate<T> {
    /// Waits until a message may be sent, while what was fed leaves.
    fn poll_may_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(meter) = &mut self.sent else { return Poll::Ready(()) };
        let credit = meter.poll_credit(cx);
        if credit.is_pending() {
            let flushed = self.inner.poll_flush(cx);
            self.drive.keep(flushed);
        }
        credit
    }

    fn may_send(&mut self) -> bool {
        self.sent.as_mut().is_none_or(Meter::has_credit)
    }

    fn charge_sent(&mut self, length: usize) {
        if let Some(meter) = &mut self.sent {
            meter.charge(length);
        }
    }
}

guaranteed_as_within!(Rate);

impl<T: SendHalf> SendHalf for Rate<T> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_may_send(cx));
        self.inner.poll_ready(cx)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        let length = payload.len();
        // One that is too long is refused for that, whatever the quota.
        if length <= self.inner.max_message() && !self.may_send() {
            return Err(ErrorKind::NotReady.into());
        }
        self.inner.start_send(payload, attached)?;
        self.charge_sent(length);
        Ok(())
    }

    fn poll_feed(
        &mut self,
        cx: &mut Context<'_>,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Poll<Result<(), Error>> {
        ready!(self.poll_may_send(cx));
        let length = payload.len();
        ready!(self.inner.poll_feed(cx, payload, attached))?;
        self.charge_sent(length);
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.inner.poll_flush(cx))?;
        Poll::Ready(self.drive.report())
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.inner.poll_close(cx))?;
        Poll::Ready(self.drive.report())
    }

    fn abort(&mut self) -> std::io::Result<()> {
        self.inner.abort()
    }

    fn max_message(&self) -> usize {
        self.inner.max_message()
    }
}

/// One message a call, also for [`poll_recv_many`](RecvHalf::poll_recv_many): how many bytes the
/// next one takes is known when it is here.
impl<T: RecvHalf> RecvHalf for Rate<T> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        if let Some(meter) = &mut self.received {
            if meter.poll_credit(cx).is_pending() {
                self.drive.poll(&mut self.inner, cx);
                return Poll::Pending;
            }
        }
        let message = ready!(self.inner.poll_recv(cx))?;
        match (&message, &mut self.received) {
            (Some(message), Some(meter)) => meter.charge(message.len()),
            (None, _) => self.drive.report()?,
            _ => {}
        }
        Poll::Ready(Ok(message))
    }
}

impl<T: Transport + Send + 'static> Transport for Rate<T> {
    fn split_boxed(self: Box<Self>) -> Halves {
        let Self { inner, received, sent, drive } = *self;
        let (mut sending, mut receiving) = Box::new(inner).split_boxed();
        let kept = drive.into_kept();
        if sent.is_some() || kept.is_some() {
            let drive = Drive::with_kept(kept);
            sending = Box::new(Rate { inner: sending, received: None, sent, drive });
        }
        if received.is_some() {
            let drive = Drive::nothing();
            receiving = Box::new(Rate { inner: receiving, received, sent: None, drive });
        }
        (sending, receiving)
    }
}
