//! Contenders in turn, one of them twice, and the median over rounds of their ratios.
//!
//! A round is a number of short slices. In each slice every contender works once, beginning
//! with another one each time, so that whatever disturbs the machine disturbs all. A
//! contender's figure of a round is the lower quartile of its slices, which leaves out those in
//! which something else had the processor. A ratio is taken within a round; of the rounds'
//! ratios the median is reported. One contender is listed twice: how far those two, which are
//! the same, are apart says how much the other ratios are worth.

use std::time::Duration;

/// How long a slice of one contender is to last.
const SLICE: Duration = Duration::from_millis(3);

/// Slices in a round.
const SLICES: usize = 8;

/// One of those that are compared.
pub(crate) struct Contender {
    name: &'static str,
    /// Does so many units of work, checks that they were done, and tells what they cost.
    run: Box<dyn FnMut(usize) -> f64>,
}

/// What every contender's unit of work cost in every round.
pub(crate) struct Measured {
    costs: Vec<(&'static str, Vec<f64>)>,
}

impl Contender {
    pub(crate) fn new(name: &'static str, run: impl FnMut(usize) -> f64 + 'static) -> Self {
        Self { name, run: Box::new(run) }
    }

    /// How much work fills a slice; at least `granule`, and a multiple of it.
    fn calibrate(&mut self, granule: usize) -> usize {
        let mut units = granule;
        loop {
            let elapsed = (self.run)(units);
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
    /// Measures times, in slices of equal length, whatever a contender gets done in one.
    pub(crate) fn times(mut contenders: Vec<Contender>, granule: usize, rounds: usize) -> Self {
        let units: Vec<_> =
            contenders.iter_mut().map(|contender| contender.calibrate(granule)).collect();
        Self::rounds(contenders, &units, SLICES, rounds)
    }

    /// Measures whatever `run` tells, for the same work of every contender, once a round.
    pub(crate) fn same_work(contenders: Vec<Contender>, units: usize, rounds: usize) -> Self {
        let units = vec![units; contenders.len()];
        Self::rounds(contenders, &units, 1, rounds)
    }

    fn rounds(
        mut contenders: Vec<Contender>,
        units: &[usize],
        slices: usize,
        rounds: usize,
    ) -> Self {
        let count = contenders.len();
        let mut costs: Vec<_> = contenders.iter().map(|one| (one.name, Vec::new())).collect();
        for round in 0..rounds {
            let mut slices_of = vec![Vec::with_capacity(slices); count];
            for slice in 0..slices {
                for place in 0..count {
                    let which = (round + slice + place) % count;
                    let cost = (contenders[which].run)(units[which]);
                    slices_of[which].push(cost / units[which] as f64);
                }
            }
            for (which, mut slices) in slices_of.into_iter().enumerate() {
                costs[which].1.push(quantile(&mut slices, 0.25));
            }
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

fn quantile(values: &mut [f64], which: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = which * (values.len() - 1) as f64;
    let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
    low + (high - low) * place.fract()
}
