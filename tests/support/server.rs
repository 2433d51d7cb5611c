//! An example as a server: a child that does not outlive its test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};

use super::process::{DEADLINE, Guarded};

/// A running `echo`, or another example.
pub(crate) struct Server {
    process: Guarded,
    /// What it prints beside.
    pub(crate) lines: Receiver<String>,
    log: Arc<Mutex<String>>,
    /// Where it listens, in the order of what was asked for.
    pub(crate) endpoints: Vec<String>,
}

impl Server {
    /// Starts a server by a command that becomes `echo`, or another example, and waits until it
    /// listens on `count` endpoints.
    pub(crate) fn of(mut command: Command, count: usize) -> Self {
        // So that figures of its memory do not depend on how many cores there are.
        command.env("TOKIO_WORKER_THREADS", "2");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines(child.stdout.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let (stderr, kept) = (child.stderr.take().unwrap(), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut kept = kept.lock().unwrap();
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        let mut server = Self { process: Guarded(child), lines, log, endpoints: Vec::new() };
        for _ in 0..count {
            let line = server.lines.recv_timeout(DEADLINE).expect("it says where it listens");
            let endpoint = line.strip_prefix("listening on ").expect("a line of its own for each");
            server.endpoints.push(endpoint.into());
        }
        server
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Sends it a signal, by the name that kill(1) uses, and waits for its end.
    pub(crate) fn stop(self, signal: &str) -> ExitStatus {
        self.signal(signal);
        self.ended().0
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for its end; how it ended, and what it had to say.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let mut report = String::new();
        // Standard output ends with the process.
        loop {
            match self.lines.recv_timeout(DEADLINE) {
                Ok(line) => report = report + &line + "\n",
                Err(end) => {
                    assert_eq!(end, RecvTimeoutError::Disconnected, "it ends");
                    break;
                }
            }
        }
        (self.process.0.wait().unwrap(), report)
    }
}

/// What it logged is worth reading where a test fails, and nowhere else.
impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the server logged:\n{}", self.log.lock().unwrap());
        }
    }
}

fn lines(source: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
