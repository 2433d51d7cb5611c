//! Multicast groups, independent of the protocol: RFC 3678, ip(7).

use std::io;
use std::os::fd::AsFd;

use libc::c_int;
use socket2::SockAddr;

use super::address::to_os;
use super::option::set;
use crate::{Addr, Socket};

/// Joins or leaves a group, from any source or from one: setsockopt(2).
pub(crate) fn change_group(
    socket: &Socket,
    level: c_int,
    name: c_int,
    interface: u32,
    group: &Addr,
    source: Option<&Addr>,
) -> io::Result<()> {
    let (socket, gr_group) = (socket.as_fd(), storage(group));
    match source {
        None => {
            // SAFETY: group_req is plain numbers; zeros are valid, in the padding as well.
            let mut request: libc::group_req = unsafe { std::mem::zeroed() };
            request.gr_interface = interface;
            request.gr_group = gr_group;
            set(socket, level, name, &request)
        }
        Some(source) => {
            // SAFETY: as above.
            let mut request: libc::group_source_req = unsafe { std::mem::zeroed() };
            request.gsr_interface = interface;
            request.gsr_group = gr_group;
            request.gsr_source = storage(source);
            set(socket, level, name, &request)
        }
    }
}

fn storage(addr: &Addr) -> libc::sockaddr_storage {
    let addr: SockAddr = to_os(addr);
    // SAFETY: sockaddr_storage is plain numbers; zeros are valid.
    let mut storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    // SAFETY: a SockAddr has `len` bytes to read and is no longer than a storage.
    unsafe {
        let to = (&raw mut storage).cast::<u8>();
        to.copy_from_nonoverlapping(addr.as_ptr().cast(), addr.len() as usize);
    }
    storage
}
