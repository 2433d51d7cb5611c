//! Sockets with options, and waiting for them; for the tests of what options do.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anysock::{Addr, Cell, Options, Type};
use anysock_core::{Outgoing, Received, Socket};

/// How long anything may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A free port of `address`.
pub(crate) fn at(address: impl Into<IpAddr>, port: u16) -> Addr {
    SocketAddr::new(address.into(), port).into()
}

pub(crate) fn port(socket: &Socket) -> u16 {
    socket.local_addr().unwrap().as_ip().unwrap().port()
}

/// A socket of type `kind` at `addr`, which listens if it can.
pub(crate) fn bind(kind: Type, addr: &Addr, options: &Options) -> io::Result<Socket> {
    let socket = Socket::open(Cell::new(addr.domain(), kind))?;
    options.apply(&socket)?;
    socket.bind(addr)?;
    if kind.is_connection_oriented() {
        socket.listen(options.backlog_or_default())?;
    }
    Ok(socket)
}

/// A socket that is connected to `addr`, or has begun to be.
pub(crate) fn begin(kind: Type, addr: &Addr, options: &Options) -> io::Result<Socket> {
    let socket = Socket::open(Cell::new(addr.domain(), kind))?;
    options.apply(&socket)?;
    match socket.connect(addr) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(socket),
    }
}

pub(crate) fn accept(listener: &Socket) -> Socket {
    wait(listener, libc::POLLIN);
    listener.accept().unwrap().0
}

/// The next message, and what came with it.
pub(crate) fn receive(socket: &Socket) -> (Vec<u8>, Received) {
    wait(socket, libc::POLLIN);
    let mut buffer = vec![0; 70_000];
    let received = socket.recv_message(&mut buffer).unwrap();
    buffer.truncate(received.length);
    (buffer, received)
}

pub(crate) fn send_to(socket: &Socket, bytes: &[u8], addr: &Addr) -> io::Result<usize> {
    socket.send_message(&[io::IoSlice::new(bytes)], &Outgoing::to(addr))
}

/// setsockopt(2) of an `int`, for what the library leaves out.
pub(crate) fn set_raw(
    socket: &Socket,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let (start, length) = ((&raw const value).cast(), size_of_val(&value) as libc::socklen_t);
    // SAFETY: the pointer and the length describe `value`, which outlives the call.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, start, length) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The error that the socket meets.
pub(crate) fn error(socket: &Socket) -> io::Error {
    assert!(is_ready(socket, 0, DEADLINE), "no error within {DEADLINE:?}");
    socket.take_error().unwrap().expect("there is an error")
}

/// Waits for an event.
#[track_caller]
pub(crate) fn wait(socket: &Socket, events: libc::c_short) {
    assert!(is_ready(socket, events, DEADLINE), "nothing happened within {DEADLINE:?}");
}

/// Whether there is an event, or an error, within `time`.
pub(crate) fn is_ready(socket: &Socket, events: libc::c_short, time: Duration) -> bool {
    let mut asked = libc::pollfd { fd: socket.as_raw_fd(), events, revents: 0 };
    // SAFETY: the pointer describes one pollfd, which outlives the call.
    let found = unsafe { libc::poll(&raw mut asked, 1, time.as_millis() as libc::c_int) };
    assert!(found >= 0, "{}", io::Error::last_os_error());
    found == 1
}

/// Waits, where no event tells.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < until, "not within {DEADLINE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
