//! Options against cells, against the kernel, and against their documentation.

mod late;
mod ranges;

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::time::Duration;

use super::*;
use crate::{Domain, Protocol, sys};

fn cells() -> impl Iterator<Item = (Cell, Socket)> {
    Cell::ALL.into_iter().filter_map(|cell| Some((cell, Socket::open(cell).ok()?)))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn milliseconds(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// For each option, by name, a value that is neither the default nor out of range.
fn only(option: &str, cell: Cell) -> Options {
    let options = Options::new();
    match option {
        "reuse_address" => options.reuse_address(true),
        "reuse_port" => options.reuse_port(true),
        "v6only" => options.v6only(true),
        "device" => options.device("lo"),
        "free_bind" => options.free_bind(true),
        "transparent" => options.transparent(true),
        "bind_address_no_port" => options.bind_address_no_port(true),
        "local_port_range" => options.local_port_range(40_000..=40_010),
        "incoming_cpu" => options.incoming_cpu(0),
        "backlog" => options.backlog(16),
        "file_mode" => options.file_mode(0o600),
        "send_buffer" => options.send_buffer(50_000),
        "receive_buffer" => options.receive_buffer(60_000),
        "send_buffer_force" => options.send_buffer_force(9_000_000),
        "receive_buffer_force" => options.receive_buffer_force(9_000_000),
        "max_pacing_rate" => options.max_pacing_rate(1 << 40),
        "kernel_busy_poll" => options.kernel_busy_poll(Duration::from_micros(50)),
        "prefer_busy_poll" => options.prefer_busy_poll(true),
        "nodelay" => options.nodelay(true),
        "keepalive" => {
            options.keepalive(Keepalive::new().idle(seconds(30)).interval(seconds(10)).count(3))
        }
        "linger" => options.linger(Duration::ZERO),
        "user_timeout" => options.user_timeout(milliseconds(1_500)),
        "congestion_control" => options.congestion_control("reno"),
        "defer_accept" => options.defer_accept(seconds(7)),
        "fast_open" => options.fast_open(16),
        "fast_open_connect" => options.fast_open_connect(true),
        "quick_ack" => options.quick_ack(false),
        "not_sent_low_water" => options.not_sent_low_water(16_384),
        "max_segment" => options.max_segment(1_000),
        "syn_retries" => options.syn_retries(2),
        "fin_timeout" => options.fin_timeout(seconds(5)),
        "thin_linear_timeouts" => options.thin_linear_timeouts(true),
        "longest_retransmission" => options.longest_retransmission(milliseconds(2_500)),
        "ttl" => options.ttl(7),
        "min_ttl" => options.min_ttl(255),
        "traffic_class" => options.traffic_class(0xb8),
        "priority" => options.priority(5),
        "mark" => options.mark(u32::MAX),
        "path_mtu_discovery" => options.path_mtu_discovery(PathMtuDiscovery::Probe),
        "dont_fragment" => options.dont_fragment(true),
        "auto_flow_label" => options.auto_flow_label(false),
        "dont_route" => options.dont_route(true),
        "broadcast" => options.broadcast(true),
        "join" if cell.domain == Domain::Ipv6 => {
            options.join(Group::new("ff15::123".parse::<std::net::Ipv6Addr>().unwrap(), "lo"))
        }
        "join" => options.join(Group::new(Ipv4Addr::new(239, 1, 2, 3), "lo")),
        "multicast_interface" => options.multicast_interface(1),
        "multicast_loop" => options.multicast_loop(false),
        "multicast_ttl" => options.multicast_ttl(9),
        "multicast_all" => options.multicast_all(false),
        "receive_descriptors" => options.receive_descriptors(true),
        "receive_credentials" => options.receive_credentials(true),
        "receive_destination" => options.receive_destination(true),
        "receive_traffic_class" => options.receive_traffic_class(true),
        "receive_hop_limit" => options.receive_hop_limit(true),
        "receive_timestamp" => options.receive_timestamp(true),
        "receive_drops" => options.receive_drops(true),
        other => panic!("no value to test the option {other} with"),
    }
}

/// What reads back an option: its own field, unless the kernel tells it as another, or not.
fn read_as(option: &str, cell: Cell) -> Option<&str> {
    match option {
        "backlog" | "file_mode" | "join" => None,
        "multicast_interface" if cell.domain == Domain::Ipv4 => None,
        "send_buffer_force" => Some("send_buffer"),
        "receive_buffer_force" => Some("receive_buffer"),
        own => Some(own),
    }
}

fn row(name: &str) -> &'static dyn Entry {
    table().find(|row| row.name() == name).unwrap()
}

/// Applies `options`; false, and said, where this user may not, which is a failure where `CI` is
/// set.
fn may_apply(options: &Options, socket: &Socket) -> bool {
    match options.apply(socket) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            assert!(std::env::var_os("CI").is_none(), "{error}");
            assert!(error.to_string().contains("; it takes CAP_NET_ADMIN"), "{error}");
            eprintln!("skipped: {error}");
            false
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_documentation_shows_the_table_as_it_is() {
    let documented: Vec<_> = include_str!("../mod.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("/// "))
        .filter(|line| line.starts_with("| [`"))
        .collect();
    let rows: Vec<_> = table().map(|row| row.documentation()).collect();
    assert!(documented == rows, "expected\n/// {}", rows.join("\n/// "));
}

#[test]
fn every_option_has_one_row() {
    // Of the fields by their names, which Debug shows.
    let fields = format!("{:#?}", Options::new());
    let fields = fields.lines().filter(|line| line.starts_with("    ")).count();
    let mut names: Vec<_> = table().map(|row| row.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), table().count()), (fields, fields));
}

#[test]
fn an_option_is_refused_exactly_on_the_cells_where_it_means_nothing() {
    let (mut refused, mut taken) = (0, 0);
    for row in table() {
        for cell in Cell::ALL {
            // A group is of the cell's family, and SCTP is no reason for another value.
            match only(row.name(), cell).check(cell) {
                Ok(()) => {
                    taken += 1;
                    assert!(row.means_something_on(cell), "{} on {cell}", row.name());
                }
                Err(OptionError::Meaningless { option, cell: at, why }) => {
                    refused += 1;
                    assert_eq!((option, at), (row.name(), cell));
                    assert!(!why.is_empty() && !row.means_something_on(cell), "{option} on {cell}");
                }
                Err(error) => panic!("{} on {cell}: {error}", row.name()),
            }
        }
    }
    assert_eq!(refused + taken, table().count() * Cell::ALL.len());
}

#[test]
fn a_refused_combination_is_refused_before_a_system_call() {
    for row in table() {
        for (cell, socket) in cells().filter(|(cell, _)| !row.means_something_on(*cell)) {
            let before = Options::read(&socket).unwrap();
            let error = only(row.name(), cell).apply(&socket).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{} on {cell}", row.name());
            assert_eq!(Options::read(&socket).unwrap(), before, "{} on {cell}", row.name());
        }
    }
}

#[test]
fn every_option_that_is_set_is_read_back_on_every_cell() {
    for row in table() {
        for (cell, socket) in cells().filter(|(cell, _)| row.means_something_on(*cell)) {
            let name = row.name();
            let before = Options::read(&socket).unwrap();
            let wanted = only(name, cell);
            if !may_apply(&wanted, &socket) {
                continue;
            }
            let mut read = Options::read(&socket).unwrap();
            match read_as(name, cell) {
                Some(own) if own == name => {
                    let mut expected = read.clone();
                    row.copy(&wanted, &mut expected);
                    assert_eq!(read, expected, "{name} on {cell}");
                    // Or the test would see nothing.
                    row.copy(&before, &mut expected);
                    assert_ne!(read, expected, "{name} on {cell} is so by itself");
                    row.copy(&before, &mut read);
                }
                Some(other) => {
                    let bytes = match other {
                        "send_buffer" => (read.send_buffer, wanted.send_buffer_force),
                        _ => (read.receive_buffer, wanted.receive_buffer_force),
                    };
                    assert_eq!(bytes.0, bytes.1, "{name} on {cell}");
                    self::row(other).copy(&before, &mut read);
                }
                None => assert!(!row.is_set(&read), "{name} on {cell}"),
            }
            // Nothing else has changed, but for what the documentation says.
            match name {
                "traffic_class" => read.priority = before.priority,
                "join" => read.multicast_all = before.multicast_all,
                _ => {}
            }
            assert_eq!(read, before, "{name} on {cell}");
        }
    }
}

#[test]
fn what_comes_along_is_asked_of_the_kernel() {
    let flag = |socket: &Socket, level, name| sys::get_int(socket.as_fd(), level, name).unwrap();
    let (ip, ipv6, all) = (libc::IPPROTO_IP, libc::IPPROTO_IPV6, libc::SOL_SOCKET);
    for (cell, option, level, name) in [
        (Cell::UNIX_STREAM, "receive_credentials", all, libc::SO_PASSCRED),
        (Cell::UNIX_SEQPACKET, "receive_timestamp", all, libc::SO_TIMESTAMPNS),
        (Cell::IPV4_DATAGRAM, "receive_destination", ip, libc::IP_PKTINFO),
        (Cell::IPV4_DATAGRAM, "receive_traffic_class", ip, libc::IP_RECVTOS),
        (Cell::IPV4_DATAGRAM, "receive_hop_limit", ip, libc::IP_RECVTTL),
        (Cell::IPV4_DATAGRAM, "receive_timestamp", all, libc::SO_TIMESTAMPNS),
        (Cell::IPV4_DATAGRAM, "receive_drops", all, libc::SO_RXQ_OVFL),
        (Cell::IPV6_DATAGRAM, "receive_destination", ipv6, libc::IPV6_RECVPKTINFO),
        (Cell::IPV6_DATAGRAM, "receive_traffic_class", ipv6, libc::IPV6_RECVTCLASS),
        (Cell::IPV6_DATAGRAM, "receive_hop_limit", ipv6, libc::IPV6_RECVHOPLIMIT),
    ] {
        let socket = Socket::open(cell).unwrap();
        assert_eq!(flag(&socket, level, name), 0, "{option} on {cell}");
        only(option, cell).apply(&socket).unwrap();
        assert_eq!(flag(&socket, level, name), 1, "{option} on {cell}");
    }
}

#[test]
fn applying_what_was_read_changes_nothing() {
    for (cell, socket) in cells() {
        let before = Options::read(&socket).unwrap();
        before.apply(&socket).unwrap();
        assert_eq!(Options::read(&socket).unwrap(), before, "{cell}");
    }
}

#[test]
fn a_refused_option_leaves_the_others_unset() {
    let socket = Socket::open(Cell::UNIX_STREAM).unwrap();
    let before = Options::read(&socket).unwrap();
    let error = Options::new().send_buffer(50_000).nodelay(true).apply(&socket).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<OptionError>());
    assert!(matches!(inner, Some(OptionError::Meaningless { option: "nodelay", .. })));
    assert_eq!(Options::read(&socket).unwrap(), before);
}

#[test]
fn every_way_of_path_mtu_discovery_is_read_back_for_both_families() {
    use PathMtuDiscovery as P;
    for cell in [Cell::IPV4_STREAM, Cell::IPV4_DATAGRAM, Cell::IPV6_STREAM, Cell::IPV6_DATAGRAM] {
        let socket = Socket::open(cell).unwrap();
        for how in [P::Never, P::PerRoute, P::Always, P::Probe, P::Interface, P::Omit] {
            Options::new().path_mtu_discovery(how).apply(&socket).unwrap();
            assert_eq!(Options::read(&socket).unwrap().path_mtu_discovery, Some(how));
            // An IPv6 socket may have IPv4 peers.
            let ipv4 = sys::get_int(socket.as_fd(), libc::IPPROTO_IP, libc::IP_MTU_DISCOVER);
            assert_eq!(ipv4.unwrap(), how.to_os(), "{cell}");
        }
    }
}

#[test]
fn multipath_tcp_refuses_by_name_what_it_lacks_and_reads_back_the_rest() {
    for domain in [Domain::Ipv4, Domain::Ipv6] {
        let (mut taken, mut refused, mut ignored) = (0, 0, Vec::new());
        for row in table() {
            let socket = Socket::open_as(domain, Protocol::Multipath).unwrap();
            if socket.protocol().unwrap() != Protocol::Multipath {
                eprintln!("skipped: this kernel has no multipath TCP");
                return;
            }
            let (name, cell) = (row.name(), socket.cell());
            if !row.means_something_on(cell) || read_as(name, cell) != Some(name) {
                continue;
            }
            let wanted = only(name, cell);
            match wanted.apply(&socket) {
                Ok(()) => {
                    let read = Options::read(&socket).unwrap();
                    let mut expected = read.clone();
                    row.copy(&wanted, &mut expected);
                    if read == expected {
                        taken += 1;
                    } else {
                        ignored.push(name);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}");
                    assert!(error.to_string().contains(&format!("the option {name} ")), "{error}");
                    refused += 1;
                }
            }
        }
        assert!(taken > 10 && refused > 0, "{taken} {refused}");
        // The kernel says yes and does nothing, as the documentation warns.
        let known: &[_] = if domain == Domain::Ipv4 { &["dont_route"] } else { &[] };
        assert_eq!(ignored, known, "{domain}");
    }
}

#[test]
fn a_device_is_given_by_name_or_index_and_read_back_by_name() {
    for interface in [Interface::from("lo"), Interface::from(1)] {
        let socket = Socket::open(Cell::IPV6_DATAGRAM).unwrap();
        assert_eq!(Options::read(&socket).unwrap().device, None);
        Options::new().device(interface).apply(&socket).unwrap();
        assert_eq!(Options::read(&socket).unwrap().device, Some("lo".into()));
    }
    let socket = Socket::open(Cell::IPV4_STREAM).unwrap();
    let error = Options::new().device("nosuch0").apply(&socket).unwrap_err();
    assert!(error.to_string().contains("refused the option device"), "{error}");
}

#[test]
fn a_refusal_by_the_system_names_the_option_and_keeps_its_kind() {
    // Once bound, an IPv6 socket has made up its mind.
    let socket = Socket::open(Cell::IPV6_DATAGRAM).unwrap();
    socket.bind(&Addr::Ip("[::1]:0".parse().unwrap())).unwrap();
    let error = Options::new().v6only(true).apply(&socket).unwrap_err();
    assert!(error.to_string().contains("refused the option v6only"), "{error}");
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<OptionError>());
    let Some(OptionError::Refused { source, .. }) = inner else { panic!("{error:?}") };
    assert_eq!(source.kind(), error.kind());
}

#[test]
fn what_lacks_a_capability_or_an_older_kernel_says_so() {
    let refused = |number| {
        io::Error::from(OptionError::Refused {
            option: "mark",
            cell: Cell::IPV4_STREAM,
            needs: Some("CAP_NET_ADMIN or CAP_NET_RAW"),
            source: io::Error::from_raw_os_error(number),
        })
    };
    let error = refused(libc::EPERM);
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    assert!(
        error.to_string().ends_with("; it takes CAP_NET_ADMIN or CAP_NET_RAW, see capabilities(7)")
    );
    let error = refused(libc::ENOPROTOOPT);
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    assert!(
        error.to_string().ends_with("; this kernel does not know it, or not for this protocol"),
        "{error}"
    );
}

#[test]
fn a_tcp_listener_reuses_its_address_unless_told_otherwise() {
    let asked = |options: Options, cell| options.for_listener(cell).reuse_address;
    assert_eq!(asked(Options::new(), Cell::IPV4_STREAM), Some(true));
    assert_eq!(asked(Options::new(), Cell::IPV6_STREAM), Some(true));
    assert_eq!(asked(Options::new().reuse_address(false), Cell::IPV4_STREAM), Some(false));
    assert_eq!(asked(Options::new(), Cell::IPV4_DATAGRAM), None);
    assert_eq!(asked(Options::new(), Cell::UNIX_STREAM), None);
}

#[test]
fn a_file_mode_is_refused_where_binding_makes_no_file() {
    let options = Options::new().file_mode(0o600);
    let name = Addr::Unix(UnixAddr::abstract_name("a").unwrap());
    assert!(options.check_bind(&name, Type::Stream).is_err());
    assert!(options.check_bind(&Addr::Unix(UnixAddr::Unnamed), Type::Datagram).is_err());
    assert!(options.check_bind(&UnixAddr::path("/a").unwrap().into(), Type::Stream).is_ok());
    assert!(Options::new().check_bind(&name, Type::Stream).is_ok());
}

#[test]
fn the_backlog_has_a_default() {
    assert_eq!(Options::new().backlog_or_default(), 1_024);
    assert_eq!(Options::new().backlog(0).backlog_or_default(), 0);
    assert_eq!(Options::new().backlog(u32::MAX).backlog_or_default(), i32::MAX);
}
