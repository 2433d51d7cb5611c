// The public API of anysock, written by tests/api. Not compiled.
// `_` is what is not public; bodies are empty.

// Paths:
// anysock::AbstractName = anysock_core::AbstractName
// anysock::Accept = anysock_framing::Accept
// anysock::Addr = anysock_core::Addr
// anysock::Adopt
// anysock::AdoptError = anysock_core::AdoptError
// anysock::AdoptFault = anysock_core::AdoptFault
// anysock::Ancillary = anysock_core::Ancillary
// anysock::AnyCodec = anysock_framing::AnyCodec
// anysock::Arrival = anysock_core::Arrival
// anysock::AsPayload = anysock_framing::AsPayload
// anysock::Attached = anysock_core::Attached
// anysock::AutoFlush = anysock_framing::AutoFlush
// anysock::Backoff
// anysock::Bind
// anysock::BoxTransport = anysock_framing::BoxTransport
// anysock::Cell = anysock_core::Cell
// anysock::Closed = anysock_async::Closed
// anysock::Cobs = anysock_framing::Cobs
// anysock::Codec = anysock_framing::Codec
// anysock::Coded = anysock_framing::Coded # [cfg (feature = "tokio-util")]
// anysock::CodedError = anysock_framing::CodedError # [cfg (feature = "tokio-util")]
// anysock::Connect
// anysock::Connection
// anysock::ConnectionRecv
// anysock::ConnectionSend
// anysock::ContentLength = anysock_framing::ContentLength
// anysock::ConvertError = anysock_core::ConvertError
// anysock::Credentials = anysock_core::Credentials
// anysock::Deadlines = anysock_framing::Deadlines
// anysock::Decode = anysock_framing::Decode
// anysock::Decoded = anysock_framing::Decoded
// anysock::Delimited = anysock_framing::Delimited
// anysock::Departure = anysock_async::Departure
// anysock::Dialing
// anysock::Domain = anysock_core::Domain
// anysock::EmptyDelimiter = anysock_framing::EmptyDelimiter
// anysock::Encode = anysock_framing::Encode
// anysock::Endpoint = anysock_core::Endpoint
// anysock::EndpointError = anysock_core::EndpointError
// anysock::EndpointFault = anysock_core::EndpointFault
// anysock::EndpointName = anysock_core::EndpointName
// anysock::EnteredNames
// anysock::Error = anysock_framing::Error
// anysock::ErrorKind = anysock_framing::ErrorKind
// anysock::Fixed = anysock_framing::Fixed
// anysock::FrameEnd = anysock_framing::FrameEnd
// anysock::FrameWriter = anysock_framing::FrameWriter
// anysock::Framed = anysock_framing::Framed
// anysock::Gate = anysock_async::Gate
// anysock::GaveUp
// anysock::Group = anysock_core::Group
// anysock::GroupError = anysock_core::GroupError
// anysock::Guaranteed = anysock_framing::Guaranteed
// anysock::Guarantees = anysock_core::Guarantees
// anysock::Halves = anysock_framing::Halves
// anysock::Host = anysock_core::Host
// anysock::HostName = anysock_core::HostName
// anysock::HostPort = anysock_core::HostPort
// anysock::Idle = anysock_framing::Idle
// anysock::Interface = anysock_core::Interface
// anysock::IntoEndpoint
// anysock::Io = anysock_framing::Io
// anysock::Json = anysock_framing::Json # [cfg (feature = "serde")]
// anysock::Keepalive = anysock_core::Keepalive
// anysock::LengthDelimited = anysock_framing::LengthDelimited
// anysock::Limited = anysock_framing::Limited
// anysock::Limits = anysock_framing::Limits
// anysock::Listener
// anysock::ListenerReport
// anysock::ListenerStats = anysock_async::ListenerStats
// anysock::LocalAddrError = anysock_async::LocalAddrError
// anysock::MaxLength = anysock_framing::MaxLength
// anysock::Message = anysock_core::Message
// anysock::MessageSink = anysock_framing::MessageSink
// anysock::MessageStream = anysock_framing::MessageStream
// anysock::Names
// anysock::Netstring = anysock_framing::Netstring
// anysock::NoConnection = anysock_async::NoConnection
// anysock::OctetCounted = anysock_framing::OctetCounted
// anysock::OptionError = anysock_core::OptionError
// anysock::Options = anysock_core::Options
// anysock::Origin = anysock_core::Origin
// anysock::OwnedPath = anysock_core::OwnedPath
// anysock::Packets = anysock_framing::Packets
// anysock::PathError = anysock_core::PathError
// anysock::PathMtuDiscovery = anysock_core::PathMtuDiscovery
// anysock::Payload = anysock_framing::Payload
// anysock::PeerLimits = anysock_async::PeerLimits
// anysock::Phase
// anysock::Postcard = anysock_framing::Postcard # [cfg (feature = "serde")]
// anysock::Protobuf = anysock_framing::Protobuf # [cfg (feature = "prost")]
// anysock::Protocol = anysock_core::Protocol
// anysock::QueuedError = anysock_core::QueuedError
// anysock::Quota = anysock_framing::Quota
// anysock::Rate = anysock_framing::Rate
// anysock::Reconnect
// anysock::Reconnecting
// anysock::ReconnectingRecv
// anysock::ReconnectingSend
// anysock::RecvHalf = anysock_framing::RecvHalf
// anysock::Report
// anysock::Resync = anysock_framing::Resync
// anysock::Role = anysock_core::Role
// anysock::Scope = anysock_core::Scope
// anysock::SendHalf = anysock_framing::SendHalf
// anysock::Serve
// anysock::Shards
// anysock::Shutdown
// anysock::Slip = anysock_framing::Slip
// anysock::Socket = anysock_core::Socket
// anysock::SocketRef = anysock_async::SocketRef
// anysock::Stats = anysock_framing::Stats
// anysock::Streams
// anysock::Stuffing = anysock_framing::Stuffing
// anysock::Support = anysock_core::Support
// anysock::TcpInfo = anysock_core::TcpInfo
// anysock::TcpState = anysock_core::TcpState
// anysock::Transport = anysock_framing::Transport
// anysock::TrySendError = anysock_framing::TrySendError
// anysock::Type = anysock_core::Type
// anysock::Typed = anysock_framing::Typed
// anysock::Unframed = anysock_framing::Unframed
// anysock::UnixAddr = anysock_core::UnixAddr
// anysock::UnixAddrError = anysock_core::UnixAddrError
// anysock::UnixPath = anysock_core::UnixPath
// anysock::UnknownCodec = anysock_framing::UnknownCodec
// anysock::UnknownInterface = anysock_core::UnknownInterface
// anysock::UnsupportedCell = anysock_core::UnsupportedCell
// anysock::Varint = anysock_framing::Varint
// anysock::Width = anysock_framing::Width
// anysock::Wiring
// anysock::adopt
// anysock::bind
// anysock::connect
// anysock::core = anysock_core
// anysock::framing = anysock_framing
// anysock::inherited_names = anysock_core::inherited_names
// anysock::is_permanent = anysock_async::is_permanent
// anysock::prelude
// anysock::prelude::Accept = anysock_framing::Accept
// anysock::prelude::AcceptExt = anysock_framing::AcceptExt
// anysock::prelude::Guaranteed = anysock_framing::Guaranteed
// anysock::prelude::Guarantees = anysock_core::Guarantees
// anysock::prelude::RecvExt = anysock_framing::RecvExt
// anysock::prelude::RecvHalf = anysock_framing::RecvHalf
// anysock::prelude::SendExt = anysock_framing::SendExt
// anysock::prelude::SendHalf = anysock_framing::SendHalf
// anysock::prelude::Transport = anysock_framing::Transport
// anysock::probe = anysock_core::probe
// anysock::serve
// anysock::sockets = anysock_async

// Items:

impl IntoEndpoint for &Endpoint {}

impl IntoEndpoint for &String {}

impl IntoEndpoint for &str {}

#[derive(Debug)]
#[must_use = "the socket is closed unless it is made a listener or a connection"]
pub struct Adopt {
    _private: _,
}

impl Adopt {
    pub fn codec(mut self, codec: impl Into<AnyCodec>) -> Self {}
    pub fn max(mut self, bytes: usize) -> Self {}
    pub fn options(mut self, options: Options) -> Self {}
    pub fn peer_limits(mut self, limits: PeerLimits) -> Self {}
    pub fn busy_poll(mut self, longest: Duration) -> Self {}
    pub fn listen(self) -> Result<Listener, ConvertError<OwnedFd>> {}
    pub fn connection(self) -> Result<Connection, ConvertError<OwnedFd>> {}
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it does nothing by itself"]
pub struct Backoff {
    _private: _,
}

impl Backoff {
    pub fn first(mut self, pause: Duration) -> Self {}
    pub fn longest(mut self, pause: Duration) -> Self {}
    pub fn attempts(mut self, attempts: u32) -> Self {}
    pub fn within(mut self, total: Duration) -> Self {}
    pub fn ceiling(&self, failed: u32) -> Duration {}
}

impl Default for Backoff {}

#[derive(Clone, Debug)]
#[must_use = "nothing is bound unless this is awaited"]
pub struct Bind {
    _private: _,
}

impl Bind {
    pub fn codec(mut self, codec: impl Into<AnyCodec>) -> Self {}
    pub fn max(mut self, bytes: usize) -> Self {}
    pub fn options(mut self, options: Options) -> Self {}
    pub fn peer_limits(mut self, limits: PeerLimits) -> Self {}
    pub fn busy_poll(mut self, longest: Duration) -> Self {}
    pub fn allow(mut self, gate: Gate) -> Self {}
    pub fn shards(self, count: usize) -> Shards {}
}

impl IntoFuture for Bind {
    type Output = Result<Listener, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;
}

#[derive(Clone, Debug)]
#[must_use = "nothing is connected unless this is awaited"]
pub struct Connect {
    _private: _,
}

impl Connect {
    pub fn codec(mut self, codec: impl Into<AnyCodec>) -> Self {}
    pub fn max(mut self, bytes: usize) -> Self {}
    pub fn options(mut self, options: Options) -> Self {}
    pub fn deadline(mut self, deadline: Duration) -> Self {}
    pub fn local_addr(mut self, addr: impl Into<Addr>) -> Self {}
    pub fn attempt_delay(mut self, delay: Duration) -> Self {}
    pub fn reconnecting(self, backoff: Backoff) -> Reconnect {}
    pub fn busy_poll(mut self, longest: Duration) -> Self {}
}

impl IntoFuture for Connect {
    type Output = Result<Connection, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;
}

#[derive(Debug)]
pub struct Connection(_);

impl Connection {
    pub async fn upgrade<U, F, T>(
        self,
        deadline: Duration,
        upgrade: U,
    ) -> Result<Self, Error>
    where
        U: FnOnce(StreamSocket) -> F,
        F: Future<Output = io::Result<T>>,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {}
    pub fn into_stream(self) -> Result<StreamSocket, ConvertError<Self>> {}
}

impl Connection {
    pub fn cell(&self) -> Option<Cell> {}
    pub fn as_socket(&self) -> Option<&Socket> {}
    pub fn local_addr(&self) -> io::Result<Addr> {}
    pub fn peer_addr(&self) -> io::Result<Addr> {}
    pub fn peer_credentials(&self) -> io::Result<Credentials> {}
    pub fn is_multipath(&self) -> io::Result<bool> {}
    pub fn tcp_info(&self) -> io::Result<TcpInfo> {}
    pub fn unsent_bytes(&self) -> io::Result<usize> {}
    pub fn unread_bytes(&self) -> io::Result<usize> {}
}

impl Connection {
    pub fn from_transport(transport: impl Transport + Send + 'static) -> Self {}
    #[must_use]
    pub fn limit(self, limits: &Limits) -> Self {}
    pub fn span(&self) -> Span {}
    pub fn split(self) -> (ConnectionSend, ConnectionRecv) {}
}

impl Transport for Connection {}

#[derive(Debug)]
pub struct ConnectionRecv(_);

#[derive(Debug)]
pub struct ConnectionSend(_);

pub type Dialing = Pin<Box<dyn Future<Output = io::Result<(Memory, Memory)>> + Send>>;

impl IntoEndpoint for Endpoint {}

#[derive(Debug)]
#[must_use = "the names are replaced as long as this lives"]
pub struct EnteredNames {
    _private: _,
}

impl Drop for EnteredNames {}

impl From<GaveUp> for Error {}

#[derive(Clone, Debug)]
pub struct GaveUp {
    _private: _,
}

impl GaveUp {
    pub fn of(error: &Error) -> Option<&Self> {}
    pub fn attempts(&self) -> u32 {}
    pub fn is_permanent(&self) -> bool {}
    pub fn cause(&self) -> &Error {}
}

impl fmt::Display for GaveUp {}

impl std::error::Error for GaveUp {}

pub trait IntoEndpoint {
    fn into_endpoint(self) -> Result<Endpoint, EndpointError>;
}

#[derive(Debug)]
pub struct Listener {
    _private: _,
}

impl Listener {
    pub fn endpoint(&self) -> &Endpoint {}
    pub fn cell(&self) -> Option<Cell> {}
    pub fn allow(&mut self, gate: Gate) -> Result<(), Error> {}
    pub fn stats(&self) -> ListenerStats {}
    pub fn as_socket(&self) -> Option<&anysock_async::Listener> {}
}

impl Listener {
    pub fn into_streams(self) -> Result<Streams, ConvertError<Self>> {}
}

impl Listener {
    pub fn take_path(&mut self) -> Option<OwnedPath> {}
    pub fn own_path(&mut self, path: OwnedPath) -> Result<(), ConvertError<OwnedPath>> {}
}

impl Accept for Listener {
    type Transport = Connection;
}

#[derive(Debug)]
#[non_exhaustive]
pub struct ListenerReport {
    pub endpoint: Endpoint,
    pub accepted: u64,
    pub refused: u64,
    pub stats: ListenerStats,
    pub error: Option<Error>,
}

#[derive(Clone)]
pub struct Names(_);

impl Names {
    pub fn new() -> Self {}
    pub fn wired(wiring: impl Wiring + 'static) -> Self {}
    pub fn enter(&self) -> EnteredNames {}
    pub async fn scope<F: Future>(&self, future: F) -> F::Output {}
}

impl Default for Names {}

impl fmt::Debug for Names {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Running { connections: usize },
    Draining { left: usize },
    Aborting { left: usize },
    Done,
}

#[derive(Clone, Debug)]
#[must_use = "nothing is connected unless this is awaited"]
pub struct Reconnect {
    _private: _,
}

impl Reconnect {
    pub fn ends_with_peer(mut self) -> Self {}
}

impl IntoFuture for Reconnect {
    type Output = Result<Reconnecting, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;
}

pub struct Reconnecting {
    _private: _,
}

impl Reconnecting {
    pub fn connections(&self) -> u64 {}
    pub fn split(self) -> (ReconnectingSend, ReconnectingRecv) {}
}

impl Guaranteed for Reconnecting {}

impl RecvHalf for Reconnecting {}

impl SendHalf for Reconnecting {}

impl Transport for Reconnecting {}

impl fmt::Debug for Reconnecting {}

#[derive(Debug)]
pub struct ReconnectingRecv(_);

impl RecvHalf for ReconnectingRecv {}

#[derive(Debug)]
pub struct ReconnectingSend(_);

impl SendHalf for ReconnectingSend {}

#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    pub accepted: u64,
    pub finished: u64,
    pub failed: u64,
    pub aborted: u64,
    pub panicked: u64,
    pub stuck: u64,
    pub refused_per_address: u64,
    pub refused_per_uid: u64,
    pub listeners: Vec<ListenerReport>,
}

impl Report {
    pub fn refused(&self) -> u64 {}
}

impl fmt::Display for Report {}

#[must_use = "nothing is served unless this is awaited"]
pub struct Serve<H> {
    _private: _,
}

impl<H> Serve<H> {
    pub fn max_connections(mut self, most: usize) -> Self {}
    pub fn max_per_address(mut self, most: usize) -> Self {}
    pub fn max_per_uid(mut self, most: usize) -> Self {}
    pub fn limits(mut self, limits: Limits) -> Self {}
    pub fn max_message(mut self, bytes: usize) -> Self {}
    pub fn rate(mut self, quota: Quota) -> Self {}
    pub fn idle(mut self, after: Duration) -> Self {}
    pub fn shutdown<S>(mut self, signal: S, grace: Duration) -> Self
    where
        S: IntoFuture<Output = ()>,
        S::IntoFuture: Send + 'static,
    {}
    pub fn phases(&self) -> watch::Receiver<Phase> {}
}

impl<H, F, E> IntoFuture for Serve<H>
where
    H: FnMut(Connection) -> F + Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: fmt::Display + Send + 'static,
{
    type Output = Report;
    type IntoFuture = Pin<Box<dyn Future<Output = Report> + Send>>;
}

impl<H> fmt::Debug for Serve<H> {}

#[derive(Clone, Debug)]
#[must_use = "nothing is bound unless this is awaited"]
pub struct Shards {
    _private: _,
}

impl IntoFuture for Shards {
    type Output = Result<Vec<Listener>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;
}

#[derive(Clone, Debug)]
pub struct Shutdown(_);

impl Shutdown {
    pub fn new() -> Self {}
    pub fn begin(&self) {}
    pub fn has_begun(&self) -> bool {}
    pub async fn begun(&self) {}
}

impl Default for Shutdown {}

impl IntoFuture for Shutdown {
    type Output = ();
    type IntoFuture = Pin<Box<dyn Future<Output = ()> + Send>>;
}

#[derive(Debug)]
#[must_use = "nobody is accepted unless it is asked to"]
pub struct Streams {
    _private: _,
}

impl Streams {
    pub async fn accept(&mut self) -> Result<(StreamSocket, Addr), Error> {}
    pub fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(StreamSocket, Addr), Error>> {}
    pub fn endpoint(&self) -> &Endpoint {}
    pub fn stats(&self) -> ListenerStats {}
    pub fn as_socket(&self) -> &anysock_async::Listener {}
}

impl Stream for Streams {
    type Item = io::Result<(StreamSocket, Addr)>;
}

impl IntoEndpoint for String {}

impl From<Listener> for Vec<Listener> {}

pub trait Wiring: Send + Sync {
    fn bound(&self, name: &EndpointName) {}
    fn dial(&self, name: &EndpointName, options: Options) -> Dialing;
}

pub fn adopt(descriptor: impl Into<OwnedFd>) -> Adopt {}

pub fn bind(endpoint: impl IntoEndpoint) -> Bind {}

pub fn connect(endpoint: impl IntoEndpoint) -> Connect {}

pub fn serve<H, F, E>(listeners: impl Into<Vec<Listener>>, handler: H) -> Serve<H>
where
    H: FnMut(Connection) -> F + Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: fmt::Display + Send + 'static,
{}

from! {
    Framed < StreamSocket, AnyCodec >: Stream; Packets < SeqPacketSocket >: SeqPacket;
    Packets < DatagramSocket >: Datagram; Packets < DatagramPeer >: Peer; Memory :
    Memory;
}

macro_rules! from {
    ($($type:ty : $arm:ident;)*) => {
        $(impl From <$type > for Connection { fn from(transport : $type) -> Self {} })*
    };
}

guaranteed!(
    ReconnectingRecv : received, received_bytes, truncated, discarded, discarded_bytes,
    closed_descriptors, receive_calls, receive_would_block, held
);

guaranteed!(
    ReconnectingSend : sent, sent_bytes, dropped, unsent, most_unsent, send_calls,
    send_would_block
);

guaranteed!(Connection, Inner);

guaranteed!(ConnectionRecv, Receiving);

guaranteed!(ConnectionSend, Sending);

macro_rules! guaranteed {
    ($half:ident : $($counted:ident),*) => {
        impl Guaranteed for $half { fn guarantees(& self) -> Guarantees {} fn stats(&
        self) -> Stats {} fn closed(& self) -> io::Result < Closed > {} }
    };
}

macro_rules! guaranteed {
    ($type:ty, $outer:ident) => {
        impl Guaranteed for $type { fn guarantees(& self) -> Guarantees {} fn stats(&
        self) -> Stats {} fn closed(& self) -> io::Result < Closed > {} fn socket_ref(&
        self) -> Option < SocketRef <'_ >> {} }
    };
}

half!(ConnectionRecv, Receiving);

half!(ConnectionSend, Sending);

macro_rules! half {
    ($half:ident, $arms:ident) => {
        impl $half { pub fn cell(& self) -> Option < Cell > {} pub fn as_socket(& self)
        -> Option <& Socket > {} pub fn local_addr(& self) -> io::Result < Addr > {} pub
        fn peer_addr(& self) -> io::Result < Addr > {} pub fn peer_credentials(& self) ->
        io::Result < Credentials > {} pub fn is_multipath(& self) -> io::Result < bool >
        {} pub fn tcp_info(& self) -> io::Result < TcpInfo > {} pub fn unsent_bytes(&
        self) -> io::Result < usize > {} pub fn unread_bytes(& self) -> io::Result <
        usize > {} pub fn span(& self) -> Span {} }
    };
}

macro_rules! recv_half {
    ($type:ty, $outer:ident) => {
        impl RecvHalf for $type { fn poll_recv(& mut self, cx : & mut Context <'_ >,) ->
        Poll < Result < Option < Message >, Error >> {} fn poll_recv_many(& mut self, cx
        : & mut Context <'_ >, messages : & mut Vec < Message >, most : usize,) -> Poll <
        Result < usize, Error >> {} }
    };
}

recv_half!(Connection, Inner);

recv_half!(ConnectionRecv, Receiving);

macro_rules! send_half {
    ($type:ty, $outer:ident) => {
        impl SendHalf for $type { fn poll_ready(& mut self, cx : & mut Context <'_ >) ->
        Poll < Result < (), Error >> {} fn start_send(& mut self, payload : Payload <'_
        >, attached : & mut Attached,) -> Result < (), Error > {} fn poll_feed(& mut
        self, cx : & mut Context <'_ >, payload : Payload <'_ >, attached : & mut
        Attached,) -> Poll < Result < (), Error >> {} fn poll_flush(& mut self, cx : &
        mut Context <'_ >) -> Poll < Result < (), Error >> {} fn poll_close(& mut self,
        cx : & mut Context <'_ >) -> Poll < Result < (), Error >> {} fn abort(& mut self)
        -> io::Result < () > {} fn max_message(& self) -> usize {} }
    };
}

send_half!(Connection, Inner);

send_half!(ConnectionSend, Sending);

