//! Names of objects.

use serde_json::Value;

/// How many files or objects a note names.
pub const NAMED: usize = 20;

/// An object as messages name it.
pub fn title(kind: &str, namespace: &str, name: &str) -> String {
    format!("{kind} {namespace}/{name}")
}

/// The name of `object`; if the API server generates it, how it starts and a `*`.
pub fn name(object: &Value) -> String {
    let text = |path| object.pointer(path).and_then(Value::as_str);
    match (text("/metadata/name"), text("/metadata/generateName")) {
        (Some(name), _) => name.to_owned(),
        (None, prefix) => format!("{}*", prefix.unwrap_or_default()),
    }
}
