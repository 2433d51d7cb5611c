//! What a person has in hand and sends as one message.

use bytes::{Buf, Bytes, BytesMut};

use crate::Message;

/// The bytes of one message on their way into a transport.
///
/// A transport that accepts the message copies the slice, or takes the owned bytes without a
/// copy; one that refuses it touches neither.
///
/// ```
/// use anysock_framing::{AsPayload, Payload};
/// use bytes::Bytes;
///
/// let mut message = Bytes::from_static(b"hello");
/// let payload = message.as_payload();
/// assert_eq!(payload.as_slice(), b"hello");
/// assert_eq!(payload.into_bytes(), "hello"); // taken, not copied
/// assert!(message.is_empty());
/// ```
#[derive(Debug)]
pub enum Payload<'a> {
    /// Borrowed bytes: copied when the message is accepted.
    Slice(&'a [u8]),
    /// Owned bytes: taken when the message is accepted.
    Owned(&'a mut (dyn Owned + 'static)),
}

/// Bytes that can be looked at, and taken without a copy.
///
/// ```
/// use anysock_framing::Owned;
/// let mut text = String::from("hello");
/// assert_eq!(Owned::as_slice(&text), b"hello");
/// assert_eq!(text.take_bytes(), "hello");
/// assert!(text.is_empty());
/// ```
pub trait Owned: std::fmt::Debug + Send {
    /// The bytes.
    fn as_slice(&self) -> &[u8];
    /// Takes the bytes, leaving nothing.
    fn take_bytes(&mut self) -> Bytes;
}

/// What can be sent as one message: slices, byte strings, text, vectors, [`Bytes`],
/// [`BytesMut`], a received [`Message`]; a [`Whole`] makes one of any other [`Buf`].
///
/// Of a [`Message`] only the bytes are sent, not what came along with it.
///
/// ```
/// use anysock_framing::AsPayload;
/// for mut one in [&b"hello"[..], &b""[..]] {
///     assert_eq!(one.as_payload().len(), one.len());
/// }
/// ```
pub trait AsPayload {
    /// The bytes, to be copied or taken.
    fn as_payload(&mut self) -> Payload<'_>;
}

impl Payload<'_> {
    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Slice(slice) => slice,
            Self::Owned(owned) => owned.as_slice(),
        }
    }

    /// Length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether the message is empty, which is a message nevertheless.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Accepts the message: takes owned bytes, copies borrowed ones.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Slice(slice) => Bytes::copy_from_slice(slice),
            Self::Owned(owned) => owned.take_bytes(),
        }
    }
}

/// Any [`Buf`] as one message: its chunks are gathered, a single [`Bytes`] is not copied.
///
/// ```
/// use anysock_framing::{AsPayload, Whole};
/// use bytes::Buf;
///
/// let mut message = Whole::new((&b"head "[..]).chain(&b"tail"[..]));
/// assert_eq!(message.as_payload().as_slice(), b"head tail");
/// ```
#[derive(Clone, Debug)]
pub struct Whole(Bytes);

impl Whole {
    /// All that remains in `buf`.
    pub fn new(mut buf: impl Buf) -> Self {
        Self(buf.copy_to_bytes(buf.remaining()))
    }
}

macro_rules! owned {
    ($($type:ty: $take:expr;)*) => {$(
        impl Owned for $type {
            #[inline]
            fn as_slice(&self) -> &[u8] {
                self.as_ref()
            }
            fn take_bytes(&mut self) -> Bytes {
                $take(std::mem::take(self))
            }
        }

        impl AsPayload for $type {
            #[inline]
            fn as_payload(&mut self) -> Payload<'_> {
                Payload::Owned(self)
            }
        }

        impl AsPayload for &$type {
            #[inline]
            fn as_payload(&mut self) -> Payload<'_> {
                Payload::Slice((*self).as_ref())
            }
        }
    )*};
}

owned! {
    Bytes: std::convert::identity;
    BytesMut: BytesMut::freeze;
    Message: Message::into_bytes;
    String: Bytes::from;
    Vec<u8>: Bytes::from;
    Box<[u8]>: Bytes::from;
}

impl AsPayload for Whole {
    #[inline]
    fn as_payload(&mut self) -> Payload<'_> {
        Payload::Owned(&mut self.0)
    }
}

impl AsPayload for &[u8] {
    #[inline]
    fn as_payload(&mut self) -> Payload<'_> {
        Payload::Slice(self)
    }
}

impl<const N: usize> AsPayload for &[u8; N] {
    #[inline]
    fn as_payload(&mut self) -> Payload<'_> {
        Payload::Slice(*self)
    }
}

impl<const N: usize> AsPayload for [u8; N] {
    #[inline]
    fn as_payload(&mut self) -> Payload<'_> {
        Payload::Slice(self)
    }
}

impl AsPayload for &str {
    #[inline]
    fn as_payload(&mut self) -> Payload<'_> {
        Payload::Slice(self.as_bytes())
    }
}
