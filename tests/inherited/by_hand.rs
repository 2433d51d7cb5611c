//! `echo` and `send` with the socket that a shell passes to them.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use anysock::core::{Cell, Endpoint};
use anysock::prelude::*;

use crate::passed::{activated, at, listening, pair, remove_file, script, shell};
use crate::support::process::{DEADLINE, Guarded, example, output};
use crate::support::{Directory, Server, endpoint, over_the_matrix, run};

/// Three lines there and back.
fn answered(endpoint: &str) {
    let output = run("send", &[endpoint, "--expect", "3"], b"one\n\nthree\n");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"one\n\nthree\n");
}

over_the_matrix!(a_bound_socket_is_served_by_its_number);

fn a_bound_socket_is_served_by_its_number(cell: Cell) {
    let directory = Directory::new();
    let passed = listening(cell, &directory);
    let at = at(&passed);
    let server = Server::of(shell(passed, &example("echo"), &["fd:3"]), 1);
    // Its cell and its address are read from the kernel.
    assert_eq!(server.endpoints, [at.as_str()]);
    assert_eq!(server.endpoints[0].parse::<Endpoint>().unwrap().cell(), Some(cell));
    answered(&at);
    answered(&at);
    assert!(server.stop("TERM").success());
    remove_file(&at);
    directory.assert_empty();
}

over_the_matrix!(a_bound_socket_is_served_by_its_name);

fn a_bound_socket_is_served_by_its_name(cell: Cell) {
    let directory = Directory::new();
    let passed = listening(cell, &directory);
    let at = at(&passed);
    let command = activated(passed, "web", &example("echo"), &["systemd:web"]);
    let server = Server::of(command, 1);
    assert_eq!(server.endpoints, [at.as_str()]);
    answered(&at);
    assert!(server.stop("TERM").success());
    remove_file(&at);
    directory.assert_empty();
}

over_the_matrix!(a_connected_socket_is_talked_over_by_its_number);

fn a_connected_socket_is_talked_over_by_its_number(cell: Cell) {
    let (near, far) = pair(cell);
    let text = "exec 3<&0; printf 'one\\n\\nthree\\n' | \"$0\" \"$@\"";
    let mut command = script(text, near, &example("send"), &["fd:3", "--expect", "3"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = Guarded(command.spawn().unwrap());
    // The shell's command holds the socket; this process must not.
    drop(command);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let echo = runtime.block_on(async {
        let mut peer = anysock::adopt(far).connection().unwrap();
        assert_eq!(peer.cell(), Some(cell));
        let echo = async {
            for _ in 0..3 {
                let message = peer.recv().await?.expect("three messages");
                peer.send(message).await?;
            }
            Ok::<_, anysock::Error>(())
        };
        tokio::time::timeout(DEADLINE, echo).await
    });
    let output = output(child);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"one\n\nthree\n");
    echo.expect("in time").unwrap();
}

#[test]
fn several_sockets_of_one_name_are_taken_in_their_order() {
    let directory = Directory::new();
    let first = listening(Cell::IPV4_STREAM, &directory);
    let second = listening(Cell::UNIX_SEQPACKET, &directory);
    let expected = [at(&first), at(&second)];
    // The second comes by standard error, which then goes where nobody looks.
    let text = "export LISTEN_PID=$$ LISTEN_FDS=2; exec 3<&0 4<&2 0</dev/null 2>/dev/null; \
                exec \"$0\" \"$@\"";
    let echo = example("echo");
    let mut command = script(text, first, &echo, &["systemd:web", "systemd:web"]);
    command.env("LISTEN_FDNAMES", "web:web").stdout(Stdio::piped()).stderr(Stdio::from(second));
    let mut child = Guarded(command.spawn().unwrap());
    drop(command);
    let lines = BufReader::new(child.0.stdout.take().unwrap());
    let (tell, said) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        lines.lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
    });
    for at in &expected {
        assert_eq!(said.recv_timeout(DEADLINE).unwrap(), format!("listening on {at}"));
        answered(at);
    }
    drop(child);
    remove_file(&expected[1]);
}

#[test]
fn a_peer_that_connected_before_the_service_was_started_is_served() {
    let directory = Directory::new();
    let passed = listening(Cell::UNIX_STREAM, &directory);
    // It waits in the backlog, and has sent already.
    let mut client = UnixStream::connect(directory.path("stream")).unwrap();
    client.write_all(b"\0\0\0\x05hello").unwrap();
    let server = Server::of(shell(passed, &example("echo"), &["fd:3"]), 1);
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut answer = [0; 9];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"\0\0\0\x05hello");
    assert!(server.stop("TERM").success());
}

#[test]
fn a_socket_file_is_unlinked_by_whoever_bound_it() {
    let directory = Directory::new();
    let own = Server::start(&[endpoint(Cell::UNIX_STREAM, &directory)], &[]);
    assert!(own.stop("TERM").success());
    directory.assert_empty();
    let passed = listening(Cell::UNIX_STREAM, &directory);
    let at = at(&passed);
    let handed = Server::of(shell(passed, &example("echo"), &["fd:3"]), 1);
    assert!(handed.stop("TERM").success());
    remove_file(&at);
}
