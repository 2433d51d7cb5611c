//! Cases, each played by a process of its own, which is killed when its window is over.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use crate::child::{self, On};
use crate::directory::Directory;
use crate::network;
use crate::process::Guarded;
use crate::report::Report;
use crate::trap::Case;
use crate::verdict::Verdict;

/// How long a process may take to tell of its case, beyond the window.
const DEADLINE: Duration = Duration::from_secs(90);

/// How a case went.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) case: Case,
    /// Nothing, if the process ended before it could tell.
    pub(crate) report: Option<Report>,
    pub(crate) verdict: Verdict,
    /// What the process said besides.
    pub(crate) said: String,
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, report, verdict, said } = self;
        let Some(report) = report else { return write!(f, "{case}: {verdict}: {said}") };
        let Report { ended, ticks, late, used, polls, most, window, grown } = report;
        write!(
            f,
            "{case}: {verdict}: in {window:?} {ticks} ticks, the latest by {late:?}, {used:?} of \
             processor, {polls} polls, at most {most} messages in one, {} MiB grown; it ended: \
             {ended:?}; {said}",
            grown >> 20
        )
    }
}

/// Plays cases, `at_once` at a time; without those that would need a network of their own where
/// that cannot be had.
pub(crate) fn play(cases: &[Case], on: On, window: Duration, at_once: usize) -> Vec<Trial> {
    let (left, done) = (Mutex::new(cases.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().next();
                    let Some(case) = next else { return };
                    let trial = play_one(*case, on, window);
                    done.lock().unwrap().extend(trial);
                }
            });
        }
    });
    done.into_inner().unwrap()
}

fn play_one(case: Case, on: On, window: Duration) -> Option<Trial> {
    let exe = std::env::current_exe().unwrap();
    let mut command = match case.needs_own_network() {
        true => network::command(&exe)?,
        false => Command::new(exe),
    };
    let directory = Directory::new();
    let path = directory.path("");
    let (report, status, said) = run(&mut command, case, on, window, Path::new(&path));
    let verdict = Verdict::of(case.trap, report.as_ref(), status);
    Some(Trial { case, report, verdict, said })
}

fn run(
    command: &mut Command,
    case: Case,
    on: On,
    window: Duration,
    directory: &Path,
) -> (Option<Report>, ExitStatus, String) {
    command.args(child::arguments(child::PART));
    command.env(child::CASE, case.to_string()).env(child::ON, format!("{on:?}"));
    command.env(child::WINDOW, window.as_millis().to_string()).env(child::DIRECTORY, directory);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Guarded(command.spawn().unwrap());
    let told = told(&mut process.0).recv_timeout(window + DEADLINE);
    let _ = process.0.kill();
    let status = process.0.wait().unwrap();
    let mut said = String::new();
    let _ = process.0.stderr.take().unwrap().read_to_string(&mut said);
    let is_silent = matches!(told, Err(mpsc::RecvTimeoutError::Timeout));
    assert!(!is_silent, "{on:?} {case}: nothing was told of it within {DEADLINE:?}: {said}");
    (told.ok(), status, format!("{status} {said}"))
}

/// The report among what a process prints; nothing, once it has ended without one.
fn told(process: &mut Child) -> mpsc::Receiver<Report> {
    let (tell, hear) = mpsc::channel();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    std::thread::spawn(move || {
        let mut lines = lines.map_while(Result::ok);
        let _ = lines.find_map(|line| Report::parse(&line)).map(|report| tell.send(report));
    });
    hear
}
