//! socat as a client, and as a server before a program.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::support::process::{DEADLINE, Guarded};
use crate::support::run;
use crate::tool;

pub(crate) fn is_there() -> bool {
    tool::is_there("socat", "-V")
}

/// The address that socat has for an endpoint.
pub(crate) fn address(endpoint: &str) -> String {
    for (ours, its) in [
        ("tcp://", "TCP:"),
        ("udp://", "UDP:"),
        ("unix:", "UNIX-CONNECT:"),
        ("unix-dgram:", "UNIX-SENDTO:"),
    ] {
        if let Some(rest) = endpoint.strip_prefix(ours) {
            return format!("{its}{rest}");
        }
    }
    panic!("socat has no address for {endpoint}");
}

/// What comes back for `input`, after which it half closes.
pub(crate) fn talk(options: &[&str], address: &str, input: &[u8]) -> Vec<u8> {
    let output = run("socat", &[options, &["-", address]].concat(), input);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A server that runs `program` for each connection, where `ours` is: the endpoint it has then.
///
/// `ours` is `tcp://ADDRESS:0`, or a path that is not there yet.
pub(crate) struct Upstream {
    pub(crate) endpoint: String,
    _process: Guarded,
}

impl Upstream {
    pub(crate) fn start(ours: &str, program: &str) -> Self {
        let listen = match ours.split_once(':') {
            Some(("tcp", "//127.0.0.1:0")) => "TCP4-LISTEN:0,bind=127.0.0.1,fork".to_owned(),
            Some(("tcp", "//[::1]:0")) => "TCP6-LISTEN:0,bind=[::1],fork".to_owned(),
            Some(("unix", path)) => format!("UNIX-LISTEN:{path},fork"),
            Some(("unix-dgram", path)) => format!("UNIX-RECVFROM:{path},fork"),
            _ => panic!("socat is not to listen on {ours}"),
        };
        let mut command = Command::new("socat");
        command.args(["-d", "-d", "-t", "20", &listen, &format!("EXEC:{program}")]);
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut process = Guarded(command.spawn().unwrap());
        let (said, heard) = std::sync::mpsc::channel();
        let stderr = process.0.stderr.take().unwrap();
        // Read to its end, so that socat never waits for somebody to read.
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = said.send(line);
            }
        });
        let endpoint = loop {
            let line = heard.recv_timeout(DEADLINE).expect("socat says that it listens");
            let Some((_, at)) = line.split_once("ing on AF=") else { continue };
            break match ours.strip_suffix(":0") {
                Some(host) => format!("{host}:{}", at.rsplit_once(':').expect("a port").1.trim()),
                None => ours.to_owned(),
            };
        };
        Self { endpoint, _process: process }
    }
}
