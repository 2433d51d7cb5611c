//! The map of these tests names tests that exist, and names all of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document() -> String {
    fs::read_to_string(root().join("docs/KERNEL-TESTS.md")).unwrap()
}

/// The words between backticks that can be nothing but names of tests: four words or more.
fn mentioned(document: &str) -> BTreeSet<&str> {
    let quoted = document.split('`').skip(1).step_by(2);
    quoted.filter(|word| is_name(word)).collect()
}

fn is_name(word: &str) -> bool {
    word.matches('_').count() >= 3
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The names of functions, of modules and of a macro's cases in the sources of a directory.
fn defined(directory: &Path) -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(directory, &mut files);
    let mut names = BTreeSet::new();
    for file in files {
        for line in fs::read_to_string(&file).unwrap().lines() {
            let line = line.trim_start();
            let rest =
                ["async fn ", "fn ", "mod "].iter().find_map(|start| line.strip_prefix(start));
            let name = match (rest, line.split_once(" => ")) {
                (Some(rest), _) => rest.split(['(', '<', ' ', '{']).next(),
                (None, Some((name, _))) => Some(name),
                (None, None) => None,
            };
            names.extend(name.filter(|name| is_name(name)).map(str::to_owned));
        }
    }
    names
}

#[test]
fn every_test_that_the_map_names_exists() {
    let mut names = defined(&root().join("tests"));
    for krate in fs::read_dir(root().join("crates")).unwrap() {
        let krate = krate.unwrap().path();
        names.extend(defined(&krate.join("src")));
        names.extend(defined(&krate.join("tests")));
    }
    let document = document();
    let mentioned = mentioned(&document);
    assert!(mentioned.len() > 100, "{} names are few for so long a map", mentioned.len());
    let missing: Vec<_> = mentioned.iter().filter(|name| !names.contains(**name)).collect();
    assert!(missing.is_empty(), "the map names tests that do not exist: {missing:#?}");
}

#[test]
fn every_test_of_the_kernel_is_on_the_map() {
    let document = document();
    let mentioned = mentioned(&document);
    let mut files = Vec::new();
    sources(&root().join("tests/kernel"), &mut files);
    let mut missing = Vec::new();
    for file in files.iter().filter(|file| !file.ends_with("document.rs")) {
        let text = fs::read_to_string(file).unwrap();
        let mut lines = text.lines().map(str::trim).peekable();
        while let Some(line) = lines.next() {
            let plain = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            let case = line.split_once(" => ").filter(|(_, cell)| cell.ends_with(','));
            let name = match line {
                "#[test]" => lines.peek().and_then(|next| next.strip_prefix("fn ")),
                _ => case.map(|(name, _)| name).filter(|_| plain.is_none()),
            };
            let name = name.and_then(|name| name.split('(').next()).filter(|name| is_name(name));
            missing.extend(name.filter(|name| !mentioned.contains(name)).map(str::to_owned));
        }
    }
    // The parts are other tests' processes.
    missing.retain(|name| !name.starts_with("the_part_of_"));
    assert!(missing.is_empty(), "the map lacks {missing:#?}");
}
