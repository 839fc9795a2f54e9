//! YAML that kubectl reads as it is meant: kubectl follows YAML 1.1, in which more words are no strings.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Map, Value};

/// Words that are booleans or nothing in YAML 1.1, in lower case.
const WORDS: [&str; 10] = [
    "y", "yes", "n", "no", "on", "off", "true", "false", "null", "~",
];

/// `object` in YAML. What could be taken for something else than a string is in double quotes.
///
/// # Errors
///
/// What the library reports, which is nothing for JSON.
pub fn yaml(object: &Value) -> Result<String> {
    let mut mark = "quoted".to_owned();
    let json = object.to_string();
    while json.contains(&mark) {
        mark.push('x');
    }
    let mut strings = BTreeSet::new();
    collect(object, &mut strings);
    let strings: Vec<_> = strings.into_iter().collect();
    // The library quotes what YAML 1.2 asks for, so it gets words that need no quotes in their place.
    let marked = replaced(object, &|text| {
        let index = strings.iter().position(|other| *other == text)?;
        Some(format!("{mark}{index}q"))
    });
    let mut text = yaml_serde::to_string(&marked)?;
    for (index, string) in strings.iter().enumerate() {
        text = text.replace(&format!("{mark}{index}q"), &serde_json::to_string(string)?);
    }
    Ok(text)
}

/// Whether YAML 1.1 may take it for a boolean, a number or nothing.
fn is_ambiguous(text: &str) -> bool {
    let is_numeric = || {
        let is_of_number = |character: char| "0123456789_+-.:eE".contains(character);
        let unsigned = text.trim_start_matches(['+', '-']).to_lowercase();
        let has_base = ["0x", "0o", "0b"]
            .iter()
            .any(|base| unsigned.starts_with(base));
        unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
            && (has_base || unsigned.chars().all(is_of_number))
    };
    WORDS.contains(&text.to_lowercase().as_str()) || is_numeric()
}

fn collect<'v>(value: &'v Value, strings: &mut BTreeSet<&'v str>) {
    match value {
        Value::String(text) if is_ambiguous(text) => {
            strings.insert(text);
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, strings)),
        Value::Object(fields) => {
            for (key, value) in fields {
                if is_ambiguous(key) {
                    strings.insert(key);
                }
                collect(value, strings);
            }
        }
        _ => {}
    }
}

fn replaced(value: &Value, by: &impl Fn(&str) -> Option<String>) -> Value {
    match value {
        Value::String(text) => by(text).map_or_else(|| value.clone(), Value::String),
        Value::Array(items) => items.iter().map(|item| replaced(item, by)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields: Map<_, _> = fields
                .map(|(key, value)| (by(key).unwrap_or_else(|| key.clone()), replaced(value, by)))
                .collect();
            Value::Object(fields)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn quotes_what_kubectl_would_misread() {
        let object = json!({
            "on": "y", "a": ["NO", "off", "Null", "~", "010", "1_000", "0x1f", "1:30", ".5", "2020-01-01", "+1"],
            "b": "yes it is", "c": true, "d": 5, "e": "72f988bf-86f1", "f": "quoted0q", "g": "", "h": "a: b",
        });
        assert_eq!(
            yaml(&object).unwrap(),
            r#""on": "y"
a:
- "NO"
- "off"
- "Null"
- "~"
- "010"
- "1_000"
- "0x1f"
- "1:30"
- ".5"
- "2020-01-01"
- "+1"
b: yes it is
c: true
d: 5
e: 72f988bf-86f1
f: quoted0q
g: ''
h: 'a: b'
"#
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(texts in prop::collection::vec("[a-z0-9 :.+#'\"~\n-]{0,6}|on|Yes|12|quoted[0-9]q", 0..8)) {
            let object: Map<_, _> = texts.iter().map(|text| (text.clone(), json!([text, {text: text}]))).collect();
            let object = Value::Object(object);
            let read: Value = yaml_serde::from_str(&yaml(&object).unwrap()).unwrap();
            prop_assert_eq!(read, object);
        }
    }
}
