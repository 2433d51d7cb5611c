//! The grammar of endpoints: every form, every fault, and the round trip.

use std::ffi::OsStr;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;

use proptest::prelude::*;

use super::*;
use crate::{AbstractName, UnixAddrError, UnixPath};

fn parse(text: &str) -> Endpoint {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn fault(text: &str) -> EndpointFault {
    let error = text.parse::<Endpoint>().expect_err(text);
    assert_eq!(error.endpoint(), text);
    assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
    error.fault().clone()
}

#[test]
fn every_form_parses_to_its_cell_and_prints_as_written() {
    let forms = [
        ("tcp://127.0.0.1:7000", Some(Cell::IPV4_STREAM)),
        ("tcp://[::1]:7000", Some(Cell::IPV6_STREAM)),
        ("tcp://[fe80::1%eth0]:7000", Some(Cell::IPV6_STREAM)),
        ("tcp://[::ffff:1.2.3.4]:0", Some(Cell::IPV6_STREAM)),
        ("tcp://localhost:65535", None),
        ("mptcp://127.0.0.1:7000", Some(Cell::IPV4_STREAM)),
        ("mptcp://[fe80::1%2]:0", Some(Cell::IPV6_STREAM)),
        ("mptcp://localhost:1", None),
        ("udp://0.0.0.0:53", Some(Cell::IPV4_DATAGRAM)),
        ("udp://[fe80::1%3]:53", Some(Cell::IPV6_DATAGRAM)),
        ("udp://example.org.:53", None),
        ("sctp://127.0.0.1:0", Some(Cell::IPV4_SEQPACKET)),
        ("sctp://[::]:1", Some(Cell::IPV6_SEQPACKET)),
        ("unix:/run/app.sock", Some(Cell::UNIX_STREAM)),
        ("unix:relative", Some(Cell::UNIX_STREAM)),
        ("unix:", Some(Cell::UNIX_STREAM)),
        ("unix:@app", Some(Cell::UNIX_STREAM)),
        ("unix:@app%00%FF", Some(Cell::UNIX_STREAM)),
        ("unix:%40app", Some(Cell::UNIX_STREAM)),
        ("unix:a%25b%20c:d?e#f", Some(Cell::UNIX_STREAM)),
        ("unix-dgram:/run/log", Some(Cell::UNIX_DATAGRAM)),
        ("unix-seqpacket:@app", Some(Cell::UNIX_SEQPACKET)),
        ("fd:3", None),
        ("systemd:web %1", None),
        ("mem:test", None),
    ];
    for (text, cell) in forms {
        let endpoint = parse(text);
        assert_eq!(endpoint.cell(), cell, "{text}");
        assert_eq!(endpoint.to_string(), text);
        assert_eq!(
            endpoint.addr().map(|addr| addr.domain()),
            match &endpoint {
                // A scope's name has yet to be looked up.
                Endpoint::Tcp(at) if at.to_string().contains("%eth0") => None,
                _ => cell.map(|cell| cell.domain),
            }
        );
    }
}

#[test]
fn a_scope_with_a_sign_is_the_name_of_an_interface_and_no_number() {
    let endpoint = parse("tcp://[fe80::1%+1]:80");
    assert_eq!(endpoint.addr(), None);
    assert_eq!(Scope::new("+1").unwrap().index(), None);
    assert_eq!(Scope::new("1").unwrap().index(), Some(1));
}

#[test]
fn other_spellings_of_the_same_bytes_print_as_the_canonical_one() {
    assert_eq!(parse("tcp://EXAMPLE.org:1").to_string(), "tcp://example.org:1");
    assert_eq!(parse("tcp://[0:0::1]:1").to_string(), "tcp://[::1]:1");
    assert_eq!(parse("unix:%2frun%2Fa b").to_string(), "unix:/run/a%20b");
    assert_eq!(parse("unix:é").to_string(), "unix:%C3%A9");
    assert_eq!(parse("unix://a"), Endpoint::Unix(Type::Stream, UnixAddr::path("//a").unwrap()));
}

#[test]
fn an_at_sign_is_abstract_only_where_it_is_written_and_first() {
    let addr = |text| match parse(text) {
        Endpoint::Unix(_, addr) => addr,
        other => panic!("{other}"),
    };
    assert_eq!(addr("unix:@a"), UnixAddr::abstract_name("a").unwrap());
    assert_eq!(addr("unix:@@a"), UnixAddr::abstract_name("@a").unwrap());
    assert_eq!(addr("unix:%40a"), UnixAddr::path("@a").unwrap());
    assert_eq!(addr("unix:a@b"), UnixAddr::path("a@b").unwrap());
    assert_eq!(addr("unix:"), UnixAddr::Unnamed);
}

#[test]
fn paths_and_names_are_as_long_as_the_kernel_takes_them() {
    let path = |length: usize| format!("unix:{}", "p".repeat(length));
    let name = |length: usize| format!("unix:@{}", "n".repeat(length));
    assert!(path(108).parse::<Endpoint>().is_ok());
    assert!(name(107).parse::<Endpoint>().is_ok());
    for (text, length) in [(path(109), 109), (name(108), 108)] {
        let EndpointFault::Unix(UnixAddrError::TooLong { length: found, .. }) = fault(&text) else {
            panic!("{text}")
        };
        assert_eq!(found, length);
    }
}

#[test]
fn a_nul_in_a_path_is_refused_and_its_offset_told() {
    let EndpointFault::Unix(UnixAddrError::Nul { path, offset }) = fault("unix:/a%00b") else {
        panic!()
    };
    assert_eq!((path.as_str(), offset), ("/a\0b", 2));
}

#[test]
fn what_is_wrong_is_told_apart() {
    use EndpointFault::*;
    let text = |text: &str| text.to_owned();
    assert_eq!(fault(""), NoScheme);
    assert_eq!(fault("/run/app.sock"), NoScheme);
    assert_eq!(fault("/run/a:b"), NoScheme);
    assert_eq!(fault("[::1]:80"), NoScheme);
    for host_and_port in ["localhost:80", "127.0.0.1:80", "db.example:5432", "./a:b"] {
        assert_eq!(fault(host_and_port), NoScheme, "{host_and_port}");
    }
    assert_eq!(fault("http://localhost:80"), UnknownScheme { scheme: text("http") });
    assert_eq!(fault("unix-stream:/run/a"), UnknownScheme { scheme: text("unix-stream") });
    assert_eq!(fault("TCP://a:1"), UnknownScheme { scheme: text("TCP") });
    assert_eq!(fault("tcp:a:1"), MissingSlashes { scheme: text("tcp") });
    assert_eq!(fault("mptcp:a:1"), MissingSlashes { scheme: text("mptcp") });
    assert_eq!(fault("tcp:/a:1"), MissingSlashes { scheme: text("tcp") });
    assert_eq!(fault("tcp://:80"), EmptyHost);
    assert_eq!(fault("tcp://"), EmptyHost);
    assert_eq!(fault("tcp://a"), MissingPort { host: text("a") });
    assert_eq!(fault("tcp://1.2.3.4"), MissingPort { host: text("1.2.3.4") });
    assert_eq!(fault("tcp://[::1]"), MissingPort { host: text("[::1]") });
    assert_eq!(fault("tcp://a:"), BadPort { port: text("") });
    for port in ["65536", "-1", "+1", "080", "00", "http", "99999999999999999999"] {
        assert_eq!(fault(&format!("tcp://a:{port}")), BadPort { port: text(port) });
    }
    assert_eq!(fault("tcp://a:80/"), Trailing { behind: "port", rest: text("/") });
    assert_eq!(fault("tcp://a:80 "), Trailing { behind: "port", rest: text(" ") });
    assert_eq!(fault("tcp://[::1]x:80"), Trailing { behind: "host", rest: text("x:80") });
    assert_eq!(fault("tcp://a/:80"), BadHost { host: text("a/") });
    assert_eq!(fault("tcp://me@a:80"), BadHost { host: text("me@a") });
    assert_eq!(fault("tcp://bücher.de:80"), BadHost { host: text("bücher.de") });
    assert_eq!(fault("tcp://a..b:80"), BadHost { host: text("a..b") });
    for host in ["256.0.0.1", "1.2.3", "127.1", "01.2.3.4", "2130706433", "0x7f.1", "a.0x1"] {
        assert_eq!(fault(&format!("tcp://{host}:80")), BadIpv4 { host: text(host) });
    }
    assert_eq!(fault("tcp://[::1:80"), UnclosedBracket { host: text("[::1:80") });
    for host in ["::1", "::1:80", "fe80::1%eth0:80", "fe80::1%eth0"] {
        assert_eq!(fault(&format!("tcp://{host}")), UnbracketedIpv6 { host: text(host) });
    }
    assert_eq!(fault("tcp://[1.2.3.4]:80"), BadIpv6 { host: text("1.2.3.4") });
    assert_eq!(fault("tcp://[]:80"), BadIpv6 { host: text("") });
    for scope in ["", "0", "01", "4294967296", "a/b", "sixteen-letters-", "a%b", "."] {
        assert_eq!(fault(&format!("tcp://[::1%{scope}]:80")), BadScope { scope: text(scope) });
    }
    assert_eq!(fault("unix:@"), Unix(UnixAddrError::Empty { what: "abstract name" }));
    for number in ["", "-1", "+1", "03", "x", "4294967296"] {
        assert_eq!(fault(&format!("fd:{number}")), BadDescriptor { number: text(number) });
    }
    for name in ["", "a:b", "a\nb", "é", &"n".repeat(256)] {
        assert_eq!(fault(&format!("mem:{name}")), BadName { name: text(name) });
        assert_eq!(fault(&format!("systemd:{name}")), BadName { name: text(name) });
    }
}

#[test]
fn only_the_scheme_of_multipath_tcp_asks_for_it() {
    for (endpoint, protocol) in [
        ("mptcp://a:1", Some(Protocol::Multipath)),
        ("tcp://a:1", Some(Protocol::Default(Type::Stream))),
        ("unix-seqpacket:a", Some(Protocol::Default(Type::SeqPacket))),
        ("fd:3", None),
    ] {
        assert_eq!(parse(endpoint).protocol(), protocol, "{endpoint}");
    }
    assert_ne!(parse("mptcp://a:1"), parse("tcp://a:1"));
}

#[test]
fn a_bad_escape_is_shown_with_its_place() {
    let bad = |text| match fault(text) {
        EndpointFault::BadEscape { escape, offset } => (escape, offset),
        other => panic!("{text}: {other}"),
    };
    assert_eq!(bad("unix:/a%zz"), ("%zz".to_owned(), 7));
    assert_eq!(bad("unix:%20%4"), ("%4".to_owned(), 8));
    assert_eq!(bad("unix:@%"), ("%".to_owned(), 6));
    assert_eq!(bad("unix-dgram:%+1"), ("%+1".to_owned(), 11));
    assert_eq!(bad("unix:é%é1"), ("%é1".to_owned(), 7));
}

#[test]
fn errors_are_invalid_input_and_say_what_to_write() {
    let error = io::Error::from("http://a:1".parse::<Endpoint>().unwrap_err());
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    for scheme in ["tcp://", "unix-seqpacket:", "systemd:", "mem:"] {
        assert!(error.to_string().contains(scheme), "{error}");
    }
    assert!(fault("tcp://::1:80").to_string().contains("[ADDRESS]:PORT"));
}

#[test]
fn an_address_becomes_the_endpoint_that_names_it() {
    let scoped = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 7, 2);
    let endpoint = Endpoint::from_addr(scoped.into(), Type::Datagram);
    assert_eq!(endpoint.to_string(), "udp://[::1%2]:80");
    assert_eq!(endpoint.addr(), Some(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 2).into()));
    let multipath = Endpoint::from_addr(scoped.into(), Protocol::Multipath);
    assert_eq!(multipath.to_string(), "mptcp://[::1%2]:80");
    let unnamed = Endpoint::from_addr(UnixAddr::Unnamed.into(), Type::SeqPacket);
    assert_eq!(unnamed.to_string(), "unix-seqpacket:");
}

#[test]
fn the_resolver_is_asked_without_brackets() {
    let lookup = |text| parse(text).host_port().unwrap().host.to_lookup();
    assert_eq!(lookup("tcp://[fe80::1%eth0]:1"), "fe80::1%eth0");
    assert_eq!(lookup("tcp://localhost:1"), "localhost");
    assert_eq!(lookup("tcp://1.2.3.4:1"), "1.2.3.4");
}

fn host_name() -> impl Strategy<Value = Host> {
    "([a-zA-Z0-9_-]{1,20}\\.){0,3}[a-zA-Z_-][a-zA-Z0-9_-]{0,20}\\.?"
        .prop_filter_map("refused", |name| HostName::new(&name).ok().map(Host::Name))
}

fn host() -> impl Strategy<Value = Host> {
    let scope = prop_oneof![
        any::<u32>().prop_map(Scope::from_index),
        "[ -~]{1,15}".prop_map(|name| Scope::new(&name).ok()),
    ];
    prop_oneof![
        any::<u32>().prop_map(|bits| Host::Ipv4(Ipv4Addr::from_bits(bits))),
        (any::<u128>(), scope)
            .prop_map(|(bits, scope)| Host::Ipv6 { addr: Ipv6Addr::from_bits(bits), scope }),
        host_name(),
    ]
}

fn unix_addr() -> impl Strategy<Value = UnixAddr> {
    let bytes = |most| prop::collection::vec(any::<u8>(), 1..=most);
    let path = prop_oneof![
        prop::collection::vec(1_u8.., 1..=UnixPath::MAX),
        prop::collection::vec(1_u8.., 1..UnixPath::MAX).prop_map(|mut path| {
            path.insert(0, b'@');
            path
        }),
    ];
    prop_oneof![
        path.prop_map(|path| UnixAddr::path(OsStr::from_bytes(&path)).unwrap()),
        bytes(AbstractName::MAX).prop_map(|name| UnixAddr::abstract_name(name).unwrap()),
        Just(UnixAddr::Unnamed),
    ]
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    let at = || (host(), any::<u16>()).prop_map(|(host, port)| HostPort { host, port });
    let name =
        || "[ -~]{1,40}".prop_filter_map("has a colon", |name| EndpointName::new(&name).ok());
    prop_oneof![
        at().prop_map(Endpoint::Tcp),
        at().prop_map(Endpoint::Mptcp),
        at().prop_map(Endpoint::Udp),
        at().prop_map(Endpoint::Sctp),
        (prop::sample::select(&Type::ALL[..]), unix_addr())
            .prop_map(|(kind, addr)| Endpoint::Unix(kind, addr)),
        any::<u32>().prop_map(Endpoint::Fd),
        name().prop_map(Endpoint::Systemd),
        name().prop_map(Endpoint::Mem),
    ]
}

/// Texts near the grammar: its own pieces, and some that belong nowhere, in any order.
fn text() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "tcp",
        "mptcp",
        "udp",
        "sctp",
        "unix",
        "unix-dgram",
        "unix-seqpacket",
        "fd",
        "systemd",
        "mem",
        ":",
        "//",
        ":",
        "[",
        "]",
        "::1",
        "fe80::1",
        "%eth0",
        "%2",
        "127.0.0.1",
        "localhost",
        "A.b",
        "0",
        "80",
        "65536",
        "@",
        "%40",
        "%00",
        "%zz",
        "%",
        "/run/a",
        "é",
        " ",
        "+1",
        ".",
    ];
    let shuffled = prop::collection::vec(prop::sample::select(PIECES), 0..8)
        .prop_map(|pieces| pieces.concat());
    let likely = (
        prop::sample::select(
            &["tcp://", "mptcp://", "udp://", "sctp://", "unix:", "fd:", "mem:"][..],
        ),
        prop::collection::vec(prop::sample::select(PIECES), 0..5),
    )
        .prop_map(|(scheme, pieces)| scheme.to_owned() + &pieces.concat());
    prop_oneof![shuffled, likely, any::<String>()]
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_an_equal_endpoint(endpoint in endpoint()) {
        let printed = endpoint.to_string();
        prop_assert!(printed.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{}", printed);
        let parsed: Endpoint = printed.parse()?;
        let hasher = RandomState::new();
        prop_assert_eq!(hasher.hash_one(&parsed), hasher.hash_one(&endpoint));
        prop_assert_eq!(parsed, endpoint);
    }

    #[test]
    fn what_parses_prints_its_one_canonical_text(text in text()) {
        if let Ok(endpoint) = text.parse::<Endpoint>() {
            let printed = endpoint.to_string();
            let parsed: Endpoint = printed.parse()?;
            prop_assert_eq!(parsed.to_string(), printed);
            prop_assert_eq!(parsed, endpoint);
        }
    }

    #[test]
    fn different_endpoints_print_differently(a in endpoint(), b in endpoint()) {
        prop_assert_eq!(a == b, a.to_string() == b.to_string());
    }
}
