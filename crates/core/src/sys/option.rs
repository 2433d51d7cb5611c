//! Socket options that socket2 does not offer.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::Credentials;

/// Whether descriptors may be passed to a unix socket: Linux 6.16, not in libc yet.
pub(crate) const SO_PASSRIGHTS: libc::c_int = 83;

/// Whether a connection is multipath TCP: Linux 6.10, not in libc yet.
pub(crate) const TCP_IS_MPTCP: libc::c_int = 43;

/// The options of multipath TCP, and what is known of a connection: Linux 5.16, not in libc yet.
pub(crate) const SOL_MPTCP: libc::c_int = 284;
pub(crate) const MPTCP_INFO: libc::c_int = 1;

/// Sets an option whose value is an `int` used as a flag: setsockopt(2).
pub(crate) fn set_flag(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    on: bool,
) -> io::Result<()> {
    let value = libc::c_int::from(on);
    // SAFETY: the pointer and the length describe `value`, which outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            size_of_val(&value) as libc::socklen_t,
        )
    };
    super::check(result as libc::ssize_t).map(drop)
}

/// Reads an option whose value is an `int`: getsockopt(2).
pub(crate) fn get_int(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
) -> io::Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut length = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the pointer and the length describe `value`, which outlives the call.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, name, (&raw mut value).cast(), &raw mut length)
    };
    super::check(result as libc::ssize_t)?;
    Ok(value)
}

/// Who created the other end of a unix connection: `SO_PEERCRED`, unix(7).
pub(crate) fn get_credentials(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    let mut value = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the pointer and the length describe `value`, which outlives the call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut value).cast(),
            &raw mut length,
        )
    };
    super::check(result as libc::ssize_t)?;
    Ok(credentials(value))
}

/// The kernel's structure as ours; process 0 is one that cannot be seen from here.
pub(super) fn credentials(value: libc::ucred) -> Credentials {
    let pid = u32::try_from(value.pid).ok().filter(|pid| *pid != 0);
    Credentials { pid, uid: value.uid, gid: value.gid }
}
