//! What a case's process tells of it: one line.

use std::time::Duration;

/// What was measured while the operation was blocked, and how it ended.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) ended: Ended,
    /// How often the timer beside it ticked.
    pub(crate) ticks: u64,
    /// By how much it was late at worst.
    pub(crate) late: Duration,
    /// The processor time of the whole process.
    pub(crate) used: Duration,
    /// How often the operation was polled.
    pub(crate) polls: u64,
    /// The most messages that it was handed in one poll, where that was counted.
    pub(crate) most: u64,
    pub(crate) window: Duration,
    /// By how much the address space grew, in bytes, where that was asked for.
    pub(crate) grown: u64,
}

/// How an operation ended once it could.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    Otherwise(String),
    /// It has not.
    Not,
}

const NEVER_BEGUN: &str = "it never began";
/// What the line begins with.
const MARK: &str = "wedge-report";

impl Report {
    pub(crate) fn never_begun(window: Duration) -> Self {
        let ended = Ended::Otherwise(NEVER_BEGUN.into());
        let (late, used) = (Duration::ZERO, Duration::ZERO);
        Self { ended, ticks: 0, late, used, polls: 0, most: 0, window, grown: 0 }
    }

    pub(crate) fn line(&self) -> String {
        let ended = match &self.ended {
            Ended::Well => "well",
            Ended::Not => "not",
            Ended::Otherwise(why) => &format!("otherwise {}", why.replace(['\t', '\n'], " ")),
        };
        let Self { ticks, polls, most, grown, .. } = self;
        let [late, used, window] = [self.late, self.used, self.window].map(|t| t.as_micros());
        format!("{MARK}\t{ended}\t{ticks}\t{late}\t{used}\t{polls}\t{most}\t{window}\t{grown}")
    }

    /// The report in a line of output, if it is one.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut columns = line.strip_prefix(MARK)?.strip_prefix('\t')?.split('\t');
        let ended = match columns.next()? {
            "well" => Ended::Well,
            "not" => Ended::Not,
            other => Ended::Otherwise(other.strip_prefix("otherwise ")?.to_owned()),
        };
        let mut number = || columns.next()?.parse::<u64>().ok();
        let (ticks, late, used) = (number()?, number()?, number()?);
        let (polls, most, window, grown) = (number()?, number()?, number()?, number()?);
        let [late, used, window] = [late, used, window].map(Duration::from_micros);
        Some(Self { ended, ticks, late, used, polls, most, window, grown })
    }

    /// Whether it ever came to the point.
    pub(crate) fn has_begun(&self) -> bool {
        !matches!(&self.ended, Ended::Otherwise(why) if why == NEVER_BEGUN)
    }

    /// The share of one processor, of 1.
    pub(crate) fn share(&self) -> f64 {
        self.used.as_secs_f64() / self.window.as_secs_f64()
    }
}
