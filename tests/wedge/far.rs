//! The far end of a connection, without a runtime.

use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicU32, Ordering};

use anysock::{Addr, Cell, Domain, Options, Type, UnixAddr};
use anysock_core::{Outgoing, Socket};

use crate::link;
use crate::sockets::Sockets;

/// An address that nobody else uses.
pub(crate) fn fresh(domain: Domain) -> Addr {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    match domain {
        Domain::Unix => {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("anysock-wedge-{}-{count}", std::process::id());
            UnixAddr::abstract_name(name).unwrap().into()
        }
        Domain::Ipv4 => Addr::Ip("127.0.0.1:0".parse().unwrap()),
        Domain::Ipv6 => Addr::Ip("[::1]:0".parse().unwrap()),
    }
}

/// A bound socket, which listens if it can.
pub(crate) fn bound(cell: Cell) -> Socket {
    link::bind(cell.kind, &fresh(cell.domain), &Options::new()).unwrap()
}

/// A connection of `S`, and its far end.
pub(crate) async fn ends<S: Sockets>(cell: Cell, options: &Options) -> (S::Connection, Socket) {
    let far = bound(cell);
    let near = S::connect(cell, &far.local_addr().unwrap(), None, options).await.unwrap();
    if cell.kind.is_connection_oriented() {
        return (near, link::accept(&far));
    }
    far.connect(&S::duplicate(&near).local_addr().unwrap()).unwrap();
    (near, far)
}

/// One who has connected to `listener`, or sends to it.
pub(crate) fn client(listener: &Socket) -> Socket {
    let to = listener.local_addr().unwrap();
    let client = Socket::open(listener.cell()).unwrap();
    if client.cell().kind == Type::Datagram {
        client.bind(&fresh(client.cell().domain)).unwrap();
    }
    match client.connect(&to) {
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {
            link::wait(&client, libc::POLLOUT);
        }
        done => done.unwrap(),
    }
    client
}

/// A message as it travels.
pub(crate) fn frame(cell: Cell, message: &[u8]) -> Vec<u8> {
    match cell.kind {
        Type::Stream => [&(message.len() as u32).to_be_bytes(), message].concat(),
        _ => message.to_vec(),
    }
}

/// Sends until there is no room.
pub(crate) fn fill(socket: &Socket, to: Option<&Addr>) {
    // As many bytes as a packet may have where it is not to be taken apart.
    let length = if socket.cell().kind == Type::Stream { 64 << 10 } else { 1000 };
    let filler = vec![0; length];
    let with = to.map_or(Outgoing::default(), Outgoing::to);
    for _ in 0..100_000 {
        match socket.send_message(&[IoSlice::new(&filler)], &with) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) => panic!("it is not to be filled: {error}"),
        }
    }
    panic!("there is no end of the room on {}", socket.cell());
}

/// Receives from here on, on a thread of its own.
pub(crate) fn drain(socket: Socket) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        loop {
            link::is_ready(&socket, libc::POLLIN, link::DEADLINE);
            while socket.recv(&mut buffer).is_ok_and(|length| length > 0) {}
        }
    });
}
