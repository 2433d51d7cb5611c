//! Which errors of connecting trying again cannot mend.

use std::io;

use anysock_core::{
    AdoptError, AdoptFault, EndpointError, OptionError, PathError, UnsupportedCell,
};

use crate::connect::ConnectError;
use crate::{LocalAddrError, NoConnection};

/// Whether connecting again, the same way, would only fail the same way.
///
/// | permanent | worth trying again |
/// |---|---|
/// | a cell that this machine has not; an option, endpoint or local address that is refused | nobody listens (yet): refused, no such socket file, a name that is not known |
/// | the socket there is of another type (`EPROTOTYPE`) | no route, host down, reset, timed out, the deadline |
/// | no permission | a local address in use, or not there (yet) |
/// | an inherited socket that is not there, or not what it is to be | |
/// | something else than a socket at the path | no descriptors, no memory |
///
/// Of several addresses all must have failed for good. A name that does not exist counts as worth
/// trying: resolvers do not tell reliably whether it is only they that fail.
///
/// ```
/// use std::io::{Error, ErrorKind};
/// use anysock_async::is_permanent;
///
/// assert!(is_permanent(&Error::from(ErrorKind::PermissionDenied)));
/// assert!(!is_permanent(&Error::from(ErrorKind::ConnectionRefused)));
/// ```
pub fn is_permanent(error: &io::Error) -> bool {
    let Some(inner) = error.get_ref() else { return is_permanent_of_system(error) };
    if let Some(error) = inner.downcast_ref::<ConnectError>() {
        return is_permanent(error.system());
    }
    if let Some(error) = inner.downcast_ref::<NoConnection>() {
        let mut attempts = error.attempts().peekable();
        return attempts.peek().is_some() && attempts.all(|(_, error)| is_permanent(error));
    }
    if let Some(error) = inner.downcast_ref::<PathError>() {
        return match error {
            PathError::InUse { .. } | PathError::Replaced { .. } => false,
            PathError::System { source, .. } => is_permanent(source),
            _ => true,
        };
    }
    if let Some(error) = inner.downcast_ref::<AdoptError>() {
        return match error.fault() {
            AdoptFault::System { source, .. } | AdoptFault::Option(source) => is_permanent(source),
            // It was passed to this process, or not, and is what it is.
            _ => true,
        };
    }
    inner.is::<UnsupportedCell>()
        || inner.is::<OptionError>()
        || inner.is::<EndpointError>()
        || inner.is::<LocalAddrError>()
        || is_permanent_kind(error.kind())
}

fn is_permanent_of_system(error: &io::Error) -> bool {
    match error.raw_os_error() {
        Some(
            libc::EPROTOTYPE
            | libc::EAFNOSUPPORT
            | libc::EPROTONOSUPPORT
            | libc::ESOCKTNOSUPPORT
            | libc::ENOTDIR
            | libc::ELOOP
            | libc::ENAMETOOLONG
            | libc::EROFS,
        ) => true,
        _ => is_permanent_kind(error.kind()),
    }
}

fn is_permanent_kind(kind: io::ErrorKind) -> bool {
    use io::ErrorKind as K;
    matches!(kind, K::InvalidInput | K::Unsupported | K::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use anysock_core::Addr;

    use super::*;

    fn said(number: i32) -> io::Error {
        io::Error::from_raw_os_error(number)
    }

    #[test]
    fn what_the_system_says_is_told_apart() {
        use libc::*;
        for number in [EPROTOTYPE, EACCES, EPERM, EINVAL, EAFNOSUPPORT, ENOTDIR] {
            assert!(is_permanent(&said(number)), "{}", said(number));
        }
        for number in
            [ECONNREFUSED, ENOENT, ECONNRESET, ETIMEDOUT, ENETUNREACH, EHOSTUNREACH, EADDRINUSE]
        {
            assert!(!is_permanent(&said(number)), "{}", said(number));
        }
        assert!(!is_permanent(&said(EMFILE)));
        assert!(!is_permanent(&said(EADDRNOTAVAIL)));
    }

    #[test]
    fn one_address_that_may_answer_yet_is_enough() {
        let after = |numbers: [i32; 2]| {
            let failed = numbers.map(|number| (Addr::Ip("[::1]:9".parse().unwrap()), said(number)));
            io::Error::from(NoConnection::new(failed.into(), 0, false))
        };
        assert!(is_permanent(&after([libc::EACCES, libc::EPERM])));
        assert!(!is_permanent(&after([libc::EACCES, libc::ECONNREFUSED])));
    }
}
