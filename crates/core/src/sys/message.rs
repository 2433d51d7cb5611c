//! sendmsg(2), recvmsg(2), recv(2) and accept4(2).

use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use bytes::BufMut;

use super::address::{Room, to_os};
use super::control::{self, Control};
use super::{Call, check, seam};
use crate::{Addr, Domain, Outgoing, Passed, Received};

/// sendmsg(2), never raising SIGPIPE.
pub(crate) fn send_message(
    socket: BorrowedFd<'_>,
    domain: Domain,
    slices: &[IoSlice<'_>],
    with: &Outgoing<'_>,
) -> io::Result<usize> {
    with.check(domain)?;
    // SAFETY: msghdr is plain numbers and pointers; null and zero are valid.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    let address = with.to.map(to_os);
    if let Some(address) = &address {
        header.msg_name = address.as_ptr().cast_mut().cast();
        header.msg_namelen = address.len();
    }
    let mut control = Control::new();
    control.push_all(with, domain);
    control.attach_content(&mut header);
    let socket = socket.as_raw_fd();
    check(seam::slices(Call::SendMessage, socket, slices, |slices| {
        header.msg_iov = slices.as_ptr().cast_mut().cast();
        header.msg_iovlen = slices.len() as _;
        // SAFETY: name, slices and control point to memory that outlives the call, with their
        // lengths; IoSlice is iovec by its documentation; sendmsg only reads through them.
        unsafe { libc::sendmsg(socket, &raw const header, libc::MSG_NOSIGNAL) }
    }))
}

/// recvmsg(2) into `buffer`, with the real length, the source and what came along.
pub(crate) fn recv_message(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    let mut source = Room::new();
    let mut control = Control::new();
    let mut slice = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: msghdr is plain numbers and pointers; null and zero are valid.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_name = source.as_mut_ptr().cast();
    header.msg_namelen = Room::LENGTH;
    control.attach_room(&mut header);
    let flags = libc::MSG_CMSG_CLOEXEC | libc::MSG_TRUNC;
    let socket = socket.as_raw_fd();
    let length = check(seam::part(Call::RecvMessage, socket, buffer.len(), |most| {
        slice.iov_len = most;
        header.msg_iov = &raw mut slice;
        header.msg_iovlen = 1;
        // SAFETY: name, slice and control point to memory that outlives the call, with their
        // lengths.
        unsafe { libc::recvmsg(socket, &raw mut header, flags) }
    }))?;
    let mut received = Received { length, copied: length.min(buffer.len()), ..Received::default() };
    // SAFETY: recvmsg has just filled the header, and `control` lives; once.
    unsafe { control::take(&header, &mut received) };
    received.source = source.into_addr(header.msg_namelen);
    Ok(received)
}

/// recv(2) into the spare capacity of `buffer`, which grows by what was read.
pub(crate) fn recv_buffer(socket: BorrowedFd<'_>, buffer: &mut impl BufMut) -> io::Result<usize> {
    let room = buffer.chunk_mut();
    let socket = socket.as_raw_fd();
    let length = check(seam::part(Call::Recv, socket, room.len(), |most| {
        // SAFETY: the pointer and the length describe writable memory that outlives the call.
        unsafe { libc::recv(socket, room.as_mut_ptr().cast(), most, 0) }
    }))?;
    // SAFETY: the kernel has written the first `length` bytes of the spare capacity.
    unsafe { buffer.advance_mut(length) };
    Ok(length)
}

/// As [`recv_buffer`], by recvmsg(2) without room for what comes along, which the kernel closes;
/// and whether anything did.
pub(crate) fn recv_buffer_beside(
    socket: BorrowedFd<'_>,
    buffer: &mut impl BufMut,
) -> io::Result<(usize, bool)> {
    let room = buffer.chunk_mut();
    let mut slice = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
    // SAFETY: msghdr is plain numbers and pointers; null and zero are valid.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    let socket = socket.as_raw_fd();
    let length = check(seam::part(Call::RecvMessage, socket, room.len(), |most| {
        slice.iov_len = most;
        header.msg_iov = &raw mut slice;
        header.msg_iovlen = 1;
        // SAFETY: the slice describes writable memory that outlives the call.
        unsafe { libc::recvmsg(socket, &raw mut header, 0) }
    }))?;
    // SAFETY: the kernel has written the first `length` bytes of the spare capacity.
    unsafe { buffer.advance_mut(length) };
    Ok((length, header.msg_flags & libc::MSG_CTRUNC != 0))
}

/// As [`recv_buffer`], by recvmsg(2) with room for what is passed beside the bytes; and whether
/// anything came along.
pub(crate) fn recv_buffer_passed(
    socket: BorrowedFd<'_>,
    buffer: &mut impl BufMut,
    passed: &mut Passed,
) -> io::Result<(usize, bool)> {
    let room = buffer.chunk_mut();
    let mut control = Control::new();
    let mut slice = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
    // SAFETY: msghdr is plain numbers and pointers; null and zero are valid.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    control.attach_room(&mut header);
    let flags = libc::MSG_CMSG_CLOEXEC;
    let socket = socket.as_raw_fd();
    let length = check(seam::part(Call::RecvMessage, socket, room.len(), |most| {
        slice.iov_len = most;
        header.msg_iov = &raw mut slice;
        header.msg_iovlen = 1;
        // SAFETY: slice and control point to writable memory that outlives the call, with their
        // lengths.
        unsafe { libc::recvmsg(socket, &raw mut header, flags) }
    }))?;
    let mut received = Received::default();
    // SAFETY: recvmsg has just filled the header, and `control` lives; once.
    unsafe { control::take(&header, &mut received) };
    // SAFETY: the kernel has written the first `length` bytes of the spare capacity.
    unsafe { buffer.advance_mut(length) };
    let came_along = header.msg_controllen > 0 || received.control_truncated;
    *passed = Passed {
        descriptors: received.descriptors,
        credentials: received.credentials,
        is_truncated: received.control_truncated,
    };
    Ok((length, came_along))
}

/// accept4(2): non-blocking and close-on-exec from the first moment.
pub(crate) fn accept(socket: BorrowedFd<'_>) -> io::Result<(OwnedFd, Option<Addr>)> {
    let mut peer = Room::new();
    let mut length = Room::LENGTH;
    let socket = socket.as_raw_fd();
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    let descriptor = check(seam::call(Call::Accept, socket, || {
        // SAFETY: the pointers describe room for an address and its length, which outlive the call.
        unsafe { libc::accept4(socket, peer.as_mut_ptr().cast(), &raw mut length, flags) as _ }
    }))?;
    // SAFETY: accept4 has just given this descriptor to us, and to nobody else.
    let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor as _) };
    Ok((descriptor, peer.into_addr(length)))
}
