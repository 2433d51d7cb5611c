//! This program again, as another process that plays one part: the service, or who attacks it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a part may take to say anything: attackers have the least of a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(180);

const PART: &str = "ANYSOCK_ATTACKS_PART";

/// What stands before a line that is meant for whoever started the part; the others are the test
/// harness's.
const SAID: &str = "@ ";

/// What this process is to play, if it was started for that: the words behind `name`.
pub(crate) fn mine(name: &str) -> Option<String> {
    std::env::var(PART).ok()?.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned)
}

/// Says something to whoever has started this part.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{SAID}{line}").and_then(|()| out.flush()).expect("whoever started it listens");
}

/// A process that plays a part, and does not outlive its test.
pub(crate) struct Part {
    child: Child,
    asking: Option<ChildStdin>,
    lines: Receiver<String>,
    log: Arc<Mutex<String>>,
}

impl Part {
    /// Has a test of this program, by its module and name, play a part.
    pub(crate) fn start(test: &str, part: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(PART, part);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut stderr, kept) = (child.stderr.take().unwrap(), Arc::clone(&log));
        std::thread::spawn(move || {
            let mut some = [0; 4096];
            while let Ok(read @ 1..) = stderr.read(&mut some) {
                kept.lock()
                    .expect("nobody panics with it")
                    .push_str(&String::from_utf8_lossy(&some[..read]));
            }
        });
        let lines = lines(child.stdout.take().unwrap());
        Self { asking: child.stdin.take(), child, lines, log }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it says next.
    #[track_caller]
    pub(crate) fn said(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("a part says what it is to say")
    }

    /// What it answers to a line.
    #[track_caller]
    pub(crate) fn asked(&mut self, question: &str) -> String {
        writeln!(self.asking.as_mut().expect("it was not told to end"), "{question}")
            .expect("the part lives");
        self.said()
    }

    /// Tells it to end; the last that it says.
    #[track_caller]
    pub(crate) fn ended(mut self) -> String {
        self.asking = None;
        let last = self.said();
        let _ = self.child.wait();
        last
    }
}

/// What it logged is worth reading where a test fails, and nowhere else.
impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("a part has logged: {}", self.log.lock().unwrap());
        }
    }
}

fn lines(source: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            let Some(line) = line.strip_prefix(SAID) else { continue };
            if sender.send(line.to_owned()).is_err() {
                return;
            }
        }
    });
    lines
}

/// What is said to this part from outside, line by line, until it is to end.
pub(crate) fn questions() -> impl Iterator<Item = String> {
    std::io::stdin().lines().map_while(Result::ok)
}

/// Lets this process have as many descriptors as it may.
pub(crate) fn allow_many_descriptors() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointers describe one rlimit, which outlives the calls.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        limit.rlim_cur = limit.rlim_max;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
    }
}
