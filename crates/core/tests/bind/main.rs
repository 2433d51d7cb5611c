//! Who owns a unix path: races, stale files, and what must never be touched.

mod fixture;
mod path;
mod process;
mod race;
