//! recvmmsg(2) and sendmmsg(2): many packets by one system call.

use std::io;
use std::mem::{MaybeUninit, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd};

use super::address::{from_os_storage, to_os};
use super::check;
use super::control::{self, Control};
use crate::socket::{Outgoing, Received};

/// At most so many packets go into one call: more measured no faster.
pub(crate) const MOST: usize = 32;

/// Room for the control messages of one packet: packet information and a segment size. It has
/// the size that on unix takes the credentials and not one descriptor beside.
const CONTROL: usize = 128;
const CONTROL_UNIX: usize = 32;

/// What the kernel writes of one packet beside its bytes.
#[repr(C, align(8))]
struct Slot {
    control: [MaybeUninit<u8>; CONTROL],
    name: MaybeUninit<libc::sockaddr_storage>,
    iovec: libc::iovec,
}

/// The structures of recvmmsg(2), made once and used again.
pub(crate) struct Headers {
    slots: Vec<Slot>,
    headers: Vec<libc::mmsghdr>,
    received: usize,
}

impl Headers {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), headers: Vec::new(), received: 0 }
    }

    /// Receives up to `bytes.len() / size` packets, the n-th into the n-th `size` bytes.
    pub(crate) fn recv(
        &mut self,
        socket: BorrowedFd<'_>,
        bytes: &mut [u8],
        size: usize,
        is_unix: bool,
    ) -> io::Result<usize> {
        let count = (bytes.len() / size).min(MOST);
        while self.slots.len() < count {
            self.slots.push(Slot {
                control: [MaybeUninit::uninit(); CONTROL],
                name: MaybeUninit::uninit(),
                iovec: libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 },
            });
        }
        self.headers.clear();
        for (slot, chunk) in self.slots.iter_mut().zip(bytes.chunks_exact_mut(size)).take(count) {
            slot.iovec = libc::iovec { iov_base: chunk.as_mut_ptr().cast(), iov_len: size };
            // SAFETY: mmsghdr is plain numbers and pointers; null and zero are valid.
            let mut header: libc::mmsghdr = unsafe { zeroed() };
            header.msg_hdr.msg_name = slot.name.as_mut_ptr().cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as _;
            header.msg_hdr.msg_iov = &raw mut slot.iovec;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = slot.control.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = if is_unix { CONTROL_UNIX } else { CONTROL } as _;
            self.headers.push(header);
        }
        self.received = 0;
        // SAFETY: the headers point to names, slices and control room that outlive the call,
        // with their lengths; `slots` is not touched until they were read.
        self.received = check(unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                count as libc::c_uint,
                // libc's type differs between C libraries.
                (libc::MSG_CMSG_CLOEXEC | libc::MSG_TRUNC) as _,
                std::ptr::null_mut(),
            ) as libc::ssize_t
        })?;
        Ok(self.received)
    }

    /// What came beside the bytes of the n-th packet, with its real length and its segment
    /// size, if the kernel put several together. To be taken once.
    pub(crate) fn take(&mut self, n: usize, size: usize) -> (Received, Option<usize>) {
        assert!(n < self.received, "packet {n} of {} was asked for", self.received);
        let header = &mut self.headers[n];
        let length = header.msg_len as usize;
        let mut received = Received { length, copied: length.min(size), ..Received::default() };
        // SAFETY: recvmmsg has filled this header, and its slot lives; the control messages are
        // taken once, since none are left afterwards.
        let segment = unsafe {
            control::take(&header.msg_hdr, &mut received);
            control::segment(&header.msg_hdr)
        };
        header.msg_hdr.msg_controllen = 0;
        let length = header.msg_hdr.msg_namelen;
        // SAFETY: the kernel has written `length` bytes of the name.
        received.source = unsafe { from_os_storage(self.slots[n].name.as_ptr(), length) };
        (received, segment)
    }
}

impl Drop for Headers {
    fn drop(&mut self) {
        // Descriptors that came along and were not taken must not leak.
        for n in 0..self.received {
            drop(self.take(n, 0));
        }
    }
}

/// Sends each of `packets` by its own, at most [`MOST`]; how many the kernel took.
pub(crate) fn send<'a>(
    socket: BorrowedFd<'_>,
    packets: impl Iterator<Item = &'a [u8]>,
    with: &Outgoing<'_>,
) -> io::Result<usize> {
    let address = with.to.map(to_os);
    let mut control = Control::new();
    if let Some(source) = with.source {
        control.push_source(source);
    }
    // SAFETY: iovec and mmsghdr are plain numbers and pointers; null and zero are valid.
    let (mut slices, mut headers): ([libc::iovec; MOST], [libc::mmsghdr; MOST]) =
        unsafe { (zeroed(), zeroed()) };
    let mut count = 0;
    for ((packet, slice), header) in packets.zip(&mut slices).zip(&mut headers) {
        *slice = libc::iovec { iov_base: packet.as_ptr().cast_mut().cast(), iov_len: packet.len() };
        header.msg_hdr.msg_iov = slice;
        header.msg_hdr.msg_iovlen = 1;
        if let Some(address) = &address {
            header.msg_hdr.msg_name = address.as_ptr().cast_mut().cast();
            header.msg_hdr.msg_namelen = address.len();
        }
        control.attach_content(&mut header.msg_hdr);
        count += 1;
    }
    // SAFETY: the headers point to slices, a name and control messages that outlive the call,
    // with their lengths; sendmmsg writes to the headers alone.
    check(unsafe {
        libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, libc::MSG_NOSIGNAL as _)
            as libc::ssize_t
    })
}
