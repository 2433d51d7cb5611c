//! What is seen of connections from outside: spans, events, and the page that lists them.

#[path = "../support/directory.rs"]
mod directory;
mod document;
mod recorder;
mod spans;
#[path = "../support/matrix.rs"]
mod support;

use directory::Directory;
