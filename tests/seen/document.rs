//! The page of events lists all that the sources tell, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(root().join("docs/EVENTS.md")).unwrap()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// All sources of the library, the testing kit aside.
fn library() -> Vec<String> {
    let mut files = Vec::new();
    for layer in ["core", "async", "framing", "anysock"] {
        sources(&root().join("crates").join(layer).join("src"), &mut files);
    }
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// What stands in the brackets that `text` begins behind.
fn arguments(text: &str) -> &str {
    let (mut depth, mut is_quoted) = (1, false);
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if is_quoted => drop(bytes.next()),
            b'"' => is_quoted = !is_quoted,
            b'(' if !is_quoted => depth += 1,
            b')' if !is_quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..at];
        }
    }
    panic!("a macro has no end: {text}");
}

/// The last literal, without its continued lines.
fn message(arguments: &str) -> String {
    let literal = arguments.rsplit('"').nth(1).expect("an event has a message");
    let lines = literal.split("\\\n").enumerate();
    lines.map(|(at, line)| if at == 0 { line } else { line.trim_start() }).collect()
}

/// Level and message of each event.
fn told() -> BTreeSet<(String, String)> {
    let mut told = BTreeSet::new();
    for source in library() {
        for level in ["trace", "debug", "info", "warn", "error"] {
            for (at, found) in source.match_indices(&format!("tracing::{level}!(")) {
                let arguments = arguments(&source[at + found.len()..]);
                told.insert((level.to_owned(), message(arguments)));
            }
        }
    }
    told
}

#[test]
fn every_event_stands_on_the_page_with_its_level() {
    let page = page();
    let listed: BTreeSet<_> = page
        .lines()
        .filter_map(|line| {
            let mut cells = line.split(" | ");
            let level = cells.next()?.strip_prefix("| ")?;
            let message = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
            let is_level = ["trace", "debug", "info", "warn", "error"].contains(&level);
            is_level.then(|| (level.to_owned(), message.to_owned()))
        })
        .collect();
    let told = told();
    assert!(told.len() > 30, "the sources were not read");
    assert_eq!(listed, told);
}

#[test]
fn every_counter_stands_on_the_page() {
    let (page, mut count) = (page(), 0);
    for source in library() {
        for (at, _) in source.match_indices("\"anysock_") {
            let name = source[at + 1..].split('"').next().unwrap();
            assert!(page.contains(&format!("| `{name}` |")), "{name} is not on the page");
            count += 1;
        }
    }
    assert_eq!(page.lines().filter(|line| line.starts_with("| `anysock_")).count(), count);
}
