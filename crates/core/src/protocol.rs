//! Protocols: what carries a socket type, where there is a choice.

use std::os::fd::AsFd;
use std::{fmt, io};

use crate::{Cell, Socket, Type, sys};

/// What carries a socket of a type: its domain's default, or multipath TCP.
///
/// A cell is domain × type; the protocol is what socket(2) is asked for beside them. Only an
/// internet stream has a choice. Wherever one is taken, a [`Type`] alone means its default.
///
/// Multipath TCP (RFC 8684) carries one stream over several paths, and is TCP towards peers, hosts
/// and middleboxes that know nothing of it: [`Socket::is_multipath`](crate::Socket::is_multipath)
/// tells which it became. Linux has no `TCP_USER_TIMEOUT`, `TCP_QUICKACK` and zero-copy on it.
///
/// ```
/// use anysock_core::{Protocol, Type};
///
/// assert_eq!(Protocol::from(Type::Stream), Protocol::Default(Type::Stream));
/// assert_eq!(Protocol::Multipath.kind(), Type::Stream);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// What the domain has for the type: TCP, UDP, SCTP, or the kernel's own on unix.
    Default(Type),
    /// `IPPROTO_MPTCP`: a stream, of an internet domain only.
    Multipath,
}

impl Protocol {
    /// The type of its sockets.
    pub const fn kind(self) -> Type {
        match self {
            Self::Default(kind) => kind,
            Self::Multipath => Type::Stream,
        }
    }

    /// What socket(2) is asked for in `cell`.
    pub(crate) const fn to_os(self, cell: Cell) -> Option<socket2::Protocol> {
        match self {
            Self::Default(_) => cell.protocol(),
            Self::Multipath => Some(socket2::Protocol::MPTCP),
        }
    }

    /// Whether socket(2) refused with this because the kernel has no multipath TCP.
    pub(crate) fn falls_back(self, error: &io::Error) -> bool {
        // Switched off, not built, and before Linux 5.6.
        let unknown = [libc::ENOPROTOOPT, libc::EPROTONOSUPPORT, libc::EINVAL];
        self == Self::Multipath
            && error.raw_os_error().is_some_and(|number| unknown.contains(&number))
    }
}

impl Socket {
    /// The protocol of this socket, as far as it was chosen: `SO_PROTOCOL`.
    ///
    /// A multipath client that has [fallen back](Self::is_multipath) to TCP may still be told
    /// as multipath here; what a multipath listener accepts from a TCP client is told as TCP.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn protocol(&self) -> io::Result<Protocol> {
        let kind = self.cell().kind;
        if !may_be_multipath(self.cell()) {
            return Ok(Protocol::Default(kind));
        }
        let number = sys::get_int(self.as_fd(), libc::SOL_SOCKET, libc::SO_PROTOCOL)?;
        Ok(match number {
            libc::IPPROTO_MPTCP => Protocol::Multipath,
            _ => Protocol::Default(kind),
        })
    }

    /// Whether this connection is multipath TCP, and not TCP into which it has fallen back:
    /// `TCP_IS_MPTCP`, or `MPTCP_INFO` where Linux is older than 6.10. For a listener, whether it
    /// takes multipath clients beside those of TCP.
    ///
    /// A connection may yet fall back after this was true, never the other way.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2), but for options that are not known.
    pub fn is_multipath(&self) -> io::Result<bool> {
        if self.protocol()? != Protocol::Multipath {
            return Ok(false);
        }
        match sys::get_int(self.as_fd(), libc::SOL_TCP, sys::TCP_IS_MPTCP) {
            Err(error) if is_unknown(&error) => {}
            told => return told.map(|flag| flag != 0),
        }
        // Only its first member is read: any length is taken.
        match sys::get_int(self.as_fd(), sys::SOL_MPTCP, sys::MPTCP_INFO) {
            Err(error) if is_unknown(&error) => Ok(false),
            told => told.map(|_| true),
        }
    }
}

/// TCP is the only one that has another protocol beside it.
fn may_be_multipath(cell: Cell) -> bool {
    cell.domain.is_inet() && cell.kind == Type::Stream
}

fn is_unknown(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOPROTOOPT | libc::EOPNOTSUPP))
}

impl From<Type> for Protocol {
    fn from(kind: Type) -> Self {
        Self::Default(kind)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default(kind) => kind.fmt(f),
            Self::Multipath => f.pad("multipath stream"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Domain, UnsupportedCell};

    #[test]
    fn only_internet_streams_are_multipath() {
        let error = Socket::open_as(Domain::Unix, Protocol::Multipath).unwrap_err();
        let why = error.get_ref().and_then(|inner| inner.downcast_ref::<UnsupportedCell>());
        assert_eq!(why.map(UnsupportedCell::cell), Some(Cell::UNIX_STREAM));
        for cell in Cell::ALL {
            let Ok(socket) = Socket::open(cell) else { continue };
            assert!(!socket.is_multipath().unwrap(), "{cell}");
            assert_eq!(socket.protocol().unwrap(), cell.kind.into(), "{cell}");
        }
    }

    #[test]
    fn a_kernel_without_multipath_is_told_by_its_refusal_alone() {
        for number in [libc::ENOPROTOOPT, libc::EPROTONOSUPPORT, libc::EINVAL] {
            let refusal = io::Error::from_raw_os_error(number);
            assert!(Protocol::Multipath.falls_back(&refusal), "{refusal}");
            assert!(!Protocol::Default(Type::Stream).falls_back(&refusal), "{refusal}");
        }
        for number in [libc::EMFILE, libc::EACCES, libc::EAFNOSUPPORT] {
            assert!(!Protocol::Multipath.falls_back(&io::Error::from_raw_os_error(number)));
        }
    }
}
