//! Several reports as one table.

use std::fmt;

use super::law::Law;
use super::report::{Outcome, Report};

/// Reports as one aligned table: a line per transport, a column per law.
///
/// A number counts the observations that found the law kept, `n/a` says that none could be
/// made, `BROKEN` that one failed; the letters behind them stand for the reasons, which follow
/// below the table.
///
/// ```
/// use anysock_testing::conformance::{InMemory, Kit, Law, Table};
///
/// let report = Kit::default().only(&[Law::Empty]).check(InMemory);
/// let table = Table(&[report]).to_string();
/// assert!(table.starts_with("transport"));
/// assert!(table.contains("in-memory"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Table<'a>(pub &'a [Report]);

/// Why something does not apply, each reason once.
#[derive(Default)]
struct Reasons<'a>(Vec<&'a str>);

impl<'a> Reasons<'a> {
    fn letter(&mut self, why: &'a str) -> String {
        let index = self.0.iter().position(|known| *known == why).unwrap_or_else(|| {
            self.0.push(why);
            self.0.len() - 1
        });
        Self::name(index)
    }

    /// a to z, then aa to az, ba to bz, ...
    fn name(index: usize) -> String {
        let last = char::from(b'a' + (index % 26) as u8);
        match index / 26 {
            0 => last.to_string(),
            more => Self::name(more - 1) + &last.to_string(),
        }
    }

    fn cell(&mut self, outcome: Option<&'a Outcome>) -> String {
        let (head, notes) = match outcome {
            None => return "not asked".into(),
            Some(Outcome::Failed { .. }) => return "BROKEN".into(),
            Some(Outcome::Checked { count, not_applicable }) => (count.to_string(), not_applicable),
            Some(Outcome::NotApplicable { why }) => ("n/a".into(), why),
        };
        let mut letters: Vec<_> = notes.iter().map(|note| self.letter(&note.why)).collect();
        letters.sort_by_key(|letter| (letter.len(), letter.clone()));
        letters.dedup();
        if letters.is_empty() { head } else { format!("{head} {}", letters.join(",")) }
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons = Reasons::default();
        let mut lines = vec![vec!["transport".to_owned()]];
        lines[0].extend(Law::ALL.map(|law| format!("{} {}", law.number(), law.name())));
        for report in self.0 {
            let mut line = vec![report.subject().to_owned()];
            line.extend(Law::ALL.map(|law| reasons.cell(report.outcome(law))));
            lines.push(line);
        }
        let widths: Vec<_> = (0..=Law::ALL.len())
            .map(|column| lines.iter().map(|line| line[column].len()).max().unwrap_or(0))
            .collect();
        for line in &lines {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        for (index, why) in reasons.0.iter().enumerate() {
            let gap = if index == 0 { "\n" } else { "" };
            writeln!(f, "{gap}{:>2}  {why}", Reasons::name(index))?;
        }
        for report in self.0.iter().filter(|report| !report.is_clean()) {
            writeln!(f, "\n{report}")?;
        }
        Ok(())
    }
}
