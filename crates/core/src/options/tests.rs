//! Options against cells, against the kernel, and against their documentation.

use std::io;
use std::time::Duration;

use super::table::TABLE;
use super::*;

fn cells() -> impl Iterator<Item = (Cell, Socket)> {
    Cell::ALL.into_iter().filter_map(|cell| Some((cell, Socket::open(cell).ok()?)))
}

/// For each option, by name, a value that is neither the default nor out of range.
fn only(option: &str) -> Options {
    let options = Options::new();
    match option {
        "reuse_address" => options.reuse_address(true),
        "reuse_port" => options.reuse_port(true),
        "v6only" => options.v6only(true),
        "send_buffer" => options.send_buffer(50_000),
        "receive_buffer" => options.receive_buffer(60_000),
        "nodelay" => options.nodelay(true),
        "keepalive" => options.keepalive(
            Keepalive::new()
                .idle(Duration::from_secs(30))
                .interval(Duration::from_secs(10))
                .count(3),
        ),
        "linger" => options.linger(Duration::ZERO),
        "backlog" => options.backlog(16),
        "file_mode" => options.file_mode(0o600),
        other => panic!("no value to test the option {other} with"),
    }
}

#[test]
fn the_documentation_shows_the_table_as_it_is() {
    let documented: Vec<_> = include_str!("mod.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("/// "))
        .filter(|line| line.starts_with("| [`"))
        .collect();
    let rows: Vec<_> = TABLE.iter().map(|row| row.documentation()).collect();
    assert_eq!(documented, rows);
}

#[test]
fn an_option_is_refused_exactly_on_the_cells_where_it_means_nothing() {
    for row in TABLE {
        for cell in Cell::ALL {
            match only(row.name()).check(cell) {
                Ok(()) => assert!(row.means_something_on(cell), "{} on {cell}", row.name()),
                Err(OptionError::Meaningless { option, cell: at, why }) => {
                    assert_eq!((option, at), (row.name(), cell));
                    assert!(!why.is_empty() && !row.means_something_on(cell), "{option} on {cell}");
                }
                Err(error) => panic!("{} on {cell}: {error}", row.name()),
            }
        }
    }
}

#[test]
fn every_option_that_is_set_is_read_back_on_every_cell() {
    for row in TABLE {
        for (cell, socket) in cells().filter(|(cell, _)| row.means_something_on(*cell)) {
            let before = Options::read(&socket).unwrap();
            let wanted = only(row.name());
            wanted.apply(&socket).unwrap_or_else(|error| panic!("{cell}: {error}"));
            let mut expected = before;
            match row.name() {
                "reuse_address" => expected.reuse_address = wanted.reuse_address,
                "reuse_port" => expected.reuse_port = wanted.reuse_port,
                "v6only" => expected.v6only = wanted.v6only,
                "send_buffer" => expected.send_buffer = wanted.send_buffer,
                "receive_buffer" => expected.receive_buffer = wanted.receive_buffer,
                "nodelay" => expected.nodelay = wanted.nodelay,
                "keepalive" => expected.keepalive = wanted.keepalive,
                "linger" => expected.linger = wanted.linger,
                // These two cannot be read.
                "backlog" | "file_mode" => {}
                other => panic!("the option {other} is not read back"),
            }
            assert_eq!(Options::read(&socket).unwrap(), expected, "{} on {cell}", row.name());
        }
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
fn values_that_the_kernel_would_refuse_or_replace_are_out_of_range() {
    let seconds = Duration::from_secs;
    let keepalive = |keepalive| Options::new().keepalive(keepalive);
    let refused = [
        (Cell::IPV4_STREAM, keepalive(Keepalive::new().idle(Duration::ZERO))),
        (Cell::IPV4_STREAM, keepalive(Keepalive::new().idle(seconds(32_768)))),
        (Cell::IPV4_STREAM, keepalive(Keepalive::new().idle(Duration::from_millis(1_500)))),
        (Cell::IPV4_STREAM, keepalive(Keepalive::new().interval(Duration::ZERO))),
        (Cell::IPV4_STREAM, keepalive(Keepalive::new().interval(seconds(32_768)))),
        (Cell::IPV4_STREAM, keepalive(Keepalive::new().count(0))),
        (Cell::IPV4_STREAM, keepalive(Keepalive::new().count(128))),
        (Cell::IPV4_STREAM, Options::new().linger(Duration::from_millis(1))),
        (Cell::IPV4_STREAM, Options::new().linger(seconds(1 << 31))),
        (Cell::IPV4_STREAM, Options::new().send_buffer(0)),
        (Cell::IPV4_STREAM, Options::new().receive_buffer(1 << 31)),
        (Cell::IPV4_STREAM, Options::new().backlog(1 << 31)),
        (Cell::UNIX_STREAM, Options::new().file_mode(0o1000)),
    ];
    for (cell, options) in refused {
        let error = options.check(cell).unwrap_err();
        assert!(matches!(error, OptionError::OutOfRange { .. }), "{options:?}: {error}");
    }
}

#[test]
fn values_at_the_limits_are_taken() {
    let most = Keepalive::new()
        .idle(Duration::from_secs(32_767))
        .interval(Duration::from_secs(32_767))
        .count(127);
    let one = Duration::from_secs(1);
    for keepalive in [most, Keepalive::new().idle(one).interval(one).count(1), Keepalive::new()] {
        let socket = Socket::open(Cell::IPV4_STREAM).unwrap();
        Options::new().keepalive(keepalive).apply(&socket).unwrap();
        let read = Options::read(&socket).unwrap().keepalive.unwrap();
        assert_eq!(keepalive.count.unwrap_or(9), read.count.unwrap());
    }
    let socket = Socket::open(Cell::IPV6_STREAM).unwrap();
    let linger = Duration::from_secs(i32::MAX as u64);
    Options::new().linger(linger).send_buffer(i32::MAX as usize).apply(&socket).unwrap();
    assert_eq!(Options::read(&socket).unwrap().linger, Some(linger));
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
