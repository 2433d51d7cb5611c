//! Bytes in and out of a stream socket, whole or in halves.

use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use anysock_core::{Outgoing, Passed, RecvBlock, Socket};
use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{StreamRecv, StreamSend, StreamSocket};
use crate::registered::{Asked, Registered};

pub(super) fn recv_block(
    io: &Registered,
    cx: &mut Context<'_>,
    block: &mut RecvBlock,
    most: usize,
) -> Poll<io::Result<usize>> {
    let read = io
        .poll_read_asking(cx, |socket, asked| recv(socket, &mut (&mut *block).limit(most), asked));
    read.map_ok(|length| length.unwrap_or(0))
}

pub(super) fn recv_passed(
    io: &Registered,
    cx: &mut Context<'_>,
    block: &mut RecvBlock,
    most: usize,
    passed: &mut Passed,
) -> Poll<io::Result<usize>> {
    let asked = io.socket().asked();
    if asked.is_empty() {
        return recv_block(io, cx, block, most);
    }
    let read = io.poll_read_batch(cx, |socket| {
        let chunk = socket.recv_chunk_passed(&mut (&mut *block).limit(most), passed)?;
        passed.keep(asked);
        Ok((chunk.length, chunk.fell_short))
    });
    read.map_ok(|length| length.unwrap_or(0))
}

fn read(io: &Registered, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
    let read = io.poll_read_asking(cx, |socket, asked| {
        let mut unfilled = into.initialize_unfilled();
        recv(socket, &mut unfilled, asked)
    });
    read.map_ok(|length| into.advance(length.unwrap_or(0)))
}

fn recv(socket: &Socket, buffer: &mut impl BufMut, asked: Asked) -> io::Result<(usize, bool)> {
    match asked {
        Asked::Nothing => Ok((socket.recv_buffer(buffer)?, false)),
        Asked::WhetherDrained => {
            let chunk = socket.recv_chunk(buffer)?;
            Ok((chunk.length, chunk.fell_short))
        }
    }
}

pub(super) fn send_passing(
    io: &Registered,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
    descriptors: &[OwnedFd],
) -> Poll<io::Result<usize>> {
    let length: usize = slices.iter().map(|slice| slice.len()).sum();
    let mut with = Outgoing::default();
    with.descriptors = descriptors;
    io.poll_write_part(cx, |socket| {
        let sent = socket.send_message(slices, &with)?;
        Ok((sent, sent < length))
    })
}

fn write(io: &Registered, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
    let length: usize = slices.iter().map(|slice| slice.len()).sum();
    io.poll_write_part(cx, |socket| {
        let sent = match slices {
            [slice] => socket.send(slice)?,
            _ => socket.send_message(slices, &Outgoing::default())?,
        };
        Ok((sent, sent < length))
    })
}

macro_rules! stream_io {
    (read $type:ty) => {
        impl AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                into: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                read(&self.io, cx, into)
            }
        }
    };
    (write $type:ty) => {
        impl AsyncWrite for $type {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                write(&self.io, cx, &[IoSlice::new(bytes)])
            }
            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                write(&self.io, cx, slices)
            }
            fn is_write_vectored(&self) -> bool {
                true
            }
            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }
            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(crate::shutdown_write(&self.io))
            }
        }
    };
}

stream_io!(read StreamSocket);
stream_io!(write StreamSocket);
stream_io!(read StreamRecv);
stream_io!(write StreamSend);
