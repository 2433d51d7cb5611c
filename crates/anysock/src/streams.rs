//! A listener that yields streams of bytes, for servers that mark their messages by themselves.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use anysock_async::{Accepted, ListenerStats, StreamSocket};
use anysock_core::{Addr, Endpoint};
use anysock_framing::Error;
use futures_core::Stream;

/// A listener that yields streams of bytes, each with where its peer is. Made by
/// [`Listener::into_streams`](crate::Listener::into_streams).
///
/// It is what HTTP servers and their like build upon: a `StreamSocket` is tokio's `AsyncRead` and
/// `AsyncWrite`, over TCP and unix sockets alike. Errors that can be survived never come out, nobody
/// is skipped, and who has reset the connection by now still has an address. Dropping it closes the
/// listener and unlinks its socket file.
///
/// The log tells that they were accepted; no span and no counter goes with them, for there are no
/// messages to tell of.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock::Streams;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// let mut streams: Streams = anysock::bind("tcp://127.0.0.1:0").await?.into_streams()?;
/// let client = anysock::connect(streams.endpoint()).await?;
/// client.into_stream()?.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
///
/// let (mut socket, peer) = streams.accept().await?;
/// let mut request = String::new();
/// socket.read_to_string(&mut request).await?;
/// assert_eq!(request, "GET / HTTP/1.0\r\n\r\n");
/// println!("{peer} has asked");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// It is a [`Stream`] as well, so that the combinators of futures merge several and end them:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock::Shutdown;
/// use futures_util::stream::{StreamExt, select_all};
///
/// let tcp = anysock::bind("tcp://127.0.0.1:0").await?.into_streams()?;
/// let unix = anysock::bind("unix:").await?.into_streams()?;
/// let endpoints = [tcp.endpoint().clone(), unix.endpoint().clone()];
/// let shutdown = Shutdown::new();
/// // A listener that has ended is dropped at once, and with it goes its socket file.
/// let ending = |streams: anysock::Streams| streams.take_until(shutdown.clone().into_future());
/// let mut incoming = select_all([tcp, unix].map(ending));
///
/// for endpoint in &endpoints {
///     let _client = anysock::connect(endpoint).await?;
///     let (_socket, _peer) = incoming.next().await.expect("it goes on")?;
/// }
/// shutdown.begin();
/// assert!(incoming.next().await.is_none());
/// assert!(anysock::connect(&endpoints[1]).await.is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # use std::future::IntoFuture;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "nobody is accepted unless it is asked to"]
pub struct Streams {
    listener: anysock_async::Listener,
    endpoint: Endpoint,
    /// It has failed, and the stream that it is has told so.
    is_over: bool,
}

impl Streams {
    pub(crate) fn new(listener: anysock_async::Listener, endpoint: Endpoint) -> Self {
        Self { listener, endpoint, is_over: false }
    }

    /// Waits for the next stream; the address is its peer's, on unix mostly unnamed.
    ///
    /// # Errors
    ///
    /// Final ones: the socket was shut down, or is none that listens.
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, no peer was taken.
    pub async fn accept(&mut self) -> Result<(StreamSocket, Addr), Error> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// The same, to be polled. Each peer costs a unit of the task's cooperative budget, so that a
    /// flood of them does not hold up the neighbours.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(StreamSocket, Addr), Error>> {
        let accepting = tracing::debug_span!(
            target: "anysock::listener", "accept", endpoint = %self.endpoint
        );
        let _entered = accepting.enter();
        match ready!(self.listener.poll_accept_from(cx))? {
            (Accepted::Stream(socket), peer) => Poll::Ready(Ok((socket, peer))),
            (other, _) => unreachable!("a listener of streams has accepted {other:?}"),
        }
    }

    /// Where to connect to, with the port or name that the kernel chose.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What was counted so far.
    pub fn stats(&self) -> ListenerStats {
        self.listener.stats()
    }

    /// The listener underneath.
    pub fn as_socket(&self) -> &anysock_async::Listener {
        &self.listener
    }
}

/// Ends after the final error of the listener, which alone is one.
impl Stream for Streams {
    type Item = io::Result<(StreamSocket, Addr)>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let accepted = ready!(self.poll_accept(cx));
        self.is_over = accepted.is_err();
        Poll::Ready(Some(accepted.map_err(io::Error::from)))
    }
}
