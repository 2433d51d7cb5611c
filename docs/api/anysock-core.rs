// The public API of anysock-core, written by tests/api. Not compiled.
// `_` is what is not public; bodies are empty.

// Paths:
// anysock_core::AbstractName
// anysock_core::Addr
// anysock_core::AdoptError
// anysock_core::AdoptFault
// anysock_core::Ancillary
// anysock_core::Arrival
// anysock_core::Attached
// anysock_core::Batched
// anysock_core::Cell
// anysock_core::Chunk
// anysock_core::ConvertError
// anysock_core::Credentials
// anysock_core::Domain
// anysock_core::Endpoint
// anysock_core::EndpointError
// anysock_core::EndpointFault
// anysock_core::EndpointName
// anysock_core::FileId
// anysock_core::Group
// anysock_core::GroupError
// anysock_core::Guarantees
// anysock_core::Host
// anysock_core::HostName
// anysock_core::HostPort
// anysock_core::Interface
// anysock_core::Keepalive
// anysock_core::LocalAddress
// anysock_core::Message
// anysock_core::OptionError
// anysock_core::Options
// anysock_core::Origin
// anysock_core::Outbox
// anysock_core::Outgoing
// anysock_core::OwnedPath
// anysock_core::Passed
// anysock_core::PathClaim
// anysock_core::PathError
// anysock_core::PathMtuDiscovery
// anysock_core::Protocol
// anysock_core::QueuedError
// anysock_core::Received
// anysock_core::RecvBatch
// anysock_core::RecvBlock
// anysock_core::Role
// anysock_core::Scope
// anysock_core::Shutdown
// anysock_core::Socket
// anysock_core::Support
// anysock_core::TcpInfo
// anysock_core::TcpState
// anysock_core::Type
// anysock_core::UnixAddr
// anysock_core::UnixAddrError
// anysock_core::UnixPath
// anysock_core::UnknownInterface
// anysock_core::UnsupportedCell
// anysock_core::inherited_names
// anysock_core::probe

// Items:

#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AbstractName(_);

impl AbstractName {
    pub const MAX: usize = 107;
    pub fn new(name: impl AsRef<[u8]>) -> Result<Self, UnixAddrError> {}
    pub fn as_bytes(&self) -> &[u8] {}
}

impl fmt::Debug for AbstractName {}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Addr {
    Ip(SocketAddr),
    Unix(UnixAddr),
}

impl Addr {
    pub fn domain(&self) -> Domain {}
    pub fn as_ip(&self) -> Option<SocketAddr> {}
    pub fn as_unix(&self) -> Option<&UnixAddr> {}
}

impl From<SocketAddr> for Addr {}

impl From<SocketAddrV4> for Addr {}

impl From<SocketAddrV6> for Addr {}

impl From<UnixAddr> for Addr {}

impl fmt::Display for Addr {}

#[derive(Debug, thiserror::Error)]
pub struct AdoptError {
    _private: _,
}

impl AdoptError {
    pub fn new(named: impl Into<String>, fault: AdoptFault) -> Self {}
    pub fn named(&self) -> &str {}
    pub fn fault(&self) -> &AdoptFault {}
    pub fn into_fault(self) -> AdoptFault {}
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdoptFault {
    NotOpen,
    NotASocket { found: &'static str },
    ForeignDomain { family: i32 },
    ForeignType { domain: Domain, kind: i32 },
    ForeignProtocol { cell: Cell, protocol: i32 },
    Unsupported(UnsupportedCell),
    DoesNotListen { cell: Cell, at: String },
    Connected { cell: Cell, peer: String },
    NotBound { cell: Cell },
    Listens { cell: Cell, at: String },
    NotConnected { cell: Cell },
    NothingPassed { why: String },
    UnknownName { names: Vec<String> },
    Taken { passed: usize },
    BadEnvironment { variable: &'static str, value: String, expected: String },
    NotInherited,
    Option(io::Error),
    System { action: &'static str, source: io::Error },
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Ancillary(_);

impl Ancillary {
    pub const DESCRIPTORS: Self = Self(1);
    pub const CREDENTIALS: Self = Self(1 << 1);
    pub const DESTINATION: Self = Self(1 << 2);
    pub const TRAFFIC_CLASS: Self = Self(1 << 3);
    pub const HOP_LIMIT: Self = Self(1 << 4);
    pub const TIMESTAMP: Self = Self(1 << 5);
    pub const DROPS: Self = Self(1 << 6);
    pub const fn of(cell: Cell) -> Self {}
}

#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Arrival {
    pub source: Option<Addr>,
    pub destination: Option<LocalAddress>,
    pub descriptors: Vec<OwnedFd>,
    pub credentials: Option<Credentials>,
    pub traffic_class: Option<u8>,
    pub hop_limit: Option<u8>,
    pub timestamp: Option<SystemTime>,
    pub dropped: Option<u32>,
    pub segment: Option<u16>,
}

impl Arrival {
    pub fn ecn(&self) -> Option<u8> {}
    #[must_use]
    pub fn without_descriptors(&self) -> Self {}
    pub fn is_empty(&self) -> bool {}
}

#[derive(Debug, Default)]
pub struct Attached(_);

impl Attached {
    pub const MAX_DESCRIPTORS: usize = 253;
    pub const fn nothing() -> Self {}
    pub fn is_empty(&self) -> bool {}
    #[must_use]
    pub fn descriptor(mut self, descriptor: impl Into<OwnedFd>) -> Self {}
    #[must_use]
    pub fn source(mut self, source: IpAddr) -> Self {}
    #[must_use]
    pub fn traffic_class(mut self, class: u8) -> Self {}
    #[must_use]
    pub fn hop_limit(mut self, hops: u8) -> Self {}
    pub fn descriptors(&self) -> &[OwnedFd] {}
    pub fn source_addr(&self) -> Option<IpAddr> {}
    pub fn traffic_class_value(&self) -> Option<u8> {}
    pub fn hop_limit_value(&self) -> Option<u8> {}
    #[must_use]
    pub fn take(&mut self) -> Self {}
}

#[derive(Debug)]
pub struct Batched<'a> {
    _private: _,
}

impl Batched<'_> {
    pub fn bytes(&self) -> &[u8] {}
    pub fn left_bytes(&self) -> usize {}
    pub fn length(&self) -> usize {}
    pub fn is_truncated(&self) -> bool {}
    pub fn segment(&self) -> Option<usize> {}
    pub fn source(&self) -> Option<Addr> {}
    pub fn along(&mut self) -> Received {}
    pub fn lend(&mut self) -> Option<RecvBlock> {}
}

impl From<Message> for Bytes {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    pub domain: Domain,
    pub kind: Type,
}

impl Cell {
    pub const UNIX_STREAM: Self = Self::new(Domain::Unix, Type::Stream);
    pub const UNIX_DATAGRAM: Self = Self::new(Domain::Unix, Type::Datagram);
    pub const UNIX_SEQPACKET: Self = Self::new(Domain::Unix, Type::SeqPacket);
    pub const IPV4_STREAM: Self = Self::new(Domain::Ipv4, Type::Stream);
    pub const IPV4_DATAGRAM: Self = Self::new(Domain::Ipv4, Type::Datagram);
    pub const IPV4_SEQPACKET: Self = Self::new(Domain::Ipv4, Type::SeqPacket);
    pub const IPV6_STREAM: Self = Self::new(Domain::Ipv6, Type::Stream);
    pub const IPV6_DATAGRAM: Self = Self::new(Domain::Ipv6, Type::Datagram);
    pub const IPV6_SEQPACKET: Self = Self::new(Domain::Ipv6, Type::SeqPacket);
    pub const ALL: [Self; 9] = [
        Self::UNIX_STREAM,
        Self::UNIX_DATAGRAM,
        Self::UNIX_SEQPACKET,
        Self::IPV4_STREAM,
        Self::IPV4_DATAGRAM,
        Self::IPV4_SEQPACKET,
        Self::IPV6_STREAM,
        Self::IPV6_DATAGRAM,
        Self::IPV6_SEQPACKET,
    ];
    pub const fn new(domain: Domain, kind: Type) -> Self {}
}

impl fmt::Display for Cell {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk {
    pub length: usize,
    pub fell_short: bool,
}

pub struct ConvertError<T> {
    _private: _,
}

impl<T> ConvertError<T> {
    pub fn new(value: T, error: impl Into<io::Error>) -> Self {}
    pub fn error(&self) -> &io::Error {}
    pub fn into_inner(self) -> T {}
    pub fn map<U>(self, from: impl FnOnce(T) -> U) -> ConvertError<U> {}
}

impl<T> fmt::Debug for ConvertError<T> {}

impl<T> fmt::Display for ConvertError<T> {}

impl<T> std::error::Error for ConvertError<T> {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Credentials {
    pub pid: Option<u32>,
    pub uid: u32,
    pub gid: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Domain {
    Unix,
    Ipv4,
    Ipv6,
}

impl Domain {
    pub const ALL: [Self; 3] = [Self::Unix, Self::Ipv4, Self::Ipv6];
    pub const fn is_inet(self) -> bool {}
}

impl fmt::Display for Domain {}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    Tcp(HostPort),
    Mptcp(HostPort),
    Udp(HostPort),
    Sctp(HostPort),
    Unix(Type, UnixAddr),
    Fd(u32),
    Systemd(EndpointName),
    Mem(EndpointName),
}

impl Endpoint {
    pub fn from_addr(addr: Addr, protocol: impl Into<Protocol>) -> Self {}
    pub fn kind(&self) -> Option<Type> {}
    pub fn protocol(&self) -> Option<Protocol> {}
    pub fn domain(&self) -> Option<Domain> {}
    pub fn cell(&self) -> Option<Cell> {}
    pub fn addr(&self) -> Option<Addr> {}
    pub fn host_port(&self) -> Option<&HostPort> {}
}

impl FromStr for Endpoint {
    type Err = EndpointError;
}

impl TryFrom<&String> for Endpoint {
    type Error = EndpointError;
}

impl TryFrom<&str> for Endpoint {
    type Error = EndpointError;
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;
}

impl fmt::Display for Endpoint {}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct EndpointError {
    _private: _,
}

impl EndpointError {
    pub fn endpoint(&self) -> &str {}
    pub fn fault(&self) -> &EndpointFault {}
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointFault {
    NoScheme,
    UnknownScheme { scheme: String },
    MissingSlashes { scheme: String },
    EmptyHost,
    BadHost { host: String },
    BadIpv4 { host: String },
    BadIpv6 { host: String },
    UnbracketedIpv6 { host: String },
    UnclosedBracket { host: String },
    BadScope { scope: String },
    MissingPort { host: String },
    BadPort { port: String },
    Trailing { behind: &'static str, rest: String },
    BadEscape { escape: String, offset: usize },
    Unix(#[from] UnixAddrError),
    BadDescriptor { number: String },
    BadName { name: String },
}

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointName(_);

impl EndpointName {
    pub const MAX: usize = 255;
    pub fn new(name: &str) -> Result<Self, EndpointFault> {}
    pub fn as_str(&self) -> &str {}
}

impl fmt::Debug for EndpointName {}

impl fmt::Display for EndpointName {}

impl From<AdoptError> for io::Error {}

impl From<EndpointError> for io::Error {}

impl From<EndpointFault> for io::Error {}

impl From<GroupError> for io::Error {}

impl From<OptionError> for io::Error {}

impl From<PathError> for io::Error {}

impl From<QueuedError> for io::Error {}

impl From<UnixAddrError> for io::Error {}

impl From<UnsupportedCell> for io::Error {}

impl<T> From<ConvertError<T>> for io::Error {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    _private: _,
}

impl FromStr for FileId {
    type Err = ParseIntError;
}

impl fmt::Display for FileId {}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Group {
    pub address: IpAddr,
    pub source: Option<IpAddr>,
    pub interface: Interface,
}

impl Group {
    pub fn new(address: impl Into<IpAddr>, interface: impl Into<Interface>) -> Self {}
    #[must_use]
    pub fn from_source(self, source: impl Into<IpAddr>) -> Self {}
    pub fn check(&self, cell: Cell) -> Result<(), GroupError> {}
}

impl fmt::Display for Group {}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    NotMulticast { address: IpAddr },
    BadSource { group: Group },
    BadInterface { group: Group },
    WrongCell { group: Group, cell: Cell },
    Refused { group: Group, source: io::Error },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guarantees(_);

impl Guarantees {
    pub const RELIABLE: Self = Self(1);
    pub const ORDERED: Self = Self(1 << 1);
    pub const BOUNDARIES: Self = Self(1 << 2);
    pub const CONNECTION_ORIENTED: Self = Self(1 << 3);
    pub const END_OF_FILE: Self = Self(1 << 4);
    pub const fn of(cell: Cell, role: Role) -> Self {}
    pub const fn reliable(self) -> bool {}
    pub const fn ordered(self) -> bool {}
    pub const fn boundaries(self) -> bool {}
    pub const fn connection_oriented(self) -> bool {}
    pub const fn end_of_file(self) -> bool {}
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    Ipv4(Ipv4Addr),
    Ipv6 { addr: Ipv6Addr, scope: Option<Scope> },
    Name(HostName),
}

impl Host {
    pub fn domain(&self) -> Option<Domain> {}
    pub fn to_lookup(&self) -> String {}
}

impl fmt::Display for Host {}

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(_);

impl HostName {
    pub const MAX: usize = 253;
    pub fn new(name: &str) -> Result<Self, EndpointFault> {}
    pub fn as_str(&self) -> &str {}
}

impl fmt::Debug for HostName {}

impl fmt::Display for HostName {}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    pub host: Host,
    pub port: u16,
}

impl HostPort {
    pub fn addr(&self) -> Option<SocketAddr> {}
}

impl From<SocketAddr> for HostPort {}

impl fmt::Display for HostPort {}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Interface {
    Index(u32),
    Name(String),
}

impl Interface {
    pub fn index(&self) -> io::Result<u32> {}
}

impl From<&str> for Interface {}

impl From<String> for Interface {}

impl From<u32> for Interface {}

impl fmt::Display for Interface {}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Keepalive {
    pub idle: Option<Duration>,
    pub interval: Option<Duration>,
    pub count: Option<u32>,
}

impl Keepalive {
    pub fn new() -> Self {}
    pub fn idle(self, idle: Duration) -> Self {}
    pub fn interval(self, interval: Duration) -> Self {}
    pub fn count(self, count: u32) -> Self {}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LocalAddress {
    pub address: IpAddr,
    pub interface: u32,
}

#[derive(Default)]
pub struct Message {
    _private: _,
}

impl Message {
    pub fn as_slice(&self) -> &[u8] {}
    pub fn copied(bytes: &[u8]) -> Self {}
    pub fn into_bytes(self) -> Bytes {}
    pub fn into_parts(mut self) -> (Bytes, Option<Box<Arrival>>) {}
    pub fn arrival(&self) -> Option<&Arrival> {}
    pub fn source(&self) -> Option<&Addr> {}
    pub fn credentials(&self) -> Option<&Credentials> {}
    pub fn take_descriptors(&mut self) -> Vec<OwnedFd> {}
    #[must_use]
    pub fn with_arrival(mut self, arrival: impl Into<Box<Arrival>>) -> Self {}
    #[must_use]
    pub fn to_sized(self) -> Self {}
}

impl AsRef<[u8]> for Message {}

impl Deref for Message {
    type Target = [u8];
}

impl From<&'static [u8]> for Message {}

impl From<&'static str> for Message {}

impl From<Bytes> for Message {}

impl From<Vec<u8>> for Message {}

impl fmt::Debug for Message {}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Message {}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    Meaningless { option: &'static str, cell: Cell, why: &'static str },
    OutOfRange { option: &'static str, value: String, expected: &'static str },
    TooLate { option: &'static str, cell: Cell, stage: &'static str },
    Refused {
        option: &'static str,
        cell: Cell,
        needs: Option<&'static str>,
        source: io::Error,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    pub reuse_address: Option<bool>,
    pub reuse_port: Option<bool>,
    pub v6only: Option<bool>,
    pub device: Option<Interface>,
    pub free_bind: Option<bool>,
    pub transparent: Option<bool>,
    pub bind_address_no_port: Option<bool>,
    pub local_port_range: Option<RangeInclusive<u16>>,
    pub incoming_cpu: Option<u32>,
    pub backlog: Option<u32>,
    pub file_mode: Option<u32>,
    pub send_buffer: Option<usize>,
    pub receive_buffer: Option<usize>,
    pub send_buffer_force: Option<usize>,
    pub receive_buffer_force: Option<usize>,
    pub max_pacing_rate: Option<u64>,
    pub kernel_busy_poll: Option<Duration>,
    pub prefer_busy_poll: Option<bool>,
    pub nodelay: Option<bool>,
    pub keepalive: Option<Keepalive>,
    pub linger: Option<Duration>,
    pub user_timeout: Option<Duration>,
    pub congestion_control: Option<String>,
    pub defer_accept: Option<Duration>,
    pub fast_open: Option<u32>,
    pub fast_open_connect: Option<bool>,
    pub quick_ack: Option<bool>,
    pub not_sent_low_water: Option<u32>,
    pub max_segment: Option<u32>,
    pub syn_retries: Option<u8>,
    pub fin_timeout: Option<Duration>,
    pub thin_linear_timeouts: Option<bool>,
    pub longest_retransmission: Option<Duration>,
    pub ttl: Option<u8>,
    pub min_ttl: Option<u8>,
    pub traffic_class: Option<u8>,
    pub priority: Option<u32>,
    pub mark: Option<u32>,
    pub path_mtu_discovery: Option<PathMtuDiscovery>,
    pub dont_fragment: Option<bool>,
    pub auto_flow_label: Option<bool>,
    pub dont_route: Option<bool>,
    pub broadcast: Option<bool>,
    pub groups: Option<Vec<Group>>,
    pub multicast_interface: Option<Interface>,
    pub multicast_loop: Option<bool>,
    pub multicast_ttl: Option<u8>,
    pub multicast_all: Option<bool>,
    pub receive_descriptors: Option<bool>,
    pub receive_credentials: Option<bool>,
    pub receive_destination: Option<bool>,
    pub receive_traffic_class: Option<bool>,
    pub receive_hop_limit: Option<bool>,
    pub receive_timestamp: Option<bool>,
    pub receive_drops: Option<bool>,
}

impl Options {
    pub const DEFAULT_BACKLOG: u32 = 1_024;
    pub fn new() -> Self {}
    #[must_use]
    pub fn for_listener(&self, cell: Cell) -> Self {}
    #[must_use]
    pub fn for_client(&self, cell: Cell) -> Self {}
    pub fn backlog_or_default(&self) -> i32 {}
    pub fn check(&self, cell: Cell) -> Result<(), OptionError> {}
    pub fn check_bind(&self, addr: &Addr, kind: Type) -> Result<(), OptionError> {}
    pub fn apply(&self, socket: &Socket) -> std::io::Result<()> {}
    pub fn apply_bound(&self, socket: &Socket) -> std::io::Result<()> {}
    pub fn read(socket: &Socket) -> std::io::Result<Self> {}
}

impl Options {
    pub fn join(mut self, group: Group) -> Self {}
    pub fn multicast_interface(self, interface: impl Into<Interface>) -> Self {}
    pub fn multicast_loop(self, on: bool) -> Self {}
    pub fn multicast_ttl(self, hops: u8) -> Self {}
    pub fn multicast_all(self, on: bool) -> Self {}
}

impl Options {
    pub fn nodelay(self, on: bool) -> Self {}
    pub fn keepalive(self, keepalive: Keepalive) -> Self {}
    pub fn linger(self, time: Duration) -> Self {}
    pub fn user_timeout(self, time: Duration) -> Self {}
    pub fn congestion_control(self, algorithm: impl Into<String>) -> Self {}
    pub fn defer_accept(self, longest: Duration) -> Self {}
    pub fn fast_open(self, pending: u32) -> Self {}
    pub fn fast_open_connect(self, on: bool) -> Self {}
    pub fn quick_ack(self, on: bool) -> Self {}
    pub fn not_sent_low_water(self, bytes: u32) -> Self {}
    pub fn max_segment(self, bytes: u32) -> Self {}
    pub fn syn_retries(self, retries: u8) -> Self {}
    pub fn fin_timeout(self, time: Duration) -> Self {}
    pub fn thin_linear_timeouts(self, on: bool) -> Self {}
    pub fn longest_retransmission(self, time: Duration) -> Self {}
}

impl Options {
    pub fn receive_descriptors(self, on: bool) -> Self {}
    pub fn receive_credentials(self, on: bool) -> Self {}
    pub fn receive_destination(self, on: bool) -> Self {}
    pub fn receive_traffic_class(self, on: bool) -> Self {}
    pub fn receive_hop_limit(self, on: bool) -> Self {}
    pub fn receive_timestamp(self, on: bool) -> Self {}
    pub fn receive_drops(self, on: bool) -> Self {}
}

impl Options {
    pub fn reuse_address(self, on: bool) -> Self {}
    pub fn reuse_port(self, on: bool) -> Self {}
    pub fn v6only(self, on: bool) -> Self {}
    pub fn device(self, interface: impl Into<Interface>) -> Self {}
    pub fn free_bind(self, on: bool) -> Self {}
    pub fn transparent(self, on: bool) -> Self {}
    pub fn bind_address_no_port(self, on: bool) -> Self {}
    pub fn local_port_range(self, ports: RangeInclusive<u16>) -> Self {}
    pub fn incoming_cpu(self, cpu: u32) -> Self {}
    pub fn backlog(self, connections: u32) -> Self {}
    pub fn file_mode(self, mode: u32) -> Self {}
}

impl Options {
    pub fn send_buffer(self, bytes: usize) -> Self {}
    pub fn receive_buffer(self, bytes: usize) -> Self {}
    pub fn send_buffer_force(self, bytes: usize) -> Self {}
    pub fn receive_buffer_force(self, bytes: usize) -> Self {}
    pub fn max_pacing_rate(self, bytes: u64) -> Self {}
    pub fn kernel_busy_poll(self, longest: Duration) -> Self {}
    pub fn prefer_busy_poll(self, on: bool) -> Self {}
}

impl Options {
    pub fn ttl(self, hops: u8) -> Self {}
    pub fn min_ttl(self, hops: u8) -> Self {}
    pub fn traffic_class(self, octet: u8) -> Self {}
    pub fn priority(self, priority: u32) -> Self {}
    pub fn mark(self, mark: u32) -> Self {}
    pub fn path_mtu_discovery(self, how: PathMtuDiscovery) -> Self {}
    pub fn dont_fragment(self, on: bool) -> Self {}
    pub fn auto_flow_label(self, on: bool) -> Self {}
    pub fn dont_route(self, on: bool) -> Self {}
    pub fn broadcast(self, on: bool) -> Self {}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    Local,
    Icmp { kind: u8, code: u8 },
    Icmp6 { kind: u8, code: u8 },
    Other(u8),
}

impl fmt::Display for Origin {}

#[derive(Debug, Default)]
pub struct Outbox {
    _private: _,
}

impl Outbox {
    pub const fn new() -> Self {}
    pub fn push_copy(&mut self, packet: &[u8]) {}
    pub fn push_attached(&mut self, packet: &[u8], attached: Attached) {}
    pub fn push(&mut self, packet: Bytes) {}
    pub fn attached(&self) -> Option<&Attached> {}
    pub fn len(&self) -> usize {}
    pub fn is_empty(&self) -> bool {}
    pub fn front(&self) -> Option<&[u8]> {}
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {}
    pub fn alike(&self) -> impl Iterator<Item = &[u8]> {}
    pub fn equal(&self, most: usize, bytes: usize) -> (usize, usize) {}
    pub fn slices(&self, count: usize) -> impl Iterator<Item = &[u8]> {}
    pub fn pop(&mut self, count: usize) -> usize {}
    pub fn clear(&mut self) {}
}

#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Outgoing<'a> {
    pub to: Option<&'a Addr>,
    pub source: Option<LocalAddress>,
    pub descriptors: &'a [OwnedFd],
    pub segment: Option<u16>,
    pub traffic_class: Option<u8>,
    pub hop_limit: Option<u8>,
}

impl<'a> Outgoing<'a> {
    pub fn to(to: &'a Addr) -> Self {}
    #[must_use]
    pub fn with_attached(mut self, attached: &'a Attached) -> Self {}
}

impl From<Socket> for OwnedFd {}

#[derive(Debug)]
#[must_use = "the file is unlinked when this is dropped"]
pub struct OwnedPath {
    _private: _,
}

impl OwnedPath {
    pub fn path(&self) -> &Path {}
    pub fn id(&self) -> FileId {}
    pub fn take_over(path: impl AsRef<Path>, id: FileId) -> io::Result<Self> {}
    pub fn leave(mut self) {}
}

impl Drop for OwnedPath {}

#[derive(Debug, Default)]
pub struct Passed {
    pub descriptors: Vec<OwnedFd>,
    pub credentials: Option<Credentials>,
    pub is_truncated: bool,
}

impl Passed {
    pub fn is_empty(&self) -> bool {}
    pub fn keep(&mut self, asked: Ancillary) {}
}

#[derive(Debug)]
#[must_use = "the claim ends when it is dropped"]
pub struct PathClaim {
    _private: _,
}

impl PathClaim {
    pub fn try_new(path: &UnixPath) -> io::Result<Option<Self>> {}
    pub fn path(&self) -> &Path {}
    pub fn clear_stale(&self) -> io::Result<()> {}
    pub fn bind(self, socket: &Socket, options: &Options) -> io::Result<OwnedPath> {}
    pub fn bind_client(
        self,
        socket: &Socket,
        options: &Options,
    ) -> io::Result<OwnedPath> {}
    pub fn own(self) -> io::Result<OwnedPath> {}
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    InUse { path: PathBuf, why: String },
    NotASocket { path: PathBuf, found: &'static str },
    Replaced { path: PathBuf },
    WrongDomain { path: PathBuf, cell: Cell },
    System { action: &'static str, path: PathBuf, source: io::Error },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PathMtuDiscovery {
    Never,
    PerRoute,
    Always,
    Probe,
    Interface,
    Omit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    Default(Type),
    Multipath,
}

impl Protocol {
    pub const fn kind(self) -> Type {}
}

impl From<Type> for Protocol {}

impl fmt::Display for Protocol {}

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedError {
    pub number: i32,
    pub origin: Origin,
    pub destination: Option<Addr>,
    pub offender: Option<Addr>,
    pub mtu: Option<u32>,
}

impl QueuedError {
    pub fn kind(&self) -> io::ErrorKind {}
}

impl fmt::Display for QueuedError {}

impl std::error::Error for QueuedError {}

#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Received {
    pub length: usize,
    pub copied: usize,
    pub source: Option<Addr>,
    pub destination: Option<LocalAddress>,
    pub credentials: Option<Credentials>,
    pub descriptors: Vec<OwnedFd>,
    pub control_truncated: bool,
    pub traffic_class: Option<u8>,
    pub hop_limit: Option<u8>,
    pub timestamp: Option<SystemTime>,
    pub dropped: Option<u32>,
    pub segment: Option<u16>,
}

impl Received {
    pub fn is_truncated(&self) -> bool {}
    pub fn into_arrival(self, asked: Ancillary) -> Option<Box<Arrival>> {}
    pub fn has_lost(&self, asked: Ancillary) -> bool {}
}

pub struct RecvBatch {
    _private: _,
}

impl RecvBatch {
    pub const MOST: usize = sys::MOST;
    pub const fn new() -> Self {}
    pub fn ask(&mut self, sources: bool, control: bool) {}
    pub fn recv(
        &mut self,
        socket: &Socket,
        size: usize,
        count: usize,
    ) -> io::Result<usize> {}
    pub fn is_full(&self) -> bool {}
    pub fn left(&self) -> usize {}
    pub fn next(&mut self) -> Option<Batched<'_>> {}
}

impl Default for RecvBatch {}

impl std::fmt::Debug for RecvBatch {}

pub struct RecvBlock {
    _private: _,
}

impl RecvBlock {
    pub const fn new() -> Self {}
    pub fn unread(&self) -> &[u8] {}
    pub fn len(&self) -> usize {}
    pub fn is_empty(&self) -> bool {}
    pub fn capacity(&self) -> usize {}
    pub fn spare(&self) -> usize {}
    pub fn take(&mut self, range: Range<usize>) -> Message {}
    pub fn consume(&mut self, bytes: usize) {}
    pub fn rewind(&mut self) -> bool {}
    pub fn resize(&mut self, capacity: usize) -> io::Result<()> {}
    pub fn reserve(&mut self, room: usize) -> io::Result<()> {}
    pub fn kept_by_thread() -> usize {}
    pub fn free_kept_by_thread() {}
    pub fn is_alone(&self) -> bool {}
    pub fn shrink(&mut self) -> io::Result<()> {}
}

impl Default for RecvBlock {}

impl Drop for RecvBlock {}

impl fmt::Debug for RecvBlock {}

unsafe impl BufMut for RecvBlock {}

unsafe impl Send for RecvBlock {}

unsafe impl Sync for RecvBlock {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    Paired,
    Client,
    Accepted,
}

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(_);

impl Scope {
    pub const MAX: usize = 15;
    pub fn new(scope: &str) -> Result<Self, EndpointFault> {}
    pub fn from_index(index: u32) -> Option<Self> {}
    pub fn index(&self) -> Option<u32> {}
    pub fn as_str(&self) -> &str {}
}

impl fmt::Debug for Scope {}

impl fmt::Display for Scope {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shutdown {
    Read,
    Write,
    Both,
}

#[derive(Debug)]
pub struct Socket {
    _private: _,
}

impl Socket {
    pub fn adopt(descriptor: OwnedFd) -> Result<Self, ConvertError<OwnedFd>> {}
    pub fn adopt_listener(
        descriptor: OwnedFd,
        options: &Options,
    ) -> Result<Self, ConvertError<OwnedFd>> {}
    pub fn adopt_connected(
        descriptor: OwnedFd,
        options: &Options,
    ) -> Result<Self, ConvertError<OwnedFd>> {}
    pub fn is_listening(&self) -> io::Result<bool> {}
}

impl Socket {
    pub fn asked(&self) -> Ancillary {}
    pub fn ask(&self, what: Ancillary, on: bool) -> io::Result<()> {}
    pub fn set_pass_descriptors(&self, on: bool) -> io::Result<bool> {}
    pub fn set_pass_credentials(&self, on: bool) -> io::Result<()> {}
    pub fn set_receive_destination(&self, on: bool) -> io::Result<()> {}
    pub fn set_receive_traffic_class(&self, on: bool) -> io::Result<()> {}
    pub fn set_receive_hop_limit(&self, on: bool) -> io::Result<()> {}
    pub fn set_receive_timestamp(&self, on: bool) -> io::Result<()> {}
    pub fn set_receive_drops(&self, on: bool) -> io::Result<()> {}
}

impl Socket {
    pub fn bind_client(&self, addr: &Addr) -> io::Result<()> {}
}

impl Socket {
    pub fn inherit_listener(endpoint: &Endpoint, options: &Options) -> io::Result<Self> {}
    pub fn inherit_connected(
        endpoint: &Endpoint,
        options: &Options,
    ) -> io::Result<Self> {}
}

impl Socket {
    pub fn join_group(&self, group: &Group) -> io::Result<()> {}
    pub fn leave_group(&self, group: &Group) -> io::Result<()> {}
}

impl Socket {
    pub fn open(cell: Cell) -> io::Result<Self> {}
    pub fn open_as(domain: Domain, protocol: impl Into<Protocol>) -> io::Result<Self> {}
    pub fn pair(kind: Type) -> io::Result<(Self, Self)> {}
    pub fn cell(&self) -> Cell {}
    pub fn bind(&self, addr: &Addr) -> io::Result<()> {}
    pub fn listen(&self, backlog: i32) -> io::Result<()> {}
    pub fn connect(&self, addr: &Addr) -> io::Result<()> {}
    pub fn accept(&self) -> io::Result<(Self, Addr)> {}
    pub fn local_addr(&self) -> io::Result<Addr> {}
    pub fn peer_addr(&self) -> io::Result<Addr> {}
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {}
    pub fn abort(&self) -> io::Result<()> {}
    pub fn peer_credentials(&self) -> io::Result<Credentials> {}
    pub fn try_clone(&self) -> io::Result<Self> {}
}

impl Socket {
    pub fn protocol(&self) -> io::Result<Protocol> {}
    pub fn is_multipath(&self) -> io::Result<bool> {}
}

impl Socket {
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {}
    pub fn recv_buffer(&self, buffer: &mut impl BufMut) -> io::Result<usize> {}
    pub fn recv_chunk(&self, buffer: &mut impl BufMut) -> io::Result<Chunk> {}
    pub fn recv_chunk_passed(
        &self,
        buffer: &mut impl BufMut,
        passed: &mut Passed,
    ) -> io::Result<Chunk> {}
    pub fn recv_message(&self, buffer: &mut [u8]) -> io::Result<Received> {}
    pub fn set_receive_offload(&self, on: bool) -> io::Result<()> {}
}

impl Socket {
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {}
    pub fn send_message(
        &self,
        slices: &[IoSlice<'_>],
        with: &Outgoing<'_>,
    ) -> io::Result<usize> {}
    pub fn send_batch<'a>(
        &self,
        packets: impl Iterator<Item = &'a [u8]>,
        with: &Outgoing<'_>,
    ) -> io::Result<usize> {}
    pub fn send_buffer_size(&self) -> io::Result<usize> {}
    pub fn path_mtu(&self) -> io::Result<usize> {}
}

impl Socket {
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {}
    pub fn recv_error(&self) -> io::Result<Option<QueuedError>> {}
    pub fn set_receive_errors(&self, on: bool) -> io::Result<()> {}
}

impl Socket {
    pub fn unsent_bytes(&self) -> io::Result<usize> {}
    pub fn unread_bytes(&self) -> io::Result<usize> {}
    pub fn kernel_drops(&self) -> io::Result<u32> {}
    pub fn tcp_info(&self) -> io::Result<TcpInfo> {}
    pub fn peer_groups(&self) -> io::Result<Vec<u32>> {}
}

impl AsFd for Socket {}

impl AsRawFd for Socket {}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support(_);

impl Support {
    pub fn get(&self, cell: Cell) -> Result<(), &UnsupportedCell> {}
    pub fn iter(&self) -> impl Iterator<Item = (Cell, Result<(), &UnsupportedCell>)> {}
}

impl fmt::Display for Support {}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TcpInfo {
    pub state: TcpState,
    pub retransmits: u8,
    pub probes: u8,
    pub backoff: u8,
    pub rto: Duration,
    pub rtt: Duration,
    pub rttvar: Duration,
    pub min_rtt: Option<Duration>,
    pub rcv_rtt: Duration,
    pub snd_mss: u32,
    pub rcv_mss: u32,
    pub advmss: u32,
    pub pmtu: u32,
    pub snd_cwnd: u32,
    pub snd_ssthresh: u32,
    pub unacked: u32,
    pub sacked: u32,
    pub lost: u32,
    pub retrans: u32,
    pub total_retrans: u32,
    pub reordering: u32,
    pub last_data_sent: Duration,
    pub last_data_recv: Duration,
    pub last_ack_recv: Duration,
    pub rcv_ssthresh: u32,
    pub rcv_space: u32,
    pub pacing_rate: Option<u64>,
    pub max_pacing_rate: Option<u64>,
    pub bytes_acked: Option<u64>,
    pub bytes_received: Option<u64>,
    pub segs_out: Option<u32>,
    pub segs_in: Option<u32>,
    pub notsent_bytes: Option<u32>,
    pub data_segs_in: Option<u32>,
    pub data_segs_out: Option<u32>,
    pub delivery_rate: Option<u64>,
    pub delivery_rate_app_limited: bool,
    pub busy_time: Option<Duration>,
    pub rwnd_limited: Option<Duration>,
    pub sndbuf_limited: Option<Duration>,
    pub delivered: Option<u32>,
    pub delivered_ce: Option<u32>,
    pub bytes_sent: Option<u64>,
    pub bytes_retrans: Option<u64>,
    pub dsack_dups: Option<u32>,
    pub reord_seen: Option<u32>,
    pub rcv_ooopack: Option<u32>,
    pub snd_wnd: Option<u32>,
    pub rcv_wnd: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TcpState {
    Established,
    SynSent,
    SynReceived,
    FinWait1,
    FinWait2,
    TimeWait,
    Close,
    CloseWait,
    LastAck,
    Listen,
    Closing,
    Other(u8),
}

impl TcpState {
    pub fn peer_has_ended(self) -> bool {}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    Stream,
    Datagram,
    SeqPacket,
}

impl Type {
    pub const ALL: [Self; 3] = [Self::Stream, Self::Datagram, Self::SeqPacket];
    pub const fn keeps_boundaries(self) -> bool {}
    pub const fn is_connection_oriented(self) -> bool {}
}

impl fmt::Display for Type {}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UnixAddr {
    Path(UnixPath),
    Abstract(AbstractName),
    Unnamed,
}

impl UnixAddr {
    pub fn path(path: impl AsRef<Path>) -> Result<Self, UnixAddrError> {}
    pub fn abstract_name(name: impl AsRef<[u8]>) -> Result<Self, UnixAddrError> {}
    pub fn as_path(&self) -> Option<&Path> {}
}

impl fmt::Display for UnixAddr {}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnixAddrError {
    Nul { path: String, offset: usize },
    TooLong { what: &'static str, length: usize, limit: usize },
    Empty { what: &'static str },
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UnixPath(_);

impl UnixPath {
    pub const MAX: usize = 108;
    pub fn new(path: impl AsRef<Path>) -> Result<Self, UnixAddrError> {}
    pub fn as_path(&self) -> &Path {}
    pub fn as_bytes(&self) -> &[u8] {}
}

impl fmt::Debug for UnixPath {}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct UnknownInterface {
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnsupportedCell {
    _private: _,
}

impl UnsupportedCell {
    pub fn new(cell: Cell, why: impl Into<String>) -> Self {}
    pub fn cell(&self) -> Cell {}
    pub fn why(&self) -> &str {}
}

pub fn inherited_names() -> io::Result<Vec<String>> {}

pub fn probe() -> Support {}

crate::set::set!(Ancillary);

crate::set::set!(Guarantees);

macro_rules! set {
    ($set:ident) => {
        impl $set { pub const NONE : Self = Self(0); pub const fn with(self, other :
        Self) -> Self {} pub const fn without(self, other : Self) -> Self {} pub const fn
        contains(self, other : Self) -> bool {} pub const fn is_empty(self) -> bool {}
        pub fn iter(self) -> impl Iterator < Item = (Self, &'static str) > {} } impl
        std::ops::BitOr for $set { type Output = Self; fn bitor(self, other : Self) ->
        Self {} } impl std::ops::Sub for $set { type Output = Self; fn sub(self, other :
        Self) -> Self {} } impl std::fmt::Display for $set { fn fmt(& self, f : & mut
        std::fmt::Formatter <'_ >) -> std::fmt::Result {} } impl std::fmt::Debug for $set
        { fn fmt(& self, f : & mut std::fmt::Formatter <'_ >) -> std::fmt::Result {} }
    };
}

