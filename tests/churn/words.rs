//! What is said: messages that tell who sent them and which of his they are; and where.

use anysock::{Cell, Domain, Endpoint, Type};
use anysock_core::Addr;

use crate::directory::Directory;

/// Bytes before the filling: who, and which.
pub(crate) const HEAD: usize = 8;

/// The message number `which` of `who`, filled up to `length` bytes.
pub(crate) fn message(who: u32, which: u32, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length.max(HEAD));
    bytes.extend(who.to_be_bytes());
    bytes.extend(which.to_be_bytes());
    bytes.extend((HEAD..length).map(|place| filling(who, which, place)));
    bytes
}

/// Who sent a message, and which it is; that it is whole and as it was sent.
pub(crate) fn read(message: &[u8]) -> (u32, u32) {
    assert!(message.len() >= HEAD, "a message of {} bytes was not sent", message.len());
    let number = |at: usize| u32::from_be_bytes(message[at..at + 4].try_into().unwrap());
    let (who, which) = (number(0), number(4));
    for (place, byte) in message.iter().enumerate().skip(HEAD) {
        assert_eq!(*byte, filling(who, which, place), "byte {place} of message {which} of {who}");
    }
    (who, which)
}

fn filling(who: u32, which: u32, place: usize) -> u8 {
    (who.wrapping_mul(31) ^ which.wrapping_mul(7) ^ place as u32) as u8
}

/// Where a server of `cell` can listen: a port that is free, or a path in `directory`.
pub(crate) fn endpoint(cell: Cell, directory: &Directory) -> Endpoint {
    let text = match (cell.domain, cell.kind) {
        (Domain::Ipv4, Type::Datagram) => "udp://127.0.0.1:0".into(),
        (Domain::Ipv4, _) => "tcp://127.0.0.1:0".into(),
        (Domain::Ipv6, Type::Datagram) => "udp://[::1]:0".into(),
        (Domain::Ipv6, _) => "tcp://[::1]:0".into(),
        (Domain::Unix, Type::Stream) => format!("unix:{}", directory.path("socket")),
        (Domain::Unix, Type::Datagram) => format!("unix-dgram:{}", directory.path("socket")),
        (Domain::Unix, Type::SeqPacket) => format!("unix-seqpacket:{}", directory.path("socket")),
    };
    text.parse().unwrap()
}

/// The address of an endpoint that has one.
pub(crate) fn addr(endpoint: &Endpoint) -> Addr {
    endpoint.addr().expect("a literal, or a path")
}
