//! Transports that break one law each, on purpose: they show that the kit convicts.
//!
//! | module | holds |
//! |---|---|
//! | `fault` | a sound transport with one fault in it |
//! | `boundaries` to `halves` | the faults, by the law they break |
//! | `over_bytes` | faults that lie in a codec or in a buffer |
//! | `backlog` | a queue that a transport may forget to flush |
//! | `specimen` | all of them, each to be tried |

mod backlog;
mod boundaries;
mod bounded;
mod cancel_safe;
mod empty;
mod end;
mod errors;
mod fair;
mod fault;
mod flush;
mod guarantees;
mod halves;
mod over_bytes;
mod specimen;
mod whole;

pub use boundaries::{Cuts, Merges, Splits};
pub use bounded::{BuffersAll, HoldsMaximum};
pub use cancel_safe::{DoublesOnDrop, KeepsFirstWaker, LosesOnDrop};
pub use empty::{EmptyIsEnd, SkipsEmpty};
pub use end::{EndsOnce, ResetIsEnd, SendErrorFirst};
pub use errors::{DiesOfRefusal, HangsAfterFatal, Untyped};
pub use fair::{NeverYields, Spins, Wedges};
pub use fault::{Broken, Fault, Faulty};
pub use flush::{FlushStopsRecv, ForgetsLastFlush, KeepsLast, RecvDoesNotFlush};
pub use guarantees::{ClaimsAll, ClosesInHaste, Doubles, Loses, Swaps};
pub use halves::{OneLock, OneWaker};
pub use over_bytes::{CutIsEnd, LaxLines, ReservesAnnounced};
pub use specimen::{Specimen, specimens};
pub use whole::{HidesTruncated, SendsPart, TakesRefused};
