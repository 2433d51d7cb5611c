//! What the code of a service imports: the traits whose methods it calls.
//!
//! ```
//! use anysock::prelude::*;
//! # fn uses(transport: &impl Transport) -> bool { transport.guarantees().reliable() }
//! ```

pub use anysock_core::Guarantees;
pub use anysock_framing::{
    Accept, AcceptExt, Guaranteed, RecvExt, RecvHalf, SendExt, SendHalf, Transport,
};
