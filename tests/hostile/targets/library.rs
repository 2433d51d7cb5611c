//! The parts of `core` that read what the kernel writes, as they stand there: they are private, and
//! hostile bytes cannot be brought to them through a socket.

#[path = "../../../crates/core/src/sys/address.rs"]
mod address;

#[path = "../../../crates/core/src/sys/control.rs"]
#[expect(dead_code, reason = "what is written for the kernel is not tried here")]
mod control;

/// What `control` takes of its neighbour.
mod option {
    pub(super) fn credentials(value: libc::ucred) -> anysock_core::Credentials {
        let pid = u32::try_from(value.pid).ok().filter(|pid| *pid != 0);
        anysock_core::Credentials { pid, uid: value.uid, gid: value.gid }
    }
}

use anysock_core::{Addr, Received};

pub(super) use self::address::{from_os, to_os};

/// A control message: level, kind and data.
pub(super) type Item = (i32, i32, Vec<u8>);

/// The control messages behind `header`.
///
/// # Safety
///
/// Its control buffer must live, and all of it be initialised.
pub(super) unsafe fn items(header: &libc::msghdr) -> Vec<Item> {
    // SAFETY: as the caller says.
    let items = unsafe { control::items(header) };
    items.map(|item| (item.level, item.kind, item.data.to_vec())).collect()
}

/// The size of the datagrams that were put together.
///
/// # Safety
///
/// As [`items`].
pub(super) unsafe fn segment(header: &libc::msghdr) -> Option<usize> {
    // SAFETY: as the caller says.
    unsafe { control::segment(header) }
}

/// Takes what came along.
///
/// # Safety
///
/// As [`items`]; and the numbers of descriptors must be of such that nobody owns.
pub(super) unsafe fn take(header: &libc::msghdr, received: &mut Received) {
    // SAFETY: as the caller says.
    unsafe { control::take(header, received) };
}

/// The address of which the kernel has written `length` bytes.
///
/// # Safety
///
/// All of the storage must be initialised.
pub(super) unsafe fn read_address(
    storage: *const libc::sockaddr_storage,
    length: libc::socklen_t,
) -> Option<Addr> {
    // SAFETY: as the caller says.
    unsafe { address::from_os_storage(storage, length) }
}
