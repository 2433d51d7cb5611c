//! One connection type over every cell.

mod state;
mod upgrade;

use std::io;
use std::task::{Context, Poll};

use anysock_async::{
    Closed, DatagramPeer, DatagramRecv, DatagramSend, DatagramSocket, PeerRecv, PeerSend,
    SeqPacketRecv, SeqPacketSend, SeqPacketSocket, StreamRecv, StreamSend, StreamSocket,
};
use anysock_core::{Addr, Attached, Cell, Credentials, Guarantees, Message, Socket};
use anysock_framing::memory::{Memory, MemoryRecv, MemorySend};
use anysock_framing::{
    AnyCodec, BoxTransport, Error, Framed, FramedRecv, FramedSend, Guaranteed, Halves, Limited,
    Limits, Packets, PacketsRecv, PacketsSend, Payload, RecvHalf, SendHalf, Stats, Transport,
};

use self::upgrade::Told;

/// A transport over any cell, in memory, or of any other type.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock::{Connection, prelude::*};
///
/// let mut listener = anysock::bind("unix-seqpacket:").await?;
/// let client: Connection = anysock::connect(listener.endpoint()).await?;
/// let peer = listener.accept().await?;
/// assert_eq!(peer.peer_credentials()?.uid, client.peer_credentials()?.uid);
///
/// let (mut sending, mut receiving) = client.split();
/// sending.send("to be answered").await?;
/// drop(peer);
/// assert!(receiving.recv().await.is_err()); // the peer left it unread
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Connection(Inner);

/// The sending half of a [`Connection`].
///
/// ```
/// # fn split(connection: anysock::Connection) {
/// let (sending, receiving): (anysock::ConnectionSend, anysock::ConnectionRecv) =
///     connection.split();
/// # }
/// ```
#[derive(Debug)]
pub struct ConnectionSend(Sending);

/// The receiving half of a [`Connection`].
///
/// ```
/// # fn split(connection: anysock::Connection) {
/// let (_, receiving) = connection.split();
/// # }
/// ```
#[derive(Debug)]
pub struct ConnectionRecv(Receiving);

/// Those that keep boundaries are boxed, so that a stream, of which a server has many, need not be
/// as large as they are.
#[derive(Debug)]
enum Inner {
    Stream(Framed<StreamSocket, AnyCodec>),
    SeqPacket(Box<Packets<SeqPacketSocket>>),
    Datagram(Box<Packets<DatagramSocket>>),
    Peer(Box<Packets<DatagramPeer>>),
    Memory(Memory),
    /// The limits stand beside, to be there again after an upgrade.
    Limited(Box<Limited<Connection>>, Box<Limits>),
    Upgraded(Other<BoxTransport>, Box<Told>),
    Other(Other<BoxTransport>),
}

#[derive(Debug)]
enum Sending {
    Stream(FramedSend<StreamSend, AnyCodec>),
    SeqPacket(PacketsSend<SeqPacketSend>),
    Datagram(PacketsSend<DatagramSend>),
    Peer(PacketsSend<PeerSend>),
    Memory(MemorySend),
    Other(Other<Box<dyn SendHalf + Send>>),
}

#[derive(Debug)]
enum Receiving {
    Stream(FramedRecv<StreamRecv, AnyCodec>),
    SeqPacket(PacketsRecv<SeqPacketRecv>),
    Datagram(PacketsRecv<DatagramRecv>),
    Peer(PacketsRecv<PeerRecv>),
    Memory(MemoryRecv),
    Other(Other<Box<dyn RecvHalf + Send>>),
}

/// A trait object, which has no more to show than that.
struct Other<T>(T);

impl<T> std::fmt::Debug for Other<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}

impl Connection {
    /// A connection of a transport of any other type: a wrapper, TLS, a third party's.
    pub fn from_transport(transport: impl Transport + Send + 'static) -> Self {
        Self(Inner::Other(Other(Box::new(transport))))
    }

    /// This connection under limits, which still tells its cell and its addresses.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock::{Limits, prelude::*};
    ///
    /// let listener = anysock::bind("tcp://127.0.0.1:0").await?;
    /// let limits = Limits::default().max_message(4);
    /// let mut client = anysock::connect(listener.endpoint()).await?.limit(&limits);
    /// assert!(client.send("too long").await.is_err());
    /// assert_eq!(client.peer_addr().ok(), listener.endpoint().addr());
    /// # Ok::<_, anysock::Error>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn limit(self, limits: &Limits) -> Self {
        match limits.is_empty() {
            true => self,
            false => Self(Inner::Limited(Box::new(limits.wrap(self)), Box::new(*limits))),
        }
    }

    /// The cell; `None` in memory and over other transports.
    pub fn cell(&self) -> Option<Cell> {
        match &self.0 {
            Inner::Stream(framed) => Some(framed.stream().cell()),
            Inner::SeqPacket(packets) => Some(packets.socket().cell()),
            Inner::Datagram(packets) => Some(packets.socket().cell()),
            Inner::Peer(packets) => Some(packets.socket().cell()),
            Inner::Limited(limited, _) => within(limited).cell(),
            Inner::Upgraded(_, told) => Some(told.cell),
            Inner::Memory(_) | Inner::Other(_) => None,
        }
    }

    /// The socket underneath, to ask it for what comes [along](crate::Ancillary) with messages, and
    /// for what this type does not offer; of a peer of a datagram listener the listener's, which all
    /// of its peers share. `None` in memory, over other transports and
    /// once it was [upgraded](Self::upgrade).
    ///
    /// Sending and receiving through it goes past what is buffered here.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock::{Ancillary, prelude::*};
    ///
    /// let mut listener = anysock::bind("unix-seqpacket:").await?;
    /// let mut client = anysock::connect(listener.endpoint()).await?;
    /// let mut peer = listener.accept().await?;
    /// let socket = peer.as_socket().expect("it is no transport in memory");
    /// println!("{} sends through {} bytes", socket.cell(), socket.send_buffer_size()?);
    ///
    /// socket.ask(Ancillary::CREDENTIALS, true)?;
    /// client.send("hello").await?;
    /// let message = peer.recv().await?.unwrap();
    /// assert_eq!(message.credentials().unwrap().pid, Some(std::process::id()));
    /// # Ok::<_, anysock::Error>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_socket(&self) -> Option<&Socket> {
        match &self.0 {
            Inner::Stream(framed) => Some(framed.stream().socket()),
            Inner::SeqPacket(packets) => Some(packets.socket().socket()),
            Inner::Datagram(packets) => Some(packets.socket().socket()),
            Inner::Peer(packets) => Some(packets.socket().socket()),
            Inner::Limited(limited, _) => within(limited).as_socket(),
            Inner::Memory(_) | Inner::Upgraded(..) | Inner::Other(_) => None,
        }
    }

    /// Where this end is; for a peer of a datagram listener, at the address that was asked.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2); [`Unsupported`](io::ErrorKind::Unsupported) in memory and over
    /// other transports.
    pub fn local_addr(&self) -> io::Result<Addr> {
        match &self.0 {
            Inner::Stream(framed) => framed.stream().local_addr(),
            Inner::SeqPacket(packets) => packets.socket().local_addr(),
            Inner::Datagram(packets) => packets.socket().local_addr(),
            Inner::Peer(packets) => packets.socket().local_addr(),
            Inner::Limited(limited, _) => within(limited).local_addr(),
            Inner::Upgraded(_, told) => Ok(told.local.clone()),
            Inner::Memory(_) | Inner::Other(_) => Err(no_socket("address")),
        }
    }

    /// Where the other end is.
    ///
    /// # Errors
    ///
    /// As [`local_addr`](Self::local_addr), of getpeername(2).
    pub fn peer_addr(&self) -> io::Result<Addr> {
        match &self.0 {
            Inner::Stream(framed) => framed.stream().peer_addr(),
            Inner::SeqPacket(packets) => packets.socket().peer_addr(),
            Inner::Datagram(packets) => packets.socket().peer_addr(),
            Inner::Peer(packets) => Ok(packets.socket().peer_addr().clone()),
            Inner::Limited(limited, _) => within(limited).peer_addr(),
            Inner::Upgraded(_, told) => Ok(told.peer.clone()),
            Inner::Memory(_) | Inner::Other(_) => Err(no_socket("address")),
        }
    }

    /// Who created the other end.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) everywhere but on unix streams and
    /// seqpacket, which alone have a creator of the other end.
    pub fn peer_credentials(&self) -> io::Result<Credentials> {
        match &self.0 {
            Inner::Stream(framed) => framed.stream().peer_credentials(),
            Inner::SeqPacket(packets) => packets.socket().peer_credentials(),
            Inner::Limited(limited, _) => within(limited).peer_credentials(),
            Inner::Upgraded(_, told) => told.credentials.clone().ok_or(no_socket("credentials")),
            _ => Err(no_socket("credentials")),
        }
    }

    /// Whether this is multipath TCP, and not TCP into which it has fallen back: see
    /// [`Socket::is_multipath`](crate::core::Socket::is_multipath). Whatever is no internet stream
    /// is not.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn is_multipath(&self) -> io::Result<bool> {
        match &self.0 {
            Inner::Stream(framed) => framed.stream().is_multipath(),
            Inner::Limited(limited, _) => within(limited).is_multipath(),
            Inner::Upgraded(_, told) => Ok(told.is_multipath),
            _ => Ok(false),
        }
    }

    /// Takes the connection apart into halves that never wait for each other.
    pub fn split(self) -> (ConnectionSend, ConnectionRecv) {
        macro_rules! halves {
            ($whole:expr, $arm:ident) => {{
                let (sending, receiving) = $whole.split();
                (Sending::$arm(sending), Receiving::$arm(receiving))
            }};
        }
        let (sending, receiving) = match self.0 {
            Inner::Stream(framed) => halves!(framed, Stream),
            Inner::SeqPacket(packets) => halves!(packets, SeqPacket),
            Inner::Datagram(packets) => halves!(packets, Datagram),
            Inner::Peer(packets) => halves!(packets, Peer),
            Inner::Memory(memory) => halves!(memory, Memory),
            Inner::Limited(limited, _) => others(limited.split_boxed()),
            Inner::Upgraded(Other(other), _) | Inner::Other(Other(other)) => {
                others(other.split_boxed())
            }
        };
        (ConnectionSend(sending), ConnectionRecv(receiving))
    }
}

fn others((sending, receiving): Halves) -> (Sending, Receiving) {
    (Sending::Other(Other(sending)), Receiving::Other(Other(receiving)))
}

/// The connection under the limits.
fn within(limited: &Limited<Connection>) -> &Connection {
    limited.get_ref().get_ref().get_ref().get_ref()
}

fn no_socket(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("this transport has no {what} to tell"))
}

/// Calls the same method on whichever transport it is.
macro_rules! each {
    (Inner, $inner:expr, $transport:ident => $call:expr) => {
        match $inner {
            Inner::Stream($transport) => $call,
            Inner::SeqPacket($transport) => $call,
            Inner::Datagram($transport) => $call,
            Inner::Peer($transport) => $call,
            Inner::Memory($transport) => $call,
            Inner::Limited($transport, _) => $call,
            Inner::Upgraded(Other($transport), _) => $call,
            Inner::Other(Other($transport)) => $call,
        }
    };
    ($outer:ident, $inner:expr, $transport:ident => $call:expr) => {
        match $inner {
            $outer::Stream($transport) => $call,
            $outer::SeqPacket($transport) => $call,
            $outer::Datagram($transport) => $call,
            $outer::Peer($transport) => $call,
            $outer::Memory($transport) => $call,
            $outer::Other(Other($transport)) => $call,
        }
    };
}

macro_rules! guaranteed {
    ($type:ty, $outer:ident) => {
        impl Guaranteed for $type {
            fn guarantees(&self) -> Guarantees {
                each!($outer, &self.0, transport => transport.guarantees())
            }
            fn stats(&self) -> Stats {
                each!($outer, &self.0, transport => transport.stats())
            }
            fn closed(&self) -> io::Result<Closed> {
                each!($outer, &self.0, transport => transport.closed())
            }
        }
    };
}

macro_rules! send_half {
    ($type:ty, $outer:ident) => {
        impl SendHalf for $type {
            fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                each!($outer, &mut self.0, transport => transport.poll_ready(cx))
            }
            fn start_send(
                &mut self,
                payload: Payload<'_>,
                attached: &mut Attached,
            ) -> Result<(), Error> {
                each!($outer, &mut self.0, transport => transport.start_send(payload, attached))
            }
            fn poll_feed(
                &mut self,
                cx: &mut Context<'_>,
                payload: Payload<'_>,
                attached: &mut Attached,
            ) -> Poll<Result<(), Error>> {
                each!($outer, &mut self.0, transport => transport.poll_feed(cx, payload, attached))
            }
            fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                each!($outer, &mut self.0, transport => transport.poll_flush(cx))
            }
            fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
                each!($outer, &mut self.0, transport => transport.poll_close(cx))
            }
            fn max_message(&self) -> usize {
                each!($outer, &self.0, transport => transport.max_message())
            }
        }
    };
}

macro_rules! recv_half {
    ($type:ty, $outer:ident) => {
        impl RecvHalf for $type {
            fn poll_recv(
                &mut self,
                cx: &mut Context<'_>,
            ) -> Poll<Result<Option<Message>, Error>> {
                each!($outer, &mut self.0, transport => transport.poll_recv(cx))
            }
            fn poll_recv_many(
                &mut self,
                cx: &mut Context<'_>,
                messages: &mut Vec<Message>,
                most: usize,
            ) -> Poll<Result<usize, Error>> {
                each!($outer, &mut self.0, transport => {
                    transport.poll_recv_many(cx, messages, most)
                })
            }
        }
    };
}

guaranteed!(Connection, Inner);
guaranteed!(ConnectionSend, Sending);
guaranteed!(ConnectionRecv, Receiving);
send_half!(Connection, Inner);
send_half!(ConnectionSend, Sending);
recv_half!(Connection, Inner);
recv_half!(ConnectionRecv, Receiving);

impl Transport for Connection {
    fn split_boxed(self: Box<Self>) -> Halves {
        let (sending, receiving) = self.split();
        (Box::new(sending), Box::new(receiving))
    }
}

macro_rules! from {
    ($($type:ty: $arm:ident;)*) => {$(
        impl From<$type> for Connection {
            fn from(transport: $type) -> Self {
                Self(Inner::$arm(transport.into()))
            }
        }
    )*};
}

from! {
    Framed<StreamSocket, AnyCodec>: Stream;
    Packets<SeqPacketSocket>: SeqPacket;
    Packets<DatagramSocket>: Datagram;
    Packets<DatagramPeer>: Peer;
    Memory: Memory;
}
