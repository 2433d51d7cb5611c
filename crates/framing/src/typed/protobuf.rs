//! Protocol buffers.

use bytes::BytesMut;
use prost::Message;

use super::{Decode, Encode, Reason};

/// Each value as a message of protocol buffers, by prost.
///
/// Over [`Varint`](crate::Varint) that is what protocol buffers call length-delimited, and what
/// `writeDelimitedTo` and `parseDelimitedFrom` of other languages speak. Needs the feature `prost`.
///
/// ```
/// use anysock_framing::{Decode, Encode, Protobuf};
/// use bytes::BytesMut;
///
/// #[derive(Clone, PartialEq, prost::Message)]
/// struct Greeting {
///     #[prost(string, tag = "1")]
///     text: String,
/// }
///
/// let hello = Greeting { text: "hello".into() };
/// let mut bytes = BytesMut::new();
/// Protobuf.encode(&hello, &mut bytes)?;
/// assert_eq!(bytes, &b"\x0a\x05hello"[..]);
/// assert_eq!(hello, Protobuf.decode(&bytes)?);
/// # Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protobuf;

impl<M: Message> Encode<M> for Protobuf {
    fn name(&self) -> &'static str {
        "protocol buffers"
    }

    fn encode(&self, value: &M, into: &mut BytesMut) -> Result<(), Reason> {
        Ok(value.encode(into)?)
    }
}

impl<M: Message + Default> Decode<M> for Protobuf {
    fn name(&self) -> &'static str {
        "protocol buffers"
    }

    fn decode(&self, bytes: &[u8]) -> Result<M, Reason> {
        Ok(M::decode(bytes)?)
    }
}
