//! The cells that most options concern, on loopback.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anysock::{Cell, Domain, Options, Type};
use anysock_core::Socket;

use crate::link;

/// TCP over both families.
pub(crate) const STREAMS: [Cell; 2] = [Cell::IPV4_STREAM, Cell::IPV6_STREAM];

/// UDP over both families.
pub(crate) const DATAGRAMS: [Cell; 2] = [Cell::IPV4_DATAGRAM, Cell::IPV6_DATAGRAM];

/// A connection, by TCP at `address`; the client, then what was accepted.
pub(crate) fn connect(address: IpAddr, client: &Options, server: &Options) -> (Socket, Socket) {
    let listener = link::bind(Type::Stream, &link::at(address, 0), server).unwrap();
    let client = link::begin(Type::Stream, &listener.local_addr().unwrap(), client).unwrap();
    let server = link::accept(&listener);
    link::wait(&client, libc::POLLOUT);
    (client, server)
}

/// The loopback address of the cell.
pub(crate) fn loopback(cell: Cell) -> IpAddr {
    match cell.domain {
        Domain::Ipv6 => Ipv6Addr::LOCALHOST.into(),
        _ => Ipv4Addr::LOCALHOST.into(),
    }
}

/// Sends until there is no more room; how many bytes were taken.
pub(crate) fn fill(socket: &Socket) -> usize {
    let mut taken = 0;
    loop {
        match socket.send(&[0; 1_000]) {
            Ok(length) => taken += length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return taken,
            Err(error) => panic!("{error}"),
        }
    }
}
