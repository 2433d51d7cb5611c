//! From an address to a connected socket: the active open.

use std::io;
use std::time::Duration;

use anysock_core::{Addr, Cell, Domain, Options, Socket, Type, UnixAddr};
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

/// Opens a socket of the address's domain and of type `kind`, and connects it within `deadline`.
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
/// [`Unsupported`](io::ErrorKind::Unsupported) for a cell that this machine has not; as
/// connect(2), with the address in the text.
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
    kind: Type,
    options: &Options,
    deadline: Duration,
) -> io::Result<Connected> {
    let cell = Cell::new(addr.domain(), kind);
    let options = options.for_client(cell);
    let connected = match begin(addr, cell, &options) {
        // Mostly there is nothing to wait for, and timers are not made for nothing.
        Ok(Begun::Connected(socket)) => Ok(socket),
        Ok(begun) => {
            let connecting = finish(begun, addr, cell, &options);
            Box::pin(tokio::time::timeout(deadline, connecting)).await.unwrap_or_else(|_| {
                let what = format!("no connection within {deadline:?}");
                Err(io::Error::new(io::ErrorKind::TimedOut, what))
            })
        }
        Err(error) => Err(error),
    };
    let connected = connected.and_then(register);
    match &connected {
        Ok(_) => tracing::debug!(%cell, %addr, "connected"),
        Err(error) => tracing::debug!(%cell, %addr, %error, "connect failed"),
    }
    connected.map_err(|error| explain(error, cell, addr))
}

/// How far connect(2) got.
enum Begun {
    Connected(Socket),
    InProgress(Socket),
    /// The backlog of a unix listener is full, and nothing has begun.
    Full,
}

fn begin(addr: &Addr, cell: Cell, options: &Options) -> io::Result<Begun> {
    let socket = Socket::open(cell)?;
    options.apply(&socket)?;
    crate::stream::prepare(&socket)?;
    if cell == Cell::UNIX_DATAGRAM {
        socket.bind(&Addr::Unix(UnixAddr::Unnamed))?;
    }
    match socket.connect(addr) {
        Ok(()) => Ok(Begun::Connected(socket)),
        Err(error) if cell.domain == Domain::Unix && is_full(&error) => Ok(Begun::Full),
        Err(error) if is_in_progress(&error) => Ok(Begun::InProgress(socket)),
        Err(error) => Err(error),
    }
}

async fn finish(
    mut begun: Begun,
    addr: &Addr,
    cell: Cell,
    options: &Options,
) -> io::Result<Socket> {
    let mut nap = Nap::new(Duration::from_millis(1), Duration::from_millis(50));
    loop {
        match begun {
            Begun::Connected(socket) => return Ok(socket),
            Begun::InProgress(socket) => {
                wait_connected(&socket).await?;
                return not_itself(socket);
            }
            Begun::Full => nap.take().await,
        }
        begun = begin(addr, cell, options)?;
    }
}

/// Only what was told to connect is made a socket that can wait: before, the reactor would be
/// told that it is closed, and remember that.
fn register(socket: Socket) -> io::Result<Connected> {
    match socket.cell().kind {
        Type::Stream => StreamSocket::new(socket).map(Connected::Stream),
        Type::SeqPacket => SeqPacketSocket::new(socket).map(Connected::SeqPacket),
        Type::Datagram => {
            datagram::discard_queued(&socket);
            DatagramSocket::new(socket).map(Connected::Datagram)
        }
    }
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

/// A TCP client that tries an unused ephemeral port of its own host may connect to itself.
fn not_itself(socket: Socket) -> io::Result<Socket> {
    if socket.local_addr()? == socket.peer_addr()? {
        let what = "the socket has connected to itself: nobody listens at this port";
        return Err(io::Error::new(io::ErrorKind::ConnectionRefused, what));
    }
    Ok(socket)
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS)
}

/// The same error with the address in its text; errors that carry a type are left as they are.
fn explain(error: io::Error, cell: Cell, addr: &Addr) -> io::Error {
    if error.get_ref().is_some_and(|inner| inner.is::<anysock_core::UnsupportedCell>()) {
        return error;
    }
    let hint = match (error.kind(), cell.domain) {
        (io::ErrorKind::NotFound, Domain::Unix) => "; no socket was bound there",
        (io::ErrorKind::ConnectionRefused, Domain::Unix) => {
            "; the socket file is left from a process that is gone, or nobody listens"
        }
        _ if error.raw_os_error() == Some(libc::EPROTOTYPE) => {
            "; the socket there is of another type"
        }
        _ => "",
    };
    io::Error::new(
        error.kind(),
        ConnectError { source: error, text: format!("{cell} {addr}{hint}") },
    )
}

/// An error of connecting, with the address in its text.
#[derive(Debug)]
struct ConnectError {
    source: io::Error,
    text: String,
}

impl std::fmt::Display for ConnectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot connect: {}: {}", self.source, self.text)
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
