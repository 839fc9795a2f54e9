//! Every link in the Markdown files that leads to a file or a heading of the repository has one there.

use std::collections::BTreeMap;

use super::{files, root, text};

/// The targets of a text's links, those in code left out.
fn targets(markdown: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for line in prose(markdown) {
        // A link in single backticks is only shown.
        let line: String = line.split('`').step_by(2).collect();
        let mut rest = line.as_str();
        while let Some((_, after)) = rest.split_once("](") {
            let (target, after) = after.split_once(')').expect("the end of a link");
            targets.push(target.to_owned());
            rest = after;
        }
    }
    targets
}

/// The lines of a text that are not in a block of code.
fn prose(markdown: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    markdown.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    })
}

/// The anchors that GitHub gives to a text's headings.
pub fn anchors(markdown: &str) -> Vec<String> {
    let mut seen = BTreeMap::<String, usize>::new();
    prose(markdown)
        .filter(|line| line.starts_with('#'))
        .map(|heading| {
            let anchor: String = heading
                .trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter_map(|c| match c {
                    ' ' => Some('-'),
                    _ => (c.is_alphanumeric() || "-_".contains(c)).then_some(c),
                })
                .collect();
            let count = seen.entry(anchor.clone()).or_default();
            *count += 1;
            match count {
                1 => anchor,
                _ => format!("{anchor}-{}", *count - 1),
            }
        })
        .collect()
}

#[test]
fn every_link_to_a_file_or_heading_leads_there() {
    let mut faults = Vec::new();
    let mut count = 0;
    for file in files("", ".md") {
        // Transcripts hold other texts; the site's pages are linked from where build.mjs puts them.
        if file.starts_with("cli/tests/") || file.starts_with("site/") {
            continue;
        }
        let directory = std::path::Path::new(&file).parent().expect("a directory");
        for target in targets(&text(&file)) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let linked = match path {
                "" => file.clone(),
                path => directory
                    .join(path)
                    .to_str()
                    .expect("a path in UTF-8")
                    .to_owned(),
            };
            if !root().join(&linked).exists() {
                faults.push(format!("{file}: {target}: there is no such file"));
            } else if !anchor.is_empty() && !anchors(&text(&linked)).iter().any(|a| a == anchor) {
                faults.push(format!("{file}: {target}: there is no such heading"));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
    assert!(count > 50, "only {count} links were found");
}

#[test]
fn links_and_anchors_are_found() {
    let markdown =
        "# A `b`, c\n[x](y.md) and [z](#a-b-c), `[no](no)`\n```\n[no](no)\n```\n# A b c\n";
    assert_eq!(targets(markdown), ["y.md", "#a-b-c"]);
    assert_eq!(anchors(markdown), ["a-b-c", "a-b-c-1"]);
}
