//! The examples as processes, who asks them, and the paths of their sockets.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{ChildStdout, Command, Stdio};

use crate::process::{self, DEADLINE, Guarded, example};

pub(crate) struct Server {
    pub(crate) child: Guarded,
    pub(crate) endpoints: Vec<String>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Server {
    /// `hyper serve`, with these options, on unix, IPv4 and IPv6 at once.
    pub(crate) fn start(name: &str, options: &[&str]) -> Self {
        let path = format!("unix:{}", socket(name));
        let mut arguments = vec!["serve", &path, "tcp://127.0.0.1:0", "tcp://[::1]:0"];
        arguments.extend(options);
        Self::of("hyper", &arguments, 3)
    }

    /// Another example, which tells of so many endpoints.
    pub(crate) fn of(program: &str, arguments: &[&str], count: usize) -> Self {
        let mut command = Command::new(example(program));
        let mut child = Guarded(command.args(arguments).stdout(Stdio::piped()).spawn().unwrap());
        let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
        let bound = (0..count).map(|_| {
            let line = lines.next().expect("it listens").unwrap();
            line.strip_prefix("listening on ").unwrap().to_owned()
        });
        Self { endpoints: bound.collect(), child, lines }
    }

    pub(crate) fn line(&mut self) -> String {
        self.lines.next().expect("another line").unwrap()
    }

    pub(crate) fn terminate(&self) {
        let pid = self.child.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Ends in order, leaves no socket file, and has said this at its end.
    pub(crate) fn end(mut self) -> String {
        self.terminate();
        let report: Vec<_> = self.lines.by_ref().map(Result::unwrap).collect();
        assert!(self.child.0.wait().unwrap().success(), "{report:?}");
        for endpoint in &self.endpoints {
            if let Some(path) = endpoint.strip_prefix("unix:") {
                assert!(!std::fs::exists(path).unwrap(), "{path} is left");
            }
        }
        report.join("\n")
    }
}

/// What the report counts under this name.
pub(crate) fn count(report: &str, of: &str) -> u64 {
    let line = report.lines().find_map(|line| line.trim_start().strip_prefix(of));
    line.expect(of).trim().parse().expect(report)
}

/// A stream that nobody speaks HTTP over.
pub(crate) trait Raw: Read + Write {}

impl Raw for TcpStream {}
impl Raw for UnixStream {}

/// Connected, with nothing said.
pub(crate) fn dial(endpoint: &str) -> Box<dyn Raw> {
    match endpoint.strip_prefix("unix:") {
        Some(path) => {
            let stream = UnixStream::connect(path).unwrap();
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            stream.set_write_timeout(Some(DEADLINE)).unwrap();
            Box::new(stream)
        }
        None => {
            let stream = TcpStream::connect(endpoint.strip_prefix("tcp://").unwrap()).unwrap();
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            stream.set_write_timeout(Some(DEADLINE)).unwrap();
            Box::new(stream)
        }
    }
}

/// What `hyper get` says; whether it went well, and what it complained of.
pub(crate) fn get(arguments: &[&str]) -> (bool, String, String) {
    let arguments: Vec<_> = ["get"].iter().chain(arguments).copied().collect();
    let output = process::run(example("hyper").to_str().unwrap(), &arguments, b"");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// What is said at this endpoint of how it was reached.
pub(crate) fn over(endpoint: &str) -> &'static str {
    if endpoint.starts_with("unix:") { "a unix socket" } else { "TCP" }
}

/// A path that nobody else has.
pub(crate) fn socket(name: &str) -> String {
    let file = format!("anysock-hyper-{}-{name}", std::process::id());
    std::env::temp_dir().join(file).into_os_string().into_string().unwrap()
}
