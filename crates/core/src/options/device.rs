//! The one interface that a socket is kept to, by name or by index.

use std::io;
use std::os::fd::AsFd;

use crate::sys::{self, Call};
use crate::{Interface, Socket};

pub(super) fn set(socket: &Socket, interface: &Interface) -> io::Result<()> {
    match interface {
        Interface::Name(name) => {
            let name = name.as_bytes();
            socket.settled(Call::SetOption, |socket| socket.bind_device(Some(name)))
        }
        Interface::Index(index) => {
            let index = *index as i32;
            sys::set(socket.as_fd(), libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX, &index)
        }
    }
}

pub(super) fn get(socket: &Socket) -> io::Result<Option<Interface>> {
    let name = socket.settled(Call::GetOption, socket2::Socket::device)?;
    let name = name.map(|name| String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned());
    Ok(name.filter(|name| !name.is_empty()).map(Interface::Name))
}
