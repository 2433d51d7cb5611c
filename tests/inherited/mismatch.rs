//! What is passed and is not what was meant: a clear error each, that names the endpoint.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use anysock::core::{Cell, Socket};

use crate::passed::{activated, listening, pair, script, shell};
use crate::support::process::{Guarded, example, output};
use crate::support::{Directory, over_the_matrix, run};

/// What `echo` or `send` says when it refuses.
#[track_caller]
fn refused(mut command: Command) -> String {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = Guarded(command.spawn().unwrap());
    drop(command);
    let output = output(child);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr).unwrap()
}

fn echo_refuses(passed: OwnedFd, why: &str) {
    let said = refused(shell(passed, &example("echo"), &["fd:3"]));
    assert!(said.contains("fd:3: ") && said.contains(why), "{said}");
}

fn send_refuses(passed: OwnedFd, why: &str) {
    let said = refused(shell(passed, &example("send"), &["fd:3"]));
    assert!(said.contains("fd:3: ") && said.contains(why), "{said}");
}

over_the_matrix!(a_connected_socket_is_not_listened_on);

fn a_connected_socket_is_not_listened_on(cell: Cell) {
    let (near, _far) = pair(cell);
    echo_refuses(near, &format!("the {cell} socket is connected to"));
}

over_the_matrix!(a_socket_without_a_peer_is_not_talked_over);

fn a_socket_without_a_peer_is_not_talked_over(cell: Cell) {
    let directory = Directory::new();
    let why = match cell.kind.is_connection_oriented() {
        true => format!("the {cell} socket listens at"),
        false => format!("the {cell} socket is not connected"),
    };
    send_refuses(listening(cell, &directory), &why);
}

over_the_matrix!(a_socket_that_was_only_opened_is_neither);

fn a_socket_that_was_only_opened_is_neither(cell: Cell) {
    let why = match cell.kind.is_connection_oriented() {
        true => "does not listen; the process that passes it must bind and listen first",
        false => "has no address; the process that passes it must bind it first",
    };
    echo_refuses(Socket::open(cell).unwrap().into(), why);
    send_refuses(Socket::open(cell).unwrap().into(), "is not connected");
}

#[test]
fn what_is_no_socket_is_called_by_its_name() {
    let directory = Directory::new();
    std::fs::write(directory.path("file"), "precious").unwrap();
    let file = || File::open(directory.path("file")).unwrap().into();
    echo_refuses(file(), "this is a regular file; expected a socket");
    send_refuses(file(), "this is a regular file; expected a socket");
    echo_refuses(File::open("/dev/null").unwrap().into(), "this is a device");
    echo_refuses(File::open(directory.path("")).unwrap().into(), "this is a directory");
    let mut child = Command::new("true").stdout(Stdio::piped()).spawn().unwrap();
    echo_refuses(child.stdout.take().unwrap().into(), "this is a pipe");
    child.wait().unwrap();
}

#[test]
fn a_descriptor_that_is_not_open_is_said_to_be_none() {
    for number in ["fd:500", "fd:4294967295"] {
        let output = run("echo", &[number], b"");
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(&format!("{number}: no such descriptor is open")), "{said}");
    }
}

#[test]
fn a_name_that_was_not_passed_is_refused_with_those_that_were() {
    let directory = Directory::new();
    let passed = listening(Cell::UNIX_STREAM, &directory);
    let said = refused(activated(passed, "mail", &example("echo"), &["systemd:web"]));
    assert!(said.contains("systemd:web: no socket of this name"), "{said}");
    assert!(said.contains("there are mail"), "{said}");
}

#[test]
fn a_socket_is_taken_once() {
    let directory = Directory::new();
    let passed = listening(Cell::UNIX_STREAM, &directory);
    let twice = ["systemd:web", "systemd:web"];
    let mut command = activated(passed, "web", &example("echo"), &twice);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = Guarded(command.spawn().unwrap());
    drop(command);
    let output = output(child);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("systemd:web: all sockets of this name that were passed, 1,"), "{said}");
}

#[test]
fn sockets_for_another_process_are_not_taken() {
    let directory = Directory::new();
    let passed = listening(Cell::UNIX_STREAM, &directory);
    let mut command = shell(passed, &example("echo"), &["systemd:web"]);
    command.envs([("LISTEN_PID", "1"), ("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", "web")]);
    let said = refused(command);
    assert!(said.contains("LISTEN_PID is 1, and this is process"), "{said}");
}

#[test]
fn who_was_not_activated_is_told_so() {
    for program in ["echo", "send"] {
        let output = run(program, &["systemd:web"], b"");
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("LISTEN_PID is not set; start it by socket activation"), "{said}");
    }
}

#[test]
fn more_sockets_than_are_open_are_a_mistake_of_whoever_passed_them() {
    let directory = Directory::new();
    let passed = listening(Cell::UNIX_STREAM, &directory);
    let text = "export LISTEN_PID=$$ LISTEN_FDS=200; exec 3<&0 0</dev/null; exec \"$0\" \"$@\"";
    let command = script(text, passed, &example("echo"), &["systemd:web"]);
    let said = refused(command);
    assert!(said.contains("the variable LISTEN_FDS is \"200\""), "{said}");
}
