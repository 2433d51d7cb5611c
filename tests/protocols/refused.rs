//! What cannot be done is refused with an error that a person can read.

use crate::support::process::example;
use crate::support::{Directory, endpoint, run};

/// Asserts how a program fails: its code, and what it says on standard error.
fn fails(program: &str, arguments: &[&str], code: i32, says: &[&str]) {
    let path = example(program);
    let output = run(path.to_str().unwrap(), arguments, b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{program} {arguments:?}: {said}");
    for part in says {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
}

#[test]
fn a_bad_argument_is_named() {
    for program in ["relay", "chat", "syslog"] {
        fails(program, &["tcp://localhost"], 2, &["tcp://localhost", "add :PORT"]);
        fails(program, &[], 2, &["--help"]);
        let codec = ["unix:@a", "unix:@b", "--codec", "u17"];
        fails(program, &codec[..], 2, &["u17", "--codec"]);
        fails(program, &["unix:@a", "unix:@b", "--idle", "soon"], 2, &["soon", "seconds"]);
    }
    fails("relay", &["unix:@a"], 2, &["<TO>"]);
    fails("chat", &["unix:@a", "--backlog", "0"], 2, &["1 to 65535"]);
}

#[test]
fn an_endpoint_in_use_is_named() {
    let directory = Directory::new();
    let taken = endpoint(anysock::Cell::UNIX_STREAM, &directory);
    let _server = crate::program::start("chat", &[&taken], 1);
    for program in ["relay", "chat", "syslog"] {
        let arguments = [&taken, "unix:@b"];
        let arguments = if program == "relay" { &arguments[..] } else { &arguments[..1] };
        fails(program, arguments, 1, &["cannot listen on", &taken, "in use"]);
    }
}

#[test]
fn a_relay_to_itself_is_refused() {
    let circle = ["unix:@a", "unix:@a"];
    fails("relay", &circle, 1, &["FROM and TO are the same"]);
}
