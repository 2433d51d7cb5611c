//! A stream of which no read takes more than so many bytes.

use std::io::{IoSlice, Result};
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};

use anysock_async::{StreamRecv, StreamSend, StreamSocket};
use anysock_framing::{Ancillary, ByteRecv, ByteSend, ByteStream, Passed, RecvBlock};

/// Reads at most `most` bytes at a time.
pub(crate) struct Sips<S> {
    pub(crate) stream: S,
    pub(crate) most: usize,
}

impl<S: ByteRecv> ByteRecv for Sips<S> {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<Result<usize>> {
        self.stream.poll_recv(cx, block, most.min(self.most))
    }

    fn poll_recv_passed(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
        passed: &mut Passed,
    ) -> Poll<Result<usize>> {
        self.stream.poll_recv_passed(cx, block, most.min(self.most), passed)
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
        (Sips { stream, most: self.most }, sending)
    }
}
