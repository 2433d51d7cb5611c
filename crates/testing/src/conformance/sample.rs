//! The messages that are sent: told apart by a number, cheap to make.

use std::sync::OnceLock;

use bytes::Bytes;

use super::stop::Stop;
use super::subject::Subject;

/// A message of `length` bytes of every value. Those of 8 bytes and more differ from each
/// other if their `seed` does.
///
/// ```
/// use anysock_testing::conformance::noise;
/// assert_eq!(noise(1000, 7).len(), 1000);
/// assert_ne!(noise(8, 1), noise(8, 2));
/// ```
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    // Copied from one block: the kit sends many megabytes and runs unoptimised.
    static BLOCK: OnceLock<Vec<u8>> = OnceLock::new();
    let block =
        BLOCK.get_or_init(|| (0..8 * 1024).flat_map(|n| scramble(n).to_be_bytes()).collect());
    let mut message = Vec::with_capacity(length);
    let mut from = scramble(seed) as usize % block.len();
    while message.len() < length {
        let end = block.len().min(from + length - message.len());
        message.extend_from_slice(&block[from..end]);
        from = 0;
    }
    if let Some(head) = message.first_chunk_mut() {
        *head = scramble(seed).to_be_bytes();
    }
    message
}

/// A message of `length` printable bytes, for codecs that cannot carry every byte. Those of 8
/// bytes and more differ from each other if their `seed` does, up to 4 thousand million of
/// them.
///
/// ```
/// use anysock_testing::conformance::text;
/// assert!(text(100, 7).iter().all(u8::is_ascii_alphanumeric));
/// assert_ne!(text(8, 1), text(8, 2));
/// ```
pub fn text(length: usize, seed: u64) -> Vec<u8> {
    let mut message = format!("{:08x}", seed as u32).into_bytes();
    message.extend(noise(length.saturating_sub(8), seed).iter().map(|byte| b'a' + byte % 26));
    message.truncate(length);
    message
}

/// One step of splitmix64: one to one, so that different seeds give different messages.
fn scramble(seed: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The messages of one check, each with the next number.
#[derive(Debug)]
pub(crate) struct Source<'a, S> {
    subject: &'a S,
    max: usize,
    next: u64,
}

impl<'a, S: Subject> Source<'a, S> {
    /// Messages of at most `max` bytes.
    pub(crate) fn new(subject: &'a S, max: usize) -> Self {
        Self { subject, max, next: 0 }
    }

    /// One of exactly `length` bytes, if this transport carries such a one.
    pub(crate) fn of(&mut self, length: usize) -> Option<Bytes> {
        if length > self.max {
            return None;
        }
        self.next += 1;
        self.subject.sample(length, self.next).map(Bytes::from)
    }

    /// A short one, of 64 bytes where that is possible.
    pub(crate) fn short(&mut self) -> Result<Bytes, Stop> {
        self.first(&[64])
    }

    /// A longer one, of 8 KiB where that is possible: a few of them fill a buffer.
    pub(crate) fn bulky(&mut self) -> Result<Bytes, Stop> {
        self.first(&[8 * 1024, 64])
    }

    /// The longest within 256 KiB.
    pub(crate) fn large(&mut self) -> Result<Bytes, Stop> {
        self.first(&[256 * 1024, 60 * 1024, 8 * 1024, 64])
    }

    /// `count` short ones.
    pub(crate) fn shorts(&mut self, count: usize) -> Result<Vec<Bytes>, Stop> {
        (0..count).map(|_| self.short()).collect()
    }

    fn first(&mut self, lengths: &[usize]) -> Result<Bytes, Stop> {
        let max = self.max;
        let message = lengths.iter().chain([&max]).find_map(|&length| self.of(length));
        message.ok_or_else(|| {
            Stop::failed(format!("the subject has no sample of {lengths:?} or {max} bytes"))
        })
    }
}
