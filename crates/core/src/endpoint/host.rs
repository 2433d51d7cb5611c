//! The host and port of an endpoint.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::EndpointFault;
use crate::Domain;

/// A host and a port: what stands behind `tcp://`.
///
/// ```
/// use anysock_core::HostPort;
///
/// let at = HostPort::from(std::net::SocketAddr::from(([127, 0, 0, 1], 80)));
/// assert_eq!(at.to_string(), "127.0.0.1:80");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// Address or name.
    pub host: Host,
    /// Port; binding to 0 lets the kernel choose.
    pub port: u16,
}

/// An address, or a name that has yet to be resolved.
///
/// ```
/// use anysock_core::{Host, HostName};
///
/// let host = Host::Name(HostName::new("localhost")?);
/// assert_eq!(host.domain(), None);
/// # Ok::<_, anysock_core::EndpointFault>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// `127.0.0.1`.
    Ipv4(Ipv4Addr),
    /// `[::1]` or `[fe80::1%eth0]`.
    Ipv6 {
        /// The address.
        addr: Ipv6Addr,
        /// Which link a link-local address is on.
        scope: Option<Scope>,
    },
    /// `localhost`.
    Name(HostName),
}

/// A name to resolve, in lower case.
///
/// Labels of 1 to 63 ASCII letters, digits, `-` and `_`, at most 253 bytes together; a final
/// dot is kept. A name whose last label is a number is refused, as the resolver would take it
/// for an abbreviated IPv4 address. Source: RFC 1123, RFC 4343.
///
/// ```
/// use anysock_core::HostName;
///
/// assert_eq!(HostName::new("Example.ORG")?.as_str(), "example.org");
/// assert!(HostName::new("127.1").is_err());
/// # Ok::<_, anysock_core::EndpointFault>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(Box<str>);

/// The scope of an IPv6 address: an interface, by name or by number.
///
/// 1 to 15 printable ASCII characters but `/`, `:`, `%`, `[` and `]`. Digits alone are a
/// number, from 1 on and without leading zeros. Source: RFC 4007, netdevice(7).
///
/// ```
/// use anysock_core::Scope;
///
/// assert_eq!(Scope::new("2")?.index(), Some(2));
/// assert_eq!(Scope::new("eth0")?.index(), None);
/// # Ok::<_, anysock_core::EndpointFault>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(Box<str>);

impl HostPort {
    /// The socket address, where no name must be resolved to have it.
    pub fn addr(&self) -> Option<SocketAddr> {
        match &self.host {
            Host::Ipv4(addr) => Some(SocketAddr::new(IpAddr::V4(*addr), self.port)),
            Host::Ipv6 { addr, scope } => {
                let scope = match scope {
                    None => 0,
                    Some(scope) => scope.index()?,
                };
                Some(SocketAddrV6::new(*addr, self.port, 0, scope).into())
            }
            Host::Name(_) => None,
        }
    }
}

impl Host {
    /// The domain of an address; `None` for a name.
    pub fn domain(&self) -> Option<Domain> {
        match self {
            Self::Ipv4(_) => Some(Domain::Ipv4),
            Self::Ipv6 { .. } => Some(Domain::Ipv6),
            Self::Name(_) => None,
        }
    }

    /// What getaddrinfo(3) takes: an IPv6 address without its brackets.
    pub fn to_lookup(&self) -> String {
        match self {
            Self::Ipv4(addr) => addr.to_string(),
            Self::Ipv6 { addr, scope: None } => addr.to_string(),
            Self::Ipv6 { addr, scope: Some(scope) } => format!("{addr}%{scope}"),
            Self::Name(name) => name.to_string(),
        }
    }
}

impl HostName {
    /// The longest name, in bytes, without its final dot.
    pub const MAX: usize = 253;

    /// Checks a name, and turns it to lower case.
    ///
    /// # Errors
    ///
    /// [`EndpointFault::BadHost`], [`EndpointFault::BadIpv4`] or [`EndpointFault::EmptyHost`].
    pub fn new(name: &str) -> Result<Self, EndpointFault> {
        if name.is_empty() {
            return Err(EndpointFault::EmptyHost);
        }
        let bare = name.strip_suffix('.').unwrap_or(name);
        let valid = bare.len() <= Self::MAX && bare.split('.').all(is_label);
        if !valid {
            return Err(EndpointFault::BadHost { host: name.to_owned() });
        }
        if bare.rsplit('.').next().is_some_and(is_number) {
            return Err(EndpointFault::BadIpv4 { host: name.to_owned() });
        }
        Ok(Self(name.to_ascii_lowercase().into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scope {
    /// The longest name of an interface, in bytes: `IFNAMSIZ` less the final NUL.
    pub const MAX: usize = 15;

    /// Checks a scope.
    ///
    /// # Errors
    ///
    /// [`EndpointFault::BadScope`] where no interface can have this name or number.
    pub fn new(scope: &str) -> Result<Self, EndpointFault> {
        let fits = (1..=Self::MAX).contains(&scope.len());
        let valid = fits && scope.bytes().all(is_scope_byte) && !matches!(scope, "." | "..");
        let number = scope.bytes().all(|byte| byte.is_ascii_digit());
        if valid && (!number || (!scope.starts_with('0') && scope.parse::<u32>().is_ok())) {
            Ok(Self(scope.into()))
        } else {
            Err(EndpointFault::BadScope { scope: scope.to_owned() })
        }
    }

    /// The scope of this number; `None` for 0, which means no scope.
    pub fn from_index(index: u32) -> Option<Self> {
        (index != 0).then(|| Self(index.to_string().into()))
    }

    /// The number, where the scope is one; a name must be resolved, see if_nametoindex(3).
    pub fn index(&self) -> Option<u32> {
        // A number may be read with a sign, which makes it the name of an interface here.
        self.0.bytes().all(|byte| byte.is_ascii_digit()).then(|| self.0.parse().ok()).flatten()
    }

    /// The name or number as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<SocketAddr> for HostPort {
    fn from(addr: SocketAddr) -> Self {
        let host = match addr {
            SocketAddr::V4(addr) => Host::Ipv4(*addr.ip()),
            SocketAddr::V6(addr) => {
                Host::Ipv6 { addr: *addr.ip(), scope: Scope::from_index(addr.scope_id()) }
            }
        };
        Self { host, port: addr.port() }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// As written in an endpoint: an IPv6 address in its brackets.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv6 { .. } => write!(f, "[{}]", self.to_lookup()),
            Self::Ipv4(addr) => addr.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

fn is_label(label: &str) -> bool {
    let byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=63).contains(&label.len()) && label.bytes().all(byte)
}

/// Whether inet_aton(3) would read the label as a number, decimal or hexadecimal.
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

fn is_scope_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'/' | b':' | b'%' | b'[' | b']')
}
