//! What `docs/MOVING.md` shows is what is compiled, and its figures are counted.

use std::path::Path;

const PROGRAMS: [&str; 3] = ["lines", "requests", "client"];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn source(program: &str, form: &str) -> String {
    read(&format!("ecosystem/examples/moving/{program}/{form}.rs"))
}

/// Lines of code: neither blank nor only a comment.
fn count(program: &str, form: &str) -> usize {
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    source(program, form).lines().filter(is_code).count()
}

#[test]
fn the_lines_of_code_are_those_that_the_document_tells() {
    let document = read("docs/MOVING.md");
    let mut sums = [0, 0];
    for program in PROGRAMS {
        let counts = [count(program, "before"), count(program, "after")];
        let row = format!("| `{program}` | {} | {} |", counts[0], counts[1]);
        assert!(document.contains(&row), "docs/MOVING.md has no {row:?}");
        sums = [sums[0] + counts[0], sums[1] + counts[1]];
    }
    let row = format!("| all | {} | {} |", sums[0], sums[1]);
    assert!(document.contains(&row), "docs/MOVING.md has no {row:?}");
}

/// The code without indentation, for an excerpt may stand further to the left.
fn flat(code: &str) -> String {
    code.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| line.to_owned() + "\n")
        .collect()
}

#[test]
fn every_excerpt_is_code_of_one_of_the_programs() {
    let document = read("docs/MOVING.md");
    let all: Vec<_> = PROGRAMS
        .iter()
        .flat_map(|program| ["before", "after"].map(|form| flat(&source(program, form))))
        .collect();
    let excerpts = document.split("```rust,ignore\n").skip(1);
    let excerpts: Vec<_> = excerpts.map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(excerpts.len() >= 6, "only {} excerpts", excerpts.len());
    for excerpt in excerpts {
        let flat = flat(excerpt);
        assert!(all.iter().any(|source| source.contains(&flat)), "nowhere in the code:\n{excerpt}");
    }
}
