//! How TCP begins, goes on and ends a connection.

use std::io;
use std::time::Duration;

use anysock::{Options, Type};

use crate::cells::{self, STREAMS, loopback};
use crate::info::Info;
use crate::link::{self, at, bind, port};

/// Segments that are under way.
const UNACKNOWLEDGED: usize = 24;
/// Bytes that wait to be sent for the first time.
const NOT_SENT: usize = 144;
/// Bytes that have come in order.
const RECEIVED: usize = 128;

#[test]
fn linger_of_zero_resets_the_connection() {
    for cell in STREAMS {
        let options = Options::new().linger(Duration::ZERO);
        let (client, server) = cells::connect(loopback(cell), &options, &Options::new());
        drop(client);
        assert_eq!(link::error(&server).kind(), io::ErrorKind::ConnectionReset, "{cell}");
        let (client, server) = cells::connect(loopback(cell), &Options::new(), &Options::new());
        drop(client);
        link::wait(&server, libc::POLLIN);
        assert_eq!(server.recv(&mut [0; 8]).unwrap(), 0, "{cell}");
    }
}

#[test]
fn congestion_control_is_what_accepted_connections_use() {
    for cell in STREAMS {
        let options = Options::new().congestion_control("reno");
        let (client, server) = cells::connect(loopback(cell), &Options::new(), &options);
        let used = |socket| Options::read(socket).unwrap().congestion_control;
        assert_eq!(used(&server).as_deref(), Some("reno"), "{cell}");
        let system = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control").unwrap();
        assert_eq!(used(&client).as_deref(), Some(system.trim()), "{cell}");
        let unknown = Options::new().congestion_control("nosuch").apply(&client).unwrap_err();
        assert!(unknown.to_string().contains("refused the option congestion_control"), "{unknown}");
    }
}

#[test]
fn defer_accept_holds_back_who_has_sent_nothing() {
    for cell in STREAMS {
        let options = Options::new().defer_accept(Duration::from_secs(31));
        let listener = bind(Type::Stream, &at(loopback(cell), 0), &options).unwrap();
        let addr = listener.local_addr().unwrap();
        let client = link::begin(Type::Stream, &addr, &Options::new()).unwrap();
        link::wait(&client, libc::POLLOUT);
        assert!(!link::is_ready(&listener, libc::POLLIN, Duration::from_millis(200)), "{cell}");
        client.send(b"hello").unwrap();
        assert_eq!(link::accept(&listener).recv(&mut [0; 8]).unwrap(), 5, "{cell}");
    }
}

#[test]
fn quick_ack_off_lets_acknowledgements_wait() {
    for cell in STREAMS {
        // Whether bytes are still unacknowledged at once after they were sent. Who is interrupted
        // for 40 ms in between sees nothing, and looks again.
        let waits = |on: bool| {
            let (client, server) = cells::connect(loopback(cell), &Options::new(), &Options::new());
            Options::new().quick_ack(on).apply(&server).unwrap();
            client.send(b"x").unwrap();
            Info::of(&client).number(UNACKNOWLEDGED) == 1
        };
        link::wait_until("an acknowledgement waits", || waits(false));
        link::wait_until("an acknowledgement does not wait", || !waits(true));
    }
}

#[test]
fn not_sent_low_water_keeps_the_queue_of_the_unsent_short() {
    for cell in STREAMS {
        let unsent = |options: &Options| {
            let few = Options::new().receive_buffer(4_096);
            let (client, _server) = cells::connect(loopback(cell), options, &few);
            cells::fill(&client);
            Info::of(&client).number(NOT_SENT)
        };
        let short = unsent(&Options::new().not_sent_low_water(4_000));
        let system = unsent(&Options::new());
        assert!(short <= 5_000, "{cell}: {short}");
        assert!(system > 20_000, "{cell}: {system}");
    }
}

#[test]
fn max_segment_bounds_the_segments_of_the_peer() {
    for cell in STREAMS {
        let options = Options::new().max_segment(400);
        let (client, _server) = cells::connect(loopback(cell), &Options::new(), &options);
        let used = Options::read(&client).unwrap().max_segment.unwrap();
        assert!((300..=400).contains(&used), "{cell}: {used}");
        let (client, _server) = cells::connect(loopback(cell), &Options::new(), &Options::new());
        let used = Options::read(&client).unwrap().max_segment.unwrap();
        assert!(used > 10_000, "{cell}: {used}");
    }
}

/// Why it is no option of the library.
#[test]
fn a_window_clamp_is_taken_and_overwritten() {
    for cell in STREAMS {
        let (client, server) = cells::connect(loopback(cell), &Options::new(), &Options::new());
        link::set_raw(&server, libc::IPPROTO_TCP, libc::TCP_WINDOW_CLAMP, 8_000).unwrap();
        cells::fill(&client);
        link::wait_until("more comes than was asked for", || {
            Info::of(&server).number(RECEIVED) > 16_000
        });
    }
}

#[test]
fn fin_timeout_bounds_how_long_a_half_closed_connection_is_kept() {
    // Longer than any test waits, unless it is told otherwise.
    for cell in STREAMS {
        let options = Options::new().fin_timeout(Duration::from_secs(1));
        let (client, _server) = cells::connect(loopback(cell), &options, &Options::new());
        let port = port(&client);
        drop(client);
        // The peer does not close.
        let table = if cell == STREAMS[0] { "/proc/net/tcp" } else { "/proc/net/tcp6" };
        let half_closed = || {
            let text = std::fs::read_to_string(table).unwrap();
            text.lines().skip(1).any(|line| {
                let fields: Vec<_> = line.split_whitespace().collect();
                fields[1].ends_with(&format!(":{port:04X}")) && fields[3] == "05"
            })
        };
        link::wait_until("the connection is half closed", half_closed);
        link::wait_until("the connection is given up", || !half_closed());
    }
}
