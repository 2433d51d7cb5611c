//! What is promised of anysock: blocked on whichever cell, it is idle, and its neighbours run.

use crate::child::On;
use crate::effort::tell;
use crate::report::Report;
use crate::trap::{CELLS, Case, Trap};
use crate::trial::{self, Trial};
use crate::verdict::{BUDGET, LATE, SHARE, most_polls};
use crate::{ALONE, in_turn, table, traps, window};

/// Most of them sleep.
const AT_ONCE: usize = 8;

#[test]
fn nothing_wedges_anysock_on_any_cell() {
    let Some(_turn) = in_turn() else { return };
    let cases = table::played().into_iter().map(|(case, _)| case);
    let (blocked, flooded): (Vec<Case>, Vec<Case>) = cases.partition(|c| c.trap.is_blocked());
    let mut trials = trial::play(&blocked, On::Anysock, window(), AT_ONCE);
    trials.extend(trial::play(&flooded, On::Anysock, window(), 1));
    trials.iter_mut().for_each(play_again);
    let wrong: Vec<_> = trials.iter().filter(|trial| is_wrong(trial)).collect();
    let told: Vec<_> =
        wrong.iter().map(|trial| format!("{trial}\n  {ALONE}='{}'", trial.case)).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), trials.len(), told.join("\n"));
    tell_of(&trials);
}

fn is_wrong(trial: &Trial) -> bool {
    let often = |report: &Report| report.polls > most_polls(report.window);
    let too_often = trial.case.trap.is_blocked() && trial.report.as_ref().is_some_and(often);
    trial.verdict.is_wedge() || too_often
}

/// A wedge is there for ever. What a busy machine does to a short window is not there in long ones
/// without company.
fn play_again(trial: &mut Trial) {
    for longer in [4, 16] {
        if is_wrong(trial) {
            eprintln!("once more: {trial}");
            let again = trial::play(&[trial.case], On::Anysock, longer * window(), 1).pop();
            *trial = again.unwrap();
        }
    }
}

fn tell_of(trials: &[Trial]) {
    let all: Vec<_> = trials.iter().map(|t| (t.case, t.report.as_ref().unwrap())).collect();
    let of = |which: fn(Trap) -> bool| all.iter().filter(move |(case, _)| which(case.trap));
    let blocked = || of(Trap::is_blocked);
    let tried = format!("{} states on {} cells", blocked().count(), CELLS.len());

    let (case, report) = blocked().max_by(|a, b| a.1.share().total_cmp(&b.1.share())).unwrap();
    let percent = |share: f64| format!("{:.1} % of a CPU", 100.0 * share);
    let worst = format!("{} ({case})", percent(report.share()));
    tell("a blocked operation leaves the CPU idle", &tried, worst, percent(SHARE));

    let (case, report) = blocked().max_by_key(|(_, report)| report.polls).unwrap();
    let (worst, window) = (format!("{} polls ({case})", report.polls), report.window);
    tell("it is polled rarely", &tried, worst, format!("{} in {window:?}", most_polls(window)));

    let late = |report: &Report| format!("{:.1} ms late", report.late.as_secs_f64() * 1e3);
    let (case, report) = blocked().max_by_key(|(_, report)| report.late).unwrap();
    let (worst, goal) = (format!("{} ({case})", late(report)), LATE.as_millis());
    tell("a 10 ms timer beside it fires", &tried, worst, format!("it fires; goal {goal} ms late"));

    let flooded = || of(|trap| trap == Trap::T7);
    let most = flooded().map(|(_, report)| report.most).max().unwrap();
    let (_, latest) = flooded().max_by_key(|(_, report)| report.late).unwrap();
    let tried = format!("{} floods, 20 us of work a message", flooded().count());
    let worst = format!("{most} messages a turn, the timer {}", late(latest));
    tell("a flooded reader lets others run", tried, worst, format!("{BUDGET} messages a turn"));

    let announced = || of(|trap| trap == Trap::T8);
    let grown = announced().map(|(_, report)| report.grown >> 20).max().unwrap();
    let tried = format!("{} x {} connections", announced().count(), traps::ANNOUNCING);
    let bound = format!("{} MiB", traps::ROOM >> 20);
    tell("8 MiB announced by each are not reserved", tried, format!("{grown} MiB"), bound);
}
