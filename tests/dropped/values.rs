//! Messages as values, and through a codec of tokio-util: both as the bytes that they are.

use std::io;

use anysock::{Coded, Decode, Encode, Message, Typed};
use bytes::{BufMut, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

/// The bytes of a message are the value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AsItIs;

type Reason = Box<dyn std::error::Error + Send + Sync>;

impl Encode<Bytes> for AsItIs {
    fn name(&self) -> &'static str {
        "bytes"
    }

    fn encode(&self, value: &Bytes, into: &mut BytesMut) -> Result<(), Reason> {
        into.put_slice(value);
        Ok(())
    }
}

impl Decode<Message> for AsItIs {
    fn name(&self) -> &'static str {
        "bytes"
    }

    fn decode(&self, bytes: &[u8]) -> Result<Message, Reason> {
        Ok(Bytes::copy_from_slice(bytes).into())
    }
}

/// One item of each message, the empty one too.
#[derive(Clone, Debug, Default)]
pub(crate) struct OneItem {
    was_given: bool,
}

impl Encoder<Bytes> for OneItem {
    type Error = io::Error;

    fn encode(&mut self, item: Bytes, into: &mut BytesMut) -> io::Result<()> {
        into.put_slice(&item);
        Ok(())
    }
}

impl Decoder for OneItem {
    type Item = Message;
    type Error = io::Error;

    fn decode(&mut self, _: &mut BytesMut) -> io::Result<Option<Message>> {
        unreachable!("these transports keep boundaries")
    }

    fn decode_eof(&mut self, message: &mut BytesMut) -> io::Result<Option<Message>> {
        self.was_given = !self.was_given;
        Ok(self.was_given.then(|| message.split().freeze().into()))
    }
}

/// Values over this half.
pub(crate) fn typed<T>(half: T) -> Typed<T, AsItIs, Bytes, Message> {
    Typed::new(half, AsItIs)
}

/// Items over this half.
pub(crate) fn coded<T>(half: T) -> Coded<T, OneItem> {
    Coded::new(half, OneItem::default())
}
