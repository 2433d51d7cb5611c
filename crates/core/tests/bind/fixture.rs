//! A directory of its own for each test, and the steps that the tests share.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anysock_core::{
    Addr, Cell, Options, OwnedPath, PathClaim, PathError, Socket, UnixAddr, UnixPath,
};

pub(crate) const UNIX: [Cell; 3] = [Cell::UNIX_STREAM, Cell::UNIX_DATAGRAM, Cell::UNIX_SEQPACKET];
const DEADLINE: Duration = Duration::from_secs(20);

/// A directory of its own for each test, removed with all that is in it.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("anysock-bind-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> UnixPath {
        UnixPath::new(self.0.join(name)).unwrap()
    }

    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn addr(path: &UnixPath) -> Addr {
    UnixAddr::Path(path.clone()).into()
}

/// Retries as the async layer does, with a deadline.
pub(crate) fn claim(path: &UnixPath) -> PathClaim {
    let start = Instant::now();
    loop {
        if let Some(claim) = PathClaim::try_new(path).unwrap() {
            return claim;
        }
        assert!(start.elapsed() < DEADLINE, "nobody gave up the lock");
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn bind(
    cell: Cell,
    path: &UnixPath,
    options: &Options,
) -> io::Result<(OwnedPath, Socket)> {
    let socket = Socket::open(cell)?;
    Ok((claim(path).bind(&socket, options)?, socket))
}

pub(crate) fn bind_plainly(cell: Cell, path: &UnixPath) -> Socket {
    let socket = Socket::open(cell).unwrap();
    socket.bind(&addr(path)).unwrap();
    socket
}

pub(crate) fn leave_stale(cell: Cell, path: &UnixPath) {
    drop(bind_plainly(cell, path));
    // A process that another test is starting holds a copy of the socket until its exec.
    let start = Instant::now();
    while !is_dead(path) {
        assert!(start.elapsed() < DEADLINE, "somebody keeps a copy of the socket");
        std::thread::yield_now();
    }
}

pub(crate) fn is_dead(path: &UnixPath) -> bool {
    let probed = Socket::open(Cell::UNIX_DATAGRAM).unwrap().connect(&addr(path));
    probed.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

pub(crate) fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

pub(crate) fn path_error(error: &io::Error) -> &PathError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    inner.unwrap_or_else(|| panic!("not a path error: {error:?}"))
}

pub(crate) fn assert_in_use<T>(result: io::Result<T>, path: &UnixPath) {
    let Err(error) = result else { panic!("a live socket was taken for dead") };
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{error}");
    assert!(matches!(path_error(&error), PathError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(path.as_path().to_str().unwrap()), "{error}");
}

/// This test binary again, running one test, by its module and name, that finds its part in the environment.
pub(crate) fn rerun(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command
}
