//! Three programs in two forms each, asked by the same clients; and what `docs/MOVING.md` says of them.

mod document;
mod forms;

#[path = "../../examples/moving/client/mod.rs"]
mod client;
#[path = "../../examples/moving/lines/mod.rs"]
mod lines;
#[path = "../../examples/moving/requests/mod.rs"]
mod requests;
