//! A registered socket of any type, and its far end without a runtime.

use std::pin::Pin;
use std::task::{Context, Poll};

use anysock_async::{DatagramSocket, SeqPacketSocket, StreamSocket};
use anysock_core::{Cell, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::ends::Ends;

/// A registered socket of any type, that moves one byte, or one message, at a time.
pub(crate) enum Near {
    Stream(StreamSocket),
    Datagram(DatagramSocket),
    SeqPacket(SeqPacketSocket),
}

impl Near {
    pub(crate) fn new(cell: Cell) -> (Self, Socket) {
        let Ends { near, far } = Ends::new(cell);
        let near = match cell.kind {
            Type::Stream => Self::Stream(StreamSocket::new(near).unwrap()),
            Type::Datagram => Self::Datagram(DatagramSocket::new(near).unwrap()),
            Type::SeqPacket => Self::SeqPacket(SeqPacketSocket::new(near).unwrap()),
        };
        (near, far)
    }

    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Stream(socket) => {
                Pin::new(socket).poll_write(cx, b"x").map(|sent| assert_eq!(sent.unwrap(), 1))
            }
            Self::Datagram(socket) => socket.poll_send(cx, b"x").map(Result::unwrap),
            Self::SeqPacket(socket) => socket.poll_send(cx, b"x").map(Result::unwrap),
        }
    }

    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Stream(socket) => {
                let mut byte = [0];
                Pin::new(socket).poll_read(cx, &mut ReadBuf::new(&mut byte)).map(Result::unwrap)
            }
            Self::Datagram(socket) => {
                socket.poll_recv_packet(cx, 8).map(|packet| assert!(packet.unwrap().is_some()))
            }
            Self::SeqPacket(socket) => {
                socket.poll_recv_packet(cx, 8).map(|packet| assert!(packet.unwrap().is_some()))
            }
        }
    }

    /// By the method that any number of tasks may call; streams have none.
    pub(crate) async fn send(&self) {
        match self {
            Self::Stream(_) => std::future::pending().await,
            Self::Datagram(socket) => socket.send(b"x").await.unwrap(),
            Self::SeqPacket(socket) => socket.send(b"x").await.unwrap(),
        }
    }

    pub(crate) async fn recv(&self) {
        let mut buffer = [0; 8];
        let received = match self {
            Self::Stream(_) => std::future::pending().await,
            Self::Datagram(socket) => socket.recv(&mut buffer).await,
            Self::SeqPacket(socket) => socket.recv(&mut buffer).await,
        };
        assert!(received.unwrap().is_some());
    }
}
