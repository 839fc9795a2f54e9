//! docs/troubleshooting.md tells of each error of Microsoft Entra ID that `azwi-policy diagnose` knows, and of no others.

use std::collections::BTreeSet;

use super::{files, text};

/// What a person meets who makes a credential: the program is asked about pods.
const OF_PEOPLE: [&str; 1] = ["50005"];

/// The numbers that follow AADSTS in a text.
fn codes(text: &str) -> BTreeSet<String> {
    text.split("AADSTS")
        .skip(1)
        .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect())
        .filter(|code: &String| !code.is_empty())
        .collect()
}

/// The numbers that the program's table has, from its source.
fn known() -> BTreeSet<String> {
    let source = text("cli/src/entra/refusal.rs");
    let (_, table) = source.split_once("fn of_code").expect("the table");
    let (table, _) = table.split_once("_ if code").expect("its end");
    let arms = table.lines().filter_map(|line| line.split_once("=>"));
    arms.flat_map(|(numbers, _)| numbers.split('|'))
        .map(|number| number.trim().replace('_', ""))
        .filter(|number| number.parse::<u32>().is_ok())
        .collect()
}

/// The lines of the table of errors in docs/troubleshooting.md.
fn rows(page: &str) -> String {
    let (_, section) = page
        .split_once("\n## Errors of Microsoft Entra ID\n")
        .expect("the section");
    let (section, _) = section.split_once("\n## ").expect("the next section");
    let rows = section.lines().filter(|line| line.starts_with("| AADSTS"));
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_error_that_diagnose_knows_has_its_row() {
    let known = known();
    assert!(known.len() > 40, "only {known:?} were found");
    let mut expected = known;
    expected.extend(OF_PEOPLE.map(str::to_owned));
    let page = text("docs/troubleshooting.md");
    assert_eq!(codes(&rows(&page)), expected);
    // The rest of the page names none that the table does not have.
    assert_eq!(codes(&page), expected);
}

#[test]
fn diagnose_knows_each_error_of_the_documents() {
    let mut known = known();
    known.extend(OF_PEOPLE.map(str::to_owned));
    let mut unknown = Vec::new();
    for page in files("docs", ".md") {
        for code in codes(&text(&page)).difference(&known) {
            unknown.push(format!("{page}: AADSTS{code}"));
        }
    }
    assert_eq!(unknown, Vec::<String>::new());
}
