//! What a value lacks of another one.

use serde_json::{Map, Value};

use crate::input::lines::ValuePath;

/// What makes a value of another one, without taking anything away.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It stays.
    None,
    /// A scalar, or nothing, becomes this.
    Value(Value),
    /// Fields of an object change, and others are added.
    Fields {
        /// Those that are there.
        inner: Vec<(String, Change)>,
        /// Those that are not.
        added: Vec<(String, Value)>,
    },
    /// The items of a list, in their order afterwards.
    Items(Vec<Item>),
}

/// An item of a list afterwards.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// The next of those that are there.
    Kept(Change),
    /// One that is not there.
    New(Value),
}

impl Change {
    /// What makes `after` of `before`.
    ///
    /// # Errors
    ///
    /// The way to something that would have to go.
    pub fn between(before: &Value, after: &Value) -> Result<Self, ValuePath> {
        change(before, after, &ValuePath::default())
    }

    /// Whether everything stays.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }

    /// Changes a value.
    ///
    /// # Errors
    ///
    /// The way to something that is not as it was in the value that the change was made from.
    pub fn apply(&self, value: &mut Value) -> Result<(), ValuePath> {
        apply(self, value, &ValuePath::default())
    }
}

fn change(before: &Value, after: &Value, path: &ValuePath) -> Result<Change, ValuePath> {
    match (before, after) {
        _ if before == after => Ok(Change::None),
        (Value::Object(before), Value::Object(after)) => fields(before, after, path),
        (Value::Array(before), Value::Array(after)) => items(before, after, path),
        (Value::Object(_) | Value::Array(_), _) => Err(path.clone()),
        (Value::Null, _) | (_, Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
            Ok(Change::Value(after.clone()))
        }
        _ => Err(path.clone()),
    }
}

fn fields(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    path: &ValuePath,
) -> Result<Change, ValuePath> {
    if let Some(gone) = before.keys().find(|key| !after.contains_key(*key)) {
        return Err(path.clone().key(gone));
    }
    let mut inner = Vec::new();
    let mut added = Vec::new();
    for (key, after) in after {
        match before.get(key) {
            None => added.push((key.clone(), after.clone())),
            Some(before) => {
                let change = change(before, after, &path.clone().key(key))?;
                if !change.is_none() {
                    inner.push((key.clone(), change));
                }
            }
        }
    }
    Ok(Change::Fields { inner, added })
}

fn items(before: &[Value], after: &[Value], path: &ValuePath) -> Result<Change, ValuePath> {
    let mut rest = before.iter().enumerate().peekable();
    let mut items = Vec::new();
    for after in after {
        let next = rest.next_if(|(_, before)| is_same_item(before, after));
        items.push(match next {
            Some((index, before)) => Item::Kept(change(before, after, &path.clone().item(index))?),
            None => Item::New(after.clone()),
        });
    }
    match rest.next() {
        Some((index, _)) => Err(path.clone().item(index)),
        None => Ok(Change::Items(items)),
    }
}

/// Whether an item of a list is the same afterwards, though there may be more in it: variables, volumes and containers are
/// known by their names, mounts by name and path.
fn is_same_item(before: &Value, after: &Value) -> bool {
    let has_same = |field| before.get(field) == after.get(field);
    let is_named = before.get("name").is_some_and(Value::is_string);
    before == after || (is_named && has_same("name") && has_same("mountPath"))
}

fn apply(change: &Change, value: &mut Value, path: &ValuePath) -> Result<(), ValuePath> {
    match change {
        Change::None => {}
        Change::Value(new) => *value = new.clone(),
        Change::Fields { inner, added } => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            let fields = value.as_object_mut().ok_or_else(|| path.clone())?;
            for (key, change) in inner {
                let field = fields.entry(key).or_insert(Value::Null);
                apply(change, field, &path.clone().key(key))?;
            }
            for (key, new) in added {
                if fields.insert(key.clone(), new.clone()).is_some() {
                    return Err(path.clone().key(key));
                }
            }
        }
        Change::Items(items) => {
            let old = match value.take() {
                Value::Array(old) => old,
                Value::Null => Vec::new(),
                _ => return Err(path.clone()),
            };
            let mut old = old.into_iter().enumerate();
            let mut all = Vec::new();
            for item in items {
                all.push(match item {
                    Item::New(new) => new.clone(),
                    Item::Kept(change) => {
                        let (index, mut kept) = old.next().ok_or_else(|| path.clone())?;
                        apply(change, &mut kept, &path.clone().item(index))?;
                        kept
                    }
                });
            }
            if let Some((index, _)) = old.next() {
                return Err(path.clone().item(index));
            }
            *value = Value::Array(all);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn leads_from_one_value_to_the_other() {
        for (before, after) in [
            (json!({}), json!({"a": 1})),
            (json!({"a": null}), json!({"a": {"b": [1]}})),
            (json!({"a": "b,"}), json!({"a": "b,c"})),
            (json!([1, 2]), json!([0, 1, 5, 2, 3])),
            (
                json!([{"name": "a"}, {"name": "b", "env": [{"name": "X", "value": "y"}]}]),
                json!([
                    {"name": "proxy"},
                    {"name": "a", "env": []},
                    {"name": "b", "env": [{"name": "X", "value": "z"}, {"name": "Y"}]},
                ]),
            ),
            (
                json!([{"name": "v", "mountPath": "/a"}]),
                json!([{"name": "v", "mountPath": "/b"}, {"name": "v", "mountPath": "/a"}]),
            ),
        ] {
            let change = Change::between(&before, &after).unwrap();
            let mut value = before;
            change.apply(&mut value).unwrap();
            assert_eq!(value, after);
            assert!(Change::between(&value, &after).unwrap().is_none());
        }
    }

    #[test]
    fn takes_nothing_away() {
        for (before, after, path) in [
            (json!({"a": {"b": 1}}), json!({"a": {}}), "a.b"),
            (json!({"a": [1, 2]}), json!({"a": [2]}), "a[0]"),
            (json!({"a": [{"name": "x"}]}), json!({"a": []}), "a[0]"),
            (json!({"a": {}}), json!({"a": "b"}), "a"),
            (json!({"a": "b"}), json!({"a": null}), "a"),
            (json!({"a": "b"}), json!({"a": {}}), "a"),
        ] {
            let found = Change::between(&before, &after);
            assert_eq!(found, Err(ValuePath::new(path)));
        }
    }

    #[test]
    fn goes_into_values_that_have_less_or_more() {
        let change = Change::between(
            &json!({"metadata": {"generateName": "a-"}, "spec": {"c": [{"name": "x", "image": "i"}]}}),
            &json!({
                "metadata": {"generateName": "a-", "labels": {"l": "m"}},
                "spec": {"c": [{"name": "x", "image": "i", "env": [1]}], "volumes": [2]},
            }),
        )
        .unwrap();
        let mut template = json!({"spec": {"c": [{"image": "i"}]}, "other": 1});
        change.apply(&mut template).unwrap();
        assert_eq!(
            template,
            json!({
                "spec": {"c": [{"image": "i", "env": [1]}], "volumes": [2]},
                "other": 1,
                "metadata": {"labels": {"l": "m"}},
            })
        );
        for (mut other, path) in [
            (json!({"spec": {"c": []}}), "spec.c"),
            (json!({"spec": {"c": [{}, {}]}}), "spec.c[1]"),
            (json!({"spec": {"c": [{}], "volumes": []}}), "spec.volumes"),
            (json!({"spec": {"c": {}}}), "spec.c"),
            (json!({"spec": []}), "spec"),
        ] {
            assert_eq!(change.apply(&mut other), Err(ValuePath::new(path)));
        }
    }
}
