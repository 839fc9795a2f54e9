//! The menu of the site has every page.

use std::collections::BTreeSet;

use super::{files, root, text};

#[test]
fn the_menu_of_the_site_has_each_page_of_the_documentation_once() {
    let summary = text("site/SUMMARY.md");
    let entries: Vec<_> = summary
        .split("](")
        .skip(1)
        .map(|link| link.split_once(')').expect("the end of a link").0)
        .collect();
    let pages: BTreeSet<_> = entries.iter().copied().collect();
    assert_eq!(pages.len(), entries.len(), "a page is there twice");
    for page in &pages {
        assert!(
            root().join(page).is_file(),
            "site/SUMMARY.md: {page}: there is no such file"
        );
    }
    for page in files("docs", ".md") {
        assert!(
            pages.contains(page.as_str()),
            "site/SUMMARY.md: expected {page}"
        );
    }
}
