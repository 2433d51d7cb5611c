//! The error queue of a UDP socket: which destination an ICMP answer concerns. Source: ip(7),
//! `IP_RECVERR`.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::address::Room;
use super::check;
use super::control::{self, Control};
use crate::Addr;

/// Takes the next queued error and the address to which the datagram that caused it was sent;
/// `None` if none is queued.
pub(crate) fn recv_error(socket: BorrowedFd<'_>) -> io::Result<Option<(Option<Addr>, io::Error)>> {
    let mut destination = Room::new();
    let mut control = Control::new();
    // SAFETY: msghdr is plain numbers and pointers; null and zero are valid.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_name = destination.as_mut_ptr().cast();
    header.msg_namelen = Room::LENGTH;
    control.attach_room(&mut header);
    // SAFETY: name and control point to memory that outlives the call, with their lengths.
    let result =
        check(unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_ERRQUEUE) });
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    let mut cause = None;
    // SAFETY: recvmsg has just filled the header, and `control` lives; sock_extended_err is
    // plain numbers.
    unsafe {
        for item in control::items(&header) {
            if matches!(
                (item.level, item.kind),
                (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
            ) {
                cause = control::read::<libc::sock_extended_err>(item.data);
            }
        }
    }
    let number = cause.map_or(libc::EIO, |cause| cause.ee_errno as i32);
    Ok(Some((destination.into_addr(header.msg_namelen), io::Error::from_raw_os_error(number))))
}
