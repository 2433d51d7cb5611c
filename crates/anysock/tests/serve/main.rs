//! `serve` over every cell: within its limits, to its end.

mod alone;
mod ends;
mod fixture;
mod limits;
mod permits;
mod phases;
mod shortage;
