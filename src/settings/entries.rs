//! What the lists of settings have in common whose entries are about ServiceAccounts.
//!
//! A review reads such a list where it is, as far as it needs it. All of a list is checked once, when the policy is loaded.

use std::collections::HashMap;

use super::faults::{Faults, Setting};
use super::shape::{Fields, Shape, field};
use crate::findings::Problem;
use crate::json::{Fault, Reader, each_item};
use crate::messages::Excerpt;
use crate::values::{self, covers, matches};

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

/// How much work it may be to find entries that never count, in bytes that are compared if patterns are as alike as can be:
/// enough for a thousand usual entries with wildcards, and for any number without.
const WORK: usize = 100_000_000;

/// How much is kept for that, in bytes.
const KEPT: usize = 4_000_000;

/// The list that a setting is; `None` if it has no entries, or if it is none, which is a fault.
pub fn list<'s>(faults: &mut Faults, setting: Setting<'s>) -> Option<&'s str> {
    let Some(entries) = setting.value.strip_prefix('[') else {
        faults.expected(setting, "a list");
        return None;
    };
    (!entries.trim_start().starts_with(']')).then_some(setting.value)
}

/// Whether a list of patterns has one that matches a name.
#[inline(never)]
pub fn has_match(list: &mut Reader<'_>, name: &str) -> Result<bool, Fault> {
    let mut has_match = false;
    each_text(list, &mut |pattern| {
        has_match = has_match || matches(pattern, name);
    })?;
    Ok(has_match)
}

/// Gives each text of a list.
///
/// # Errors
///
/// A [`Fault`] if it is not a list of strings.
pub fn each_text(list: &mut Reader<'_>, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
    each_item(list, &mut |_, reader| {
        each(&reader.string("a string")?);
        Ok(true)
    })
}

/// The items of a list in lower case, as JSON.
fn items(list: &str) -> Vec<String> {
    let mut items = Vec::new();
    // What is not a list was noted when its type was checked.
    let _: Result<_, _> = each_item(&mut Reader::new(list), &mut |_, reader| {
        items.push(reader.raw()?.to_ascii_lowercase());
        Ok(true)
    });
    items
}

/// Notes everything that is wrong with a list of entries. `names` are the lists of an entry that say what it matches.
pub fn check(faults: &mut Faults, list: Setting<'_>, shape: &Shape, names: &[&str]) {
    let before = faults.count();
    shape.check(faults, list);
    if faults.count() == before {
        check_order(faults, list, names);
    }
}

/// Notes an entry that is null, and what lists of it have twice.
pub fn check_entry(faults: &mut Faults, entry: Fields<'_>, lists: &[&'static str]) {
    if entry.object.value == "null" {
        faults.expected(entry.object, "an object");
    }
    for name in lists {
        if let Some(list) = entry.get(name) {
            let path = [entry.prefix, name].concat();
            note_repeats(faults, &path, &items(list));
        }
    }
}

/// Notes each text that was there before.
pub fn note_repeats(faults: &mut Faults, path: &str, texts: &[String]) {
    let mut first = HashMap::<&str, usize>::new();
    for (index, text) in texts.iter().enumerate() {
        let earlier = *first.entry(text).or_insert(index);
        if earlier < index {
            let problem = || Problem::SettingRepeats {
                first: Excerpt::new(&format!("{path}[{earlier}]")),
            };
            faults.add_item(path, index, problem);
        }
    }
}

/// Notes each entry that never counts, because what it matches is matched by those before it. If one of its lists `names`
/// is empty, it matches nothing.
fn check_order(faults: &mut Faults, list: Setting<'_>, names: &[&str]) {
    let path = &list.path();
    let mut left = KEPT;
    let mut entries = Vec::new();
    let _: Result<_, _> = each_item(&mut Reader::new(list.value), &mut |_, reader| {
        entries.push(keys(reader.raw()?, names, &mut left));
        Ok(left > 0)
    });
    let mut known = HashMap::<&str, usize>::new();
    let mut wide: Vec<(&str, usize)> = Vec::new();
    let mut wide_bytes: usize = 0;
    let mut work = WORK;
    for (index, keys) in entries.iter().enumerate() {
        let mut earliest = None;
        let mut is_covered = true;
        for key in keys {
            let mut earlier = known.get(key.as_str()).copied();
            work = work.saturating_sub(wide_bytes.saturating_mul(key.len()));
            if earlier.is_none() && work > 0 {
                let covering = wide.iter().find(|(pattern, _)| covers(pattern, key));
                earlier = covering.map(|(_, entry)| *entry);
            }
            is_covered &= earlier.is_some();
            earliest = earliest.or(earlier);
        }
        if let Some(earlier) = earliest.filter(|_| is_covered) {
            faults.add_item(path, index, || Problem::SettingShadowed {
                earlier: Excerpt::new(&format!("{path}[{earlier}]")),
            });
            continue;
        }
        for key in keys {
            known.entry(key).or_insert(index);
            if key.bytes().any(|byte| matches!(byte, b'*' | b'?')) {
                wide_bytes = wide_bytes.saturating_add(key.len());
                wide.push((key, index));
            }
        }
    }
}

/// What an entry matches: each combination of what its lists have, as JSON. No pattern has a character that is escaped.
///
/// There are none if they would take more than is `left`.
fn keys(entry: &str, names: &[&str], left: &mut usize) -> Vec<String> {
    let mut keys = vec![String::new()];
    for name in names {
        let patterns = items(field(entry, name).unwrap_or(r#"["*"]"#));
        let mut longer = Vec::new();
        for key in &keys {
            for pattern in &patterns {
                *left = left.saturating_sub(key.len().saturating_add(pattern.len()));
                if *left == 0 {
                    return Vec::new();
                }
                longer.push([key, pattern.as_str()].concat());
            }
        }
        keys = longer;
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts_one, rejects_members};

    const ID: &str = "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11";
    const CLIENT_ID: &str = "the client ID of an Entra application or managed identity, a UUID";
    const NAMESPACE: &str =
        "a namespace: at most 63 lower-case letters, digits and hyphens, with * and ? for others";
    const NAME: &str =
        "a name: lower-case letters, digits, hyphens and dots, with * and ? for others";

    #[track_caller]
    fn rejects(list: &str, entries: &str, faults: &[String]) {
        let faults: Vec<_> = faults
            .iter()
            .map(|fault| format!("setting {fault}"))
            .collect();
        rejects_members(&format!(r#""{list}":{entries}"#), &faults);
    }

    #[test]
    fn lists_without_a_fault_are_accepted() {
        for member in [
            r#""allowedIdentities":[]"#.to_owned(),
            r#""identityMap":[ ]"#.to_owned(),
            r#""allowedIdentities":null,"identityMap":null"#.to_owned(),
            r#""allowedIdentities":[{}]"#.to_owned(),
            format!(
                r#""allowedIdentities":[{{"namespaces":["*","a-?"],"serviceAccounts":["a.b*"],"clientIDs":["{ID}"],"tenantIDs":["contoso.com"]}},{{"clientIDs":[],"namespaces":null}}]"#
            ),
            format!(r#""identityMap":[{{"clientID":"{ID}"}}]"#),
            r#""identityMap":[{"tenantID":"contoso.com"}]"#.to_owned(),
            r#""identityMap":[{"tokenExpirationSeconds":3600}]"#.to_owned(),
            r#""identityMap":[{"optIn":false}]"#.to_owned(),
            format!(
                r#""identityMap":[{{"namespaces":["a"],"serviceAccounts":["b"],"clientID":"{ID}","tenantID":null,"tokenExpirationSeconds":86400,"optIn":true,"override":true,"lookup":false}}]"#
            ),
        ] {
            accepts_one(&member);
        }
    }

    #[test]
    fn every_fault_has_its_place() {
        rejects(
            "allowedIdentities",
            "{}",
            &["allowedIdentities: expected a list, found an object".to_owned()],
        );
        rejects(
            "identityMap",
            "5",
            &["identityMap: expected a list, found 5".to_owned()],
        );
        rejects("allowedIdentities", r#"[null,"a",{"namespace":["a"]},{"namespaces":"a","serviceAccounts":["a",5,"B"],"clientIDs":["my-app"],"tenantIDs":["a"]}]"#, &[
            "allowedIdentities[0]: expected an object, found null".to_owned(),
            "allowedIdentities[1]: expected an object, found a string".to_owned(),
            "allowedIdentities[2].namespace: there is no such setting; help: did you mean allowedIdentities[2].namespaces?".to_owned(),
            "allowedIdentities[3].namespaces: expected a list, found \"a\"".to_owned(),
            format!("allowedIdentities[3].serviceAccounts[1]: expected {NAME}, found 5"),
            format!("allowedIdentities[3].serviceAccounts[2]: expected {NAME}, found \"B\""),
            format!("allowedIdentities[3].clientIDs[0]: expected {CLIENT_ID}, found \"my-app\"; help: use the clientId that az identity show prints, not a name"),
            "allowedIdentities[3].tenantIDs[0]: expected a tenant ID, a UUID or a verified domain name, found \"a\"".to_owned(),
        ]);
        rejects("identityMap", r#"[{"namespaces":["a.b"],"clientID":"x","tenantID":5,"tokenExpirationSeconds":"3600","optIn":"true","override":1,"lookup":"no"},{}]"#, &[
            format!("identityMap[0].namespaces[0]: expected {NAMESPACE}, found \"a.b\""),
            format!("identityMap[0].clientID: expected {CLIENT_ID}, found \"x\"; help: this is a placeholder that nothing filled in"),
            "identityMap[0].tenantID: expected a tenant ID, a UUID or a verified domain name, found 5".to_owned(),
            "identityMap[0].tokenExpirationSeconds: expected a whole number of seconds from 3600 to 86400, found \"3600\"".to_owned(),
            "identityMap[0].optIn: expected true or false, found \"true\"".to_owned(),
            "identityMap[0].override: expected true or false, found 1".to_owned(),
            "identityMap[0].lookup: expected true or false, found \"no\"".to_owned(),
            "identityMap[1]: required: expected one of clientID, tenantID, tokenExpirationSeconds and optIn, found nothing".to_owned(),
        ]);
        rejects(
            "identityMap",
            r#"[{"lookup":false,"optIn":true}]"#,
            &[format!(
                "identityMap[0].clientID: required: expected {CLIENT_ID}, because lookup: false is set, found nothing"
            )],
        );
    }

    #[test]
    fn what_is_there_twice_is_a_fault() {
        rejects("allowedIdentities", r#"[{"namespaces":["a","b","a"],"clientIDs":["8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11","8F1C2A7E-5D3B-4C59-9A57-0B6F4F0F9D11"]}]"#, &[
            "allowedIdentities[0].namespaces[2]: is the same as allowedIdentities[0].namespaces[0]; help: remove one of them".to_owned(),
            "allowedIdentities[0].clientIDs[1]: is the same as allowedIdentities[0].clientIDs[0]; help: remove one of them".to_owned(),
        ]);
        rejects("allowedIdentities", r#"[{"namespaces":["a"]},{},{"namespaces":["a"]}]"#, &[
            "allowedIdentities[2]: never counts, because allowedIdentities[0] matches all that it matches; help: put it before that one, or remove it".to_owned(),
        ]);
    }

    #[test]
    fn an_entry_that_never_counts_is_a_fault() {
        let shadowed = |index: usize, earlier: usize| {
            format!(
                "identityMap[{index}]: never counts, because identityMap[{earlier}] matches all that it matches; help: put it before that one, or remove it"
            )
        };
        let entry = |scope: &str| format!(r#"{{{scope}"optIn":true}}"#);
        let of = |namespaces: &str| entry(&format!(r#""namespaces":[{namespaces}],"#));
        let both = |namespaces: &str, names: &str| {
            entry(&format!(
                r#""namespaces":[{namespaces}],"serviceAccounts":[{names}],"#
            ))
        };
        for (entries, faults) in [
            (vec![of(r#""a""#), of(r#""b""#), entry("")], vec![]),
            (vec![entry(""), of(r#""b""#)], vec![shadowed(1, 0)]),
            (vec![of(r#""a","b""#), of(r#""b""#)], vec![shadowed(1, 0)]),
            (
                vec![of(r#""a""#), of(r#""b""#), of(r#""b","a""#)],
                vec![shadowed(2, 1)],
            ),
            (
                vec![of(r#""team-*""#), of(r#""team-a-*","team-?""#)],
                vec![shadowed(1, 0)],
            ),
            (vec![of(r#""team-?""#), of(r#""team-*""#)], vec![]),
            (
                vec![
                    both(r#""a""#, r#""x""#),
                    both(r#""a""#, r#""y""#),
                    of(r#""a""#),
                ],
                vec![],
            ),
            (
                vec![
                    both(r#""*""#, r#""x""#),
                    both(r#""a""#, r#""x","y""#),
                    both(r#""a""#, r#""y""#),
                ],
                vec![shadowed(2, 1)],
            ),
            (
                vec![of(r#""a""#), of("")],
                vec![
                    "identityMap[1].namespaces: expected one pattern at least, found an empty list"
                        .to_owned(),
                ],
            ),
        ] {
            let entries = format!("[{}]", entries.join(","));
            if faults.is_empty() {
                accepts_one(&format!(r#""identityMap":{entries}"#));
            } else {
                rejects("identityMap", &entries, &faults);
            }
        }
    }
}
