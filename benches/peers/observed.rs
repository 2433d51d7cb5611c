//! A server in a process of its own, which tells about itself, and the clients' ends of it.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::usage::descriptors;

/// Descriptors for everything but connections.
const SPARE: usize = 200;

/// So many connections, or as many as may be open.
pub(crate) fn at_most(connections: usize) -> usize {
    connections.min(descriptors().saturating_sub(SPARE))
}

pub(crate) struct Observed {
    process: Child,
    told: BufReader<ChildStdout>,
    name: String,
}

impl Observed {
    /// Starts this program in the part of a server, and waits until it listens.
    pub(crate) fn start(scene: &str, name: &str, connections: usize) -> Self {
        let mut process = Command::new(env::current_exe().expect("this program has a path"))
            .args(["--bench", "--scene", scene, "--name", name])
            .args(["--place", &connections.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started");
        let mut told = BufReader::new(process.stdout.take().expect("a pipe"));
        let name = line(&mut told).trim().to_owned();
        Self { process, told, name }
    }

    /// Where it listens: an abstract name, or the address of a UDP socket.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn connect(&self, connections: usize) -> Vec<UnixStream> {
        let addr = SocketAddr::from_abstract_name(&self.name).expect("a name");
        let connect = |_| UnixStream::connect_addr(&addr).expect("connecting");
        (0..connections).map(connect).collect()
    }

    /// Tells it to go on.
    pub(crate) fn go_on(&mut self) {
        let stdin = self.process.stdin.as_mut().expect("a pipe");
        stdin.write_all(&[0]).expect("the server listens");
    }

    /// The next that it tells.
    pub(crate) fn figure(&mut self) -> f64 {
        line(&mut self.told).trim().parse().expect("a number")
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        // It has told everything, or this process is panicking; either way it is not needed.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Writes so many frames to each at once.
pub(crate) fn send(clients: &mut [UnixStream], size: usize, burst: usize) {
    let frame = [&(size as u32).to_be_bytes(), &vec![7; size][..]].concat().repeat(burst);
    clients.iter_mut().for_each(|client| client.write_all(&frame).expect("writing"));
}

fn line(told: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    told.read_line(&mut line).expect("the server tells");
    line
}
