//! What cannot be done is refused with an error that a person can read.

use crate::skipped;
use crate::support::{Directory, Server, run};

/// Asserts how a program fails: its code, and what it says on standard error.
fn fails(program: &str, arguments: &[&str], code: i32, says: &[&str]) {
    let output = run(program, arguments, b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(output.stdout.is_empty());
    for part in says {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
}

#[test]
fn a_bad_endpoint_is_named() {
    for program in ["echo", "send"] {
        fails(program, &["tcp://localhost"], 2, &["tcp://localhost", "add :PORT"]);
        fails(program, &["http://localhost:80"], 2, &["unknown scheme", "http"]);
        fails(program, &["localhost:80"], 2, &["no scheme", "as in tcp://localhost:80"]);
        fails(program, &[], 2, &["ENDPOINT"]);
    }
}

#[test]
fn a_bad_codec_is_named_beside_those_there_are() {
    for program in ["echo", "send"] {
        let arguments = ["tcp://127.0.0.1:0", "--codec", "u17"];
        fails(program, &arguments, 2, &["u17", "varint", "fixed:N"]);
    }
}

#[test]
fn a_bad_maximum_is_named() {
    fails("echo", &["tcp://127.0.0.1:0", "--max", "many"], 2, &["many", "--max"]);
    fails("send", &["tcp://127.0.0.1:1", "--expect", "some"], 2, &["some", "--expect"]);
}

#[test]
fn an_endpoint_in_use_is_named_and_none_is_served() {
    let directory = Directory::new();
    let taken = format!("unix:{}", directory.path("taken"));
    let free = format!("unix:{}", directory.path("free"));
    let server = Server::start(std::slice::from_ref(&taken), &[]);
    fails("echo", &[&free, &taken], 1, &["cannot listen on", &taken, "in use"]);
    assert!(server.stop("TERM").success());
    directory.assert_empty();
}

#[test]
fn what_nobody_could_connect_to_is_not_served() {
    fails("echo", &["mem:here"], 1, &["cannot listen on mem:here", "within this process"]);
}

#[test]
fn a_cell_that_this_machine_lacks_is_named() {
    let Err(why) = anysock::probe().get(anysock::Cell::IPV4_SEQPACKET).map_err(Clone::clone) else {
        skipped::say("this machine has all cells");
        return;
    };
    for (program, does) in [("echo", "cannot listen on"), ("send", "cannot connect to")] {
        fails(program, &["sctp://127.0.0.1:1"], 1, &[does, "not supported", why.why()]);
    }
}

#[test]
fn nobody_at_the_endpoint_is_said_so() {
    let directory = Directory::new();
    let nowhere = format!("unix-seqpacket:{}", directory.path("nowhere"));
    fails("send", &[&nowhere], 1, &["cannot connect to", &nowhere, "No such file"]);
}
