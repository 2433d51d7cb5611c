//! Calls on a descriptor that is known by its number, as those are that this process was started with.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use super::{Call, check, settled};

/// A duplicate, close-on-exec, of whatever is open at this number: fcntl(2), `F_DUPFD_CLOEXEC`.
/// Not one of the three standard numbers.
pub(crate) fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    let duplicate = settled(Call::Duplicate, number, || {
        // SAFETY: fcntl takes numbers only, and answers with an error where nothing is open.
        check(unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) as _ })
    })?;
    // SAFETY: fcntl has just given this descriptor to us, and to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(duplicate as _) })
}

/// Whether anything is open at this number: fcntl(2), `F_GETFD`.
pub(crate) fn is_open(number: RawFd) -> bool {
    let asked = settled(Call::Flags, number, || {
        // SAFETY: fcntl takes numbers only, and answers with an error where nothing is open.
        check(unsafe { libc::fcntl(number, libc::F_GETFD) as _ })
    });
    asked.is_ok()
}

/// Takes what is open at this number into possession and makes it close-on-exec: fcntl(2),
/// `F_SETFD`. To be called once for each number, and only for those of sd_listen_fds(3).
pub(crate) fn possess(number: RawFd) -> io::Result<OwnedFd> {
    settled(Call::Flags, number, || {
        // SAFETY: fcntl takes numbers only, and answers with an error where nothing is open.
        check(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) as _ })
    })?;
    // SAFETY: it is open, and whoever started this process has handed it to this process to own,
    // as the environment says. It is taken once, under a lock.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Takes the socket's peer away from it: connect(2) to `AF_UNSPEC`.
pub(crate) fn dissolve(number: RawFd) -> io::Result<()> {
    // Which is 0 on every system, and so is its address.
    let nobody = socket2::SockAddrStorage::zeroed();
    let length = size_of::<libc::sockaddr>() as libc::socklen_t;
    settled(Call::Connect, number, || {
        // SAFETY: there is more of the address than is said, and it is only read.
        check(unsafe { libc::connect(number, (&raw const nobody).cast(), length) as _ })
    })?;
    Ok(())
}
