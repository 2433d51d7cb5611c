//! Faults drawn from a seed: what they do to messages and bytes, and that they can be replayed.

mod bytes;
mod cells;
mod conformance;
mod control;
mod faults;
mod replay;
mod timing;
