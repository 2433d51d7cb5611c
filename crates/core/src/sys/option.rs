//! Socket options of any plain type: getsockopt(2) and setsockopt(2), where socket2 has no method.

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::{c_int, socklen_t};

use crate::Credentials;

/// Whether descriptors may be passed to a unix socket: Linux 6.16, not in libc yet.
pub(crate) const SO_PASSRIGHTS: c_int = 83;
/// From which ports one is chosen: Linux 6.3, not in libc yet.
pub(crate) const IP_LOCAL_PORT_RANGE: c_int = 51;
/// Whether groups that others joined are received: Linux 4.20, not in libc yet.
pub(crate) const IPV6_MULTICAST_ALL: c_int = 29;
/// The longest time between retransmissions: Linux 6.15, not in libc yet.
pub(crate) const TCP_RTO_MAX_MS: c_int = 44;

/// A type that the kernel reads and writes as the value of an option.
///
/// # Safety
///
/// Every pattern of bits must be valid, and there must be no pointer that the kernel follows.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: numbers, and structures of numbers.
unsafe impl Plain for c_int {}
// SAFETY: as above.
unsafe impl Plain for u64 {}
// SAFETY: as above.
unsafe impl Plain for libc::ucred {}
// SAFETY: as above.
unsafe impl Plain for libc::ip_mreqn {}
// SAFETY: as above.
unsafe impl Plain for libc::group_req {}
// SAFETY: as above.
unsafe impl Plain for libc::group_source_req {}

/// Sets an option: setsockopt(2).
pub(crate) fn set<T: Plain>(
    socket: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
    value: &T,
) -> io::Result<()> {
    let start = std::ptr::from_ref(value).cast();
    // SAFETY: the pointer and the length describe `value`, which outlives the call.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, name, start, size_of::<T>() as socklen_t)
    };
    super::check(result as libc::ssize_t).map(drop)
}

/// Reads an option: getsockopt(2). What the kernel leaves unwritten is zero.
pub(crate) fn get<T: Plain>(socket: BorrowedFd<'_>, level: c_int, name: c_int) -> io::Result<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut length = size_of::<T>() as socklen_t;
    // SAFETY: the pointer and the length describe `value`, which outlives the call.
    let result = unsafe {
        let start = value.as_mut_ptr().cast();
        libc::getsockopt(socket.as_raw_fd(), level, name, start, &raw mut length)
    };
    super::check(result as libc::ssize_t)?;
    // SAFETY: zeroed, then written by the kernel; every pattern of bits is valid.
    Ok(unsafe { value.assume_init() })
}

/// Sets an option whose value is an `int` used as a flag.
pub(crate) fn set_flag(
    socket: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
    on: bool,
) -> io::Result<()> {
    set(socket, level, name, &c_int::from(on))
}

/// Reads an option whose value is an `int`.
pub(crate) fn get_int(socket: BorrowedFd<'_>, level: c_int, name: c_int) -> io::Result<c_int> {
    get(socket, level, name)
}

/// Who created the other end of a unix connection: `SO_PEERCRED`, unix(7).
pub(crate) fn get_credentials(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    get(socket, libc::SOL_SOCKET, libc::SO_PEERCRED).map(credentials)
}

/// The kernel's structure as ours; process 0 is one that cannot be seen from here.
pub(super) fn credentials(value: libc::ucred) -> Credentials {
    let pid = u32::try_from(value.pid).ok().filter(|pid| *pid != 0);
    Credentials { pid, uid: value.uid, gid: value.gid }
}

/// The index of the interface that is called `name`; `None` if there is none: if_nametoindex(3).
pub(crate) fn interface_index(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: the pointer is to a string that ends with a NUL and outlives the call.
    Some(unsafe { libc::if_nametoindex(name.as_ptr()) }).filter(|index| *index != 0)
}
