//! One listener type over every cell.

use std::io;
use std::task::{Context, Poll};

use anysock_async::{Accepted, Gate, ListenerStats};
use anysock_core::{Cell, ConvertError, Endpoint, OwnedPath, Type};
use anysock_framing::{Accept, AnyCodec, Error, Framed, Packets};

use crate::memory::MemoryListener;
use crate::observed::{End, observe};
use crate::{Connection, Streams};

/// Yields a [`Connection`] per peer, whatever the cell. Made by [`bind`](crate::bind()).
///
/// On datagram sockets a peer is who sends from one address; it is accepted when it is first
/// heard.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock::prelude::*;
///
/// let mut listener = anysock::bind("udp://127.0.0.1:0").await?;
/// let mut client = anysock::connect(listener.endpoint()).await?;
/// client.send("hello").await?;
/// let mut peer = listener.accept().await?;
/// assert_eq!(peer.recv().await?.unwrap(), "hello");
/// # Ok::<_, anysock::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    inner: Inner,
    endpoint: Endpoint,
}

#[derive(Debug)]
enum Inner {
    Socket { listener: anysock_async::Listener, codec: AnyCodec, packet_max: usize },
    Memory { listener: MemoryListener },
}

impl Listener {
    pub(crate) fn socket(
        listener: anysock_async::Listener,
        endpoint: Endpoint,
        codec: AnyCodec,
        packet_max: usize,
    ) -> Self {
        Self { inner: Inner::Socket { listener, codec, packet_max }, endpoint }
    }

    pub(crate) fn memory(listener: MemoryListener, endpoint: Endpoint) -> Self {
        Self { inner: Inner::Memory { listener }, endpoint }
    }

    /// Where to connect to, with the port or name that the kernel chose.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The cell; `None` in memory.
    pub fn cell(&self) -> Option<Cell> {
        self.as_socket().map(anysock_async::Listener::cell)
    }

    /// Accepts from here on only who is admitted by `gate`, before the first byte of his is
    /// received; others are closed, or their datagrams dropped, counted and logged. See
    /// [`sockets::Listener::allow`](anysock_async::Listener::allow) for who has connected
    /// before; [`Bind::allow`](crate::Bind::allow) has the gate there from the beginning.
    ///
    /// An abstract name has no permissions: without a gate, a warning is logged.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock::{Gate, prelude::*};
    ///
    /// let mut listener = anysock::bind("unix:").await?;
    /// listener.allow(Gate::nobody().when(|peer| peer.uid >= 1000))?;
    /// # Ok::<_, anysock::Error>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput), wrapping an
    /// [`OptionError`](crate::OptionError), on internet sockets, whose peers have no credentials;
    /// [`Unsupported`](io::ErrorKind::Unsupported) in memory.
    pub fn allow(&mut self, gate: Gate) -> Result<(), Error> {
        match &mut self.inner {
            Inner::Socket { listener, .. } => Ok(listener.allow(gate)?),
            Inner::Memory { .. } => {
                let what = "in memory there are no credentials to be asked for; leave allow out";
                Err(io::Error::new(io::ErrorKind::Unsupported, what).into())
            }
        }
    }

    /// What was counted so far; in memory nothing is.
    pub fn stats(&self) -> ListenerStats {
        self.as_socket().map(anysock_async::Listener::stats).unwrap_or_default()
    }

    /// The listener underneath; `None` in memory.
    pub fn as_socket(&self) -> Option<&anysock_async::Listener> {
        match &self.inner {
            Inner::Socket { listener, .. } => Some(listener),
            Inner::Memory { .. } => None,
        }
    }
}

impl Listener {
    /// Takes the ownership of the socket file out, if it has any, to be handed over: see
    /// [`Listener::take_path`](crate::sockets::Listener::take_path).
    pub fn take_path(&mut self) -> Option<OwnedPath> {
        match &mut self.inner {
            Inner::Socket { listener, .. } => listener.take_path(),
            Inner::Memory { .. } => None,
        }
    }

    /// Has the socket file `path`, which a predecessor has handed over, unlinked when this is
    /// dropped.
    ///
    /// # Errors
    ///
    /// Gives it back in memory, where nobody is reached by a file.
    pub fn own_path(&mut self, path: OwnedPath) -> Result<(), ConvertError<OwnedPath>> {
        match &mut self.inner {
            Inner::Socket { listener, .. } => {
                listener.own_path(path);
                Ok(())
            }
            Inner::Memory { .. } => {
                let what = "a listener in memory has no socket file";
                Err(ConvertError::new(path, io::Error::new(io::ErrorKind::Unsupported, what)))
            }
        }
    }
}

impl Listener {
    /// Accepts bytes alone from here on, without messages: for what marks its own, a server of HTTP
    /// say. The gate, the options and the socket file stay with it; the codec and the maximum of a
    /// message are of messages, and go.
    ///
    /// # Errors
    ///
    /// Gives the listener back where there is no stream of bytes
    /// ([`Unsupported`](io::ErrorKind::Unsupported)): on datagrams, seqpacket, in memory.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let listener = anysock::bind("udp://127.0.0.1:0").await?;
    /// let refused = listener.into_streams().unwrap_err();
    /// assert_eq!(refused.error().kind(), std::io::ErrorKind::Unsupported);
    /// let listener: anysock::Listener = refused.into_inner();
    /// # Ok::<_, anysock::Error>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_streams(self) -> Result<Streams, ConvertError<Self>> {
        match self.inner {
            Inner::Socket { listener, .. } if listener.cell().kind == Type::Stream => {
                Ok(Streams::new(listener, self.endpoint))
            }
            inner => {
                let listener = Self { inner, ..self };
                let error = listener.no_streams();
                Err(ConvertError::new(listener, error))
            }
        }
    }

    fn no_streams(&self) -> io::Error {
        let is = match self.cell() {
            Some(cell) => cell.to_string(),
            None => "in memory".to_owned(),
        };
        let what = format!(
            "a stream of bytes is wanted, and {} is {is}; tcp://HOST:PORT and unix:PATH are streams",
            self.endpoint
        );
        io::Error::new(io::ErrorKind::Unsupported, what)
    }
}

impl Accept for Listener {
    type Transport = Connection;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Connection, Error>> {
        let endpoint = &self.endpoint;
        let accepting = tracing::debug_span!("accept", %endpoint);
        let accepted = accepting.in_scope(|| self.inner.poll_accept(cx));
        accepted.map_ok(|connection| observe(connection, endpoint, End::Accepted))
    }
}

impl Inner {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Connection, Error>> {
        match self {
            Inner::Socket { listener, codec, packet_max } => {
                let accepted = listener.poll_accept(cx).map_err(Error::from);
                accepted.map_ok(|accepted| match accepted {
                    Accepted::Stream(socket) => Framed::new(socket, codec.clone()).into(),
                    Accepted::SeqPacket(socket) => Packets::new(socket).max(*packet_max).into(),
                    Accepted::Peer(peer) => Packets::new(peer).max(*packet_max).into(),
                })
            }
            Inner::Memory { listener } => {
                listener.poll_accept(cx).map_ok(Connection::from).map_err(Error::from)
            }
        }
    }
}
