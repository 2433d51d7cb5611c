//! The example as a process, and the paths of its sockets.

use std::io::{BufRead, BufReader, Lines};
use std::process::{ChildStdout, Command, Stdio};

use crate::process::{self, Guarded, example};

pub(crate) struct Server {
    pub(crate) child: Guarded,
    pub(crate) endpoints: Vec<String>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Server {
    pub(crate) fn start(endpoints: &[&str]) -> Self {
        let mut command = Command::new(example("grpc"));
        command.arg("serve").args(endpoints).stdout(Stdio::piped());
        let mut child = Guarded(command.spawn().unwrap());
        let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
        let bound = endpoints.iter().map(|_| {
            let line = lines.next().expect("it listens").unwrap();
            line.strip_prefix("listening on ").unwrap().to_owned()
        });
        Self { endpoints: bound.collect(), child, lines }
    }

    pub(crate) fn line(&mut self) -> String {
        self.lines.next().expect("another line").unwrap()
    }

    /// Ends in order, and leaves no socket file.
    pub(crate) fn end(mut self) {
        self.terminate();
        assert_eq!(self.line(), "all calls were answered");
        assert!(self.child.0.wait().unwrap().success());
    }

    pub(crate) fn terminate(&self) {
        let pid = self.child.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }
}

/// Whether it went well, what it said, what it complained of.
pub(crate) fn grpc(arguments: &[&str]) -> (bool, String, String) {
    let output = process::run(example("grpc").to_str().unwrap(), arguments, b"");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// A path that nobody else has.
pub(crate) fn socket(name: &str) -> String {
    let file = format!("anysock-grpc-{}-{name}", std::process::id());
    std::env::temp_dir().join(file).into_os_string().into_string().unwrap()
}
