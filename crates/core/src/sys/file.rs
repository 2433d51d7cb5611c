//! Locks and modes of files by descriptor.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Takes an exclusive flock(2) without waiting; false if somebody else holds one.
pub(crate) fn try_flock(file: BorrowedFd<'_>) -> io::Result<bool> {
    // SAFETY: flock takes a descriptor, which is open while borrowed, and a number.
    match unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } {
        0 => Ok(true),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            error => Err(error),
        },
    }
}

/// Sets the mode that binding this socket to a path will give the file: fchmod(2).
pub(crate) fn fchmod(socket: BorrowedFd<'_>, mode: u32) -> io::Result<()> {
    // SAFETY: fchmod takes a descriptor, which is open while borrowed, and a number.
    match unsafe { libc::fchmod(socket.as_raw_fd(), mode as libc::mode_t) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
