//! A network interface, by name or by index.

use std::{fmt, io};

use crate::sys;

/// A network interface of this host, within the network namespace of who asks.
///
/// ```
/// use anysock_core::Interface;
///
/// assert_eq!(Interface::from("lo").index()?, 1);
/// assert_eq!(Interface::from(7), Interface::Index(7));
/// let unknown = Interface::from("nosuch0").index().unwrap_err();
/// assert_eq!(unknown.kind(), std::io::ErrorKind::NotFound);
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Interface {
    /// Its number, from 1; netdevice(7).
    Index(u32),
    /// Its name: 1 to 15 bytes without `/`, `:`, NUL and white space.
    Name(String),
}

/// There is no interface of this name.
///
/// Comes wrapped in an [`io::Error`] of kind [`NotFound`](io::ErrorKind::NotFound).
///
/// ```
/// use anysock_core::{Interface, UnknownInterface};
///
/// let error = Interface::from("nosuch0").index().unwrap_err();
/// let inner = error.get_ref().unwrap().downcast_ref::<UnknownInterface>().unwrap();
/// assert_eq!(inner.name, "nosuch0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no network interface {name:?} here; ip-link(8) shows those that there are")]
#[non_exhaustive]
pub struct UnknownInterface {
    /// The name that was given.
    pub name: String,
}

impl Interface {
    /// Its index: if_nametoindex(3) for a name, no system call for an index.
    ///
    /// # Errors
    ///
    /// [`NotFound`](io::ErrorKind::NotFound), wrapping an [`UnknownInterface`].
    pub fn index(&self) -> io::Result<u32> {
        match self {
            Self::Index(index) => Ok(*index),
            Self::Name(name) => sys::interface_index(name).ok_or_else(|| {
                let unknown = UnknownInterface { name: name.clone() };
                io::Error::new(io::ErrorKind::NotFound, unknown)
            }),
        }
    }

    /// Whether an interface could be called that.
    pub(crate) fn is_valid(&self) -> bool {
        match self {
            Self::Index(index) => (1..=i32::MAX as u32).contains(index),
            Self::Name(name) => {
                (1..=15).contains(&name.len())
                    && ![".", ".."].contains(&name.as_str())
                    && !name.bytes().any(|byte| {
                        matches!(byte, 0 | b'/' | b':' | 0x0b) || byte.is_ascii_whitespace()
                    })
            }
        }
    }
}

impl From<&str> for Interface {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<String> for Interface {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

impl From<u32> for Interface {
    fn from(index: u32) -> Self {
        Self::Index(index)
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => index.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_interface_can_have_are_told_from_those_that_are_not_there() {
        for name in ["", "sixteen-bytes-is", "a/b", "a:1", "a b", "a\0", ".", "..", "a\n"] {
            assert!(!Interface::from(name).is_valid(), "{name:?}");
        }
        for name in ["lo", "eth0.7", "fifteen-bytes-x", "nosuch0"] {
            assert!(Interface::from(name).is_valid(), "{name:?}");
        }
        assert!(!Interface::from(0).is_valid());
        assert!(!Interface::from(1 << 31).is_valid());
    }
}
