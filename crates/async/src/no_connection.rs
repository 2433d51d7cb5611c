//! Why none of several addresses could be connected to.

use std::{fmt, io};

use anysock_core::Addr;

/// None of the addresses of a name could be connected to: each that was tried, with its error.
///
/// Comes wrapped in an [`io::Error`], whose kind is [`TimedOut`](io::ErrorKind::TimedOut) at the
/// deadline, and else that of the attempt that got furthest: an answer of the host, such as
/// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused), says more than that no route leads
/// there. Where there was one address alone, its own error is given instead of this.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::{Connector, NoConnection};
/// use anysock_core::{Addr, Cell, Socket, Type};
///
/// // Bound and not listening: they refuse.
/// let (a, b) = (Socket::open(Cell::IPV4_STREAM)?, Socket::open(Cell::IPV6_STREAM)?);
/// a.bind(&Addr::Ip("127.0.0.1:0".parse()?))?;
/// b.bind(&Addr::Ip("[::1]:0".parse()?))?;
/// let both = [a.local_addr()?, b.local_addr()?];
/// let error = Connector::new(Type::Stream).connect(&both).await.unwrap_err();
/// assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
/// let each = error.get_ref().and_then(|inner| inner.downcast_ref::<NoConnection>());
/// assert_eq!(each.unwrap().attempts().count(), 2);
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NoConnection {
    failed: Vec<(Addr, io::Error)>,
    untried: usize,
    is_late: bool,
}

impl NoConnection {
    pub(crate) fn new(failed: Vec<(Addr, io::Error)>, untried: usize, is_late: bool) -> Self {
        Self { failed, untried, is_late }
    }

    /// Each address that was tried, and why it is not connected; first those that failed, in
    /// that order, then those that were under way at the deadline.
    pub fn attempts(&self) -> impl Iterator<Item = (&Addr, &io::Error)> {
        self.failed.iter().map(|(addr, error)| (addr, error))
    }

    /// How many addresses were not tried: the deadline came first, or there were more than 32.
    pub fn untried(&self) -> usize {
        self.untried
    }

    /// The most useful of the kinds.
    fn kind(&self) -> io::ErrorKind {
        if self.is_late {
            return io::ErrorKind::TimedOut;
        }
        let best = self.failed.iter().map(|(_, error)| error.kind()).min_by_key(|kind| rank(*kind));
        best.unwrap_or(io::ErrorKind::NotFound)
    }
}

/// How far an attempt got that failed with this: the least got furthest.
fn rank(kind: io::ErrorKind) -> u8 {
    use io::ErrorKind as K;
    match kind {
        K::ConnectionReset | K::ConnectionAborted => 0,
        K::ConnectionRefused => 1,
        K::PermissionDenied => 2,
        K::TimedOut => 3,
        K::HostUnreachable => 5,
        K::NetworkUnreachable | K::NetworkDown => 6,
        K::AddrNotAvailable | K::Unsupported => 7,
        _ => 4,
    }
}

impl fmt::Display for NoConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failed.len() {
            0 => f.write_str("no address was tried")?,
            1 => f.write_str("the one address that was tried")?,
            count => write!(f, "none of {count} addresses that were tried")?,
        }
        f.write_str(if self.failed.len() == 1 { " failed" } else { " could be connected to" })?;
        if self.is_late {
            f.write_str(" before the deadline")?;
        }
        for (index, (_, error)) in self.failed.iter().enumerate() {
            write!(f, "{} {error}", if index == 0 { ":" } else { ";" })?;
        }
        match self.untried {
            0 => Ok(()),
            more => write!(f, "; {more} more addresses were not tried"),
        }
    }
}

impl std::error::Error for NoConnection {}

impl From<NoConnection> for io::Error {
    fn from(error: NoConnection) -> Self {
        Self::new(error.kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(numbers: &[i32], is_late: bool) -> io::Error {
        let failed = |number: &i32| {
            let addr = Addr::Ip("127.0.0.1:9".parse().unwrap());
            (addr, io::Error::from_raw_os_error(*number))
        };
        NoConnection::new(numbers.iter().map(failed).collect(), 0, is_late).into()
    }

    #[test]
    fn the_kind_is_that_of_the_attempt_that_got_furthest() {
        use libc::{ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT};
        let kind = |numbers: &[i32]| after(numbers, false).kind();
        assert_eq!(kind(&[ENETUNREACH, ECONNREFUSED]), io::ErrorKind::ConnectionRefused);
        assert_eq!(kind(&[ECONNREFUSED, ECONNRESET]), io::ErrorKind::ConnectionReset);
        assert_eq!(kind(&[ETIMEDOUT, EHOSTUNREACH]), io::ErrorKind::TimedOut);
        assert_eq!(kind(&[ENETUNREACH]), io::ErrorKind::NetworkUnreachable);
        assert_eq!(after(&[ECONNREFUSED], true).kind(), io::ErrorKind::TimedOut);
    }
}
