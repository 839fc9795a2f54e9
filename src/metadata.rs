//! The metadata of an object, as far as the policy reads it.

use std::borrow::Cow;

use crate::keys::PREFIX;
use crate::lens::{Fault, Reader};

/// Names, and the labels and annotations that carry our prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata<'a> {
    /// `metadata.name`, empty where it is not set.
    pub name: Cow<'a, str>,
    /// `metadata.generateName`, empty where it is not set.
    pub generate_name: Cow<'a, str>,
    labels: Entries<'a>,
    annotations: Entries<'a>,
}

type Entries<'a> = Vec<(String, Cow<'a, str>)>;

impl<'a> Metadata<'a> {
    /// Reads `metadata`; null is metadata without anything in it.
    ///
    /// # Errors
    /// A [`Fault`] where something that is read has the wrong type.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut metadata = Self::default();
        reader.object("an object", &mut |key, reader| {
            match key {
                "name" => metadata.name = reader.optional_string("a name")?.unwrap_or_default(),
                "generateName" => {
                    metadata.generate_name = reader.optional_string("a name")?.unwrap_or_default();
                }
                "labels" => metadata.labels = read_ours(reader)?,
                "annotations" => metadata.annotations = read_ours(reader)?,
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(metadata)
    }

    /// The same, independent of the text that it was read from.
    pub fn into_owned(self) -> Metadata<'static> {
        let own = |entries: Entries<'a>| {
            entries
                .into_iter()
                .map(|(key, value)| (key, Cow::Owned(value.into_owned())))
                .collect()
        };
        Metadata {
            name: Cow::Owned(self.name.into_owned()),
            generate_name: Cow::Owned(self.generate_name.into_owned()),
            labels: own(self.labels),
            annotations: own(self.annotations),
        }
    }

    /// The value of a label of ours.
    pub fn label(&self, key: &str) -> Option<&str> {
        value(&self.labels, key)
    }

    /// The value of an annotation of ours; an empty one counts as not set, as for the webhook.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.written_annotation(key)
            .filter(|value| !value.is_empty())
    }

    /// The value of an annotation of ours, which may be empty.
    pub fn written_annotation(&self, key: &str) -> Option<&str> {
        value(&self.annotations, key)
    }
}

fn value<'m>(entries: &'m Entries<'_>, key: &str) -> Option<&'m str> {
    let (_, value) = entries.iter().find(|(name, _)| name == key)?;
    Some(value)
}

fn read_ours<'a>(reader: &mut Reader<'a>) -> Result<Entries<'a>, Fault> {
    let mut entries = Entries::new();
    reader.object("an object of strings", &mut |key, reader| {
        if key.starts_with(PREFIX) {
            entries.push((key.to_owned(), reader.string("a string")?));
        } else {
            reader.skip()?;
        }
        Ok(())
    })?;
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;

    fn read(text: &str) -> Result<Metadata<'_>, String> {
        Metadata::read(&mut Reader::new(text)).map_err(|fault| fault.to_string())
    }

    #[test]
    fn reads_names_and_our_entries() {
        let text = r#"{
            "name": "demo", "generateName": "demo-", "uid": 5,
            "labels": {"app": "x", "azure.workload.identity/use": "true"},
            "annotations": {"other": 1, "azure.workload.identity/client-id": "a", "azure.workload.identity/tenant-id": ""}
        }"#;
        let metadata = read(text).expect("metadata");
        assert_eq!(metadata.name, "demo");
        assert_eq!(metadata.generate_name, "demo-");
        assert_eq!(metadata.label(keys::USE), Some("true"));
        assert_eq!(metadata.label("app"), None);
        assert_eq!(metadata.annotation(keys::CLIENT_ID), Some("a"));
        assert_eq!(metadata.annotation(keys::TENANT_ID), None);
        assert_eq!(metadata.written_annotation(keys::TENANT_ID), Some(""));
        assert_eq!(metadata.written_annotation(keys::USE), None);
    }

    #[test]
    fn null_is_nothing() {
        assert_eq!(read("null"), Ok(Metadata::default()));
        let nulls = r#"{"name":null,"generateName":null,"labels":null,"annotations":null}"#;
        assert_eq!(read(nulls), Ok(Metadata::default()));
    }

    #[test]
    fn rejects_wrong_types_with_their_path() {
        for (text, fault) in [
            ("[]", "expected an object, found a list"),
            (r#"{"name":1}"#, "name: expected a name, found a number"),
            (
                r#"{"labels":["a"]}"#,
                "labels: expected an object of strings, found a list",
            ),
            (
                r#"{"labels":{"azure.workload.identity/use":true}}"#,
                r#"labels["azure.workload.identity/use"]: expected a string, found a boolean"#,
            ),
        ] {
            assert_eq!(read(text), Err(fault.to_owned()));
        }
    }
}
