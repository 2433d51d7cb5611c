//! Transports that break one law each, on purpose.
