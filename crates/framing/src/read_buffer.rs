//! Bytes received and not yet handed out: grows with what arrives, not with what is announced.

use std::task::{Context, Poll, ready};

use anysock_core::Message;
use bytes::{Buf, Bytes, BytesMut};

use crate::{ByteRecv, Codec, Decoded, Error, ErrorKind};

/// The first read of a burst gets so much room.
const SMALLEST: usize = 8 * 1024;

/// Room doubles up to here while reads fill it.
const LARGEST: usize = 64 * 1024;

/// What was read from a stream and is not yet a message.
///
/// While the stream is silent it holds no more than a small multiple of the bytes at hand, and
/// nothing at all if there are none.
#[derive(Debug)]
pub(crate) struct ReadBuffer {
    bytes: BytesMut,
    /// The codec is not asked again before so many bytes are here.
    needed: usize,
    room: usize,
    /// Size of the allocation in which `bytes` lie, as far as it is known.
    block: usize,
}

impl Default for ReadBuffer {
    fn default() -> Self {
        Self { bytes: BytesMut::new(), needed: 1, room: SMALLEST, block: 0 }
    }
}

impl ReadBuffer {
    /// Reads once; how much it was, 0 at the end.
    pub(crate) fn poll_fill<R: ByteRecv>(
        &mut self,
        io: &mut R,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, Error>> {
        let room = self.make_room()?;
        let read = ready!(io.poll_recv(cx, &mut self.bytes, room))?;
        self.block = self.block.max(self.bytes.capacity());
        self.room = match read >= self.room {
            true => (self.room * 2).min(LARGEST),
            false => self.room,
        };
        Poll::Ready(Ok(read))
    }

    /// How much room the next read is to have. A buffer that has grown past the ordinary is
    /// grown here, since that may fail.
    fn make_room(&mut self) -> Result<usize, Error> {
        let length = self.bytes.len();
        let spare = self.bytes.capacity() - length;
        // Of a long frame no more is provided for than was received of it twice over.
        let missing = self.needed.saturating_sub(length);
        let room = self.room.max(missing.min(2 * length));
        if spare >= room.min(4 * 1024) {
            return Ok(1);
        }
        if length + room > LARGEST {
            let mut larger = Vec::new();
            let grown = larger.try_reserve_exact(length + room);
            grown.map_err(|_| ErrorKind::OutOfMemory { length: self.needed })?;
            larger.extend_from_slice(&self.bytes);
            self.bytes = BytesMut::from(Bytes::from(larger));
            self.block = self.bytes.capacity();
            return Ok(1);
        }
        Ok(room)
    }

    /// The next message, if it is here. `ended` if nothing more will come.
    pub(crate) fn next<C: Codec>(
        &mut self,
        codec: &mut C,
        ended: bool,
    ) -> Result<Option<Message>, Error> {
        while !self.bytes.is_empty() {
            let found = match self.bytes.len() >= self.needed {
                true => codec.decode(&self.bytes)?,
                false => Decoded::More { total: self.needed },
            };
            let found = match found {
                Decoded::More { .. } if ended => codec.decode_end(&self.bytes)?,
                found => found,
            };
            match found {
                Decoded::More { total } => {
                    self.needed = total.max(self.bytes.len() + 1);
                    return Ok(None);
                }
                Decoded::Skip { consumed } => self.consume(consumed),
                Decoded::Made { message, consumed } => {
                    self.consume(consumed);
                    return Ok(Some(message.into()));
                }
                Decoded::Frame { payload, consumed } => {
                    let length = payload.len();
                    self.bytes.advance(payload.start);
                    // An empty message keeps no block alive.
                    let message = match length {
                        0 => Bytes::new(),
                        _ => self.bytes.split_to(length).freeze(),
                    };
                    self.consume(consumed - payload.end);
                    return Ok(Some(message.into()));
                }
            }
        }
        Ok(None)
    }

    fn consume(&mut self, consumed: usize) {
        self.bytes.advance(consumed);
        self.needed = 1;
    }

    /// Nothing more is here for now: lets go of memory that is not needed for what is at hand.
    pub(crate) fn park(&mut self) {
        if self.bytes.is_empty() {
            *self = Self::default();
        } else if self.block > SMALLEST && self.bytes.len() * 4 < self.block {
            self.bytes = BytesMut::from(&self.bytes[..]);
            self.block = self.bytes.capacity();
            self.room = SMALLEST;
        }
    }

    /// Bytes of memory held for what was received.
    pub(crate) fn held(&self) -> usize {
        match self.bytes.capacity() {
            0 => 0,
            capacity => self.block.max(capacity),
        }
    }
}
