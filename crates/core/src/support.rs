//! Which cells this machine has.

use std::{fmt, io};

use crate::{Cell, Socket, UnsupportedCell};

/// What [`probe`] found: for each of the nine cells, that it can be had, or why not.
///
/// ```
/// use anysock_core::{Cell, probe};
///
/// let support = probe();
/// assert!(support.get(Cell::UNIX_STREAM).is_ok());
/// for (cell, answer) in support.iter() {
///     match answer {
///         Ok(()) => println!("{cell}: yes"),
///         Err(why) => println!("{cell}: no, {}", why.why()),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support([(Cell, Result<(), UnsupportedCell>); Cell::ALL.len()]);

/// Opens and drops one socket of every cell.
///
/// It tells what this process can have now: a sandbox or a full descriptor table are reasons
/// too, as is the lack of accept(2) on the SCTP sockets of a kernel that has them. Nothing is
/// kept, so the next call asks again.
///
/// ```
/// use anysock_core::Cell;
/// assert!(anysock_core::probe().get(Cell::UNIX_SEQPACKET).is_ok());
/// ```
pub fn probe() -> Support {
    Support(Cell::ALL.map(|cell| (cell, Socket::open(cell).map(drop).map_err(|e| why(cell, e)))))
}

impl Support {
    /// Whether sockets of `cell` can be had.
    ///
    /// # Errors
    ///
    /// Why they cannot.
    pub fn get(&self, cell: Cell) -> Result<(), &UnsupportedCell> {
        let found = self.iter().find_map(|(each, answer)| (each == cell).then_some(answer));
        found.expect("every cell was probed")
    }

    /// All cells, in the order of [`Cell::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Cell, Result<(), &UnsupportedCell>)> {
        self.0.iter().map(|(cell, answer)| (*cell, answer.as_ref().copied()))
    }
}

/// One line per cell.
impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (cell, answer) in self.iter() {
            match answer {
                Ok(()) => writeln!(f, "{cell:<15} supported")?,
                Err(why) => writeln!(f, "{cell:<15} unsupported: {}", why.why())?,
            }
        }
        Ok(())
    }
}

fn why(cell: Cell, error: io::Error) -> UnsupportedCell {
    error
        .downcast::<UnsupportedCell>()
        .unwrap_or_else(|error| UnsupportedCell::new(cell, format!("opening one failed: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Type;

    #[test]
    fn every_cell_is_answered_and_an_unsupported_one_names_itself() {
        let support = probe();
        assert_eq!(support.iter().map(|(cell, _)| cell).collect::<Vec<_>>(), Cell::ALL);
        for (cell, answer) in support.iter() {
            if let Err(error) = answer {
                assert_eq!(error.cell(), cell);
                assert!(!error.why().is_empty());
            }
        }
    }

    #[test]
    fn inet_seqpacket_is_never_supported() {
        let support = probe();
        for cell in Cell::ALL {
            if cell.domain.is_inet() && cell.kind == Type::SeqPacket {
                assert!(support.get(cell).is_err(), "{cell}");
            }
        }
    }

    #[test]
    fn another_failure_to_open_is_a_reason_too() {
        let error = why(Cell::UNIX_STREAM, io::Error::other("no descriptors left"));
        assert_eq!(error.why(), "opening one failed: no descriptors left");
    }
}
