//! The same processes on plain tokio types, so that what is said of these stays true.

use std::time::Duration;

use crate::child::On;
use crate::effort::{Effort, tell};
use crate::table::{self, Entry};
use crate::trap::Case;
use crate::trial::{self, Trial};
use crate::verdict::Verdict;
use crate::{ALONE, in_turn, window};

#[test]
fn plain_tokio_wedges_where_the_table_says() {
    let Some(_turn) = in_turn() else { return };
    let (busy, idle): (Vec<_>, Vec<_>) = table::played().into_iter().partition(is_busy);
    let cases = |some: Vec<(Case, Verdict)>| some.into_iter().map(|(case, _)| case);
    let idle: Vec<_> = cases(idle).collect();
    let mut trials = trial::play(&idle, On::Tokio, window(), 8);
    // A wedge shows at once. Few at a time, since each takes a processor.
    let short = Duration::from_millis(Effort::asked().pick(120, 250, 500));
    let busy: Vec<_> = cases(busy).collect();
    trials.extend(trial::play(&busy, On::Tokio, short, 2));
    trials.iter_mut().for_each(play_again);
    let of = |case: Case| trials.iter().find(|trial| trial.case == case);
    println!("{}", table::text(|case| of(case).map_or("-".into(), |t| t.verdict.to_string())));
    let other: Vec<_> = trials.iter().filter(|trial| is_other(trial)).collect();
    let told: Vec<_> =
        other.iter().map(|trial| format!("{trial}\n  {ALONE}='{}'", trial.case)).collect();
    assert!(other.is_empty(), "the table is not true any more:\n{}", told.join("\n"));
    let wedged = trials.iter().filter(|trial| trial.verdict.is_wedge()).count();
    let tried = format!("the same {}", trials.len());
    tell("(beside it: plain tokio types)", tried, format!("{wedged} wedge"), "none, on anysock");
}

/// Whether it takes a processor, or the memory of many.
fn is_busy((case, verdict): &(Case, Verdict)) -> bool {
    let wedged = matches!(verdict, Verdict::Stops | Verdict::Burns | Verdict::Aborts);
    wedged || !case.trap.is_blocked()
}

fn is_other(trial: &Trial) -> bool {
    table::entry(trial.case) != Some(Entry::Plain(trial.verdict))
}

/// As for anysock: a busy machine is not to be mistaken for a wedge, nor to hide one.
fn play_again(trial: &mut Trial) {
    for longer in [4, 16] {
        if is_other(trial) {
            eprintln!("once more: {trial}");
            let again = trial::play(&[trial.case], On::Tokio, longer * window(), 1).pop();
            *trial = again.unwrap();
        }
    }
}
