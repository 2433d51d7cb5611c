// The public API of anysock-async, written by tests/api. Not compiled.
// `_` is what is not public; bodies are empty.

// Paths:
// anysock_async::AcceptFault
// anysock_async::Accepted
// anysock_async::Calls
// anysock_async::Closed
// anysock_async::Connected
// anysock_async::Connector
// anysock_async::DatagramListener
// anysock_async::DatagramPeer
// anysock_async::DatagramRecv
// anysock_async::DatagramSend
// anysock_async::DatagramSocket
// anysock_async::Departure
// anysock_async::Gate
// anysock_async::Inbox
// anysock_async::LONGEST_BUSY_POLL
// anysock_async::Listener
// anysock_async::ListenerStats
// anysock_async::LocalAddrError
// anysock_async::NoConnection
// anysock_async::Packet
// anysock_async::PeerLimits
// anysock_async::PeerRecv
// anysock_async::PeerSend
// anysock_async::SeqPacketRecv
// anysock_async::SeqPacketSend
// anysock_async::SeqPacketSocket
// anysock_async::SocketRef
// anysock_async::StreamHandle
// anysock_async::StreamRecv
// anysock_async::StreamSend
// anysock_async::StreamSocket
// anysock_async::bind
// anysock_async::bind_allowing
// anysock_async::bind_shards
// anysock_async::connect
// anysock_async::is_permanent
// anysock_async::poll_budget
// anysock_async::resolve

// Items:

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AcceptFault {
    Connection,
    Shortage,
    Listener,
}

impl AcceptFault {
    pub fn of(error: &io::Error) -> Self {}
}

#[derive(Debug)]
pub enum Accepted {
    Stream(StreamSocket),
    SeqPacket(SeqPacketSocket),
    Peer(DatagramPeer),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub made: u64,
    pub would_block: u64,
}

#[must_use = "it waits for nothing unless it is polled"]
pub struct Closed {
    _private: _,
}

impl Closed {
    pub fn from_future(
        future: impl Future<Output = Departure> + Send + 'static,
    ) -> Self {}
    pub fn past_half_close(mut self) -> Self {}
}

impl Drop for Closed {}

impl Future for Closed {
    type Output = Departure;
}

impl fmt::Debug for Closed {}

#[derive(Debug)]
pub enum Connected {
    Stream(StreamSocket),
    Datagram(DatagramSocket),
    SeqPacket(SeqPacketSocket),
}

impl Connected {
    pub fn adopt(
        descriptor: OwnedFd,
        options: &Options,
    ) -> Result<Self, ConvertError<OwnedFd>> {}
    pub fn inherit(endpoint: &Endpoint, options: &Options) -> io::Result<Self> {}
}

impl Connected {
    pub fn set_busy_poll(&self, longest: Duration) -> io::Result<()> {}
}

#[derive(Clone, Debug)]
#[must_use = "nothing is connected unless it is told to"]
pub struct Connector {
    _private: _,
}

impl Connector {
    pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);
    pub const DEFAULT_ATTEMPT_DELAY: Duration = Duration::from_millis(250);
    pub fn new(protocol: impl Into<Protocol>) -> Self {}
    pub fn options(mut self, options: Options) -> Self {}
    pub fn local_addr(mut self, addr: impl Into<Addr>) -> Self {}
    pub fn deadline(mut self, deadline: Duration) -> Self {}
    pub fn attempt_delay(mut self, delay: Duration) -> Self {}
    pub async fn connect(&self, addresses: &[Addr]) -> io::Result<Connected> {}
    pub async fn connect_resolving(
        &self,
        resolving: impl Future<Output = io::Result<Vec<Addr>>>,
    ) -> io::Result<Connected> {}
}

#[derive(Debug)]
pub struct DatagramListener {
    _private: _,
}

impl DatagramListener {
    pub fn stats(&self) -> ListenerStats {}
    pub fn local_addr(&self) -> io::Result<Addr> {}
    pub fn socket(&self) -> &Socket {}
    pub fn receive_calls(&self) -> Calls {}
    pub fn dropped(&self) -> u64 {}
    pub fn peers(&self) -> usize {}
    pub fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<DatagramPeer>> {}
}

impl Drop for DatagramListener {}

#[derive(Debug)]
pub struct DatagramPeer {
    _private: _,
}

impl DatagramPeer {
    pub fn into_split(self) -> (PeerRecv, PeerSend) {}
    pub fn cell(&self) -> Cell {}
    pub fn socket(&self) -> &Socket {}
    pub fn socket_ref(&self) -> SocketRef<'_> {}
    pub fn peer_addr(&self) -> &Addr {}
    pub fn local_addr(&self) -> io::Result<Addr> {}
    pub fn held(&self) -> usize {}
    pub fn send_calls(&self) -> Calls {}
    pub fn dropped(&self) -> u64 {}
    pub fn poll_recv_packet(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Packet>>> {}
    pub fn poll_recv_packets(
        &mut self,
        cx: &mut Context<'_>,
        count: usize,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {}
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        message: &[u8],
    ) -> Poll<io::Result<()>> {}
    pub fn poll_send_packets(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &Outbox,
    ) -> Poll<io::Result<usize>> {}
    pub fn max_message(&self) -> io::Result<usize> {}
}

#[derive(Debug)]
pub struct DatagramRecv {
    _private: _,
}

impl DatagramRecv {
    pub fn socket(&self) -> &Socket {}
    pub fn receive_calls(&self) -> Calls {}
    pub fn cell(&self) -> Cell {}
    pub fn poll_recv_packet(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Option<Packet>>> {}
    pub fn poll_recv_packets(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        count: usize,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {}
}

impl AsFd for DatagramRecv {}

#[derive(Debug)]
pub struct DatagramSend {
    _private: _,
}

impl DatagramSend {
    pub fn socket(&self) -> &Socket {}
    pub fn send_calls(&self) -> Calls {}
    pub fn cell(&self) -> Cell {}
    pub fn max_message(&self) -> io::Result<usize> {}
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        message: &[u8],
    ) -> Poll<io::Result<()>> {}
    pub fn poll_send_packets(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &Outbox,
    ) -> Poll<io::Result<usize>> {}
}

impl AsFd for DatagramSend {}

#[derive(Debug)]
pub struct DatagramSocket {
    _private: _,
}

impl DatagramSocket {
    pub async fn send_to(&self, message: &[u8], addr: &Addr) -> io::Result<()> {}
    pub async fn send_with(
        &self,
        message: &[u8],
        with: &Outgoing<'_>,
    ) -> io::Result<()> {}
    pub async fn send_batch<'a>(
        &self,
        packets: impl Iterator<Item = &'a [u8]> + Clone,
        with: &Outgoing<'_>,
    ) -> io::Result<usize> {}
    pub async fn recv_from(
        &self,
        buffer: &mut [u8],
    ) -> io::Result<Option<(Received, Addr)>> {}
    pub async fn recv_batch(
        &self,
        batch: &mut RecvBatch,
        size: usize,
        count: usize,
    ) -> io::Result<usize> {}
    pub async fn recv_error(&self) -> io::Result<QueuedError> {}
}

impl DatagramSocket {
    pub fn new(socket: Socket) -> io::Result<Self> {}
    pub fn bind(addr: &Addr, options: &anysock_core::Options) -> io::Result<Self> {}
    pub fn pair() -> io::Result<(Self, Self)> {}
    pub fn connect(&self, addr: &Addr) -> io::Result<()> {}
    pub fn into_split(self) -> (DatagramRecv, DatagramSend) {}
    pub fn socket(&self) -> &Socket {}
    pub fn cell(&self) -> Cell {}
    pub fn local_addr(&self) -> io::Result<Addr> {}
    pub fn peer_addr(&self) -> io::Result<Addr> {}
    pub fn send_calls(&self) -> Calls {}
    pub fn receive_calls(&self) -> Calls {}
    pub fn closed(&self) -> io::Result<Closed> {}
    pub fn shutdown_now(&self, how: Shutdown) -> io::Result<()> {}
    pub fn join_group(&self, group: &Group) -> io::Result<()> {}
    pub fn leave_group(&self, group: &Group) -> io::Result<()> {}
    pub fn set_busy_poll(&self, longest: Duration) -> io::Result<()> {}
    pub fn max_message(&self) -> io::Result<usize> {}
    pub async fn send(&self, message: &[u8]) -> io::Result<()> {}
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<Option<Received>> {}
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        message: &[u8],
    ) -> Poll<io::Result<()>> {}
    pub fn poll_recv_packets(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        count: usize,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {}
    pub fn poll_send_packets(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &Outbox,
    ) -> Poll<io::Result<usize>> {}
    pub fn poll_recv_packet(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Option<Packet>>> {}
}

impl AsFd for DatagramSocket {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Departure {
    Ended,
    HungUp,
    Dropped,
}

impl From<LocalAddrError> for io::Error {}

impl From<NoConnection> for io::Error {}

#[derive(Clone, Default)]
pub struct Gate {
    _private: _,
}

impl Gate {
    pub fn nobody() -> Self {}
    #[must_use]
    pub fn uid(self, uid: u32) -> Self {}
    #[must_use]
    pub fn uids(mut self, uids: impl IntoIterator<Item = u32>) -> Self {}
    #[must_use]
    pub fn gid(self, gid: u32) -> Self {}
    #[must_use]
    pub fn gids(mut self, gids: impl IntoIterator<Item = u32>) -> Self {}
    #[must_use]
    pub fn when(
        mut self,
        predicate: impl Fn(&Credentials) -> bool + Send + Sync + 'static,
    ) -> Self {}
    pub fn admits(&self, peer: &Credentials, groups: &[u32]) -> bool {}
}

impl fmt::Debug for Gate {}

#[derive(Debug, Default)]
pub struct Inbox {
    _private: _,
}

impl Inbox {
    pub const fn new() -> Self {}
    pub fn push(&mut self, packet: Packet) {}
    pub fn is_in_run(&self) -> bool {}
    pub fn next_of_run(&mut self) -> Option<Message> {}
    pub fn pop(&mut self) -> Option<Packet> {}
    pub fn len(&self) -> usize {}
    pub fn is_empty(&self) -> bool {}
    pub fn has_message(&self) -> bool {}
    pub fn held(&self) -> usize {}
}

pub const LONGEST_BUSY_POLL: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub struct Listener {
    _private: _,
}

impl Listener {
    pub fn adopt(
        descriptor: OwnedFd,
        options: &Options,
        limits: &PeerLimits,
    ) -> Result<Self, ConvertError<OwnedFd>> {}
    pub fn inherit(
        endpoint: &Endpoint,
        options: &Options,
        limits: &PeerLimits,
    ) -> io::Result<Self> {}
}

impl Listener {
    pub fn cell(&self) -> Cell {}
    pub fn socket(&self) -> &Socket {}
    pub fn as_datagrams(&self) -> Option<&DatagramListener> {}
    pub fn local_addr(&self) -> io::Result<Addr> {}
    pub fn take_path(&mut self) -> Option<OwnedPath> {}
    pub fn own_path(&mut self, path: OwnedPath) -> Option<OwnedPath> {}
    pub fn set_busy_poll(&mut self, longest: Duration) -> io::Result<()> {}
    pub fn allow(&mut self, gate: Gate) -> io::Result<()> {}
    pub fn stats(&self) -> ListenerStats {}
    pub async fn accept(&mut self) -> io::Result<Accepted> {}
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {}
    pub fn poll_accept_from(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Accepted, Addr)>> {}
}

impl AsFd for Listener {}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenerStats {
    pub accepted: u64,
    pub refused: u64,
    pub lost: u64,
    pub shortages: u64,
    pub dropped: u64,
    pub replies_dropped: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalAddrError {
    _private: _,
}

impl LocalAddrError {
    pub fn local(&self) -> &Addr {}
    pub fn to(&self) -> &Addr {}
}

impl fmt::Display for LocalAddrError {}

impl std::error::Error for LocalAddrError {}

#[derive(Debug)]
pub struct NoConnection {
    _private: _,
}

impl NoConnection {
    pub fn attempts(&self) -> impl Iterator<Item = (&Addr, &io::Error)> {}
    pub fn untried(&self) -> usize {}
}

impl fmt::Display for NoConnection {}

impl std::error::Error for NoConnection {}

#[derive(Debug)]
#[non_exhaustive]
pub enum Packet {
    Message(Message),
    Truncated { length: usize },
    DescriptorsLost { length: usize, taken: usize },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerLimits {
    pub peers: usize,
    pub queue_messages: usize,
    pub queue_bytes: usize,
    pub descriptors: usize,
    pub max_message: usize,
    pub idle: Duration,
    pub patience: Duration,
}

impl Default for PeerLimits {}

#[derive(Debug)]
pub struct PeerRecv {
    _private: _,
}

impl PeerRecv {
    pub fn socket_ref(&self) -> SocketRef<'_> {}
    pub fn poll_recv_packet(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Packet>>> {}
    pub fn poll_recv_packets(
        &mut self,
        cx: &mut Context<'_>,
        count: usize,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {}
    pub fn dropped(&self) -> u64 {}
    pub fn held(&self) -> usize {}
}

#[derive(Debug)]
pub struct PeerSend {
    _private: _,
}

impl PeerSend {
    pub fn socket_ref(&self) -> SocketRef<'_> {}
    pub fn send_calls(&self) -> Calls {}
    pub fn cell(&self) -> Cell {}
    pub fn peer_addr(&self) -> &Addr {}
    pub fn max_message(&self) -> io::Result<usize> {}
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        message: &[u8],
    ) -> Poll<io::Result<()>> {}
    pub fn poll_send_packets(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &Outbox,
    ) -> Poll<io::Result<usize>> {}
}

#[derive(Debug)]
pub struct SeqPacketRecv {
    _private: _,
}

impl SeqPacketRecv {
    pub fn socket(&self) -> &Socket {}
    pub fn receive_calls(&self) -> Calls {}
    pub fn closed(&self) -> io::Result<Closed> {}
    pub fn poll_recv_packet(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Option<Packet>>> {}
    pub fn poll_recv_packets(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        count: usize,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {}
}

impl AsFd for SeqPacketRecv {}

#[derive(Debug)]
pub struct SeqPacketSend {
    _private: _,
}

impl SeqPacketSend {
    pub fn socket(&self) -> &Socket {}
    pub fn send_calls(&self) -> Calls {}
    pub fn closed(&self) -> io::Result<Closed> {}
    pub fn poll_send_packets(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &Outbox,
    ) -> Poll<io::Result<usize>> {}
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        message: &[u8],
    ) -> Poll<io::Result<()>> {}
    pub fn max_message(&self) -> io::Result<usize> {}
    pub fn shutdown_write(&self) -> io::Result<()> {}
    pub fn is_alone(&self) -> bool {}
    pub fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Option<Packet>>> {}
}

impl AsFd for SeqPacketSend {}

#[derive(Debug)]
pub struct SeqPacketSocket {
    _private: _,
}

impl SeqPacketSocket {
    pub fn new(socket: Socket) -> io::Result<Self> {}
    pub fn pair() -> io::Result<(Self, Self)> {}
    pub fn into_split(self) -> (SeqPacketRecv, SeqPacketSend) {}
    pub fn socket(&self) -> &Socket {}
    pub fn cell(&self) -> Cell {}
    pub fn local_addr(&self) -> io::Result<Addr> {}
    pub fn peer_addr(&self) -> io::Result<Addr> {}
    pub fn peer_credentials(&self) -> io::Result<Credentials> {}
    pub fn send_calls(&self) -> Calls {}
    pub fn receive_calls(&self) -> Calls {}
    pub fn closed(&self) -> io::Result<Closed> {}
    pub fn shutdown_now(&self, how: Shutdown) -> io::Result<()> {}
    pub fn set_busy_poll(&self, longest: Duration) -> io::Result<()> {}
    pub fn max_message(&self) -> io::Result<usize> {}
    pub async fn send(&self, message: &[u8]) -> io::Result<()> {}
    pub async fn send_with(
        &self,
        message: &[u8],
        with: &Outgoing<'_>,
    ) -> io::Result<()> {}
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<Option<Received>> {}
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        message: &[u8],
    ) -> Poll<io::Result<()>> {}
    pub fn poll_recv_packet(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Option<Packet>>> {}
    pub fn poll_recv_packets(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        count: usize,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {}
    pub fn poll_send_packets(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &Outbox,
    ) -> Poll<io::Result<usize>> {}
}

impl AsFd for SeqPacketSocket {}

#[derive(Clone, Copy, Debug)]
pub struct SocketRef<'a> {
    _private: _,
}

impl<'a> SocketRef<'a> {
    pub const fn new(socket: &'a Socket) -> Self {}
    pub const fn socket(self) -> &'a Socket {}
    pub const fn is_shared(self) -> bool {}
    pub fn cell(self) -> Cell {}
    pub fn local_addr(self) -> io::Result<Addr> {}
    pub fn peer_addr(self) -> io::Result<Addr> {}
    pub fn peer_credentials(self) -> io::Result<Credentials> {}
    pub fn is_multipath(self) -> io::Result<bool> {}
    pub fn tcp_info(self) -> io::Result<TcpInfo> {}
    pub fn unsent_bytes(self) -> io::Result<usize> {}
    pub fn unread_bytes(self) -> io::Result<usize> {}
}

#[derive(Clone, Debug)]
pub struct StreamHandle {
    _private: _,
}

impl StreamHandle {
    pub fn socket(&self) -> &Socket {}
    pub fn closed(&self) -> io::Result<Closed> {}
    pub fn abort(&self) -> io::Result<()> {}
    pub fn send_calls(&self) -> Calls {}
    pub fn receive_calls(&self) -> Calls {}
}

#[derive(Debug)]
pub struct StreamRecv {
    _private: _,
}

impl StreamRecv {
    pub fn socket(&self) -> &Socket {}
    pub fn receive_calls(&self) -> Calls {}
    pub fn closed(&self) -> io::Result<Closed> {}
    pub fn poll_recv_block(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {}
    pub fn poll_recv_passed(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
        passed: &mut Passed,
    ) -> Poll<io::Result<usize>> {}
}

impl AsFd for StreamRecv {}

#[derive(Debug)]
pub struct StreamSend {
    _private: _,
}

impl StreamSend {
    pub fn socket(&self) -> &Socket {}
    pub fn abort(&self) -> io::Result<()> {}
    pub fn cell(&self) -> Cell {}
    pub fn poll_send_passing(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        descriptors: &[OwnedFd],
    ) -> Poll<io::Result<usize>> {}
    pub fn send_calls(&self) -> Calls {}
    pub fn closed(&self) -> io::Result<Closed> {}
    pub fn is_alone(&self) -> bool {}
    pub fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {}
}

impl AsFd for StreamSend {}

#[derive(Debug)]
pub struct StreamSocket {
    _private: _,
}

impl StreamSocket {
    pub fn new(socket: Socket) -> io::Result<Self> {}
    pub fn pair() -> io::Result<(Self, Self)> {}
    pub fn into_split(self) -> (StreamRecv, StreamSend) {}
    pub fn with_handle(self) -> (Self, StreamHandle) {}
    pub fn socket(&self) -> &Socket {}
    pub fn cell(&self) -> Cell {}
    pub fn local_addr(&self) -> io::Result<Addr> {}
    pub fn peer_addr(&self) -> io::Result<Addr> {}
    pub fn peer_credentials(&self) -> io::Result<Credentials> {}
    pub fn is_multipath(&self) -> io::Result<bool> {}
    pub fn send_calls(&self) -> Calls {}
    pub fn receive_calls(&self) -> Calls {}
    pub fn closed(&self) -> io::Result<Closed> {}
    pub fn shutdown_now(&self, how: Shutdown) -> io::Result<()> {}
    pub fn abort(&self) -> io::Result<()> {}
    pub fn set_busy_poll(&self, longest: Duration) -> io::Result<()> {}
    pub fn poll_recv_block(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {}
    pub fn poll_recv_passed(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
        passed: &mut Passed,
    ) -> Poll<io::Result<usize>> {}
    pub fn poll_send_passing(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        descriptors: &[OwnedFd],
    ) -> Poll<io::Result<usize>> {}
}

impl AsFd for StreamSocket {}

pub async fn bind(
    addr: &Addr,
    protocol: impl Into<Protocol>,
    options: &Options,
    limits: &PeerLimits,
) -> io::Result<Listener> {}

pub async fn bind_allowing(
    addr: &Addr,
    protocol: impl Into<Protocol>,
    options: &Options,
    limits: &PeerLimits,
    gate: &Gate,
) -> io::Result<Listener> {}

pub async fn bind_shards(
    addr: &Addr,
    protocol: impl Into<Protocol>,
    options: &Options,
    limits: &PeerLimits,
    count: usize,
) -> io::Result<Vec<Listener>> {}

pub async fn connect(
    addr: &Addr,
    protocol: impl Into<Protocol>,
    options: &Options,
    deadline: Duration,
) -> io::Result<Connected> {}

pub fn is_permanent(error: &io::Error) -> bool {}

pub fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {}

pub async fn resolve(endpoint: &Endpoint) -> io::Result<Vec<Addr>> {}

into_socket! {
    StreamSocket :; SeqPacketSocket :; DatagramSocket :; Listener :;
}

macro_rules! into_socket {
    ($($ours:ident : $(#[$about:meta])*;)*) => {
        $(impl $ours { $(#[$about])* pub fn into_socket(self) -> Result < Socket,
        ConvertError < Self >> {} } impl TryFrom <$ours > for OwnedFd { type Error =
        ConvertError <$ours >; fn try_from(socket : $ours) -> Result < Self, Self::Error
        > {} })*
    };
}

macro_rules! stream_io {
    (read $type:ty) => {
        impl AsyncRead for $type { fn poll_read(self : Pin <& mut Self >, cx : & mut
        Context <'_ >, into : & mut ReadBuf <'_ >,) -> Poll < io::Result < () >> {} }
    };
    (write $type:ty) => {
        impl AsyncWrite for $type { fn poll_write(self : Pin <& mut Self >, cx : & mut
        Context <'_ >, bytes : & [u8],) -> Poll < io::Result < usize >> {} fn
        poll_write_vectored(self : Pin <& mut Self >, cx : & mut Context <'_ >, slices :
        & [IoSlice <'_ >],) -> Poll < io::Result < usize >> {} fn is_write_vectored(&
        self) -> bool {} fn poll_flush(self : Pin <& mut Self >, _ : & mut Context <'_ >)
        -> Poll < io::Result < () >> {} fn poll_shutdown(self : Pin <& mut Self >, _ : &
        mut Context <'_ >) -> Poll < io::Result < () >> {} }
    };
}

stream_io!(read StreamRecv);

stream_io!(read StreamSocket);

stream_io!(write StreamSend);

stream_io!(write StreamSocket);

macro_rules! to_and_from {
    ($($ours:ident <=> $std:ty, $tokio:ty : $cells:ident, $make:expr;)*) => {
        $(impl TryFrom <$ours > for $std { type Error = ConvertError <$ours >; fn
        try_from(socket : $ours) -> Result < Self, Self::Error > {} } impl TryFrom <$ours
        > for $tokio { type Error = ConvertError <$ours >; fn try_from(socket : $ours) ->
        Result < Self, Self::Error > {} } impl TryFrom <$std > for $ours { type Error =
        ConvertError <$std >; fn try_from(socket : $std) -> Result < Self, Self::Error >
        {} } impl TryFrom <$tokio > for $ours { type Error = ConvertError <$tokio >; fn
        try_from(socket : $tokio) -> Result < Self, Self::Error > {} })*
    };
}

to_and_from! {
    StreamSocket <=> net::TcpStream, tokio::net::TcpStream : Tcp, StreamSocket::new;
    StreamSocket <=> unix::UnixStream, tokio::net::UnixStream : UnixStream,
    StreamSocket::new; DatagramSocket <=> net::UdpSocket, tokio::net::UdpSocket : Udp,
    DatagramSocket::new; DatagramSocket <=> unix::UnixDatagram, tokio::net::UnixDatagram
    : UnixDatagram, DatagramSocket::new; Listener <=> net::TcpListener,
    tokio::net::TcpListener : Tcp, Listener::of; Listener <=> unix::UnixListener,
    tokio::net::UnixListener : UnixStream, Listener::of;
}

