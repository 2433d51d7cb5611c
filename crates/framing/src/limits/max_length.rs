//! A transport that takes messages up to a length, in each direction.

use std::task::{Context, Poll, ready};

use anysock_core::{Attached, Guarantees, Message};

use super::drive::Drive;
use crate::{Error, ErrorKind, Guaranteed, Halves, Payload, RecvHalf, SendHalf, Stats, Transport};

/// Refuses messages beyond a length.
///
/// A longer message to be sent is [`TooLong`](ErrorKind::TooLong), and nothing of it is sent. A
/// longer one that arrives is discarded, counted, and reported as
/// [`Truncated`](ErrorKind::Truncated), after which the next one is received. It had to be read
/// nevertheless: what bounds memory is the maximum of the transport itself, as
/// [`LengthDelimited::max`](crate::LengthDelimited::max). This one is for limits that are known
/// later, or are smaller for some peers. Each direction's limit goes with that half.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{ErrorKind, MaxLength, RecvExt, SendExt, memory};
///
/// let (mut a, b) = memory::pair();
/// let mut b = MaxLength::new(b).received(4);
/// a.send("too long").await?;
/// a.send("fits").await?;
/// let error = b.recv().await.unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Truncated { length: 8, limit: 4 }));
/// assert_eq!(b.recv().await?.unwrap(), "fits");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MaxLength<T> {
    inner: T,
    sent: usize,
    received: usize,
    discarded: u64,
    discarded_bytes: u64,
    drive: Drive<T>,
}

impl<T> MaxLength<T> {
    /// Of a whole transport, without a limit yet.
    pub fn new(transport: T) -> Self
    where
        T: Transport,
    {
        Self::with(transport, Drive::flushing())
    }

    /// Of one half, without a limit yet.
    pub fn of_half(half: T) -> Self {
        Self::with(half, Drive::nothing())
    }

    /// The longest message that is sent, in bytes.
    #[must_use]
    pub fn sent(mut self, bytes: usize) -> Self {
        self.sent = bytes;
        self
    }

    /// The longest message that is received, in bytes.
    #[must_use]
    pub fn received(mut self, bytes: usize) -> Self {
        self.received = bytes;
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

    fn with(inner: T, drive: Drive<T>) -> Self {
        let (sent, received) = (usize::MAX, usize::MAX);
        Self { inner, sent, received, discarded: 0, discarded_bytes: 0, drive }
    }

    /// Takes the message away again, if it is too long.
    fn check(&mut self, message: &Message) -> Result<(), Error> {
        let (length, limit) = (message.len(), self.received);
        if length <= limit {
            return Ok(());
        }
        self.discarded += 1;
        self.discarded_bytes += length as u64;
        Err(ErrorKind::Truncated { length, limit }.into())
    }
}

impl<T: SendHalf> MaxLength<T> {
    fn admit(&self, payload: &Payload<'_>) -> Result<(), Error> {
        let length = payload.len();
        if length <= self.sent {
            return Ok(());
        }
        Err(ErrorKind::TooLong { length, limit: self.max_message() }.into())
    }
}

impl<T: Guaranteed> Guaranteed for MaxLength<T> {
    fn guarantees(&self) -> Guarantees {
        self.inner.guarantees()
    }

    fn stats(&self) -> Stats {
        let mut stats = self.inner.stats();
        stats.received -= self.discarded;
        stats.received_bytes -= self.discarded_bytes;
        stats.truncated += self.discarded;
        stats
    }

    fn closed(&self) -> std::io::Result<anysock_async::Closed> {
        self.inner.closed()
    }

    fn socket_ref(&self) -> Option<anysock_async::SocketRef<'_>> {
        self.inner.socket_ref()
    }
}

impl<T: SendHalf> SendHalf for MaxLength<T> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.admit(&payload)?;
        self.inner.start_send(payload, attached)
    }

    fn poll_feed(
        &mut self,
        cx: &mut Context<'_>,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Poll<Result<(), Error>> {
        self.admit(&payload)?;
        self.inner.poll_feed(cx, payload, attached)
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
        self.inner.max_message().min(self.sent)
    }
}

/// One message a call where a limit is set, for each may be an error.
impl<T: RecvHalf> RecvHalf for MaxLength<T> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let message = ready!(self.inner.poll_recv(cx))?;
        match &message {
            None => self.drive.report()?,
            Some(received) => {
                if let Err(error) = self.check(received) {
                    self.drive.poll(&mut self.inner, cx);
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(Ok(message))
    }

    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        if self.received == usize::MAX {
            return self.inner.poll_recv_many(cx, messages, most);
        }
        if most == 0 {
            return Poll::Ready(Ok(0));
        }
        let message = ready!(self.poll_recv(cx))?;
        let got = usize::from(message.is_some());
        messages.extend(message);
        Poll::Ready(Ok(got))
    }
}

impl<T: Transport + Send + 'static> Transport for MaxLength<T> {
    fn split_boxed(self: Box<Self>) -> Halves {
        let Self { inner, sent, received, discarded, discarded_bytes, drive } = *self;
        let (mut sending, mut receiving) = Box::new(inner).split_boxed();
        let kept = drive.into_kept();
        if sent != usize::MAX || kept.is_some() {
            let half = MaxLength::with(sending, Drive::with_kept(kept)).sent(sent);
            sending = Box::new(half);
        }
        if received != usize::MAX {
            let half = MaxLength::of_half(receiving).received(received);
            receiving = Box::new(MaxLength { discarded, discarded_bytes, ..half });
        }
        (sending, receiving)
    }
}
