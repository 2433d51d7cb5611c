//! What the network answered to something that was sent, and to what.

use std::{fmt, io};

use crate::Addr;

/// An error that the kernel has queued: of a datagram that was sent before, with the destination
/// it concerns. Source: ip(7), `IP_RECVERR`.
///
/// As an [`io::Error`] it keeps its kind, and is found again by `error.get_ref()`.
///
/// ```
/// use anysock_core::{Cell, Origin, Socket};
///
/// let socket = Socket::open(Cell::IPV4_DATAGRAM)?;
/// socket.set_receive_errors(true)?;
/// match socket.recv_error()? {
///     Some(error) if error.origin == (Origin::Icmp { kind: 3, code: 4 }) => {
///         println!("{:?} takes at most {:?} bytes", error.destination, error.mtu);
///     }
///     Some(error) => println!("{error}"),
///     None => println!("no error"),
/// }
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedError {
    /// Number of the error: errno(3).
    pub number: i32,
    /// Who says so.
    pub origin: Origin,
    /// To whom the datagram was sent.
    pub destination: Option<Addr>,
    /// The host that sent the answer: the destination, or one on the way there. Its port means
    /// nothing.
    pub offender: Option<Addr>,
    /// What the path takes in one piece, in bytes, headers included, where the datagram was too
    /// long for it (`EMSGSIZE`).
    pub mtu: Option<u32>,
}

/// Who says that a datagram did not arrive.
///
/// ```
/// assert_eq!(anysock_core::Origin::Icmp { kind: 3, code: 3 }.to_string(), "ICMP 3/3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// This host.
    Local,
    /// Another one, by ICMP (RFC 792).
    Icmp {
        /// The type of the message.
        kind: u8,
        /// Its code.
        code: u8,
    },
    /// Another one, by ICMPv6 (RFC 4443).
    Icmp6 {
        /// The type of the message.
        kind: u8,
        /// Its code.
        code: u8,
    },
    /// A number of `SO_EE_ORIGIN_*` that stands for none of these.
    Other(u8),
}

impl QueuedError {
    /// The kind of the error.
    pub fn kind(&self) -> io::ErrorKind {
        io::Error::from_raw_os_error(self.number).kind()
    }
}

impl fmt::Display for QueuedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, origin, destination, offender, mtu } = self;
        write!(f, "{} ({origin}", io::Error::from_raw_os_error(*number))?;
        match offender {
            Some(Addr::Ip(offender)) => write!(f, " from {})", offender.ip())?,
            _ => f.write_str(")")?,
        }
        if let Some(destination) = destination {
            write!(f, ", about a datagram to {destination}")?;
        }
        match mtu {
            Some(mtu) => write!(f, "; the path takes {mtu} bytes"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("this host"),
            Self::Icmp { kind, code } => write!(f, "ICMP {kind}/{code}"),
            Self::Icmp6 { kind, code } => write!(f, "ICMPv6 {kind}/{code}"),
            Self::Other(number) => write!(f, "origin {number}"),
        }
    }
}

impl std::error::Error for QueuedError {}

impl From<QueuedError> for io::Error {
    fn from(error: QueuedError) -> Self {
        Self::new(error.kind(), error)
    }
}
