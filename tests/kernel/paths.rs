//! Unix paths and abstract names.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use anysock_core::{Addr, Cell, Socket, UnixAddr};
use libc::{EADDRINUSE, ECONNREFUSED, ENOENT, EPROTOTYPE};

use crate::ends::outcome;
use crate::process::keep_quiet;

const UNIX: [Cell; 3] = [Cell::UNIX_STREAM, Cell::UNIX_DATAGRAM, Cell::UNIX_SEQPACKET];

/// A directory of its own for each test, removed with all that is in it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("anysock-kernel-{}-{count}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn addr(&self, name: &str) -> Addr {
        UnixAddr::path(self.0.join(name)).unwrap().into()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn bind(cell: Cell, addr: &Addr) -> Socket {
    let socket = Socket::open(cell).unwrap();
    socket.bind(addr).unwrap();
    socket
}

fn connect(cell: Cell, addr: &Addr) -> Result<(), i32> {
    outcome(Socket::open(cell).unwrap().connect(addr))
}

#[test]
fn connecting_to_a_path_says_what_is_there() {
    keep_quiet();
    let directory = Directory::new();
    fs::write(directory.0.join("file"), "").unwrap();
    for cell in UNIX {
        assert_eq!(connect(cell, &directory.addr("nothing")), Err(ENOENT));
        assert_eq!(connect(cell, &directory.addr("file")), Err(ECONNREFUSED));
        let at = directory.addr(&cell.to_string());
        let socket = bind(cell, &at);
        if cell.kind.is_connection_oriented() {
            // Bound, and not listening.
            assert_eq!(connect(cell, &at), Err(ECONNREFUSED));
            socket.listen(1).unwrap();
        }
        for other in UNIX.into_iter().filter(|other| *other != cell) {
            assert_eq!(connect(other, &at), Err(EPROTOTYPE));
        }
        assert_eq!(connect(cell, &at), Ok(()));
        drop(socket);
        assert_eq!(connect(cell, &at), Err(ECONNREFUSED), "{cell}: a stale file");
    }
}

#[test]
fn a_mode_set_before_binding_is_that_of_the_file() {
    let directory = Directory::new();
    for cell in UNIX {
        let socket = Socket::open(cell).unwrap();
        // SAFETY: fchmod takes a descriptor, which is open, and a number.
        assert_eq!(unsafe { libc::fchmod(socket.as_raw_fd(), 0o600) }, 0);
        let name = cell.to_string();
        socket.bind(&directory.addr(&name)).unwrap();
        let mode = fs::metadata(directory.0.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn the_kernel_cuts_a_path_at_a_nul() {
    let directory = Directory::new();
    let cut = directory.0.join("cut");
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    let path = format!("{}\0off", cut.display());
    if let Ok(address) = socket2::SockAddr::unix(path) {
        socket.bind(&address).unwrap();
        assert!(cut.exists(), "another file was bound than was asked for");
    }
    assert!(UnixAddr::path(format!("{}\0off", cut.display())).is_err());
}

#[test]
fn a_trailing_nul_is_part_of_an_abstract_name() {
    let name = format!("anysock-kernel-nul-{}", std::process::id());
    let short = UnixAddr::abstract_name(&name).unwrap().into();
    let long = UnixAddr::abstract_name(format!("{name}\0")).unwrap().into();
    let _one = bind(Cell::UNIX_DATAGRAM, &short);
    let _two = bind(Cell::UNIX_DATAGRAM, &long);
}

#[test]
fn abstract_names_are_separate_for_each_type() {
    let name = format!("anysock-kernel-type-{}", std::process::id());
    let name = UnixAddr::abstract_name(name).unwrap().into();
    let _bound = UNIX.map(|cell| bind(cell, &name));
    let again = Socket::open(Cell::UNIX_STREAM).unwrap().bind(&name);
    assert_eq!(outcome(again), Err(EADDRINUSE));
}
