//! What travels beside the bytes of packets: descriptors, credentials, what IP headers say, and the
//! answers of the network.
//!
//! | module | holds |
//! |---|---|
//! | `adopted` | what somebody else has asked for before |
//! | `links` | two ends of each packet cell, and descriptors that know whether they were closed |
//! | `descriptors` | with each message its own, none leaked, none more than may wait |
//! | `shortage` | the same where there is no room for them |
//! | `cancelled` | the same where futures are dropped |
//! | `credentials` | who sent a message |
//! | `headers` | what comes and goes with datagrams of UDP |
//! | `answers` | what the network says of datagrams that did not arrive |

mod adopted;
#[path = "../echo/alone.rs"]
mod alone;
mod answers;
mod cancelled;
mod credentials;
mod descriptors;
mod headers;
mod links;
mod shortage;

/// What the tests of whole programs have in common, as far as it is used here.
#[path = "../support"]
mod support {
    mod directory;
    mod matrix;
    pub(crate) mod process;

    pub(crate) use directory::Directory;
    pub(crate) use matrix::{endpoint, over_the_matrix};
    pub(crate) use process::run;
}
