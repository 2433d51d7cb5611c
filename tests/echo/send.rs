//! `send` before `echo`.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anysock::{Cell, Type};

use crate::support::process::{Guarded, example, output};
use crate::support::{Directory, Server, endpoint, over_the_matrix, run};

over_the_matrix!(every_line_comes_back_as_a_line);

fn every_line_comes_back_as_a_line(cell: Cell) {
    let directory = Directory::new();
    let server = Server::start(&[endpoint(cell, &directory)], &[]);
    // An empty one among them, and the last one without an end.
    let output = run("send", &[&server.endpoints[0]], b"one\n\nthree\r\n\xff");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"one\n\nthree\r\n\xff\n");
    assert!(server.stop("TERM").success());
}

over_the_matrix!(so_many_messages_as_expected_are_enough);

fn so_many_messages_as_expected_are_enough(cell: Cell) {
    let directory = Directory::new();
    let server = Server::start(&[endpoint(cell, &directory)], &[]);
    let arguments = [&server.endpoints[0], "--expect", "3"];
    let output = run_with_open_input(&arguments, b"one\ntwo\nthree\n");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"one\ntwo\nthree\n");
}

over_the_matrix!(fewer_messages_than_expected_are_a_failure);

fn fewer_messages_than_expected_are_a_failure(cell: Cell) {
    let directory = Directory::new();
    let server = Server::start(&[endpoint(cell, &directory)], &[]);
    let start = Instant::now();
    let output = run("send", &[&server.endpoints[0], "--expect", "3"], b"one\ntwo\n");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"one\ntwo\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "send: 2 messages instead of 3\n");
    // Where there is no end-of-file, only time tells.
    if cell.kind == Type::Datagram {
        assert!(start.elapsed() >= Duration::from_secs(10));
    }
}

#[test]
fn a_line_that_the_codec_refuses_is_a_failure_after_those_before_it() {
    let directory = Directory::new();
    let server = Server::start(&[endpoint(Cell::UNIX_STREAM, &directory)], &["--codec", "u8"]);
    let input = format!("short\n{}\nnever sent\n", ".".repeat(256));
    let output = run("send", &[&server.endpoints[0], "--codec", "u8"], input.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"short\n");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.starts_with("send: cannot send: the message is 256 bytes long"), "{said}");
}

#[test]
fn a_peer_that_ends_before_the_input_is_a_failure() {
    let directory = Directory::new();
    let endpoints = [endpoint(Cell::UNIX_STREAM, &directory)];
    let server = Server::start(&endpoints, &["--max", "4"]);
    let output = run_with_open_input(&[&server.endpoints[0]], b"four\nfive!\n");
    assert_eq!(output.status.code(), Some(1));
    // The first answer may be lost with the connection, which ends without having been read out.
    assert!(matches!(&output.stdout[..], b"" | b"four\n"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.starts_with("send: "), "{said}");
}

/// Runs `send` to its end, which is not to wait for the end of its input.
fn run_with_open_input(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(example("send"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Guarded(command.spawn().unwrap());
    let mut stdin = child.0.stdin.take().unwrap();
    stdin.write_all(input).unwrap();
    output(child)
}
