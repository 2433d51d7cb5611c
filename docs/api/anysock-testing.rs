// The public API of anysock-testing, written by tests/api. Not compiled.
// `_` is what is not public; bodies are empty.

// Paths:
// anysock_testing::broken
// anysock_testing::broken::Broken
// anysock_testing::broken::BuffersAll
// anysock_testing::broken::ClaimsAll
// anysock_testing::broken::ClosesInHaste
// anysock_testing::broken::CutIsEnd
// anysock_testing::broken::Cuts
// anysock_testing::broken::DiesOfRefusal
// anysock_testing::broken::Doubles
// anysock_testing::broken::DoublesOnDrop
// anysock_testing::broken::EmptyIsEnd
// anysock_testing::broken::EndsOnce
// anysock_testing::broken::Fault
// anysock_testing::broken::Faulty
// anysock_testing::broken::FlushStopsRecv
// anysock_testing::broken::ForgetsLastFlush
// anysock_testing::broken::HangsAfterFatal
// anysock_testing::broken::HidesTruncated
// anysock_testing::broken::HoldsMaximum
// anysock_testing::broken::KeepsFirstWaker
// anysock_testing::broken::KeepsLast
// anysock_testing::broken::LaxLines
// anysock_testing::broken::Loses
// anysock_testing::broken::LosesOnDrop
// anysock_testing::broken::Merges
// anysock_testing::broken::NeverYields
// anysock_testing::broken::OneLock
// anysock_testing::broken::OneWaker
// anysock_testing::broken::RecvDoesNotFlush
// anysock_testing::broken::ReservesAnnounced
// anysock_testing::broken::ResetIsEnd
// anysock_testing::broken::SendErrorFirst
// anysock_testing::broken::SendsPart
// anysock_testing::broken::SkipsEmpty
// anysock_testing::broken::Specimen
// anysock_testing::broken::Spins
// anysock_testing::broken::Splits
// anysock_testing::broken::Swaps
// anysock_testing::broken::TakesRefused
// anysock_testing::broken::Untyped
// anysock_testing::broken::Wedges
// anysock_testing::broken::specimens
// anysock_testing::conformance
// anysock_testing::conformance::Boxed
// anysock_testing::conformance::InMemory
// anysock_testing::conformance::InPipe
// anysock_testing::conformance::Kit
// anysock_testing::conformance::Law
// anysock_testing::conformance::Note
// anysock_testing::conformance::Offer
// anysock_testing::conformance::Outcome
// anysock_testing::conformance::Raw
// anysock_testing::conformance::Report
// anysock_testing::conformance::Stop
// anysock_testing::conformance::Subject
// anysock_testing::conformance::Table
// anysock_testing::conformance::Wire
// anysock_testing::conformance::noise
// anysock_testing::conformance::text
// anysock_testing::impaired
// anysock_testing::impaired::Chopped
// anysock_testing::impaired::ChoppedRecv
// anysock_testing::impaired::ChoppedSend
// anysock_testing::impaired::Chopping
// anysock_testing::impaired::Decision
// anysock_testing::impaired::Happening
// anysock_testing::impaired::Impaired
// anysock_testing::impaired::ImpairedHandle
// anysock_testing::impaired::ImpairedRecv
// anysock_testing::impaired::ImpairedSend
// anysock_testing::impaired::Impairments
// anysock_testing::impaired::Record
// anysock_testing::impaired::Seed
// anysock_testing::impaired::SeedGuard
// anysock_testing::impaired::Spread
// anysock_testing::impaired::Trace
// anysock_testing::network
// anysock_testing::network::EnteredNetwork
// anysock_testing::network::Host
// anysock_testing::network::Network

// Items:

#[derive(Clone, Copy, Debug, Default)]
pub struct Boxed<S>(pub S);

impl<S: Subject> Subject for Boxed<S> {
    type Transport = BoxTransport;
}

#[derive(Debug)]
pub struct Broken<F> {
    _private: _,
}

impl<F: Fault> Broken<F> {
    pub fn pair() -> (Self, Self) {}
}

impl<F: Fault> Guaranteed for Broken<F> {}

impl<F: Fault> RecvHalf for Broken<F> {}

impl<F: Fault> SendHalf for Broken<F> {}

impl<F: Fault> Transport for Broken<F> {}

#[derive(Debug, Default)]
pub struct BuffersAll {
    _private: _,
}

impl Fault for BuffersAll {
    const NAME: &'static str = "buffers without a bound";
    const BREAKS: Law = Law::Bounded;
    const WORDS: &'static str = "bytes are unsent, the bound is";
}

#[derive(Debug)]
pub struct Chopped<S> {
    _private: _,
}

impl<S> Chopped<S> {
    pub fn new(inner: S, seed: Seed) -> Self {}
    #[must_use]
    pub fn sending(mut self, chopping: Chopping) -> Self {}
    #[must_use]
    pub fn receiving(mut self, chopping: Chopping) -> Self {}
    #[must_use]
    pub fn both(self, chopping: Chopping) -> Self {}
}

impl<S: ByteRecv> ByteRecv for Chopped<S> {}

impl<S: ByteStream> ByteStream for Chopped<S> {
    type Recv = ChoppedRecv<S::Recv>;
    type Send = ChoppedSend<S::Send>;
}

#[derive(Debug)]
pub struct ChoppedRecv<R>(_, _);

impl<R: ByteRecv> ByteRecv for ChoppedRecv<R> {}

#[derive(Debug)]
pub struct ChoppedSend<S>(_, _);

#[derive(Clone, Debug, PartialEq)]
pub struct Chopping {
    _private: _,
}

impl Chopping {
    pub const fn none() -> Self {}
    #[must_use]
    pub fn pieces(mut self, lengths: RangeInclusive<u64>) -> Self {}
    #[must_use]
    pub fn pending(mut self, rate: f64) -> Self {}
    #[must_use]
    pub fn delay(mut self, rate: f64, range: RangeInclusive<Duration>) -> Self {}
    #[must_use]
    pub fn cut_after(mut self, bytes: u64) -> Self {}
    #[must_use]
    pub fn reset_after(mut self, bytes: u64) -> Self {}
}

impl Default for Chopping {}

#[derive(Debug, Default)]
pub struct ClaimsAll;

impl Fault for ClaimsAll {
    const NAME: &'static str = "meets every requirement by its own word";
    const BREAKS: Law = Law::Guarantees;
    const WORDS: &'static str = "it claims to be end-of-file as well";
}

#[derive(Debug, Default)]
pub struct ClosesInHaste {
    _private: _,
}

impl Fault for ClosesInHaste {
    const NAME: &'static str = "closes before what was sent is out";
    const BREAKS: Law = Law::Guarantees;
    const WORDS: &'static str = "the end came, a message was due";
}

#[derive(Clone, Debug, Default)]
pub struct CutIsEnd(_);

impl Codec for CutIsEnd {}

#[derive(Debug, Default)]
pub struct Cuts;

impl Fault for Cuts {
    const NAME: &'static str = "cuts in silence";
    const BREAKS: Law = Law::Boundaries;
    const WORDS: &'static str = "was cut to 4096";
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Decision {
    pub lost: bool,
    pub duplicated: bool,
    pub truncated: Option<usize>,
    pub corrupted: Option<u64>,
    pub delay: Duration,
    pub held_back: Option<Duration>,
    pub stalled: Option<Duration>,
    pub partitioned: Option<Duration>,
    pub reset: bool,
}

impl Decision {
    pub fn is_plain(&self) -> bool {}
}

impl fmt::Display for Decision {}

#[derive(Debug, Default)]
pub struct DiesOfRefusal {
    _private: _,
}

impl Fault for DiesOfRefusal {
    const NAME: &'static str = "dies of a survivable error";
    const BREAKS: Law = Law::Errors;
    const WORDS: &'static str = "after the survivable";
}

#[derive(Debug, Default)]
pub struct Doubles {
    _private: _,
}

impl Fault for Doubles {
    const NAME: &'static str = "hands out every tenth message twice";
    const BREAKS: Law = Law::Guarantees;
    const WORDS: &'static str = "arrived twice or out of order";
}

#[derive(Debug, Default)]
pub struct DoublesOnDrop {
    _private: _,
}

impl Fault for DoublesOnDrop {
    const NAME: &'static str = "doubles a message when send is dropped";
    const BREAKS: Law = Law::CancelSafe;
    const WORDS: &'static str = "arrived twice or out of order";
}

#[derive(Debug, Default)]
pub struct EmptyIsEnd;

impl Fault for EmptyIsEnd {
    const NAME: &'static str = "takes an empty message for the end";
    const BREAKS: Law = Law::Empty;
    const WORDS: &'static str = "the end came, a message was due";
}

#[derive(Debug, Default)]
pub struct EndsOnce {
    _private: _,
}

impl Fault for EndsOnce {
    const NAME: &'static str = "reports the end only once";
    const BREAKS: Law = Law::End;
    const WORDS: &'static str = "receiving the end did not end";
}

#[derive(Debug)]
#[must_use = "the network is entered as long as this lives"]
pub struct EnteredNetwork {
    _private: _,
}

pub trait Fault: fmt::Debug + Default + Send + 'static {
    const NAME: &'static str;
    const BREAKS: Law;
    const WORDS: &'static str;
    fn options() -> memory::Options {}
    fn guarantees(&self, inner: &Memory) -> Guarantees {}
    fn stats(&self, inner: &Memory) -> Stats {}
    fn require(
        &self,
        guarantees: &dyn Guaranteed,
        required: Guarantees,
    ) -> Result<(), Error> {}
    fn poll_ready(
        &mut self,
        inner: &mut Memory,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {}
    fn start_send(
        &mut self,
        inner: &mut Memory,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error> {}
    fn poll_flush(
        &mut self,
        inner: &mut Memory,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {}
    fn poll_close(
        &mut self,
        inner: &mut Memory,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {}
    fn poll_recv(
        &mut self,
        inner: &mut Memory,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {}
    fn split(self, inner: Memory) -> Halves {}
}

#[derive(Debug)]
pub struct Faulty<F>(_);

impl<F: Fault> Subject for Faulty<F> {
    type Transport = Broken<F>;
}

impl<F> Default for Faulty<F> {}

#[derive(Debug, Default)]
pub struct HangsAfterFatal {
    _private: _,
}

impl Fault for HangsAfterFatal {
    const NAME: &'static str = "hangs after a fatal error";
    const BREAKS: Law = Law::Errors;
    const WORDS: &'static str = "receiving after a fatal error did not end";
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    Message { number: u64, length: usize, decision: Decision },
    Event(&'static str),
}

impl fmt::Display for Happening {}

#[derive(Debug, Default)]
pub struct HidesTruncated;

impl Fault for HidesTruncated {
    const NAME: &'static str = "hides what was truncated";
    const BREAKS: Law = Law::Whole;
    const WORDS: &'static str = "receiving 101 bytes did not end";
}

#[derive(Debug, Default)]
pub struct HoldsMaximum {
    _private: _,
}

impl Fault for HoldsMaximum {
    const NAME: &'static str = "holds a buffer of the maximum";
    const BREAKS: Law = Law::Bounded;
    const WORDS: &'static str = "bytes are held";
}

#[derive(Clone, Debug)]
pub struct Host {
    _private: _,
}

impl Host {
    pub fn name(&self) -> &str {}
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {}
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {}
}

#[derive(Debug)]
pub struct Impaired<T> {
    _private: _,
}

impl<T: Transport> Impaired<T> {
    pub fn new(inner: T, seed: Seed) -> Self {}
    #[must_use]
    pub fn outgoing(mut self, impairments: Impairments) -> Self {}
    #[must_use]
    pub fn incoming(mut self, impairments: Impairments) -> Self {}
    #[must_use]
    pub fn both(self, impairments: Impairments) -> Self {}
    pub fn handle(&self) -> ImpairedHandle {}
    pub fn get_ref(&self) -> &T {}
    pub fn split(self) -> (ImpairedSend, ImpairedRecv) {}
}

impl<T: Transport> Guaranteed for Impaired<T> {}

impl<T: Transport> RecvHalf for Impaired<T> {}

impl<T: Transport> SendHalf for Impaired<T> {}

impl<T: Transport> Transport for Impaired<T> {}

#[derive(Clone, Debug)]
pub struct ImpairedHandle(_);

impl ImpairedHandle {
    pub fn partition(&self) {}
    pub fn heal(&self) {}
    pub fn stall(&self) {}
    pub fn resume(&self) {}
    pub fn reset(&self) {}
    pub fn trace(&self) -> Trace {}
}

#[derive(Debug)]
pub struct ImpairedRecv<R = Box<dyn RecvHalf + Send>> {
    _private: _,
}

impl<R: RecvHalf> Guaranteed for ImpairedRecv<R> {}

impl<R: RecvHalf> RecvHalf for ImpairedRecv<R> {}

#[derive(Debug)]
pub struct ImpairedSend<S = Box<dyn SendHalf + Send>> {
    _private: _,
}

impl<S: SendHalf> Guaranteed for ImpairedSend<S> {}

impl<S: SendHalf> SendHalf for ImpairedSend<S> {}

#[derive(Clone, Debug, PartialEq)]
pub struct Impairments {
    _private: _,
}

impl Impairments {
    pub const fn none() -> Self {}
    #[must_use]
    pub fn loss(mut self, rate: f64) -> Self {}
    #[must_use]
    pub fn duplicate(mut self, rate: f64) -> Self {}
    #[must_use]
    pub fn reorder(mut self, rate: f64, held_back: RangeInclusive<Duration>) -> Self {}
    #[must_use]
    pub fn truncate(mut self, rate: f64) -> Self {}
    #[must_use]
    pub fn corrupt(mut self, rate: f64) -> Self {}
    #[must_use]
    pub fn delay(mut self, range: RangeInclusive<Duration>, spread: Spread) -> Self {}
    #[must_use]
    pub fn latency(self, time: Duration) -> Self {}
    #[must_use]
    pub fn bandwidth(mut self, bytes_per_second: u64) -> Self {}
    #[must_use]
    pub fn stall(mut self, rate: f64, lasts: RangeInclusive<Duration>) -> Self {}
    #[must_use]
    pub fn partition(mut self, rate: f64, lasts: RangeInclusive<Duration>) -> Self {}
    #[must_use]
    pub fn reset(mut self, rate: f64) -> Self {}
    #[must_use]
    pub fn unreliable(mut self) -> Self {}
    #[must_use]
    pub fn in_flight(mut self, messages: usize, bytes: usize) -> Self {}
    pub fn leaves(&self, given: Guarantees) -> Guarantees {}
}

impl Default for Impairments {}

#[derive(Clone, Copy, Debug, Default)]
pub struct InMemory;

impl Subject for InMemory {
    type Transport = memory::Memory;
}

#[derive(Clone)]
pub struct InPipe {
    _private: _,
}

impl InPipe {
    pub fn new(codec: impl Into<AnyCodec>) -> Self {}
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {}
    #[must_use]
    pub fn printable(self) -> Self {}
    #[must_use]
    pub fn sample(mut self, sample: Sample) -> Self {}
    #[must_use]
    pub fn refuses<M: Into<Vec<u8>>>(
        mut self,
        messages: impl IntoIterator<Item = M>,
    ) -> Self {}
}

impl Subject for InPipe {
    type Transport = Framed<Io<DuplexStream>, AnyCodec>;
}

impl fmt::Debug for InPipe {}

#[derive(Debug, Default)]
pub struct KeepsFirstWaker {
    _private: _,
}

impl Fault for KeepsFirstWaker {
    const NAME: &'static str = "wakes the task whose recv was dropped";
    const BREAKS: Law = Law::CancelSafe;
    const WORDS: &'static str = "the task that took over a dropped recv was not woken";
}

#[derive(Clone, Debug)]
pub struct Kit {
    _private: _,
}

impl Kit {
    #[must_use]
    pub fn only(mut self, laws: &[Law]) -> Self {}
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {}
    pub fn check<S: Subject>(&self, subject: S) -> Report {}
}

impl Default for Kit {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    Boundaries,
    Whole,
    Empty,
    End,
    Guarantees,
    Flush,
    Bounded,
    CancelSafe,
    Errors,
    Fair,
    Halves,
}

impl Law {
    pub const ALL: [Self; 11] = [
        Self::Boundaries,
        Self::Whole,
        Self::Empty,
        Self::End,
        Self::Guarantees,
        Self::Flush,
        Self::Bounded,
        Self::CancelSafe,
        Self::Errors,
        Self::Fair,
        Self::Halves,
    ];
    pub const fn number(self) -> usize {}
    pub const fn name(self) -> &'static str {}
}

impl fmt::Display for Law {}

#[derive(Clone, Debug)]
pub struct LaxLines(_);

impl Codec for LaxLines {}

impl Default for LaxLines {}

#[derive(Debug, Default)]
pub struct Loses {
    _private: _,
}

impl Fault for Loses {
    const NAME: &'static str = "loses every tenth message";
    const BREAKS: Law = Law::Guarantees;
    const WORDS: &'static str = "was lost";
}

#[derive(Debug, Default)]
pub struct LosesOnDrop {
    _private: _,
}

impl Fault for LosesOnDrop {
    const NAME: &'static str = "loses a message when recv is dropped";
    const BREAKS: Law = Law::CancelSafe;
    const WORDS: &'static str = "was lost";
}

#[derive(Debug, Default)]
pub struct Merges;

impl Fault for Merges {
    const NAME: &'static str = "merges";
    const BREAKS: Law = Law::Boundaries;
    const WORDS: &'static str = "merged with more";
}

#[derive(Clone)]
pub struct Network {
    _private: _,
}

impl Network {
    pub const ELSEWHERE: &'static str = "elsewhere";
    pub fn new(seed: impl Into<Seed>) -> Self {}
    pub fn enter(&self) -> EnteredNetwork {}
    pub fn host(&self, name: &str) -> Host {}
    pub fn links(&self, impairments: Impairments) {}
    pub fn link(&self, one: &str, other: &str, impairments: Impairments) {}
    pub fn one_way(&self, from: &str, to: &str, impairments: Impairments) {}
    pub fn partition(&self, one: &str, other: &str) {}
    pub fn heal(&self, one: &str, other: &str) {}
    pub fn stall(&self, one: &str, other: &str) {}
    pub fn resume(&self, one: &str, other: &str) {}
    pub fn reset(&self, one: &str, other: &str) {}
    pub fn crash(&self, host: &str) {}
    pub fn seed(&self) -> Seed {}
    pub fn trace(&self) -> Trace {}
}

impl fmt::Debug for Network {}

#[derive(Debug, Default)]
pub struct NeverYields;

impl Fault for NeverYields {
    const NAME: &'static str = "never yields";
    const BREAKS: Law = Law::Fair;
    const WORDS: &'static str = "were handed out before a neighbour could run";
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub check: &'static str,
    pub why: String,
}

impl fmt::Display for Note {}

pub type Offer<T> = Result<T, Stop>;

#[derive(Debug, Default)]
pub struct OneLock;

impl Fault for OneLock {
    const NAME: &'static str = "receives nothing while the sender is blocked";
    const BREAKS: Law = Law::Halves;
    const WORDS: &'static str = "receiving did not end";
}

#[derive(Debug, Default)]
pub struct OneWaker;

impl Fault for OneWaker {
    const NAME: &'static str = "has one waker for both halves";
    const BREAKS: Law = Law::Halves;
    const WORDS: &'static str = "did not wake";
}

#[derive(Clone, Debug)]
pub enum Outcome {
    Checked { count: u64, not_applicable: Vec<Note> },
    NotApplicable { why: Vec<Note> },
    Failed { count: u64, failures: Vec<Note> },
}

pub struct Raw<T> {
    pub near: T,
    pub wire: Box<dyn Wire>,
    _private: _,
}

impl<T> Raw<T> {
    pub fn new(
        near: T,
        wire: impl Wire + 'static,
        frame: impl Fn(&[u8]) -> Vec<u8> + Send + 'static,
    ) -> Self {}
    pub fn frame(&self, message: &[u8]) -> Vec<u8> {}
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Raw<U> {}
}

impl<T> fmt::Debug for Raw<T> {}

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    pub at: Duration,
    pub line: Arc<str>,
    pub what: Happening,
}

impl fmt::Display for Record {}

#[derive(Clone, Debug)]
pub struct Report {
    _private: _,
}

impl Report {
    pub fn subject(&self) -> &str {}
    pub fn outcomes(&self) -> impl Iterator<Item = (Law, &Outcome)> {}
    pub fn outcome(&self, law: Law) -> Option<&Outcome> {}
    pub fn is_clean(&self) -> bool {}
    pub fn failures(&self) -> impl Iterator<Item = (Law, &Note)> {}
    pub fn assert(&self) {}
}

impl fmt::Display for Report {}

#[derive(Debug)]
pub struct ReservesAnnounced {
    _private: _,
}

impl ReservesAnnounced {
    pub fn pair() -> (Self, Self) {}
}

impl Guaranteed for ReservesAnnounced {}

impl RecvHalf for ReservesAnnounced {}

impl SendHalf for ReservesAnnounced {}

impl Transport for ReservesAnnounced {}

#[derive(Debug, Default)]
pub struct ResetIsEnd;

impl Fault for ResetIsEnd {
    const NAME: &'static str = "takes a reset for the end";
    const BREAKS: Law = Law::End;
    const WORDS: &'static str = "receiving after a reset went well";
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed(_);

impl Seed {
    pub const VARIABLE: &'static str = "ANYSOCK_SEED";
    pub const fn new(seed: u64) -> Self {}
    pub fn random() -> Self {}
    pub fn from_env() -> Self {}
    pub const fn get(self) -> u64 {}
    pub const fn guard(self) -> SeedGuard {}
    #[must_use]
    pub fn of(self, name: &str) -> Self {}
}

impl From<u64> for Seed {}

impl FromStr for Seed {
    type Err = ParseIntError;
}

impl fmt::Debug for Seed {}

impl fmt::Display for Seed {}

#[derive(Debug)]
#[must_use = "it prints when it is dropped by a panic"]
pub struct SeedGuard(_);

impl Drop for SeedGuard {}

impl fmt::Display for SeedGuard {}

#[derive(Debug, Default)]
pub struct SendErrorFirst {
    _private: _,
}

impl Fault for SendErrorFirst {
    const NAME: &'static str = "reports a failed send before the last messages";
    const BREAKS: Law = Law::End;
    const WORDS: &'static str = "receiving failed";
}

#[derive(Debug, Default)]
pub struct SendsPart;

impl Fault for SendsPart {
    const NAME: &'static str = "sends the part that fits";
    const BREAKS: Law = Law::Whole;
    const WORDS: &'static str = "an error was due";
}

#[derive(Debug, Default)]
pub struct SkipsEmpty;

impl Fault for SkipsEmpty {
    const NAME: &'static str = "does not send empty messages";
    const BREAKS: Law = Law::Empty;
    const WORDS: &'static str = "receiving did not end";
}

#[derive(Clone, Copy, Debug)]
pub struct Specimen {
    pub name: &'static str,
    pub breaks: Law,
    pub words: &'static str,
    _private: _,
}

impl Specimen {
    pub fn of<F: Fault>() -> Self {}
    pub fn check(&self, kit: &Kit) -> Report {}
    pub fn is_convicted_by(&self, report: &Report) -> bool {}
}

#[derive(Debug, Default)]
pub struct Spins;

impl Fault for Spins {
    const NAME: &'static str = "spins while it waits";
    const BREAKS: Law = Law::Fair;
    const WORDS: &'static str = "what waits was polled";
}

#[derive(Debug, Default)]
pub struct Splits {
    _private: _,
}

impl Fault for Splits {
    const NAME: &'static str = "splits";
    const BREAKS: Law = Law::Boundaries;
    const WORDS: &'static str = "was cut to 1000";
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spread {
    Even,
    Tail,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    NotApplicable(String),
    Failed(String),
}

impl Stop {
    pub fn not_applicable(why: impl Into<String>) -> Self {}
    pub fn failed(what: impl Into<String>) -> Self {}
}

impl fmt::Display for Stop {}

impl<E: std::error::Error> From<E> for Stop {}

pub trait Subject: Send + Sync + 'static {
    type Transport: Transport + Send + 'static;
    fn name(&self) -> String;
    fn pair(&self) -> impl Future<Output = Offer<(Self::Transport, Self::Transport)>>;
    fn pair_with_max(
        &self,
        near: usize,
        far: usize,
    ) -> impl Future<Output = Offer<(Self::Transport, Self::Transport)>> {}
    fn sample(&self, length: usize, seed: u64) -> Option<Vec<u8>> {}
    fn unrepresentable(&self) -> Vec<Vec<u8>> {}
    fn drop_ends(&self) -> bool {}
    fn raw(&self) -> impl Future<Output = Offer<Raw<Self::Transport>>> {}
    fn reset(
        &self,
        last_words: &[Vec<u8>],
    ) -> impl Future<Output = Offer<Self::Transport>> {}
    fn refused(
        &self,
    ) -> impl Future<Output = Offer<(Self::Transport, Self::Transport)>> {}
}

#[derive(Debug, Default)]
pub struct Swaps {
    _private: _,
}

impl Fault for Swaps {
    const NAME: &'static str = "swaps messages";
    const BREAKS: Law = Law::Guarantees;
    const WORDS: &'static str = "message 1 arrived, message 0 was lost";
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

#[derive(Clone, Copy, Debug)]
pub struct Table<'a>(pub &'a [Report]);

impl fmt::Display for Table<'_> {}

#[derive(Debug, Default)]
pub struct TakesRefused;

impl Fault for TakesRefused {
    const NAME: &'static str = "takes what it refuses";
    const BREAKS: Law = Law::Whole;
    const WORDS: &'static str = "the refused message was touched";
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    _private: _,
}

impl Trace {
    pub const MAX_RECORDS: usize = 65_536;
    pub fn records(&self) -> &[Record] {}
    pub fn forgotten(&self) -> u64 {}
}

impl fmt::Display for Trace {}

#[derive(Debug, Default)]
pub struct Untyped;

impl Fault for Untyped {
    const NAME: &'static str = "has one error for everything";
    const BREAKS: Law = Law::Errors;
    const WORDS: &'static str = "the error says that it is fatal";
}

#[derive(Debug, Default)]
pub struct Wedges;

impl Fault for Wedges {
    const NAME: &'static str = "wedges the thread";
    const BREAKS: Law = Law::Fair;
    const WORDS: &'static str = "the thread was wedged";
}

pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

pub fn noise(length: usize, seed: u64) -> Vec<u8> {}

pub fn specimens() -> Vec<Specimen> {}

pub fn text(length: usize, seed: u64) -> Vec<u8> {}

byte_send!(Chopped, inner, sending);

byte_send!(ChoppedSend, 0, 1);

macro_rules! byte_send {
    ($type:ident, $inner:tt, $chopper:tt) => {
        impl < S : ByteSend > ByteSend for $type < S > { fn poll_send(& mut self, cx : &
        mut Context <'_ >, slices : & [IoSlice <'_ >],) -> Poll < io::Result < usize >>
        {} fn poll_flush(& mut self, cx : & mut Context <'_ >) -> Poll < io::Result < ()
        >> {} fn poll_shutdown(& mut self, cx : & mut Context <'_ >) -> Poll < io::Result
        < () >> {} fn poll_drain(& mut self, cx : & mut Context <'_ >, block : & mut
        RecvBlock, most : usize,) -> Poll < io::Result < usize >> {} }
    };
}

flushing! {
    FlushStopsRecv, "does not receive while its flush is blocked",
    "receiving did not end", flush : Backlog::poll_pour, recv : | backlog, inner, cx | {
    ready!(backlog.poll_pour(inner, cx)) ?; inner.poll_recv(cx) }
}

flushing! {
    ForgetsLastFlush, "forgets the last flush before the end",
    "the end came, a message was due", flush : Backlog::poll_pour, recv : | backlog,
    inner, cx | { let received = inner.poll_recv(cx); if received.is_pending() { let _ =
    backlog.poll_pour(inner, cx); } received }
}

flushing! {
    KeepsLast, "keeps the last message back", "receiving did not end", flush : | backlog,
    inner, cx | backlog.poll_pour_all_but(1, inner, cx), recv : flush_and_recv
}

flushing! {
    RecvDoesNotFlush, "does not flush while it receives", "receiving did not end", flush
    : Backlog::poll_pour, recv : | _, inner, cx | inner.poll_recv(cx)
}

macro_rules! flushing {
    (
        $(#[$doc:meta])* $name:ident, $text:literal, $words:literal, flush : $flush:expr,
        recv : $recv:expr
    ) => {
        $(#[$doc])* #[derive(Debug, Default)] pub struct $name { backlog : Backlog, }
        impl Fault for $name { const NAME : &'static str = $text; const BREAKS : Law =
        Law::Flush; const WORDS : &'static str = $words; fn stats(& self, inner : &
        Memory) -> Stats {} fn poll_ready(& mut self, inner : & mut Memory, cx : & mut
        Context <'_ >,) -> Poll < Result < (), Error >> {} fn start_send(& mut self,
        inner : & mut Memory, payload : Payload <'_ >, attached : & mut Attached,) ->
        Result < (), Error > {} fn poll_flush(& mut self, inner : & mut Memory, cx : &
        mut Context <'_ >,) -> Poll < Result < (), Error >> {} fn poll_close(& mut self,
        inner : & mut Memory, cx : & mut Context <'_ >,) -> Poll < Result < (), Error >>
        {} fn poll_recv(& mut self, inner : & mut Memory, cx : & mut Context <'_ >,) ->
        Poll < Result < Option < Message >, Error >> {} }
    };
}

