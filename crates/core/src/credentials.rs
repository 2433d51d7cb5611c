//! Who is at the other end of a unix socket.

/// Process, user and group at the other end, as the kernel vouches for them (unix(7)).
///
/// Of a connection (`SO_PEERCRED`) they are the identity of whoever *created* the other end:
/// a process that forked or changed its user afterwards still shows the first one.
///
/// ```
/// use anysock_core::Credentials;
/// let root = Credentials { pid: Some(1), uid: 0, gid: 0 };
/// assert_eq!(root.uid, 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Credentials {
    /// Process id; `None` where the process is not visible from this pid namespace.
    pub pid: Option<u32>,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
}
