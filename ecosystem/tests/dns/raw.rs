//! What no client of DNS sends.

use std::net::UdpSocket;

use crate::program::{report, start};
use crate::support::process::DEADLINE;

/// The head of a query with the number 7, and one question that is not there.
const HEAD: [u8; 12] = [0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];

#[test]
fn what_is_no_query_is_not_answered_and_what_is_malformed_is_told_so() {
    let server = start("dns", &["udp://127.0.0.1:0", "--json"], 1);
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(server.endpoints[0].trim_start_matches("udp://")).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut response = HEAD;
    response[2] = 0x80;
    for ignored in [&b""[..], b"short", &response] {
        client.send(ignored).unwrap();
    }
    client.send(&HEAD).unwrap();
    let mut said = [0; 512];
    let length = client.recv(&mut said).unwrap();
    // FORMERR, with the number of the query, and the first to be answered.
    assert_eq!((&said[..2], said[2] & 0x80, said[3] & 0xf), (&[0, 7][..], 0x80, 1), "{length}");
    let report = report(server);
    assert_eq!(report["messages"]["ignored"], 3, "{report}");
    assert_eq!(report["messages"]["refused"], 1, "{report}");
}
