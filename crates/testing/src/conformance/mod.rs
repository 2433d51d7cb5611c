//! The conformance kit: one suite that checks every law on any transport.
//!
//! Implement [`Subject`] for a transport (how a connected pair of it is made), then:
//!
//! ```
//! use anysock_testing::conformance::{InMemory, Kit};
//! Kit::default().check(InMemory).assert();
//! ```
//!
//! What is asked of the transport follows from its own
//! [`guarantees`](anysock_framing::Guaranteed::guarantees): where order is not promised, none
//! is asked for. A check that does not apply says why.
//!
//! | module | holds |
//! |---|---|
//! | `kit`, `erased` | runs it all, under a watchdog; compiled once, not once per transport |
//! | `law`, `law_01_…` to `law_11_…` | the laws, and the checks of each |
//! | `subject`, `sample` | what is asked of who has a transport to be checked |
//! | `in_memory`, `in_pipe` | subjects at hand |
//! | `trial`, `patience`, `filling`, `delivery`, `ledger`, `polls` | what the checks are made with |
//! | `stop`, `report`, `table` | what came of it |

mod delivery;
mod erased;
mod filling;
mod in_memory;
mod in_pipe;
mod kit;
mod law;
mod law_01_boundaries;
mod law_02_whole;
mod law_03_empty;
mod law_04_end;
mod law_05_guarantees;
mod law_06_flush;
mod law_07_bounded;
mod law_08_cancel_safe;
mod law_08_receiving;
mod law_09_errors;
mod law_10_fair;
mod law_11_halves;
mod ledger;
mod patience;
mod polls;
mod report;
mod sample;
pub(crate) mod stop;
mod subject;
mod table;
mod trial;

pub use in_memory::{Boxed, InMemory};
pub use in_pipe::InPipe;
pub use kit::Kit;
pub use law::Law;
pub use report::{Note, Outcome, Report};
pub use sample::{noise, text};
pub use stop::Stop;
pub use subject::{Offer, Raw, Subject, Wire};
pub use table::Table;
