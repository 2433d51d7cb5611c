//! What the tests of whole programs have in common: the programs, their servers, the matrix.

mod directory;
mod echo;
mod matrix;
pub(crate) mod process;
mod server;

pub(crate) use directory::Directory;
pub(crate) use matrix::{endpoint, over_the_matrix};
pub(crate) use process::run;
pub(crate) use server::Server;
