//! This program again, as another process that plays one part.

use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// How long a part may take.
const DEADLINE: Duration = Duration::from_secs(120);

const PART: &str = "ANYSOCK_TEST_COUNTS_PART";

/// What this process is to play, if it was started for that.
pub(crate) fn mine() -> Option<String> {
    std::env::var(PART).ok()
}

/// Has a test of this program, by its module and name, play a part. `before` is what the command
/// line begins with, where another program runs this one.
pub(crate) fn play(before: &[&str], test: &str, part: &str) -> Output {
    let own = std::env::current_exe().unwrap();
    let all = before.iter().copied().chain([own.to_str().expect("a path in UTF-8")]);
    let mut words = all.chain(["--exact", test, "--nocapture", "--test-threads=1"]);
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).env(PART, part);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Guarded(command.spawn().unwrap());
    let (stdout, stderr) = (child.0.stdout.take().unwrap(), child.0.stderr.take().unwrap());
    let (stdout, stderr) = (read(stdout), read(stderr));
    let [stdout, stderr] = [stdout, stderr]
        .map(|said| said.recv_timeout(DEADLINE).expect("a part ends within the deadline"));
    Output { status: child.0.wait().unwrap(), stdout, stderr }
}

/// A process that does not outlive its test.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Everything from `source`, once that has ended.
fn read(mut source: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut all = Vec::new();
        let _ = source.read_to_end(&mut all);
        let _ = sender.send(all);
    });
    receiver
}
