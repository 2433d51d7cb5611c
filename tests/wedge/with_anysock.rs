//! The cases on anysock, through its face; what has no peer is sent by the socket underneath.

use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use anysock::prelude::*;
use anysock::{
    Addr, Cell, Connection, Endpoint, Listener, Options, PeerLimits, Protocol, TrySendError, Type,
};
use anysock_async::DatagramSocket;
use anysock_core::Socket;

use crate::sockets::{LONGEST, Sockets};

/// `connect`, `bind`, `Listener` and `Connection`; `DatagramSocket`.
pub(crate) struct Anysock;

impl Sockets for Anysock {
    type Connection = Connection;
    type Listener = Listener;

    async fn connect(
        cell: Cell,
        to: &Addr,
        from: Option<&Addr>,
        options: &Options,
    ) -> io::Result<Connection> {
        let endpoint = Endpoint::from_addr(to.clone(), Protocol::Default(cell.kind));
        let connect = anysock::connect(endpoint).options(options.clone());
        let connect = match from {
            Some(from) => connect.local_addr(from.clone()),
            None => connect,
        };
        connect.await.map_err(io::Error::from)
    }

    async fn bind(cell: Cell, addr: &Addr) -> io::Result<Listener> {
        let endpoint = Endpoint::from_addr(addr.clone(), Protocol::Default(cell.kind));
        let mut bind = anysock::bind(endpoint);
        match cell.kind {
            Type::Stream => bind = bind.max(LONGEST),
            // A reply is to block for as long as anybody looks.
            _ => {
                let patience = Duration::from_secs(60);
                bind = bind.peer_limits(PeerLimits { patience, ..PeerLimits::default() });
            }
        }
        bind.await.map_err(io::Error::from)
    }

    async fn accept(listener: &mut Listener) -> io::Result<Connection> {
        AcceptExt::accept(listener).await.map_err(io::Error::from)
    }

    async fn send(connection: &mut Connection, message: &[u8]) -> io::Result<()> {
        SendExt::send(connection, message).await.map_err(io::Error::from)
    }

    async fn send_to(socket: Socket, message: &[u8], to: &Addr) -> io::Result<()> {
        DatagramSocket::new(socket)?.send_to(message, to).await
    }

    fn try_send(connection: &mut Connection, message: &[u8]) -> io::Result<()> {
        let taken = SendExt::try_send(connection, message);
        taken.map_err(|TrySendError { error, .. }| io::Error::from(error))?;
        // It is sent at once too, by the first poll of a flush.
        match connection.poll_flush(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(flushed) => flushed.map_err(io::Error::from),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    async fn recv(connection: &mut Connection) -> io::Result<Option<usize>> {
        let received = RecvExt::recv(connection).await?;
        Ok(received.map(|message| message.len()))
    }

    fn duplicate(connection: &Connection) -> Socket {
        connection.as_socket().unwrap().try_clone().unwrap()
    }

    fn duplicate_listener(listener: &Listener) -> Socket {
        listener.as_socket().unwrap().socket().try_clone().unwrap()
    }
}
