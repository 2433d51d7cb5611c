//! Packets on their way to the kernel.

use std::io;
use std::task::{Context, Poll, ready};

use anysock_core::{Ancillary, Attached, Cell, Outbox};

use crate::packet_socket::Fault;
use crate::passing;
use crate::sending::{Drive, HIGH_WATERMARK, Queue, saturated};
use crate::{Error, ErrorKind, PacketSend, Payload};

/// What a message costs in the queue beside its bytes, so that empty ones are bounded too.
const OVERHEAD: usize = 64;

/// Owned payloads from this length on are queued as they are, shorter ones copied: ten bytes
/// must not keep the large block alive of which they are a slice. With something attached all are
/// copied.
const REFERENCED: usize = 4 * 1024;

/// So many packets, or so many bytes of them, go before more are queued: as much as one call of
/// a socket takes, so that the block stays within the processor's caches.
const DUE: (usize, usize) = (128, 65_507);

/// A packet that was refused so often in a row was refused for itself, not for an earlier one.
const TRIES: u32 = 3;

/// What is accepted and not yet sent. Empty, it holds no memory.
#[derive(Debug)]
pub(crate) struct PacketQueue {
    outbox: Outbox,
    unsent: usize,
    /// What came since the last attempt to send.
    fresh: Fresh,
    max: usize,
    /// Whose socket passes on what is attached; `None` if nothing can be.
    cell: Option<Cell>,
    /// How often the first packet was refused, and what was said first.
    refusals: u32,
    refusal: Option<io::Error>,
    /// The first error that is still to be reported.
    error: Option<Error>,
    dropped: u64,
    /// Descriptors that wait.
    descriptors: usize,
    /// The most that was unsent.
    most_unsent: u32,
}

/// Packets, their bytes, and those of the last one.
#[derive(Clone, Copy, Debug, Default)]
struct Fresh {
    packets: usize,
    bytes: usize,
    last: usize,
}

impl PacketQueue {
    /// Takes messages of at most `max` bytes, with what a socket of `cell` passes on.
    pub(crate) fn new(max: usize, cell: Option<Cell>) -> Self {
        Self {
            outbox: Outbox::new(),
            unsent: 0,
            fresh: Fresh::default(),
            max,
            cell,
            refusals: 0,
            refusal: None,
            error: None,
            dropped: 0,
            descriptors: 0,
            most_unsent: 0,
        }
    }

    /// Takes messages of at most `max` bytes from here on.
    pub(crate) fn set_max(&mut self, max: usize) {
        self.max = max;
    }

    #[cold]
    fn push_attached(
        &mut self,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error> {
        let source = attached.source_addr().map(|source| source.to_canonical());
        if source.is_some_and(|source| source.is_ipv6()) && self.cell == Some(Cell::IPV4_DATAGRAM) {
            return Err(ErrorKind::NotAttachable {
                what: "an IPv6 source address",
                cell: self.cell,
            }
            .into());
        }
        self.descriptors += attached.descriptors().len();
        self.outbox.push_attached(payload.as_slice(), attached.take());
        Ok(())
    }

    /// The first packets are done with: sent, or one dropped because of `error`.
    fn pop(&mut self, count: usize, error: Option<ErrorKind>) {
        // Where descriptors are attached, it is to one.
        let attached = self.outbox.attached().map_or(0, |with| with.descriptors().len());
        self.descriptors -= attached;
        self.unsent -= self.outbox.pop(count) + count * OVERHEAD;
        // What was said of a packet that was sent in the end, was said of an earlier one.
        let refusal = self.refusal.take().map(ErrorKind::Refused);
        if let Some(error) = error.or(refusal) {
            self.error.get_or_insert(error.into());
        }
        self.refusals = 0;
    }

    /// The first packet, of `length` bytes, is sent again, or given up, or nothing can be sent.
    fn settle(&mut self, fault: Fault, length: usize, error: io::Error) -> io::Result<()> {
        match fault {
            Fault::Connection => return Err(error),
            Fault::Earlier if self.refusals + 1 < TRIES => {
                self.refusals += 1;
                self.refusal.get_or_insert(error);
            }
            Fault::Earlier | Fault::Packet => {
                let error = self.explained(error);
                tracing::debug!(%error, length, "a queued message was dropped");
                self.dropped += 1;
                self.pop(1, Some(ErrorKind::Dropped { length, source: error }));
            }
        }
        Ok(())
    }
}

impl PacketQueue {
    /// What the kernel says of descriptors that nobody wants says little.
    fn explained(&self, error: io::Error) -> io::Error {
        let passes = self.outbox.attached().is_some_and(|with| !with.descriptors().is_empty());
        if !passes || error.raw_os_error() != Some(libc::EPERM) {
            return error;
        }
        io::Error::new(io::ErrorKind::PermissionDenied, passing::REFUSED)
    }
}

impl Queue for PacketQueue {
    #[inline]
    fn max_message(&self) -> usize {
        self.max
    }

    #[inline]
    fn carries(&self) -> Ancillary {
        self.cell.map_or(Ancillary::NONE, Ancillary::of)
    }

    fn cell(&self) -> Option<Cell> {
        self.cell
    }

    #[inline]
    fn push(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        let length = payload.len();
        match length {
            _ if !attached.is_empty() => self.push_attached(payload, attached)?,
            REFERENCED.. => self.outbox.push(payload.into_bytes()),
            _ => self.outbox.push_copy(payload.as_slice()),
        }
        self.unsent += length + OVERHEAD;
        self.fresh.packets += 1;
        self.fresh.bytes += length;
        self.fresh.last = length;
        Ok(())
    }

    #[inline]
    fn unsent(&self) -> usize {
        self.unsent
    }

    fn most_unsent(&self) -> usize {
        self.most_unsent as usize
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.unsent >= HIGH_WATERMARK || self.descriptors >= Attached::MAX_DESCRIPTORS
    }

    #[inline]
    fn is_due(&self) -> bool {
        let Fresh { packets, bytes, last } = self.fresh;
        // Another one like the last would not fit.
        packets >= DUE.0 || bytes + last > DUE.1 || self.is_full()
    }

    #[inline]
    fn is_flushed(&self) -> bool {
        self.outbox.is_empty()
    }

    fn discard(&mut self) {
        self.outbox.clear();
        (self.unsent, self.descriptors) = (0, 0);
    }

    fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }

    fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl<W: PacketSend> Drive<W> for PacketQueue {
    fn poll_write(&mut self, io: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fresh = Fresh::default();
        self.most_unsent = self.most_unsent.max(saturated(self.unsent));
        while !self.outbox.is_empty() {
            match ready!(io.poll_send_batch(cx, &self.outbox)) {
                Ok(sent) => self.pop(sent, None),
                Err(error) => {
                    let length = self.outbox.front().map_or(0, <[u8]>::len);
                    self.settle(io.fault(&error), length, error)?;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(io: &mut W, _: &mut Context<'_>) -> Poll<io::Result<bool>> {
        Poll::Ready(match io.shutdown() {
            // A peer that is gone already has seen the end.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            done => done,
        })
    }

    fn poll_discard(io: &mut W, cx: &mut Context<'_>) -> Poll<()> {
        while let Ok(Some(_)) = ready!(io.poll_drain(cx)) {}
        Poll::Ready(())
    }
}
