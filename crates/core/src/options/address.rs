//! Where a socket is bound, and which of what comes it gets.

use std::ops::RangeInclusive;

use super::row::{ANY_SWITCH, About, Access, Cells, Entry, FLAG, Int, Rules, SWITCH, row};
use super::{Options, device};
use crate::{Interface, sys};

impl Options {
    /// Binds to an address that connections of an earlier socket still keep in `TIME_WAIT`
    /// (`SO_REUSEADDR`). Datagram sockets share an address by it, and multicast with it.
    ///
    /// A TCP listener wants it, and [`for_listener`](Self::for_listener) sets it there.
    pub fn reuse_address(self, on: bool) -> Self {
        Self { reuse_address: Some(on), ..self }
    }

    /// Lets several sockets of one user bind to the same address, and spreads what comes in
    /// over them (`SO_REUSEPORT`).
    pub fn reuse_port(self, on: bool) -> Self {
        Self { reuse_port: Some(on), ..self }
    }

    /// Keeps an IPv6 socket to IPv6: bound to `[::]` it then leaves IPv4 alone (`IPV6_V6ONLY`).
    pub fn v6only(self, on: bool) -> Self {
        Self { v6only: Some(on), ..self }
    }

    /// Sends and receives by one interface alone (`SO_BINDTODEVICE`, `SO_BINDTOIFINDEX`), an interface
    /// of a VRF included. It is read back by name, whichever way it was given.
    ///
    /// Changing it again takes `CAP_NET_RAW`.
    pub fn device(self, interface: impl Into<Interface>) -> Self {
        Self { device: Some(interface.into()), ..self }
    }

    /// Binds to an address that this host has not, or not yet (`IP_FREEBIND`, `IPV6_FREEBIND`).
    pub fn free_bind(self, on: bool) -> Self {
        Self { free_bind: Some(on), ..self }
    }

    /// Binds to, and is reached at, addresses of other hosts whose packets are routed through this
    /// one (`IP_TRANSPARENT`, `IPV6_TRANSPARENT`): for proxies.
    pub fn transparent(self, on: bool) -> Self {
        Self { transparent: Some(on), ..self }
    }

    /// Binding to port 0 takes no port yet: connecting does, so that one port serves connections to
    /// many peers (`IP_BIND_ADDRESS_NO_PORT`).
    pub fn bind_address_no_port(self, on: bool) -> Self {
        Self { bind_address_no_port: Some(on), ..self }
    }

    /// The ports of which one is chosen where none is given (`IP_LOCAL_PORT_RANGE`, Linux 6.3), those of
    /// `net.ipv4.ip_local_port_range` alone.
    pub fn local_port_range(self, ports: RangeInclusive<u16>) -> Self {
        Self { local_port_range: Some(ports), ..self }
    }

    /// Of several sockets at one address the one to prefer for what this processor receives
    /// (`SO_INCOMING_CPU`). A socket that has received reads back which processor did that.
    pub fn incoming_cpu(self, cpu: u32) -> Self {
        Self { incoming_cpu: Some(cpu), ..self }
    }

    /// How many connections wait to be accepted, see listen(2).
    ///
    /// The kernel cuts it to `net.core.somaxconn` in silence.
    pub fn backlog(self, connections: u32) -> Self {
        Self { backlog: Some(connections), ..self }
    }

    /// Permission bits of the file that binding to a unix path makes; connecting needs write
    /// permission.
    ///
    /// The file has exactly this mode, whatever the umask, and at no time a wider one.
    pub fn file_mode(self, mode: u32) -> Self {
        Self { file_mode: Some(mode), ..self }
    }
}

pub(super) static ROWS: &[&dyn Entry] = &[
    row!(
        reuse_address,
        until Bound,
        Rules {
            cells: Cells::Inet,
            elsewhere: "a unix path is taken over by its claim, and an abstract name frees itself",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Int { level: libc::SOL_SOCKET, name: libc::SO_REUSEADDR, int: FLAG },
            needs: None,
            about: About {
                default: "off",
                source: "socket(7)",
                effect: "`reuse_address_takes_over_what_is_in_time_wait`"
            },
        }
    ),
    row!(
        reuse_port,
        Rules {
            cells: Cells::Inet,
            elsewhere: "a unix address belongs to one socket",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Int { level: libc::SOL_SOCKET, name: libc::SO_REUSEPORT, int: FLAG },
            needs: None,
            about: About {
                default: "off",
                source: "socket(7)",
                effect: "`reuse_port_lets_two_sockets_of_one_user_share_an_address`"
            },
        }
    ),
    row!(
        v6only,
        until Bound,
        Rules {
            cells: Cells::Ipv6,
            elsewhere: "only IPv6 sockets can speak two protocols",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Int { level: libc::IPPROTO_IPV6, name: libc::IPV6_V6ONLY, int: FLAG },
            needs: None,
            about: About {
                default: "`net.ipv6.bindv6only`",
                source: "ipv6(7)",
                effect: "`v6only_leaves_ipv4_to_others`"
            },
        }
    ),
    row!(
        device,
        Rules {
            cells: Cells::Inet,
            elsewhere: "nothing passes through an interface",
            valid: |interface, _| interface.is_valid(),
            expected: "interface, a name of 1 to 15 bytes or an index from 1",
            access: Access::Call { set: device::set, get: device::get },
            needs: None,
            about: About {
                default: "any",
                source: "socket(7)",
                effect: "`device_keeps_a_socket_to_one_interface`"
            },
        }
    ),
    row!(
        free_bind,
        until Bound,
        Rules {
            cells: Cells::Inet,
            elsewhere: "a unix name is there once it is bound",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Ip { v4: libc::IP_FREEBIND, v6: libc::IPV6_FREEBIND, int: FLAG },
            needs: None,
            about: About {
                default: "off",
                source: "ip(7)",
                effect: "`free_bind_takes_an_address_that_is_not_here`"
            },
        }
    ),
    row!(
        transparent,
        Rules {
            cells: Cells::Inet,
            elsewhere: "nothing is routed through here",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Ip { v4: libc::IP_TRANSPARENT, v6: libc::IPV6_TRANSPARENT, int: FLAG },
            needs: Some("CAP_NET_ADMIN or CAP_NET_RAW"),
            about: About {
                default: "off",
                source: "ip(7)",
                effect: "`transparent_sends_from_an_address_of_others`"
            },
        }
    ),
    row!(
        bind_address_no_port,
        until Bound,
        Rules {
            cells: Cells::Inet,
            elsewhere: "there are no ports",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Int {
                level: libc::IPPROTO_IP,
                name: libc::IP_BIND_ADDRESS_NO_PORT,
                int: FLAG
            },
            needs: None,
            about: About {
                default: "off",
                source: "ip(7)",
                effect: "`bind_address_no_port_leaves_the_port_to_connect`"
            },
        }
    ),
    row!(
        local_port_range,
        until Bound,
        Rules {
            cells: Cells::Inet,
            elsewhere: "there are no ports",
            valid: |ports, _| 0 < *ports.start() && ports.start() <= ports.end(),
            expected: "ports, from 1 on, the lower one first",
            access: Access::Int {
                level: libc::IPPROTO_IP,
                name: sys::IP_LOCAL_PORT_RANGE,
                int: PORTS
            },
            needs: None,
            about: About {
                default: "`net.ipv4.ip_local_port_range`",
                source: "ip(7)",
                effect: "`local_port_range_is_where_a_free_port_is_taken_from`"
            },
        }
    ),
    row!(
        incoming_cpu,
        Rules {
            cells: Cells::Inet,
            elsewhere: "what is sent is handed over by the sender's own processor",
            valid: |cpu, _| i32::try_from(*cpu).is_ok(),
            expected: "number of a processor, 0 to 2,147,483,647",
            access: Access::Int { level: libc::SOL_SOCKET, name: libc::SO_INCOMING_CPU, int: CPU },
            needs: None,
            about: About {
                default: "none",
                source: "socket(7)",
                effect: "`incoming_cpu_prefers_the_socket_of_the_processor`"
            },
        }
    ),
    row!(
        backlog,
        Rules {
            cells: Cells::ConnectionOriented,
            elsewhere: "datagram sockets do not listen",
            valid: |connections, _| i32::try_from(*connections).is_ok(),
            expected: "connections, 0 to 2,147,483,647",
            access: Access::AtBind,
            needs: None,
            about: About {
                default: "1,024",
                source: "listen(2)",
                effect: "`backlog_bounds_what_waits_to_be_accepted`"
            },
        }
    ),
    row!(
        file_mode,
        until Bound,
        Rules {
            cells: Cells::Unix,
            elsewhere: "binding makes no file",
            valid: |mode, _| *mode <= 0o777,
            expected: "permission bits, 0 to 0o777",
            access: Access::AtBind,
            needs: None,
            about: About {
                default: "0o777 less the umask",
                source: "unix(7)",
                effect: "`file_mode_is_that_of_the_socket_file`"
            },
        }
    ),
];

/// The lower port in the lower half, the upper one in the upper half; 0 for neither.
const PORTS: Int<RangeInclusive<u16>> = Int {
    to: |ports| (i32::from(*ports.end()) << 16) | i32::from(*ports.start()),
    from: |int| Some(int as u16..=(int >> 16) as u16).filter(|ports| *ports != (0..=0)),
};

/// -1 for none.
const CPU: Int<u32> = Int { to: |cpu| *cpu as i32, from: |int| u32::try_from(int).ok() };
