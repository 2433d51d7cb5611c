//! The page of errors has every kind, as fatal as it is, and every error type of the face.

use std::collections::{BTreeMap, BTreeSet};

use crate::{files, read, root};

/// The first cell of each row of a table below `heading`, and its third.
fn rows(heading: &str) -> BTreeMap<String, String> {
    let page = read("docs/ERRORS.md");
    let (_, behind) = page.split_once(&format!("\n## {heading}\n")).expect("the heading is there");
    let section = behind.split("\n## ").next().unwrap();
    let cells = section.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        Some((name.to_owned(), cells.nth(1)?.to_owned()))
    });
    cells.collect()
}

/// What stands between `from` and `to`.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, behind) = text.split_once(from).expect("it begins");
    behind.split_once(to).expect("it ends").0
}

/// The names of the variants of an enum in this file.
fn variants(file: &str, name: &str) -> BTreeSet<String> {
    let source = read(file);
    let body = between(&source, &format!("pub enum {name} {{"), "\n}\n");
    let variants = body.lines().filter_map(|line| {
        let name = line.strip_prefix("    ")?;
        let end = name.find([' ', '(', ','])?;
        let is_variant = name.starts_with(|first: char| first.is_ascii_uppercase());
        is_variant.then(|| name[..end].to_owned())
    });
    variants.collect()
}

#[test]
fn every_kind_of_error_is_explained_and_no_other() {
    let kinds = variants("crates/framing/src/error.rs", "ErrorKind");
    assert!(kinds.len() > 15, "the source was not read: {kinds:?}");
    assert_eq!(rows("Kinds").into_keys().collect::<BTreeSet<_>>(), kinds);
}

#[test]
fn the_page_says_of_each_kind_whether_the_transport_survives() {
    let source = read("crates/framing/src/error.rs");
    let survivable = between(&source, "match self.kind() {\n            K::TooLong", "=> false");
    let survivable = format!("K::TooLong{survivable}");
    for (kind, fate) in rows("Kinds") {
        let is_survivable = survivable.split_whitespace().any(|word| {
            let name = word.strip_prefix("K::");
            name.is_some_and(|name| name.split('(').next() == Some(&kind))
        });
        assert_eq!(fate.starts_with("survives"), is_survivable, "{kind}: {fate}");
        assert_eq!(fate.starts_with("is done for"), !is_survivable, "{kind}: {fate}");
    }
}

/// The types of the library that implement `Error`, by derive or by hand.
fn error_types() -> BTreeSet<String> {
    let mut types = BTreeSet::new();
    for layer in ["core", "async", "framing", "anysock"] {
        for file in files(&root().join("crates").join(layer).join("src"), "rs") {
            let source = read(file);
            for (at, _) in source.match_indices("thiserror::Error)]") {
                let words = source[at..].split_whitespace();
                let name = words.skip_while(|word| !["struct", "enum"].contains(word)).nth(1);
                types.insert(identifier(name.unwrap()));
            }
            for (at, found) in source.match_indices("std::error::Error for ") {
                types.insert(identifier(&source[at + found.len()..]));
            }
        }
    }
    types
}

fn identifier(text: &str) -> String {
    text.chars().take_while(char::is_ascii_alphanumeric).collect()
}

#[test]
fn every_error_type_of_the_face_is_explained_and_no_other() {
    let face = read("crates/anysock/src/lib.rs");
    let names: BTreeSet<_> = face
        .split_inclusive("pub use ")
        .skip(1)
        .flat_map(|used| used.split(';').next().unwrap().split(|c: char| !c.is_alphanumeric()))
        .map(str::to_owned)
        .collect();
    let mut types: BTreeSet<_> = error_types().intersection(&names).cloned().collect();
    assert!(types.len() > 15, "the sources were not read: {types:?}");
    // These two are the first table.
    assert!(types.remove("Error") && types.remove("ErrorKind"));
    assert_eq!(rows("Typed errors inside").into_keys().collect::<BTreeSet<_>>(), types);
}

#[test]
fn every_fault_of_what_opens_a_socket_is_explained_and_no_other() {
    let mut faults = BTreeSet::new();
    for (file, name) in [
        ("endpoint/error.rs", "EndpointFault"),
        ("unix_addr.rs", "UnixAddrError"),
        ("options/error.rs", "OptionError"),
        ("bind/error.rs", "PathError"),
        ("group.rs", "GroupError"),
        ("adopt/error.rs", "AdoptFault"),
    ] {
        let variants = variants(&format!("crates/core/src/{file}"), name);
        assert!(variants.len() > 2, "{file} was not read: {variants:?}");
        faults.extend(variants.iter().map(|variant| format!("{name}::{variant}")));
    }
    assert_eq!(rows("The faults one by one").into_keys().collect::<BTreeSet<_>>(), faults);
}
