//! Two connected sockets of any cell, and what each gives, without a runtime.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use anysock_core::{Addr, Cell, Domain, Socket, Type, UnixAddr};

use crate::process::keep_quiet;
use crate::raw::{POLLIN, POLLOUT, poll};

/// Two sockets that are connected to each other.
pub(crate) struct Ends {
    pub(crate) near: Socket,
    pub(crate) far: Socket,
}

impl Ends {
    /// Near has connected and far was accepted; datagram sockets are bound and connected both.
    pub(crate) fn new(cell: Cell) -> Self {
        if cell.kind == Type::Datagram {
            let (near, far) = (bound(cell), bound(cell));
            near.connect(&far.local_addr().unwrap()).unwrap();
            far.connect(&near.local_addr().unwrap()).unwrap();
            return Self { near, far };
        }
        let listener = listening(cell, 8);
        let near = connecting(&listener);
        poll(&listener, POLLIN);
        let (far, _) = listener.accept().unwrap();
        Self { near, far }
    }
}

/// An address that nobody else uses.
pub(crate) fn fresh(domain: Domain) -> Addr {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    match domain {
        Domain::Unix => {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("anysock-kernel-{}-{count}", std::process::id());
            UnixAddr::abstract_name(name).unwrap().into()
        }
        Domain::Ipv4 => Addr::Ip("127.0.0.1:0".parse().unwrap()),
        Domain::Ipv6 => Addr::Ip("[::1]:0".parse().unwrap()),
    }
}

pub(crate) fn bound(cell: Cell) -> Socket {
    keep_quiet();
    let socket = Socket::open(cell).unwrap();
    socket.bind(&fresh(cell.domain)).unwrap();
    socket
}

pub(crate) fn listening(cell: Cell, backlog: i32) -> Socket {
    let socket = bound(cell);
    socket.listen(backlog).unwrap();
    socket
}

/// A socket that has connected to `listener`.
pub(crate) fn connecting(listener: &Socket) -> Socket {
    let socket = Socket::open(listener.cell()).unwrap();
    match outcome(socket.connect(&listener.local_addr().unwrap())) {
        Ok(()) => {}
        Err(libc::EINPROGRESS) => drop(poll(&socket, POLLOUT)),
        Err(error) => panic!("{}: {}", listener.cell(), io::Error::from_raw_os_error(error)),
    }
    socket
}

/// What a system call gave, with the number of its error.
pub(crate) fn outcome<T>(result: io::Result<T>) -> Result<T, i32> {
    result.map_err(|error| error.raw_os_error().unwrap_or_else(|| panic!("{error}")))
}

pub(crate) fn send(socket: &Socket, bytes: &[u8]) -> Result<usize, i32> {
    outcome(socket.send(bytes))
}

/// Waits until something is there, then receives: no bytes are the end, or an empty message.
pub(crate) fn receive(socket: &Socket) -> Result<Vec<u8>, i32> {
    poll(socket, POLLIN);
    receive_now(socket)
}

pub(crate) fn receive_now(socket: &Socket) -> Result<Vec<u8>, i32> {
    let mut buffer = vec![0; 1 << 20];
    let length = outcome(socket.recv(&mut buffer))?;
    buffer.truncate(length);
    Ok(buffer)
}

/// Sends until it would block; how often it did not.
pub(crate) fn fill(mut call: impl FnMut() -> io::Result<usize>) -> usize {
    (0..1_000_000)
        .take_while(|_| match outcome(call()) {
            Ok(_) => true,
            Err(libc::EAGAIN) => false,
            Err(error) => panic!("{}", io::Error::from_raw_os_error(error)),
        })
        .count()
}

pub(crate) fn text(bytes: &str) -> Result<Vec<u8>, i32> {
    Ok(bytes.as_bytes().to_vec())
}
