//! The values of the chart, each with the comment above it.

use serde_json::Value;

use super::{document, of_the_chart, pointer, text};

/// A key of values.yaml.
#[derive(Debug)]
pub struct Entry {
    /// The keys that lead there, with dots.
    pub path: String,
    /// The comment above it, in one line.
    pub comment: String,
    /// Its value.
    pub value: Value,
}

/// The keys of values.yaml in their order. What is in a list is no key.
pub fn entries() -> Vec<Entry> {
    let values = document(&of_the_chart("values.yaml"));
    let mut found = Vec::new();
    // The keys that are open, each with its indentation.
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut comment: Vec<String> = Vec::new();
    for line in text(&of_the_chart("values.yaml")).lines() {
        let content = line.trim_start();
        let indentation = line.len() - content.len();
        if let Some(words) = content.strip_prefix("# ") {
            comment.push(words.to_owned());
        } else if let Some((key, _)) = content.split_once(':')
            && key.chars().all(|c| c.is_alphanumeric() || c == '_')
            && open
                .last()
                .is_none_or(|(_, last)| last != "env" || indentation <= 4)
        {
            open.retain(|(outer, _)| *outer < indentation);
            open.push((indentation, key.to_owned()));
            let keys: Vec<_> = open.iter().map(|(_, key)| key.as_str()).collect();
            let path = keys.join(".");
            let value = values.pointer(&pointer(&path));
            found.push(Entry {
                value: value
                    .unwrap_or_else(|| panic!("values.yaml: {path}"))
                    .clone(),
                comment: comment.join(" "),
                path,
            });
            comment.clear();
        } else {
            comment.clear();
        }
    }
    found
}

/// Values over those of values.yaml, as Helm has them when it looks at the schema.
pub fn over_defaults(values: &Value) -> Value {
    let mut merged = document(&of_the_chart("values.yaml"));
    json_patch::merge(&mut merged, values);
    merged
}

/// Whether one path leads into the other.
fn is_within(inner: &str, outer: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.starts_with('.'))
}

/// The keys that are described one by one: with a comment, and none further in.
pub fn rows() -> Vec<Entry> {
    let entries = entries();
    let described: Vec<_> = entries
        .iter()
        .filter(|entry| !entry.comment.is_empty())
        .map(|entry| entry.path.clone())
        .collect();
    let mut entries = entries;
    entries.retain(|entry| {
        described.contains(&entry.path)
            && !described.iter().any(|other| is_within(other, &entry.path))
    });
    entries
}

/// The values that no comment describes, be it that of an object around them.
pub fn undescribed() -> Vec<String> {
    let entries = entries();
    let rows = rows();
    let is_leaf = |path: &str| !entries.iter().any(|other| is_within(&other.path, path));
    entries
        .iter()
        .map(|entry| entry.path.clone())
        .filter(|path| is_leaf(path))
        .filter(|path| {
            !rows
                .iter()
                .any(|row| row.path == *path || is_within(path, &row.path))
        })
        .collect()
}
