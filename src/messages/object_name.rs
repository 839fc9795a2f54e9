//! Names of objects.

use std::borrow::Cow;
use std::fmt;

use super::Excerpt;

/// An object as messages name it: kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// Its kind.
    pub kind: Cow<'static, str>,
    /// Its namespace.
    pub namespace: Excerpt,
    /// Its name, or its `generateName` if it has none yet.
    pub name: Excerpt,
    /// Whether the name is still to be generated from `generateName`.
    pub is_generated: bool,
}

impl ObjectName {
    /// The object of this kind, namespace and name.
    pub fn new(kind: impl Into<Cow<'static, str>>, namespace: &str, name: &str) -> Self {
        Self {
            kind: kind.into(),
            namespace: Excerpt::new(namespace),
            name: Excerpt::new(name),
            is_generated: false,
        }
    }

    /// An object that is about to be created: by its name, else by its `generateName`.
    pub fn generated(
        kind: impl Into<Cow<'static, str>>,
        namespace: &str,
        name: &str,
        generate_name: &str,
    ) -> Self {
        let is_generated = name.is_empty();
        let name = if is_generated { generate_name } else { name };
        Self {
            is_generated,
            ..Self::new(kind, namespace, name)
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        f.write_str(" ")?;
        self.namespace.bare().fmt(f)?;
        f.write_str("/")?;
        self.name.bare().fmt(f)?;
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
    fn objects_are_named_as_kubectl_does() {
        let pod = |name, generate_name| {
            ObjectName::generated("Pod", "default", name, generate_name).to_string()
        };
        assert_eq!(pod("demo", "ignored-"), "Pod default/demo");
        assert_eq!(pod("", "demo-7d9c-"), "Pod default/demo-7d9c-*");
        assert_eq!(pod("", ""), "Pod default/*");
        assert_eq!(pod("a\nb", ""), r#"Pod default/"a\nb""#);
    }

    #[test]
    fn both_names_are_shortened() {
        let name = ObjectName::new("Pod", "0123456789", "abcdefghij");
        assert_eq!(format!("{name:.8}"), "Pod 012...89/abc...ij");
    }
}
