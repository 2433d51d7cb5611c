//! A conformance kit for message transports, and the broken transports that it convicts.
//!
//! | module | holds |
//! |---|---|
//! | [`conformance`] | the suite: eleven laws, checked on any transport |
//! | [`broken`] | transports that break one law each, on purpose |
#![forbid(unsafe_code)]

pub mod broken;
pub mod conformance;
