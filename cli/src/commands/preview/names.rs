//! Names of objects.

use serde_json::Value;

/// How many files or objects a note names.
const NAMED: usize = 20;

/// An object as messages name it.
pub fn title(kind: &str, namespace: &str, name: &str) -> String {
    // A name with a line break, which Kubernetes rejects, must not look like two lines.
    format!("{kind} {namespace}/{name}").replace(['\n', '\r'], " ")
}

/// The name of `object`; if the API server generates it, how it starts and a `*`.
pub fn name(object: &Value) -> String {
    let text = |path| object.pointer(path).and_then(Value::as_str);
    match (text("/metadata/name"), text("/metadata/generateName")) {
        (Some(name), _) => name.to_owned(),
        (None, prefix) => format!("{}*", prefix.unwrap_or_default()),
    }
}

/// Names in a list; if they are many, some of them and how many more there are.
pub fn shortened(names: &[String]) -> String {
    shortened_to(NAMED, names)
}

/// Names in a list; if they are more than `most`, that many of them and how many more there are.
pub fn shortened_to(most: usize, names: &[String]) -> String {
    let listed: Vec<_> = names.iter().take(most).map(String::as_str).collect();
    let listed = listed.join(", ");
    match names.len().saturating_sub(most) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}
