//! Contenders in turn, one of them twice, and the median over rounds of their ratios.
//!
//! In a round every contender opens its sockets anew, since what a connection or an allocation
//! happens to be like stays with it. A round is a number of passes. In each pass every contender works for a short slice,
//! beginning with another one each time, so that whatever disturbs the machine disturbs all.
//! Slices in which another process had the processor are left out, and repeated within reason.
//! A contender's figure of a round is the lower quartile of its slices. A ratio is taken within
//! a round; of the rounds' ratios the median is reported. One contender is listed twice: how
//! far those two, which are the same, are apart says how much the other ratios are worth.

use std::time::Duration;

use crate::usage::preemptions;

/// How long a slice of one contender is to last: less than what a busy machine grants at once.
const SLICE: Duration = Duration::from_micros(1500);

/// Slices of each contender in a round, of those that count.
const SLICES: usize = 16;

/// Slices before those that count: TCP begins slowly, and finds its buffers' sizes.
const WARM_UP: usize = 8;

/// Tries of which the fastest says how long work takes: one that was interrupted would have all
/// slices be short, and the beginning of a slice would seem to be the cost of its work.
const TRIES: usize = 5;

/// So many times as many passes are tried on a busy machine.
const PATIENCE: usize = 3;

/// One of those that are compared.
pub(crate) struct Contender {
    name: &'static str,
    open: Box<dyn Fn() -> Run>,
}

/// Does so many units of work, checks that they were done, and tells what they cost.
pub(crate) type Run = Box<dyn FnMut(usize) -> f64>;

/// What every contender's unit of work cost in every round.
pub(crate) struct Measured {
    costs: Vec<(&'static str, Vec<f64>)>,
}

impl Contender {
    pub(crate) fn new(name: &'static str, open: impl Fn() -> Run + 'static) -> Self {
        Self { name, open: Box::new(open) }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Opens its sockets.
    pub(crate) fn open(&self) -> Run {
        (self.open)()
    }

    /// How much work fills a slice: a multiple of `granule`.
    fn calibrate(&self, granule: usize) -> usize {
        let mut run = (self.open)();
        let mut units = granule;
        loop {
            let elapsed = (0..TRIES).map(|_| run(units)).fold(f64::INFINITY, f64::min);
            let missing = SLICE.as_secs_f64() / elapsed;
            if missing < 1.5 {
                return units;
            }
            let more = (units as f64 * missing.min(16.0)) as usize;
            units = more.div_ceil(granule) * granule;
        }
    }
}

impl Measured {
    /// Measures times, in slices of equal length, whatever a contender gets done in one. `units`
    /// of work are done in a slice at least, and a multiple of them.
    pub(crate) fn times(contenders: &[Contender], units: usize, rounds: usize) -> Self {
        let units: Vec<_> = contenders.iter().map(|one| one.calibrate(units)).collect();
        Self::rounds(contenders, rounds, |round| {
            let mut runs: Vec<_> = contenders.iter().map(|one| (one.open)()).collect();
            runs.iter_mut().zip(&units).for_each(|(run, &units)| {
                (0..WARM_UP).for_each(|_| {
                    run(units);
                });
            });
            slices(&mut runs, &units, round)
        })
    }

    /// Measures whatever contenders tell, for the same work, once a round.
    pub(crate) fn same_work(contenders: &[Contender], units: usize, rounds: usize) -> Self {
        Self::rounds(contenders, rounds, |round| {
            let count = contenders.len();
            let mut figures = vec![0.0; count];
            for which in (round..round + count).map(|which| which % count) {
                figures[which] = (contenders[which].open)()(units) / units as f64;
            }
            figures
        })
    }

    fn rounds(
        contenders: &[Contender],
        rounds: usize,
        figures: impl Fn(usize) -> Vec<f64>,
    ) -> Self {
        let mut costs: Vec<_> = contenders.iter().map(|one| (one.name, Vec::new())).collect();
        for round in 0..rounds {
            costs.iter_mut().zip(figures(round)).for_each(|((_, costs), one)| costs.push(one));
        }
        Self { costs }
    }

    fn of(&self, name: &str) -> &[f64] {
        let found = self.costs.iter().find(|(one, _)| *one == name);
        &found.unwrap_or_else(|| panic!("{name} was not measured")).1
    }

    /// What a unit of work costs this contender.
    pub(crate) fn cost(&self, name: &str) -> f64 {
        quantile(&mut self.of(name).to_vec(), 0.5)
    }

    /// How many times the cost of `ours` that of `against` is.
    pub(crate) fn ratio(&self, ours: &str, against: &str) -> f64 {
        quantile(&mut self.ratios(ours, against), 0.5)
    }

    /// The cheapest of these contenders.
    pub(crate) fn best<'a>(&self, names: &[&'a str]) -> &'a str {
        let cheaper = |a: &&&str, b: &&&str| self.cost(a).total_cmp(&self.cost(b));
        names.iter().min_by(cheaper).expect("there are names")
    }

    /// How far apart the same contender, listed twice, typically is in a round.
    pub(crate) fn spread(&self, ours: &str, again: &str) -> f64 {
        let ratios = self.ratios(ours, again);
        quantile(&mut ratios.into_iter().map(|ratio| (ratio - 1.0).abs()).collect::<Vec<_>>(), 0.5)
    }

    fn ratios(&self, ours: &str, against: &str) -> Vec<f64> {
        let pairs = self.of(ours).iter().zip(self.of(against));
        // Nothing at all against nothing at all is a tie.
        pairs.map(|(ours, against)| if ours == against { 1.0 } else { against / ours }).collect()
    }
}

/// What a unit of work cost each contender in one round of slices.
fn slices(runs: &mut [Run], units: &[usize], round: usize) -> Vec<f64> {
    let count = runs.len();
    let (mut calm, mut disturbed) = (vec![Vec::new(); count], vec![Vec::new(); count]);
    for pass in 0..SLICES * PATIENCE {
        for place in 0..count {
            let which = (round + pass + place) % count;
            let before = preemptions();
            let cost = runs[which](units[which]) / units[which] as f64;
            let kept = if preemptions() == before { &mut calm } else { &mut disturbed };
            kept[which].push(cost);
        }
        if calm.iter().all(|slices| slices.len() >= SLICES) {
            break;
        }
    }
    let figures = calm.into_iter().zip(disturbed).map(|(mut calm, disturbed)| {
        if calm.len() < SLICES / 2 {
            calm.extend(disturbed);
        }
        quantile(&mut calm, 0.25)
    });
    figures.collect()
}

fn quantile(values: &mut [f64], which: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = which * (values.len() - 1) as f64;
    let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
    low + (high - low) * place.fract()
}
