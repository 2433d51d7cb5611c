//! A received message, and what may have come with it.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::time::SystemTime;

use bytes::Bytes;

use crate::block::Slice;
use crate::{Addr, Credentials, LocalAddress};

/// A received message: its bytes, and, where present, what came along.
///
/// Dereferences to `[u8]`. Four words wide; what came along is boxed and costs nothing where
/// it is absent. Holding a message may keep the block alive into which it was read, so a
/// message that waits for long is better [copied to its size](Message::to_sized).
///
/// ```
/// use anysock_core::Message;
///
/// let message = Message::from("hello");
/// assert_eq!(&message[..], b"hello");
/// assert_eq!(message, "hello");
/// assert!(message.arrival().is_none());
/// ```
#[derive(Default)]
pub struct Message {
    bytes: Slice,
    arrival: Along,
}

/// What came along, of which dropping nothing costs a look and not a call.
#[derive(Default)]
struct Along(ManuallyDrop<Option<Box<Arrival>>>);

impl Along {
    fn new(arrival: Option<Box<Arrival>>) -> Self {
        Self(ManuallyDrop::new(arrival))
    }

    fn take(&mut self) -> Option<Box<Arrival>> {
        self.0.take()
    }
}

impl Drop for Along {
    #[inline(always)]
    fn drop(&mut self) {
        if self.0.is_some() {
            drop_arrival(self.take());
        }
    }
}

#[cold]
fn drop_arrival(arrival: Option<Box<Arrival>>) {
    drop(arrival);
}

/// What came along with a message.
///
/// ```
/// use anysock_core::{Arrival, Message};
///
/// let mut arrival = Arrival::default();
/// arrival.traffic_class = Some(0b1011_1011);
/// let message = Message::from("hello").with_arrival(arrival);
/// assert_eq!(message.arrival().and_then(Arrival::ecn), Some(0b11)); // congestion experienced
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Arrival {
    /// Who sent it.
    pub source: Option<Addr>,
    /// To which of this host's addresses it was sent, and on which interface.
    pub destination: Option<LocalAddress>,
    /// Descriptors that were passed, close-on-exec. Dropping them closes them.
    pub descriptors: Vec<OwnedFd>,
    /// The sender's credentials, as the kernel vouches for them.
    pub credentials: Option<Credentials>,
    /// The traffic class of the IP header: six bits of DSCP (RFC 2474) and two of ECN (RFC 3168).
    pub traffic_class: Option<u8>,
    /// The TTL or hop limit with which it arrived.
    pub hop_limit: Option<u8>,
    /// When the kernel received it.
    pub timestamp: Option<SystemTime>,
    /// How many messages the socket had dropped for a full receive buffer by then, if any. It
    /// counts from 0 to 4,294,967,295 and begins anew.
    pub dropped: Option<u32>,
    /// The size of the datagrams among which it came, if the kernel put several together
    /// (`UDP_GRO`).
    pub segment: Option<u16>,
}

impl Arrival {
    /// The two ECN bits of the traffic class (RFC 3168), 0 to 3.
    pub fn ecn(&self) -> Option<u8> {
        self.traffic_class.map(|class| class & 0b11)
    }

    /// The same once more, but for the descriptors, of which there is one each.
    #[must_use]
    pub fn without_descriptors(&self) -> Self {
        Self { source: self.source.clone(), descriptors: Vec::new(), ..*self }
    }

    /// Whether nothing came along.
    pub fn is_empty(&self) -> bool {
        let Self { source, destination, descriptors, credentials, .. } = self;
        let Self { traffic_class, hop_limit, timestamp, dropped, segment, .. } = self;
        source.is_none()
            && destination.is_none()
            && descriptors.is_empty()
            && credentials.is_none()
            && traffic_class.is_none()
            && hop_limit.is_none()
            && timestamp.is_none()
            && dropped.is_none()
            && segment.is_none()
    }
}

impl Message {
    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// A message of these bytes, in one allocation of just its size.
    pub fn copied(bytes: &[u8]) -> Self {
        Slice::copied(bytes).into()
    }

    /// The bytes, without a copy; what came along is dropped.
    pub fn into_bytes(self) -> Bytes {
        self.bytes.into_bytes()
    }

    /// The bytes and what came along, without a copy.
    pub fn into_parts(mut self) -> (Bytes, Option<Box<Arrival>>) {
        let arrival = self.arrival.take();
        (self.bytes.into_bytes(), arrival)
    }

    /// What came along, if anything did.
    pub fn arrival(&self) -> Option<&Arrival> {
        self.arrival.0.as_deref()
    }

    /// Who sent it, where that is known for each message.
    pub fn source(&self) -> Option<&Addr> {
        self.arrival.0.as_ref()?.source.as_ref()
    }

    /// The sender's credentials, where they came along.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.arrival.0.as_ref()?.credentials.as_ref()
    }

    /// The descriptors that came along; they are the caller's from here on.
    pub fn take_descriptors(&mut self) -> Vec<OwnedFd> {
        self.arrival
            .0
            .as_mut()
            .map(|along| std::mem::take(&mut along.descriptors))
            .unwrap_or_default()
    }

    /// This message together with what came along.
    #[must_use]
    pub fn with_arrival(mut self, arrival: impl Into<Box<Arrival>>) -> Self {
        self.arrival = Along::new(Some(arrival.into()));
        self
    }

    /// The same message in an allocation of just its size, so that keeping it keeps nothing
    /// else alive.
    #[must_use]
    pub fn to_sized(self) -> Self {
        Self { bytes: Slice::copied(&self), arrival: self.arrival }
    }
}

impl Deref for Message {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl AsRef<[u8]> for Message {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Message");
        shown.field("bytes", &format_args!("b\"{}\"", self.escape_ascii()));
        if let Some(arrival) = self.arrival() {
            shown.field("arrival", arrival);
        }
        shown.finish()
    }
}

impl From<Slice> for Message {
    #[inline]
    fn from(bytes: Slice) -> Self {
        Self { bytes, arrival: Along::default() }
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Slice::from(bytes).into()
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<&'static [u8]> for Message {
    fn from(bytes: &'static [u8]) -> Self {
        Slice::of_static(bytes).into()
    }
}

impl From<&'static str> for Message {
    fn from(text: &'static str) -> Self {
        Slice::of_static(text.as_bytes()).into()
    }
}

impl From<Message> for Bytes {
    fn from(message: Message) -> Self {
        message.into_bytes()
    }
}

/// Compares the bytes; what came along does not count.
impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Message {
    fn eq(&self, other: &T) -> bool {
        self.as_slice() == other.as_ref()
    }
}
