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
    /// Its kind.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name, or its `generateName` where it has none yet.
    pub name: String,
    /// Whether the name is still to be made from `generateName`.
    pub is_generated: bool,
    /// The path of the pod template in it, where it is that which is spoken of.
    template: &'static str,
}

impl ObjectName {
    /// The object of this kind, namespace and name.
    pub fn new(kind: &'static str, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            is_generated: false,
            template: "",
        }
    }

    /// An object that is about to be created: by its name, else by its `generateName`.
    pub fn generated(kind: &'static str, namespace: &str, name: &str, generate_name: &str) -> Self {
        let is_generated = name.is_empty();
        let name = if is_generated { generate_name } else { name };
        Self {
            is_generated,
            ..Self::new(kind, namespace, name)
        }
    }

    /// The pod template that stands at this path of the object.
    #[must_use]
    pub fn template(&self, path: &'static str) -> Self {
        Self {
            template: path,
            ..self.clone()
        }
    }

    /// How messages about its labels and annotations begin: for a pod template, its path belongs to it.
    pub fn metadata(&self) -> impl fmt::Display {
        match self.template {
            "" => self.to_string(),
            path => format!("{self}: {path}"),
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)?;
        if self.is_generated {
            f.write_str("*")?;
        }
        Ok(())
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

    #[test]
    fn the_metadata_of_a_template_has_its_path() {
        let deployment = ObjectName::new("Deployment", "default", "web");
        assert_eq!(deployment.metadata().to_string(), "Deployment default/web");
        let template = deployment.template("spec.template");
        assert_eq!(template.to_string(), "Deployment default/web");
        assert_eq!(
            template.metadata().to_string(),
            "Deployment default/web: spec.template"
        );
    }
}
