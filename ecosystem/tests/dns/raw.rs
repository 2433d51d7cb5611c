//! What no client of DNS sends, and what only attackers do.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, UdpSocket};

use crate::program::{report, start};
use crate::support::Server;
use crate::support::process::DEADLINE;

/// FORMERR, NOTIMP and REFUSED: RFC 1035, 4.1.1.
const FORMERR: u8 = 1;
const NOTIMP: u8 = 4;
const REFUSED: u8 = 5;

/// `www.example.org`, as it is written in a question.
const NAME: &[u8] = b"\x03www\x07example\x03org\0";

/// A message with the number 7, these flags and counts, and what follows.
fn message(flags: u16, counts: [u16; 4], rest: &[&[u8]]) -> Vec<u8> {
    let numbers = [7, flags, counts[0], counts[1], counts[2], counts[3]];
    let head: Vec<_> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
    [&[&head[..]], rest].concat().concat()
}

/// Asks for the addresses of a name.
fn query(name: &[u8]) -> Vec<u8> {
    message(0, [1, 0, 0, 0], &[name, &[0, 1, 0, 1]])
}

/// What one asks for over TCP: behind its length.
fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes(), message].concat()
}

fn client(server: &Server) -> UdpSocket {
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(server.endpoints[0].trim_start_matches("udp://")).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client
}

fn by_tcp(server: &Server) -> TcpStream {
    let client = TcpStream::connect(server.endpoints[1].trim_start_matches("tcp://")).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client
}

fn answer(client: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    client.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    client.read_exact(&mut answer).unwrap();
    answer
}

#[test]
fn what_is_no_query_is_not_answered_and_what_is_malformed_is_told_so() {
    let server = start("dns", &["udp://127.0.0.1:0", "--json"], 1);
    let client = client(&server);
    // An answer, too: two servers would answer each other for ever.
    let response = message(0x8000, [1, 0, 0, 0], &[NAME, &[0, 1, 0, 1]]);
    for ignored in [&b""[..], b"short", &response] {
        client.send(ignored).unwrap();
    }
    let ask = |rest: &[u8]| message(0, [1, 0, 0, 0], &[rest]);
    let opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
    let malformed = [
        ("no question", ask(b"")),
        ("half a question", ask(b"\x03www")),
        ("a name that refers to itself", ask(b"\xc0\x0c\0\x01\0\x01")),
        (
            "a name that refers onwards",
            ask(b"\xc0\x20\0\x01\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        ),
        ("a label of 64", ask(&[&[64][..], &[b'a'; 64], &[0, 0, 1, 0, 1]].concat())),
        (
            "a name of 256",
            ask(&[&[&[63][..], &[b'a'; 63]].concat().repeat(4)[..], &[0, 0, 1, 0, 1]].concat()),
        ),
        ("none asked", message(0, [0; 4], &[])),
        ("two asked", message(0, [2, 0, 0, 0], &[NAME, &[0, 1, 0, 1], NAME, &[0, 1, 0, 1]])),
        ("65,535 promised", message(0, [65_535, 0, 0, 0], &[NAME, &[0, 1, 0, 1]])),
        ("answers promised", message(0, [1, 65_535, 0, 0], &[NAME, &[0, 1, 0, 1]])),
        ("EDNS twice", message(0, [1, 0, 0, 2], &[NAME, &[0, 1, 0, 1], &opt, &opt])),
    ];
    let mut said = [0; 512];
    for (what, asked) in &malformed {
        client.send(asked).unwrap();
        let length = client.recv(&mut said).unwrap();
        let head = (&said[..2], said[2] & 0x80, said[3] & 0xf);
        assert_eq!(head, (&[0, 7][..], 0x80, FORMERR), "{what}");
        assert!(length <= asked.len().max(12), "{what}: {length} for {}", asked.len());
    }
    let others = (1..16).map(|code| message(code << 11, [1, 0, 0, 0], &[NAME, &[0, 1, 0, 1]]));
    for asked in others {
        client.send(&asked).unwrap();
        client.recv(&mut said).unwrap();
        assert_eq!((said[2] & 0xf8, said[3] & 0xf), (0x80 | asked[2], NOTIMP));
    }
    // Chaos, any class, and a transfer, which takes TCP and a right to it.
    for (kind, class) in [(1, 3), (1, 255), (252, 1), (251, 1)] {
        client.send(&message(0, [1, 0, 0, 0], &[NAME, &[0, kind, 0, class]])).unwrap();
        client.recv(&mut said).unwrap();
        assert_eq!(said[3] & 0xf, REFUSED, "type {kind}, class {class}");
    }
    let report = report(server);
    assert_eq!(report["messages"]["ignored"], 3, "{report}");
    assert_eq!(report["messages"]["refused"], malformed.len() + 15 + 4, "{report}");
}

#[test]
fn who_uses_an_address_for_each_query_takes_nobodys_place() {
    const PLACES: &str = "20";
    let options = ["udp://127.0.0.1:0", "--max-connections", PLACES, "--idle", "3600", "--json"];
    let server = start("dns", &options, 1);
    // They stay, so that no answer of the network tells that they have gone.
    let strangers: Vec<_> = (0..60).map(|_| client(&server)).collect();
    for stranger in &strangers {
        stranger.send(&query(NAME)).unwrap();
    }
    let honest = client(&server);
    honest.send(&query(NAME)).unwrap();
    let mut said = [0; 512];
    honest.recv(&mut said).expect("others are forgotten soon");
    assert_eq!((said[2] & 0x80, said[3] & 0xf), (0x80, 0));
    let report = report(server);
    assert_eq!(report["messages"]["answered"], 61, "{report}");
}

#[test]
fn queries_of_one_connection_are_answered_in_turn_also_those_that_take_long() {
    let server = start("dns", &["udp://127.0.0.1:0", "tcp://127.0.0.1:0", "--json"], 2);
    let mut client = by_tcp(&server);
    let all: Vec<_> = (0..2_000_u16)
        .map(|number| {
            let mut asked = match number % 3 {
                0 => query(NAME),
                1 => query(b"\x06nobody\x07example\x03org\0"),
                _ => message(0, [1, 0, 0, 0], &[b"\x04many\x07example\x03org\0\0\x10\0\x01"]),
            };
            asked[..2].copy_from_slice(&number.to_be_bytes());
            framed(&asked)
        })
        .collect();
    let mut asking = client.try_clone().unwrap();
    let sent = std::thread::spawn(move || asking.write_all(&all.concat()).unwrap());
    for number in 0..2_000_u16 {
        let said = answer(&mut client);
        assert_eq!(said[..2], number.to_be_bytes());
        assert_eq!(u16::from(said[3] & 0xf), 3 * u16::from(number % 3 == 1), "NXDOMAIN or none");
    }
    sent.join().unwrap();
    // Names that refer to each other, in thousands of questions: not even read.
    let questions: Vec<_> = (0..7_000_u16)
        .map(|number| match number {
            0 => b"\x01a\0\0\x01\0\x01".to_vec(),
            _ => {
                let before = 12 + (number.min(100) - 1) * 8 - u16::from(number > 1);
                [&b"\x01a"[..], &(0xc000 | before).to_be_bytes(), &[0, 1, 0, 1]].concat()
            }
        })
        .collect();
    client.write_all(&framed(&message(0, [7_000, 0, 0, 0], &[&questions.concat()]))).unwrap();
    let said = answer(&mut client);
    assert_eq!((said.len(), said[3] & 0xf), (12, FORMERR));
    drop(client);
    let report = report(server);
    assert_eq!(report["messages"]["answered"], 2_000, "{report}");
}

#[test]
fn who_asks_by_tcp_and_never_reads_is_sent_away_and_holds_up_nobody() {
    let server = start("dns", &["udp://127.0.0.1:0", "tcp://127.0.0.1:0", "--idle", "1"], 2);
    let mut deaf = by_tcp(&server);
    deaf.set_write_timeout(Some(DEADLINE)).unwrap();
    let asked = framed(&message(0, [1, 0, 0, 0], &[b"\x04many\x07example\x03org\0\0\x10\0\x01"]));
    let many = asked.repeat(1_000);
    let deaf = std::thread::spawn(move || {
        loop {
            if let Err(error) = deaf.write_all(&many) {
                return error.kind();
            }
        }
    });
    let mut said = [0; 512];
    for _ in 0..20 {
        let honest = client(&server);
        honest.send(&query(NAME)).unwrap();
        assert!(honest.recv(&mut said).unwrap() > 0);
    }
    let ended = deaf.join().unwrap();
    assert!(matches!(ended, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{ended}");
    assert!(server.stop("TERM").success());
}

#[test]
fn who_sends_a_query_byte_by_byte_is_sent_away() {
    let server = start("dns", &["udp://127.0.0.1:0", "tcp://127.0.0.1:0", "--idle", "0.5"], 2);
    let mut slow = by_tcp(&server);
    slow.set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
    let start = std::time::Instant::now();
    for byte in framed(&[0; 60_000]) {
        assert!(start.elapsed() < DEADLINE, "it still has its place");
        let gone = slow.write_all(&[byte]).is_err() || slow.read(&mut [0]).is_ok();
        if gone {
            break;
        }
    }
    assert!(server.stop("TERM").success());
}
