//! One who sends from a new address each time.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::path::Path;

use socket2::{Domain, SockAddr, Socket};

use super::{Orders, Until, in_position};
use crate::at::At;

/// One in so many names on unix is a path, which costs a file.
const PATHS: usize = 64;

/// Sends `pace` messages of `size` bytes from each of `count` addresses, and is gone from each at once;
/// how many were sent, and how many were refused.
pub(super) fn send_from_each(at: &At, orders: Orders, until: &Until) -> (u64, u64) {
    let message = vec![b'.'; orders.size];
    in_position();
    let (mut sent, mut refused) = (0, 0);
    for number in 0..orders.count {
        let (socket, path) = bound(at, number);
        for _ in 0..orders.pace {
            match socket.send_to(&message, at.addr()) {
                Ok(_) => sent += 1,
                Err(_) => refused += 1,
            }
        }
        if let Some(path) = path {
            let _ = std::fs::remove_file(path);
        }
    }
    until.wait();
    (sent, refused)
}

/// A socket at the address of a number. All of 127.0.0.0/8 is this host's; of IPv6 any address will
/// do for a source that is not to be answered: ipv6(7), `IPV6_FREEBIND`.
fn bound(at: &At, number: usize) -> (Socket, Option<String>) {
    let socket = at.socket();
    let number32 = u32::try_from(number).unwrap();
    let [_, a, b, c] = (number32 + 0x0001_0001).to_be_bytes();
    let addr: SockAddr = match at.domain() {
        Domain::IPV4 => SocketAddr::from((Ipv4Addr::new(127, a, b, c), 0)).into(),
        Domain::IPV6 => {
            free_bind(&socket);
            let address = Ipv6Addr::from((0xfd00_u128 << 112) + 1 + u128::from(number32));
            SocketAddr::from((address, 0)).into()
        }
        _ if number % PATHS == 0 => {
            let path = Path::new(at.path.as_ref().unwrap()).with_file_name(format!("s{number}"));
            let path = path.into_os_string().into_string().unwrap();
            socket.bind(&SockAddr::unix(&path).unwrap()).unwrap();
            return (socket, Some(path));
        }
        _ => {
            let name = format!("\0anysock-attack-{}-{number}", std::process::id());
            SockAddr::unix(name).unwrap()
        }
    };
    socket.bind(&addr).unwrap();
    (socket, None)
}

fn free_bind(socket: &Socket) {
    let on: libc::c_int = 1;
    let (start, length) = ((&raw const on).cast(), size_of_val(&on) as libc::socklen_t);
    let (level, name) = (libc::SOL_IPV6, libc::IPV6_FREEBIND);
    // SAFETY: the pointer and the length describe `on`, which outlives the call.
    let set = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, start, length) };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
}
