//! The system calls that the library does not make, or not in this way.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::Once;

use anysock_core::{Outgoing, Socket};

use crate::limits::limit_descriptors;

/// As long a wait as there is, in milliseconds.
const DEADLINE: libc::c_int = 60_000;

/// A pipe that does not block: its reading and its writing end.
pub(crate) fn pipe() -> (OwnedFd, OwnedFd) {
    let mut ends = [0; 2];
    // SAFETY: the pointer describes room for two descriptors.
    let made = unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) };
    assert_eq!(made, 0, "{}", io::Error::last_os_error());
    // SAFETY: pipe2 has just given these to us, and to nobody else.
    ends.map(|number| unsafe { OwnedFd::from_raw_fd(number) }).into()
}

pub(crate) fn is_close_on_exec(descriptor: &OwnedFd) -> bool {
    // SAFETY: F_GETFD takes a number only.
    unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_GETFD) & libc::FD_CLOEXEC != 0 }
}

/// Waits until nobody can write to this pipe any more.
pub(crate) fn hangs_up(reader: &impl AsFd) -> bool {
    let mut asked = libc::pollfd { fd: reader.as_fd().as_raw_fd(), events: 0, revents: 0 };
    // SAFETY: the pointer describes one pollfd, which outlives the call.
    unsafe { libc::poll(&raw mut asked, 1, DEADLINE) == 1 && asked.revents & libc::POLLHUP != 0 }
}

/// Lets this process have as many descriptors as it may.
pub(crate) fn allow_many_descriptors() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| limit_descriptors(u64::MAX));
}

/// Becomes another user for good, who is not privileged; false for who is not root.
pub(crate) fn become_unprivileged(user: libc::uid_t) -> bool {
    // SAFETY: setresuid takes numbers only.
    unsafe { libc::setresuid(user, user, user) == 0 }
}

/// Sends all of `bytes`, `descriptors` with them, by one call.
#[track_caller]
pub(crate) fn send(socket: &Socket, bytes: &[u8], descriptors: &[OwnedFd]) {
    let mut with = Outgoing::default();
    with.descriptors = descriptors;
    let sent = socket.send_message(&[IoSlice::new(bytes)], &with).unwrap();
    assert_eq!(sent, bytes.len());
}

/// Reads with room for `room` descriptors; how many came, which are closed again, and whether there
/// were more.
pub(crate) fn receive_with_room(socket: &impl AsFd, room: usize) -> (usize, bool) {
    let mut byte = 0_u8;
    let mut slice = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let mut words = [0_u64; 160];
    // SAFETY: msghdr is plain numbers and pointers; null and zero are valid. CMSG_SPACE computes.
    let (mut header, space) =
        unsafe { (std::mem::zeroed::<libc::msghdr>(), libc::CMSG_SPACE(4 * room as u32)) };
    assert!(space as usize <= size_of_val(&words));
    header.msg_iov = &raw mut slice;
    header.msg_iovlen = 1;
    header.msg_control = words.as_mut_ptr().cast();
    header.msg_controllen = space as _;
    let mut count = 0;
    // SAFETY: slice and control point to memory that outlives the calls; the kernel writes a header
    // and behind it as many descriptors as its length says, which are nobody's yet.
    unsafe {
        let flags = libc::MSG_CMSG_CLOEXEC;
        let length = libc::recvmsg(socket.as_fd().as_raw_fd(), &raw mut header, flags);
        assert_eq!(length, 1, "{}", io::Error::last_os_error());
        let first = libc::CMSG_FIRSTHDR(&raw const header);
        if let Some(first) = first.as_ref() {
            let data = libc::CMSG_DATA(first);
            let before = data as usize - &raw const *first as usize;
            count = (first.cmsg_len - before) / 4;
            let numbers = data.cast::<i32>();
            for at in 0..count {
                drop(OwnedFd::from_raw_fd(numbers.add(at).read_unaligned()));
            }
        }
    }
    (count, header.msg_flags & libc::MSG_CTRUNC != 0)
}
