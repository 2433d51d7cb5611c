// The public API of anysock-framing, written by tests/api. Not compiled.
// `_` is what is not public; bodies are empty.

// Paths:
// anysock_framing::Accept
// anysock_framing::AcceptExt
// anysock_framing::Accepting
// anysock_framing::Ancillary = anysock_core::Ancillary
// anysock_framing::AnyCodec
// anysock_framing::Arrival = anysock_core::Arrival
// anysock_framing::AsPayload
// anysock_framing::Attached = anysock_core::Attached
// anysock_framing::AutoFlush
// anysock_framing::BoxTransport
// anysock_framing::ByteRecv
// anysock_framing::ByteSend
// anysock_framing::ByteStream
// anysock_framing::Calls = anysock_async::Calls
// anysock_framing::Close
// anysock_framing::Closed = anysock_async::Closed
// anysock_framing::Cobs
// anysock_framing::Codec
// anysock_framing::Coded # [cfg (feature = "tokio-util")]
// anysock_framing::CodedError # [cfg (feature = "tokio-util")]
// anysock_framing::ContentLength
// anysock_framing::Deadlines
// anysock_framing::Decode
// anysock_framing::Decoded
// anysock_framing::Delimited
// anysock_framing::Departure = anysock_async::Departure
// anysock_framing::EmptyDelimiter
// anysock_framing::Encode
// anysock_framing::Error
// anysock_framing::ErrorKind
// anysock_framing::Fault
// anysock_framing::Feed
// anysock_framing::Fixed
// anysock_framing::Flush
// anysock_framing::FrameEnd
// anysock_framing::FrameWriter
// anysock_framing::Framed
// anysock_framing::FramedRecv
// anysock_framing::FramedSend
// anysock_framing::Guaranteed
// anysock_framing::Guarantees = anysock_core::Guarantees
// anysock_framing::Halves
// anysock_framing::Idle
// anysock_framing::Inbox = anysock_async::Inbox
// anysock_framing::Io
// anysock_framing::IoHalf
// anysock_framing::Json # [cfg (feature = "serde")]
// anysock_framing::LengthDelimited
// anysock_framing::Limited
// anysock_framing::Limits
// anysock_framing::MaxLength
// anysock_framing::Message = anysock_core::Message
// anysock_framing::MessageSink
// anysock_framing::MessageStream
// anysock_framing::Netstring
// anysock_framing::OctetCounted
// anysock_framing::Outbox = anysock_core::Outbox
// anysock_framing::Owned
// anysock_framing::Packet = anysock_async::Packet
// anysock_framing::PacketRecv
// anysock_framing::PacketSend
// anysock_framing::PacketSocket
// anysock_framing::Packets
// anysock_framing::PacketsRecv
// anysock_framing::PacketsSend
// anysock_framing::Passed = anysock_core::Passed
// anysock_framing::Payload
// anysock_framing::Postcard # [cfg (feature = "serde")]
// anysock_framing::Protobuf # [cfg (feature = "prost")]
// anysock_framing::Quota
// anysock_framing::Rate
// anysock_framing::Ready
// anysock_framing::Recv
// anysock_framing::RecvBlock = anysock_core::RecvBlock
// anysock_framing::RecvExt
// anysock_framing::RecvHalf
// anysock_framing::RecvMany
// anysock_framing::Resync
// anysock_framing::Role = anysock_core::Role
// anysock_framing::Send
// anysock_framing::SendExt
// anysock_framing::SendHalf
// anysock_framing::Slip
// anysock_framing::SocketRef = anysock_async::SocketRef
// anysock_framing::Stats
// anysock_framing::Stuffing
// anysock_framing::Transport
// anysock_framing::TrySendError
// anysock_framing::Typed
// anysock_framing::Unframed
// anysock_framing::UnknownCodec
// anysock_framing::Varint
// anysock_framing::Whole
// anysock_framing::Width
// anysock_framing::encode_frame
// anysock_framing::memory
// anysock_framing::memory::Memory
// anysock_framing::memory::MemoryRecv
// anysock_framing::memory::MemorySend
// anysock_framing::memory::Options
// anysock_framing::memory::pair

// Items:

impl<const N: usize> AsPayload for &[u8; N] {}

impl AsPayload for &[u8] {}

impl AsPayload for &str {}

pub trait Accept {
    type Transport: Transport;
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Transport, Error>>;
}

pub trait AcceptExt: Accept {
    fn accept(&mut self) -> Accepting<'_, Self> {}
}

#[derive(Clone, Debug)]
pub struct AnyCodec(_);

impl AnyCodec {
    pub fn custom(codec: impl Codec + Clone + Send + Sync + 'static) -> Self {}
    #[must_use]
    pub fn with_max(self, bytes: usize) -> Self {}
}

impl Codec for AnyCodec {}

impl Default for AnyCodec {}

impl From<Resync<AnyCodec>> for AnyCodec {}

impl FromStr for AnyCodec {
    type Err = UnknownCodec;
}

impl TryFrom<&str> for AnyCodec {
    type Error = UnknownCodec;
}

impl fmt::Display for AnyCodec {}

pub trait AsPayload {
    fn as_payload(&mut self) -> Payload<'_>;
}

#[derive(Debug)]
pub struct AutoFlush<S> {
    _private: _,
}

impl<S: SendHalf + Send + 'static> AutoFlush<S> {
    pub fn new(half: S) -> Self {}
}

impl<S: Guaranteed> Guaranteed for AutoFlush<S> {}

impl<S: SendHalf> SendHalf for AutoFlush<S> {}

impl<S> Drop for AutoFlush<S> {}

impl<A: Accept + ?Sized> Accept for Box<A> {
    type Transport = A::Transport;
}

impl<T: Transport + ?Sized> Transport for Box<T> {}

pub type BoxTransport = Box<dyn Transport + Send>;

pub trait ByteRecv {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<Result<usize>>;
    fn poll_recv_passed(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
        passed: &mut Passed,
    ) -> Poll<Result<usize>> {}
    fn closed(&self) -> Result<Closed> {}
    fn receive_calls(&self) -> Calls {}
    fn socket_ref(&self) -> Option<SocketRef<'_>> {}
}

pub trait ByteSend {
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>>;
    fn carries(&self) -> Ancillary {}
    fn poll_send_passing(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        descriptors: &[OwnedFd],
    ) -> Poll<Result<usize>> {}
    fn refuses(&self, error: &Error) -> bool {}
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>>;
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>>;
    fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<Result<usize>>;
    fn closed(&self) -> Result<Closed> {}
    fn send_calls(&self) -> Calls {}
    fn socket_ref(&self) -> Option<SocketRef<'_>> {}
    fn abort(&mut self) -> Result<()> {}
}

pub trait ByteStream: ByteRecv + ByteSend {
    type Recv: ByteRecv + Send + 'static;
    type Send: ByteSend + Send + 'static;
    fn split(self) -> (Self::Recv, Self::Send);
}

#[derive(Debug)]
pub struct Cobs {
    _private: _,
}

impl Cobs {
    pub const fn new() -> Self {}
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {}
}

impl Clone for Cobs {}

impl Codec for Cobs {}

impl Default for Cobs {}

impl fmt::Display for Cobs {}

pub trait Codec: fmt::Debug {
    fn max_message(&self) -> usize;
    fn keeps_boundaries(&self) -> bool {}
    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error>;
    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error>;
    fn decode_end(&mut self, input: &[u8]) -> Result<Decoded, Error> {}
    fn find_end(&mut self, input: &[u8]) -> FrameEnd {}
    fn is_in_step(&self) -> bool {}
}

#[derive(Debug)]
pub struct Coded<T, C> {
    _private: _,
}

impl<T, C> Coded<T, C> {
    pub fn new(transport: T, codec: C) -> Self
    where
        C: Clone,
    {}
    #[must_use]
    pub fn max(mut self, bytes: usize) -> Self {}
    pub fn get_ref(&self) -> &T {}
    pub fn codec(&self) -> &C {}
    pub fn into_parts(self) -> (T, C, BytesMut) {}
}

impl<T: RecvHalf, C: Decoder + Clone> Coded<T, C> {
    pub async fn recv(&mut self) -> Received<C> {}
}

impl<T: SendHalf, C> Coded<T, C> {
    pub async fn send<I>(&mut self, item: I) -> Result<(), CodedError<C::Error>>
    where
        C: Encoder<I>,
    {}
    pub async fn feed<I>(&mut self, item: I) -> Result<(), CodedError<C::Error>>
    where
        C: Encoder<I>,
    {}
    pub async fn flush(&mut self) -> Result<(), Error> {}
    pub async fn close(&mut self) -> Result<(), Error> {}
}

impl<T, C> Unpin for Coded<T, C> {}

impl<T: RecvHalf, C: Decoder + Clone> Stream for Coded<T, C> {
    type Item = Result<C::Item, CodedError<C::Error>>;
}

impl<T: SendHalf, C: Encoder<I>, I> Sink<I> for Coded<T, C> {
    type Error = CodedError<C::Error>;
}

#[derive(Debug, thiserror::Error)]
pub enum CodedError<E> {
    Transport(#[from] Error),
    Codec(E),
}

#[derive(Debug)]
pub struct ContentLength {
    _private: _,
}

impl ContentLength {
    pub const fn new() -> Self {}
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {}
    #[must_use]
    pub const fn max_headers(mut self, bytes: usize) -> Self {}
}

impl Clone for ContentLength {}

impl Codec for ContentLength {}

impl Default for ContentLength {}

impl fmt::Display for ContentLength {}

impl PacketSocket for DatagramPeer {
    type Recv = PeerRecv;
    type Send = PeerSend;
}

impl PacketSocket for DatagramSocket {
    type Recv = DatagramRecv;
    type Send = DatagramSend;
}

#[derive(Debug)]
pub struct Deadlines<T> {
    _private: _,
}

impl<T> Deadlines<T> {
    pub fn new(transport: T) -> Self {}
    #[must_use]
    pub fn read(mut self, longest: Duration) -> Self {}
    #[must_use]
    pub fn write(mut self, longest: Duration) -> Self {}
    pub fn get_ref(&self) -> &T {}
    pub fn into_inner(self) -> T {}
}

impl<T: RecvHalf> RecvHalf for Deadlines<T> {}

impl<T: SendHalf> SendHalf for Deadlines<T> {}

impl<T: Transport + Send + 'static> Transport for Deadlines<T> {}

pub trait Decode<M> {
    fn name(&self) -> &'static str;
    fn decode(&self, bytes: &[u8]) -> Result<M, Reason>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    Frame { payload: Range<usize>, consumed: usize },
    Made { message: Bytes, consumed: usize },
    Skip { consumed: usize },
    Discard { consumed: usize, begins: bool },
    More { total: usize },
}

impl Decoded {
    pub fn frame(payload: Range<usize>, available: usize) -> Self {}
}

#[derive(Debug)]
pub struct Delimited {
    _private: _,
}

impl Delimited {
    pub fn new(delimiter: impl AsRef<[u8]>) -> Result<Self, EmptyDelimiter> {}
    pub fn lines() -> Self {}
    pub fn crlf() -> Self {}
    pub fn nul() -> Self {}
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {}
    #[must_use]
    pub const fn unterminated(mut self, accepted: bool) -> Self {}
    pub fn delimiter(&self) -> &[u8] {}
}

impl Clone for Delimited {}

impl Codec for Delimited {}

impl fmt::Display for Delimited {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub struct EmptyDelimiter;

pub trait Encode<M> {
    fn name(&self) -> &'static str;
    fn encode(&self, value: &M, into: &mut BytesMut) -> Result<(), Reason>;
}

pub struct Error(_);

impl Error {
    pub fn kind(&self) -> &ErrorKind {}
    pub fn into_kind(self) -> ErrorKind {}
    pub fn is_fatal(&self) -> bool {}
    pub fn find<T: std::error::Error + 'static>(&self) -> Option<&T> {}
    pub fn io_kind(&self) -> Option<io::ErrorKind> {}
}

impl From<Error> for io::Error {}

impl From<ErrorKind> for Error {}

impl From<io::Error> for Error {}

impl fmt::Debug for Error {}

impl fmt::Display for Error {}

impl std::error::Error for Error {}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    TooLong { length: usize, limit: usize },
    Unrepresentable { codec: &'static str, why: String },
    Unwritable {
        format: &'static str,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    Unreadable {
        format: &'static str,
        length: usize,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    NotAttachable { what: &'static str, cell: Option<Cell> },
    NotReady,
    Closed,
    Refused(io::Error),
    Dropped { length: usize, source: io::Error },
    Truncated { length: usize, limit: usize },
    DescriptorsLost { length: usize, taken: usize },
    TooManyDescriptors { count: usize, limit: usize },
    Oversize { length: u64, limit: usize },
    Malformed { codec: &'static str, why: String },
    CutOff { held: usize },
    Deadline { waiting_for: &'static str, after: Duration },
    Idle { after: Duration },
    Unmet { missing: Guarantees, given: Guarantees },
    Reconnected {
        connection: u64,
        attempts: u32,
        sent: u64,
        unflushed: u64,
        cause: Option<Arc<Error>>,
    },
    Io(#[from] io::Error),
    OutOfMemory { length: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Earlier,
    Packet,
    Connection,
}

#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Feed<'a, T: ?Sized, M> {
    _private: _,
}

impl<T: ?Sized, M> Unpin for Feed<'_, T, M> {}

impl<T: SendHalf + ?Sized, M: AsPayload> Future for Feed<'_, T, M> {
    type Output = Result<(), Error>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fixed {
    _private: _,
}

impl Fixed {
    pub const fn new(size: NonZeroUsize) -> Self {}
    pub const fn size(&self) -> usize {}
}

impl Codec for Fixed {}

impl fmt::Display for Fixed {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameEnd {
    Unknown,
    At(u64),
    Beyond(usize),
}

#[derive(Debug)]
pub struct FrameWriter<'a> {
    _private: _,
}

impl FrameWriter<'_> {
    pub fn payload_len(&self) -> usize {}
    pub fn payload_slice(&self) -> &[u8] {}
    pub fn put(&mut self, bytes: &[u8]) {}
    pub fn stuffing(&mut self) -> (&[u8], Stuffing<'_>) {}
    pub fn payload(&mut self) {}
}

#[derive(Debug)]
pub struct Framed<S, C> {
    _private: _,
}

impl<S, C> Framed<S, C> {
    pub fn stream(&self) -> &S {}
    pub fn codec(&self) -> &C
    where
        C: Codec,
    {}
    pub fn into_stream(self) -> Result<S, ConvertError<Self>>
    where
        C: Codec,
    {}
}

impl<S: ByteStream, C: Codec + Clone> Framed<S, C> {
    pub fn new(stream: S, codec: C) -> Self {}
    pub fn split(self) -> (FramedSend<S::Send, C>, FramedRecv<S::Recv, C>) {}
}

impl<S, C> Transport for Framed<S, C>
where
    S: ByteStream,
    C: Codec + Clone + Send + 'static,
{}

impl<S: ByteStream, C: Codec> Guaranteed for Framed<S, C> {}

impl<S: ByteStream, C: Codec> RecvHalf for Framed<S, C> {}

impl<S: ByteStream, C: Codec> SendHalf for Framed<S, C> {}

#[derive(Debug)]
pub struct FramedRecv<R, C> {
    _private: _,
}

impl<R: ByteRecv, C: Codec> Guaranteed for FramedRecv<R, C> {}

impl<R: ByteRecv, C: Codec> RecvHalf for FramedRecv<R, C> {}

#[derive(Debug)]
pub struct FramedSend<W, C> {
    _private: _,
}

impl<W: ByteSend, C: Codec> Guaranteed for FramedSend<W, C> {}

impl<W: ByteSend, C: Codec> SendHalf for FramedSend<W, C> {}

pub trait Guaranteed {
    fn guarantees(&self) -> Guarantees;
    fn stats(&self) -> Stats;
    fn closed(&self) -> io::Result<Closed> {}
    fn socket_ref(&self) -> Option<SocketRef<'_>> {}
    fn require(&self, required: Guarantees) -> Result<(), Error> {}
}

pub type Halves = (Box<dyn SendHalf + Send>, Box<dyn RecvHalf + Send>);

#[derive(Debug)]
pub struct Idle<T> {
    _private: _,
}

impl<T> Idle<T> {
    pub fn new(transport: T, after: Duration) -> Self {}
    pub fn get_ref(&self) -> &T {}
    pub fn into_inner(self) -> T {}
}

impl<T: RecvHalf> RecvHalf for Idle<T> {}

impl<T: SendHalf> SendHalf for Idle<T> {}

impl<T: Transport + Send + 'static> Transport for Idle<T> {}

#[derive(Debug)]
pub struct Io<T>(_);

impl<T> Io<T> {
    pub fn new(io: T) -> Self {}
    pub fn get_ref(&self) -> &T {}
    pub fn into_inner(self) -> T {}
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> ByteStream for Io<T> {
    type Recv = IoHalf<T>;
    type Send = IoHalf<T>;
}

impl<T: AsyncRead + AsyncWrite + Unpin> ByteSend for Io<T> {}

impl<T: AsyncRead + Unpin> ByteRecv for Io<T> {}

#[derive(Debug)]
pub struct IoHalf<T>(_);

impl<T: AsyncRead + AsyncWrite + Unpin> ByteSend for IoHalf<T> {}

impl<T: AsyncRead + Unpin> ByteRecv for IoHalf<T> {}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json;

impl<M: DeserializeOwned> Decode<M> for Json {}

impl<M: Serialize> Encode<M> for Json {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LengthDelimited {
    _private: _,
}

impl LengthDelimited {
    pub const fn new(width: Width) -> Self {}
    pub const fn u8() -> Self {}
    pub const fn u16() -> Self {}
    pub const fn u24() -> Self {}
    pub const fn u32() -> Self {}
    pub const fn u64() -> Self {}
    pub const fn varint() -> Varint {}
    #[must_use]
    pub const fn little_endian(mut self) -> Self {}
    #[must_use]
    pub const fn including_header(mut self) -> Self {}
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {}
    pub const fn width(&self) -> Width {}
}

impl Codec for LengthDelimited {}

impl Default for LengthDelimited {}

impl fmt::Display for LengthDelimited {}

pub type Limited<T> = Rate<Idle<Deadlines<MaxLength<T>>>>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    _private: _,
}

impl Limits {
    #[must_use]
    pub const fn idle(mut self, after: Duration) -> Self {}
    #[must_use]
    pub const fn read_deadline(mut self, longest: Duration) -> Self {}
    #[must_use]
    pub const fn write_deadline(mut self, longest: Duration) -> Self {}
    #[must_use]
    pub const fn rate(mut self, quota: Quota) -> Self {}
    #[must_use]
    pub const fn send_rate(mut self, quota: Quota) -> Self {}
    #[must_use]
    pub const fn max_message(mut self, bytes: usize) -> Self {}
    pub fn is_empty(&self) -> bool {}
    pub fn wrap<T: Transport + Send + 'static>(&self, transport: T) -> Limited<T> {}
}

#[derive(Debug)]
pub struct MaxLength<T> {
    _private: _,
}

impl<T> MaxLength<T> {
    pub fn new(transport: T) -> Self
    where
        T: Transport,
    {}
    pub fn of_half(half: T) -> Self {}
    #[must_use]
    pub fn sent(mut self, bytes: usize) -> Self {}
    #[must_use]
    pub fn received(mut self, bytes: usize) -> Self {}
    pub fn get_ref(&self) -> &T {}
    pub fn into_inner(self) -> T {}
}

impl<T: Guaranteed> Guaranteed for MaxLength<T> {}

impl<T: RecvHalf> RecvHalf for MaxLength<T> {}

impl<T: SendHalf> SendHalf for MaxLength<T> {}

impl<T: Transport + Send + 'static> Transport for MaxLength<T> {}

#[derive(Debug)]
pub struct Memory {
    _private: _,
}

impl Memory {
    pub fn split(self) -> (MemorySend, MemoryRecv) {}
    pub fn reset(self) {}
}

impl Guaranteed for Memory {}

impl RecvHalf for Memory {}

impl SendHalf for Memory {}

impl Transport for Memory {}

#[derive(Debug)]
pub struct MemoryRecv {
    _private: _,
}

impl Drop for MemoryRecv {}

impl Guaranteed for MemoryRecv {}

impl RecvHalf for MemoryRecv {}

#[derive(Debug)]
pub struct MemorySend {
    _private: _,
}

impl MemorySend {
    pub fn reset(self) {}
}

impl Drop for MemorySend {}

impl Guaranteed for MemorySend {}

impl SendHalf for MemorySend {}

#[derive(Debug)]
#[must_use = "sinks do nothing unless polled"]
pub struct MessageSink<T, M> {
    _private: _,
}

impl<T, M> MessageSink<T, M> {
    pub fn get_ref(&self) -> &T {}
    pub fn get_mut(&mut self) -> &mut T {}
    pub fn into_inner(self) -> T {}
}

impl<T, M> Unpin for MessageSink<T, M> {}

impl<T: SendHalf, M: AsPayload> Sink<M> for MessageSink<T, M> {
    type Error = Error;
}

#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct MessageStream<T> {
    _private: _,
}

impl<T> MessageStream<T> {
    pub fn get_ref(&self) -> &T {}
    pub fn get_mut(&mut self) -> &mut T {}
    pub fn into_inner(self) -> T {}
}

impl<T: RecvHalf> FusedStream for MessageStream<T> {}

impl<T: RecvHalf> Stream for MessageStream<T> {
    type Item = Result<Message, Error>;
}

impl<T> Unpin for MessageStream<T> {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Netstring {
    _private: _,
}

impl Netstring {
    pub const fn new() -> Self {}
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {}
}

impl Codec for Netstring {}

impl Default for Netstring {}

impl fmt::Display for Netstring {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OctetCounted {
    _private: _,
}

impl OctetCounted {
    pub const fn new() -> Self {}
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {}
}

impl Codec for OctetCounted {}

impl Default for OctetCounted {}

impl fmt::Display for OctetCounted {}

#[derive(Clone, Debug)]
pub struct Options {
    _private: _,
}

impl Options {
    #[must_use]
    pub const fn max_message(mut self, bytes: usize) -> Self {}
    #[must_use]
    pub const fn max_received(mut self, bytes: usize) -> Self {}
    #[must_use]
    pub const fn watermark(mut self, bytes: usize) -> Self {}
    #[must_use]
    pub const fn max_queued(mut self, messages: usize) -> Self {}
    #[must_use]
    pub const fn close_deadline(mut self, after: Duration) -> Self {}
    #[must_use]
    pub const fn guarantees(mut self, at_most: Guarantees) -> Self {}
    pub fn pair(self) -> (Memory, Memory) {}
}

impl Default for Options {}

pub trait Owned: std::fmt::Debug + Send {
    fn as_slice(&self) -> &[u8];
    fn take_bytes(&mut self) -> Bytes;
}

pub trait PacketRecv {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Option<Packet>>>;
    fn poll_recv_batch(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        count: usize,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {}
    fn survives(&self, error: &io::Error) -> bool;
    fn held(&self) -> usize {}
    fn dropped(&self) -> u64 {}
    fn closed(&self) -> io::Result<Closed> {}
    fn receive_calls(&self) -> Calls {}
    fn socket_ref(&self) -> Option<SocketRef<'_>> {}
}

pub trait PacketSend {
    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &[u8]) -> Poll<io::Result<()>>;
    fn poll_send_batch(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &Outbox,
    ) -> Poll<io::Result<usize>> {}
    fn attaches(&self) -> Option<Cell> {}
    fn fault(&self, error: &io::Error) -> Fault;
    fn max_packet(&self) -> usize;
    fn shutdown(&mut self) -> io::Result<bool>;
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Packet>>>;
    fn closed(&self) -> io::Result<Closed> {}
    fn send_calls(&self) -> Calls {}
    fn socket_ref(&self) -> Option<SocketRef<'_>> {}
}

pub trait PacketSocket: PacketRecv + PacketSend {
    type Recv: PacketRecv + Send + 'static;
    type Send: PacketSend + Send + 'static;
    fn guarantees(&self) -> Guarantees;
    fn split(self) -> (Self::Recv, Self::Send);
}

#[derive(Debug)]
pub struct Packets<P> {
    _private: _,
}

impl Packets<DatagramSocket> {
    pub fn paired(socket: DatagramSocket) -> Self {}
}

impl<P: PacketSocket> Packets<P> {
    pub const DEFAULT_MAX: usize = 64 * 1024;
    pub fn new(socket: P) -> Self {}
    #[must_use]
    pub fn max(mut self, most: usize) -> Self {}
    pub fn split(self) -> (PacketsSend<P::Send>, PacketsRecv<P::Recv>) {}
    pub fn socket(&self) -> &P {}
}

impl<P: PacketSocket> Guaranteed for Packets<P> {}

impl<P: PacketSocket> RecvHalf for Packets<P> {}

impl<P: PacketSocket> SendHalf for Packets<P> {}

impl<P: PacketSocket> Transport for Packets<P> {}

#[derive(Debug)]
pub struct PacketsRecv<R> {
    _private: _,
}

impl<R: PacketRecv> Guaranteed for PacketsRecv<R> {}

impl<R: PacketRecv> RecvHalf for PacketsRecv<R> {}

#[derive(Debug)]
pub struct PacketsSend<W> {
    _private: _,
}

impl<W: PacketSend> Guaranteed for PacketsSend<W> {}

impl<W: PacketSend> SendHalf for PacketsSend<W> {}

#[derive(Debug)]
pub enum Payload<'a> {
    Slice(&'a [u8]),
    Owned(&'a mut (dyn Owned + 'static)),
}

impl Payload<'_> {
    pub fn as_slice(&self) -> &[u8] {}
    pub fn len(&self) -> usize {}
    pub fn is_empty(&self) -> bool {}
    pub fn into_bytes(self) -> Bytes {}
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Postcard;

impl<M: DeserializeOwned> Decode<M> for Postcard {}

impl<M: Serialize> Encode<M> for Postcard {}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protobuf;

impl<M: Message + Default> Decode<M> for Protobuf {}

impl<M: Message> Encode<M> for Protobuf {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    _private: _,
}

impl Quota {
    pub const fn messages(per_second: u64, burst: u64) -> Self {}
    pub const fn bytes(per_second: u64, burst: u64) -> Self {}
    #[must_use]
    pub const fn and_messages(mut self, per_second: u64, burst: u64) -> Self {}
    #[must_use]
    pub const fn and_bytes(mut self, per_second: u64, burst: u64) -> Self {}
}

#[derive(Debug)]
pub struct Rate<T> {
    _private: _,
}

impl<T> Rate<T> {
    pub fn new(transport: T) -> Self
    where
        T: Transport,
    {}
    pub fn of_half(half: T) -> Self {}
    #[must_use]
    pub fn received(mut self, quota: Quota) -> Self {}
    #[must_use]
    pub fn sent(mut self, quota: Quota) -> Self {}
    pub fn get_ref(&self) -> &T {}
    pub fn into_inner(self) -> T {}
}

impl<T: RecvHalf> RecvHalf for Rate<T> {}

impl<T: SendHalf> SendHalf for Rate<T> {}

impl<T: Transport + Send + 'static> Transport for Rate<T> {}

pub trait RecvExt: RecvHalf {
    fn recv(&mut self) -> Recv<'_, Self> {}
    fn recv_many<'a>(
        &'a mut self,
        messages: &'a mut Vec<Message>,
        most: usize,
    ) -> RecvMany<'a, Self> {}
    fn into_stream(self) -> MessageStream<Self>
    where
        Self: Sized,
    {}
}

pub trait RecvHalf: Guaranteed {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>>;
    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {}
}

#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct RecvMany<'a, T: ?Sized> {
    _private: _,
}

impl<T: RecvHalf + ?Sized> Future for RecvMany<'_, T> {
    type Output = Result<usize, Error>;
}

#[derive(Debug)]
pub struct Resync<C> {
    _private: _,
}

impl<C: Codec> Resync<C> {
    pub const fn new(codec: C) -> Self {}
    pub const fn codec(&self) -> &C {}
    #[must_use]
    pub fn map<D>(self, change: impl FnOnce(C) -> D) -> Resync<D> {}
}

impl<C: Clone> Clone for Resync<C> {}

impl<C: Codec> Codec for Resync<C> {}

impl<C: fmt::Display> fmt::Display for Resync<C> {}

#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Send<'a, T: ?Sized, M> {
    _private: _,
}

impl<T: ?Sized, M> Unpin for Send<'_, T, M> {}

impl<T: SendHalf + ?Sized, M: AsPayload> Future for Send<'_, T, M> {
    type Output = Result<(), Error>;
}

pub trait SendExt: SendHalf {
    fn ready(&mut self) -> Ready<'_, Self> {}
    fn send<M: AsPayload>(&mut self, message: M) -> Send<'_, Self, M> {}
    fn send_with<M: AsPayload>(
        &mut self,
        message: M,
        attached: Attached,
    ) -> Send<'_, Self, M> {}
    fn feed<M: AsPayload>(&mut self, message: M) -> Feed<'_, Self, M> {}
    fn feed_with<M: AsPayload>(
        &mut self,
        message: M,
        attached: Attached,
    ) -> Feed<'_, Self, M> {}
    fn flush(&mut self) -> Flush<'_, Self> {}
    fn close(&mut self) -> Close<'_, Self> {}
    fn try_send<M: AsPayload>(&mut self, mut message: M) -> Result<(), TrySendError<M>> {}
    fn auto_flush(self) -> AutoFlush<Self>
    where
        Self: Sized + std::marker::Send + 'static,
    {}
    fn into_sink<M: AsPayload>(self) -> MessageSink<Self, M>
    where
        Self: Sized,
    {}
}

pub trait SendHalf: Guaranteed {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;
    fn start_send(
        &mut self,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error>;
    fn poll_feed(
        &mut self,
        cx: &mut Context<'_>,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Poll<Result<(), Error>> {}
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;
    fn abort(&mut self) -> io::Result<()> {}
    fn max_message(&self) -> usize;
}

impl PacketSocket for SeqPacketSocket {
    type Recv = SeqPacketRecv;
    type Send = SeqPacketSend;
}

#[derive(Debug)]
pub struct Slip {
    _private: _,
}

impl Slip {
    pub const fn new() -> Self {}
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {}
    #[must_use]
    pub const fn leading_end(mut self, wanted: bool) -> Self {}
}

impl Clone for Slip {}

impl Codec for Slip {}

impl Default for Slip {}

impl fmt::Display for Slip {}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub sent: u64,
    pub sent_bytes: u64,
    pub received: u64,
    pub received_bytes: u64,
    pub truncated: u64,
    pub discarded: u64,
    pub discarded_bytes: u64,
    pub closed_descriptors: u64,
    pub dropped: u64,
    pub unsent: usize,
    pub most_unsent: usize,
    pub send_calls: u64,
    pub send_would_block: u64,
    pub receive_calls: u64,
    pub receive_would_block: u64,
    pub held: usize,
}

impl Stats {
    #[must_use]
    pub fn merge(self, other: Self) -> Self {}
}

impl ByteStream for StreamSocket {
    type Recv = StreamRecv;
    type Send = StreamSend;
}

#[derive(Debug)]
pub struct Stuffing<'a> {
    _private: _,
}

impl Stuffing<'_> {
    pub fn put(&mut self, bytes: &[u8]) {}
}

impl<T: Accept + ?Sized> AcceptExt for T {}

impl<T: RecvHalf + ?Sized> RecvExt for T {}

impl<T: SendHalf + ?Sized> SendExt for T {}

pub trait Transport: SendHalf + RecvHalf {
    fn split_boxed(self: Box<Self>) -> Halves;
}

#[derive(Debug, thiserror::Error)]
pub struct TrySendError<M> {
    pub message: M,
    pub error: Error,
}

pub struct Typed<T, F, S, R = S> {
    _private: _,
}

impl<T, F, S, R> Typed<T, F, S, R> {
    pub fn new(transport: T, format: F) -> Self {}
    pub fn get_ref(&self) -> &T {}
    pub fn get_mut(&mut self) -> &mut T {}
    pub fn into_inner(self) -> T {}
}

impl<T: RecvHalf, F: Decode<R>, S, R> Typed<T, F, S, R> {
    pub async fn recv(&mut self) -> Result<Option<R>, Error> {}
}

impl<T: SendHalf, F: Encode<S>, S, R> Typed<T, F, S, R> {
    pub async fn send(&mut self, value: &S) -> Result<(), Error> {}
    pub async fn feed(&mut self, value: &S) -> Result<(), Error> {}
    pub async fn flush(&mut self) -> Result<(), Error> {}
    pub async fn close(&mut self) -> Result<(), Error> {}
}

impl<T, F, S, R> Unpin for Typed<T, F, S, R> {}

impl<T: RecvHalf, F: Decode<R>, S, R> Stream for Typed<T, F, S, R> {
    type Item = Result<R, Error>;
}

impl<T: SendHalf, F: Encode<S>, S, R> Sink<S> for Typed<T, F, S, R> {
    type Error = Error;
}

impl<T: fmt::Debug, F: fmt::Debug, S, R> fmt::Debug for Typed<T, F, S, R> {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unframed {
    _private: _,
}

impl Unframed {
    pub const fn new() -> Self {}
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {}
}

impl Codec for Unframed {}

impl Default for Unframed {}

impl fmt::Display for Unframed {}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnknownCodec {
    _private: _,
}

impl UnknownCodec {
    pub fn name(&self) -> &str {}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Varint {
    _private: _,
}

impl Varint {
    pub const fn new() -> Self {}
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {}
}

impl Codec for Varint {}

impl Default for Varint {}

impl fmt::Display for Varint {}

#[derive(Clone, Debug)]
pub struct Whole(_);

impl Whole {
    pub fn new(mut buf: impl Buf) -> Self {}
}

impl AsPayload for Whole {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    U8 = 1,
    U16 = 2,
    U24 = 3,
    U32 = 4,
    U64 = 8,
}

impl Width {
    pub const fn bytes(self) -> usize {}
}

impl<const N: usize> AsPayload for [u8; N] {}

pub fn encode_frame<C: Codec + ?Sized>(
    codec: &mut C,
    mut message: impl crate::AsPayload,
) -> Result<Bytes, Error> {}

pub fn pair() -> (Memory, Memory) {}

byte_recv!(StreamRecv);

byte_recv!(StreamSocket);

macro_rules! byte_recv {
    ($socket:ident) => {
        impl ByteRecv for $socket { fn poll_recv(& mut self, cx : & mut Context <'_ >,
        block : & mut RecvBlock, most : usize,) -> Poll < io::Result < usize >> {} fn
        poll_recv_passed(& mut self, cx : & mut Context <'_ >, block : & mut RecvBlock,
        most : usize, passed : & mut Passed,) -> Poll < io::Result < usize >> {} fn
        closed(& self) -> io::Result < Closed > {} fn receive_calls(& self) -> Calls {}
        fn socket_ref(& self) -> Option < SocketRef <'_ >> {} }
    };
}

byte_send!(StreamSend, drain_alone);

byte_send!(StreamSocket, StreamSocket::poll_recv_block);

macro_rules! byte_send {
    ($socket:ident, $drain:expr) => {
        impl ByteSend for $socket { fn poll_send(& mut self, cx : & mut Context <'_ >,
        slices : & [IoSlice <'_ >],) -> Poll < io::Result < usize >> {} fn carries(&
        self) -> Ancillary {} fn poll_send_passing(& mut self, cx : & mut Context <'_ >,
        slices : & [IoSlice <'_ >], descriptors : & [OwnedFd],) -> Poll < io::Result <
        usize >> {} fn refuses(& self, error : & io::Error) -> bool {} fn poll_flush(&
        mut self, _ : & mut Context <'_ >) -> Poll < io::Result < () >> {} fn
        poll_shutdown(& mut self, cx : & mut Context <'_ >) -> Poll < io::Result < () >>
        {} fn poll_drain(& mut self, cx : & mut Context <'_ >, block : & mut RecvBlock,
        most : usize,) -> Poll < io::Result < usize >> {} fn closed(& self) -> io::Result
        < Closed > {} fn send_calls(& self) -> Calls {} fn socket_ref(& self) -> Option <
        SocketRef <'_ >> {} fn abort(& mut self) -> io::Result < () > {} }
    };
}

forward!(& mut T, Box < T >);

macro_rules! forward {
    ($($pointer:ty),*) => {
        $(impl < T : Guaranteed + ? Sized > Guaranteed for $pointer { fn guarantees(&
        self) -> Guarantees {} fn stats(& self) -> Stats {} fn closed(& self) ->
        io::Result < Closed > {} fn socket_ref(& self) -> Option < SocketRef <'_ >> {} fn
        require(& self, required : Guarantees) -> Result < (), Error > {} } impl < T :
        SendHalf + ? Sized > SendHalf for $pointer { fn poll_ready(& mut self, cx : & mut
        Context <'_ >) -> Poll < Result < (), Error >> {} fn start_send(& mut self,
        payload : Payload <'_ >, attached : & mut Attached,) -> Result < (), Error > {}
        #[inline(always)] fn poll_feed(& mut self, cx : & mut Context <'_ >, payload :
        Payload <'_ >, attached : & mut Attached,) -> Poll < Result < (), Error >> {} fn
        poll_flush(& mut self, cx : & mut Context <'_ >) -> Poll < Result < (), Error >>
        {} fn poll_close(& mut self, cx : & mut Context <'_ >) -> Poll < Result < (),
        Error >> {} fn abort(& mut self) -> io::Result < () > {} fn max_message(& self)
        -> usize {} } impl < T : RecvHalf + ? Sized > RecvHalf for $pointer { fn
        poll_recv(& mut self, cx : & mut Context <'_ >,) -> Poll < Result < Option <
        Message >, Error >> {} fn poll_recv_many(& mut self, cx : & mut Context <'_ >,
        messages : & mut Vec < Message >, most : usize,) -> Poll < Result < usize, Error
        >> {} })*
    };
}

from! {
    LengthDelimited as Length, Varint as Varint, Delimited as Delimited, Fixed as Fixed,
    Netstring as Netstring, OctetCounted as OctetCounted, ContentLength as ContentLength,
    Cobs as Cobs, Slip as Slip, Unframed as Unframed
}

macro_rules! from {
    ($($codec:ident as $kind:ident),*) => {
        $(impl From <$codec > for AnyCodec { fn from(codec : $codec) -> Self {} })*
    };
}

future! {
    Accepting : Accept, poll_accept -> T::Transport
}

future! {
    Close : SendHalf, poll_close -> ()
}

future! {
    Flush : SendHalf, poll_flush -> ()
}

future! {
    Ready : SendHalf, poll_ready -> ()
}

future! {
    Recv : RecvHalf, poll_recv -> Option < Message >
}

macro_rules! future {
    ($(#[$doc:meta])* $name:ident : $half:ident, $poll:ident -> $output:ty) => {
        $(#[$doc])* #[derive(Debug)] #[must_use = "futures do nothing unless awaited"]
        pub struct $name <'a, T : ? Sized > (&'a mut T); impl < T : $half + ? Sized >
        Future for $name <'_, T > { type Output = Result <$output, Error >;
        #[inline(always)] fn poll(mut self : Pin <& mut Self >, cx : & mut Context <'_ >)
        -> Poll < Self::Output > {} }
    };
}

guaranteed_as_within!(Deadlines);

guaranteed_as_within!(Idle);

guaranteed_as_within!(Rate);

macro_rules! guaranteed_as_within {
    ($limit:ident) => {
        impl < T : Guaranteed > Guaranteed for $limit < T > { fn guarantees(& self) ->
        Guarantees {} fn stats(& self) -> Stats {} fn closed(& self) -> std::io::Result <
        anysock_async::Closed > {} fn socket_ref(& self) -> Option <
        anysock_async::SocketRef <'_ >> {} }
    };
}

macro_rules! owned {
    ($($type:ty : $take:expr;)*) => {
        $(impl Owned for $type { #[inline] fn as_slice(& self) -> & [u8] {} fn
        take_bytes(& mut self) -> Bytes {} } impl AsPayload for $type { #[inline] fn
        as_payload(& mut self) -> Payload <'_ > {} } impl AsPayload for &$type {
        #[inline] fn as_payload(& mut self) -> Payload <'_ > {} })*
    };
}

owned! {
    Bytes : std::convert::identity; BytesMut : BytesMut::freeze; Message :
    Message::into_bytes; String : Bytes::from; Vec < u8 >: Bytes::from; Box < [u8] >:
    Bytes::from;
}

macro_rules! packet_recv {
    ($socket:ident) => {
        impl PacketRecv for $socket { fn poll_recv(& mut self, cx : & mut Context <'_ >,
        _ : usize,) -> Poll < io::Result < Option < Packet >>> {} fn poll_recv_batch(&
        mut self, cx : & mut Context <'_ >, _ : usize, count : usize, inbox : & mut
        Inbox,) -> Poll < io::Result < bool >> {} fn survives(& self, _ : & io::Error) ->
        bool {} fn held(& self) -> usize {} fn dropped(& self) -> u64 {} fn socket_ref(&
        self) -> Option < SocketRef <'_ >> {} }
    };
}

macro_rules! packet_recv {
    ($socket:ident) => {
        impl PacketRecv for $socket { fn poll_recv(& mut self, cx : & mut Context <'_ >,
        most : usize,) -> Poll < io::Result < Option < Packet >>> {} fn poll_recv_batch(&
        mut self, cx : & mut Context <'_ >, most : usize, count : usize, inbox : & mut
        Inbox,) -> Poll < io::Result < bool >> {} fn survives(& self, _ : & io::Error) ->
        bool {} fn closed(& self) -> io::Result < Closed > {} fn receive_calls(& self) ->
        Calls {} fn socket_ref(& self) -> Option < SocketRef <'_ >> {} }
    };
}

macro_rules! packet_recv {
    ($socket:ident) => {
        impl PacketRecv for $socket { fn poll_recv(& mut self, cx : & mut Context <'_ >,
        most : usize,) -> Poll < io::Result < Option < Packet >>> {} fn poll_recv_batch(&
        mut self, cx : & mut Context <'_ >, most : usize, count : usize, inbox : & mut
        Inbox,) -> Poll < io::Result < bool >> {} fn survives(& self, error : &
        io::Error) -> bool {} fn receive_calls(& self) -> Calls {} fn socket_ref(& self)
        -> Option < SocketRef <'_ >> {} }
    };
}

packet_recv!(DatagramPeer);

packet_recv!(DatagramRecv);

packet_recv!(DatagramSocket);

packet_recv!(PeerRecv);

packet_recv!(SeqPacketRecv);

packet_recv!(SeqPacketSocket);

macro_rules! packet_send {
    ($socket:ident) => {
        impl PacketSend for $socket { fn poll_send(& mut self, cx : & mut Context <'_ >,
        packet : & [u8]) -> Poll < io::Result < () >> {} fn poll_send_batch(& mut self,
        cx : & mut Context <'_ >, outbox : & Outbox,) -> Poll < io::Result < usize >> {}
        fn attaches(& self) -> Option < Cell > {} fn fault(& self, error : & io::Error)
        -> Fault {} fn max_packet(& self) -> usize {} fn shutdown(& mut self) ->
        io::Result < bool > {} fn poll_drain(& mut self, _ : & mut Context <'_ >) -> Poll
        < io::Result < Option < Packet >>> {} fn send_calls(& self) -> Calls {} fn
        socket_ref(& self) -> Option < SocketRef <'_ >> {} }
    };
}

macro_rules! packet_send {
    ($socket:ident, $shutdown:expr, $drain:expr) => {
        impl PacketSend for $socket { fn poll_send(& mut self, cx : & mut Context <'_ >,
        packet : & [u8]) -> Poll < io::Result < () >> {} fn poll_send_batch(& mut self,
        cx : & mut Context <'_ >, outbox : & Outbox,) -> Poll < io::Result < usize >> {}
        fn attaches(& self) -> Option < Cell > {} fn fault(& self, error : & io::Error)
        -> Fault {} fn max_packet(& self) -> usize {} fn shutdown(& mut self) ->
        io::Result < bool > {} fn poll_drain(& mut self, cx : & mut Context <'_ >) ->
        Poll < io::Result < Option < Packet >>> {} fn closed(& self) -> io::Result <
        Closed > {} fn send_calls(& self) -> Calls {} fn socket_ref(& self) -> Option <
        SocketRef <'_ >> {} }
    };
}

packet_send!(
    SeqPacketSocket, | socket : & SeqPacketSocket | socket.shutdown_now(Shutdown::Write),
    | socket : & mut SeqPacketSocket, cx | socket.poll_recv_packet(cx, 0)
);

packet_send!(DatagramPeer);

packet_send!(DatagramSend);

packet_send!(DatagramSocket);

packet_send!(PeerSend);

packet_send!(SeqPacketSend, SeqPacketSend::shutdown_write, drain_alone);

