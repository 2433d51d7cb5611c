//! Addresses to and from the kernel's structures.

use std::mem::{MaybeUninit, offset_of};

use socket2::{SockAddr, SockAddrStorage};

use crate::{AbstractName, Addr, UnixAddr, UnixPath};

const PATH_OFFSET: usize = offset_of!(libc::sockaddr_un, sun_path);

/// The address as the kernel reads it.
///
/// Unix addresses are laid out here rather than by socket2, which refuses the paths of 108
/// bytes that the kernel takes and gives out.
pub(crate) fn to_os(addr: &Addr) -> SockAddr {
    match addr {
        Addr::Ip(addr) => SockAddr::from(*addr),
        Addr::Unix(UnixAddr::Unnamed) => unix(&[], false),
        Addr::Unix(UnixAddr::Abstract(name)) => unix(name.as_bytes(), true),
        Addr::Unix(UnixAddr::Path(path)) => unix(path.as_bytes(), false),
    }
}

/// `name` behind the family, after a NUL if it is abstract. A path shorter than the field is
/// followed by a NUL that counts, as everybody does.
fn unix(name: &[u8], is_abstract: bool) -> SockAddr {
    let mut storage = SockAddrStorage::zeroed();
    let start = usize::from(is_abstract);
    // SAFETY: sockaddr_un is one of the structures that sockaddr_storage is made for, and all
    // zeros are a valid one.
    let address = unsafe { storage.view_as::<libc::sockaddr_un>() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    for (to, from) in address.sun_path[start..].iter_mut().zip(name) {
        *to = *from as libc::c_char;
    }
    let terminator = usize::from(!is_abstract && !name.is_empty() && name.len() < UnixPath::MAX);
    let length = PATH_OFFSET + start + name.len() + terminator;
    // SAFETY: the family and `length` bytes of it were written above; the lengths of names are
    // bounded by their types, so that `length` fits the structure.
    unsafe { SockAddr::new(storage, length as libc::socklen_t) }
}

/// The kernel's address as ours; `None` for a family that is not ours.
pub(crate) fn from_os(address: &SockAddr) -> Option<Addr> {
    if let Some(ip) = address.as_socket() {
        return Some(Addr::Ip(ip));
    }
    if !address.is_unix() {
        return None;
    }
    let length = (address.len() as usize).saturating_sub(PATH_OFFSET).min(UnixPath::MAX);
    let un = address.as_ptr().cast::<libc::sockaddr_un>();
    // SAFETY: a SockAddr is a whole sockaddr_storage, which is larger than a sockaddr_un, and
    // the family says that it holds one.
    let name: [libc::c_char; UnixPath::MAX] = unsafe { (*un).sun_path };
    let name = name.map(|byte| byte as u8);
    let unix = match &name[..length] {
        [] => UnixAddr::Unnamed,
        [0, rest @ ..] => AbstractName::new(rest).map_or(UnixAddr::Unnamed, UnixAddr::Abstract),
        path => {
            use std::os::unix::ffi::OsStrExt;
            let end = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
            let path = std::ffi::OsStr::from_bytes(&path[..end]);
            UnixAddr::path(path).unwrap_or(UnixAddr::Unnamed)
        }
    };
    Some(Addr::Unix(unix))
}

/// The address of which the kernel has written `length` bytes to `storage`.
///
/// # Safety
///
/// They must have been written.
pub(super) unsafe fn from_os_storage(
    storage: *const libc::sockaddr_storage,
    length: libc::socklen_t,
) -> Option<Addr> {
    if length == 0 {
        return None;
    }
    let length = length.min(Room::LENGTH);
    let mut room = Room::new();
    // SAFETY: both are storages, of which `length` bytes are initialised by the caller's word.
    unsafe {
        std::ptr::copy_nonoverlapping(
            storage.cast::<u8>(),
            room.as_mut_ptr().cast::<u8>(),
            length as usize,
        );
    }
    room.into_addr(length)
}

/// Room for an address that the kernel writes.
pub(super) struct Room(MaybeUninit<libc::sockaddr_storage>);

impl Room {
    pub(super) const LENGTH: libc::socklen_t = size_of::<libc::sockaddr_storage>() as _;

    pub(super) fn new() -> Self {
        Self(MaybeUninit::zeroed())
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut libc::sockaddr_storage {
        self.0.as_mut_ptr()
    }

    /// What the kernel wrote, `length` bytes of it; `None` if it wrote no address of ours.
    pub(super) fn into_addr(self, length: libc::socklen_t) -> Option<Addr> {
        if length == 0 {
            return None;
        }
        let mut storage = SockAddrStorage::zeroed();
        // SAFETY: view_as of the storage's own layout; `self` was zeroed at its making, so that
        // every byte of it is initialised, and the kernel writes at most LENGTH of them.
        unsafe { *storage.view_as::<libc::sockaddr_storage>() = self.0.assume_init() };
        // SAFETY: as above; the length is the kernel's, cut to the room that it had.
        from_os(&unsafe { SockAddr::new(storage, length.min(Self::LENGTH)) })
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn every_address_survives_the_kernels_form() {
        let longest = "x".repeat(UnixPath::MAX);
        let addresses: [Addr; 7] = [
            "127.0.0.1:80".parse::<SocketAddr>().unwrap().into(),
            "[fe80::1%3]:9".parse::<SocketAddr>().unwrap().into(),
            UnixAddr::Unnamed.into(),
            UnixAddr::path("/run/a").unwrap().into(),
            UnixAddr::path(longest).unwrap().into(),
            UnixAddr::abstract_name(b"a\0b\0").unwrap().into(),
            UnixAddr::abstract_name([b'n'; AbstractName::MAX]).unwrap().into(),
        ];
        for address in addresses {
            assert_eq!(from_os(&to_os(&address)), Some(address));
        }
    }
}
