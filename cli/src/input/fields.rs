//! Fields of files that are not as expected.

use azure_workload_identity_policy::messages::nearest;

use crate::input::lines::ValuePath;

/// The way to a field that cannot be read, and what is wrong with it, from what serde says.
pub fn fault(error: &serde_path_to_error::Error<serde_json::Error>) -> (ValuePath, String) {
    let path = error.path().to_string();
    let path = path.trim_start_matches('.');
    let text = error.inner().to_string();
    let mut quoted = text.split('`').skip(1).step_by(2);
    let inner = |name: &str| match path {
        "" => name.to_owned(),
        path if path.ends_with(name) => path.to_owned(),
        path => format!("{path}.{name}"),
    };
    let (path, error) = if text.starts_with("unknown field") {
        let name = quoted.next().unwrap_or_default();
        let known: Vec<&str> = quoted.collect();
        let path = inner(name);
        let error = format!(
            "{path}: there is no such field{}",
            did_you_mean(name, known)
        );
        (path, error)
    } else if text.starts_with("missing field") {
        let name = quoted.next().unwrap_or_default();
        let field = inner(name);
        (path.to_owned(), format!("{field}: required, but not set"))
    } else if text.starts_with("unknown variant") {
        let found = quoted.next().unwrap_or_default();
        let known: Vec<&str> = quoted.collect();
        let help = did_you_mean(found, known.iter().copied());
        let known = known.join(", ");
        let error = format!("{path}: expected one of {known}, found {found:?}{help}");
        (path.to_owned(), error)
    } else {
        let text = match text
            .strip_prefix("invalid type: ")
            .and_then(|rest| rest.split_once(", expected "))
        {
            Some((found, expected)) => {
                format!("expected {}, found {}", of_yaml(expected), of_yaml(found))
            }
            None => text,
        };
        let field = match path {
            // The whole document.
            "" => String::new(),
            path => format!("{path}: "),
        };
        (path.to_owned(), format!("{field}{text}"))
    };
    (ValuePath::new(&path), error)
}

/// What serde calls a type, in the words of people who write YAML.
fn of_yaml(of_serde: &str) -> &str {
    match of_serde {
        "a sequence" | "sequence" => "a list",
        "a map" | "map" => "an object",
        other => other,
    }
}

/// The advice for a name that is one of `known` but for a slip; empty if it is none.
pub fn did_you_mean<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(name, known).map_or_else(String::new, |meant| {
        format!("; help: did you mean {meant}?")
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(rename = "inner")]
        _inner: Vec<Inner>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[serde(rename = "kind")]
        _kind: Kind,
        #[serde(rename = "name")]
        _name: Option<String>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        First,
    }

    #[test]
    fn names_the_field_and_what_is_wrong_with_it() {
        let inner = |inner: Value| json!({"inner": [inner]});
        for (value, path, expected) in [
            (json!({}), "", "inner: required, but not set"),
            (
                json!({"inner": {}}),
                "inner",
                "inner: expected a list, found an object",
            ),
            (
                json!({"innner": []}),
                "innner",
                "innner: there is no such field; help: did you mean inner?",
            ),
            (
                inner(json!({})),
                "inner[0]",
                "inner[0].kind: required, but not set",
            ),
            (
                inner(json!({"kind": "frst"})),
                "inner[0].kind",
                "inner[0].kind: expected one of first, found \"frst\"; help: did you mean first?",
            ),
            (
                inner(json!({"kind": "first", "other": 1})),
                "inner[0].other",
                "inner[0].other: there is no such field",
            ),
            (
                inner(json!({"kind": "first", "name": ["a"]})),
                "inner[0].name",
                "inner[0].name: expected a string, found a list",
            ),
            (json!("a"), "", "expected struct Outer, found string \"a\""),
        ] {
            let error = serde_path_to_error::deserialize::<_, Outer>(&value).err();
            let found = error.map(|error| fault(&error));
            let expected = (ValuePath::new(path), expected.to_owned());
            assert_eq!(found, Some(expected), "{value}");
        }
    }
}
