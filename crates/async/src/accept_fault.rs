//! What an error of accept(2) says about the listener.

use std::io;

/// What an error of accept(2) says about the listener, and so what to do about it.
///
/// A [`Listener`](crate::Listener) does it; this is for who calls accept(2) himself.
///
/// | fault | errors | what to do |
/// |---|---|---|
/// | `Connection` | `ECONNABORTED`, `ECONNRESET`, `ETIMEDOUT`, `EPERM`, `EPROTO`, `ENOPROTOOPT`, `EOPNOTSUPP`, `ENETDOWN`, `ENETUNREACH`, `EHOSTDOWN`, `EHOSTUNREACH`, `ENONET`, `EPIPE`, `EINTR` | try again at once |
/// | `Shortage` | `EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`, `ENOSPC` | try again after a pause |
/// | `Listener` | everything else: `EINVAL`, `EBADF`, `ENOTSOCK`, `EFAULT` .. | give up |
///
/// ```
/// use std::io;
/// use anysock_async::AcceptFault;
///
/// assert_eq!(AcceptFault::of(&io::ErrorKind::ConnectionAborted.into()), AcceptFault::Connection);
/// assert_eq!(AcceptFault::of(&io::ErrorKind::InvalidInput.into()), AcceptFault::Listener);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AcceptFault {
    /// It concerns the connection that was to be accepted, which is gone: Linux passes errors of
    /// the new socket on. The next one may be well.
    Connection,
    /// The machine, or this process, is short of descriptors or memory. The connection stays
    /// queued, and no event tells when there are some again.
    Shortage,
    /// The listener is done for: it was shut down or closed, or is none.
    Listener,
}

impl AcceptFault {
    /// What `error` says. Of errors that came from elsewhere than the system the kind decides.
    pub fn of(error: &io::Error) -> Self {
        use io::ErrorKind as K;
        match error.raw_os_error() {
            // The last one is epoll_ctl's: too many descriptors are watched.
            Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::ENOSPC) => {
                return Self::Shortage;
            }
            Some(
                libc::EPROTO
                | libc::ENOPROTOOPT
                | libc::EHOSTDOWN
                | libc::ENONET
                | libc::EOPNOTSUPP
                | libc::EPERM
                | libc::EPIPE,
            ) => return Self::Connection,
            _ => {}
        }
        match error.kind() {
            K::ConnectionAborted
            | K::ConnectionReset
            | K::Interrupted
            | K::NetworkDown
            | K::NetworkUnreachable
            | K::HostUnreachable
            | K::TimedOut => Self::Connection,
            _ => Self::Listener,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_are(fault: AcceptFault, numbers: &[i32]) {
        for number in numbers {
            let error = io::Error::from_raw_os_error(*number);
            assert_eq!(AcceptFault::of(&error), fault, "{error}");
        }
    }

    #[test]
    fn errors_that_concern_one_connection_are_tried_again_at_once() {
        // accept(2) names them, for TCP, and EPERM as the word of a firewall. EPIPE is one that a
        // socket may have pending.
        all_are(
            AcceptFault::Connection,
            &[
                libc::ECONNABORTED,
                libc::ECONNRESET,
                libc::ETIMEDOUT,
                libc::EPERM,
                libc::EPROTO,
                libc::ENOPROTOOPT,
                libc::EOPNOTSUPP,
                libc::ENETDOWN,
                libc::ENETUNREACH,
                libc::EHOSTDOWN,
                libc::EHOSTUNREACH,
                libc::ENONET,
                libc::EPIPE,
                libc::EINTR,
            ],
        );
    }

    #[test]
    fn what_is_short_is_tried_again_after_a_pause() {
        all_are(
            AcceptFault::Shortage,
            &[libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::ENOSPC],
        );
    }

    #[test]
    fn everything_else_is_final() {
        all_are(
            AcceptFault::Listener,
            &[libc::EINVAL, libc::EBADF, libc::ENOTSOCK, libc::EFAULT, libc::ENOSYS, libc::EIO],
        );
    }
}
