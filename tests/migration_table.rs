//! The tests that `docs/migrating-from-the-webhook.md` names exist.

use std::{collections::BTreeSet, fs, path::Path};

use regex::Regex;
use serde_json::Value;

#[test]
fn every_test_that_the_table_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| fs::read_to_string(root.join(file)).expect(file);

    let mut vectors = BTreeSet::new();
    for entry in fs::read_dir(root.join("test_data/vectors")).expect("vectors") {
        let name = entry.expect("an entry").file_name();
        let name = name.into_string().expect("a name");
        if name.ends_with(".jsonl") {
            for line in read(&format!("test_data/vectors/{name}")).lines() {
                let vector: Value = serde_json::from_str(line).expect("a vector");
                let vector = vector["name"].as_str().expect("a name").to_owned();
                assert!(vectors.insert(vector.clone()), "{vector}: there are two");
            }
            vectors.insert(name);
        }
    }
    let code = read("src/review/tests.rs") + &read("src/settings.rs");

    let docs = read("docs/migrating-from-the-webhook.md");
    let (_, table) = docs.split_once("| feature | test |\n").expect("the table");
    let name = Regex::new("`([^`]+)`").expect("a pattern");
    let mut count = 0;
    for row in table.lines().skip(1) {
        let tests = row.split('|').nth(2).expect("a column of tests");
        for test in name.captures_iter(tests).map(|found| found[1].to_owned()) {
            let is_function = code.contains(&format!("fn {test}()"));
            assert!(
                is_function || vectors.contains(&test),
                "{test}: no such test"
            );
            count += 1;
        }
    }
    assert!(count > 30, "found {count} tests in the table");
}
