//! Credentials as a gate: who is served, who is refused, and what is said of it.

mod another_user;
mod beside;
mod everybody;
#[path = "../support/lacking.rs"]
mod lacking;
mod refused;
