//! A simulated network: hosts, links between them, and services that know of neither.
//!
//! A service calls `anysock::bind("mem:NAME")` and `anysock::connect("mem:NAME")`. Within a
//! [`Network`] these names are the network's, and what lies between two ends is a link with
//! [`Impairments`](crate::impaired::Impairments). No socket is opened; under tokio's paused clock
//! hours pass in milliseconds, and the same seed gives the same run.
//!
//! | module | holds |
//! |---|---|
//! | `simulated` | the network, as a test uses it |
//! | `host` | where a task runs |
//! | `links` | what lies between two hosts, and which connections do |
//! | `relay` | what carries the messages of one connection |

mod host;
mod links;
mod relay;
mod simulated;

pub use host::Host;
pub use simulated::{EnteredNetwork, Network};
