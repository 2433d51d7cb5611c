//! systemd's own tool passes the sockets: systemd-socket-activate(1), no manager needed.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use anysock::core::{Cell, Domain, Endpoint, Type};
use anysock::prelude::*;

use crate::support::process::{DEADLINE, Guarded, example};
use crate::support::{Directory, over_the_matrix, run};
use crate::tool;

const TOOL: &str = "systemd-socket-activate";

over_the_matrix!(an_activated_echo_answers_the_client_that_activated_it);

fn an_activated_echo_answers_the_client_that_activated_it(cell: Cell) {
    if !tool::is_there(TOOL, "--version") {
        return;
    }
    let directory = Directory::new();
    let kind = match cell.kind {
        Type::Stream => None,
        Type::Datagram => Some("--datagram"),
        Type::SeqPacket => Some("--seqpacket"),
    };
    let (endpoint, _service) = activate(cell, &directory, |command| {
        command.args(kind).args(["--fdname=web", "--"]).arg(example("echo")).arg("systemd:web");
    });
    for _ in 0..2 {
        let output = run("send", &[&endpoint, "--expect", "2"], b"one\ntwo\n");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout, b"one\ntwo\n");
    }
}

#[test]
fn a_process_for_each_connection_finds_it_connected() {
    if !tool::is_there(TOOL, "--version") {
        return;
    }
    for cell in [Cell::UNIX_STREAM, Cell::IPV4_STREAM, Cell::UNIX_SEQPACKET] {
        let directory = Directory::new();
        let (endpoint, _service) = activate(cell, &directory, |command| {
            let kind = (cell.kind == Type::SeqPacket).then_some("--seqpacket");
            command.arg("--accept").args(kind).arg(format!("--setenv={PART}=1")).arg("--");
            command.arg(std::env::current_exe().unwrap());
            command.args(["--exact", "activate::part_that_echoes_one_connection", "--nocapture"]);
        });
        let output = run("send", &[&endpoint], b"one\ntwo\n");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout, b"one\ntwo\n");
    }
}

const PART: &str = "ANYSOCK_TEST_ONE_CONNECTION";

#[test]
fn part_that_echoes_one_connection() {
    if std::env::var_os(PART).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let echo = async {
        // Without a name that somebody gave it, it is called this.
        let mut peer = anysock::connect("systemd:unknown").await?;
        while let Some(message) = peer.recv().await? {
            peer.feed(message).await?;
        }
        peer.close().await
    };
    runtime.block_on(async { tokio::time::timeout(DEADLINE, echo).await }).unwrap().unwrap();
}

/// Starts the tool on an address of the cell, and waits until it listens there.
fn activate(
    cell: Cell,
    directory: &Directory,
    arguments: impl Fn(&mut Command),
) -> (String, Guarded) {
    // It takes no port 0: somebody else may be faster with the one that was just free.
    for _ in 0..20 {
        let (listen, endpoint) = address(cell, directory);
        let mut command = Command::new(TOOL);
        command.arg(format!("--listen={listen}"));
        arguments(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut service = Guarded(command.spawn().unwrap());
        let said = BufReader::new(service.0.stderr.take().unwrap());
        let (tell, lines) = mpsc::channel();
        // Read to the end, or the service waits for room in the pipe.
        std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let first = lines.recv_timeout(DEADLINE).expect("the tool says what it does");
        if first.starts_with("Listening on") {
            return (endpoint, service);
        }
        assert!(cell.domain.is_inet(), "{first}");
    }
    panic!("no port was free twice");
}

/// An address as the tool writes it, and the endpoint.
fn address(cell: Cell, directory: &Directory) -> (String, String) {
    if cell.domain == Domain::Unix {
        let path = directory.path("activated");
        let addr = anysock::UnixAddr::path(&path).unwrap();
        return (path, Endpoint::Unix(cell.kind, addr).to_string());
    }
    let host = if cell.domain == Domain::Ipv4 { "127.0.0.1" } else { "[::1]" };
    let port = match cell.kind {
        Type::Datagram => {
            let free = std::net::UdpSocket::bind(format!("{host}:0")).unwrap();
            free.local_addr().unwrap().port()
        }
        _ => {
            let free = std::net::TcpListener::bind(format!("{host}:0")).unwrap();
            free.local_addr().unwrap().port()
        }
    };
    let scheme = if cell.kind == Type::Datagram { "udp" } else { "tcp" };
    (format!("{host}:{port}"), format!("{scheme}://{host}:{port}"))
}
