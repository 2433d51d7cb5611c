//! What blocking std does at best: one thread, coalescing writer, slicing reader, no reactor.

use std::io::{self, IoSlice, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use crate::ends::Consumer;
use crate::harness::Contender;

/// Written together.
const BLOCK: usize = 128 * 1024;

/// Read together.
const READ: usize = 64 * 1024;

/// From here on payloads are referenced by the write, not copied.
const REFERENCED: usize = 4 * 1024;

/// At most so many slices are written together.
const SLICES: usize = 64;

const HEADER: usize = 4;

/// A contender that alternates between writing and reading on one thread.
pub(crate) fn contender(name: &'static str, message: &'static [u8]) -> Contender {
    Contender::new(name, move || {
        let (near, far) = UnixStream::pair().expect("a socket pair");
        // Blocking would be a deadlock: the thread that would read is the one that writes.
        near.set_nonblocking(true).expect("non-blocking");
        far.set_nonblocking(true).expect("non-blocking");
        let mut writer = Writer::new(near, message);
        let mut reader = Reader::new(far, message);
        Box::new(move |count| {
            let start = Instant::now();
            let total = count * (HEADER + message.len());
            let mut unsent = total;
            while reader.consumer.taken() < count {
                unsent -= writer.write(total - unsent, unsent).expect("writing");
                while reader.read().expect("reading") {}
            }
            let elapsed = start.elapsed();
            reader.consumer.settle(count);
            elapsed.as_secs_f64()
        })
    })
}

struct Writer {
    io: UnixStream,
    message: &'static [u8],
    block: Vec<u8>,
    /// How much of the block has gone.
    written: usize,
}

impl Writer {
    fn new(io: UnixStream, message: &'static [u8]) -> Self {
        Self { io, message, block: Vec::with_capacity(BLOCK), written: 0 }
    }

    /// Writes as much as the kernel takes, of frames of which `sent` bytes have gone.
    fn write(&mut self, sent: usize, unsent: usize) -> io::Result<usize> {
        let mut gone = 0;
        while gone < unsent {
            let written = match self.message.len() < REFERENCED {
                true => self.write_block(unsent - gone),
                false => self.write_slices(sent + gone, unsent - gone),
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                written => gone += written?,
            }
        }
        Ok(gone)
    }

    fn write_block(&mut self, unsent: usize) -> io::Result<usize> {
        if self.written == self.block.len() {
            self.written = 0;
            self.block.clear();
            let frame = HEADER + self.message.len();
            for _ in 0..BLOCK.min(unsent) / frame {
                self.block.extend_from_slice(&self.header());
                self.block.extend_from_slice(self.message);
            }
        }
        let written = self.io.write(&self.block[self.written..])?;
        self.written += written;
        Ok(written)
    }

    fn write_slices(&mut self, sent: usize, unsent: usize) -> io::Result<usize> {
        let header = self.header();
        let within = sent % (HEADER + self.message.len());
        let mut slices = [IoSlice::new(&[]); SLICES];
        let (mut filled, mut total) = (0, 0);
        let mut parts = [&header[..], self.message].into_iter().cycle();
        let mut skip = within;
        while filled < SLICES && total < BLOCK.min(unsent) {
            let part = parts.next().unwrap_or_default();
            let part = &part[skip.min(part.len())..];
            skip = if total == 0 && part.is_empty() { skip - HEADER } else { 0 };
            if !part.is_empty() {
                slices[filled] = IoSlice::new(part);
                (filled, total) = (filled + 1, total + part.len());
            }
        }
        self.io.write_vectored(&slices[..filled])
    }

    fn header(&self) -> [u8; HEADER] {
        (self.message.len() as u32).to_be_bytes()
    }
}

struct Reader {
    io: UnixStream,
    buffer: Box<[u8]>,
    header: [u8; HEADER],
    /// How much of the header is here.
    headed: usize,
    /// How much of the payload is still to come.
    missing: usize,
    consumer: Consumer,
}

impl Reader {
    fn new(io: UnixStream, message: &'static [u8]) -> Self {
        Self {
            io,
            buffer: vec![0; READ].into(),
            header: [0; HEADER],
            headed: 0,
            missing: 0,
            consumer: Consumer::new(message),
        }
    }

    /// Reads once, and hands out what it was; whether there may be more.
    fn read(&mut self) -> io::Result<bool> {
        let read = match self.io.read(&mut self.buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            read => read?,
        };
        let mut rest = &self.buffer[..read];
        while !rest.is_empty() {
            if self.missing > 0 {
                let (piece, after) = rest.split_at(self.missing.min(rest.len()));
                self.missing -= piece.len();
                self.consumer.take_piece(piece, self.missing == 0);
                rest = after;
                continue;
            }
            // The common case: header and payload are here.
            if self.headed == 0 && rest.len() > HEADER {
                let (header, after) = rest.split_at(HEADER);
                let length = length(header);
                if after.len() >= length {
                    self.consumer.take(&after[..length]);
                    rest = &after[length..];
                    continue;
                }
            }
            let (part, after) = rest.split_at((HEADER - self.headed).min(rest.len()));
            self.header[self.headed..self.headed + part.len()].copy_from_slice(part);
            self.headed += part.len();
            if self.headed == HEADER {
                (self.headed, self.missing) = (0, length(&self.header));
            }
            rest = after;
        }
        // A read that fell short has emptied the socket.
        Ok(read == self.buffer.len())
    }
}

fn length(header: &[u8]) -> usize {
    u32::from_be_bytes(header.try_into().expect("four bytes")) as usize
}
