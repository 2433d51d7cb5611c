//! This test binary again, as another process.

use std::cell::RefCell;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, TryLockError, mpsc};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(30);

/// Held for reading by threads whose sockets must close when they are dropped, for writing while
/// a process is started: until its exec it has copies of them all.
static STARTING: RwLock<()> = RwLock::new(());

thread_local! {
    static QUIET: RefCell<Option<RwLockReadGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// From here on no other thread starts a process, until this thread ends or starts one itself.
pub(crate) fn keep_quiet() {
    QUIET.with_borrow_mut(|quiet| {
        quiet.get_or_insert_with(|| STARTING.read().unwrap_or_else(PoisonError::into_inner));
    });
}

/// A command that runs one test of this binary, by its module and name, which finds its part in
/// the environment.
pub(crate) fn rerun(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command
}

/// Runs a part to its end, within a deadline, and shows what it said if it failed.
pub(crate) fn run(command: &mut Command) {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let process = Process(spawn(child));
    let id = process.0.id();
    let (tell, hear) = mpsc::channel();
    std::thread::spawn(move || {
        let mut process = process;
        // Both pipes, or the process waits for room in the one that nobody reads.
        let mut errors = process.0.stderr.take().unwrap();
        let said = std::thread::spawn(move || {
            let mut said = String::new();
            std::io::Read::read_to_string(&mut errors, &mut said).map(|_| said)
        });
        let lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
        let text: Vec<String> = lines.map_while(Result::ok).collect();
        let errors = said.join().unwrap().unwrap_or_default();
        let status = process.0.wait().unwrap();
        let _ = tell.send((status, text.join("\n") + "\n" + &errors));
    });
    let Ok((status, text)) = hear.recv_timeout(DEADLINE) else {
        kill(id);
        panic!("a part did not end within {DEADLINE:?}: {command:?}");
    };
    assert!(status.success() && text.contains("1 passed"), "{text}");
}

/// Starts a process while no other test needs its sockets to close at once.
pub(crate) fn spawn(command: &mut Command) -> Child {
    QUIET.with_borrow_mut(|quiet| *quiet = None);
    // A wedged test never gives up its part of the lock, and must not hang the others.
    let until = Instant::now() + DEADLINE;
    let _starting = loop {
        match STARTING.try_write() {
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(TryLockError::Poisoned(poisoned)) => break Some(poisoned.into_inner()),
            taken => break taken.ok(),
        }
    };
    command.spawn().unwrap()
}

fn kill(id: u32) {
    // SAFETY: kill takes numbers only; the process is our child and was not waited for.
    unsafe { libc::kill(id as libc::pid_t, libc::SIGKILL) };
}

/// A process that is killed when dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts one whose lines of output can be waited for.
    pub(crate) fn start(command: &mut Command) -> (Self, Lines) {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = spawn(child);
        let output = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
        });
        (Self(child), Lines(lines))
    }

    /// SIGKILL, and waits until the process is gone.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines that a process prints.
pub(crate) struct Lines(mpsc::Receiver<String>);

impl Lines {
    /// Waits for a line that begins with `start`; the rest of it.
    pub(crate) fn wait_for(&self, start: &str) -> String {
        let until = Instant::now() + DEADLINE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.0.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("the process never said {start:?}"));
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
        }
    }
}
