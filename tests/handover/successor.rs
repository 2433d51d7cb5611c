//! Servers alone: what becomes of the service when a successor fails, and of its files.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anysock::core::{Addr, Cell, Socket, UnixAddr};
use serde_json::Value;

use crate::directory::Directory;
use crate::process::{DEADLINE, Guarded, example};

struct Server {
    process: Guarded,
    lines: mpsc::Receiver<String>,
    /// It ends with this.
    input: Option<ChildStdin>,
}

impl Server {
    fn start(directory: &Directory, arguments: &[&str]) -> Self {
        let mut command = Command::new(example("handover"));
        command.args(["server", &directory.path("")]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child: Child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
        });
        let input = child.stdin.take();
        let server = Self { process: Guarded(child), lines, input };
        assert!(server.says()["ready"]["endpoints"].is_array());
        server
    }

    fn says(&self) -> Value {
        let line = self.lines.recv_timeout(DEADLINE).expect("the server says something");
        serde_json::from_str(&line).unwrap()
    }

    /// Waits for its end.
    fn ended(mut self) {
        let said = self.says();
        assert_eq!(said["ended"]["cut"], 0, "{said}");
        assert!(self.process.0.wait().unwrap().success());
    }

    fn stop(mut self) {
        drop(self.input.take());
        self.ended();
    }
}

/// One message there and back, as the framing of four bytes of length has it.
fn greet(directory: &Directory) {
    let mut client = UnixStream::connect(directory.path("stream")).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client.write_all(b"\0\0\0\x05hello").unwrap();
    let mut answer = [0; 9];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"\0\0\0\x05hello");
}

/// The server's control socket, as a successor connects to it.
fn control(directory: &Directory) -> Socket {
    let socket = Socket::open(Cell::UNIX_SEQPACKET).unwrap();
    let at: Addr = UnixAddr::path(directory.path("control")).unwrap().into();
    socket.connect(&at).unwrap();
    socket
}

fn receive(socket: &Socket) -> anysock::core::Received {
    let (until, mut buffer) = (Instant::now() + DEADLINE, [0; 4096]);
    loop {
        match socket.recv_message(&mut buffer) {
            Ok(received) => return received,
            Err(error) if Instant::now() < until => {
                assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) => panic!("nothing came: {error}"),
        }
    }
}

fn has_socket(directory: &Directory, name: &str) -> bool {
    std::fs::symlink_metadata(directory.path(name)).is_ok_and(|found| found.file_type().is_socket())
}

#[test]
fn a_successor_that_fails_changes_nothing() {
    let directory = Directory::new();
    let server = Server::start(&directory, &[]);
    // One that says nothing, one that talks nonsense, one that dies with the listeners in hand.
    drop(control(&directory));
    control(&directory).send(b"give me all").unwrap();
    let third = control(&directory);
    third.send(b"take over").unwrap();
    let received = receive(&third);
    assert_eq!(received.descriptors.len(), 4);
    drop((third, received));
    greet(&directory);

    let successor = Server::start(&directory, &["--successor"]);
    server.ended();
    greet(&directory);
    successor.stop();
    directory.assert_empty();
}

#[test]
fn the_files_stay_with_the_service_and_go_with_its_last_server() {
    let directory = Directory::new();
    let mut server = Server::start(&directory, &[]);
    for _ in 0..2 {
        let successor = Server::start(&directory, &["--successor"]);
        server.ended();
        assert!(has_socket(&directory, "stream") && has_socket(&directory, "control"));
        greet(&directory);
        server = successor;
    }
    server.stop();
    directory.assert_empty();
}

#[test]
fn a_connection_outlives_its_servers_place() {
    let directory = Directory::new();
    let server = Server::start(&directory, &[]);
    let mut client = UnixStream::connect(directory.path("stream")).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client.write_all(b"\0\0\0\x06before").unwrap();
    let mut answer = [0; 10];
    client.read_exact(&mut answer).unwrap();

    let successor = Server::start(&directory, &["--successor"]);
    greet(&directory);
    // It is the former server that still answers this one, and ends after it.
    client.write_all(b"\0\0\0\x05after").unwrap();
    let mut answer = [0; 9];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"\0\0\0\x05after");
    drop(client);
    server.ended();
    successor.stop();
    directory.assert_empty();
}
