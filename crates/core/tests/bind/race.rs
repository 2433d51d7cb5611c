//! Several threads and processes want the same path at once.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Barrier;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anysock_core::{Cell, Options, PathClaim, Socket, UnixPath};

use crate::fixture::{Directory, addr, bind, claim, leave_stale, rerun};

const RACERS: usize = 8;
const ROUNDS: usize = 60;
const RACER_PATH: &str = "ANYSOCK_TEST_RACER_PATH";

#[test]
fn of_threads_that_race_for_a_stale_path_one_becomes_the_owner() {
    let directory = Directory::new();
    let path = directory.path("s");
    let barrier = Barrier::new(RACERS);
    for round in 0..ROUNDS {
        leave_stale(Cell::UNIX_STREAM, &path);
        let results: Vec<_> = std::thread::scope(|scope| {
            let race = || {
                barrier.wait();
                bind(Cell::UNIX_STREAM, &path, &Options::new())
            };
            let racers: Vec<_> = (0..RACERS).map(|_| scope.spawn(race)).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        let owners = results.iter().filter(|result| result.is_ok()).count();
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{error}");
        }
        assert_eq!(owners, 1, "in round {round}");
        // Nobody has let go before everybody had tried.
        drop(results);
        assert!(directory.files().is_empty());
    }
}

#[test]
fn of_processes_that_race_for_a_stale_path_one_becomes_the_owner() {
    let directory = Directory::new();
    let path = directory.path("s");
    let mut racers: Vec<_> = (0..RACERS).map(|_| Racer::start(&path)).collect();
    for racer in &mut racers {
        assert_eq!(racer.hear(), "ready");
    }
    for round in 0..ROUNDS {
        leave_stale(Cell::UNIX_STREAM, &path);
        // A time of day starts them closer together than eight writes to eight pipes would.
        let start = since_epoch() + Duration::from_millis(4);
        racers.iter_mut().for_each(|racer| racer.tell(&start.as_micros().to_string()));
        let heard: Vec<_> = racers.iter_mut().map(Racer::hear).collect();
        let owners = heard.iter().filter(|word| *word == "owner").count();
        assert_eq!(owners, 1, "in round {round}: {heard:?}");
        assert!(heard.iter().all(|word| word == "owner" || word == "in use"), "{heard:?}");
        Socket::open(Cell::UNIX_STREAM).unwrap().connect(&addr(&path)).unwrap();

        racers.iter_mut().for_each(|racer| racer.tell("end"));
        assert!(racers.iter_mut().all(|racer| racer.hear() == "ended"));
        assert!(directory.files().is_empty());
    }
}

#[test]
fn the_part_of_a_racing_process() {
    let Some(path) = std::env::var_os(RACER_PATH) else { return };
    let path = UnixPath::new(path).unwrap();
    println!("\nracer: ready");
    let mut held = None;
    for line in io::stdin().lines() {
        match line.unwrap().as_str() {
            "end" => {
                held = None;
                println!("racer: ended");
            }
            start => {
                let start = Duration::from_micros(start.parse().unwrap());
                std::thread::sleep(start.saturating_sub(since_epoch()));
                match bind(Cell::UNIX_STREAM, &path, &Options::new()) {
                    Ok(bound) => {
                        held = Some(bound);
                        println!("racer: owner");
                    }
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                        println!("racer: in use");
                    }
                    Err(error) => println!("racer: {error}"),
                }
            }
        }
    }
    drop(held);
}

#[test]
fn a_racer_that_is_killed_while_it_holds_the_lock_gives_it_up() {
    let directory = Directory::new();
    let path = directory.path("s");
    let mut holder = rerun("race::the_part_of_a_process_that_holds_the_lock")
        .env(RACER_PATH, path.as_path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(holder.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("holds") {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the holder died");
    }
    assert!(PathClaim::try_new(&path).unwrap().is_none());
    holder.kill().unwrap();
    holder.wait().unwrap();
    drop(claim(&path));
}

#[test]
fn the_part_of_a_process_that_holds_the_lock() {
    let Some(path) = std::env::var_os(RACER_PATH) else { return };
    let _claim = claim(&UnixPath::new(path).unwrap());
    println!("\nholds");
    let _ = io::stdin().read(&mut [0]);
}

/// A process that binds the path at each time it reads, in microseconds since the epoch, says
/// how it went, and lets go on `end`.
struct Racer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Racer {
    fn start(path: &UnixPath) -> Self {
        let mut child = rerun("race::the_part_of_a_racing_process")
            .env(RACER_PATH, path.as_path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    fn tell(&mut self, word: &str) {
        writeln!(self.input, "{word}").unwrap();
    }

    /// The next thing it says, between what the test harness prints.
    fn hear(&mut self) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "a racer died");
            if let Some(word) = line.trim_end().strip_prefix("racer: ") {
                return word.to_owned();
            }
        }
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}
