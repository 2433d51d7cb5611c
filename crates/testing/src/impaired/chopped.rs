//! A byte stream whose reads and writes fall short, wait in vain, and break.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use anysock_framing::{ByteRecv, ByteSend, ByteStream, RecvBlock};

use super::chopping::{Chopper, Chopping, Leave};
use super::seed::Seed;

/// A byte stream in pieces: reads and writes fall short, wait in vain, are late, are cut off and
/// break, by a [`Chopping`] drawn from a [`Seed`]. Under a
/// [`Framed`](anysock_framing::Framed) its codec meets every split.
///
/// Nothing of it breaks the laws of transports: the conformance kit passes over it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{Framed, Io, LengthDelimited, RecvExt, SendExt};
/// use anysock_testing::impaired::{Chopped, Chopping, Seed};
///
/// let (a, b) = tokio::io::duplex(64);
/// let pieces = Chopping::none().pieces(1..=3).pending(0.5);
/// let b = Chopped::new(Io::new(b), Seed::new(7)).both(pieces);
/// let mut a = Framed::new(Io::new(a), LengthDelimited::u16());
/// let mut b = Framed::new(b, LengthDelimited::u16());
/// a.send("in pieces").await?;
/// assert_eq!(b.recv().await?.unwrap(), "in pieces");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Chopped<S> {
    inner: S,
    seed: Seed,
    sending: Chopper,
    receiving: Chopper,
}

/// The receiving half of a [`Chopped`] stream.
///
/// ```
/// use anysock_framing::{ByteStream, Io};
/// use anysock_testing::impaired::{Chopped, ChoppedRecv, Seed};
/// type Pipe = Io<tokio::io::DuplexStream>;
/// fn split(pipe: Pipe) -> ChoppedRecv<<Pipe as ByteStream>::Recv> {
///     Chopped::new(pipe, Seed::new(1)).split().0
/// }
/// ```
#[derive(Debug)]
pub struct ChoppedRecv<R>(R, Chopper);

/// The sending half of a [`Chopped`] stream.
///
/// ```
/// use anysock_framing::{ByteStream, Io};
/// use anysock_testing::impaired::{Chopped, ChoppedSend, Seed};
/// type Pipe = Io<tokio::io::DuplexStream>;
/// fn split(pipe: Pipe) -> ChoppedSend<<Pipe as ByteStream>::Send> {
///     Chopped::new(pipe, Seed::new(1)).split().1
/// }
/// ```
#[derive(Debug)]
pub struct ChoppedSend<S>(S, Chopper);

const SENDING: u64 = 0;
const RECEIVING: u64 = 1;

impl<S> Chopped<S> {
    /// Chops nothing so far.
    pub fn new(inner: S, seed: Seed) -> Self {
        let chopper = |line| Chopper::new(Chopping::none(), seed, line);
        Self { inner, seed, sending: chopper(SENDING), receiving: chopper(RECEIVING) }
    }

    /// How the bytes are chopped that this end sends.
    #[must_use]
    pub fn sending(mut self, chopping: Chopping) -> Self {
        self.sending = Chopper::new(chopping, self.seed, SENDING);
        self
    }

    /// How the bytes are chopped that this end receives.
    #[must_use]
    pub fn receiving(mut self, chopping: Chopping) -> Self {
        self.receiving = Chopper::new(chopping, self.seed, RECEIVING);
        self
    }

    /// How the bytes of both directions are chopped.
    #[must_use]
    pub fn both(self, chopping: Chopping) -> Self {
        self.sending(chopping.clone()).receiving(chopping)
    }
}

fn recv(
    inner: &mut impl ByteRecv,
    chopper: &mut Chopper,
    cx: &mut Context<'_>,
    block: &mut RecvBlock,
    most: usize,
) -> Poll<io::Result<usize>> {
    let Leave::Bytes(leave) = ready!(chopper.poll_leave(cx))? else { return Poll::Ready(Ok(0)) };
    let received = ready!(inner.poll_recv(cx, block, most.min(leave)))?;
    chopper.pass(received);
    Poll::Ready(Ok(received))
}

fn send(
    inner: &mut impl ByteSend,
    chopper: &mut Chopper,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let Leave::Bytes(leave) = ready!(chopper.poll_leave(cx))? else {
        return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
    };
    let sent = ready!(inner.poll_send(cx, &front(slices, leave)))?;
    chopper.pass(sent);
    Poll::Ready(Ok(sent))
}

/// The first `most` bytes, of which there is one at least.
fn front<'a>(slices: &'a [IoSlice<'_>], most: usize) -> Vec<IoSlice<'a>> {
    let mut left = most;
    let mut shorter = |slice: &'a IoSlice<'_>| {
        let length = slice.len().min(left);
        left -= length;
        (length > 0).then(|| IoSlice::new(&slice[..length]))
    };
    slices.iter().map_while(&mut shorter).collect()
}

impl<S: ByteRecv> ByteRecv for Chopped<S> {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        recv(&mut self.inner, &mut self.receiving, cx, block, most)
    }
}

impl<R: ByteRecv> ByteRecv for ChoppedRecv<R> {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        recv(&mut self.0, &mut self.1, cx, block, most)
    }
}

macro_rules! byte_send {
    ($type:ident, $inner:tt, $chopper:tt) => {
        impl<S: ByteSend> ByteSend for $type<S> {
            fn poll_send(
                &mut self,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                send(&mut self.$inner, &mut self.$chopper, cx, slices)
            }

            fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.$inner.poll_flush(cx)
            }

            fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.$inner.poll_shutdown(cx)
            }

            fn poll_drain(
                &mut self,
                cx: &mut Context<'_>,
                block: &mut RecvBlock,
                most: usize,
            ) -> Poll<io::Result<usize>> {
                self.$inner.poll_drain(cx, block, most)
            }
        }
    };
}

byte_send!(Chopped, inner, sending);
byte_send!(ChoppedSend, 0, 1);

impl<S: ByteStream> ByteStream for Chopped<S> {
    type Recv = ChoppedRecv<S::Recv>;
    type Send = ChoppedSend<S::Send>;

    fn split(self) -> (Self::Recv, Self::Send) {
        let (recv, send) = self.inner.split();
        (ChoppedRecv(recv, self.receiving), ChoppedSend(send, self.sending))
    }
}
