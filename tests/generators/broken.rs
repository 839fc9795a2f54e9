//! Breaks JSON: wrong types, nulls, missing parts, duplicates, and too much of everything.

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use super::text::one_in;

/// Breaks a value in one to three places; `filler` is the string inside what it puts there.
pub fn break_it(u: &mut Unstructured<'_>, value: &mut Value, filler: &str) -> Result<()> {
    for _ in 0..u.int_in_range(1..=3)? {
        let place = descend(u, value)?;
        spoil(u, place, filler)?;
    }
    Ok(())
}

/// A value somewhere inside another one.
fn descend<'v>(u: &mut Unstructured<'_>, value: &'v mut Value) -> Result<&'v mut Value> {
    let length = match value {
        Value::Object(fields) => fields.len(),
        Value::Array(items) => items.len(),
        _ => 0,
    };
    if length == 0 || one_in(u, 6)? {
        return Ok(value);
    }
    let index = u.choose_index(length)?;
    let inner = match value {
        Value::Object(fields) => fields.values_mut().nth(index),
        Value::Array(items) => items.get_mut(index),
        _ => None,
    };
    descend(u, inner.expect("a value at every index"))
}

fn spoil(u: &mut Unstructured<'_>, value: &mut Value, filler: &str) -> Result<()> {
    match (u.int_in_range(0..=11)?, &mut *value) {
        (0, Value::Object(fields)) => {
            if let Some(key) = fields.keys().next().cloned() {
                fields.remove(&key);
            }
        }
        (1, Value::Array(items)) => {
            let again = items.first().cloned();
            items.extend(again);
        }
        (2, Value::Array(items)) => items.push(filler.into()),
        (3, Value::Array(items)) => items.push(Value::Null),
        (4, Value::Object(fields)) => {
            fields.insert(filler.to_owned(), Value::Null);
        }
        (5, _) => *value = Value::Bool(true),
        (6, _) => *value = json!(-1.5),
        (7, _) => *value = json!([filler]),
        (8, _) => *value = json!({"name": "broken", "value": filler}),
        (9, _) => *value = "broken".into(),
        (10, _) => {
            let mut nested = Value::from(filler);
            for level in 0..u.int_in_range(1..=60)? {
                nested = match level % 2 {
                    0 => json!([nested]),
                    _ => json!({"spec": nested}),
                };
            }
            *value = nested;
        }
        _ => *value = Value::Null,
    }
    Ok(())
}
