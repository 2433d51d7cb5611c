//! One connection type over every cell.

mod socket;
mod upgrade;

use std::io;
use std::task::{Context, Poll};

use anysock_async::{
    Closed, DatagramPeer, DatagramRecv, DatagramSend, DatagramSocket, PeerRecv, PeerSend,
    SeqPacketRecv, SeqPacketSend, SeqPacketSocket, SocketRef, StreamHandle, StreamRecv, StreamSend,
    StreamSocket,
};
use anysock_core::{Attached, Guarantees, Message};
use anysock_framing::memory::{Memory, MemoryRecv, MemorySend};
use anysock_framing::{
    AnyCodec, BoxTransport, Error, Framed, FramedRecv, FramedSend, Guaranteed, Halves, Limited,
    Limits, Packets, PacketsRecv, PacketsSend, Payload, RecvHalf, SendHalf, Stats, Transport,
};
use tracing::Span;

use crate::observed::Observed;

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

/// The sending half of a [`Connection`]. It tells of the socket what the whole does.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock::{ConnectionRecv, ConnectionSend, prelude::*};
///
/// let listener = anysock::bind("tcp://127.0.0.1:0").await?;
/// let client = anysock::connect(listener.endpoint()).await?;
/// let (mut sending, mut receiving): (ConnectionSend, ConnectionRecv) = client.split();
/// assert_eq!(sending.peer_addr().ok(), listener.endpoint().addr());
///
/// sending.abort()?; // what came from elsewhere was cut off there
/// assert!(receiving.recv().await.is_err());
/// # Ok::<_, anysock::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ConnectionSend(Sending);

/// The receiving half of a [`Connection`]. It tells of the socket what the whole does.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let listener = anysock::bind("tcp://127.0.0.1:0").await?;
/// let (_, receiving) = anysock::connect(listener.endpoint()).await?.split();
/// println!("{:?} there and back", receiving.tcp_info()?.rtt);
/// # Ok::<_, anysock::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
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
    Observed(Box<Observed<Connection>>),
    /// The handle stands beside, for who asks for the socket.
    Upgraded(Other<BoxTransport>, StreamHandle),
    Other(Other<BoxTransport>),
}

#[derive(Debug)]
enum Sending {
    Stream(FramedSend<StreamSend, AnyCodec>),
    SeqPacket(PacketsSend<SeqPacketSend>),
    Datagram(PacketsSend<DatagramSend>),
    Peer(PacketsSend<PeerSend>),
    Memory(MemorySend),
    Upgraded(Other<Box<dyn SendHalf + Send>>, StreamHandle),
    /// With the span of the connection.
    Other(Other<Box<dyn SendHalf + Send>>, Span),
}

#[derive(Debug)]
enum Receiving {
    Stream(FramedRecv<StreamRecv, AnyCodec>),
    SeqPacket(PacketsRecv<SeqPacketRecv>),
    Datagram(PacketsRecv<DatagramRecv>),
    Peer(PacketsRecv<PeerRecv>),
    Memory(MemoryRecv),
    Upgraded(Other<Box<dyn RecvHalf + Send>>, StreamHandle),
    /// With the span of the connection.
    Other(Other<Box<dyn RecvHalf + Send>>, Span),
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

    pub(crate) fn observed(observed: Observed<Self>) -> Self {
        Self(Inner::Observed(Box::new(observed)))
    }

    /// The tracing span of this connection, for the tasks that work for it: those of
    /// [`serve`](crate::serve()) have it. Disabled, and free of cost, unless a subscriber wanted
    /// `anysock::connection` at debug level when the connection was made.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock::prelude::*;
    /// use tracing::Instrument;
    ///
    /// let mut listener = anysock::bind("unix:").await?;
    /// let _client = anysock::connect(listener.endpoint()).await?;
    /// let mut peer = listener.accept().await?;
    /// let span = peer.span();
    /// tokio::spawn(async move { peer.send("hello").await }.instrument(span));
    /// # Ok::<_, anysock::Error>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn span(&self) -> Span {
        match &self.0 {
            Inner::Observed(observed) => observed.span().clone(),
            Inner::Limited(limited, _) => within(limited).span(),
            _ => Span::none(),
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
        let span = self.span();
        let others = |(sending, receiving): Halves| {
            (Sending::Other(Other(sending), span.clone()), Receiving::Other(Other(receiving), span))
        };
        let (sending, receiving) = match self.0 {
            Inner::Stream(framed) => halves!(framed, Stream),
            Inner::SeqPacket(packets) => halves!(packets, SeqPacket),
            Inner::Datagram(packets) => halves!(packets, Datagram),
            Inner::Peer(packets) => halves!(packets, Peer),
            Inner::Memory(memory) => halves!(memory, Memory),
            Inner::Limited(limited, _) => others(limited.split_boxed()),
            Inner::Observed(observed) => others(observed.split_boxed()),
            Inner::Upgraded(Other(upgraded), handle) => {
                let (sending, receiving) = upgraded.split_boxed();
                let sending = Sending::Upgraded(Other(sending), handle.clone());
                (sending, Receiving::Upgraded(Other(receiving), handle))
            }
            Inner::Other(Other(other)) => others(other.split_boxed()),
        };
        (ConnectionSend(sending), ConnectionRecv(receiving))
    }
}

/// The connection under the limits.
fn within(limited: &Limited<Connection>) -> &Connection {
    limited.get_ref().get_ref().get_ref().get_ref()
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
            Inner::Observed($transport) => $call,
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
            $outer::Upgraded(Other($transport), _) => $call,
            $outer::Other(Other($transport), _) => $call,
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
                match &self.0 {
                    $outer::Upgraded(_, handle) => handle.closed(),
                    inner => each!($outer, inner, transport => transport.closed()),
                }
            }
            fn socket_ref(&self) -> Option<SocketRef<'_>> {
                match &self.0 {
                    $outer::Upgraded(_, handle) => Some(SocketRef::new(handle.socket())),
                    inner => each!($outer, inner, transport => transport.socket_ref()),
                }
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
            fn abort(&mut self) -> io::Result<()> {
                match &mut self.0 {
                    $outer::Upgraded(_, handle) => handle.abort(),
                    inner => each!($outer, inner, transport => transport.abort()),
                }
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
