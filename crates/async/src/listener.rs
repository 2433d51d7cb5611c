//! What yields connected sockets, of every cell.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anysock_core::{Addr, Cell, OwnedPath, Socket, Type};

use crate::demux::{DatagramListener, DatagramPeer, PeerLimits};
use crate::nap::Nap;
use crate::registered::Registered;
use crate::{SeqPacketSocket, StreamSocket};

/// A bound socket that accepts peers. Made by [`bind`](crate::bind).
///
/// On a stream or seqpacket socket, accepting is accept(2). On a datagram socket it yields a
/// peer the first time it is heard, and that peer then receives its datagrams.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
/// use anysock_async::{Accepted, PeerLimits, bind, connect};
/// use anysock_core::{Options, Type};
///
/// let any = "127.0.0.1:0".parse::<std::net::SocketAddr>()?.into();
/// let options = Options::default();
/// let mut listener = bind(&any, Type::Stream, &options, &PeerLimits::default()).await?;
/// let addr = listener.local_addr()?;
/// let client = connect(&addr, Type::Stream, &options, Duration::from_secs(1)).await?;
/// assert!(matches!(listener.accept().await?, Accepted::Stream(_)));
/// # drop(client);
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    inner: Inner,
    cell: Cell,
}

#[derive(Debug)]
enum Inner {
    Connections(Box<Connections>),
    Datagrams(DatagramListener),
}

#[derive(Debug)]
struct Connections {
    /// The path goes first: while the socket lives, nobody else can claim it.
    path: Option<OwnedPath>,
    io: Registered,
    nap: Nap,
    pausing: bool,
    busy_poll: Duration,
}

/// A peer that was accepted.
///
/// ```
/// use anysock_async::Accepted;
/// fn name(accepted: &Accepted) -> &'static str {
///     match accepted {
///         Accepted::Stream(_) => "a stream",
///         Accepted::SeqPacket(_) => "a seqpacket socket",
///         Accepted::Peer(_) => "a sender of datagrams",
///     }
/// }
/// ```
#[derive(Debug)]
pub enum Accepted {
    /// A stream.
    Stream(StreamSocket),
    /// A seqpacket socket.
    SeqPacket(SeqPacketSocket),
    /// A sender of datagrams.
    Peer(DatagramPeer),
}

impl Listener {
    /// Registers a socket that is bound, and listens if its type does.
    pub(crate) fn new(
        socket: Socket,
        limits: PeerLimits,
        path: Option<OwnedPath>,
    ) -> io::Result<Self> {
        let cell = socket.cell();
        let inner = if cell.kind == Type::Datagram {
            Inner::Datagrams(DatagramListener::new(socket, limits, path)?)
        } else {
            let io = Registered::new(socket)?;
            let nap = Nap::new(Duration::from_millis(5), Duration::from_secs(1));
            let (pausing, busy_poll) = (false, Duration::ZERO);
            Inner::Connections(Box::new(Connections { path, io, nap, pausing, busy_poll }))
        };
        Ok(Self { inner, cell })
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        self.cell
    }

    /// The socket itself.
    pub fn socket(&self) -> &Socket {
        match &self.inner {
            Inner::Connections(connections) => connections.io.socket(),
            Inner::Datagrams(listener) => listener.socket(),
        }
    }

    /// The datagram side, with its counters, if this is a datagram socket.
    pub fn as_datagrams(&self) -> Option<&DatagramListener> {
        match &self.inner {
            Inner::Datagrams(listener) => Some(listener),
            Inner::Connections(_) => None,
        }
    }

    /// Where the socket is.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<Addr> {
        self.socket().local_addr()
    }

    /// Takes the ownership of the socket file out, if it has any: whoever holds that decides
    /// whether the file is unlinked, or [left](OwnedPath::leave) to a successor.
    ///
    /// For a hand-over: send the successor a duplicate of the socket, and the path and the
    /// [number](OwnedPath::id) of its file; go on accepting until he says that he does; then leave
    /// the file and drop this. What waits in the backlog is his.
    pub fn take_path(&mut self) -> Option<OwnedPath> {
        match &mut self.inner {
            Inner::Connections(connections) => connections.path.take(),
            Inner::Datagrams(listener) => listener.replace_path(None),
        }
    }

    /// Has the socket file `path`, which a predecessor has handed over, unlinked when this is
    /// dropped; the one that was owned before, if any.
    pub fn own_path(&mut self, path: OwnedPath) -> Option<OwnedPath> {
        match &mut self.inner {
            Inner::Connections(connections) => connections.path.replace(path),
            Inner::Datagrams(listener) => listener.replace_path(Some(path)),
        }
    }

    /// What is accepted from here on [polls busily](StreamSocket::set_busy_poll) for up to
    /// `longest` before it waits; accepting itself does not.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) beyond
    /// [`LONGEST_BUSY_POLL`](crate::LONGEST_BUSY_POLL);
    /// [`Unsupported`](io::ErrorKind::Unsupported) on a datagram socket, whose peers wait for
    /// one task that reads for all.
    pub fn set_busy_poll(&mut self, longest: Duration) -> io::Result<()> {
        crate::busy::check(longest)?;
        match &mut self.inner {
            Inner::Connections(connections) => {
                connections.busy_poll = longest;
                Ok(())
            }
            Inner::Datagrams(_) => {
                let what = "the peers of a datagram listener do not poll themselves";
                Err(io::Error::new(io::ErrorKind::Unsupported, what))
            }
        }
    }

    /// Waits for the next peer.
    ///
    /// # Errors
    ///
    /// As [`poll_accept`](Self::poll_accept).
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, no peer was taken.
    pub async fn accept(&mut self) -> io::Result<Accepted> {
        std::future::poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// Waits for the next peer. Errors that concern one connection are skipped; where
    /// descriptors or memory are short it tries again after pauses of 5 ms to 1 s, since no
    /// event tells when they are free.
    ///
    /// # Errors
    ///
    /// Final ones: the socket was shut down, or is none that listens.
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        let Connections { io, nap, pausing, busy_poll, .. } = match &mut self.inner {
            Inner::Datagrams(listener) => {
                return listener.poll_accept(cx).map_ok(Accepted::Peer);
            }
            Inner::Connections(connections) => &mut **connections,
        };
        loop {
            if *pausing {
                ready!(nap.poll(cx));
                *pausing = false;
            }
            let accepted = match ready!(io.poll_read_with(cx, Socket::accept)) {
                Ok(Some((socket, peer))) => register(socket, *busy_poll).inspect(|_| {
                    tracing::debug!(cell = %self.cell, %peer, "accepted");
                }),
                Ok(None) => return Poll::Ready(Err(shut_down())),
                Err(error) => Err(error),
            };
            match accepted {
                Ok(accepted) => {
                    nap.reset();
                    return Poll::Ready(Ok(accepted));
                }
                Err(error) => match class(&error) {
                    Class::Connection => {
                        tracing::debug!(%error, "a connection was lost unaccepted")
                    }
                    Class::Shortage => {
                        tracing::warn!(%error, "cannot accept now, trying again after a pause");
                        *pausing = true;
                    }
                    Class::Final => return Poll::Ready(Err(error)),
                },
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket().as_fd()
    }
}

fn register(socket: Socket, busy_poll: Duration) -> io::Result<Accepted> {
    if socket.cell().kind == Type::SeqPacket {
        let socket = SeqPacketSocket::new(socket)?;
        socket.set_busy_poll(busy_poll)?;
        return Ok(Accepted::SeqPacket(socket));
    }
    let socket = StreamSocket::new(socket)?;
    socket.set_busy_poll(busy_poll)?;
    Ok(Accepted::Stream(socket))
}

/// What an error of accept(2) says about the listener.
enum Class {
    /// It concerns the connection that was to be accepted: the next one may be well.
    Connection,
    /// The machine is short of something: the connection stays queued.
    Shortage,
    /// The listener is done for.
    Final,
}

/// As accept(2) has it: Linux passes pending errors of the new socket on.
fn class(error: &io::Error) -> Class {
    use io::ErrorKind as K;
    match error.raw_os_error() {
        // The last one is epoll_ctl's: too many descriptors are watched.
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::ENOSPC) => {
            return Class::Shortage;
        }
        Some(
            libc::EPROTO
            | libc::ENOPROTOOPT
            | libc::EHOSTDOWN
            | libc::ENONET
            | libc::EOPNOTSUPP
            | libc::EPERM,
        ) => return Class::Connection,
        _ => {}
    }
    match error.kind() {
        K::ConnectionAborted
        | K::ConnectionReset
        | K::Interrupted
        | K::NetworkDown
        | K::NetworkUnreachable
        | K::HostUnreachable
        | K::TimedOut => Class::Connection,
        _ => Class::Final,
    }
}

/// The final error of a listener on which receiving was shut down.
pub(crate) fn shut_down() -> io::Error {
    let what = "the listening socket was shut down, by this process or another that holds it";
    io::Error::new(io::ErrorKind::NotConnected, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_accept_say_whether_the_listener_survives() {
        let lost = [libc::ECONNABORTED, libc::EPROTO, libc::EPERM, libc::ENETDOWN, libc::ETIMEDOUT];
        let short = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];
        let done = [libc::EINVAL, libc::EBADF, libc::ENOTSOCK, libc::EFAULT];
        let class = |number: &i32| class(&io::Error::from_raw_os_error(*number));
        assert!(lost.iter().all(|number| matches!(class(number), Class::Connection)));
        assert!(short.iter().all(|number| matches!(class(number), Class::Shortage)));
        assert!(done.iter().all(|number| matches!(class(number), Class::Final)));
    }
}
