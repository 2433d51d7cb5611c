//! Socket addresses, as the kernel writes them: any bytes of any length.

use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use anysock_core::{AbstractName, Addr, UnixAddr};

use super::Tried;
use super::library::{from_os, read_address, to_os};

/// The input is what the kernel has written, and after its last byte how much more it claims.
pub(super) fn run(input: &[u8]) -> Tried {
    let Some((more, written)) = input.split_last() else { return Tried::default() };
    // What lies behind what was written is zero, as for whoever asks the kernel.
    let mut storage = MaybeUninit::<libc::sockaddr_storage>::zeroed();
    let room = size_of::<libc::sockaddr_storage>();
    let written = &written[..written.len().min(room)];
    // SAFETY: both are of so many bytes, and do not overlap.
    unsafe {
        storage.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(written.as_ptr(), written.len());
    }
    let length = written.len() + usize::from(*more);
    // SAFETY: all of the storage is initialised, which is as much as is looked at.
    let read = unsafe { read_address(storage.as_ptr(), length as libc::socklen_t) };
    let mut all = written.to_vec();
    all.resize(room, 0);
    assert_eq!(read, expected(&all, length.min(room)), "{length} of {written:?}");
    if let Some(addr) = read {
        assert_eq!(from_os(&to_os(&addr)), Some(addr));
    }
    Tried::ways(1)
}

/// ip(7), ipv6(7) and unix(7), of a whole storage of which `length` bytes are said to be written.
fn expected(bytes: &[u8], length: usize) -> Option<Addr> {
    if length == 0 {
        return None;
    }
    let port = u16::from_be_bytes([bytes[2], bytes[3]]);
    match libc::c_int::from(u16::from_ne_bytes([bytes[0], bytes[1]])) {
        libc::AF_INET => {
            let ip: [u8; 4] = bytes[4..8].try_into().unwrap();
            Some(SocketAddr::from((Ipv4Addr::from(ip), port)).into())
        }
        libc::AF_INET6 => {
            let ip: [u8; 16] = bytes[8..24].try_into().unwrap();
            let flow = u32::from_ne_bytes(bytes[4..8].try_into().unwrap());
            let scope = u32::from_ne_bytes(bytes[24..28].try_into().unwrap());
            let addr = SocketAddrV6::new(Ipv6Addr::from(ip), port, flow, scope);
            Some(SocketAddr::from(addr).into())
        }
        libc::AF_UNIX => Some(unix(&bytes[2..length.clamp(2, 110)]).into()),
        _ => None,
    }
}

fn unix(name: &[u8]) -> UnixAddr {
    match name {
        [] | [0] => UnixAddr::Unnamed,
        [0, name @ ..] => UnixAddr::Abstract(AbstractName::new(name).unwrap()),
        path => {
            use std::os::unix::ffi::OsStrExt;
            let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
            UnixAddr::path(std::ffi::OsStr::from_bytes(path)).unwrap()
        }
    }
}
