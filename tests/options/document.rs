//! The table of options names tests that exist, and enough of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn every_effect_that_the_table_names_is_a_test_or_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for directory in ["tests/options", "tests/network"] {
        for file in fs::read_dir(root.join(directory)).unwrap() {
            sources += &fs::read_to_string(file.unwrap().path()).unwrap();
        }
    }
    let table = fs::read_to_string(root.join("crates/core/src/options/mod.rs")).unwrap();
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("/// | [`")).collect();
    assert!(rows.len() >= 50, "{} rows are few", rows.len());
    let mut seen = BTreeSet::new();
    for row in rows {
        let cells: Vec<_> = row.split(" | ").collect();
        let effect = cells.last().unwrap().trim_end_matches(" |");
        if let Some(why) = effect.strip_prefix("not seen: ") {
            assert!(why.len() > 20, "{row}");
            continue;
        }
        let test = effect.trim_matches('`');
        let function = format!("fn {test}()");
        let at = sources.find(&function).unwrap_or_else(|| panic!("there is no test {test}"));
        let before = sources[..at].trim_end().trim_end_matches("async").trim_end();
        assert!(before.ends_with("#[test]") || before.ends_with("#[tokio::test]"), "{test}");
        seen.insert(cells[1].to_owned());
    }
    assert!(seen.len() >= 25, "the effects of {} options are seen", seen.len());
}
