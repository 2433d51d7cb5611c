//! What the kernel tells of a connection's socket.

use std::io;

use anysock_core::{Socket, TcpInfo};

use super::{Connection, Inner, no_socket, within};

/// Each is one system call, and changes nothing.
impl Connection {
    /// What TCP knows of the connection: round-trip time, windows, losses, rates, and what limits
    /// them.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock::{TcpState, prelude::*};
    ///
    /// let mut listener = anysock::bind("tcp://127.0.0.1:0").await?;
    /// let client = anysock::connect(listener.endpoint()).await?;
    /// let info = client.tcp_info()?;
    /// assert_eq!(info.state, TcpState::Established);
    /// println!("{:?} there and back", info.rtt);
    /// # Ok::<_, anysock::Error>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) everywhere but on TCP; those of getsockopt(2).
    pub fn tcp_info(&self) -> io::Result<TcpInfo> {
        self.own_socket("TCP")?.tcp_info()
    }

    /// Bytes that were given to the kernel and that it still keeps: on TCP those that the peer has
    /// not acknowledged, elsewhere the memory of messages that were not received; see
    /// [`Socket::unsent_bytes`]. What was not given to it yet, [`Stats::unsent`](crate::Stats)
    /// tells.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) for a peer of a datagram listener, which shares
    /// its socket with all others, in memory and over other transports; those of ioctl(2).
    pub fn unsent_bytes(&self) -> io::Result<usize> {
        self.own_socket("bytes in the kernel")?.unsent_bytes()
    }

    /// Bytes that have come and that the kernel still keeps: all of them, on datagrams the length
    /// of the next message; see [`Socket::unread_bytes`]. What was taken from it already,
    /// [`Stats::held`](crate::Stats) tells.
    ///
    /// # Errors
    ///
    /// As [`unsent_bytes`](Self::unsent_bytes).
    pub fn unread_bytes(&self) -> io::Result<usize> {
        self.own_socket("bytes in the kernel")?.unread_bytes()
    }

    /// The socket that is this connection's alone.
    fn own_socket(&self, what: &str) -> io::Result<&Socket> {
        match &self.0 {
            Inner::Stream(framed) => Ok(framed.stream().socket()),
            Inner::SeqPacket(packets) => Ok(packets.socket().socket()),
            Inner::Datagram(packets) => Ok(packets.socket().socket()),
            Inner::Limited(limited, _) => within(limited).own_socket(what),
            Inner::Peer(_) | Inner::Upgraded(..) | Inner::Memory(_) | Inner::Other(_) => {
                Err(no_socket(what))
            }
        }
    }
}
