//! The common trait: sending, receiving and accepting whole messages, whatever carries them.
//!
//! Three dyn-safe traits of poll methods that transports implement. The async methods that
//! people call stand beside them, in [`SendExt`](crate::SendExt), [`RecvExt`](crate::RecvExt)
//! and [`AcceptExt`](crate::AcceptExt), for concrete types and trait objects alike.

use std::io;
use std::task::{Context, Poll, ready};

use anysock_async::{Closed, SocketRef};
use anysock_core::{Attached, Guarantees, Message};

use crate::{Error, Payload, Stats};

/// What a transport, or a half of one, says of itself.
///
/// ```
/// use anysock_framing::{Guaranteed, Guarantees, memory};
///
/// let (a, _b) = memory::pair();
/// a.require(Guarantees::RELIABLE | Guarantees::BOUNDARIES)?;
/// # Ok::<_, anysock_framing::Error>(())
/// ```
pub trait Guaranteed {
    /// What is promised for messages.
    fn guarantees(&self) -> Guarantees;

    /// What was counted so far.
    fn stats(&self) -> Stats;

    /// Resolves when the peer is gone: without receiving, beside whoever does, also with messages
    /// unread, and detached, so that one task may wait for both.
    ///
    /// What it means for a peer to be gone is each cell's, see [`Closed`]. In memory both halves
    /// of the other end are dropped, or the connection was reset.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](std::io::ErrorKind::Unsupported) where nothing tells: datagrams, peers of
    /// a datagram listener, byte streams that are not ours. Those of duplicating a descriptor.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock_async::{Departure, SeqPacketSocket};
    /// use anysock_framing::{Guaranteed, Packets, RecvExt};
    ///
    /// let (near, far) = SeqPacketSocket::pair()?;
    /// let mut near = Packets::new(near);
    /// let mut closed = near.closed()?; // once, before a loop
    /// drop(far);
    /// tokio::select! {
    ///     departure = &mut closed => assert_eq!(departure, Departure::HungUp),
    ///     message = near.recv() => assert!(message?.is_none()),
    /// }
    /// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    fn closed(&self) -> io::Result<Closed> {
        Err(not_told())
    }

    /// The socket underneath, to be asked for its cell, its addresses, its counters and its options;
    /// a half has that of its whole. `None` in memory, over what is no socket of ours, and through
    /// wrappers that do not pass it on.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock_async::StreamSocket;
    /// use anysock_framing::{BoxTransport, Delimited, Framed, Guaranteed, SendExt, Transport};
    ///
    /// let (near, far) = StreamSocket::pair()?;
    /// let mut far = Framed::new(far, Delimited::lines());
    /// let near: BoxTransport = Box::new(Framed::new(near, Delimited::lines()));
    /// let (_sending, receiving) = near.split_boxed();
    /// far.send("hello").await?;
    /// assert_eq!(receiving.socket_ref().unwrap().unread_bytes()?, 6);
    /// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        None
    }

    /// Refuses this transport unless it promises all that is `required`.
    ///
    /// # Errors
    ///
    /// [`Unmet`](crate::ErrorKind::Unmet), which names what is missing.
    fn require(&self, required: Guarantees) -> Result<(), Error> {
        let given = self.guarantees();
        match required - given {
            Guarantees::NONE => Ok(()),
            missing => Err(crate::ErrorKind::Unmet { missing, given }.into()),
        }
    }
}

/// The sending half of a transport.
///
/// The order of calls: [`poll_ready`](Self::poll_ready) until it is `Ok`, then
/// [`start_send`](Self::start_send) once; any number of times; then
/// [`poll_flush`](Self::poll_flush), at the end [`poll_close`](Self::poll_close).
/// One task at a time polls a half: a second one would take the first one's place.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{RecvExt, SendExt, SendHalf, memory};
///
/// async fn greet(to: &mut dyn SendHalf) -> Result<(), anysock_framing::Error> {
///     to.send("hello").await
/// }
///
/// let (mut a, mut b) = memory::pair();
/// greet(&mut a).await?;
/// assert_eq!(b.recv().await?.unwrap(), "hello");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub trait SendHalf: Guaranteed {
    /// Waits until another message is taken: until unsent bytes are below the high watermark.
    /// A sender that never had to wait may be made to, once in a while, so that others have their
    /// turn.
    ///
    /// # Errors
    ///
    /// The fatal ones of [`poll_flush`](Self::poll_flush).
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;

    /// Takes one message with what is attached, both whole, or leaves both untouched.
    ///
    /// The message may stay in this process until it is flushed.
    ///
    /// # Errors
    ///
    /// [`TooLong`](crate::ErrorKind::TooLong),
    /// [`Unrepresentable`](crate::ErrorKind::Unrepresentable),
    /// [`NotAttachable`](crate::ErrorKind::NotAttachable),
    /// [`NotReady`](crate::ErrorKind::NotReady) and [`Closed`](crate::ErrorKind::Closed), all
    /// survivable; or the fatal error that an earlier call met.
    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error>;

    /// [`poll_ready`](Self::poll_ready) and [`start_send`](Self::start_send) in one, for transports
    /// that can do it for less than both. While it is pending the message is untouched.
    ///
    /// # Errors
    ///
    /// Those of both.
    #[inline]
    fn poll_feed(
        &mut self,
        cx: &mut Context<'_>,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Poll<Result<(), Error>> {
        ready!(self.poll_ready(cx))?;
        Poll::Ready(self.start_send(payload, attached))
    }

    /// Gives every accepted message to the kernel.
    ///
    /// # Errors
    ///
    /// On packet transports [`Dropped`](crate::ErrorKind::Dropped) and
    /// [`Refused`](crate::ErrorKind::Refused), which are survivable. They come once all other
    /// messages have gone; of several the first is told, [`Stats::dropped`] counts them all.
    /// [`Io`](crate::ErrorKind::Io) is fatal.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;

    /// Flushes, sends end-of-file where the transport has one, and, unless the receiving half
    /// is held elsewhere, reads and discards until the peer's end-of-file or a deadline, so
    /// that closing does not destroy what was sent. Nothing is received any more once it reads.
    ///
    /// # Errors
    ///
    /// As [`poll_flush`](Self::poll_flush); after a survivable one it is closed all the same.
    ///
    /// # Panics
    ///
    /// On streams and seqpacket, outside of a tokio runtime with time enabled.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;

    /// Breaks the connection off at once, for both halves: the ABORT call of RFC 9293. What was not
    /// sent is gone, the peer is told of a reset once it has received what had arrived, and so is
    /// whoever receives at this end. From here on sending fails with
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted).
    ///
    /// For who passes on what came from elsewhere and was cut off there: an orderly end would say
    /// that this was all. Over TLS it goes beneath, and sends no close_notify either.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported), and nothing was done, everywhere but over TCP and
    /// in memory; through wrappers that do not pass it on. Those of connect(2).
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use std::io::ErrorKind::ConnectionReset;
    /// use anysock_framing::{RecvExt, SendExt, SendHalf, memory};
    ///
    /// let (a, mut b) = memory::pair();
    /// let (mut sending, _receiving) = a.split();
    /// sending.send("half of it").await?;
    /// sending.abort()?;
    /// assert_eq!(b.recv().await?.unwrap(), "half of it");
    /// assert_eq!(b.recv().await.unwrap_err().io_kind(), Some(ConnectionReset));
    /// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    fn abort(&mut self) -> io::Result<()> {
        Err(no_reset())
    }

    /// The longest message that can be sent, in bytes.
    fn max_message(&self) -> usize;
}

/// The receiving half of a transport.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{RecvExt, RecvHalf, SendExt, memory};
///
/// async fn count(from: &mut dyn RecvHalf) -> Result<usize, anysock_framing::Error> {
///     let mut count = 0;
///     while from.recv().await?.is_some() {
///         count += 1;
///     }
///     Ok(count)
/// }
///
/// let (mut a, mut b) = memory::pair();
/// a.send("one").await?;
/// a.send("").await?; // an empty message is a message
/// drop(a);
/// assert_eq!(count(&mut b).await?, 2);
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub trait RecvHalf: Guaranteed {
    /// Waits for the next message; `None`, for ever after, once the peer has closed in order.
    ///
    /// On an unsplit transport this also drives what its own side has not sent yet, whenever
    /// it would wait and before it reports the end or an error.
    ///
    /// # Errors
    ///
    /// [`Truncated`](crate::ErrorKind::Truncated),
    /// [`DescriptorsLost`](crate::ErrorKind::DescriptorsLost) and
    /// [`Refused`](crate::ErrorKind::Refused) are survivable; the others are fatal, and come
    /// after every message that could still be received.
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>>;

    /// Waits for one message, then appends it and what else is already decoded, at most `most`
    /// messages. Gives how many; 0 at the end (or if `most` is 0).
    ///
    /// # Errors
    ///
    /// As [`poll_recv`](Self::poll_recv), and only if nothing was appended.
    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        if most == 0 {
            return Poll::Ready(Ok(0));
        }
        self.poll_recv(cx).map_ok(|message| {
            let got = usize::from(message.is_some());
            messages.extend(message);
            got
        })
    }
}

/// A transport: sends and receives whole messages.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{Error, RecvExt, SendExt, Transport, memory};
///
/// async fn echo(mut peer: impl Transport) -> Result<(), Error> {
///     while let Some(message) = peer.recv().await? {
///         peer.feed(message).await?; // flushed when recv would wait
///     }
///     Ok(())
/// }
///
/// let (mut client, server) = memory::pair();
/// tokio::spawn(echo(server));
/// client.send("hello").await?;
/// assert_eq!(client.recv().await?.unwrap(), "hello");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub trait Transport: SendHalf + RecvHalf {
    /// Takes the transport apart into halves that never wait for each other.
    fn split_boxed(self: Box<Self>) -> Halves;
}

/// The two halves of a boxed transport.
pub type Halves = (Box<dyn SendHalf + Send>, Box<dyn RecvHalf + Send>);

/// A transport of any type.
pub type BoxTransport = Box<dyn Transport + Send>;

/// What yields transports: a listener.
///
/// Survivable errors of accepting are retried inside; an error that comes out is final.
/// Upgrades that talk to the peer (TLS) belong into the connection's own task.
///
/// ```no_run
/// use anysock_framing::{Accept, AcceptExt, Error};
///
/// async fn first<A: Accept>(listener: &mut A) -> Result<A::Transport, Error> {
///     listener.accept().await
/// }
/// ```
pub trait Accept {
    /// What is accepted.
    type Transport: Transport;

    /// Waits for the next peer.
    ///
    /// # Errors
    ///
    /// Final ones only: the listener is done for.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Self::Transport, Error>>;
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: Guaranteed + ?Sized> Guaranteed for $pointer {
            fn guarantees(&self) -> Guarantees {
                (**self).guarantees()
            }
            fn stats(&self) -> Stats {
                (**self).stats()
            }
            fn closed(&self) -> io::Result<Closed> {
                (**self).closed()
            }
            fn socket_ref(&self) -> Option<SocketRef<'_>> {
                (**self).socket_ref()
            }
            fn require(&self, required: Guarantees) -> Result<(), Error> {
                (**self).require(required)
            }
        }

        impl<T: SendHalf + ?Sized> SendHalf for $pointer {
            fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                (**self).poll_ready(cx)
            }
            fn start_send(
                &mut self,
                payload: Payload<'_>,
                attached: &mut Attached,
            ) -> Result<(), Error> {
                (**self).start_send(payload, attached)
            }
            #[inline(always)]
            fn poll_feed(
                &mut self,
                cx: &mut Context<'_>,
                payload: Payload<'_>,
                attached: &mut Attached,
            ) -> Poll<Result<(), Error>> {
                (**self).poll_feed(cx, payload, attached)
            }
            fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                (**self).poll_flush(cx)
            }
            fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                (**self).poll_close(cx)
            }
            fn abort(&mut self) -> io::Result<()> {
                (**self).abort()
            }
            fn max_message(&self) -> usize {
                (**self).max_message()
            }
        }

        impl<T: RecvHalf + ?Sized> RecvHalf for $pointer {
            fn poll_recv(
                &mut self,
                cx: &mut Context<'_>,
            ) -> Poll<Result<Option<Message>, Error>> {
                (**self).poll_recv(cx)
            }
            fn poll_recv_many(
                &mut self,
                cx: &mut Context<'_>,
                messages: &mut Vec<Message>,
                most: usize,
            ) -> Poll<Result<usize, Error>> {
                (**self).poll_recv_many(cx, messages, most)
            }
        }
    )*};
}

forward!(&mut T, Box<T>);

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn split_boxed(self: Box<Self>) -> Halves {
        (*self).split_boxed()
    }
}

impl<A: Accept + ?Sized> Accept for Box<A> {
    type Transport = A::Transport;
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Self::Transport, Error>> {
        (**self).poll_accept(cx)
    }
}

/// Why there is nothing to wait for.
pub(crate) fn not_told() -> io::Error {
    let what = "nothing tells here that the peer is gone: send to it and wait for its answer, \
                with a deadline";
    io::Error::new(io::ErrorKind::Unsupported, what)
}

/// Why there is nothing to break off.
pub(crate) fn no_reset() -> io::Error {
    let what = "nothing here resets a connection, only TCP does: close it, or drop both halves";
    io::Error::new(io::ErrorKind::Unsupported, what)
}
