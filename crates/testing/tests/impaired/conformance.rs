//! The laws hold over an impaired transport, as far as it promises them.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anysock_framing::{AnyCodec, Framed, Io, LengthDelimited, encode_frame};
use anysock_testing::conformance::{
    Boxed, InMemory, InPipe, Kit, Law, Offer, Raw, Report, Subject, Table,
};
use anysock_testing::impaired::{Chopped, Chopping, Impaired, Impairments, Seed, Spread};
use tokio::io::DuplexStream;

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// Another subject whose ends are both impaired.
#[derive(Clone)]
struct Impairing<S> {
    inner: Arc<S>,
    name: &'static str,
    outgoing: Impairments,
    incoming: Impairments,
}

fn impairing<S>(
    inner: S,
    name: &'static str,
    out: Impairments,
    incoming: Impairments,
) -> Impairing<S> {
    Impairing { inner: Arc::new(inner), name, outgoing: out, incoming }
}

impl<S: Subject> Impairing<S> {
    fn end(&self, end: S::Transport, name: &str) -> Impaired<S::Transport> {
        Impaired::new(end, Seed::new(1).of(name))
            .outgoing(self.outgoing.clone())
            .incoming(self.incoming.clone())
    }

    fn ends(
        &self,
        (near, far): (S::Transport, S::Transport),
    ) -> (Impaired<S::Transport>, Impaired<S::Transport>) {
        (self.end(near, "near"), self.end(far, "far"))
    }
}

impl<S: Subject> Subject for Impairing<S> {
    type Transport = Impaired<S::Transport>;

    fn name(&self) -> String {
        format!("{}, {}", self.inner.name(), self.name)
    }

    async fn pair(&self) -> Offer<(Self::Transport, Self::Transport)> {
        Ok(self.ends(self.inner.pair().await?))
    }

    async fn pair_with_max(
        &self,
        near: usize,
        far: usize,
    ) -> Offer<(Self::Transport, Self::Transport)> {
        Ok(self.ends(self.inner.pair_with_max(near, far).await?))
    }

    fn sample(&self, length: usize, seed: u64) -> Option<Vec<u8>> {
        self.inner.sample(length, seed)
    }

    fn unrepresentable(&self) -> Vec<Vec<u8>> {
        self.inner.unrepresentable()
    }

    fn drop_ends(&self) -> bool {
        self.inner.drop_ends()
    }

    async fn raw(&self) -> Offer<Raw<Self::Transport>> {
        Ok(self.inner.raw().await?.map(|near| self.end(near, "near")))
    }

    async fn reset(&self, last_words: &[Vec<u8>]) -> Offer<Self::Transport> {
        Ok(self.end(self.inner.reset(last_words).await?, "near"))
    }
}

impl<S> fmt::Debug for Impairing<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A codec over a pipe in pieces.
#[derive(Debug)]
struct InPieces(Chopping);

impl InPieces {
    fn framed(&self, io: DuplexStream, name: &str, max: usize) -> <Self as Subject>::Transport {
        let chopped = Chopped::new(Io::new(io), Seed::new(3).of(name)).both(self.0.clone());
        Framed::new(chopped, AnyCodec::from(LengthDelimited::u32()).with_max(max))
    }
}

const MAX: usize = 64 * 1024;

impl Subject for InPieces {
    type Transport = Framed<Chopped<Io<DuplexStream>>, AnyCodec>;

    fn name(&self) -> String {
        "in a pipe, in pieces".into()
    }

    async fn pair(&self) -> Offer<(Self::Transport, Self::Transport)> {
        self.pair_with_max(MAX, MAX).await
    }

    async fn pair_with_max(
        &self,
        near: usize,
        far: usize,
    ) -> Offer<(Self::Transport, Self::Transport)> {
        let (one, other) = tokio::io::duplex(64 * 1024);
        Ok((self.framed(one, "near", near), self.framed(other, "far", far)))
    }

    async fn raw(&self) -> Offer<Raw<Self::Transport>> {
        let (near, wire) = tokio::io::duplex(64 * 1024);
        let frame = |message: &[u8]| {
            encode_frame(&mut LengthDelimited::u32(), message).expect("fits").to_vec()
        };
        Ok(Raw::new(self.framed(near, "near", MAX), wire, frame))
    }
}

fn check(subjects: Vec<Box<dyn FnOnce(Kit) -> Report + Send>>) {
    // At once: they wait most of the time.
    let patience = Duration::from_secs(30);
    let threads = subjects
        .into_iter()
        .map(|check| thread::spawn(move || check(Kit::default().patience(patience))));
    let threads: Vec<_> = threads.collect();
    let reports: Vec<_> =
        threads.into_iter().map(|thread| thread.join().expect("a report")).collect();
    println!("{}", Table(&reports));
    reports.iter().for_each(Report::assert);
}

/// The others look at the one message that comes next: a copy of the last one is none.
const WHERE_COPIES_MAY_COME: [Law; 7] = [
    Law::Boundaries,
    Law::Empty,
    Law::Guarantees,
    Law::Bounded,
    Law::CancelSafe,
    Law::Errors,
    Law::Fair,
];

#[test]
fn a_transport_without_impairments_keeps_the_laws() {
    let none = || impairing(InMemory, "not impaired", Impairments::none(), Impairments::none());
    let lines =
        InPipe::new(anysock_framing::Delimited::lines()).printable().refuses(["two\nlines"]);
    let lines = impairing(lines, "not impaired", Impairments::none(), Impairments::none());
    check(vec![
        Box::new(move |kit| kit.check(none())),
        Box::new(move |kit| kit.check(Boxed(none()))),
        Box::new(move |kit| kit.check(lines)),
    ]);
}

#[test]
fn a_slow_transport_keeps_the_laws() {
    let slow = || Impairments::none().delay(ms(0)..=ms(3), Spread::Even);
    let narrow = || Impairments::none().bandwidth(20_000_000);
    let incoming = impairing(InMemory, "delayed", Impairments::none(), slow());
    let outgoing = impairing(InMemory, "through a narrow line", narrow(), Impairments::none());
    let both = impairing(InMemory, "narrow and delayed", narrow(), slow());
    let pipe = InPipe::new(LengthDelimited::u32());
    let pipe = impairing(pipe, "delayed", Impairments::none(), slow());
    check(vec![
        Box::new(move |kit| kit.check(incoming)),
        Box::new(move |kit| kit.check(outgoing)),
        Box::new(move |kit| kit.check(Boxed(both))),
        Box::new(move |kit| kit.check(pipe)),
    ]);
}

#[test]
fn a_lossy_transport_keeps_what_it_still_promises() {
    let lossy = Impairments::none().loss(0.01);
    let doubling = Impairments::none().duplicate(0.1);
    let mixing = Impairments::none().reorder(0.1, ms(1)..=ms(4));
    let lossy = impairing(InMemory, "lossy", Impairments::none(), lossy);
    let doubling = impairing(InMemory, "doubling", Impairments::none(), doubling);
    let mixing = impairing(InMemory, "reordering", Impairments::none(), mixing);
    check(vec![
        Box::new(move |kit| kit.check(lossy)),
        Box::new(move |kit| kit.only(&WHERE_COPIES_MAY_COME).check(doubling)),
        Box::new(move |kit| kit.check(mixing)),
    ]);
}

#[test]
fn bytes_in_pieces_keep_the_laws() {
    let pieces = InPieces(Chopping::none().pieces(1..=2000).pending(0.2));
    check(vec![Box::new(move |kit| kit.check(pieces))]);
}
