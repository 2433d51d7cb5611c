//! The public API as it was reviewed, in `docs/api`, against the one that the sources have: no change
//! of it goes unseen.
//!
//! ```console
//! $ cargo test --test api                       # says what differs
//! $ ANYSOCK_API=write cargo test --test api     # writes it down; then `git diff docs/api`
//! ```
//!
//! It is read from the sources, by syn, so that it needs no nightly compiler and changes with no
//! compiler either. That has its limits: signatures are as they are written (an alias is not
//! followed); what a macro of ours makes is there as the macro and its calls; the auto traits `Send`,
//! `Sync` and `Unpin` are not in it. Which items are public is known from the lint `unreachable_pub`,
//! which the gate denies: what is `pub` can be reached.

mod attributes;
mod macros;
mod paths;
mod sources;
mod surface;

use std::path::Path;
use std::{env, fs};

/// The crates that are published, by the name of their folder.
const CRATES: [(&str, &str); 5] = [
    ("core", "anysock-core"),
    ("async", "anysock-async"),
    ("framing", "anysock-framing"),
    ("anysock", "anysock"),
    ("testing", "anysock-testing"),
];

#[test]
fn the_public_api_is_the_one_that_was_reviewed() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut differences = String::new();
    for (folder, name) in CRATES {
        let found =
            written(name, &sources::read(&top.join("crates").join(folder).join("src/lib.rs")));
        let reviewed = top.join("docs/api").join(format!("{name}.rs"));
        if env::var_os("ANYSOCK_API").is_some_and(|asked| asked == "write") {
            fs::write(&reviewed, &found).unwrap();
        }
        let reviewed = fs::read_to_string(&reviewed).unwrap_or_default();
        if reviewed != found {
            differences += &format!("{name}:\n{}", compared(&reviewed, &found));
        }
    }
    assert!(
        differences.is_empty(),
        "the public API differs from docs/api:\n{differences}\
         If this is meant: ANYSOCK_API=write cargo test --test api, and a line in CHANGELOG.md"
    );
}

/// The API of a crate as it stands in `docs/api`.
fn written(name: &str, module: &sources::Module) -> String {
    let root = name.replace('-', "_");
    let paths = paths::of(&root, module);
    let items = surface::of(module);
    format!(
        "// The public API of {name}, written by tests/api. Not compiled.\n\
         // `_` is what is not public; bodies are empty.\n\n\
         // Paths:\n{paths}\n// Items:\n\n{items}"
    )
}

/// The lines that only one of the two has.
fn compared(reviewed: &str, found: &str) -> String {
    let lacks = |text: &str, line: &str| !text.lines().any(|other| other == line);
    let gone = reviewed.lines().filter(|line| lacks(found, line)).map(|line| format!("- {line}\n"));
    let new = found.lines().filter(|line| lacks(reviewed, line)).map(|line| format!("+ {line}\n"));
    let lines: String = gone.chain(new).collect();
    if lines.is_empty() {
        "  the same lines, otherwise ordered or repeated\n".into()
    } else {
        lines
    }
}

const SOURCE: &str = "
    //! About it.
    mod inner { pub struct Hidden; }
    pub use inner::Hidden as Shown;

    /// What it is.
    #[derive(Debug, Clone)]
    #[allow(dead_code)]
    pub struct Pair<T: Copy> { pub left: T, right: u8 }
    struct Private;

    impl<T: Copy> Pair<T> {
        /// Swaps.
        pub fn swap(self, by: usize) -> Self { let _ = by; self }
        fn secret(&self) {}
    }
    impl From<u8> for Pair<u8> { fn from(right: u8) -> Self { Pair { left: 0, right } } }
    impl From<Private> for Pair<u8> { fn from(_: Private) -> Self { todo!() } }
    impl Drop for Private { fn drop(&mut self) {} }

    macro_rules! named { ($name:ident) => { impl $name { /// Name.
        pub fn name() -> u8 { 1 } } } }
    named!(Shown);

    #[cfg(feature = \"more\")]
    pub fn more() {}
    #[cfg(test)]
    pub fn tested() {}
";

fn surface_of(source: &str) -> String {
    written("sample", &sources::parse(source))
}

#[test]
fn what_is_private_a_body_a_comment_or_a_test_is_no_part_of_it() {
    let first = surface_of(SOURCE);
    for (from, to) in [
        ("About it", "Otherwise"),
        ("What it is", "Otherwise"),
        ("let _ = by; self", "self"),
        ("secret", "mystery"),
        ("right: u8 }\n    struct", "right: u8, third: u8 }\n    struct"),
        ("struct Private;", "struct Private { field: u8 }"),
        ("/// Name.", "/// Otherwise."),
        ("{ 1 }", "{ 2 }"),
        ("tested", "probed"),
        ("allow(dead_code)", "expect(dead_code)"),
    ] {
        let changed = SOURCE.replace(from, to);
        assert_ne!(changed, SOURCE, "{from} is not in the sample");
        assert_eq!(surface_of(&changed), first, "{from} → {to}");
    }
}

#[test]
fn every_change_that_a_user_could_meet_is_seen() {
    let first = surface_of(SOURCE);
    for (from, to) in [
        ("as Shown", "as Other"),
        ("Debug, Clone", "Debug"),
        ("T: Copy> {", "T: Clone> {"),
        ("left: T", "left: u8"),
        ("pub left", "left"),
        ("by: usize", "by: u8"),
        ("-> Self { let", "-> Option<Self> { let"),
        ("pub fn swap", "pub const fn swap"),
        ("pub fn swap", "fn swap"),
        ("From<u8> for", "From<u16> for"),
        ("pub fn name() -> u8", "pub fn name() -> u16"),
        ("named!(Shown)", "named!(Pair)"),
        ("feature = \"more\"", "feature = \"less\""),
        ("pub fn more()", "pub(crate) fn more()"),
    ] {
        let changed = SOURCE.replace(from, to);
        assert_ne!(changed, SOURCE, "{from} is not in the sample");
        assert_ne!(surface_of(&changed), first, "{from} → {to}");
    }
}

#[test]
fn moving_an_item_to_another_private_module_changes_nothing() {
    let one = surface_of("mod a { pub struct A; } mod b { pub struct B; } pub use {a::A, b::B};");
    let other = surface_of("mod c { pub struct B; pub struct A; } pub use c::{A, B};");
    assert_eq!(one, other);
}
