//! Values and other people's codecs over every cell.

mod coded;
#[path = "../support/directory.rs"]
mod directory;
mod links;
#[path = "../support/matrix.rs"]
mod support;
mod values;

use directory::Directory;
