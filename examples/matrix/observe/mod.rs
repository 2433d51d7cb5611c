//! What a transport does, seen from both its ends, whatever it promises.
//!
//! What is promised decides only how long a promise is waited for, never what was seen.

mod boundaries;
mod link;
mod overrun;
mod parting;

use std::fmt;

use anysock::Guarantees;

pub(crate) use self::link::{Failure, Link, Open};

/// Everything seen of one transport.
#[derive(Debug)]
pub(crate) struct Observed {
    /// What both ends promise.
    pub(crate) promised: Guarantees,
    /// The longest message that went through, both ways, in bytes.
    pub(crate) largest: usize,
    pub(crate) reliable: Finding,
    pub(crate) ordered: Finding,
    pub(crate) boundaries: Finding,
    pub(crate) connection: Finding,
    pub(crate) end_of_file: Finding,
}

/// Whether a guarantee was seen kept, and what was seen.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) kept: bool,
    pub(crate) seen: String,
}

/// A guarantee that was promised and not kept.
#[derive(Debug)]
pub(crate) struct Contradiction<'a> {
    pub(crate) guarantee: &'static str,
    pub(crate) seen: &'a str,
}

/// Observes a transport by all that can be seen of it.
pub(crate) async fn observe(open: &mut impl Open) -> Result<Observed, Failure> {
    let mut link = open.open().await?;
    let promised = link.promised();
    let there = boundaries::exchange(&mut link.client, &mut link.peer).await;
    let back = boundaries::exchange(&mut link.peer, &mut link.client).await;
    let largest = there.largest().min(back.largest());
    let boundaries = there.and(back);
    drop(link);

    // A link of its own: what went wrong above must not count twice.
    let mut link = open.open().await?;
    let there = overrun::overrun(&mut link.client, &mut link.peer).await?;
    let back = overrun::overrun(&mut link.peer, &mut link.client).await?;
    drop(link);

    let (first, second) = (open.open().await?, open.open().await?);
    open.stop();
    let made_first = first.made_first && second.made_first;
    let partings = [
        parting::part(first.client, first.peer).await?,
        parting::part(second.peer, second.client).await?,
    ];
    Ok(Observed {
        promised,
        largest,
        reliable: overrun::reliable(&there, &back),
        ordered: overrun::ordered(&there, &back),
        boundaries: boundaries.finding(),
        connection: parting::connection(made_first, &partings),
        end_of_file: parting::end_of_file(&partings),
    })
}

impl Observed {
    /// Every promise that was not kept. To keep more than was promised is no contradiction.
    pub(crate) fn contradictions(&self) -> Vec<Contradiction<'_>> {
        let broken = |(promise, guarantee)| {
            let finding = self.finding(promise)?;
            (!finding.kept).then_some(Contradiction { guarantee, seen: &finding.seen })
        };
        self.promised.iter().filter_map(broken).collect()
    }

    fn finding(&self, promise: Guarantees) -> Option<&Finding> {
        match promise {
            Guarantees::RELIABLE => Some(&self.reliable),
            Guarantees::ORDERED => Some(&self.ordered),
            Guarantees::BOUNDARIES => Some(&self.boundaries),
            Guarantees::CONNECTION_ORIENTED => Some(&self.connection),
            Guarantees::END_OF_FILE => Some(&self.end_of_file),
            _ => None,
        }
    }
}

impl fmt::Display for Contradiction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is promised, and not kept; seen: {}", self.guarantee, self.seen)
    }
}
