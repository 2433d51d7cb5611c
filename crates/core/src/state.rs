//! What the kernel tells of a socket: bytes that wait, what it dropped, who is at the other end.

use std::io;
use std::os::fd::AsFd;

use crate::{Cell, Domain, Socket, TcpInfo, Type, sys};

/// Each is one system call, and changes nothing.
impl Socket {
    /// Bytes that were given to the kernel and that it still keeps for this socket: `SIOCOUTQ`.
    ///
    /// | cell | counts | until |
    /// |---|---|---|
    /// | TCP | bytes of the stream, and the end that was sent | the peer's kernel has acknowledged them |
    /// | UDP | memory of datagrams, headers and the kernel's account included | they have left this host, which on loopback is at once |
    /// | unix | memory of messages, the kernel's account included: hundreds of bytes for one | the peer has received them |
    ///
    /// So on TCP it is a count, and elsewhere only zero or not, and more or less, mean something.
    ///
    /// ```
    /// use anysock_core::{Socket, Type};
    /// let (a, b) = Socket::pair(Type::SeqPacket)?;
    /// assert_eq!(a.unsent_bytes()?, 0);
    /// a.send(b"hello")?;
    /// assert!(a.unsent_bytes()? >= 5);
    /// b.recv(&mut [0; 8])?;
    /// assert_eq!(a.unsent_bytes()?, 0);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of ioctl(2): [`InvalidInput`](io::ErrorKind::InvalidInput) on a socket that listens.
    pub fn unsent_bytes(&self) -> io::Result<usize> {
        sys::waiting(self.as_fd(), libc::TIOCOUTQ)
    }

    /// Bytes that have come and were not received yet: `FIONREAD`. On stream and unix seqpacket
    /// sockets all of them; on datagram sockets the length of the *next* message, where 0 is an
    /// empty message or none.
    ///
    /// ```
    /// use anysock_core::{Socket, Type};
    /// for (kind, unread) in [(Type::Stream, 8), (Type::SeqPacket, 8), (Type::Datagram, 5)] {
    ///     let (a, b) = Socket::pair(kind)?;
    ///     a.send(b"hello")?;
    ///     a.send(b"you")?;
    ///     assert_eq!(b.unread_bytes()?, unread);
    /// }
    /// # Ok::<_, std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of ioctl(2): [`InvalidInput`](io::ErrorKind::InvalidInput) on a socket that listens.
    pub fn unread_bytes(&self) -> io::Result<usize> {
        sys::waiting(self.as_fd(), libc::FIONREAD)
    }

    /// Messages that came for this socket and that the kernel dropped, above all because the
    /// receive buffer was full; since it was opened, modulo 2^32: `SO_MEMINFO`.
    ///
    /// Only UDP drops: unix sockets hold the sender back instead.
    ///
    /// ```
    /// use anysock_core::{Cell, Socket};
    /// let socket = Socket::open(Cell::IPV4_DATAGRAM)?;
    /// assert_eq!(socket.kernel_drops()?, 0);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn kernel_drops(&self) -> io::Result<u32> {
        let mut words = [0; 4 * (libc::SK_MEMINFO_DROPS as usize + 1)];
        sys::get_bytes(self.as_fd(), libc::SOL_SOCKET, sys::SO_MEMINFO, &mut words)?;
        let [.., a, b, c, d] = words;
        Ok(u32::from_ne_bytes([a, b, c, d]))
    }

    /// What TCP knows of the connection: `TCP_INFO`, tcp(7).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on sockets of other cells.
    pub fn tcp_info(&self) -> io::Result<TcpInfo> {
        if !matches!(self.cell(), Cell::IPV4_STREAM | Cell::IPV6_STREAM) {
            let what = format!("{} sockets know nothing of TCP", self.cell());
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        let mut bytes = [0; TcpInfo::LENGTH];
        let length = sys::get_bytes(self.as_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, &mut bytes)?;
        Ok(TcpInfo::parse(&bytes[..length.min(bytes.len())]))
    }

    /// The supplementary groups of whoever created the other end of a unix connection, when he
    /// did: `SO_PEERGROUPS`. His own group is among the [credentials](Self::peer_credentials).
    ///
    /// ```
    /// use anysock_core::{Socket, Type};
    /// let (a, b) = Socket::pair(Type::Stream)?;
    /// assert_eq!(a.peer_groups()?, b.peer_groups()?);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on internet sockets; those of getsockopt(2),
    /// of which `ENODATA` says that there is no other end that was created: unix datagrams.
    pub fn peer_groups(&self) -> io::Result<Vec<u32>> {
        if self.cell().domain != Domain::Unix || self.cell().kind == Type::Datagram {
            let what = format!("{} sockets know no groups of the peer", self.cell());
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        sys::get_groups(self.as_fd())
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn groups_are_those_of_this_process_which_made_both_ends() {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
        let mut own: Vec<u32> = line.split_whitespace().map(|gid| gid.parse().unwrap()).collect();
        own.sort_unstable();
        for kind in [Type::Stream, Type::SeqPacket] {
            let (a, _b) = Socket::pair(kind).unwrap();
            let mut groups = a.peer_groups().unwrap();
            groups.sort_unstable();
            assert_eq!(groups, own);
        }
    }

    #[test]
    fn where_nobody_created_the_other_end_there_are_no_groups_which_a_typed_error_says() {
        let datagram = Socket::pair(Type::Datagram).unwrap().0;
        for socket in [datagram, Socket::open(Cell::IPV4_STREAM).unwrap()] {
            assert_eq!(socket.peer_groups().unwrap_err().kind(), io::ErrorKind::Unsupported);
        }
    }

    #[test]
    fn udp_counts_what_found_no_room() {
        for (cell, any) in [(Cell::IPV4_DATAGRAM, "127.0.0.1:0"), (Cell::IPV6_DATAGRAM, "[::1]:0")]
        {
            let [near, far] = [(); 2].map(|()| Socket::open(cell).unwrap());
            far.bind(&any.parse::<SocketAddr>().unwrap().into()).unwrap();
            near.connect(&far.local_addr().unwrap()).unwrap();
            let sent = 2_000;
            (0..sent).for_each(|_| assert_eq!(near.send(&[7; 1_000]).unwrap(), 1_000));
            let mut received = 0;
            while far.recv(&mut [0; 1_000]).is_ok() {
                received += 1;
            }
            assert!(0 < received && received < sent, "{received}");
            assert_eq!(far.kernel_drops().unwrap(), sent - received);
            assert_eq!(near.kernel_drops().unwrap(), 0);
        }
    }

    #[test]
    fn udp_has_nothing_unsent_on_loopback_and_tells_the_length_of_the_next_message() {
        let [near, far] = [(); 2].map(|()| Socket::open(Cell::IPV4_DATAGRAM).unwrap());
        far.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        near.connect(&far.local_addr().unwrap()).unwrap();
        near.send(b"hello").unwrap();
        near.send(b"you").unwrap();
        assert_eq!((near.unsent_bytes().unwrap(), far.unread_bytes().unwrap()), (0, 5));
        far.recv(&mut [0; 8]).unwrap();
        assert_eq!(far.unread_bytes().unwrap(), 3);
    }

    #[test]
    fn unix_counts_memory_and_not_bytes_until_they_are_received() {
        let (a, b) = Socket::pair(Type::Stream).unwrap();
        a.send(b"x").unwrap();
        let one = a.unsent_bytes().unwrap();
        assert!(one > 100, "{one}");
        a.send(b"x").unwrap();
        assert_eq!(a.unsent_bytes().unwrap(), 2 * one);
        assert_eq!(b.unread_bytes().unwrap(), 2);
        assert_eq!(b.recv(&mut [0; 8]).unwrap(), 2);
        assert_eq!((a.unsent_bytes().unwrap(), b.unread_bytes().unwrap()), (0, 0));
    }

    #[test]
    fn tcp_counts_the_bytes_that_are_not_acknowledged() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let listener = std::net::TcpListener::bind(any).unwrap();
            let near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (_far, _) = listener.accept().unwrap();
            near.set_nonblocking(true).unwrap();
            let mut sent = 0;
            while let Ok(more) = std::io::Write::write(&mut &near, &[7; 65_536]) {
                sent += more;
            }
            let unsent = sys::waiting(near.as_fd(), libc::TIOCOUTQ).unwrap();
            assert!(0 < unsent && unsent < sent, "{unsent} of {sent}");
        }
    }
}
