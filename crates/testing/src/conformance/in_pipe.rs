//! A subject at hand: any codec, over a pipe of bytes in memory.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use anysock_framing::{AnyCodec, Framed, Io, encode_frame};
use tokio::io::DuplexStream;

use super::sample::{noise, text};
use super::stop::Stop;
use super::subject::{Offer, Raw, Subject};

/// Bytes that the pipe holds in each direction.
const CAPACITY: usize = 64 * 1024;

/// Makes a message of a length, told from others by a number.
type Sample = fn(usize, u64) -> Option<Vec<u8>>;

/// A codec over a pipe of bytes: the way to have one of your own checked.
///
/// ```
/// use anysock_framing::Delimited;
/// use anysock_testing::conformance::{InPipe, Kit, Law};
///
/// let lines = InPipe::new(Delimited::lines()).printable().refuses(["two\nlines"]);
/// Kit::default().only(&[Law::Boundaries, Law::End]).check(lines).assert();
/// ```
#[derive(Clone)]
pub struct InPipe {
    /// Shared, since the subject is, and a codec need not be.
    codec: Arc<Mutex<AnyCodec>>,
    name: String,
    sample: Sample,
    refused: Vec<Vec<u8>>,
}

impl InPipe {
    /// A codec that carries every message up to its maximum.
    pub fn new(codec: impl Into<AnyCodec>) -> Self {
        let sample: Sample = |length, seed| Some(noise(length, seed));
        let codec = codec.into();
        let name = format!("in a pipe, {codec}");
        Self { codec: Arc::new(Mutex::new(codec)), name, sample, refused: Vec::new() }
    }

    /// Its name in reports, where that of the codec does not do.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Only printable bytes are sent; the codec does not carry all others.
    #[must_use]
    pub fn printable(self) -> Self {
        self.sample(|length, seed| Some(text(length, seed)))
    }

    /// The messages that are sent: as [`Subject::sample`] has it.
    #[must_use]
    pub fn sample(mut self, sample: Sample) -> Self {
        self.sample = sample;
        self
    }

    /// Messages within the maximum that the codec must refuse.
    #[must_use]
    pub fn refuses<M: Into<Vec<u8>>>(mut self, messages: impl IntoIterator<Item = M>) -> Self {
        self.refused = messages.into_iter().map(Into::into).collect();
        self
    }

    fn codec(&self) -> AnyCodec {
        self.codec.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Subject for InPipe {
    type Transport = Framed<Io<DuplexStream>, AnyCodec>;

    fn name(&self) -> String {
        self.name.clone()
    }

    async fn pair(&self) -> Offer<(Self::Transport, Self::Transport)> {
        let (near, far) = tokio::io::duplex(CAPACITY);
        let framed = |io| Framed::new(Io::new(io), self.codec());
        Ok((framed(near), framed(far)))
    }

    async fn pair_with_max(
        &self,
        near: usize,
        far: usize,
    ) -> Offer<(Self::Transport, Self::Transport)> {
        if [near, far].iter().any(|max| (self.sample)(*max, 0).is_none()) {
            return Err(Stop::not_applicable("the maximum is fixed"));
        }
        let (near_io, far_io) = tokio::io::duplex(CAPACITY);
        let framed = |io, max| Framed::new(Io::new(io), self.codec().with_max(max));
        Ok((framed(near_io, near), framed(far_io, far)))
    }

    fn sample(&self, length: usize, seed: u64) -> Option<Vec<u8>> {
        (self.sample)(length, seed)
    }

    fn unrepresentable(&self) -> Vec<Vec<u8>> {
        self.refused.clone()
    }

    async fn raw(&self) -> Offer<Raw<Self::Transport>> {
        let (near, wire) = tokio::io::duplex(CAPACITY);
        let near = Framed::new(Io::new(near), self.codec());
        let codec = self.codec();
        let frame = move |message: &[u8]| {
            encode_frame(&mut codec.clone(), message).expect("a sample is carried").to_vec()
        };
        Ok(Raw::new(near, wire, frame))
    }
}

impl fmt::Debug for InPipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InPipe").field("codec", &self.codec()).finish_non_exhaustive()
    }
}
