//! Why a socket that somebody else has made was not taken over.

use std::io;

use crate::{Addr, Cell, Domain, UnsupportedCell};

/// A descriptor that was not adopted as a socket: which, and what is wrong with it.
///
/// Comes wrapped in an [`io::Error`], whose kind each [fault](AdoptFault) names:
///
/// ```
/// use anysock_core::{AdoptError, AdoptFault, Options, Socket};
///
/// let error = Socket::inherit_listener(&"fd:1000000".parse()?, &Options::new()).unwrap_err();
/// assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
/// let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<AdoptError>());
/// assert!(matches!(inner.map(AdoptError::fault), Some(AdoptFault::NotOpen)));
/// # Ok::<_, anysock_core::EndpointError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{named}: {fault}")]
pub struct AdoptError {
    named: String,
    #[source]
    fault: AdoptFault,
}

/// What is wrong with a descriptor that was to be adopted, what was expected and what to do.
///
/// ```
/// use anysock_core::AdoptFault;
/// let fault = AdoptFault::NotASocket { found: "regular file" };
/// assert_eq!(fault.to_string(), "this is a regular file; expected a socket");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdoptFault {
    /// Nothing is open at this number: [`NotFound`](io::ErrorKind::NotFound).
    #[error(
        "no such descriptor is open; the process that passes it must leave it open across exec, \
         without close-on-exec"
    )]
    NotOpen,
    /// Something else than a socket: [`InvalidInput`](io::ErrorKind::InvalidInput).
    #[error("this is a {found}; expected a socket")]
    NotASocket {
        /// "regular file", "directory", "pipe", "device", "anonymous file" and so on.
        found: &'static str,
    },
    /// A domain that is not in the table: [`Unsupported`](io::ErrorKind::Unsupported).
    #[error("a socket of address family {family}; expected a unix, IPv4 or IPv6 socket")]
    ForeignDomain {
        /// `SO_DOMAIN`, a number of address_families(7).
        family: i32,
    },
    /// A type that is not in the table, a raw socket for one:
    /// [`Unsupported`](io::ErrorKind::Unsupported).
    #[error(
        "a socket of domain {domain} and type {kind}; expected a stream, datagram or seqpacket \
         socket"
    )]
    ForeignType {
        /// The domain.
        domain: Domain,
        /// `SO_TYPE`, a number of socket(2): 3 is `SOCK_RAW`.
        kind: i32,
    },
    /// Another protocol than TCP, MPTCP and UDP: [`Unsupported`](io::ErrorKind::Unsupported).
    #[error("the {cell} socket speaks protocol {protocol}; expected TCP, MPTCP or UDP")]
    ForeignProtocol {
        /// The cell that it would be.
        cell: Cell,
        /// `SO_PROTOCOL`, a number of protocols(5).
        protocol: i32,
    },
    /// A cell that cannot be driven: [`Unsupported`](io::ErrorKind::Unsupported).
    #[error(transparent)]
    Unsupported(UnsupportedCell),
    /// To be listened on, and does not listen: [`InvalidInput`](io::ErrorKind::InvalidInput).
    #[error(
        "the {cell} socket at {at:?} does not listen; the process that passes it must bind and \
         listen first"
    )]
    DoesNotListen {
        /// The cell.
        cell: Cell,
        /// Where it is bound, as an endpoint writes it; empty if it is not.
        at: String,
    },
    /// To be listened on, and has a peer: [`InvalidInput`](io::ErrorKind::InvalidInput).
    #[error("the {cell} socket is connected to {peer:?}; connect to it instead of binding it")]
    Connected {
        /// The cell.
        cell: Cell,
        /// Its peer, as an endpoint writes it; empty if it has no name.
        peer: String,
    },
    /// To receive from anybody, and nobody can reach it:
    /// [`InvalidInput`](io::ErrorKind::InvalidInput).
    #[error("the {cell} socket has no address; the process that passes it must bind it first")]
    NotBound {
        /// The cell.
        cell: Cell,
    },
    /// To be talked over, and listens: [`InvalidInput`](io::ErrorKind::InvalidInput).
    #[error("the {cell} socket listens at {at:?}; bind it instead of connecting to it")]
    Listens {
        /// The cell.
        cell: Cell,
        /// Where, as an endpoint writes it.
        at: String,
    },
    /// To be talked over, and has no peer, or has it no longer:
    /// [`NotConnected`](io::ErrorKind::NotConnected).
    #[error("the {cell} socket is not connected; the process that passes it must connect it first")]
    NotConnected {
        /// The cell.
        cell: Cell,
    },
    /// Nothing was passed to this process: [`NotFound`](io::ErrorKind::NotFound).
    #[error("no sockets were passed to this process: {why}; start it by socket activation")]
    NothingPassed {
        /// What shows it.
        why: String,
    },
    /// Sockets were passed, none of this name: [`NotFound`](io::ErrorKind::NotFound).
    #[error("no socket of this name was passed to this process; there are {}", list(names))]
    UnknownName {
        /// The names of those that were passed, in their order.
        names: Vec<String>,
    },
    /// All sockets of this name were adopted before: [`AddrInUse`](io::ErrorKind::AddrInUse).
    #[error("all sockets of this name that were passed, {passed}, have been taken already")]
    Taken {
        /// How many of this name were passed.
        passed: usize,
    },
    /// The passing process has made a mistake: [`InvalidInput`](io::ErrorKind::InvalidInput).
    #[error("the variable {variable} is {value:?}; expected {expected}")]
    BadEnvironment {
        /// `LISTEN_PID`, `LISTEN_FDS` or `LISTEN_FDNAMES`.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What is possible, in words.
        expected: String,
    },
    /// The endpoint does not name an inherited socket:
    /// [`InvalidInput`](io::ErrorKind::InvalidInput).
    #[error("this is not inherited; expected fd:N or systemd:NAME")]
    NotInherited,
    /// An option was refused, wrapping an [`OptionError`](crate::OptionError); the kind is its own.
    #[error(transparent)]
    Option(io::Error),
    /// A system call failed; the kind is its own.
    #[error("cannot {action}: {source}")]
    System {
        /// What was being done.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl AdoptError {
    /// `named` could not be adopted, because of `fault`.
    pub fn new(named: impl Into<String>, fault: AdoptFault) -> Self {
        Self { named: named.into(), fault }
    }

    /// Which it was: an endpoint, or a descriptor's number.
    pub fn named(&self) -> &str {
        &self.named
    }

    /// What is wrong with it.
    pub fn fault(&self) -> &AdoptFault {
        &self.fault
    }

    /// What is wrong with it, without which it was.
    pub fn into_fault(self) -> AdoptFault {
        self.fault
    }
}

impl AdoptFault {
    pub(super) fn system(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { action, source }
    }

    pub(super) fn does_not_listen(cell: Cell, at: &Addr) -> Self {
        Self::DoesNotListen { cell, at: at.to_string() }
    }

    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::NotOpen | Self::NothingPassed { .. } | Self::UnknownName { .. } => {
                io::ErrorKind::NotFound
            }
            Self::ForeignDomain { .. }
            | Self::ForeignType { .. }
            | Self::ForeignProtocol { .. }
            | Self::Unsupported(_) => io::ErrorKind::Unsupported,
            Self::NotConnected { .. } => io::ErrorKind::NotConnected,
            Self::Taken { .. } => io::ErrorKind::AddrInUse,
            Self::System { source, .. } | Self::Option(source) => source.kind(),
            Self::NotASocket { .. }
            | Self::DoesNotListen { .. }
            | Self::Connected { .. }
            | Self::NotBound { .. }
            | Self::Listens { .. }
            | Self::BadEnvironment { .. }
            | Self::NotInherited => io::ErrorKind::InvalidInput,
        }
    }
}

impl From<AdoptError> for io::Error {
    fn from(error: AdoptError) -> Self {
        Self::new(error.fault.kind(), error)
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none at all".to_owned(),
        names => names.join(", "),
    }
}
