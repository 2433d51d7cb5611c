//! Whether what is sent may be fragmented, and whether the path's MTU is believed.

/// How packets find out what the path carries in one piece. Source: ip(7), `IP_MTU_DISCOVER`;
/// ipv6(7), `IPV6_MTU_DISCOVER`; RFC 1191, RFC 8201, RFC 8899.
///
/// | | larger than this host's interface | larger than the path | the path's MTU is |
/// |---|---|---|---|
/// | `Never` | fragmented | fragmented on its way | believed |
/// | `PerRoute` | fragmented | refused by a router, once; then fragmented here | believed |
/// | `Always` | `EMSGSIZE` | refused by a router, once; then `EMSGSIZE` | believed |
/// | `Probe` | `EMSGSIZE` | refused by a router | left alone |
/// | `Interface` | `EMSGSIZE` | fragmented on its way | left alone |
/// | `Omit` | fragmented | fragmented on its way | left alone |
///
/// Routers never fragment IPv6, so that there what is too large for the path is always refused.
///
/// ```
/// use anysock_core::{Cell, Options, PathMtuDiscovery, Socket};
///
/// let socket = Socket::open(Cell::IPV4_DATAGRAM)?;
/// Options::new().path_mtu_discovery(PathMtuDiscovery::Always).apply(&socket)?;
/// assert_eq!(Options::read(&socket)?.path_mtu_discovery, Some(PathMtuDiscovery::Always));
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PathMtuDiscovery {
    /// Lets everybody fragment (`IP_PMTUDISC_DONT`).
    Never,
    /// As the route says; of what is sent, what does not fit is fragmented here
    /// (`IP_PMTUDISC_WANT`).
    PerRoute,
    /// Lets nobody fragment (`IP_PMTUDISC_DO`).
    Always,
    /// As `Always`, but larger than what is known of the path may be sent, to find out
    /// (`IP_PMTUDISC_PROBE`).
    Probe,
    /// Knows the interface's MTU alone, so that forged ICMP cannot lower it
    /// (`IP_PMTUDISC_INTERFACE`).
    Interface,
    /// As `Interface`, but what does not fit is fragmented here (`IP_PMTUDISC_OMIT`).
    Omit,
}

impl PathMtuDiscovery {
    /// All of them, in the order of the kernel's numbers.
    const ALL: [Self; 6] =
        [Self::Never, Self::PerRoute, Self::Always, Self::Probe, Self::Interface, Self::Omit];

    /// IPv4 and IPv6 have the same numbers.
    pub(super) const fn to_os(self) -> libc::c_int {
        match self {
            Self::Never => libc::IP_PMTUDISC_DONT,
            Self::PerRoute => libc::IP_PMTUDISC_WANT,
            Self::Always => libc::IP_PMTUDISC_DO,
            Self::Probe => libc::IP_PMTUDISC_PROBE,
            Self::Interface => libc::IP_PMTUDISC_INTERFACE,
            Self::Omit => libc::IP_PMTUDISC_OMIT,
        }
    }

    pub(super) fn from_os(number: libc::c_int) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.to_os() == number)
    }
}
