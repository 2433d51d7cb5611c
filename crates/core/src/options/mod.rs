//! Socket options: declared before bind or connect, checked against the cell, then set.

mod address;
mod along;
mod buffers;
mod device;
mod error;
mod ip;
mod keepalive;
mod multicast;
mod path_mtu;
mod row;
mod tcp;
#[cfg(test)]
mod tests;

pub use error::OptionError;
pub use keepalive::Keepalive;
pub use path_mtu::PathMtuDiscovery;

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::{Addr, Cell, Group, Interface, Socket, Type, UnixAddr};
use row::Entry;

/// All options, in the order in which they are set.
fn table() -> impl Iterator<Item = &'static dyn Entry> {
    [address::ROWS, buffers::ROWS, tcp::ROWS, ip::ROWS, multicast::ROWS, along::ROWS]
        .into_iter()
        .flatten()
        .copied()
}

/// Socket options. Each is unset at first, and then keeps the system's default.
///
/// An option that means nothing on a cell is refused there, before any system call; so is a
/// value that the kernel would refuse or replace. One value serves both ends of a conversation:
/// what only concerns the passive end (`backlog`, `file_mode`) is accepted and without effect
/// on a client.
///
/// | option | cells | value | default | source | its effect is seen by the test |
/// |---|---|---|---|---|---|
/// | [`reuse_address`](Self::reuse_address) | inet | on or off | off | socket(7) | `reuse_address_takes_over_what_is_in_time_wait` |
/// | [`reuse_port`](Self::reuse_port) | inet | on or off | off | socket(7) | `reuse_port_lets_two_sockets_of_one_user_share_an_address` |
/// | [`v6only`](Self::v6only) | IPv6 | on or off | `net.ipv6.bindv6only` | ipv6(7) | `v6only_leaves_ipv4_to_others` |
/// | [`device`](Self::device) | inet | interface, a name of 1 to 15 bytes or an index from 1 | any | socket(7) | `device_keeps_a_socket_to_one_interface` |
/// | [`free_bind`](Self::free_bind) | inet | on or off | off | ip(7) | `free_bind_takes_an_address_that_is_not_here` |
/// | [`transparent`](Self::transparent) | inet | on or off; takes CAP_NET_ADMIN or CAP_NET_RAW | off | ip(7) | `transparent_sends_from_an_address_of_others` |
/// | [`bind_address_no_port`](Self::bind_address_no_port) | inet | on or off | off | ip(7) | `bind_address_no_port_leaves_the_port_to_connect` |
/// | [`local_port_range`](Self::local_port_range) | inet | ports, from 1 on, the lower one first | `net.ipv4.ip_local_port_range` | ip(7) | `local_port_range_is_where_a_free_port_is_taken_from` |
/// | [`incoming_cpu`](Self::incoming_cpu) | inet | number of a processor, 0 to 2,147,483,647 | none | socket(7) | `incoming_cpu_prefers_the_socket_of_the_processor` |
/// | [`backlog`](Self::backlog) | stream, seqpacket | connections, 0 to 2,147,483,647 | 1,024 | listen(2) | `backlog_bounds_what_waits_to_be_accepted` |
/// | [`file_mode`](Self::file_mode) | unix | permission bits, 0 to 0o777 | 0o777 less the umask | unix(7) | `file_mode_is_that_of_the_socket_file` |
/// | [`send_buffer`](Self::send_buffer) | all | bytes, 1 to 2,147,483,647 | `net.core.wmem_default`, `net.ipv4.tcp_wmem` | socket(7) | `send_buffer_bounds_the_largest_unix_message` |
/// | [`receive_buffer`](Self::receive_buffer) | inet | bytes, 1 to 2,147,483,647 | `net.core.rmem_default`, `net.ipv4.tcp_rmem` | socket(7) | `receive_buffer_bounds_what_waits_to_be_received` |
/// | [`send_buffer_force`](Self::send_buffer_force) | all | bytes, 1 to 2,147,483,647; takes CAP_NET_ADMIN | unset | socket(7) | `forced_buffers_exceed_what_the_system_allows` |
/// | [`receive_buffer_force`](Self::receive_buffer_force) | inet | bytes, 1 to 2,147,483,647; takes CAP_NET_ADMIN | unset | socket(7) | `forced_buffers_exceed_what_the_system_allows` |
/// | [`max_pacing_rate`](Self::max_pacing_rate) | inet | bytes per second, 1 to 18,446,744,073,709,551,614 | none | socket(7) | `max_pacing_rate_slows_a_sender_down` |
/// | [`kernel_busy_poll`](Self::kernel_busy_poll) | inet | 0 to 2,147,483,647 whole microseconds; takes CAP_NET_ADMIN for more than before | `net.core.busy_read` | socket(7) | not seen: it takes a network card whose driver has it |
/// | [`prefer_busy_poll`](Self::prefer_busy_poll) | inet | on or off; takes CAP_NET_ADMIN | off | socket(7) | not seen: it takes a network card whose driver has it |
/// | [`nodelay`](Self::nodelay) | TCP | on or off | off | tcp(7) | `nodelay_sends_small_segments_before_earlier_ones_are_answered` |
/// | [`keepalive`](Self::keepalive) | TCP | times of 1 to 32,767 whole seconds, a count of 1 to 127 | off | tcp(7) | `keepalive_breaks_a_connection_whose_peer_is_gone` |
/// | [`linger`](Self::linger) | TCP, SCTP | 0 to 2,147,483,647 whole seconds | off | socket(7) | `linger_of_zero_resets_the_connection` |
/// | [`user_timeout`](Self::user_timeout) | TCP | 1 to 2,147,483,647 whole milliseconds | by `net.ipv4.tcp_retries2`, 15 minutes and more | tcp(7), RFC 5482 | `user_timeout_breaks_a_connection_that_is_not_acknowledged` |
/// | [`congestion_control`](Self::congestion_control) | TCP | name, 1 to 15 printable ASCII characters; takes CAP_NET_ADMIN for one that is not allowed to all | `net.ipv4.tcp_congestion_control` | tcp(7) | `congestion_control_is_what_accepted_connections_use` |
/// | [`defer_accept`](Self::defer_accept) | TCP | 1 to 16,384 whole seconds | off | tcp(7) | `defer_accept_holds_back_who_has_sent_nothing` |
/// | [`fast_open`](Self::fast_open) | TCP | connections, 1 to 2,147,483,647 | off | tcp(7) | `fast_open_carries_the_first_bytes_in_the_first_packet` |
/// | [`fast_open_connect`](Self::fast_open_connect) | TCP | on or off | off | tcp(7) | `fast_open_carries_the_first_bytes_in_the_first_packet` |
/// | [`quick_ack`](Self::quick_ack) | TCP | on or off | on at first | tcp(7) | `quick_ack_off_lets_acknowledgements_wait` |
/// | [`not_sent_low_water`](Self::not_sent_low_water) | TCP | bytes, 1 to 2,147,483,647 | `net.ipv4.tcp_notsent_lowat` | tcp(7) | `not_sent_low_water_keeps_the_queue_of_the_unsent_short` |
/// | [`max_segment`](Self::max_segment) | TCP | bytes, 88 to 32,767 | by the path's MTU | tcp(7) | `max_segment_bounds_the_segments_of_the_peer` |
/// | [`syn_retries`](Self::syn_retries) | TCP | times, 1 to 127 | `net.ipv4.tcp_syn_retries` | tcp(7) | `syn_retries_bound_how_long_connecting_takes` |
/// | [`fin_timeout`](Self::fin_timeout) | TCP | 1 to 120 whole seconds | `net.ipv4.tcp_fin_timeout` | tcp(7) | `fin_timeout_bounds_how_long_a_half_closed_connection_is_kept` |
/// | [`thin_linear_timeouts`](Self::thin_linear_timeouts) | TCP | on or off | `net.ipv4.tcp_thin_linear_timeouts` | the kernel's tcp-thin | `thin_linear_timeouts_repeat_at_equal_times` |
/// | [`longest_retransmission`](Self::longest_retransmission) | TCP | 1,000 to 120,000 whole milliseconds | `net.ipv4.tcp_rto_max_ms` | the kernel's ip-sysctl | `longest_retransmission_bounds_the_pauses` |
/// | [`ttl`](Self::ttl) | inet | hops, 1 to 255 | `net.ipv4.ip_default_ttl`, by the route on IPv6 | ip(7), ipv6(7) | `ttl_is_what_packets_arrive_with` |
/// | [`min_ttl`](Self::min_ttl) | TCP | hops, 0 to 255 | 0 | ip(7) | `min_ttl_drops_what_comes_from_afar` |
/// | [`traffic_class`](Self::traffic_class) | inet | octet, 0 to 255; over TCP a multiple of 4 | 0 | ip(7), ipv6(7) | `traffic_class_is_what_packets_arrive_with` |
/// | [`priority`](Self::priority) | inet | 0 to 2,147,483,647; takes CAP_NET_ADMIN or CAP_NET_RAW for more than 6 | 0 | socket(7) | `mark_and_priority_are_seen_by_the_firewall` |
/// | [`mark`](Self::mark) | inet | 1 to 4,294,967,295; takes CAP_NET_ADMIN or CAP_NET_RAW | none | socket(7) | `mark_and_priority_are_seen_by_the_firewall` |
/// | [`path_mtu_discovery`](Self::path_mtu_discovery) | inet | one of [`PathMtuDiscovery`] | `net.ipv4.ip_no_pmtu_disc` | ip(7), ipv6(7) | `path_mtu_discovery_says_whether_datagrams_are_fragmented` |
/// | [`dont_fragment`](Self::dont_fragment) | UDP over IPv6 | on or off | off | RFC 3542 | `dont_fragment_refuses_what_does_not_fit` |
/// | [`auto_flow_label`](Self::auto_flow_label) | IPv6 | on or off | `net.ipv6.auto_flowlabels` | the kernel's ip-sysctl | `auto_flow_label_is_what_packets_carry` |
/// | [`dont_route`](Self::dont_route) | IPv4 | on or off | off | socket(7) | `dont_route_reaches_neighbours_alone` |
/// | [`broadcast`](Self::broadcast) | UDP over IPv4 | on or off | off | socket(7) | `broadcast_lets_datagrams_reach_everybody` |
/// | [`join`](Self::join) | UDP | groups of the cell's family, in 224.0.0.0/4 or ff00::/8 | none | ip(7), ipv6(7), RFC 3678 | `join_receives_a_group_on_one_interface` |
/// | [`multicast_interface`](Self::multicast_interface) | UDP | interface, a name of 1 to 15 bytes or an index from 1 | by the route | ip(7), ipv6(7) | `multicast_interface_is_where_datagrams_leave` |
/// | [`multicast_loop`](Self::multicast_loop) | UDP | on or off | on | ip(7), ipv6(7) | `multicast_loop_off_keeps_them_from_this_host` |
/// | [`multicast_ttl`](Self::multicast_ttl) | UDP | hops, 0 to 255 | 1 | ip(7), ipv6(7) | `multicast_ttl_is_what_datagrams_arrive_with` |
/// | [`multicast_all`](Self::multicast_all) | UDP | on or off | on; off with `join` | ip(7) | `multicast_all_receives_what_others_have_joined` |
/// | [`receive_descriptors`](Self::receive_descriptors) | unix | on or off | off | unix(7) | `receive_descriptors_lets_the_peer_pass_some` |
/// | [`receive_credentials`](Self::receive_credentials) | unix | on or off | off | unix(7) | `receive_credentials_names_the_sender` |
/// | [`receive_destination`](Self::receive_destination) | UDP | on or off | off | ip(7), ipv6(7) | `receive_destination_tells_the_address_that_was_asked` |
/// | [`receive_traffic_class`](Self::receive_traffic_class) | UDP | on or off | off | ip(7), ipv6(7) | `traffic_class_is_what_packets_arrive_with` |
/// | [`receive_hop_limit`](Self::receive_hop_limit) | UDP | on or off | off | ip(7), ipv6(7) | `ttl_is_what_packets_arrive_with` |
/// | [`receive_timestamp`](Self::receive_timestamp) | datagram, unix seqpacket | on or off | off | socket(7) | `receive_timestamp_tells_when_it_came` |
/// | [`receive_drops`](Self::receive_drops) | UDP | on or off | off | socket(7) | `receive_drops_counts_what_found_no_room` |
///
/// What is not here would break a promise of the library, or is the library's own to set:
///
/// | left out | because |
/// |---|---|
/// | `SO_RCVLOWAT` | a whole message that is shorter would wait for the next one |
/// | `SO_OOBINLINE` | an urgent byte would stand among those of messages |
/// | `TCP_CORK`, `UDP_CORK` | a flushed message would wait for up to 200 ms, or for ever; `feed` and `flush` batch |
/// | `SO_RCVTIMEO`, `SO_SNDTIMEO` | sockets never block; time a future out instead |
/// | `UDP_GRO`, `UDP_SEGMENT` | set where packets are batched, and taken apart again |
/// | `IP_RECVERR`, `IPV6_RECVERR` | set on listeners, which tell each peer of its own errors |
/// | `SO_ZEROCOPY`, `SO_TXTIME`, `SO_TIMESTAMPING` | answers would come by the error queue, which is read for errors |
/// | `SO_PEEK_OFF`, `TCP_REPAIR`, `TCP_ULP` | they change what a receive or a send call means |
/// | `SO_NO_CHECK`, `UDP_NO_CHECK6_TX` | a message is delivered byte for byte, or not at all |
/// | `TCP_WINDOW_CLAMP` | Linux overwrites it as it measures what comes; `receive_buffer` bounds what the peer sends ahead |
/// | `TCP_THIN_DUPACK` | Linux takes it and does nothing |
/// | `SO_ATTACH_FILTER`, `SO_ATTACH_BPF` | they take a program, not a value; a library for BPF attaches one to the descriptor |
///
/// ```
/// use anysock_core::{Cell, Options, Socket};
///
/// let options = Options::new().nodelay(true).send_buffer(65_536);
/// let socket = Socket::open(Cell::IPV4_STREAM)?;
/// options.apply(&socket)?;
/// assert_eq!(Options::read(&socket)?.nodelay, Some(true));
///
/// assert!(options.check(Cell::UNIX_STREAM).is_err());
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// See [`reuse_address`](Self::reuse_address).
    pub reuse_address: Option<bool>,
    /// See [`reuse_port`](Self::reuse_port).
    pub reuse_port: Option<bool>,
    /// See [`v6only`](Self::v6only).
    pub v6only: Option<bool>,
    /// See [`device`](Self::device).
    pub device: Option<Interface>,
    /// See [`free_bind`](Self::free_bind).
    pub free_bind: Option<bool>,
    /// See [`transparent`](Self::transparent).
    pub transparent: Option<bool>,
    /// See [`bind_address_no_port`](Self::bind_address_no_port).
    pub bind_address_no_port: Option<bool>,
    /// See [`local_port_range`](Self::local_port_range).
    pub local_port_range: Option<RangeInclusive<u16>>,
    /// See [`incoming_cpu`](Self::incoming_cpu).
    pub incoming_cpu: Option<u32>,
    /// See [`backlog`](Self::backlog).
    pub backlog: Option<u32>,
    /// See [`file_mode`](Self::file_mode).
    pub file_mode: Option<u32>,
    /// See [`send_buffer`](Self::send_buffer).
    pub send_buffer: Option<usize>,
    /// See [`receive_buffer`](Self::receive_buffer).
    pub receive_buffer: Option<usize>,
    /// See [`send_buffer_force`](Self::send_buffer_force).
    pub send_buffer_force: Option<usize>,
    /// See [`receive_buffer_force`](Self::receive_buffer_force).
    pub receive_buffer_force: Option<usize>,
    /// See [`max_pacing_rate`](Self::max_pacing_rate).
    pub max_pacing_rate: Option<u64>,
    /// See [`kernel_busy_poll`](Self::kernel_busy_poll).
    pub kernel_busy_poll: Option<Duration>,
    /// See [`prefer_busy_poll`](Self::prefer_busy_poll).
    pub prefer_busy_poll: Option<bool>,
    /// See [`nodelay`](Self::nodelay).
    pub nodelay: Option<bool>,
    /// See [`keepalive`](Self::keepalive).
    pub keepalive: Option<Keepalive>,
    /// See [`linger`](Self::linger).
    pub linger: Option<Duration>,
    /// See [`user_timeout`](Self::user_timeout).
    pub user_timeout: Option<Duration>,
    /// See [`congestion_control`](Self::congestion_control).
    pub congestion_control: Option<String>,
    /// See [`defer_accept`](Self::defer_accept).
    pub defer_accept: Option<Duration>,
    /// See [`fast_open`](Self::fast_open).
    pub fast_open: Option<u32>,
    /// See [`fast_open_connect`](Self::fast_open_connect).
    pub fast_open_connect: Option<bool>,
    /// See [`quick_ack`](Self::quick_ack).
    pub quick_ack: Option<bool>,
    /// See [`not_sent_low_water`](Self::not_sent_low_water).
    pub not_sent_low_water: Option<u32>,
    /// See [`max_segment`](Self::max_segment).
    pub max_segment: Option<u32>,
    /// See [`syn_retries`](Self::syn_retries).
    pub syn_retries: Option<u8>,
    /// See [`fin_timeout`](Self::fin_timeout).
    pub fin_timeout: Option<Duration>,
    /// See [`thin_linear_timeouts`](Self::thin_linear_timeouts).
    pub thin_linear_timeouts: Option<bool>,
    /// See [`longest_retransmission`](Self::longest_retransmission).
    pub longest_retransmission: Option<Duration>,
    /// See [`ttl`](Self::ttl).
    pub ttl: Option<u8>,
    /// See [`min_ttl`](Self::min_ttl).
    pub min_ttl: Option<u8>,
    /// See [`traffic_class`](Self::traffic_class).
    pub traffic_class: Option<u8>,
    /// See [`priority`](Self::priority).
    pub priority: Option<u32>,
    /// See [`mark`](Self::mark).
    pub mark: Option<u32>,
    /// See [`path_mtu_discovery`](Self::path_mtu_discovery).
    pub path_mtu_discovery: Option<PathMtuDiscovery>,
    /// See [`dont_fragment`](Self::dont_fragment).
    pub dont_fragment: Option<bool>,
    /// See [`auto_flow_label`](Self::auto_flow_label).
    pub auto_flow_label: Option<bool>,
    /// See [`dont_route`](Self::dont_route).
    pub dont_route: Option<bool>,
    /// See [`broadcast`](Self::broadcast).
    pub broadcast: Option<bool>,
    /// See [`join`](Self::join).
    pub groups: Option<Vec<Group>>,
    /// See [`multicast_interface`](Self::multicast_interface).
    pub multicast_interface: Option<Interface>,
    /// See [`multicast_loop`](Self::multicast_loop).
    pub multicast_loop: Option<bool>,
    /// See [`multicast_ttl`](Self::multicast_ttl).
    pub multicast_ttl: Option<u8>,
    /// See [`multicast_all`](Self::multicast_all).
    pub multicast_all: Option<bool>,
    /// See [`receive_descriptors`](Self::receive_descriptors).
    pub receive_descriptors: Option<bool>,
    /// See [`receive_credentials`](Self::receive_credentials).
    pub receive_credentials: Option<bool>,
    /// See [`receive_destination`](Self::receive_destination).
    pub receive_destination: Option<bool>,
    /// See [`receive_traffic_class`](Self::receive_traffic_class).
    pub receive_traffic_class: Option<bool>,
    /// See [`receive_hop_limit`](Self::receive_hop_limit).
    pub receive_hop_limit: Option<bool>,
    /// See [`receive_timestamp`](Self::receive_timestamp).
    pub receive_timestamp: Option<bool>,
    /// See [`receive_drops`](Self::receive_drops).
    pub receive_drops: Option<bool>,
}

impl Options {
    /// The backlog of a listener for which none was asked.
    pub const DEFAULT_BACKLOG: u32 = 1_024;

    /// Nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    /// These options, with what every listener of `cell` wants where it is unset:
    /// [`reuse_address`](Self::reuse_address) and [`nodelay`](Self::nodelay) on TCP, which hands
    /// the latter on to what it accepts.
    #[must_use]
    pub fn for_listener(&self, cell: Cell) -> Self {
        let mut options = self.for_client(cell);
        if is_tcp(cell) {
            options.reuse_address.get_or_insert(true);
        }
        options
    }

    /// These options, with what every client of `cell` wants where it is unset:
    /// [`nodelay`](Self::nodelay) on TCP. Messages are batched here, by feeding and flushing;
    /// the kernel's waiting for more would only delay the last one.
    #[must_use]
    pub fn for_client(&self, cell: Cell) -> Self {
        let mut options = self.clone();
        if is_tcp(cell) {
            options.nodelay.get_or_insert(true);
        }
        options
    }

    /// The backlog to give to [`Socket::listen`], [`DEFAULT_BACKLOG`](Self::DEFAULT_BACKLOG)
    /// if unset.
    pub fn backlog_or_default(&self) -> i32 {
        let backlog = self.backlog.unwrap_or(Self::DEFAULT_BACKLOG);
        i32::try_from(backlog).unwrap_or(i32::MAX)
    }

    /// Checks every option that is set against `cell`, without a system call.
    ///
    /// # Errors
    ///
    /// [`OptionError::Meaningless`] or [`OptionError::OutOfRange`], for the first option that
    /// is not for this cell.
    pub fn check(&self, cell: Cell) -> Result<(), OptionError> {
        table().try_for_each(|row| row.check(self, cell))
    }

    /// As [`check`](Self::check), for a socket of type `kind` that is to be bound to `addr`: a
    /// file mode is refused where binding makes no file.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn check_bind(&self, addr: &Addr, kind: Type) -> Result<(), OptionError> {
        let cell = Cell::new(addr.domain(), kind);
        self.check(cell)?;
        let why = match addr {
            Addr::Unix(UnixAddr::Abstract(_)) => "an abstract name has no file, and no permissions",
            Addr::Unix(UnixAddr::Unnamed) => "an unnamed socket has no file",
            Addr::Unix(UnixAddr::Path(_)) | Addr::Ip(_) => return Ok(()),
        };
        match self.file_mode {
            Some(_) => Err(OptionError::Meaningless { option: "file_mode", cell, why }),
            None => Ok(()),
        }
    }

    /// Checks all options, then sets those that belong before bind and connect: all but
    /// `backlog` and `file_mode`. One system call or more per option that is set; those that are
    /// unset cost none.
    ///
    /// # Errors
    ///
    /// Wraps an [`OptionError`]. Nothing was set if it is one of [`check`](Self::check).
    pub fn apply(&self, socket: &Socket) -> std::io::Result<()> {
        if *self == Self::default() {
            return Ok(());
        }
        self.check(socket.cell())?;
        if self.groups.is_some() && self.multicast_all.is_none() {
            // Who names the interface of a group wants nothing from elsewhere.
            Self::new().multicast_all(false).apply(socket)?;
        }
        for row in table() {
            row.apply(self, socket)?;
        }
        Ok(())
    }

    /// As [`apply`](Self::apply), for a socket that is bound already, by whoever made it: what
    /// would have no effect any more is refused, though the kernel takes most of it in silence, and
    /// a [`backlog`](Self::backlog) is set by listening once more, if the socket listens.
    ///
    /// | refused once the socket is | |
    /// |---|---|
    /// | bound | `reuse_address`, `v6only`, `free_bind`, `bind_address_no_port`, `local_port_range`, `file_mode` |
    /// | listening or connected | `fast_open_connect` |
    /// | connected | `fast_open`, `max_segment`, `syn_retries` |
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply); an [`OptionError::TooLate`] too, before anything was set.
    pub fn apply_bound(&self, socket: &Socket) -> std::io::Result<()> {
        let cell = socket.cell();
        self.check(cell)?;
        for (until, option) in table().filter_map(|row| row.until(self)) {
            if let Some(stage) = until.is_past(socket)? {
                return Err(OptionError::TooLate { option, cell, stage }.into());
            }
        }
        self.apply(socket)?;
        match self.backlog {
            Some(_) if socket.is_listening()? => socket.listen(self.backlog_or_default()),
            _ => Ok(()),
        }
    }

    /// Reads back what is set on a live socket: every option of its cell but `backlog`, `file_mode`
    /// and `join`, of which the kernel does not tell. What is off in the kernel by being absent, such
    /// as `keepalive`, `linger`, `mark` or `device`, is unset, and so is what an older kernel, or
    /// multipath TCP, does not know.
    ///
    /// Buffer sizes are halved on Linux, to undo its doubling, so that applying what was read
    /// changes nothing. What comes along with messages is what was asked of this [`Socket`], for the
    /// library also asks on its own account.
    ///
    /// # Errors
    ///
    /// Wraps an [`OptionError`] that names the option which the system refused to tell.
    pub fn read(socket: &Socket) -> std::io::Result<Self> {
        let mut options = Self::new();
        for row in table() {
            row.read(&mut options, socket)?;
        }
        Ok(options)
    }
}

fn is_tcp(cell: Cell) -> bool {
    cell.domain.is_inet() && cell.kind == Type::Stream
}

/// Whether it can be said in whole `units`: the kernel would cut the rest in silence.
fn whole(time: Duration, units: Duration) -> bool {
    time.as_nanos() % units.as_nanos() == 0
}
