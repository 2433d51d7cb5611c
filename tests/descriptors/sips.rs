//! A stream that is read in small pieces.

use std::io::{IoSlice, Result};
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};

use anysock_async::{StreamRecv, StreamSend, StreamSocket};
use anysock_framing::{Ancillary, ByteRecv, ByteSend, ByteStream, Passed, RecvBlock};

/// A stream that is read in sips of these sizes, one after the other and over again.
pub(crate) struct Sips<S> {
    stream: S,
    sizes: Vec<usize>,
    count: usize,
}

impl<S> Sips<S> {
    pub(crate) fn of(stream: S, sizes: Vec<usize>) -> Self {
        Self { stream, sizes, count: 0 }
    }

    fn next(&mut self) -> usize {
        self.count += 1;
        self.sizes[self.count % self.sizes.len()]
    }
}

impl<S: ByteRecv> ByteRecv for Sips<S> {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<Result<usize>> {
        let most = most.min(self.next());
        self.stream.poll_recv(cx, block, most)
    }

    fn poll_recv_passed(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
        passed: &mut Passed,
    ) -> Poll<Result<usize>> {
        let most = most.min(self.next());
        self.stream.poll_recv_passed(cx, block, most, passed)
    }
}

impl ByteSend for Sips<StreamSocket> {
    fn poll_send(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        self.stream.poll_send(cx, slices)
    }

    fn carries(&self) -> Ancillary {
        self.stream.carries()
    }

    fn poll_send_passing(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        descriptors: &[OwnedFd],
    ) -> Poll<Result<usize>> {
        ByteSend::poll_send_passing(&mut self.stream, cx, slices, descriptors)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ByteSend::poll_flush(&mut self.stream, cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ByteSend::poll_shutdown(&mut self.stream, cx)
    }

    fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<Result<usize>> {
        ByteSend::poll_drain(&mut self.stream, cx, block, most)
    }
}

impl ByteStream for Sips<StreamSocket> {
    type Recv = Sips<StreamRecv>;
    type Send = StreamSend;

    fn split(self) -> (Self::Recv, StreamSend) {
        let (stream, sending) = self.stream.into_split();
        (Sips::of(stream, self.sizes), sending)
    }
}
