//! What the kernel tells of a TCP connection: tcp(7), `TCP_INFO`.

use std::io;
use std::os::fd::AsRawFd;

use anysock_core::Socket;

/// The beginning of `struct tcp_info`, whose fields are found by their offsets.
pub(crate) struct Info(pub(crate) [u8; 160]);

impl Info {
    pub(crate) fn of(socket: &Socket) -> Self {
        let mut bytes = [0; 160];
        let mut length = bytes.len() as libc::socklen_t;
        // SAFETY: the pointer and the length describe `bytes`, which outlive the call.
        let result = unsafe {
            let start = bytes.as_mut_ptr().cast();
            let (level, name) = (libc::IPPROTO_TCP, libc::TCP_INFO);
            libc::getsockopt(socket.as_raw_fd(), level, name, start, &raw mut length)
        };
        assert_eq!(result, 0, "{}", io::Error::last_os_error());
        assert_eq!(length as usize, bytes.len(), "the kernel tells less than Linux 4.10 did");
        Self(bytes)
    }

    pub(crate) fn number(&self, field: usize) -> u32 {
        u32::from_ne_bytes(self.0[field..field + 4].try_into().unwrap())
    }
}
