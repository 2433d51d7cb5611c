//! What the kit asks of those who want a transport checked.

use std::fmt;
use std::future::{Future, ready};

use anysock_framing::Transport;
use tokio::io::{AsyncRead, AsyncWrite};

use super::sample::noise;
use super::stop::Stop;

/// What a [`Subject`] is asked for: here it is, or why it is not.
pub type Offer<T> = Result<T, Stop>;

/// A transport under test: how connected ends of it are made.
///
/// Only [`name`](Self::name) and [`pair`](Self::pair) are required. Whatever else is not
/// offered makes the checks that need it *not applicable*, with the reason in the report.
/// Each law is checked in a tokio runtime of its own, of one thread, in which the methods here
/// are called.
///
/// ```
/// use anysock_framing::memory;
/// use anysock_testing::conformance::{Law, Kit, Offer, Subject};
///
/// struct Mine;
///
/// impl Subject for Mine {
///     type Transport = memory::Memory;
///     fn name(&self) -> String {
///         "mine".into()
///     }
///     async fn pair(&self) -> Offer<(Self::Transport, Self::Transport)> {
///         Ok(memory::pair())
///     }
/// }
///
/// Kit::default().only(&[Law::Boundaries]).check(Mine).assert();
/// ```
pub trait Subject: Send + Sync + 'static {
    /// The transport.
    type Transport: Transport + Send + 'static;

    /// Its name in reports.
    fn name(&self) -> String;

    /// A fresh pair, connected to each other, over which nothing has passed: the end under
    /// test, and the other.
    ///
    /// # Errors
    ///
    /// Whatever went wrong.
    fn pair(&self) -> impl Future<Output = Offer<(Self::Transport, Self::Transport)>>;

    /// A pair whose ends send and receive messages of at most so many bytes.
    ///
    /// # Errors
    ///
    /// Not applicable, if the maximum is fixed.
    fn pair_with_max(
        &self,
        near: usize,
        far: usize,
    ) -> impl Future<Output = Offer<(Self::Transport, Self::Transport)>> {
        let _ = (near, far);
        ready(Err(Stop::not_applicable("the maximum of each end cannot be chosen")))
    }

    /// A message of exactly `length` bytes, or `None` if this transport carries none of that
    /// length. Messages of 8 bytes and more must differ if their `seed` does.
    fn sample(&self, length: usize, seed: u64) -> Option<Vec<u8>> {
        Some(noise(length, seed))
    }

    /// Messages within the maximum that this transport cannot carry and has to refuse.
    fn unrepresentable(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// Whether dropping an end looks like closing it, as with sockets. Where an end has to be said
    /// (the close_notify of TLS), a peer that was dropped must be told as an error instead.
    fn drop_ends(&self) -> bool {
        true
    }

    /// An end of the transport whose peer is a bare stream of bytes in the kit's hands.
    ///
    /// # Errors
    ///
    /// Not applicable, if there are no bytes beneath.
    fn raw(&self) -> impl Future<Output = Offer<Raw<Self::Transport>>> {
        ready(Err(Stop::not_applicable("no byte stream lies beneath it")))
    }

    /// The near end of a connection whose peer sent `last_words` and then broke it without an
    /// orderly close: reset it, or closed it with unread input.
    ///
    /// # Errors
    ///
    /// Not applicable, if a connection cannot be broken so.
    fn reset(&self, last_words: &[Vec<u8>]) -> impl Future<Output = Offer<Self::Transport>> {
        let _ = last_words;
        ready(Err(Stop::not_applicable("the peer cannot break a connection")))
    }

    /// A pair whose far end was away while the near end sent one message, and is back at the
    /// same address: the host's refusal of that message is still pending at the near end.
    ///
    /// # Errors
    ///
    /// Not applicable, if a peer that is gone does not come back.
    fn refused(&self) -> impl Future<Output = Offer<(Self::Transport, Self::Transport)>> {
        ready(Err(Stop::not_applicable("a peer that is gone does not come back")))
    }
}

/// A stream of bytes, as anything may write them.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// Gives the bytes by which a message is sent.
type Frame = Box<dyn Fn(&[u8]) -> Vec<u8> + Send>;

/// One end of a transport over bytes, and the other end of the bytes.
///
/// ```
/// use anysock_testing::conformance::Raw;
/// use anysock_framing::{LengthDelimited, encode_frame};
///
/// let (mine, _theirs) = tokio::io::duplex(64);
/// let transport = "stands for one over `theirs`";
/// let raw = Raw::new(transport, mine, |message| {
///     encode_frame(&mut LengthDelimited::u16(), message).unwrap().to_vec()
/// });
/// assert_eq!(raw.frame(b"hi"), b"\0\x02hi");
/// ```
pub struct Raw<T> {
    /// The transport under test.
    pub near: T,
    /// Its peer. Shutting it down gives the transport an end-of-file.
    pub wire: Box<dyn Wire>,
    frame: Frame,
}

impl<T> Raw<T> {
    /// `frame` gives the bytes by which one message is sent.
    pub fn new(
        near: T,
        wire: impl Wire + 'static,
        frame: impl Fn(&[u8]) -> Vec<u8> + Send + 'static,
    ) -> Self {
        Self { near, wire: Box::new(wire), frame: Box::new(frame) }
    }

    /// The bytes by which `message` is sent.
    pub fn frame(&self, message: &[u8]) -> Vec<u8> {
        (self.frame)(message)
    }

    /// The same with another transport made of this one.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Raw<U> {
        Raw { near: make(self.near), wire: self.wire, frame: self.frame }
    }
}

impl<T> fmt::Debug for Raw<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw").finish_non_exhaustive()
    }
}
