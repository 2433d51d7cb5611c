//! Unix paths: claimed by one process at a time, freed of dead sockets, unlinked by their owner.
//!
//! ```text
//! try_new ──> PathClaim ──clear_stale──> PathClaim ──bind──> OwnedPath ──drop──> unlinked
//!    │        (directory is locked)          │               (lock released)
//!    └─> None: another claim holds the lock  └─> PathError: alive, or not a socket
//! ```

mod claim;
mod error;
mod file_id;
mod owned;

pub use claim::PathClaim;
pub use error::PathError;
pub use file_id::FileId;
pub use owned::OwnedPath;
