//! A connection whose bytes are spoken otherwise from here on: TLS, or another protocol.

use std::future::Future;
use std::io;
use std::time::Duration;

use anysock_async::StreamSocket;
use anysock_core::ConvertError;
use anysock_framing::{AnyCodec, Error, Framed, Guaranteed as _, Io, Limits};
use tokio::io::{AsyncRead, AsyncWrite};

use super::socket::no_socket;
use super::{Connection, Inner, Other};
use crate::observed::Telling;

impl Connection {
    /// Has the messages go on over what `upgrade` makes of the stream: TLS by rustls, or whatever
    /// else is `AsyncRead + AsyncWrite`, within `deadline`. Codec and limits stay, and it goes on to
    /// tell of its [socket](Self::as_socket), and to be [closed](crate::Guaranteed::closed) and
    /// [aborted](crate::SendHalf::abort) by it. The socket stays open until the connection, or the
    /// last of its halves, is dropped.
    ///
    /// It belongs into the connection's own task, in the handler of [`serve`](crate::serve()) as
    /// its first line, so that a peer that does not shake hands holds up nobody else. A connection
    /// under [`Limits`] is not idle meanwhile, the deadline is what bounds it.
    ///
    /// The connection's [`Stats`](crate::Stats) begin anew; what is told of it by its span and its
    /// metrics goes on.
    ///
    /// What has been made is known to `upgrade` alone: who is to know the certificates of the peer
    /// takes them down there.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use std::time::Duration;
    /// use anysock::{Error, prelude::*};
    /// use tokio::io::BufStream; // where a service has `acceptor.accept(socket)`
    ///
    /// let listener = anysock::bind("unix:").await?;
    /// let mut client = anysock::connect(listener.endpoint()).await?;
    /// tokio::spawn(anysock::serve(listener, |peer| async move {
    ///     let within = Duration::from_secs(10);
    ///     let mut peer = peer.upgrade(within, async |socket| Ok(BufStream::new(socket))).await?;
    ///     assert_eq!(peer.peer_credentials()?.pid, Some(std::process::id()));
    ///     while let Some(message) = peer.recv().await? {
    ///         peer.send(message).await?;
    ///     }
    ///     peer.close().await
    /// }).into_future());
    ///
    /// client.send("hello").await?;
    /// assert_eq!(client.recv().await?.unwrap(), "hello");
    /// # Ok::<_, Error>(()) })?;
    /// # use std::future::IntoFuture;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// That of `upgrade`, as it is: [`Error::find`] finds a rustls error in it;
    /// [`TimedOut`](io::ErrorKind::TimedOut) after the deadline;
    /// [`Unsupported`](io::ErrorKind::Unsupported) where there is no stream: datagrams, seqpacket,
    /// in memory, another upgrade; [`InvalidInput`](io::ErrorKind::InvalidInput) if bytes of
    /// messages were received or are unsent. The connection is closed by then.
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, the connection is closed: an upgrade that was begun has no end
    /// but its own.
    pub async fn upgrade<U, F, T>(self, deadline: Duration, upgrade: U) -> Result<Self, Error>
    where
        U: FnOnce(StreamSocket) -> F,
        F: Future<Output = io::Result<T>>,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Parts { framed, limits, telling } = self.into_framed().map_err(io::Error::from)?;
        if let Some(telling) = &telling {
            telling.count(framed.stats());
        }
        let codec = framed.codec().clone();
        let socket = framed.into_stream().map_err(io::Error::from)?;
        let (socket, handle) = socket.with_handle();
        let upgraded = tokio::time::timeout(deadline, upgrade(socket)).await;
        let upgraded = upgraded.map_err(|_| took_too_long(deadline))??;
        let transport = Box::new(Framed::new(Io::new(upgraded), codec));
        let upgraded = Self(Inner::Upgraded(Other(transport), handle));
        Ok(told_by(telling, upgraded).limit(&limits))
    }

    /// The stream alone, without messages: for a protocol that marks its own, HTTP say.
    ///
    /// # Errors
    ///
    /// Gives the connection back where there is no stream, where it is not between two messages
    /// (see [`Framed::into_stream`](crate::Framed::into_stream)), and under [`Limits`], which are
    /// of messages and would be gone.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use tokio::io::AsyncWriteExt;
    ///
    /// let listener = anysock::bind("tcp://127.0.0.1:0").await?;
    /// let client = anysock::connect(listener.endpoint()).await?;
    /// let mut socket: anysock::sockets::StreamSocket = client.into_stream()?;
    /// socket.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    ///
    /// let listener = anysock::bind("udp://127.0.0.1:0").await?;
    /// let client = anysock::connect(listener.endpoint()).await?;
    /// let client: anysock::Connection = client.into_stream().unwrap_err().into_inner();
    /// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_stream(self) -> Result<StreamSocket, ConvertError<Self>> {
        if matches!(self.0, Inner::Limited(..)) {
            let what = "its limits are of messages, and would be gone without them; take the \
                        stream first, or upgrade the connection";
            let error = io::Error::new(io::ErrorKind::InvalidInput, what);
            return Err(ConvertError::new(self, error));
        }
        let Parts { framed, telling, .. } = self.into_framed()?;
        let passed = framed.stats();
        match framed.into_stream() {
            Ok(stream) => {
                if let Some(telling) = &telling {
                    telling.count(passed);
                }
                Ok(stream)
            }
            Err(refused) => Err(refused.map(|framed| told_by(telling, framed.into()))),
        }
    }

    fn into_framed(self) -> Result<Parts, ConvertError<Self>> {
        match self.0 {
            Inner::Stream(framed) => Ok(Parts { framed, limits: Limits::default(), telling: None }),
            Inner::Observed(observed) => {
                let (within, telling) = observed.into_parts();
                match within.into_framed() {
                    Ok(parts) => Ok(Parts { telling: Some(telling), ..parts }),
                    Err(refused) => Err(refused.map(|within| telling.of(within))),
                }
            }
            Inner::Limited(limited, limits) => {
                let within = limited.into_inner().into_inner().into_inner().into_inner();
                match within.into_framed() {
                    Ok(parts) => Ok(Parts { limits: *limits, ..parts }),
                    Err(refused) => Err(refused.map(|within| within.limit(&limits))),
                }
            }
            other => Err(ConvertError::new(Self(other), no_socket("stream of bytes"))),
        }
    }
}

/// A stream with its codec, and what stood around it.
struct Parts {
    framed: Framed<StreamSocket, AnyCodec>,
    limits: Limits,
    telling: Option<Telling>,
}

fn told_by(telling: Option<Telling>, connection: Connection) -> Connection {
    match telling {
        Some(telling) => telling.of(connection),
        None => connection,
    }
}

fn took_too_long(deadline: Duration) -> io::Error {
    let what = format!("the upgrade of the connection was not done within {deadline:?}");
    io::Error::new(io::ErrorKind::TimedOut, what)
}
