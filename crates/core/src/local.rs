//! The local address of a client: asked for before it connects.

use std::io;
use std::os::fd::AsFd;

use crate::{Addr, Socket, Type, sys};

impl Socket {
    /// Gives a socket that is going to connect the name `addr`: bind(2). With port 0 of TCP the
    /// kernel is told before to choose the port while connecting (`IP_BIND_ADDRESS_NO_PORT`,
    /// ip(7)), when it knows the peer: then one port serves towards many peers. That is two
    /// system calls.
    ///
    /// # Errors
    ///
    /// Those of bind(2); [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable) for an address
    /// that this host has not.
    ///
    /// ```
    /// use anysock_core::{Addr, Cell, Socket};
    ///
    /// let any = Addr::Ip("127.0.0.1:0".parse()?);
    /// let socket = Socket::open(Cell::IPV4_STREAM)?;
    /// socket.bind_client(&any)?;
    /// assert_eq!(socket.local_addr()?, any); // there is no port yet
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn bind_client(&self, addr: &Addr) -> io::Result<()> {
        if self.cell().kind == Type::Stream && addr.as_ip().is_some_and(|ip| ip.port() == 0) {
            let later =
                sys::set_flag(self.as_fd(), libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, true);
            if let Err(error) = later {
                // Multipath TCP may not know it: then the port is chosen now, which is as good
                // until ports are scarce.
                tracing::debug!(cell = %self.cell(), %error, "the port is chosen before connecting");
            }
        }
        self.bind(addr)
    }
}
