//! What was tried, in which cells, and what is told of it.

use std::time::{SystemTime, UNIX_EPOCH};

use anysock::Cell;

use crate::attack::{Attack, CELLS, cell_name};
use crate::effort::tell;
use crate::siege::{Keeps, Outcome, Siege};
use crate::throughput::HALF;

/// Names one attack on one cell that is to be tried alone, with its seed.
const ALONE: &str = "ANYSOCK_ATTACK";
const SEED: &str = "ANYSOCK_ATTACK_SEED";

/// What attackers draw from.
pub(crate) fn seed() -> u64 {
    match std::env::var(SEED) {
        Ok(seed) => seed.parse().expect("a seed is a number"),
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64,
    }
}

/// Lays the sieges of an attack in each cell in which it exists, or in the one that was named.
pub(crate) fn over_cells(attack: Attack, sieges: impl Fn(Cell) -> Vec<Siege>) -> Vec<Outcome> {
    let alone = std::env::var(ALONE).ok();
    let is_meant = |cell: &Cell| {
        let name = format!("{} {}", attack.name(), cell_name(*cell));
        attack.missing(*cell).is_none() && alone.as_ref().is_none_or(|alone| *alone == name)
    };
    let cells = CELLS.into_iter().filter(is_meant);
    cells.flat_map(|cell| sieges(cell).iter().map(Siege::lay).collect::<Vec<_>>()).collect()
}

/// One row for all of it.
pub(crate) fn tell_all(promise: &str, tried: &str, outcomes: &[Outcome]) {
    let Some(first) = outcomes.first() else { return };
    let mut cells: Vec<_> = outcomes.iter().map(|outcome| cell_name(outcome.cell)).collect();
    cells.dedup();
    let done = outcomes.iter().map(|outcome| outcome.done).sum::<u64>();
    let share = |outcome: &Outcome| outcome.peak as f64 / outcome.most_bytes as f64;
    let fullest = outcomes.iter().max_by(|a, b| share(a).total_cmp(&share(b))).unwrap_or(first);
    let mut worst = format!("{} KiB", fullest.peak / 1024);
    let mut bound = format!("{} KiB by formula", fullest.most_bytes / 1024);
    let least = |keeps| {
        let kept = outcomes.iter().filter(|each| each.is_measured && each.keeps == keeps);
        kept.map(|outcome| outcome.kept).min_by(f64::total_cmp)
    };
    if let Some(kept) = least(Keeps::Half) {
        worst += &format!(", {:.0} % of throughput", 100.0 * kept);
        bound += &format!(", {:.0} %", 100.0 * HALF);
    }
    if let Some(kept) = least(Keeps::Something) {
        worst += &format!(" ({:.0} % without limits)", 100.0 * kept);
    }
    tell(promise, format!("{} cells, {tried}: {done}", cells.len()), worst, bound);
}
