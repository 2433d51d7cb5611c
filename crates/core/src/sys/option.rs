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
/// What the memory of a socket is used for: Linux 4.12, of the generic numbers, not in libc yet.
pub(crate) const SO_MEMINFO: libc::c_int = 55;

/// The groups of whoever created the other end: Linux 4.13, of the generic numbers, not in libc
/// yet.
const SO_PEERGROUPS: libc::c_int = 59;

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

/// Reads an option whose value is a structure that grows with the kernel's version; how many bytes
/// of `value` it has written: getsockopt(2). What it did not write is left as it was.
pub(crate) fn get_bytes(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    value: &mut [u8],
) -> io::Result<usize> {
    let mut length = libc::socklen_t::try_from(value.len()).unwrap_or(libc::socklen_t::MAX);
    // SAFETY: the pointer and the length describe `value`, which outlives the call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            name,
            value.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    super::check(result as libc::ssize_t)?;
    Ok(length as usize)
}

/// The supplementary groups of whoever created the other end: `SO_PEERGROUPS`, socket(7).
pub(crate) fn get_groups(socket: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    const WIDTH: usize = size_of::<libc::gid_t>();
    // Most users are in few groups; the kernel says how much room more of them need.
    let mut groups = vec![0; 32];
    loop {
        let mut length = (groups.len() * WIDTH) as libc::socklen_t;
        // SAFETY: the pointer and the length describe the groups, which outlive the call; any
        // bits are a number.
        let result = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        let count = length as usize / WIDTH;
        match super::check(result as libc::ssize_t) {
            Err(error) if error.raw_os_error() == Some(libc::ERANGE) && count > groups.len() => {
                groups.resize(count, 0);
            }
            Err(error) => return Err(error),
            Ok(_) => {
                groups.truncate(count);
                return Ok(groups);
            }
        }
    }
}

/// How many bytes wait: an ioctl(2) whose answer is an `int`.
pub(crate) fn waiting(socket: BorrowedFd<'_>, request: libc::Ioctl) -> io::Result<usize> {
    let mut value: libc::c_int = 0;
    // SAFETY: both requests that are made here write an int to the pointer, which outlives the
    // call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), request, &raw mut value) };
    super::check(result as libc::ssize_t)?;
    Ok(usize::try_from(value).unwrap_or(0))
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
