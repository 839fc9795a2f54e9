//! What the lists of settings have in common whose entries are about ServiceAccounts.
//!
//! A review reads such a list where it is, as far as it needs it. All of a list is checked once, when the policy is loaded.

use std::borrow::Cow;
use std::collections::HashMap;

use super::faults::{Faults, Setting};
use super::shape::{Fields, Shape, field};
use crate::findings::{Found, Problem};
use crate::json::{Reader, each_item};
use crate::messages::Excerpt;
use crate::values::{self, covers};

/// Patterns of namespaces.
pub const NAMESPACES: (&str, Shape) = (
    "namespaces",
    Shape::List(&Shape::Text(values::namespace_pattern)),
);

/// Patterns of ServiceAccounts.
pub const SERVICE_ACCOUNTS: (&str, Shape) = (
    "serviceAccounts",
    Shape::List(&Shape::Text(values::name_pattern)),
);

/// How many comparisons of patterns are made to find entries that never count: enough for a thousand entries with
/// wildcards, and for any number without.
const COMPARISONS: usize = 500_000;

/// The list that a setting is; `None` if it has no entries, or if it is none, which is a fault.
pub fn list<'s>(faults: &mut Faults, setting: Setting<'s>) -> Option<&'s str> {
    let Some(entries) = setting.value.strip_prefix('[') else {
        faults.expected(setting, "a list");
        return None;
    };
    (!entries.trim_start().starts_with(']')).then_some(setting.value)
}

/// Whether a list of texts has one that `fits`.
pub fn has(list: &str, fits: &dyn Fn(&str) -> bool) -> bool {
    let mut has = false;
    // What is not a list of strings has none.
    let _: Result<_, _> = each_item(list, &mut |_, item| {
        has = has || text(item).is_some_and(|text| fits(&text));
    });
    has
}

/// A string; `None` if it is something else.
#[inline(never)]
pub fn text(json: &str) -> Option<Cow<'_, str>> {
    Reader::new(json).string("a string").ok()
}

/// The texts of a list, in lower case.
fn texts(list: &str) -> Vec<String> {
    let texts = items(list).into_iter().filter_map(text);
    texts.map(|text| text.to_ascii_lowercase()).collect()
}

/// The items of a list, as JSON.
fn items(list: &str) -> Vec<&str> {
    let mut items = Vec::new();
    // What is not a list was noted when its type was checked.
    let _: Result<_, _> = each_item(list, &mut |_, item| items.push(item));
    items
}

/// Notes an entry that is null, and what lists of it have twice.
pub fn check_entry(faults: &mut Faults, entry: Fields<'_>, lists: &[&'static str]) {
    if entry.object.value == "null" {
        faults.expected(entry.object, "an object");
    }
    for name in lists {
        if let Some(list) = entry.get(name) {
            let path = [entry.prefix, name].concat();
            note_repeats(faults, &path, &texts(list));
        }
    }
}

/// Notes the entries of a list that are there twice.
pub fn check_for_repeats(faults: &mut Faults, list: Setting<'_>) {
    let entries = items(list.value).into_iter();
    let entries: Vec<_> = entries.map(str::to_ascii_lowercase).collect();
    note_repeats(faults, &list.path(), &entries);
}

fn note_repeats(faults: &mut Faults, path: &str, texts: &[String]) {
    let mut first = HashMap::<&str, usize>::new();
    for (index, text) in texts.iter().enumerate() {
        let earlier = *first.entry(text).or_insert(index);
        if earlier < index {
            let problem = || Problem::SettingRepeats {
                first: item(path, earlier),
            };
            faults.add_item(path, index, problem);
        }
    }
}

/// Notes the entries of a list of which only the first that matches counts, if all that they match is matched before.
///
/// An entry that matches nothing is noted too.
pub fn check_order(faults: &mut Faults, list: Setting<'_>) {
    let path = &list.path();
    let mut keys = Vec::new();
    let mut scopes = Vec::new();
    for entry in items(list.value) {
        let patterns = |name| match field(entry, name) {
            Some(list) => texts(list),
            None => vec!["*".to_owned()],
        };
        let (namespaces, names) = (patterns(NAMESPACES.0), patterns(SERVICE_ACCOUNTS.0));
        let pairs = namespaces.iter().flat_map(|namespace| {
            let pair = move |name: &String| [namespace, "/", name].concat();
            names.iter().map(pair)
        });
        let start = keys.len();
        // As many as are compared.
        keys.extend(pairs.take(COMPARISONS.saturating_sub(start)));
        scopes.push(start..keys.len());
    }
    let mut known = HashMap::<&str, usize>::new();
    let mut wide: Vec<(&str, usize)> = Vec::new();
    let mut left = COMPARISONS;
    for (index, scope) in scopes.into_iter().enumerate() {
        let keys = keys.get(scope).unwrap_or_default();
        if keys.is_empty() && left > 0 {
            let problem = || Problem::SettingMalformed {
                expected: "namespaces and serviceAccounts with one pattern at least".into(),
                found: Found::Kind("an empty list"),
                hint: None,
            };
            faults.add_item(path, index, problem);
            continue;
        }
        let mut earliest = None;
        let is_covered = keys.iter().all(|key| {
            let earlier = known.get(key.as_str()).copied().or_else(|| {
                left = left.saturating_sub(wide.len());
                let mut wide = wide.iter().filter(|_| left > 0);
                wide.find(|(pattern, _)| covers(pattern, key))
                    .map(|(_, earlier)| *earlier)
            });
            earliest = earliest.or(earlier);
            earlier.is_some()
        });
        if let Some(earlier) = earliest.filter(|_| is_covered) {
            let problem = || Problem::SettingShadowed {
                earlier: item(path, earlier),
            };
            faults.add_item(path, index, problem);
            continue;
        }
        for key in keys {
            known.entry(key).or_insert(index);
            if key.contains(['*', '?']) {
                wide.push((key, index));
            }
        }
    }
}

/// The path of an item of a list.
pub fn item(path: &str, index: usize) -> Excerpt {
    Excerpt::new(&format!("{path}[{index}]"))
}
