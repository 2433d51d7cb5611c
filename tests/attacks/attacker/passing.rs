//! Those who pass descriptors where none are expected, or too many.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};

use socket2::Socket;

use super::{Orders, Until, in_position, next};
use crate::at::At;

/// As many as the kernel passes with one message: `SCM_MAX_FD`, unix(7).
pub(crate) const AT_ONCE: usize = 253;

/// Passes descriptors again and again: on a stream with each piece of a message that never becomes
/// whole, from the first bytes of its header on; elsewhere with each message. Those who are sent away
/// come again.
pub(super) fn pass(at: &At, mut orders: Orders, until: &Until) -> (u64, u64) {
    let file = File::open("/dev/null").unwrap();
    let descriptors = [file.as_raw_fd(); AT_ONCE];
    let mut sockets: Vec<_> = (0..orders.count).map(|_| open(at)).collect();
    // The first round stands where it is before anything is measured.
    let (mut passed, mut refused) = (0, 0);
    let mut is_begun = false;
    while !until.is_over() {
        for (socket, offset) in &mut sockets {
            let header = 1024_u32.to_be_bytes();
            let piece = match (at.is_stream(), *offset) {
                (true, 0) => &header[..1 + next(&mut orders.seed) as usize % 3],
                (true, 1..4) => &header[*offset..],
                (true, _) => b"..",
                (false, _) => b"message",
            };
            match send(socket, piece, &descriptors) {
                Ok(sent) => {
                    *offset += sent;
                    passed += AT_ONCE as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    refused += AT_ONCE as u64;
                    let is_forbidden = error.raw_os_error() == Some(libc::EPERM);
                    if !is_forbidden {
                        (*socket, *offset) = open(at);
                    }
                }
            }
        }
        if !std::mem::replace(&mut is_begun, true) {
            in_position();
        }
        std::thread::sleep(std::time::Duration::from_millis(orders.pace as u64));
    }
    (passed, refused)
}

fn open(at: &At) -> (Socket, usize) {
    let socket = at.connect().expect("the service accepts");
    socket.set_nonblocking(true).unwrap();
    (socket, 0)
}

fn send(socket: &Socket, bytes: &[u8], descriptors: &[RawFd; AT_ONCE]) -> io::Result<usize> {
    let mut slice =
        libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut words = [0_u64; 160];
    // SAFETY: msghdr is plain numbers and pointers; null and zero are valid. The computing macros
    // take numbers. The header points to memory that outlives the call, and the one control message
    // that is written has room for all descriptors.
    let sent = unsafe {
        let length = size_of_val(descriptors) as u32;
        let mut header = std::mem::zeroed::<libc::msghdr>();
        header.msg_iov = &raw mut slice;
        header.msg_iovlen = 1;
        header.msg_control = words.as_mut_ptr().cast();
        header.msg_controllen = libc::CMSG_SPACE(length) as _;
        assert!(header.msg_controllen <= size_of_val(&words));
        let control = libc::CMSG_FIRSTHDR(&raw const header);
        (*control).cmsg_level = libc::SOL_SOCKET;
        (*control).cmsg_type = libc::SCM_RIGHTS;
        (*control).cmsg_len = libc::CMSG_LEN(length) as _;
        libc::CMSG_DATA(control).copy_from(descriptors.as_ptr().cast(), length as usize);
        libc::sendmsg(socket.as_raw_fd(), &raw const header, libc::MSG_NOSIGNAL)
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}
