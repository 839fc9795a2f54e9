//! How messages name things: one voice for refusals, warnings and faults of the settings.

use std::fmt;

/// Longest piece of a user's text that a message repeats, in characters.
const EXCERPT_LENGTH: usize = 60;

/// A user's text as a message repeats it: its beginning, where it is long.
pub fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_LENGTH) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A user's text as a message repeats it, in quotes.
pub fn quote(text: &str) -> String {
    format!("{:?}", excerpt(text))
}

/// Names in a row, with commas.
pub fn join<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().collect();
    names.join(", ")
}

/// An object as messages name it: kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    kind: &'static str,
    namespace: String,
    name: String,
}

impl ObjectName {
    /// The object of this kind, namespace and name.
    pub fn new(kind: &'static str, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// An object that is about to be created: its name, else its `generateName` with a `*` for what will follow.
    pub fn generated(kind: &'static str, namespace: &str, name: &str, generate_name: &str) -> Self {
        if name.is_empty() {
            Self::new(kind, namespace, &format!("{generate_name}*"))
        } else {
            Self::new(kind, namespace, name)
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(excerpt(&"é".repeat(60)), "é".repeat(60));
        assert_eq!(excerpt(&"é".repeat(61)), format!("{}...", "é".repeat(60)));
    }

    #[test]
    fn quotes_and_control_characters_are_escaped() {
        assert_eq!(quote("a\"b\n\u{1b}[0m"), r#""a\"b\n\u{1b}[0m""#);
    }

    #[test]
    fn objects_are_named_as_kubectl_does() {
        let pod = |name, generate_name| {
            ObjectName::generated("Pod", "default", name, generate_name).to_string()
        };
        assert_eq!(pod("demo", "ignored-"), "Pod default/demo");
        assert_eq!(pod("", "demo-7d9c-"), "Pod default/demo-7d9c-*");
        assert_eq!(pod("", ""), "Pod default/*");
    }
}
