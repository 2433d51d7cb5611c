//! The one registration call, and all `unsafe` of this crate.
#![expect(unsafe_code, reason = "AsyncFd::register is unsafe since tokio 1.54")]

use std::io;

use anysock_core::{Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

/// Registers `socket` with the reactor of the current runtime; a stream for urgent bytes, too.
pub(crate) fn register(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    if Handle::try_current().is_err() {
        return Err(io::Error::other(
            "sockets are made within a tokio runtime that has I/O and time enabled; \
             there is none here",
        ));
    }
    let mut interest = Interest::READABLE | Interest::WRITABLE;
    if socket.cell().kind == Type::Stream {
        interest |= Interest::PRIORITY;
    }
    // SAFETY: the AsyncFd owns the socket, a Socket owns its descriptor and always gives the
    // same one, and no method of Socket closes it before it is dropped.
    unsafe { AsyncFd::register_with_interest(socket, interest) }.map_err(Into::into)
}
