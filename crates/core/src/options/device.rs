//! The one interface that a socket is kept to, by name or by index.

use std::io;
use std::os::fd::AsFd;

use crate::{Interface, Socket, sys};

pub(super) fn set(socket: &Socket, interface: &Interface) -> io::Result<()> {
    match interface {
        Interface::Name(name) => socket.inner().bind_device(Some(name.as_bytes())),
        Interface::Index(index) => {
            let index = *index as i32;
            sys::set(socket.as_fd(), libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX, &index)
        }
    }
}

pub(super) fn get(socket: &Socket) -> io::Result<Option<Interface>> {
    let name = socket.inner().device()?;
    let name = name.map(|name| String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned());
    Ok(name.filter(|name| !name.is_empty()).map(Interface::Name))
}
