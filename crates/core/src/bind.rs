//! Unix paths: claimed by one process at a time, freed of dead sockets, unlinked by their owner.
//!
//! ```text
//! try_new ──> PathClaim ──clear_stale──> PathClaim ──bind──> OwnedPath ──drop──> unlinked
//!    │        (directory is locked)          │               (lock released)
//!    └─> None: another claim holds the lock  └─> PathError: alive, or not a socket
//! ```

use std::fs::{self, File, FileType, OpenOptions, Permissions};
use std::num::ParseIntError;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fmt, io};

use crate::{Addr, Cell, Domain, Options, Socket, UnixAddr, UnixPath, sys};

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

/// A bound unix path, unlinked when dropped, if the file is still the one that was bound.
///
/// Keep the socket open until this is dropped: a live socket keeps its inode, so no other file
/// can be taken for it, and no other process takes over its path. In a struct that holds both,
/// name this field first.
///
/// If the lock on the directory can be had without waiting, it is held while unlinking. What
/// goes wrong then is logged, as dropping cannot fail.
///
/// ```
/// # use anysock_core::{Cell, Options, PathClaim, Socket, UnixPath};
/// # let directory = std::env::temp_dir().join(format!("doc-owned-{}", std::process::id()));
/// # std::fs::create_dir(&directory)?;
/// # let path = directory.join("app.sock");
/// # let claim = PathClaim::try_new(&UnixPath::new(&path)?)?.expect("nobody else is here");
/// # let socket = Socket::open(Cell::UNIX_DATAGRAM)?;
/// let owned = claim.bind(&socket, &Options::new())?;
/// // A successor was handed the socket: the file is his now.
/// owned.leave();
/// assert!(path.exists());
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "the file is unlinked when this is dropped"]
pub struct OwnedPath {
    absolute: PathBuf,
    id: FileId,
}

/// Which file it is, whatever its name: what a successor is told to whom a socket file is handed
/// over, as text if need be.
///
/// ```
/// use anysock_core::FileId;
/// let id: FileId = "64513:1312".parse()?;
/// assert_eq!(id.to_string(), "64513:1312");
/// # Ok::<_, std::num::ParseIntError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    device: u64,
    inode: u64,
}

/// A unix path that could not be bound.
///
/// Comes wrapped in an [`io::Error`], whose kind each variant names:
///
/// ```
/// use anysock_core::{PathClaim, PathError, UnixPath};
///
/// // A directory is in the way; it is left alone.
/// let path = UnixPath::new(std::env::temp_dir())?;
/// if let Some(claim) = PathClaim::try_new(&path)? {
///     let error = claim.clear_stale().unwrap_err();
///     assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
///     let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<PathError>());
///     assert!(matches!(inner, Some(PathError::NotASocket { found: "directory", .. })));
/// }
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// A live socket is there: [`AddrInUse`](io::ErrorKind::AddrInUse).
    #[error("the socket path {path:?} is in use: {why}; stop its owner, or choose another path")]
    InUse {
        /// The path.
        path: PathBuf,
        /// What shows that it is alive.
        why: String,
    },
    /// Something other than a socket is there, and was left alone:
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists).
    #[error(
        "at the socket path {path:?} there is a {found}, which was left alone; remove it, or \
         choose another path"
    )]
    NotASocket {
        /// The path.
        path: PathBuf,
        /// "regular file", "directory", "symbolic link", "pipe" or "device".
        found: &'static str,
    },
    /// The file was gone or replaced right after binding, or before it was taken over, by
    /// somebody who takes no lock:
    /// [`NotFound`](io::ErrorKind::NotFound).
    #[error(
        "the socket file {path:?} was removed or replaced while it was being bound or handed over; \
         keep other programs from its directory"
    )]
    Replaced {
        /// The path.
        path: PathBuf,
    },
    /// The socket to bind is not a unix socket: [`InvalidInput`](io::ErrorKind::InvalidInput).
    #[error("a socket of cell {cell} cannot be bound to the path {path:?}; open a unix socket")]
    WrongDomain {
        /// The path.
        path: PathBuf,
        /// The cell of the socket.
        cell: Cell,
    },
    /// A system call failed; the kind is its own.
    #[error("cannot {action} {path:?}: {source}{}", hint(source))]
    System {
        /// What was being done to the path.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
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
        let found = match fs::symlink_metadata(&self.absolute) {
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
            Probe::Dead => match fs::remove_file(&self.absolute) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(system("remove the file of a dead socket,", &self.path, error))
                }
                _ => Ok(()),
            },
        }
    }

    /// Binds `socket` to the path: [clears](Self::clear_stale) it, sets the file mode, binds,
    /// and listens where the type does. Then the claim ends. After a failure there is no file.
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
    /// Wraps a [`PathError::Replaced`] if no socket is there.
    pub fn own(self) -> io::Result<OwnedPath> {
        self.record()
    }

    fn addr(&self) -> Addr {
        UnixAddr::Path(self.path.clone()).into()
    }

    fn record(&self) -> io::Result<OwnedPath> {
        match fs::symlink_metadata(&self.absolute) {
            Ok(found) if found.file_type().is_socket() => {
                Ok(OwnedPath { absolute: self.absolute.clone(), id: FileId::of(&found) })
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

impl OwnedPath {
    /// The path, made absolute.
    pub fn path(&self) -> &Path {
        &self.absolute
    }

    /// Which file it is, for a successor.
    pub fn id(&self) -> FileId {
        self.id
    }

    /// Takes over what a predecessor owned and has handed over, or is about to
    /// [leave](Self::leave): the file `id` at `path`. It is unlinked when this is dropped.
    ///
    /// # Errors
    ///
    /// Wraps a [`PathError::Replaced`] if another file is there, or none, so that nobody else's
    /// is ever unlinked.
    ///
    /// ```
    /// # use anysock_core::{Cell, Options, OwnedPath, PathClaim, Socket, UnixPath};
    /// # let directory = std::env::temp_dir().join(format!("doc-take-{}", std::process::id()));
    /// # std::fs::create_dir(&directory)?;
    /// # let path = directory.join("app.sock");
    /// # let claim = PathClaim::try_new(&UnixPath::new(&path)?)?.expect("nobody else is here");
    /// # let socket = Socket::open(Cell::UNIX_STREAM)?;
    /// let predecessors = claim.bind(&socket, &Options::new())?;
    /// let owned = OwnedPath::take_over(&path, predecessors.id())?;
    /// predecessors.leave();
    /// drop(owned);
    /// assert!(!path.exists());
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn take_over(path: impl AsRef<Path>, id: FileId) -> io::Result<Self> {
        let absolute = std::path::absolute(path)?;
        let taken = Self { absolute, id };
        if taken.is_ours() {
            return Ok(taken);
        }
        let path = taken.absolute.clone();
        taken.leave();
        Err(PathError::Replaced { path }.into())
    }

    /// Gives up ownership and leaves the file, for a successor who was handed the socket.
    pub fn leave(mut self) {
        // Dropping what has no path unlinks nothing.
        self.absolute = PathBuf::new();
    }

    fn is_ours(&self) -> bool {
        fs::symlink_metadata(&self.absolute).is_ok_and(|found| FileId::of(&found) == self.id)
    }

    /// Gives the file the mode back that the umask has narrowed at binding.
    fn undo_umask(&self, mode: u32) -> io::Result<()> {
        // Not by path: in a directory that others can write it may already be their link.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_PATH | libc::O_NOFOLLOW)
            .open(&self.absolute)?;
        let metadata = file.metadata()?;
        if FileId::of(&metadata) != self.id || metadata.permissions().mode() & 0o777 == mode {
            return Ok(());
        }
        // fchmod(2) refuses an O_PATH descriptor; its entry in /proc does not, see open(2).
        let entry = format!("/proc/self/fd/{}", file.as_raw_fd());
        fs::set_permissions(entry, Permissions::from_mode(mode))
    }
}

impl Drop for OwnedPath {
    fn drop(&mut self) {
        if self.absolute.as_os_str().is_empty() {
            return;
        }
        // Without the lock it is still safe: while our socket lives, its path is not taken over.
        let _lock = lock_directory(&self.absolute);
        if !self.is_ours() {
            return;
        }
        if let Err(error) = fs::remove_file(&self.absolute) {
            tracing::warn!(path = ?self.absolute, %error, "cannot unlink the socket file");
        }
    }
}

impl FileId {
    fn of(metadata: &fs::Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// Device and inode, see stat(2).
impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.device, self.inode)
    }
}

impl FromStr for FileId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (device, inode) = text.split_once(':').unwrap_or((text, ""));
        Ok(Self { device: device.parse()?, inode: inode.parse()? })
    }
}

impl From<PathError> for io::Error {
    fn from(error: PathError) -> Self {
        let kind = match &error {
            PathError::InUse { .. } => io::ErrorKind::AddrInUse,
            PathError::NotASocket { .. } => io::ErrorKind::AlreadyExists,
            PathError::Replaced { .. } => io::ErrorKind::NotFound,
            PathError::WrongDomain { .. } => io::ErrorKind::InvalidInput,
            PathError::System { source, .. } => source.kind(),
        };
        Self::new(kind, error)
    }
}

/// Opens and locks the directory of `absolute`; `None` if somebody else holds the lock.
fn lock_directory(absolute: &Path) -> io::Result<Option<File>> {
    let directory = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY)
        .open(absolute.parent().unwrap_or(absolute))?;
    Ok(sys::try_flock(directory.as_fd())?.then_some(directory))
}

fn system(action: &'static str, path: &UnixPath, source: io::Error) -> io::Error {
    PathError::System { action, path: path.as_path().to_owned(), source }.into()
}

fn in_use(path: &UnixPath, why: String) -> io::Error {
    PathError::InUse { path: path.as_path().to_owned(), why }.into()
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; make its directory first",
        io::ErrorKind::NotADirectory => "; what should be its directory is something else",
        io::ErrorKind::PermissionDenied => "; its directory must be readable and writable",
        io::ErrorKind::ReadOnlyFilesystem => "; choose a path on a file system that is writable",
        _ => "",
    }
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
