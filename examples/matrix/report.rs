//! What was observed, as one table, as JSON, and as a list of what is wrong.

use std::fmt::{Display, Write};

use anysock::{Cell, Guarantees};
use serde::Serialize;

use crate::observe::{Finding, Observed};
use crate::speed::Speed;

/// One cell of the matrix, as it is printed.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    cell: String,
    endpoint: Option<String>,
    supported: bool,
    why: Option<String>,
    reliable: Answer,
    boundaries: Answer,
    connection: Answer,
    largest: Option<usize>,
    p50_us: Option<f64>,
    p99_us: Option<f64>,
    messages_per_second: Option<u64>,
    #[serde(skip)]
    wrong: Vec<String>,
}

/// A guarantee beside its observation.
#[derive(Debug, Default, Serialize)]
struct Answer {
    promised: Option<bool>,
    observed: Option<bool>,
    #[serde(skip)]
    seen: String,
}

impl Row {
    /// A cell that works; whether as promised, its contradictions tell.
    pub(crate) fn observed(
        cell: Cell,
        endpoint: String,
        observed: &Observed,
        speed: Speed,
    ) -> Self {
        let answer = |promise, finding: &Finding| Answer {
            promised: Some(observed.promised.contains(promise)),
            observed: Some(finding.kept),
            seen: finding.seen.clone(),
        };
        let wrong: Vec<_> = observed.contradictions().iter().map(ToString::to_string).collect();
        Self {
            endpoint: Some(endpoint),
            why: (!wrong.is_empty()).then(|| wrong.join("; ")),
            reliable: answer(Guarantees::RELIABLE, &observed.reliable),
            boundaries: answer(Guarantees::BOUNDARIES, &observed.boundaries),
            connection: answer(Guarantees::CONNECTION_ORIENTED, &observed.connection),
            largest: Some(observed.largest),
            p50_us: Some(speed.p50_us),
            p99_us: Some(speed.p99_us),
            messages_per_second: Some(speed.messages_per_second),
            wrong,
            ..Self::empty(cell)
        }
    }

    /// A cell that this machine does not have.
    pub(crate) fn unsupported(cell: Cell, endpoint: &str, why: String) -> Self {
        let endpoint = Some(endpoint.to_string());
        Self { endpoint, supported: false, why: Some(why), ..Self::empty(cell) }
    }

    /// A cell that should work and could not be observed.
    pub(crate) fn failed(cell: Cell, why: impl Display) -> Self {
        let why = format!("failed: {why}");
        Self { why: Some(why.clone()), wrong: vec![why], ..Self::empty(cell) }
    }

    fn empty(cell: Cell) -> Self {
        Self {
            cell: cell.to_string(),
            endpoint: None,
            supported: true,
            why: None,
            reliable: Answer::default(),
            boundaries: Answer::default(),
            connection: Answer::default(),
            largest: None,
            p50_us: None,
            p99_us: None,
            messages_per_second: None,
            wrong: Vec::new(),
        }
    }

    fn columns(&self) -> Vec<String> {
        let mut columns = vec![
            self.cell.clone(),
            shown(self.endpoint.as_ref()),
            if self.supported { "yes" } else { "no" }.to_string(),
        ];
        if self.reliable.observed.is_none() {
            columns.extend(self.why.clone());
            return columns;
        }
        columns.extend([&self.reliable, &self.boundaries, &self.connection].map(Answer::shown));
        columns.extend([
            shown(self.largest),
            shown(self.p50_us.map(|time| format!("{time:.1}"))),
            shown(self.p99_us.map(|time| format!("{time:.1}"))),
            shown(self.messages_per_second),
        ]);
        columns
    }
}

impl Answer {
    fn shown(&self) -> String {
        let promised = if self.promised == Some(true) { "yes" } else { "no" };
        format!("{promised}: {}", self.seen)
    }
}

fn shown<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "-".into(), |value| value.to_string())
}

/// One aligned table, and a line that sums it up.
pub(crate) fn table(rows: &[Row]) -> String {
    const HEAD: [&str; 10] = [
        "cell",
        "endpoint",
        "supported",
        "reliable",
        "boundaries",
        "connection",
        "largest",
        "p50 us",
        "p99 us",
        "messages/s",
    ];
    let lines: Vec<Vec<String>> = std::iter::once(HEAD.map(String::from).to_vec())
        .chain(rows.iter().map(Row::columns))
        .collect();
    // A reason, which stands alone behind the first columns, runs over the others.
    let width = |column: usize| {
        let values = lines.iter().filter(|line| column < 3 || line.len() == HEAD.len());
        values.map(|line| line[column].len()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..HEAD.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let mut row = String::new();
        for (column, (value, width)) in line.iter().zip(&widths).enumerate() {
            // Numbers to the right.
            let _ = match column {
                6.. => write!(row, "{value:>width$}  "),
                _ => write!(row, "{value:<width$}  "),
            };
        }
        text += row.trim_end();
        text.push('\n');
    }
    let supported = rows.iter().filter(|row| row.supported).count();
    let works = rows.iter().filter(|row| row.supported && row.wrong.is_empty()).count();
    let _ = writeln!(
        text,
        "\n{works} of {supported} supported cells work as promised, {} unsupported",
        rows.len() - supported,
    );
    text
}

/// An array of one object per cell.
pub(crate) fn json(rows: &[Row]) -> String {
    let mut text = serde_json::to_string_pretty(rows).expect("rows are plain text and numbers");
    text.push('\n');
    text
}

/// What failed, and what contradicts a guarantee, by cell.
pub(crate) fn wrong(rows: &[Row]) -> Vec<String> {
    let each = |row: &Row| {
        let cell = row.cell.clone();
        row.wrong.clone().into_iter().map(move |what| format!("{cell}: {what}"))
    };
    rows.iter().flat_map(each).collect()
}
