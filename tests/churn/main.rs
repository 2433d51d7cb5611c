//! Crash and churn: peers, servers and rivals that are killed, and connections that come and go.
//!
//! | module | promises |
//! |---|---|
//! | `killed` | peers killed in the middle of anything are noticed, and cost nobody else anything |
//! | `restarted` | a killed server binds its path or port again at once, and its clients come back |
//! | `strangers` | whatever is killed, no file of somebody else is removed |
//! | `raced` | of eight processes that bind one path at once, exactly one owns it |
//! | `churned` | memory and descriptors stay flat however many have come and gone |
//! | `part`, `children`, `figures`, `words` | a process for each test, its children, what is measured, what is said |
//!
//! Each test runs for each cell, in a process of its own (this program again), whose descriptors and
//! memory are nobody else's. That process forks what is to be killed before it has threads, so that a
//! child costs a millisecond. Children die at a place drawn from a seed, counted in messages and bytes:
//! by their own hand there, or by another's (SIGKILL too) who was told that they are there, while they
//! go on. Nobody outlives whoever forked it.
//!
//! How much is tried is told by `ROBUSTNESS` (see `support/effort.rs`). A failure names its seed, and
//! `ANYSOCK_CHURN` tries that again and nothing else; it has the test's module, the cell and the seed:
//!
//! ```console
//! $ ANYSOCK_CHURN='killed unix-stream 17' cargo test --test churn -- --nocapture
//! ```

mod children;
mod churned;
#[path = "../support/directory.rs"]
mod directory;
#[path = "../support/effort.rs"]
mod effort;
mod figures;
mod killed;
mod part;
mod raced;
mod restarted;
mod strangers;
mod words;
