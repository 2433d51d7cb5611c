//! Why a unix path cannot be bound, or taken over.

use std::io;
use std::path::PathBuf;

use crate::{Cell, UnixPath};

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

pub(super) fn system(action: &'static str, path: &UnixPath, source: io::Error) -> io::Error {
    PathError::System { action, path: path.as_path().to_owned(), source }.into()
}

pub(super) fn in_use(path: &UnixPath, why: String) -> io::Error {
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
