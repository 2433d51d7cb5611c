//! `relay` between socat and socat, between Python and `echo`, and among all cells.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anysock::{Cell, Type};
use serde_json::Value;
use socket2::SockRef;

use crate::memory::resident;
use crate::program::{report, start};
use crate::socat::{self, Upstream, address, talk};
use crate::support::process::DEADLINE;
use crate::support::{Directory, Server, endpoint, over_the_matrix, run};
use crate::tool;

/// How long a stream that is held up is watched for whether it goes on after all.
const STALLED: Duration = Duration::from_secs(1);

fn count(report: &Value, way: &str, what: &str) -> u64 {
    report["messages"][way][what].as_u64().unwrap_or_else(|| panic!("no {way}.{what}: {report}"))
}

/// What is not text, and more than all buffers on the way hold at once.
fn many_bytes() -> Vec<u8> {
    (0..3_000_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[test]
fn bytes_pass_both_ways_between_socats_and_so_does_the_half_close() {
    if !socat::is_there() {
        return;
    }
    let bytes = many_bytes();
    let sum = run("sha256sum", &[], &bytes).stdout;
    let ends = ["tcp://127.0.0.1:0", "tcp://[::1]:0", "unix:"];
    for (from, to) in ends.into_iter().flat_map(|from| ends.map(|to| (from, to))) {
        // One answers while it receives, the other once it has received all.
        for (program, answer) in [("cat", &bytes), ("sha256sum", &sum)] {
            let directory = Directory::new();
            let [from, to] = [(from, "from"), (to, "to")].map(|(endpoint, name)| match endpoint {
                "unix:" => format!("unix:{}", directory.path(name)),
                endpoint => endpoint.to_owned(),
            });
            let up = Upstream::start(&to, program);
            let relay = start("relay", &[&from, &up.endpoint, "--json"], 1);
            let said = talk(&["-t", "20"], &address(&relay.endpoints[0]), &bytes);
            assert!(said == *answer, "{from} to {to}: {} bytes came back", said.len());
            let report = report(relay);
            assert_eq!(report["finished"], 1, "{report}");
            assert_eq!(count(&report, "forward", "bytes"), bytes.len() as u64, "{report}");
            assert_eq!(count(&report, "back", "bytes"), answer.len() as u64, "{report}");
            assert_eq!(count(&report, "forward", "lost"), 0, "{report}");
        }
    }
}

#[test]
fn lines_of_a_socat_are_datagrams_before_another() {
    if !socat::is_there() {
        return;
    }
    let directory = Directory::new();
    let up = Upstream::start(&format!("unix-dgram:{}", directory.path("up")), "rev");
    let options = ["tcp://127.0.0.1:0", &up.endpoint, "--codec", "lines", "--json"];
    let relay = start("relay", &options, 1);
    // rev is a process for each datagram, which answers without the end of a line as it was asked.
    let said = talk(&["-t", "20"], &address(&relay.endpoints[0]), b"stressed\n");
    assert_eq!(String::from_utf8_lossy(&said), "desserts\n");
    let report = report(relay);
    assert_eq!(count(&report, "forward", "messages"), 1, "{report}");
    assert_eq!(count(&report, "back", "messages"), 1, "{report}");
}

#[test]
fn datagrams_of_a_socat_are_lines_before_another() {
    if !socat::is_there() {
        return;
    }
    let directory = Directory::new();
    let up = Upstream::start(&format!("unix:{}", directory.path("up")), "cat");
    for from in ["udp://127.0.0.1:0", "udp://[::1]:0"] {
        let relay = start("relay", &[from, &up.endpoint, "--codec", "lines", "--json"], 1);
        let said = talk(&["-t", "2"], &address(&relay.endpoints[0]), b"one datagram");
        assert_eq!(String::from_utf8_lossy(&said), "one datagram");
        let report = report(relay);
        assert_eq!((&report["finished"], &report["aborted"]), (&1.into(), &0.into()), "{report}");
    }
}

over_the_matrix!(a_python_client_is_answered_through_it_byte_by_byte);

fn a_python_client_is_answered_through_it_byte_by_byte(cell: Cell) {
    if !tool::is_there("python3", "--version") {
        return;
    }
    let directory = Directory::new();
    let echo = Server::start(&[format!("unix:{}", directory.path("up"))], &[]);
    let from = endpoint(cell, &directory);
    let options = ["--codec", "u32", "--silence", "0.1", "--json"];
    let relay = start("relay", &[&[&*from, &echo.endpoints[0]][..], &options].concat(), 1);
    let script = match cell.kind {
        Type::Stream => "stream.py",
        Type::Datagram => "datagram.py",
        Type::SeqPacket => "seqpacket.py",
    };
    let script = format!("{}/tests/foreign/{script}", env!("CARGO_MANIFEST_DIR"));
    let output = run("python3", &["-B", &script, &relay.endpoints[0]], b"");
    let failed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n", "{failed}");
    let report = report(relay);
    // Two of the script's connections are faulty on purpose where a stream lets them be.
    let faulty = if cell.kind == Type::Stream { 2 } else { 0 };
    assert_eq!((&report["failed"], &report["aborted"]), (&faulty.into(), &0.into()), "{report}");
    assert!(echo.stop("TERM").success());
    directory.assert_empty();
}

over_the_matrix!(messages_pass_to_every_cell_and_back);

fn messages_pass_to_every_cell_and_back(cell: Cell) {
    let cells = Cell::ALL.into_iter().filter(|to| anysock::probe().get(*to).is_ok());
    for to in cells {
        let (near, far) = (Directory::new(), Directory::new());
        let echo = Server::start(&[endpoint(to, &far)], &[]);
        let (from, to) = (endpoint(cell, &near), &echo.endpoints[0]);
        let options = [&from, to, "--codec", "u32", "--silence", "0.1", "--json"];
        let relay = start("relay", &options, 1);
        // An empty one among them.
        let sending = [&relay.endpoints[0], "--expect", "4"];
        let output = run("send", &sending, b"one\n\nthree\r\n\xff");
        let failed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.stdout, b"one\n\nthree\r\n\xff\n", "to {to}: {failed}");
        let report = report(relay);
        for way in ["forward", "back"] {
            assert_eq!(count(&report, way, "messages"), 4, "to {to}: {report}");
            assert_eq!(count(&report, way, "bytes"), 10, "to {to}: {report}");
        }
        drop(echo);
        near.assert_empty();
    }
}

#[test]
fn who_does_not_read_holds_up_who_writes_and_nothing_is_lost() {
    /// What the kernel and the relay hold at most between the two, by far.
    const MOST: usize = 64 * 1024 * 1024;
    const KIB: u64 = 8 * 1024;
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("tcp://{}", upstream.local_addr().unwrap());
    let relay = start("relay", &["tcp://127.0.0.1:0", &to, "--json"], 1);
    let mut client = TcpStream::connect(relay.endpoints[0].trim_start_matches("tcp://")).unwrap();
    let (mut server, _) = upstream.accept().unwrap();
    let before = resident(&relay);
    client.set_write_timeout(Some(STALLED)).unwrap();
    let (piece, mut written) = (vec![7; 64 * 1024], 0);
    loop {
        match client.write(&piece) {
            Ok(taken) => written += taken,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                break;
            }
        }
        assert!(written < MOST, "{written} bytes were taken, and nobody reads them");
    }
    let grown = resident(&relay).saturating_sub(before);
    assert!(grown < KIB, "it has grown by {grown} KiB");
    // The other way is not held up by that.
    server.write_all(b"I do not read").unwrap();
    let mut said = [0; 13];
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client.read_exact(&mut said).unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut all = Vec::new();
    server.read_to_end(&mut all).unwrap();
    assert!(all.len() == written && all.iter().all(|byte| *byte == 7), "{} arrived", all.len());
    drop(server);
    assert_eq!(client.read(&mut said).unwrap(), 0);
    let report = report(relay);
    assert_eq!(count(&report, "forward", "bytes"), written as u64, "{report}");
    assert_eq!(report["finished"], 1, "{report}");
}

#[test]
fn a_client_that_is_cut_off_is_no_orderly_end_at_the_other_side() {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("tcp://{}", upstream.local_addr().unwrap());
    let relay = start("relay", &["tcp://127.0.0.1:0", &to, "--json"], 1);
    let mut client = TcpStream::connect(relay.endpoints[0].trim_start_matches("tcp://")).unwrap();
    let (mut server, _) = upstream.accept().unwrap();
    client.write_all(b"half").unwrap();
    let mut said = [0; 4];
    server.read_exact(&mut said).unwrap();
    SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    let ended = server.read(&mut said).unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::ConnectionReset);
    let report = report(relay);
    assert_eq!(report["failed"], 1, "{report}");
}

#[test]
fn an_interrupted_relay_lets_a_conversation_end_and_accepts_no_other() {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("tcp://{}", upstream.local_addr().unwrap());
    let relay = start("relay", &["tcp://127.0.0.1:0", &to, "--json", "--grace", "60"], 1);
    let at = relay.endpoints[0].trim_start_matches("tcp://").to_owned();
    let mut client = TcpStream::connect(&at).unwrap();
    let (mut server, _) = upstream.accept().unwrap();
    client.write_all(b"question").unwrap();
    // Who knocks below and is let in, because it was before the signal, ends at once.
    drop(upstream);
    relay.signal("TERM");
    let until = Instant::now() + DEADLINE;
    while TcpStream::connect(&at).is_ok() {
        assert!(Instant::now() < until, "it still listens");
    }
    let mut said = [0; 8];
    server.read_exact(&mut said).unwrap();
    server.write_all(b"answer").unwrap();
    drop(server);
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!((&said, &*answer), (b"question", "answer"));
    drop(client);
    let (status, said) = relay.ended();
    assert_eq!(status.code(), Some(0), "{said}");
}

#[test]
fn connections_beyond_the_most_wait_and_idle_ones_are_closed() {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("tcp://{}", upstream.local_addr().unwrap());
    let options = ["tcp://127.0.0.1:0", &to, "--json", "--max-connections", "1", "--idle", "0.5"];
    let relay = start("relay", &options, 1);
    let at = relay.endpoints[0].trim_start_matches("tcp://");
    let _idle = TcpStream::connect(at).unwrap();
    let mut waiting = TcpStream::connect(at).unwrap();
    waiting.write_all(b"at last").unwrap();
    // The first is accepted at once, the second when it has gone.
    let (mut first, _) = upstream.accept().unwrap();
    assert_eq!(first.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let (mut second, _) = upstream.accept().unwrap();
    let mut said = [0; 7];
    second.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"at last");
}

#[test]
fn a_client_is_closed_where_nobody_listens_and_the_next_one_is_served() {
    let directory = Directory::new();
    let to = format!("unix:{}", directory.path("up"));
    let relay = start("relay", &["tcp://127.0.0.1:0", &to, "--codec", "u32", "--json"], 1);
    let mut client = TcpStream::connect(relay.endpoints[0].trim_start_matches("tcp://")).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    let echo = Server::start(&[to], &[]);
    let output = run("send", &[&relay.endpoints[0], "--expect", "1"], b"hello\n");
    assert_eq!(output.stdout, b"hello\n");
    let report = report(relay);
    assert_eq!((&report["failed"], &report["accepted"]), (&1.into(), &2.into()), "{report}");
    drop(echo);
}

#[test]
fn hundreds_of_clients_at_once_are_answered_and_leave_no_descriptor() {
    const CLIENTS: usize = 200;
    let echo = Server::start(&["tcp://127.0.0.1:0".to_owned()], &["--codec", "unframed"]);
    let relay = start("relay", &["tcp://127.0.0.1:0", &echo.endpoints[0], "--json"], 1);
    let open = || std::fs::read_dir(format!("/proc/{}/fd", relay.id())).unwrap().count();
    let before = open();
    let at = relay.endpoints[0].trim_start_matches("tcp://");
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| TcpStream::connect(at).unwrap()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.write_all(&(number as u32).to_be_bytes()).unwrap();
    }
    for (number, client) in clients.iter_mut().enumerate() {
        client.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut answer = [0; 4];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(answer, (number as u32).to_be_bytes());
    }
    // Every third is reset, the others end.
    for (number, client) in clients.drain(..).enumerate() {
        if number % 3 == 0 {
            SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
        }
    }
    let until = Instant::now() + DEADLINE;
    while open() > before {
        assert!(Instant::now() < until, "{} descriptors are left, {before} before", open());
        std::thread::sleep(Duration::from_millis(10));
    }
    let report = report(relay);
    let failed = CLIENTS.div_ceil(3);
    assert_eq!(
        (&report["failed"], &report["finished"]),
        (&failed.into(), &(CLIENTS - failed).into()),
        "{report}"
    );
    assert_eq!(count(&report, "back", "bytes"), 4 * CLIENTS as u64, "{report}");
}
