//! recvmmsg(2) and sendmmsg(2): many packets by one system call.

use std::io;
use std::mem::{MaybeUninit, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd};

use bytes::BufMut;

use super::address::{from_os_storage, to_os};
use super::control::{self, Control};
use super::{Call, check, seam};
use crate::{Addr, Domain, Outgoing, Received, RecvBlock};

/// At most so many packets go into one call: more measured no faster.
pub(crate) const MOST: usize = 32;

/// Room for the control messages of one packet: packet information, traffic class and hop limit
/// (twice, on IPv6), time, drops and a segment size.
const CONTROL: usize = 256;

/// On unix it takes the credentials and not one descriptor beside.
const CONTROL_UNIX: usize = 32;

/// And so much more a time.
const CONTROL_TIME: usize = 32;

/// What the kernel writes of one packet beside its bytes.
#[repr(C, align(8))]
struct Slot {
    control: [MaybeUninit<u8>; CONTROL],
    name: MaybeUninit<libc::sockaddr_storage>,
    iovec: libc::iovec,
}

/// What is asked for beside the bytes, on which kind of socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beside {
    pub(crate) source: bool,
    pub(crate) control: bool,
    pub(crate) is_unix: bool,
    /// Whether times are among it, for which there is room anyway but on unix.
    pub(crate) time: bool,
}

/// The structures of recvmmsg(2), made once and used again: between two calls only what the
/// kernel wrote to is set anew.
pub(crate) struct Headers {
    /// Never grows beyond its first allocation, since the headers point into it.
    slots: Vec<Slot>,
    headers: Vec<libc::mmsghdr>,
    /// What the headers that are set are set for.
    beside: Option<Beside>,
    received: usize,
}

impl Headers {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), headers: Vec::new(), beside: None, received: 0 }
    }

    /// Receives up to one packet into the spare room of each of `rooms`, at most [`MOST`],
    /// which are empty and grow by what was written to them; how many there are.
    pub(crate) fn recv(
        &mut self,
        socket: BorrowedFd<'_>,
        rooms: &mut [RecvBlock],
        beside: Beside,
    ) -> io::Result<usize> {
        let count = rooms.len().min(MOST);
        self.drop_rest();
        self.prepare(count, beside);
        for (slot, room) in self.slots.iter_mut().zip(&mut *rooms) {
            let room = room.chunk_mut();
            slot.iovec = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
        }
        let (socket, headers) = (socket.as_raw_fd(), self.headers.as_mut_ptr());
        // libc's type differs between C libraries.
        let flags = (libc::MSG_CMSG_CLOEXEC | libc::MSG_TRUNC) as _;
        let received = check(seam::batch(Call::RecvBatch, socket, count, |count| {
            // SAFETY: the first `count` headers point to names, slices and control room that
            // outlive the call, with their lengths; the slices to the spare room of as many blocks.
            unsafe { libc::recvmmsg(socket, headers, count as _, flags, std::ptr::null_mut()) as _ }
        }))?;
        self.received = received;
        for (header, room) in self.headers[..received].iter().zip(rooms) {
            let copied = (header.msg_len as usize).min(room.spare());
            // SAFETY: the kernel has written the first `copied` bytes of the spare room:
            // all of the packet, or all that there was room for.
            unsafe { room.advance_mut(copied) };
        }
        Ok(received)
    }

    /// The real length of the n-th packet.
    pub(crate) fn length(&self, n: usize) -> usize {
        assert!(n < self.received, "packet {n} of {} was asked for", self.received);
        self.headers[n].msg_len as usize
    }

    /// The size of the datagrams of which the kernel made the n-th packet, if it did.
    pub(crate) fn segment(&self, n: usize) -> Option<usize> {
        assert!(n < self.received, "packet {n} of {} was asked for", self.received);
        // SAFETY: recvmmsg has filled this header, and its slot lives.
        unsafe { control::segment(&self.headers[n].msg_hdr) }
    }

    /// Who sent the n-th packet, where that was asked for.
    pub(crate) fn source(&self, n: usize) -> Option<Addr> {
        assert!(n < self.received, "packet {n} of {} was asked for", self.received);
        let header = &self.headers[n].msg_hdr;
        if header.msg_name.is_null() {
            return None;
        }
        // SAFETY: the kernel has written so many bytes of the name.
        unsafe { from_os_storage(self.slots[n].name.as_ptr(), header.msg_namelen) }
    }

    /// What came beside the bytes of the n-th packet, but for its source. To be taken once.
    pub(crate) fn take(&mut self, n: usize, received: &mut Received) {
        assert!(n < self.received, "packet {n} of {} was asked for", self.received);
        let header = &mut self.headers[n].msg_hdr;
        // SAFETY: recvmmsg has filled this header, and its slot lives; the control messages are
        // taken once, since none are left afterwards.
        unsafe { control::take(header, received) };
        header.msg_controllen = 0;
    }

    /// Sets the headers that are not set for this, and those that the last call has written to.
    fn prepare(&mut self, count: usize, beside: Beside) {
        if self.beside != Some(beside) {
            self.beside = Some(beside);
            self.headers.clear();
        }
        self.slots.reserve_exact(MOST - self.slots.len());
        while self.slots.len() < count {
            self.slots.push(Slot {
                control: [MaybeUninit::uninit(); CONTROL],
                name: MaybeUninit::uninit(),
                iovec: libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 },
            });
        }
        let written = std::mem::take(&mut self.received);
        for header in self.headers.iter_mut().take(written) {
            set_lengths(&mut header.msg_hdr, beside);
        }
        for slot in self.slots.iter_mut().take(count).skip(self.headers.len()) {
            // SAFETY: mmsghdr is plain numbers and pointers; null and zero are valid.
            let mut header: libc::mmsghdr = unsafe { zeroed() };
            header.msg_hdr.msg_iov = &raw mut slot.iovec;
            header.msg_hdr.msg_iovlen = 1;
            if beside.source {
                header.msg_hdr.msg_name = slot.name.as_mut_ptr().cast();
            }
            if beside.control {
                header.msg_hdr.msg_control = slot.control.as_mut_ptr().cast();
            }
            set_lengths(&mut header.msg_hdr, beside);
            self.headers.push(header);
        }
    }

    /// Where times may come along and do not, there is room for a few descriptors, which must not
    /// stay open for as long as nothing else is received.
    pub(crate) fn drop_surplus(&mut self) {
        if self.beside.is_some_and(|beside| beside.time) {
            self.drop_rest();
        }
    }

    /// Descriptors that came along and were not taken must not leak.
    fn drop_rest(&mut self) {
        if self.beside.is_some_and(|beside| beside.control && beside.is_unix) {
            for n in 0..self.received {
                self.take(n, &mut Received::default());
            }
        }
    }
}

// SAFETY: the pointers in the headers are into the slots that the same structure owns, and into
// blocks that every call is given anew; nothing is tied to a thread.
unsafe impl Send for Headers {}

// SAFETY: nothing is written, nor a pointer followed, through a shared reference that is not of
// this structure's own memory.
unsafe impl Sync for Headers {}

impl Drop for Headers {
    fn drop(&mut self) {
        self.drop_rest();
    }
}

/// What the kernel reads as room and overwrites with lengths.
fn set_lengths(header: &mut libc::msghdr, beside: Beside) {
    let name = if beside.source { size_of::<libc::sockaddr_storage>() } else { 0 };
    header.msg_namelen = name as _;
    let control = match (beside.control, beside.is_unix, beside.time) {
        (false, _, _) => 0,
        (true, false, _) => CONTROL,
        (true, true, false) => CONTROL_UNIX,
        (true, true, true) => CONTROL_UNIX + CONTROL_TIME,
    };
    header.msg_controllen = control as _;
}

/// Sends each of `packets` by its own, at most [`MOST`]; how many the kernel took.
pub(crate) fn send<'a>(
    socket: BorrowedFd<'_>,
    domain: Domain,
    packets: impl Iterator<Item = &'a [u8]>,
    with: &Outgoing<'_>,
) -> io::Result<usize> {
    with.check(domain)?;
    let address = with.to.map(to_os);
    let mut control = Control::new();
    // Descriptors and segment sizes are those of one message.
    control.push_all(&Outgoing { descriptors: &[], segment: None, ..*with }, domain);
    // Only what is used of it is set.
    let mut slices = [const { MaybeUninit::<libc::iovec>::uninit() }; MOST];
    let mut headers = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; MOST];
    let mut count = 0;
    for ((packet, slice), header) in packets.zip(&mut slices).zip(&mut headers) {
        let iovec =
            libc::iovec { iov_base: packet.as_ptr().cast_mut().cast(), iov_len: packet.len() };
        // SAFETY: mmsghdr is plain numbers and pointers; null and zero are valid.
        let header = header.write(unsafe { zeroed() });
        header.msg_hdr.msg_iov = slice.write(iovec);
        header.msg_hdr.msg_iovlen = 1;
        if let Some(address) = &address {
            header.msg_hdr.msg_name = address.as_ptr().cast_mut().cast();
            header.msg_hdr.msg_namelen = address.len();
        }
        control.attach_content(&mut header.msg_hdr);
        count += 1;
    }
    let (socket, headers) = (socket.as_raw_fd(), headers.as_mut_ptr().cast());
    check(seam::batch(Call::SendBatch, socket, count, |count| {
        // SAFETY: the first `count` headers were set; they point to slices, a name and control
        // messages that outlive the call, with their lengths; sendmmsg writes to the headers alone.
        unsafe { libc::sendmmsg(socket, headers, count as _, libc::MSG_NOSIGNAL as _) as _ }
    }))
}
