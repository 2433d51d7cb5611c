//! What can be wrong with the text of an endpoint.

use std::io;

use super::{EndpointName, HostName};
use crate::UnixAddrError;

/// A text that is no endpoint: the whole text, and what is wrong with it.
///
/// ```
/// use anysock_core::{Endpoint, EndpointFault};
///
/// let error = "tcp://localhost".parse::<Endpoint>().unwrap_err();
/// assert_eq!(error.endpoint(), "tcp://localhost");
/// assert!(matches!(error.fault(), EndpointFault::MissingPort { .. }));
/// assert_eq!(
///     error.to_string(),
///     r#"bad endpoint "tcp://localhost": no port behind the host "localhost"; add :PORT, 0 to 65535"#,
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bad endpoint {endpoint:?}: {fault}")]
pub struct EndpointError {
    endpoint: String,
    #[source]
    fault: EndpointFault,
}

/// What is wrong with the text of an endpoint, what was expected, and what to write instead.
///
/// ```
/// use anysock_core::{EndpointFault, HostName};
/// assert_eq!(HostName::new(""), Err(EndpointFault::EmptyHost));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointFault {
    /// Nothing says which kind of endpoint it is.
    #[error(
        "no scheme; expected one of {SCHEMES} in front, as in tcp://localhost:80 or unix:/run/app.sock"
    )]
    NoScheme,
    /// The word in front of the first colon is not known.
    #[error("unknown scheme {scheme:?}; expected one of {SCHEMES}")]
    UnknownScheme {
        /// The word given.
        scheme: String,
    },
    /// `tcp:HOST` instead of `tcp://HOST`.
    #[error("no // behind {scheme}:, write {scheme}://HOST:PORT")]
    MissingSlashes {
        /// The scheme given.
        scheme: String,
    },
    /// Nothing between `//` and the port.
    #[error("no host; expected an address or a name, 0.0.0.0 or [::] for every address")]
    EmptyHost,
    /// Not a name that can be resolved.
    #[error(
        "the host {host:?} is neither an address nor a name; expected ASCII letters, digits, \
         - and _ in labels of 1 to 63, at most {} in all; write other scripts as xn--",
        HostName::MAX
    )]
    BadHost {
        /// The host given.
        host: String,
    },
    /// Looks like an IPv4 address, and is none.
    #[error(
        "the host {host:?} is not an IPv4 address; expected four numbers from 0 to 255 \
         without leading zeros"
    )]
    BadIpv4 {
        /// The host given.
        host: String,
    },
    /// The brackets hold something else.
    #[error("{host:?} is not an IPv6 address; only those are written in brackets")]
    BadIpv6 {
        /// What the brackets hold, without a scope.
        host: String,
    },
    /// An IPv6 address whose end cannot be told from the port.
    #[error("the IPv6 address in {host:?} has no brackets; write [ADDRESS]:PORT")]
    UnbracketedIpv6 {
        /// Host and port given.
        host: String,
    },
    /// `[` without `]`.
    #[error("the bracket in {host:?} is not closed; write [ADDRESS]:PORT")]
    UnclosedBracket {
        /// The host given, from its bracket on.
        host: String,
    },
    /// No interface can have this name or number.
    #[error(
        "the scope {scope:?} is no interface; expected its name, 1 to 15 bytes, or its number, \
         from 1 on"
    )]
    BadScope {
        /// The scope given, without the percent sign.
        scope: String,
    },
    /// Ports have no default.
    #[error("no port behind the host {host:?}; add :PORT, 0 to 65535")]
    MissingPort {
        /// The host given.
        host: String,
    },
    /// Not a port.
    #[error("the port {port:?} is not a decimal number from 0 to 65535 without leading zeros")]
    BadPort {
        /// The port given.
        port: String,
    },
    /// Something stands where the endpoint should have ended, or a port begun.
    #[error("{rest:?} stands behind the {behind}, where nothing of that kind may; remove it")]
    Trailing {
        /// "port" or "host".
        behind: &'static str,
        /// What stands there.
        rest: String,
    },
    /// A percent sign without two hexadecimal digits.
    #[error(
        "bad percent escape {escape:?} at byte {offset}; expected % and two hexadecimal digits, \
         write %25 for a percent sign"
    )]
    BadEscape {
        /// The percent sign and what follows, at most three characters.
        escape: String,
        /// Where in the endpoint the percent sign stands, in bytes from 0.
        offset: usize,
    },
    /// The bytes behind the colon are no unix address.
    #[error(transparent)]
    Unix(#[from] UnixAddrError),
    /// Not the number of a descriptor.
    #[error("{number:?} is not a descriptor; expected a decimal number without leading zeros")]
    BadDescriptor {
        /// The number given.
        number: String,
    },
    /// Not a name that `systemd:` or `mem:` can carry.
    #[error(
        "{name:?} is not a name; expected 1 to {} printable ASCII characters, but no colon",
        EndpointName::MAX
    )]
    BadName {
        /// The name given.
        name: String,
    },
}

const SCHEMES: &str =
    "tcp://, mptcp://, udp://, sctp://, unix:, unix-dgram:, unix-seqpacket:, fd:, systemd:, mem:";

impl EndpointError {
    pub(super) fn new(endpoint: &str, fault: EndpointFault) -> Self {
        Self { endpoint: endpoint.to_owned(), fault }
    }

    /// The whole text that was given.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What is wrong with it.
    pub fn fault(&self) -> &EndpointFault {
        &self.fault
    }
}

impl From<EndpointError> for io::Error {
    fn from(error: EndpointError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

impl From<EndpointFault> for io::Error {
    fn from(fault: EndpointFault) -> Self {
        Self::new(io::ErrorKind::InvalidInput, fault)
    }
}
