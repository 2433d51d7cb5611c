//! What a case is played on: one set of methods, over anysock and over plain tokio.

use std::io;

use anysock::{Addr, Cell, Options};
use anysock_core::Socket;

/// The sockets that a case is played on.
pub(crate) trait Sockets {
    type Connection: 'static;
    type Listener;

    /// Connects, from `from` if that matters.
    async fn connect(
        cell: Cell,
        to: &Addr,
        from: Option<&Addr>,
        options: &Options,
    ) -> io::Result<Self::Connection>;

    /// Listens at `addr`; messages of up to [`LONGEST`] bytes are taken on streams.
    async fn bind(cell: Cell, addr: &Addr) -> io::Result<Self::Listener>;

    /// The next connection, or the next who sends a datagram.
    async fn accept(listener: &mut Self::Listener) -> io::Result<Self::Connection>;

    async fn send(connection: &mut Self::Connection, message: &[u8]) -> io::Result<()>;

    /// Sends on a datagram socket that is not connected.
    async fn send_to(socket: Socket, message: &[u8], to: &Addr) -> io::Result<()>;

    /// Sends at once or not at all.
    fn try_send(connection: &mut Self::Connection, message: &[u8]) -> io::Result<()>;

    /// The length of the next message; `None` at the end.
    async fn recv(connection: &mut Self::Connection) -> io::Result<Option<usize>>;

    /// A duplicate of the socket underneath.
    fn duplicate(connection: &Self::Connection) -> Socket;

    /// A duplicate of the socket underneath.
    fn duplicate_listener(listener: &Self::Listener) -> Socket;
}

/// The longest message on a stream.
pub(crate) const LONGEST: usize = 8 << 20;
