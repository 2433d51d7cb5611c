//! A crate's modules, as they are read from its files.

use std::fs;
use std::path::{Path, PathBuf};

use syn::{Item, ItemMod};

use crate::attributes;

/// A module: its items without its modules, and those.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) items: Vec<Item>,
    /// What was said of each, and what is in it.
    pub(crate) modules: Vec<(ItemMod, Module)>,
}

/// The crate or module in a file, `lib.rs` or `mod.rs` or named after itself, with all below it.
pub(crate) fn read(file: &Path) -> Module {
    let text =
        fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let parsed =
        syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let is_folders_own =
        ["lib", "mod"].map(Some).contains(&file.file_stem().and_then(|s| s.to_str()));
    let folder =
        if is_folders_own { file.parent().unwrap().into() } else { file.with_extension("") };
    module(parsed.items, &folder)
}

/// The crate in a string, whose modules are all in it.
pub(crate) fn parse(text: &str) -> Module {
    module(syn::parse_file(text).unwrap().items, Path::new("/nowhere"))
}

fn module(items: Vec<Item>, folder: &Path) -> Module {
    let mut module = Module { items: Vec::new(), modules: Vec::new() };
    for item in items {
        if attributes::is_for_tests(attributes::of(&item)) {
            continue;
        }
        let Item::Mod(mut inner) = item else {
            module.items.push(item);
            continue;
        };
        let below = folder.join(inner.ident.to_string());
        let read = match inner.content.take() {
            Some((_, items)) => self::module(items, &below),
            None => read(&file_of(&below)),
        };
        module.modules.push((inner, read));
    }
    module
}

fn file_of(module: &Path) -> PathBuf {
    let folder = module.join("mod.rs");
    if folder.exists() { folder } else { module.with_extension("rs") }
}
