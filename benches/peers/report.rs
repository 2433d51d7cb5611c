//! One row of the table: a ratio, what it is to reach, and whether it does.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use crate::harness::Measured;

/// In which direction a ratio is good.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    Higher,
    Lower,
}

/// What figures of a row are counted in, and how a cost becomes such a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// From seconds per message or connection.
    ThousandsPerSecond,
    /// From seconds.
    Microseconds,
    /// From itself.
    Count(&'static str),
}

/// What a ratio is to reach, and what it must not fall behind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bar {
    goal: Option<f64>,
    floor: Option<f64>,
}

/// What a row says, and of which contenders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) what: &'a str,
    pub(crate) size: usize,
    pub(crate) ours: &'a str,
    pub(crate) against: &'a str,
    pub(crate) unit: Unit,
    pub(crate) bar: Bar,
}

#[derive(Debug, Serialize)]
struct Row {
    what: String,
    size: usize,
    ours: f64,
    against: String,
    peer: f64,
    unit: &'static str,
    better: Better,
    ratio: f64,
    goal: Option<f64>,
    floor: Option<f64>,
    met: Option<bool>,
    control_spread: f64,
}

/// The rows so far.
#[derive(Debug)]
pub(crate) struct Report {
    only: String,
    rounds: usize,
    rows: Vec<Row>,
    skipped: Vec<String>,
    since: Instant,
}

impl Bar {
    /// To reach `goal`; an earlier experiment reached `floor`.
    pub(crate) const fn new(goal: f64, floor: f64) -> Self {
        Self { goal: Some(goal), floor: Some(floor) }
    }

    /// To reach `goal`.
    pub(crate) const fn goal(goal: f64) -> Self {
        Self { goal: Some(goal), floor: None }
    }

    /// For information.
    pub(crate) const fn none() -> Self {
        Self { goal: None, floor: None }
    }
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::ThousandsPerSecond => "thousands/s",
            Self::Microseconds => "us",
            Self::Count(name) => name,
        }
    }

    fn better(self) -> Better {
        match self {
            Self::ThousandsPerSecond => Better::Higher,
            Self::Microseconds | Self::Count(_) => Better::Lower,
        }
    }

    fn figure(self, cost: f64) -> f64 {
        match self {
            Self::ThousandsPerSecond => 1e-3 / cost,
            Self::Microseconds => cost * 1e6,
            Self::Count(_) => cost,
        }
    }
}

impl Better {
    fn reaches(self, ratio: f64, bar: f64) -> bool {
        match self {
            Self::Higher => ratio >= bar,
            Self::Lower => ratio <= bar,
        }
    }
}

impl Report {
    pub(crate) fn new(only: String, rounds: usize) -> Self {
        Self { only, rounds, rows: Vec::new(), skipped: Vec::new(), since: Instant::now() }
    }

    /// Of how many rounds a ratio is the median.
    pub(crate) fn rounds(&self) -> usize {
        self.rounds
    }

    /// Whether this was asked for; tells a terminal so, since measuring takes a while.
    pub(crate) fn wants(&self, what: &str) -> bool {
        let is_wanted = what.contains(&self.only);
        if is_wanted && io::stderr().is_terminal() {
            eprintln!("{:>4} s  {what}", self.since.elapsed().as_secs());
        }
        is_wanted
    }

    /// Says below the table what could not be measured, and why.
    pub(crate) fn skip(&mut self, what: &str, reason: &str) {
        self.skipped.push(format!("skipped: {what}: {reason}"));
    }

    /// Adds a row about two contenders.
    pub(crate) fn compare(&mut self, measured: &Measured, spread: f64, claim: Claim<'_>) {
        let faster = measured.ratio(claim.ours, claim.against);
        let ratio = match claim.unit.better() {
            Better::Higher => faster,
            Better::Lower => 1.0 / faster,
        };
        let peer = claim.unit.figure(measured.cost(claim.against));
        self.push(measured, spread, claim, peer, ratio);
    }

    /// Adds a row whose bar is for our figure itself.
    pub(crate) fn absolute(&mut self, measured: &Measured, spread: f64, claim: Claim<'_>) {
        let ratio = claim.unit.figure(measured.cost(claim.ours));
        self.push(measured, spread, Claim { against: "one", ..claim }, 1.0, ratio);
    }

    fn push(
        &mut self,
        measured: &Measured,
        control_spread: f64,
        claim: Claim<'_>,
        peer: f64,
        ratio: f64,
    ) {
        let Claim { what, size, ours, against, unit, bar: Bar { goal, floor } } = claim;
        let better = unit.better();
        self.rows.push(Row {
            what: what.to_owned(),
            size,
            ours: unit.figure(measured.cost(ours)),
            against: against.to_owned(),
            peer,
            unit: unit.name(),
            better,
            ratio,
            goal,
            floor,
            met: goal.map(|goal| better.reaches(ratio, goal)),
            control_spread,
        });
    }

    /// Prints the table.
    pub(crate) fn finish(&self) {
        let head = [
            "what", "size", "ours", "peer's", "unit", "against", "ratio", "goal", "floor", "met",
            "control",
        ];
        let mut lines = vec![head.map(str::to_owned)];
        lines.extend(self.rows.iter().map(Row::cells));
        let width = |column: usize| lines.iter().map(|line| line[column].len()).max();
        let widths: Vec<_> = (0..head.len()).filter_map(width).collect();
        for line in &lines {
            let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
                // Text to the left, figures to the right.
                match column {
                    0 | 4 | 5 => format!("{cell:<width$}"),
                    _ => format!("{cell:>width$}"),
                }
            });
            println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
        self.skipped.iter().for_each(|line| println!("{line}"));
        let met = self.rows.iter().filter(|row| row.met == Some(true)).count();
        let with_goal = self.rows.iter().filter(|row| row.met.is_some()).count();
        let seconds = self.since.elapsed().as_secs();
        println!("{met} of {with_goal} goals met; {} rounds; {seconds} s", self.rounds);
    }

    /// Writes an array of objects, one a line.
    pub(crate) fn write_json(&self, file: &Path) -> io::Result<()> {
        let rows = self.rows.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        let mut file = std::fs::File::create(file)?;
        writeln!(file, "[\n{}\n]", rows.join(",\n"))
    }
}

impl Row {
    fn cells(&self) -> [String; 11] {
        let optional = |figure: Option<f64>| figure.map_or("-".to_owned(), short);
        [
            self.what.clone(),
            bytes(self.size),
            short(self.ours),
            short(self.peer),
            self.unit.to_owned(),
            self.against.clone(),
            short(self.ratio),
            optional(self.goal),
            optional(self.floor),
            self.verdict().to_owned(),
            format!("{:.1}%", self.control_spread * 100.0),
        ]
    }

    fn verdict(&self) -> &'static str {
        let holds = self.floor.is_none_or(|floor| self.better.reaches(self.ratio, floor));
        match (self.met, holds) {
            (Some(true), true) => "met",
            (Some(true), false) => "met, below floor",
            (Some(false), true) => "not met",
            (Some(false), false) => "NOT MET, below floor",
            (None, true) => "-",
            (None, false) => "below floor",
        }
    }
}

fn bytes(size: usize) -> String {
    match size {
        0 => "-".to_owned(),
        size if size % (1 << 20) == 0 => format!("{} MiB", size >> 20),
        size if size % (1 << 10) == 0 => format!("{} KiB", size >> 10),
        size => format!("{size} B"),
    }
}

/// Three digits that matter.
fn short(figure: f64) -> String {
    match figure {
        0.0 => "0".to_owned(),
        f if f >= 100.0 => format!("{f:.0}"),
        f if f >= 10.0 => format!("{f:.1}"),
        f if f >= 0.1 => format!("{f:.2}"),
        f => format!("{f:.5}"),
    }
}
