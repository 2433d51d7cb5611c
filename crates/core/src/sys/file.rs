//! Locks and modes of files by descriptor.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::{Call, check, settled};

/// Takes an exclusive flock(2) without waiting; false if somebody else holds one.
pub(crate) fn try_flock(file: BorrowedFd<'_>) -> io::Result<bool> {
    let file = file.as_raw_fd();
    let locked = settled(Call::Flock, file, || {
        // SAFETY: flock takes a descriptor, which is open while borrowed, and a number.
        check(unsafe { libc::flock(file, libc::LOCK_EX | libc::LOCK_NB) as _ })
    });
    match locked {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        locked => locked.map(|_| true),
    }
}

/// Sets the mode that binding this socket to a path will give the file: fchmod(2).
pub(crate) fn fchmod(socket: BorrowedFd<'_>, mode: u32) -> io::Result<()> {
    let socket = socket.as_raw_fd();
    let set = settled(Call::Fchmod, socket, || {
        // SAFETY: fchmod takes a descriptor, which is open while borrowed, and a number.
        check(unsafe { libc::fchmod(socket, mode as libc::mode_t) as _ })
    });
    set.map(drop)
}
