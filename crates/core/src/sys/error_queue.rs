//! The error queue of a UDP socket. Source: ip(7), `IP_RECVERR`, and linux/errqueue.h.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::address::Room;
use super::control::{self, Control};
use super::{Call, check, settled};
use crate::{Addr, Origin, QueuedError};

/// Takes the next queued error; `None` if none is queued.
pub(crate) fn recv_error(socket: BorrowedFd<'_>) -> io::Result<Option<QueuedError>> {
    let mut destination = Room::new();
    let mut control = Control::new();
    // SAFETY: msghdr is plain numbers and pointers; null and zero are valid.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_name = destination.as_mut_ptr().cast();
    header.msg_namelen = Room::LENGTH;
    control.attach_room(&mut header);
    let socket = socket.as_raw_fd();
    let result = settled(Call::ErrorQueue, socket, || {
        // SAFETY: name and control point to memory that outlives the call, with their lengths.
        check(unsafe { libc::recvmsg(socket, &raw mut header, libc::MSG_ERRQUEUE) })
    });
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    let destination = destination.into_addr(header.msg_namelen);
    let unknown = QueuedError {
        number: libc::EIO,
        origin: Origin::Local,
        destination,
        offender: None,
        mtu: None,
    };
    // SAFETY: recvmsg has just filled the header, and `control` lives.
    let mut items = unsafe { control::items(&header) };
    let item = items.find(|item| {
        matches!(
            (item.level, item.kind),
            (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
        )
    });
    Ok(Some(item.map_or(unknown.clone(), |item| explained(item.data, unknown))))
}

/// What a `sock_extended_err`, with the address behind it, says.
fn explained(data: &[u8], error: QueuedError) -> QueuedError {
    // SAFETY: sock_extended_err is plain numbers.
    let Some(cause) = (unsafe { control::read::<libc::sock_extended_err>(data) }) else {
        return error;
    };
    let (kind, code) = (cause.ee_type, cause.ee_code);
    let number = cause.ee_errno as i32;
    QueuedError {
        number,
        origin: match cause.ee_origin {
            libc::SO_EE_ORIGIN_LOCAL => Origin::Local,
            libc::SO_EE_ORIGIN_ICMP => Origin::Icmp { kind, code },
            libc::SO_EE_ORIGIN_ICMP6 => Origin::Icmp6 { kind, code },
            other => Origin::Other(other),
        },
        offender: offender(&data[size_of::<libc::sock_extended_err>()..]),
        mtu: (number == libc::EMSGSIZE).then_some(cause.ee_info),
        ..error
    }
}

/// The address behind the structure: `SO_EE_OFFENDER`, of no family if it is not known.
fn offender(data: &[u8]) -> Option<Addr> {
    let mut room = Room::new();
    let length = data.len().min(Room::LENGTH as usize);
    // SAFETY: so many bytes are in both, which do not overlap.
    unsafe { room.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(data.as_ptr(), length) };
    room.into_addr(length as libc::socklen_t)
}
