//! Unix addresses: exact bytes, no sniffing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::{fmt, io};

/// A unix address: a path, a name in the abstract namespace, or no name at all.
///
/// The bytes are kept as they are. Nothing is guessed from the first character: a path that
/// begins with `@` is a path, and an abstract name may hold any byte, NUL included.
/// Source: unix(7).
///
/// ```
/// use anysock_core::UnixAddr;
///
/// let path = UnixAddr::path("/run/app.sock")?;
/// let name = UnixAddr::abstract_name(b"app\0")?;
/// assert_eq!(name.to_string(), "@app%00");
/// assert!(UnixAddr::path("/run/a\0b").is_err());
/// # Ok::<_, anysock_core::UnixAddrError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UnixAddr {
    /// A pathname in the file system.
    Path(UnixPath),
    /// A name in the abstract namespace of this network namespace.
    Abstract(AbstractName),
    /// No name: a socket that nobody bound.
    Unnamed,
}

/// A pathname that fits into `sockaddr_un`: 1 to 108 bytes, none of them NUL.
///
/// ```
/// use anysock_core::UnixPath;
/// assert_eq!(UnixPath::new("/run/app.sock")?.as_path().to_str(), Some("/run/app.sock"));
/// # Ok::<_, anysock_core::UnixAddrError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UnixPath(Box<[u8]>);

/// A name in the abstract namespace: 1 to 107 bytes, any bytes.
///
/// There are no permissions on abstract names: whoever shares the network namespace may
/// connect. A trailing NUL is part of the name.
///
/// ```
/// use anysock_core::AbstractName;
/// assert_eq!(AbstractName::new(b"app")?.as_bytes(), b"app");
/// # Ok::<_, anysock_core::UnixAddrError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AbstractName(Box<[u8]>);

/// A path or name that cannot be a unix address.
///
/// ```
/// use anysock_core::{UnixAddr, UnixAddrError};
/// let error = UnixAddr::abstract_name([b'x'; 108]).unwrap_err();
/// assert!(matches!(error, UnixAddrError::TooLong { length: 108, limit: 107, .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnixAddrError {
    /// The kernel would cut the path at the NUL and bind another file.
    #[error("the socket path {path:?} has a NUL byte at offset {offset}; a path has none")]
    Nul {
        /// The path given, lossily printable.
        path: String,
        /// Where the first NUL stands.
        offset: usize,
    },
    /// Longer than `sockaddr_un` holds.
    #[error("the socket {what} is {length} bytes long, at most {limit} fit; use a shorter one")]
    TooLong {
        /// "path" or "abstract name".
        what: &'static str,
        /// Bytes given.
        length: usize,
        /// Bytes that fit.
        limit: usize,
    },
    /// An empty path or name; [`UnixAddr::Unnamed`] is the address without one.
    #[error("the socket {what} is empty; give a name, or use the unnamed address on purpose")]
    Empty {
        /// "path" or "abstract name".
        what: &'static str,
    },
}

impl From<UnixAddrError> for io::Error {
    fn from(error: UnixAddrError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

impl UnixAddr {
    /// The address of a path.
    ///
    /// # Errors
    ///
    /// As [`UnixPath::new`].
    pub fn path(path: impl AsRef<Path>) -> Result<Self, UnixAddrError> {
        UnixPath::new(path).map(Self::Path)
    }

    /// The address of an abstract name, given without the leading NUL.
    ///
    /// # Errors
    ///
    /// As [`AbstractName::new`].
    pub fn abstract_name(name: impl AsRef<[u8]>) -> Result<Self, UnixAddrError> {
        AbstractName::new(name).map(Self::Abstract)
    }

    /// The path, if it is one.
    pub fn as_path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path.as_path()),
            _ => None,
        }
    }
}

impl UnixPath {
    /// The longest path, in bytes: all of `sun_path`, which needs no final NUL.
    pub const MAX: usize = 108;

    /// Checks a path.
    ///
    /// # Errors
    ///
    /// Empty, longer than [`MAX`](Self::MAX), or with a NUL inside.
    pub fn new(path: impl AsRef<Path>) -> Result<Self, UnixAddrError> {
        let bytes = path.as_ref().as_os_str().as_bytes();
        if bytes.is_empty() {
            return Err(UnixAddrError::Empty { what: "path" });
        }
        if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
            let path = String::from_utf8_lossy(bytes).into_owned();
            return Err(UnixAddrError::Nul { path, offset });
        }
        if bytes.len() > Self::MAX {
            let length = bytes.len();
            return Err(UnixAddrError::TooLong { what: "path", length, limit: Self::MAX });
        }
        Ok(Self(bytes.into()))
    }

    /// The path as given.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The bytes as given.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl AbstractName {
    /// The longest name, in bytes.
    pub const MAX: usize = 107;

    /// Checks a name, given without the leading NUL that marks it in `sun_path`.
    ///
    /// # Errors
    ///
    /// Empty, or longer than [`MAX`](Self::MAX).
    pub fn new(name: impl AsRef<[u8]>) -> Result<Self, UnixAddrError> {
        let bytes = name.as_ref();
        let what = "abstract name";
        if bytes.is_empty() {
            return Err(UnixAddrError::Empty { what });
        }
        if bytes.len() > Self::MAX {
            return Err(UnixAddrError::TooLong { what, length: bytes.len(), limit: Self::MAX });
        }
        Ok(Self(bytes.into()))
    }

    /// The bytes of the name, without the leading NUL.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Prints what the part of an endpoint behind its colon is: printable ASCII as it is, other
/// bytes and `%` percent-encoded, an abstract name behind `@`, the unnamed address empty.
impl fmt::Display for UnixAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => {
                let mut rest = path.as_bytes();
                if let Some(after) = rest.strip_prefix(b"@") {
                    f.write_str("%40")?;
                    rest = after;
                }
                write_encoded(rest, f)
            }
            Self::Abstract(name) => {
                f.write_str("@")?;
                write_encoded(name.as_bytes(), f)
            }
            Self::Unnamed => Ok(()),
        }
    }
}

fn write_encoded(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for &byte in bytes {
        if byte.is_ascii_graphic() && byte != b'%' {
            write!(f, "{}", char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}

impl fmt::Debug for UnixPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_path(), f)
    }
}

impl fmt::Debug for AbstractName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@\"{}\"", self.0.escape_ascii())
    }
}
