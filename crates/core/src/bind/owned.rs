//! A socket file, unlinked by its owner only.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::claim::{lock_directory, look, unlink};
use super::{FileId, PathError};
use crate::sys::{self, Call, NONE};

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
    pub(super) absolute: PathBuf,
    pub(super) id: FileId,
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
    /// is ever unlinked; a [`PathError::System`] if it cannot be told.
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
        match look(&absolute) {
            Ok(found) if FileId::of(&found) == id => Ok(Self { absolute, id }),
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                let action = "look at the socket path";
                Err(PathError::System { action, path: absolute, source }.into())
            }
            _ => Err(PathError::Replaced { path: absolute }.into()),
        }
    }

    /// Gives up ownership and leaves the file, for a successor who was handed the socket.
    pub fn leave(mut self) {
        // Dropping what has no path unlinks nothing.
        self.absolute = PathBuf::new();
    }

    fn is_ours(&self) -> bool {
        look(&self.absolute).is_ok_and(|found| FileId::of(&found) == self.id)
    }

    /// Gives the file the mode back that the umask has narrowed at binding.
    pub(super) fn undo_umask(&self, mode: u32) -> io::Result<()> {
        // Not by path: in a directory that others can write it may already be their link.
        let flags = libc::O_PATH | libc::O_NOFOLLOW;
        let file = sys::settled(Call::Open, NONE, || {
            OpenOptions::new().read(true).custom_flags(flags).open(&self.absolute)
        })?;
        let metadata = sys::settled(Call::Look, file.as_raw_fd(), || file.metadata())?;
        if FileId::of(&metadata) != self.id || metadata.permissions().mode() & 0o777 == mode {
            return Ok(());
        }
        // fchmod(2) refuses an O_PATH descriptor; its entry in /proc does not, see open(2).
        let entry = format!("/proc/self/fd/{}", file.as_raw_fd());
        sys::settled(Call::Chmod, NONE, || {
            fs::set_permissions(&entry, Permissions::from_mode(mode))
        })
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
        if let Err(error) = unlink(&self.absolute) {
            tracing::warn!(path = ?self.absolute, %error, "cannot unlink the socket file");
        }
    }
}
