//! A stream socket as a byte stream.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use anysock_async::{Calls, Closed, StreamRecv, StreamSend, StreamSocket};
use anysock_core::RecvBlock;
use tokio::io::AsyncWrite;

use super::{ByteRecv, ByteSend, ByteStream};

impl ByteRecv for StreamSocket {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        self.poll_recv_block(cx, block, most)
    }

    fn closed(&self) -> io::Result<Closed> {
        StreamSocket::closed(self)
    }

    fn receive_calls(&self) -> Calls {
        StreamSocket::receive_calls(self)
    }
}

impl ByteRecv for StreamRecv {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        self.poll_recv_block(cx, block, most)
    }

    fn closed(&self) -> io::Result<Closed> {
        StreamRecv::closed(self)
    }

    fn receive_calls(&self) -> Calls {
        StreamRecv::receive_calls(self)
    }
}

impl ByteSend for StreamSocket {
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self).poll_write_vectored(cx, slices)
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_shutdown(Pin::new(self), cx)
    }

    fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        self.poll_recv_block(cx, block, most)
    }

    fn closed(&self) -> io::Result<Closed> {
        StreamSocket::closed(self)
    }

    fn send_calls(&self) -> Calls {
        StreamSocket::send_calls(self)
    }
}

impl ByteSend for StreamSend {
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self).poll_write_vectored(cx, slices)
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_shutdown(Pin::new(self), cx)
    }

    fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        match self.is_alone() {
            true => StreamSend::poll_drain(self, cx, block, most),
            false => Poll::Ready(Ok(0)),
        }
    }

    fn closed(&self) -> io::Result<Closed> {
        StreamSend::closed(self)
    }

    fn send_calls(&self) -> Calls {
        StreamSend::send_calls(self)
    }
}

impl ByteStream for StreamSocket {
    type Recv = StreamRecv;
    type Send = StreamSend;

    fn split(self) -> (StreamRecv, StreamSend) {
        self.into_split()
    }
}
