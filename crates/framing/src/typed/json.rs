//! Values as JSON texts.

use bytes::{BufMut as _, BytesMut};
use serde::{Serialize, de::DeserializeOwned};

use super::{Decode, Encode, Reason};

/// Each value as one JSON text (RFC 8259), without line ends in it: over
/// [`Delimited::lines`](crate::Delimited::lines) that is newline-delimited JSON.
///
/// Read and written by serde_json; texts nest 128 deep at most. Needs the feature `serde`.
///
/// ```
/// use anysock_framing::{Decode, Encode, Json};
/// use bytes::BytesMut;
///
/// let mut text = BytesMut::new();
/// Json.encode(&["a", "b"], &mut text)?;
/// assert_eq!(text, r#"["a","b"]"#);
/// let read: Vec<String> = Json.decode(&text)?;
/// assert_eq!(read, ["a", "b"]);
/// # Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json;

impl<M: Serialize> Encode<M> for Json {
    fn name(&self) -> &'static str {
        "JSON"
    }

    fn encode(&self, value: &M, into: &mut BytesMut) -> Result<(), Reason> {
        Ok(serde_json::to_writer(into.writer(), value)?)
    }
}

impl<M: DeserializeOwned> Decode<M> for Json {
    fn name(&self) -> &'static str {
        "JSON"
    }

    fn decode(&self, bytes: &[u8]) -> Result<M, Reason> {
        Ok(serde_json::from_slice(bytes)?)
    }
}
