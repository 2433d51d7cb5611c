//! The right to bind a unix path: a lock on its directory, and a look at what is there.

use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::{in_use, system};
use super::{FileId, OwnedPath, PathError};
use crate::sys::{self, Call, NONE};
use crate::{Addr, Cell, Domain, Options, Socket, UnixAddr, UnixPath};

/// The right to bind a unix path, from looking at what is there to listening.
///
/// It is an exclusive flock(2) on the *directory* of the path, so it leaves no lock file, and
/// claims on any two paths of one directory exclude each other. It binds those who ask for it:
/// of several processes that start at once, one becomes the owner, even if all of them find the
/// file of a dead socket. Who may read the directory can also hold the lock.
///
/// The path is made absolute when it is claimed, so that changing the working directory later
/// does not make its owner unlink another file.
///
/// ```
/// use anysock_core::{Cell, Options, PathClaim, Socket, UnixPath};
///
/// # let directory = std::env::temp_dir().join(format!("doc-claim-{}", std::process::id()));
/// # std::fs::create_dir(&directory)?;
/// # let path = directory.join("app.sock");
/// let path = UnixPath::new(path)?;
/// let Some(claim) = PathClaim::try_new(&path)? else {
///     panic!("another process is binding in this directory: try again soon");
/// };
/// let socket = Socket::open(Cell::UNIX_STREAM)?;
/// let owned = claim.bind(&socket, &Options::new().file_mode(0o600))?;
/// assert!(path.as_path().exists());
///
/// drop(owned);
/// assert!(!path.as_path().exists());
/// # std::fs::remove_dir(&directory)?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "the claim ends when it is dropped"]
pub struct PathClaim {
    path: UnixPath,
    absolute: PathBuf,
    /// Open and locked; closing it releases the lock.
    directory: File,
}

impl PathClaim {
    /// Claims the path, unless another claim holds its directory: `None`, so try again soon.
    /// Never waits.
    ///
    /// # Errors
    ///
    /// Wraps a [`PathError::System`] where the directory cannot be opened and locked; this
    /// needs read permission.
    pub fn try_new(path: &UnixPath) -> io::Result<Option<Self>> {
        let system = |source| system("lock the directory of the socket path", path, source);
        let absolute = std::path::absolute(path.as_path()).map_err(system)?;
        match lock_directory(&absolute).map_err(system)? {
            Some(directory) => Ok(Some(Self { path: path.clone(), absolute, directory })),
            None => Ok(None),
        }
    }

    /// The path, as given.
    pub fn path(&self) -> &Path {
        self.path.as_path()
    }

    /// Makes sure that nothing is at the path: unlinks the file of a dead socket.
    ///
    /// Whether a socket is dead is asked by connecting a datagram socket, which no listener of
    /// any type notices: `ECONNREFUSED` means dead; success, `EPROTOTYPE` (a stream or seqpacket
    /// socket, listening or not) and every other answer mean that it may be alive.
    ///
    /// # Errors
    ///
    /// Wraps a [`PathError`]: [`InUse`](PathError::InUse), [`NotASocket`](PathError::NotASocket)
    /// or [`System`](PathError::System). The file was not touched then.
    pub fn clear_stale(&self) -> io::Result<()> {
        let found = match look(&self.absolute) {
            Ok(metadata) => metadata.file_type(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(system("look at the socket path", &self.path, error)),
        };
        if !found.is_socket() {
            let path = self.path().to_owned();
            return Err(PathError::NotASocket { path, found: name_of(found) }.into());
        }
        match self.probe()? {
            Probe::Gone => Ok(()),
            Probe::Alive { why } => Err(in_use(&self.path, why)),
            Probe::Dead => match unlink(&self.absolute) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(system("remove the file of a dead socket,", &self.path, error))
                }
                _ => Ok(()),
            },
        }
    }

    /// Binds `socket` to the path: [clears](Self::clear_stale) it, sets the file mode, binds,
    /// and listens where the type does. Then the claim ends. After a failure there is no file, or,
    /// where even that could not be looked at, that of a dead socket, which the next claim clears.
    ///
    /// The other options are not applied; [`Options::apply`] comes before this.
    ///
    /// # Errors
    ///
    /// Wraps a [`PathError`], or an [`OptionError`](crate::OptionError) for options that are not
    /// for unix sockets.
    pub fn bind(self, socket: &Socket, options: &Options) -> io::Result<OwnedPath> {
        self.bind_and(socket, options, |socket| match socket.cell().kind.is_connection_oriented() {
            true => socket.listen(options.backlog_or_default()),
            false => Ok(()),
        })
    }

    /// As [`bind`](Self::bind) for a socket that is going to connect: it does not listen.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_client(self, socket: &Socket, options: &Options) -> io::Result<OwnedPath> {
        self.bind_and(socket, options, |_| Ok(()))
    }

    fn bind_and(
        self,
        socket: &Socket,
        options: &Options,
        listen: impl FnOnce(&Socket) -> io::Result<()>,
    ) -> io::Result<OwnedPath> {
        let cell = socket.cell();
        if cell.domain != Domain::Unix {
            return Err(PathError::WrongDomain { path: self.path().to_owned(), cell }.into());
        }
        options.check(cell)?;
        self.clear_stale()?;
        if let Some(mode) = options.file_mode {
            let mode_set = sys::fchmod(socket.as_fd(), mode);
            mode_set
                .map_err(|error| system("set the mode of the socket for", &self.path, error))?;
        }
        let bound = socket.bind(&self.addr());
        bound.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => {
                in_use(&self.path, "somebody who takes no lock bound it just now".to_owned())
            }
            _ => system("bind the socket path", &self.path, error),
        })?;

        let owned = self.record()?;
        if let Some(mode) = options.file_mode {
            let mode_set = owned.undo_umask(mode);
            mode_set.map_err(|error| system("set the mode of", &self.path, error))?;
        }
        listen(socket).map_err(|error| system("listen at", &self.path, error))?;
        // Only now: whoever looks at the path from here on finds a socket that listens.
        drop(self.directory);
        Ok(owned)
    }

    /// Records the file that the caller has bound to the path as his, and ends the claim.
    ///
    /// For callers that need a step of their own; others use [`bind`](Self::bind).
    ///
    /// # Errors
    ///
    /// Wraps a [`PathError::Replaced`] if no socket is there, a [`PathError::System`] if that
    /// cannot be told.
    pub fn own(self) -> io::Result<OwnedPath> {
        self.record()
    }

    fn addr(&self) -> Addr {
        UnixAddr::Path(self.path.clone()).into()
    }

    fn record(&self) -> io::Result<OwnedPath> {
        match look(&self.absolute) {
            Ok(found) if found.file_type().is_socket() => {
                Ok(OwnedPath { absolute: self.absolute.clone(), id: FileId::of(&found) })
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(system("look at the socket path", &self.path, error))
            }
            _ => Err(PathError::Replaced { path: self.path().to_owned() }.into()),
        }
    }

    fn probe(&self) -> io::Result<Probe> {
        let opened = Socket::open(Cell::UNIX_DATAGRAM);
        let socket = opened.map_err(|error| system("probe", &self.path, error))?;
        let Err(error) = socket.connect(&self.addr()) else {
            return Ok(Probe::alive("a datagram socket is bound to it"));
        };
        Ok(match error.raw_os_error() {
            Some(libc::ECONNREFUSED) => Probe::Dead,
            Some(libc::ENOENT) => Probe::Gone,
            Some(libc::EPROTOTYPE) => Probe::alive("a stream or seqpacket socket is bound to it"),
            Some(libc::EPERM) => Probe::alive("a datagram socket with another peer is bound to it"),
            _ => Probe::Alive { why: format!("it may be alive, as probing it gave \"{error}\"") },
        })
    }
}

/// What a socket file stands for.
#[derive(Debug)]
enum Probe {
    Alive { why: String },
    Dead,
    Gone,
}

impl Probe {
    fn alive(why: &str) -> Self {
        Self::Alive { why: why.to_owned() }
    }
}

/// Opens and locks the directory of `absolute`; `None` if somebody else holds the lock.
pub(super) fn lock_directory(absolute: &Path) -> io::Result<Option<File>> {
    let directory = absolute.parent().unwrap_or(absolute);
    let directory = sys::settled(Call::Open, NONE, || {
        OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(directory)
    })?;
    Ok(sys::try_flock(directory.as_fd())?.then_some(directory))
}

/// What is at the path itself.
pub(super) fn look(absolute: &Path) -> io::Result<Metadata> {
    sys::settled(Call::Look, NONE, || fs::symlink_metadata(absolute))
}

pub(super) fn unlink(absolute: &Path) -> io::Result<()> {
    sys::settled(Call::Unlink, NONE, || fs::remove_file(absolute))
}

fn name_of(found: FileType) -> &'static str {
    if found.is_file() {
        "regular file"
    } else if found.is_dir() {
        "directory"
    } else if found.is_symlink() {
        "symbolic link"
    } else if found.is_fifo() {
        "pipe"
    } else {
        "device"
    }
}
