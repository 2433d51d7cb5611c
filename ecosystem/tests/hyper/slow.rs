//! Clients that are slow, each in another way: none keeps its connection, and none its place.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use crate::fixture::{Raw, Server, count, dial, get};

/// Long enough for whoever is not slow.
const PATIENCE: Duration = Duration::from_millis(500);
const IMPATIENT: [&str; 4] = ["--patience", "0.5", "--request", "20"];

/// What the server says until it closes; a reset is an end as well.
fn rest(stream: &mut Box<dyn Raw>) -> String {
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "it is not closed"),
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// Says `words` to each endpoint and then nothing; what each has answered until it closed.
fn who_says(name: &str, words: &str) -> Vec<String> {
    let server = Server::start(name, &IMPATIENT);
    let began = Instant::now();
    let saying = server.endpoints.iter().map(|endpoint| {
        let mut stream = dial(endpoint);
        stream.write_all(words.as_bytes()).unwrap();
        stream
    });
    let mut streams: Vec<_> = saying.collect();
    let answers = streams.iter_mut().map(rest).collect();
    assert!(began.elapsed() >= PATIENCE, "closed after {:?}", began.elapsed());
    server.end();
    answers
}

#[test]
fn who_says_nothing_is_closed() {
    assert_eq!(who_says("nothing", ""), ["", "", ""]);
}

#[test]
fn who_says_half_a_preface_is_closed() {
    assert_eq!(who_says("preface", "PRI * HTTP/2"), ["", "", ""]);
}

#[test]
fn who_begins_a_head_and_does_not_go_on_is_closed() {
    for answer in who_says("head", "GET /greet/you HTTP/1.1\r\nHost: a\r\nX-A: ") {
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}

#[test]
fn who_speaks_http2_and_asks_nothing_is_closed() {
    let settings = "\0\0\0\x04\0\0\0\0\0";
    for answer in who_says("http2", &format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{settings}")) {
        assert!(!answer.is_empty(), "the settings of the server are missing");
    }
}

#[test]
fn who_keeps_his_connection_and_asks_no_more_is_closed() {
    for answer in who_says("kept", "GET /greet/you HTTP/1.1\r\nHost: a\r\n\r\n") {
        assert!(answer.ends_with("(request 1 of this connection)\n"), "{answer}");
    }
}

#[test]
fn who_is_waiting_for_his_answer_is_not_slow() {
    // It takes twice as long as he may be silent.
    for answer in who_says("waiting", "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n") {
        assert!(answer.ends_with("answered all the same\n"), "{answer}");
    }
}

#[test]
fn who_does_not_send_the_body_he_has_announced_is_told_and_closed() {
    let server = Server::start("body", &["--patience", "0.5", "--request", "0.5"]);
    for endpoint in &server.endpoints {
        let mut stream = dial(endpoint);
        let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nten bytes.";
        stream.write_all(head.as_bytes()).unwrap();
        let answer = rest(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    }
    server.end();
}

#[test]
fn a_body_without_end_is_cut_at_the_bound() {
    let server = Server::start("endless", &["--patience", "0.5"]);
    for endpoint in &server.endpoints {
        let mut stream = dial(endpoint);
        let length = 64 * 1024 + 1;
        let head = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&vec![b'.'; length]).unwrap();
        let answer = rest(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
    }
    server.end();
}

#[test]
fn who_does_not_read_his_answers_is_closed() {
    let server = Server::start("unread", &IMPATIENT);
    for endpoint in &server.endpoints {
        let mut stream = dial(endpoint);
        let body = ".".repeat(60_000);
        let length = body.len();
        let head = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        let request = head + &body;
        let refused = loop {
            if let Err(error) = stream.write_all(request.as_bytes()) {
                break error.kind();
            }
        };
        let is_closed = matches!(refused, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset);
        assert!(is_closed, "{endpoint}: {refused:?}");
    }
    server.end();
}

#[test]
fn who_is_silent_holds_his_place_no_longer_than_that() {
    let mut options = IMPATIENT.to_vec();
    options.extend(["--max-connections", "2"]);
    let server = Server::start("places", &options);
    for endpoint in &server.endpoints {
        let began = Instant::now();
        let mut silent: Vec<_> = (0..4).map(|_| dial(endpoint)).collect();
        let (ok, out, err) = get(&[endpoint, "--patience", "60"]);
        assert!(ok, "{err}");
        assert!(out.contains("hello you"), "{out}");
        assert!(began.elapsed() >= 2 * PATIENCE, "four stood before, two at a time");
        silent.iter_mut().for_each(|stream| assert_eq!(rest(stream), ""));
    }
    server.end();
}

#[test]
fn who_is_silent_does_not_hold_up_the_end() {
    let options = ["--patience", "1000", "--grace", "1000"];
    let server = Server::start("end", &options);
    let mut silent: Vec<_> = server.endpoints.iter().map(|endpoint| dial(endpoint)).collect();
    let mut kept = dial(&server.endpoints[0]);
    kept.write_all(b"GET /greet/you HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let (mut answer, last) = (Vec::new(), b"connection)\n");
    while !answer.ends_with(last) {
        let mut byte = [0];
        kept.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    let report = server.end();
    assert_eq!((count(&report, "accepted"), count(&report, "aborted")), (4, 0), "{report}");
    silent.iter_mut().for_each(|stream| assert_eq!(rest(stream), ""));
    assert_eq!(rest(&mut kept), "");
}
