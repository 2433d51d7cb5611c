//! Socket options of any plain type: getsockopt(2) and setsockopt(2), where socket2 has no method.

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::{c_int, socklen_t};

use super::{Call, check, settled};
use crate::Credentials;

/// Whether descriptors may be passed to a unix socket: Linux 6.16, not in libc yet.
pub(crate) const SO_PASSRIGHTS: c_int = 83;
/// From which ports one is chosen: Linux 6.3, not in libc yet.
pub(crate) const IP_LOCAL_PORT_RANGE: c_int = 51;
/// Whether groups that others joined are received: Linux 4.20, not in libc yet.
pub(crate) const IPV6_MULTICAST_ALL: c_int = 29;
/// The longest time between retransmissions: Linux 6.15, not in libc yet.
pub(crate) const TCP_RTO_MAX_MS: c_int = 44;

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
    let (socket, start) = (socket.as_raw_fd(), std::ptr::from_ref(value).cast());
    let set = settled(Call::SetOption, socket, || {
        // SAFETY: the pointer and the length describe `value`, which outlives the call.
        check(unsafe {
            libc::setsockopt(socket, level, name, start, size_of::<T>() as socklen_t) as _
        })
    });
    set.map(drop)
}

/// Reads an option: getsockopt(2). What the kernel leaves unwritten is zero.
pub(crate) fn get<T: Plain>(socket: BorrowedFd<'_>, level: c_int, name: c_int) -> io::Result<T> {
    let socket = socket.as_raw_fd();
    let mut value = MaybeUninit::<T>::zeroed();
    let mut length = size_of::<T>() as socklen_t;
    settled(Call::GetOption, socket, || {
        let start = value.as_mut_ptr().cast();
        // SAFETY: the pointer and the length describe `value`, which outlives the call.
        check(unsafe { libc::getsockopt(socket, level, name, start, &raw mut length) as _ })
    })?;
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

/// Reads an option whose value is a structure that grows with the kernel's version; how many bytes
/// of `value` it has written: getsockopt(2). What it did not write is left as it was.
pub(crate) fn get_bytes(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    value: &mut [u8],
) -> io::Result<usize> {
    let mut length = libc::socklen_t::try_from(value.len()).unwrap_or(libc::socklen_t::MAX);
    let socket = socket.as_raw_fd();
    settled(Call::GetOption, socket, || {
        let start = value.as_mut_ptr().cast();
        // SAFETY: the pointer and the length describe `value`, which outlives the call.
        check(unsafe { libc::getsockopt(socket, level, name, start, &raw mut length) as _ })
    })?;
    Ok(length as usize)
}

/// The supplementary groups of whoever created the other end: `SO_PEERGROUPS`, socket(7).
pub(crate) fn get_groups(socket: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    const WIDTH: usize = size_of::<libc::gid_t>();
    // Most users are in few groups; the kernel says how much room more of them need.
    let mut groups = vec![0; 32];
    loop {
        let mut length = (groups.len() * WIDTH) as libc::socklen_t;
        let (socket, level, name) = (socket.as_raw_fd(), libc::SOL_SOCKET, SO_PEERGROUPS);
        let asked = settled(Call::GetOption, socket, || {
            let start = groups.as_mut_ptr().cast();
            // SAFETY: the pointer and the length describe the groups, which outlive the call; any
            // bits are a number.
            check(unsafe { libc::getsockopt(socket, level, name, start, &raw mut length) as _ })
        });
        let count = length as usize / WIDTH;
        match asked {
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
    let socket = socket.as_raw_fd();
    settled(Call::Ioctl, socket, || {
        // SAFETY: both requests that are made here write an int to the pointer, which outlives the
        // call.
        check(unsafe { libc::ioctl(socket, request, &raw mut value) as _ })
    })?;
    Ok(usize::try_from(value).unwrap_or(0))
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
