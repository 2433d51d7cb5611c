//! Values in postcard's compact binary format.

use bytes::BytesMut;
use serde::{Serialize, de::DeserializeOwned};

use super::{Decode, Encode, Reason};

/// Each value in the postcard wire format: varints, no names of fields, so that both ends must have the
/// same types.
///
/// Bytes behind a value make it unreadable. Needs the feature `serde`.
///
/// ```
/// use anysock_framing::{Decode, Encode, Postcard};
/// use bytes::BytesMut;
///
/// let mut bytes = BytesMut::new();
/// Postcard.encode(&(7_u32, "hi"), &mut bytes)?;
/// assert_eq!(bytes, &b"\x07\x02hi"[..]);
/// let read: (u32, String) = Postcard.decode(&bytes)?;
/// assert_eq!(read, (7, "hi".into()));
/// # Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Postcard;

impl<M: Serialize> Encode<M> for Postcard {
    fn name(&self) -> &'static str {
        "postcard"
    }

    fn encode(&self, value: &M, into: &mut BytesMut) -> Result<(), Reason> {
        // What is appended to is moved in and out, and not copied.
        *into = postcard::to_extend(value, std::mem::take(into))?;
        Ok(())
    }
}

impl<M: DeserializeOwned> Decode<M> for Postcard {
    fn name(&self) -> &'static str {
        "postcard"
    }

    fn decode(&self, bytes: &[u8]) -> Result<M, Reason> {
        match postcard::take_from_bytes(bytes)? {
            (value, []) => Ok(value),
            (_, rest) => Err(format!("{} bytes stand behind the value", rest.len()).into()),
        }
    }
}
