//! One test of one cell, in a process of its own.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anysock::Cell;

use crate::effort::Effort;

/// The seed that a process has which was started to play a part.
const PART: &str = "ANYSOCK_CHURN_PART";
/// What is to be tried again: test, cell and seed.
const REPLAY: &str = "ANYSOCK_CHURN";

/// What a test is to try.
pub(crate) struct Run {
    pub(crate) cell: Cell,
    pub(crate) effort: Effort,
    pub(crate) seed: u64,
}

/// Makes one test for each cell of a function that takes a [`Run`].
macro_rules! per_cell {
    ($function:ident: $($name:ident $cell:ident),*) => {
        mod $function {$(
            #[test]
            fn $name() {
                let test = concat!(module_path!(), "::", stringify!($name));
                $crate::part::play(test, anysock::Cell::$cell, super::$function);
            }
        )*}
    };
    ($function:ident) => {
        $crate::part::per_cell! { $function:
            unix_stream UNIX_STREAM, unix_datagram UNIX_DATAGRAM, unix_seqpacket UNIX_SEQPACKET,
            ipv4_stream IPV4_STREAM, ipv4_datagram IPV4_DATAGRAM,
            ipv6_stream IPV6_STREAM, ipv6_datagram IPV6_DATAGRAM
        }
    };
    ($function:ident over unix) => {
        $crate::part::per_cell! { $function:
            unix_stream UNIX_STREAM, unix_datagram UNIX_DATAGRAM, unix_seqpacket UNIX_SEQPACKET
        }
    };
}

pub(crate) use per_cell;

/// Plays the part if this process was started for it, else has another process play it.
pub(crate) fn play(test: &str, cell: Cell, part: fn(&Run)) {
    // Without the name of this program.
    let (_, test) = test.split_once("::").expect("a test lies in a module");
    let (module, _) = test.split_once("::").expect("a test lies in a module");
    let effort = Effort::asked();
    if let Ok(seed) = std::env::var(PART) {
        return part(&Run { cell, effort, seed: seed.parse().unwrap() });
    }
    let Some(seed) = seed(module, cell, effort) else { return };
    let deadline = effort.pick(60, 120, 400);
    match rerun(test, seed, Duration::from_secs(deadline)) {
        Ok(said) => {
            let rows = said.lines().filter_map(|line| Some(&line[line.find("robustness:")?..]));
            rows.for_each(|row| println!("{row}"));
        }
        Err(why) => panic!("{why}\nto try that again: {REPLAY}='{module} {cell} {seed}'"),
    }
}

/// The seed of this time; nothing, where something else is to be tried again.
fn seed(module: &str, cell: Cell, effort: Effort) -> Option<u64> {
    let Ok(replay) = std::env::var(REPLAY) else {
        let drawn = u64::from(std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos());
        return Some(effort.pick(1, 1, drawn));
    };
    let words: Vec<_> = replay.split_whitespace().collect();
    let [test, of, seed] = words[..] else { panic!("{REPLAY} is 'test cell seed': {replay:?}") };
    let seed = seed.parse().unwrap_or_else(|_| panic!("{seed:?} in {REPLAY} is no number"));
    (test == module && of == cell.to_string()).then_some(seed)
}

/// Has this program run one test, as a process that does not outlive the deadline; what it said.
fn rerun(test: &str, seed: u64, deadline: Duration) -> Result<String, String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(PART, seed.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (tell, hear) = mpsc::channel();
    let ends: [Box<dyn Read + Send>; 2] =
        [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
    for mut end in ends {
        let tell = tell.clone();
        std::thread::spawn(move || {
            let mut said = Vec::new();
            let _ = end.read_to_end(&mut said);
            let _ = tell.send(String::from_utf8_lossy(&said).into_owned());
        });
    }
    let until = Instant::now() + deadline;
    let mut said = String::new();
    for _ in 0..2 {
        match hear.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(part) => said += &part,
            Err(_) => {
                child.kill().unwrap();
                child.wait().unwrap();
                return Err(format!("{test} has not ended within {deadline:?}: {said}"));
            }
        }
    }
    let status = child.wait().unwrap();
    match status.success() && said.contains("1 passed") {
        true => Ok(said),
        false => Err(format!("{test} has failed ({status}): {said}")),
    }
}
