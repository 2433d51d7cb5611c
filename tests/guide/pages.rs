//! The pages: indexed, linked, compiled.

use std::path::Path;

use crate::{files, read, root};

/// The targets of all links in `text` that lead to a file, without their anchors.
fn links(text: &str) -> Vec<(&str, Option<&str>)> {
    let targets = text.match_indices("](").map(|(at, _)| text[at + 2..].split(')').next().unwrap());
    let images =
        text.match_indices("src=\"").map(|(at, _)| text[at + 5..].split('"').next().unwrap());
    let local = targets.chain(images).filter(|target| {
        !target.contains("://") && !target.contains(char::is_whitespace) && !target.contains('(')
    });
    local
        .map(|it| it.split_once('#').map_or((it, None), |(file, part)| (file, Some(part))))
        .collect()
}

/// As GitHub makes an anchor of a heading.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        text.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
    };
    headings.map(anchor).collect()
}

/// The guide, and what stands at the top.
fn pages() -> Vec<std::path::PathBuf> {
    let mut pages = files(&root().join("docs"), "md");
    for page in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"] {
        pages.push(root().join(page));
    }
    pages
}

#[test]
fn every_page_is_in_the_index() {
    let index = read("docs/README.md");
    let listed: Vec<_> = links(&index).into_iter().map(|(file, _)| file).collect();
    for page in files(&root().join("docs"), "md") {
        let name = page.file_name().unwrap().to_str().unwrap();
        assert!(name == "README.md" || listed.contains(&name), "{name} is not in docs/README.md");
    }
}

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_in_it() {
    let mut count = 0;
    for page in pages() {
        let text = read(&page);
        for (file, part) in links(&text) {
            let target =
                if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{} links to {file}, which is not there", page.display());
            if let Some(part) = part {
                let anchors = anchors(&read(&target));
                let is_there = anchors.iter().any(|anchor| anchor == part);
                assert!(is_there, "{} links to {file}#{part}: {anchors:?}", page.display());
            }
            count += 1;
        }
    }
    assert!(count > 50, "the pages were not read");
}

/// crates.io and docs.rs show it without the files beside it.
#[test]
fn the_readme_of_a_crate_links_to_no_file() {
    for layer in ["core", "async", "framing", "anysock", "testing"] {
        let text = read(Path::new("crates").join(layer).join("README.md"));
        assert!(text.contains("https://docs.rs/anysock"), "{layer}: it leads nowhere");
        assert_eq!(links(&text), [], "{layer}");
    }
}

#[test]
fn every_program_is_compiled_and_run() {
    let compiled = read("crates/anysock/src/lib.rs") + &read("crates/anysock/src/guide.rs");
    for page in files(&root().join("docs"), "md").into_iter().chain([root().join("README.md")]) {
        let name = page.strip_prefix(root()).unwrap();
        // Its excerpts are looked for in programs that are compiled, by a test beside those.
        if name.ends_with("MOVING.md") {
            continue;
        }
        let text = read(&page);
        let mut fences = text.lines().filter(|line| line.starts_with("```rust"));
        let has_programs = fences.clone().next().is_some();
        let excused = fences.find(|fence| *fence != "```rust");
        assert_eq!(excused, None, "{} has a program that is not run", name.display());
        let is_compiled = compiled.contains(&format!("/../../{}", Path::display(name)));
        assert!(is_compiled || !has_programs, "{} is not in anysock/src/guide.rs", name.display());
    }
}
