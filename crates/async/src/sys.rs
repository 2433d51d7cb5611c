//! A socket and its registration with the reactor, and all `unsafe` of this crate.
#![expect(unsafe_code, reason = "AsyncFd::register is unsafe since tokio 1.54")]

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::OnceLock;

use anysock_core::{Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

/// A socket that is registered with the reactor once somebody has to wait for it: many a
/// connection is over before that.
#[derive(Debug)]
pub(crate) struct Watched {
    /// Goes before the socket, since fields are dropped in the order of their declaration.
    registration: OnceLock<io::Result<AsyncFd<Number>>>,
    socket: Socket,
}

/// The number of a descriptor that somebody else owns.
#[derive(Debug)]
pub(crate) struct Number(RawFd);

impl AsRawFd for Number {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

impl Watched {
    /// # Errors
    ///
    /// There is no runtime here, so that nobody could wait.
    pub(crate) fn new(socket: Socket) -> io::Result<Self> {
        expect_runtime()?;
        Ok(Self { registration: OnceLock::new(), socket })
    }

    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The registration, if somebody has waited before.
    pub(crate) fn registered(&self) -> Option<&AsyncFd<Number>> {
        self.registration.get()?.as_ref().ok()
    }

    /// Registers with the reactor of the current runtime, unless that was done before; a stream
    /// for urgent bytes, too.
    ///
    /// # Errors
    ///
    /// Those of registering, for ever after.
    pub(crate) fn register(&self) -> io::Result<&AsyncFd<Number>> {
        let mut interest = Interest::READABLE | Interest::WRITABLE;
        if self.socket.cell().kind == Type::Stream {
            interest |= Interest::PRIORITY;
        }
        self.register_for(interest)
    }

    /// As [`register`](Self::register), for `interest` alone.
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register).
    pub(crate) fn register_for(&self, interest: Interest) -> io::Result<&AsyncFd<Number>> {
        match self.registration.get() {
            Some(Ok(registration)) => Ok(registration),
            Some(Err(error)) => Err(again(error)),
            None => self.register_now(interest),
        }
    }

    /// The socket, which is no longer watched.
    pub(crate) fn into_socket(self) -> Socket {
        let Self { registration, socket } = self;
        // Before anybody can close the descriptor.
        drop(registration);
        socket
    }

    fn register_now(&self, interest: Interest) -> io::Result<&AsyncFd<Number>> {
        expect_runtime()?;
        let registration = self.registration.get_or_init(|| {
            let number = Number(self.socket.as_raw_fd());
            // SAFETY: the descriptor is the socket's, which is private, never replaced, closed
            // by nothing but being dropped, and dropped after the registration.
            unsafe { AsyncFd::register_with_interest(number, interest) }.map_err(Into::into)
        });
        registration.as_ref().map_err(again)
    }
}

/// The same error once more.
fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

pub(crate) fn expect_runtime() -> io::Result<()> {
    if Handle::try_current().is_ok() {
        return Ok(());
    }
    Err(io::Error::other(
        "sockets are made and waited for within a tokio runtime that has I/O and time enabled; \
         there is none here",
    ))
}
