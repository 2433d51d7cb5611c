//! What stands in the IP header, and which way packets go.

use super::row::{
    ANY_SWITCH, About, Access, Cells, Entry, FLAG, Int, NUMBER, OCTET, Rules, SWITCH, row,
};
use super::{Options, PathMtuDiscovery};
use crate::Type;

impl Options {
    /// How many routers a packet passes at most (`IP_TTL`, `IPV6_UNICAST_HOPS`).
    pub fn ttl(self, hops: u8) -> Self {
        Self { ttl: Some(hops), ..self }
    }

    /// Packets with a smaller TTL or hop limit are dropped: 255 keeps all but neighbours out
    /// (`IP_MINTTL`, `IPV6_MINHOPCOUNT`, RFC 5082).
    pub fn min_ttl(self, hops: u8) -> Self {
        Self { min_ttl: Some(hops), ..self }
    }

    /// The traffic class, or type of service: six bits of DSCP (RFC 2474) and two of ECN (RFC 3168), which
    /// TCP keeps to itself (`IP_TOS`, `IPV6_TCLASS`). Setting it sets the
    /// [`priority`](Self::priority) that the kernel finds fit, unless that is set too.
    pub fn traffic_class(self, octet: u8) -> Self {
        Self { traffic_class: Some(octet), ..self }
    }

    /// The order among what leaves by one interface, as its queue has it, tc-prio(8) (`SO_PRIORITY`); more
    /// than 6 takes a capability.
    pub fn priority(self, priority: u32) -> Self {
        Self { priority: Some(priority), ..self }
    }

    /// A number that routes and the firewall tell packets apart by, ip-rule(8), nft(8) (`SO_MARK`).
    pub fn mark(self, mark: u32) -> Self {
        Self { mark: Some(mark), ..self }
    }

    /// Whether what is sent may be fragmented, and whether the path's MTU is believed
    /// (`IP_MTU_DISCOVER`, `IPV6_MTU_DISCOVER`).
    pub fn path_mtu_discovery(self, how: PathMtuDiscovery) -> Self {
        Self { path_mtu_discovery: Some(how), ..self }
    }

    /// A datagram that does not fit the path is refused with `EMSGSIZE` instead of fragmented here
    /// (`IPV6_DONTFRAG`, RFC 3542). For both families [`path_mtu_discovery`](Self::path_mtu_discovery).
    pub fn dont_fragment(self, on: bool) -> Self {
        Self { dont_fragment: Some(on), ..self }
    }

    /// Gives the packets of one conversation a flow label, by which routers keep them together
    /// (`IPV6_AUTOFLOWLABEL`, RFC 6438).
    pub fn auto_flow_label(self, on: bool) -> Self {
        Self { auto_flow_label: Some(on), ..self }
    }

    /// Reaches hosts on the own links alone, and passes no router (`SO_DONTROUTE`).
    /// Multipath TCP takes it in silence and does nothing.
    pub fn dont_route(self, on: bool) -> Self {
        Self { dont_route: Some(on), ..self }
    }

    /// Lets datagrams be sent to broadcast addresses (`SO_BROADCAST`). Receiving them takes no option.
    pub fn broadcast(self, on: bool) -> Self {
        Self { broadcast: Some(on), ..self }
    }
}

pub(super) static ROWS: &[&dyn Entry] = &[
    row!(
        ttl,
        Rules {
            cells: Cells::Inet,
            elsewhere: "nothing passes a router",
            valid: |hops, _| *hops >= 1,
            expected: "hops, 1 to 255",
            access: Access::Ip { v4: libc::IP_TTL, v6: libc::IPV6_UNICAST_HOPS, int: OCTET },
            needs: None,
            about: About {
                default: "`net.ipv4.ip_default_ttl`, by the route on IPv6",
                source: "ip(7), ipv6(7)",
                effect: "`ttl_is_what_packets_arrive_with`"
            },
        }
    ),
    row!(
        min_ttl,
        Rules {
            cells: Cells::Tcp,
            elsewhere: "only TCP looks at it",
            valid: |_, _| true,
            expected: "hops, 0 to 255",
            access: Access::Ip { v4: libc::IP_MINTTL, v6: libc::IPV6_MINHOPCOUNT, int: OCTET },
            needs: None,
            about: About {
                default: "0",
                source: "ip(7)",
                effect: "`min_ttl_drops_what_comes_from_afar`"
            },
        }
    ),
    row!(
        traffic_class,
        Rules {
            cells: Cells::Inet,
            elsewhere: "there is no IP header",
            valid: |octet, cell| cell.kind == Type::Datagram || octet & 3 == 0,
            expected: "octet, 0 to 255; over TCP a multiple of 4",
            access: Access::Ip { v4: libc::IP_TOS, v6: libc::IPV6_TCLASS, int: OCTET },
            needs: None,
            about: About {
                default: "0",
                source: "ip(7), ipv6(7)",
                effect: "`traffic_class_is_what_packets_arrive_with`"
            },
        }
    ),
    row!(
        priority,
        Rules {
            cells: Cells::Inet,
            elsewhere: "nothing leaves by an interface",
            valid: |priority, _| i32::try_from(*priority).is_ok(),
            expected: "0 to 2,147,483,647",
            access: Access::Int { level: libc::SOL_SOCKET, name: libc::SO_PRIORITY, int: PRIORITY },
            needs: Some("CAP_NET_ADMIN or CAP_NET_RAW for more than 6"),
            about: About {
                default: "0",
                source: "socket(7)",
                effect: "`mark_and_priority_are_seen_by_the_firewall`"
            },
        }
    ),
    row!(
        mark,
        Rules {
            cells: Cells::Inet,
            elsewhere: "no packet leaves that could be marked",
            valid: |mark, _| *mark != 0,
            expected: "1 to 4,294,967,295",
            access: Access::Int { level: libc::SOL_SOCKET, name: libc::SO_MARK, int: NUMBER },
            needs: Some("CAP_NET_ADMIN or CAP_NET_RAW"),
            about: About {
                default: "none",
                source: "socket(7)",
                effect: "`mark_and_priority_are_seen_by_the_firewall`"
            },
        }
    ),
    row!(
        path_mtu_discovery,
        Rules {
            cells: Cells::Inet,
            elsewhere: "there is no path with an MTU",
            valid: |_, _| true,
            expected: "one of [`PathMtuDiscovery`]",
            access: Access::Ip {
                v4: libc::IP_MTU_DISCOVER,
                v6: libc::IPV6_MTU_DISCOVER,
                int: DISCOVERY
            },
            needs: None,
            about: About {
                default: "`net.ipv4.ip_no_pmtu_disc`",
                source: "ip(7), ipv6(7)",
                effect: "`path_mtu_discovery_says_whether_datagrams_are_fragmented`"
            },
        }
    ),
    row!(
        dont_fragment,
        Rules {
            cells: Cells::Ipv6Udp,
            elsewhere: "TCP cuts to fit, and IPv4 has path_mtu_discovery",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Int { level: libc::IPPROTO_IPV6, name: libc::IPV6_DONTFRAG, int: FLAG },
            needs: None,
            about: About {
                default: "off",
                source: "RFC 3542",
                effect: "`dont_fragment_refuses_what_does_not_fit`"
            },
        }
    ),
    row!(
        auto_flow_label,
        Rules {
            cells: Cells::Ipv6,
            elsewhere: "only IPv6 has flow labels",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Int {
                level: libc::IPPROTO_IPV6,
                name: libc::IPV6_AUTOFLOWLABEL,
                int: FLAG
            },
            needs: None,
            about: About {
                default: "`net.ipv6.auto_flowlabels`",
                source: "the kernel's ip-sysctl",
                effect: "`auto_flow_label_is_what_packets_carry`"
            },
        }
    ),
    row!(
        dont_route,
        Rules {
            cells: Cells::Ipv4,
            elsewhere: "IPv6 takes it and routes all the same, and unix sockets pass no router",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Int { level: libc::SOL_SOCKET, name: libc::SO_DONTROUTE, int: FLAG },
            needs: None,
            about: About {
                default: "off",
                source: "socket(7)",
                effect: "`dont_route_reaches_neighbours_alone`"
            },
        }
    ),
    row!(
        broadcast,
        Rules {
            cells: Cells::Ipv4Udp,
            elsewhere: "only IPv4 datagrams are broadcast",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Int { level: libc::SOL_SOCKET, name: libc::SO_BROADCAST, int: FLAG },
            needs: None,
            about: About {
                default: "off",
                source: "socket(7)",
                effect: "`broadcast_lets_datagrams_reach_everybody`"
            },
        }
    ),
];

const PRIORITY: Int<u32> =
    Int { to: |priority| *priority as i32, from: |int| u32::try_from(int).ok() };

const DISCOVERY: Int<PathMtuDiscovery> =
    Int { to: |how| how.to_os(), from: PathMtuDiscovery::from_os };
