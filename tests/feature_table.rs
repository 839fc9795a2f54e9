//! The tests that `docs/testing.md` names for the features of the webhook exist.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod vector_files;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;

#[test]
fn every_test_that_the_table_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| fs::read_to_string(root.join(file)).expect(file);

    let vectors = vector_files::all().into_iter();
    let vectors: BTreeSet<_> = vectors
        .flat_map(|vector| [vector.name, vector.file])
        .collect();
    let code = read("src/review/tests.rs") + &read("src/settings.rs");

    let docs = read("docs/testing.md");
    let (_, table) = docs.split_once("| feature | test |\n").expect("the table");
    let name = Regex::new("`([^`]+)`").expect("a pattern");
    let mut count = 0;
    for row in table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'))
    {
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
