//! What must not grow, counted: system calls and allocations per message, bytes per connection.
//!
//! No clock decides anything here, so a failure is a regression and not a busy machine.
//!
//! | module | holds |
//! |---|---|
//! | `bounds` | every bound, to be tightened in one place |
//! | `calls` | system calls, counted from outside by strace |
//! | `allocations`, `allocator` | how often memory is asked for |
//! | `memory`, `servers` | what an idle connection holds |
//! | `link`, `work` | connected transports, and what is done with them |
//! | `part` | this program again, as another process |

mod allocations;
mod allocator;
mod bounds;
mod calls;
#[path = "../support/lacking.rs"]
mod lacking;
mod link;
mod memory;
mod part;
mod servers;
mod work;
