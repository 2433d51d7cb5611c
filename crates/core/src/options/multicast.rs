//! To which groups datagrams go, and from which they come.

use std::os::fd::AsFd;

use super::Options;
use super::row::{ANY_SWITCH, About, Access, Cells, Entry, FLAG, OCTET, Rules, SWITCH, row};
use crate::{Domain, Group, Interface, Socket, sys};

impl Options {
    /// Receives what is sent to a multicast group, as [`Socket::join_group`]; say it again for the next
    /// one. [`multicast_all`](Self::multicast_all) is off then, unless it is set. IPv6 sockets nevertheless
    /// receive what comes by another interface where others of this host have joined the group
    /// there; [`device`](Self::device) keeps to one. The kernel does not tell
    /// what a socket has joined, so that it is not read back.
    pub fn join(mut self, group: Group) -> Self {
        self.groups.get_or_insert_default().push(group);
        self
    }

    /// By which interface datagrams to groups leave (`IP_MULTICAST_IF`, `IPV6_MULTICAST_IF`). It is read
    /// back by index, and on IPv6 alone: of IPv4 the kernel does not tell.
    pub fn multicast_interface(self, interface: impl Into<Interface>) -> Self {
        Self { multicast_interface: Some(interface.into()), ..self }
    }

    /// Whether this host receives the datagrams to groups that it sends, the sender included
    /// (`IP_MULTICAST_LOOP`, `IPV6_MULTICAST_LOOP`).
    pub fn multicast_loop(self, on: bool) -> Self {
        Self { multicast_loop: Some(on), ..self }
    }

    /// How many routers datagrams to groups pass at most (`IP_MULTICAST_TTL`,
    /// `IPV6_MULTICAST_HOPS`). With 0 they stay in this host, of IPv4 only where somebody here has
    /// joined the group.
    pub fn multicast_ttl(self, hops: u8) -> Self {
        Self { multicast_ttl: Some(hops), ..self }
    }

    /// Also receives groups that other sockets of this host have joined (`IP_MULTICAST_ALL`,
    /// `IPV6_MULTICAST_ALL`, Linux 4.20).
    pub fn multicast_all(self, on: bool) -> Self {
        Self { multicast_all: Some(on), ..self }
    }
}

pub(super) static ROWS: &[&dyn Entry] = &[
    row!(
        join,
        groups,
        Rules {
            cells: Cells::Udp,
            elsewhere: "only datagrams are multicast",
            valid: |groups, cell| groups.iter().all(|group| group.check(cell).is_ok()),
            expected: "groups of the cell's family, in 224.0.0.0/4 or ff00::/8",
            access: Access::Call {
                set: |socket, groups| groups.iter().try_for_each(|group| socket.join_group(group)),
                get: |_| Ok(None)
            },
            needs: None,
            about: About {
                default: "none",
                source: "ip(7), ipv6(7), RFC 3678",
                effect: "`join_receives_a_group_on_one_interface`"
            },
        }
    ),
    row!(
        multicast_interface,
        Rules {
            cells: Cells::Udp,
            elsewhere: "only datagrams are multicast",
            valid: |interface, _| interface.is_valid(),
            expected: "interface, a name of 1 to 15 bytes or an index from 1",
            access: Access::Call { set: set_interface, get: get_interface },
            needs: None,
            about: About {
                default: "by the route",
                source: "ip(7), ipv6(7)",
                effect: "`multicast_interface_is_where_datagrams_leave`"
            },
        }
    ),
    row!(
        multicast_loop,
        Rules {
            cells: Cells::Udp,
            elsewhere: "only datagrams are multicast",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Ip {
                v4: libc::IP_MULTICAST_LOOP,
                v6: libc::IPV6_MULTICAST_LOOP,
                int: FLAG
            },
            needs: None,
            about: About {
                default: "on",
                source: "ip(7), ipv6(7)",
                effect: "`multicast_loop_off_keeps_them_from_this_host`"
            },
        }
    ),
    row!(
        multicast_ttl,
        Rules {
            cells: Cells::Udp,
            elsewhere: "only datagrams are multicast",
            valid: |_, _| true,
            expected: "hops, 0 to 255",
            access: Access::Ip {
                v4: libc::IP_MULTICAST_TTL,
                v6: libc::IPV6_MULTICAST_HOPS,
                int: OCTET
            },
            needs: None,
            about: About {
                default: "1",
                source: "ip(7), ipv6(7)",
                effect: "`multicast_ttl_is_what_datagrams_arrive_with`"
            },
        }
    ),
    row!(
        multicast_all,
        Rules {
            cells: Cells::Udp,
            elsewhere: "only datagrams are multicast",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Call { set: set_all, get: get_all },
            needs: None,
            about: About {
                default: "on; off with `join`",
                source: "ip(7)",
                effect: "`multicast_all_receives_what_others_have_joined`"
            },
        }
    ),
];

fn set_interface(socket: &Socket, interface: &Interface) -> std::io::Result<()> {
    let index = interface.index()? as i32;
    if socket.cell().domain == Domain::Ipv6 {
        return sys::set(socket.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF, &index);
    }
    let nowhere = libc::in_addr { s_addr: 0 };
    let at = libc::ip_mreqn { imr_multiaddr: nowhere, imr_address: nowhere, imr_ifindex: index };
    sys::set(socket.as_fd(), libc::IPPROTO_IP, libc::IP_MULTICAST_IF, &at)
}

fn get_interface(socket: &Socket) -> std::io::Result<Option<Interface>> {
    if socket.cell().domain != Domain::Ipv6 {
        return Ok(None);
    }
    let index = sys::get_int(socket.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF)?;
    Ok(u32::try_from(index).ok().filter(|index| *index != 0).map(Interface::Index))
}

/// IPv6 sockets never receive IPv4 groups that they have not joined.
fn all(socket: &Socket) -> (i32, i32) {
    match socket.cell().domain {
        Domain::Ipv6 => (libc::IPPROTO_IPV6, sys::IPV6_MULTICAST_ALL),
        _ => (libc::IPPROTO_IP, libc::IP_MULTICAST_ALL),
    }
}

fn set_all(socket: &Socket, on: &bool) -> std::io::Result<()> {
    let (level, name) = all(socket);
    sys::set_flag(socket.as_fd(), level, name, *on)
}

fn get_all(socket: &Socket) -> std::io::Result<Option<bool>> {
    let (level, name) = all(socket);
    sys::get_int(socket.as_fd(), level, name).map(|int| Some(int != 0))
}
