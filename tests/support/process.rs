//! Programs that run to their end, within a deadline.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// How long anything may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A process that does not outlive its test.
pub(crate) struct Guarded(pub(crate) Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An example program, which `cargo test` has built beside this test.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(name);
    assert!(path.exists(), "{path:?} is not built: cargo build --examples");
    path
}

/// Runs a program to its end, `input` on its standard input. An example is named alone, any
/// other program as the shell would find it.
pub(crate) fn run(program: &str, arguments: &[&str], input: &[u8]) -> Output {
    let program = match program {
        "send" | "echo" => example(program),
        other => other.into(),
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Guarded(command.spawn().unwrap());
    let (stdin, input) = (child.0.stdin.take(), input.to_vec());
    // A program that ends before its input does is judged by how it ends.
    std::thread::spawn(move || stdin.unwrap().write_all(&input));
    output(child)
}

/// What a program that has its input says until its end.
pub(crate) fn output(mut child: Guarded) -> Output {
    let stdout = read(child.0.stdout.take().unwrap());
    let stderr = read(child.0.stderr.take().unwrap());
    let stdout = stdout.recv_timeout(DEADLINE).expect("the program ends within the deadline");
    let stderr = stderr.recv_timeout(DEADLINE).expect("the program ends within the deadline");
    Output { status: child.0.wait().unwrap(), stdout, stderr }
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
