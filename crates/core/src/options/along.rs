//! What comes along with messages.

use super::Options;
use super::row::{ANY_SWITCH, About, Access, Cells, Entry, Rules, SWITCH, row};
use crate::Ancillary;

impl Options {
    /// Takes the descriptors that the peer passes. Where nobody asked, streams have the kernel refuse them
    /// (`SO_PASSRIGHTS`, Linux 6.16).
    pub fn receive_descriptors(self, on: bool) -> Self {
        Self { receive_descriptors: Some(on), ..self }
    }

    /// The sender's process, user and group come along (`SO_PASSCRED`).
    pub fn receive_credentials(self, on: bool) -> Self {
        Self { receive_credentials: Some(on), ..self }
    }

    /// To which address a datagram was sent, and on which interface it came (`IP_PKTINFO`,
    /// `IPV6_RECVPKTINFO`).
    pub fn receive_destination(self, on: bool) -> Self {
        Self { receive_destination: Some(on), ..self }
    }

    /// The traffic class of each datagram: DSCP and ECN (`IP_RECVTOS`, `IPV6_RECVTCLASS`).
    pub fn receive_traffic_class(self, on: bool) -> Self {
        Self { receive_traffic_class: Some(on), ..self }
    }

    /// The TTL or hop limit of each datagram (`IP_RECVTTL`, `IPV6_RECVHOPLIMIT`).
    pub fn receive_hop_limit(self, on: bool) -> Self {
        Self { receive_hop_limit: Some(on), ..self }
    }

    /// When the kernel received each message (`SO_TIMESTAMPNS`).
    pub fn receive_timestamp(self, on: bool) -> Self {
        Self { receive_timestamp: Some(on), ..self }
    }

    /// How many messages were dropped for want of room so far (`SO_RXQ_OVFL`).
    pub fn receive_drops(self, on: bool) -> Self {
        Self { receive_drops: Some(on), ..self }
    }
}

/// What a socket asks of the kernel, and remembers to have asked.
macro_rules! asked {
    ($what:ident) => {
        Access::Call {
            set: |socket, on| socket.ask(Ancillary::$what, *on),
            get: |socket| Ok(Some(socket.asked().contains(Ancillary::$what))),
        }
    };
}

pub(super) static ROWS: &[&dyn Entry] = &[
    row!(
        receive_descriptors,
        Rules {
            cells: Cells::Unix,
            elsewhere: "descriptors do not leave this host",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: asked!(DESCRIPTORS),
            needs: None,
            about: About {
                default: "off",
                source: "unix(7)",
                effect: "`receive_descriptors_lets_the_peer_pass_some`"
            },
        }
    ),
    row!(
        receive_credentials,
        Rules {
            cells: Cells::Unix,
            elsewhere: "nobody vouches for credentials from afar",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: asked!(CREDENTIALS),
            needs: None,
            about: About {
                default: "off",
                source: "unix(7)",
                effect: "`receive_credentials_names_the_sender`"
            },
        }
    ),
    row!(
        receive_destination,
        Rules {
            cells: Cells::Udp,
            elsewhere: "what is connected has one address, and unix has no interface",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: asked!(DESTINATION),
            needs: None,
            about: About {
                default: "off",
                source: "ip(7), ipv6(7)",
                effect: "`receive_destination_tells_the_address_that_was_asked`"
            },
        }
    ),
    row!(
        receive_traffic_class,
        Rules {
            cells: Cells::Udp,
            elsewhere: "a stream is not made of packets, and unix has no IP header",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: asked!(TRAFFIC_CLASS),
            needs: None,
            about: About {
                default: "off",
                source: "ip(7), ipv6(7)",
                effect: "`traffic_class_is_what_packets_arrive_with`"
            },
        }
    ),
    row!(
        receive_hop_limit,
        Rules {
            cells: Cells::Udp,
            elsewhere: "a stream is not made of packets, and unix has no IP header",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: asked!(HOP_LIMIT),
            needs: None,
            about: About {
                default: "off",
                source: "ip(7), ipv6(7)",
                effect: "`ttl_is_what_packets_arrive_with`"
            },
        }
    ),
    row!(
        receive_timestamp,
        Rules {
            cells: Cells::Packets,
            elsewhere: "the bytes of a stream are not messages",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: asked!(TIMESTAMP),
            needs: None,
            about: About {
                default: "off",
                source: "socket(7)",
                effect: "`receive_timestamp_tells_when_it_came`"
            },
        }
    ),
    row!(
        receive_drops,
        Rules {
            cells: Cells::Udp,
            elsewhere: "nothing is dropped",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: asked!(DROPS),
            needs: None,
            about: About {
                default: "off",
                source: "socket(7)",
                effect: "`receive_drops_counts_what_found_no_room`"
            },
        }
    ),
];
