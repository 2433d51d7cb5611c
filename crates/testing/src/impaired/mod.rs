//! Faults on the way of a message, drawn from a seed: over any transport, and over any byte
//! stream.
//!
//! [`Impaired`] loses, doubles, reorders, delays, cuts and corrupts whole messages; [`Chopped`]
//! hands bytes on in pieces, so that a codec meets every split. The same [`Seed`] gives the same
//! faults; under tokio's paused clock (`#[tokio::test(start_paused = true)]`) also at the same
//! times, and without waiting for them.
//!
//! | module | holds |
//! |---|---|
//! | `transport`, `halves` | a transport that is impaired, whole and in halves |
//! | `impairments` | what is done to messages, and how often |
//! | `control` | what is done from outside: partition, stall, reset |
//! | `trace`, `decision` | what was done to which message |
//! | `seed`, `dice` | where chance comes from |
//! | `line`, `outgoing`, `incoming` | one direction, and the two ways to use it |
//! | `chopped`, `chopping` | a byte stream in pieces |

mod chopped;
mod chopping;
pub(crate) mod control;
mod decision;
mod dice;
mod halves;
mod impairments;
mod incoming;
mod line;
mod outgoing;
mod seed;
pub(crate) mod trace;
mod transport;

pub use chopped::{Chopped, ChoppedRecv, ChoppedSend};
pub use chopping::Chopping;
pub use control::ImpairedHandle;
pub use decision::Decision;
pub use halves::{ImpairedRecv, ImpairedSend};
pub use impairments::{Impairments, Spread};
pub(crate) use line::travel_time;
pub use seed::{Seed, SeedGuard};
pub use trace::{Happening, Record, Trace};
pub use transport::Impaired;
