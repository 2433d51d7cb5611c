//! What yields connected sockets, of every cell.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anysock_core::{Addr, Cell, OwnedPath, Socket, Type, UnixAddr};

use crate::accept_fault::AcceptFault;
use crate::demux::{DatagramListener, DatagramPeer, PeerLimits};
use crate::gate::Gate;
use crate::listener_stats::ListenerStats;
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
    /// Who may connect was looked at, and said if it is everybody.
    looked: bool,
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
    gate: Option<Gate>,
    stats: ListenerStats,
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
    /// Registers a socket that is bound, and listens if its type does. A gate that is there from
    /// the beginning was [prepared](Gate::prepare) for.
    pub(crate) fn new(
        socket: Socket,
        limits: PeerLimits,
        path: Option<OwnedPath>,
        gate: Option<Gate>,
    ) -> io::Result<Self> {
        let cell = socket.cell();
        let inner = if cell.kind == Type::Datagram {
            Inner::Datagrams(DatagramListener::new(socket, limits, path, gate)?)
        } else {
            Inner::Connections(Box::new(Connections {
                path,
                io: Registered::new(socket)?,
                nap: Nap::new(Duration::from_millis(5), Duration::from_secs(1)),
                pausing: false,
                busy_poll: Duration::ZERO,
                gate,
                stats: ListenerStats::default(),
            }))
        };
        Ok(Self { inner, cell, looked: false })
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

    /// Accepts from here on only who is admitted by `gate`, before the first byte of his is
    /// received. Others' connections are closed, others' datagrams dropped; both are
    /// [counted](ListenerStats::refused) and logged, and accepting goes on.
    ///
    /// Who has connected and was not accepted yet must pass as well. On a datagram socket whoever
    /// was heard and not accepted yet is forgotten, with what he sent, since the kernel does not
    /// tell afterwards who it was: [`bind_allowing`](crate::bind_allowing) has it told from the
    /// beginning. Peers that were accepted keep what waits for them, and must pass with what
    /// comes.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput), wrapping an
    /// [`OptionError`](anysock_core::OptionError), on internet sockets, whose peers have no
    /// credentials; those of setsockopt(2).
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock_async::{Gate, PeerLimits, bind};
    /// use anysock_core::{Options, Type, UnixAddr};
    ///
    /// let (options, limits) = (Options::default(), PeerLimits::default());
    /// let name = UnixAddr::Unnamed.into();
    /// let mut listener = bind(&name, Type::SeqPacket, &options, &limits).await?;
    /// listener.allow(Gate::nobody().uid(0).uid(1000))?;
    /// # Ok::<_, std::io::Error>(()) })?;
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn allow(&mut self, gate: Gate) -> io::Result<()> {
        Gate::check(self.cell)?;
        match &mut self.inner {
            Inner::Connections(connections) => {
                connections.gate = Some(gate);
                Ok(())
            }
            Inner::Datagrams(listener) => listener.allow(gate),
        }
    }

    /// What was counted so far.
    pub fn stats(&self) -> ListenerStats {
        match &self.inner {
            Inner::Connections(connections) => connections.stats,
            Inner::Datagrams(listener) => listener.stats(),
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
    /// event tells when they are free: see [`AcceptFault`].
    ///
    /// # Errors
    ///
    /// Final ones: the socket was shut down, or is none that listens.
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        self.look_for_a_gate();
        match &mut self.inner {
            Inner::Datagrams(listener) => listener.poll_accept(cx).map_ok(Accepted::Peer),
            Inner::Connections(connections) => connections.poll_accept(cx).map_ok(|(it, _)| it),
        }
    }

    /// As [`poll_accept`](Self::poll_accept), with where the peer is, as accept(2) tells it: that is
    /// known of a peer as well who has reset the connection since, when getpeername(2) fails.
    ///
    /// # Errors
    ///
    /// As [`poll_accept`](Self::poll_accept).
    pub fn poll_accept_from(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Accepted, Addr)>> {
        self.look_for_a_gate();
        match &mut self.inner {
            Inner::Datagrams(listener) => listener.poll_accept(cx).map_ok(|peer| {
                let from = peer.peer_addr().clone();
                (Accepted::Peer(peer), from)
            }),
            Inner::Connections(connections) => connections.poll_accept(cx),
        }
    }

    /// An abstract name has no permissions: says so, once, if there is nothing in their place.
    fn look_for_a_gate(&mut self) {
        if std::mem::replace(&mut self.looked, true) {
            return;
        }
        let is_open = match &self.inner {
            Inner::Connections(connections) => connections.gate.is_none(),
            Inner::Datagrams(listener) => !listener.has_gate(),
        };
        if !is_open || self.cell.domain.is_inet() {
            return;
        }
        if let Ok(Addr::Unix(name @ UnixAddr::Abstract(_))) = self.local_addr() {
            tracing::warn!(
                cell = %self.cell, %name,
                "every process of this network namespace may connect to an abstract name; \
                 allow(..) says who may"
            );
        }
    }
}

impl Connections {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Accepted, Addr)>> {
        loop {
            if self.pausing {
                ready!(self.nap.poll(cx));
                self.pausing = false;
            }
            let accepted = match ready!(self.io.poll_read_with(cx, Socket::accept)) {
                Ok(Some((socket, peer))) => {
                    let gate = self.gate.as_ref();
                    if gate.is_some_and(|gate| !gate.admits_connection(&socket)) {
                        self.stats.refused += 1;
                        continue;
                    }
                    tracing::debug!(cell = %socket.cell(), %peer, "accepted");
                    let accepted = register(socket, self.busy_poll);
                    accepted.map(|accepted| (accepted, peer)).map_err(of_the_connection)
                }
                Ok(None) => return Poll::Ready(Err(shut_down())),
                Err(error) => Err(error),
            };
            match accepted {
                Ok(accepted) => {
                    self.nap.reset();
                    self.stats.accepted += 1;
                    return Poll::Ready(Ok(accepted));
                }
                Err(error) => self.settle(error)?,
            }
        }
    }

    /// Goes on after an error, unless it is final.
    fn settle(&mut self, error: io::Error) -> io::Result<()> {
        match AcceptFault::of(&error) {
            AcceptFault::Connection => {
                tracing::debug!(%error, "a connection was lost unaccepted");
                self.stats.lost += 1;
            }
            AcceptFault::Shortage => {
                tracing::warn!(%error, "cannot accept now, trying again after a pause");
                self.stats.shortages += 1;
                self.pausing = true;
            }
            AcceptFault::Listener => return Err(error),
        }
        Ok(())
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

/// What fails with a connection that was accepted already is its loss, and says nothing about the
/// listener. Without a runtime nothing can be accepted at all.
fn of_the_connection(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(_) => io::Error::new(io::ErrorKind::ConnectionAborted, error),
        None => error,
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
    fn what_fails_with_a_connection_that_was_accepted_is_no_fault_of_the_listener() {
        for number in [libc::EAGAIN, libc::EINVAL, libc::ENOMEM, libc::EMFILE] {
            let error = of_the_connection(io::Error::from_raw_os_error(number));
            assert_eq!(AcceptFault::of(&error), AcceptFault::Connection, "{error}");
        }
        let nowhere = of_the_connection(io::Error::other("no runtime"));
        assert_eq!(AcceptFault::of(&nowhere), AcceptFault::Listener);
    }
}
