//! Names of inherited sockets and of places in memory.

use std::fmt;

use super::EndpointFault;

/// What stands behind `systemd:` or `mem:`: 1 to 255 printable ASCII characters but `:`.
///
/// These are the names that systemd can give (`FileDescriptorName=` in systemd.socket(5)).
///
/// ```
/// use anysock_core::EndpointName;
/// assert_eq!(EndpointName::new("web")?.as_str(), "web");
/// assert!(EndpointName::new("a:b").is_err());
/// # Ok::<_, anysock_core::EndpointFault>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointName(Box<str>);

impl EndpointName {
    /// The longest name, in bytes.
    pub const MAX: usize = 255;

    /// Checks a name.
    ///
    /// # Errors
    ///
    /// [`EndpointFault::BadName`] where it is empty, too long, or has another character.
    pub fn new(name: &str) -> Result<Self, EndpointFault> {
        let fits = (1..=Self::MAX).contains(&name.len());
        if fits && name.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b':') {
            Ok(Self(name.into()))
        } else {
            Err(EndpointFault::BadName { name: name.to_owned() })
        }
    }

    /// The name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
