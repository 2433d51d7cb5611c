//! From an address to a connected socket: the active open.

use std::io;
use std::time::Duration;

use anysock_core::{
    Addr, Cell, Domain, OptionError, Options, OwnedPath, PathClaim, PathError, Protocol, Socket,
    Type, UnixAddr, UnsupportedCell,
};
use tokio::time::Instant;

use crate::nap::Nap;
use crate::sys::Watched;
use crate::{DatagramSocket, SeqPacketSocket, StreamSocket, datagram};

/// A connected socket of whatever type was asked for.
///
/// ```
/// use anysock_async::Connected;
/// fn name(connected: &Connected) -> &'static str {
///     match connected {
///         Connected::Stream(_) => "bytes",
///         Connected::Datagram(_) => "messages, perhaps",
///         Connected::SeqPacket(_) => "messages",
///     }
/// }
/// ```
#[derive(Debug)]
pub enum Connected {
    /// A stream.
    Stream(StreamSocket),
    /// A datagram socket with one peer.
    Datagram(DatagramSocket),
    /// A seqpacket socket.
    SeqPacket(SeqPacketSocket),
}

impl Connected {
    fn keep_path(&self, path: OwnedPath) {
        match self {
            Self::Stream(socket) => socket.keep_path(path),
            Self::Datagram(socket) => socket.keep_path(path),
            Self::SeqPacket(socket) => socket.keep_path(path),
        }
    }

    /// As [`StreamSocket::set_busy_poll`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_busy_poll(&self, longest: Duration) -> io::Result<()> {
        match self {
            Self::Stream(socket) => socket.set_busy_poll(longest),
            Self::Datagram(socket) => socket.set_busy_poll(longest),
            Self::SeqPacket(socket) => socket.set_busy_poll(longest),
        }
    }
}

/// Opens a socket of the address's domain and of `protocol`, of which the [`Type`] is enough where
/// it is the default, and connects it within `deadline`. [`Connector`](crate::Connector) has more
/// to say, and takes several addresses.
///
/// A unix datagram socket is bound to an automatic name first, so that it can be answered. What
/// strangers sent to a datagram socket before it was connected is discarded.
///
/// TCP gets [`nodelay`](Options::nodelay) unless the options say otherwise.
///
/// Where the backlog of a unix listener is full, the kernel begins nothing and will not say
/// when there is room; so a fresh socket is tried after pauses of 1 to 50 ms.
///
/// # Errors
///
/// [`TimedOut`](io::ErrorKind::TimedOut) at the deadline;
/// [`Unsupported`](io::ErrorKind::Unsupported) for a cell that this machine has not;
/// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) also for a socket that has connected
/// to itself; as connect(2), with the address in the text.
///
/// # Cancel safety
///
/// If this does not resolve, the connection, if one was made, is closed.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
/// use anysock_async::connect;
/// use anysock_core::{Options, Type, UnixAddr};
///
/// let nobody = UnixAddr::abstract_name("doc-nobody-listens")?.into();
/// let refused = connect(&nobody, Type::Stream, &Options::default(), Duration::from_secs(1)).await;
/// assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub async fn connect(
    addr: &Addr,
    protocol: impl Into<Protocol>,
    options: &Options,
    deadline: Duration,
) -> io::Result<Connected> {
    Attempt { addr, protocol: protocol.into(), options, local: None }.within(deadline).await
}

/// One address to connect to, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) addr: &'a Addr,
    pub(crate) protocol: Protocol,
    pub(crate) options: &'a Options,
    pub(crate) local: Option<&'a Addr>,
}

/// How far connect(2) got. A path goes before the socket that holds its place.
enum Begun {
    Connected(Option<OwnedPath>, Socket),
    InProgress(Option<OwnedPath>, Socket),
    /// The backlog of a unix listener is full, or somebody else is binding in the directory of
    /// the local path. Nothing has begun.
    NotYet,
}

impl Attempt<'_> {
    /// Connects within `deadline`.
    pub(crate) async fn within(self, deadline: Duration) -> io::Result<Connected> {
        let options = self.options.for_client(self.cell());
        let connected = match self.begin(&options) {
            // Mostly there is nothing to wait for, and timers are not made for nothing.
            Ok(Begun::Connected(path, socket)) => register(socket, path),
            Ok(begun) => {
                let connecting = self.finish(begun, &options);
                Box::pin(tokio::time::timeout(deadline, connecting)).await.unwrap_or_else(|_| {
                    let what = format!("no connection within {deadline:?}");
                    Err(io::Error::new(io::ErrorKind::TimedOut, what))
                })
            }
            Err(error) => Err(error),
        };
        self.tell(connected)
    }

    /// Connects, however long that takes.
    pub(crate) async fn run(self) -> io::Result<Connected> {
        let options = self.options.for_client(self.cell());
        let connected = match self.begin(&options) {
            Ok(begun) => self.finish(begun, &options).await,
            Err(error) => Err(error),
        };
        self.tell(connected)
    }

    fn cell(&self) -> Cell {
        Cell::new(self.addr.domain(), self.protocol.kind())
    }

    fn begin(&self, options: &Options) -> io::Result<Begun> {
        let socket = Socket::open_as(self.addr.domain(), self.protocol)?;
        options.apply(&socket)?;
        crate::stream::prepare(&socket)?;
        let Some(path) = self.bind_local(&socket, options)? else { return Ok(Begun::NotYet) };
        match socket.connect(self.addr) {
            Ok(()) => Ok(Begun::Connected(path, not_itself(socket)?)),
            Err(error) if is_full(&error, socket.cell()) => Ok(Begun::NotYet),
            Err(error) if is_in_progress(&error) => Ok(Begun::InProgress(path, socket)),
            Err(error) => Err(error),
        }
    }

    /// Binds to the local address that was asked for, and tells the path that this made, if it
    /// was one; `None` if that cannot be done yet.
    fn bind_local(
        &self,
        socket: &Socket,
        options: &Options,
    ) -> io::Result<Option<Option<OwnedPath>>> {
        let bound = match self.local {
            Some(Addr::Unix(UnixAddr::Path(path))) => {
                let Some(claim) = PathClaim::try_new(path)? else { return Ok(None) };
                // Its error names the path.
                return claim.bind_client(socket, options).map(|path| Some(Some(path)));
            }
            Some(addr) => socket.bind_client(addr).map_err(|error| (addr, error)),
            None if socket.cell() == Cell::UNIX_DATAGRAM => {
                return socket.bind(&Addr::Unix(UnixAddr::Unnamed)).map(|()| Some(None));
            }
            None => return Ok(Some(None)),
        };
        bound.map(|()| Some(None)).map_err(|(addr, error)| {
            io::Error::new(
                error.kind(),
                format!("cannot bind to the local address {addr}: {error}"),
            )
        })
    }

    async fn finish(&self, mut begun: Begun, options: &Options) -> io::Result<Connected> {
        let mut nap = Nap::new(Duration::from_millis(1), Duration::from_millis(50));
        loop {
            match begun {
                Begun::Connected(path, socket) => return register(socket, path),
                Begun::InProgress(path, socket) => {
                    wait_connected(&socket).await?;
                    return register(not_itself(socket)?, path);
                }
                Begun::NotYet => nap.take().await,
            }
            begun = self.begin(options)?;
        }
    }

    fn tell(&self, connected: io::Result<Connected>) -> io::Result<Connected> {
        let (cell, addr) = (self.cell(), self.addr);
        match &connected {
            Ok(_) => tracing::debug!(%cell, %addr, "connected"),
            Err(error) => tracing::debug!(%cell, %addr, %error, "connect failed"),
        }
        connected.map_err(|error| explain(error, cell, addr))
    }
}

/// Only what was told to connect is made a socket that can wait: before, the reactor would be
/// told that it is closed, and remember that.
fn register(socket: Socket, path: Option<OwnedPath>) -> io::Result<Connected> {
    let connected = match socket.cell().kind {
        Type::Stream => Connected::Stream(StreamSocket::new(socket)?),
        Type::SeqPacket => Connected::SeqPacket(SeqPacketSocket::new(socket)?),
        Type::Datagram => {
            datagram::discard_queued(&socket);
            Connected::Datagram(DatagramSocket::new(socket)?)
        }
    };
    if let Some(path) = path {
        connected.keep_path(path);
    }
    Ok(connected)
}

/// Waits for a connection in progress to be made or to fail.
async fn wait_connected(socket: &Socket) -> io::Result<()> {
    let watched = Watched::new(socket.try_clone()?)?;
    let registration = watched.register()?;
    let started = Instant::now();
    loop {
        let mut guard = registration.writable().await?;
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
        match socket.peer_addr() {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                if guard.ready().is_write_closed() {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                tracing::trace!(after = ?started.elapsed(), "writable, and not connected yet");
                guard.clear_ready();
            }
            Err(error) => return Err(error),
        }
    }
}

/// A client that tries an unused ephemeral port of its own host may connect to itself, and so may
/// a datagram socket that is bound to where it sends. On unix a connection has a listener.
fn not_itself(socket: Socket) -> io::Result<Socket> {
    let cell = socket.cell();
    if cell.domain == Domain::Unix && cell.kind.is_connection_oriented() {
        return Ok(socket);
    }
    if socket.local_addr()? == socket.peer_addr()? {
        let what = "the socket has connected to itself: nobody else is at this address";
        return Err(io::Error::new(io::ErrorKind::ConnectionRefused, what));
    }
    Ok(socket)
}

fn is_full(error: &io::Error, cell: Cell) -> bool {
    cell.domain == Domain::Unix && error.kind() == io::ErrorKind::WouldBlock
}

fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS)
}

/// The same error with the address in its text; errors that carry a type are left as they are.
fn explain(error: io::Error, cell: Cell, addr: &Addr) -> io::Error {
    let is_typed = error.get_ref().is_some_and(|inner| {
        inner.is::<UnsupportedCell>() || inner.is::<PathError>() || inner.is::<OptionError>()
    });
    if is_typed {
        return error;
    }
    let hint = match (error.kind(), addr) {
        (io::ErrorKind::NotFound, Addr::Unix(_)) => "; no socket was bound there",
        (io::ErrorKind::ConnectionRefused, Addr::Unix(UnixAddr::Path(_))) => {
            "; the socket file is left from a process that is gone, or nobody listens"
        }
        (io::ErrorKind::ConnectionRefused, _) => "; nobody listens there",
        _ if error.raw_os_error() == Some(libc::EPROTOTYPE) => {
            "; the socket there is of another type"
        }
        _ => "",
    };
    io::Error::new(
        error.kind(),
        ConnectError { source: error, place: format!("{cell} {addr}"), hint },
    )
}

/// An error of connecting, with the address in its text.
#[derive(Debug)]
pub(crate) struct ConnectError {
    source: io::Error,
    place: String,
    hint: &'static str,
}

impl ConnectError {
    /// What the kernel said.
    pub(crate) fn system(&self) -> &io::Error {
        &self.source
    }
}

impl std::fmt::Display for ConnectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot connect to {}: {}{}", self.place, self.source, self.hint)
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_has_connected_to_itself_is_refused() {
        for (cell, any) in [(Cell::IPV4_STREAM, "127.0.0.1:0"), (Cell::IPV6_STREAM, "[::1]:0")] {
            let socket = Socket::open(cell).unwrap();
            socket.bind(&Addr::Ip(any.parse().unwrap())).unwrap();
            let begun = socket.connect(&socket.local_addr().unwrap());
            assert!(begun.is_ok() || is_in_progress(&begun.unwrap_err()));
            let refused = not_itself(socket).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        }
    }
}
