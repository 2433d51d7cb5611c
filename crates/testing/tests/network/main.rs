//! A simulated network: services that know nothing of it, in one deterministic test.

mod connections;
mod service;
mod side_by_side;
mod swarm;
