//! A conformance kit for message transports, the broken transports that it convicts, and faults
//! that can be replayed.
//!
//! | module | holds |
//! |---|---|
//! | [`conformance`] | the suite: eleven laws, checked on any transport |
//! | [`broken`] | transports that break one law each, on purpose |
//! | [`impaired`] | faults on the way of a message, drawn from a seed, over any transport |
//! | [`network`] | hosts and links in memory, for services that know of neither |
#![forbid(unsafe_code)]

pub mod broken;
pub mod conformance;
pub mod impaired;
pub mod network;
