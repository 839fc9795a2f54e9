//! The metadata of an object, as far as the policy reads it.

use std::borrow::Cow;

use crate::injectors::{self, Injectors, Kind};
use crate::json::{Fault, Reader};
use crate::keys::{self, Form, MARK, PREFIX, USE};
use crate::messages::ObjectName;

/// Names, and the labels and annotations with our prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata<'a> {
    /// `metadata.name`, empty if it is not set.
    pub name: Cow<'a, str>,
    /// `metadata.generateName`, empty if it is not set.
    pub generate_name: Cow<'a, str>,
    /// `metadata.namespace`, empty if it is not set.
    pub namespace: Cow<'a, str>,
    /// Whether the object is being deleted: `deletionTimestamp` is set.
    pub is_being_deleted: bool,
    /// Whether it is a mirror pod: the API server's copy of a static pod, which a kubelet runs on its own.
    pub is_mirror: bool,
    others: Option<Box<Others<'a>>>,
    labels: Entries<'a>,
    annotations: Entries<'a>,
}

/// What labels and annotations that are not ours say, in the few pods that have them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Others<'a> {
    injectors: Injectors,
    mark: Option<JsonText<'a>>,
}

/// A string as JSON, which is read when it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct JsonText<'a>(&'a str);

impl<'a> JsonText<'a> {
    /// The string; empty if it is none, which is Kubernetes' business.
    fn text(self) -> Cow<'a, str> {
        let text = Reader::new(self.0).string("a string");
        text.unwrap_or_default()
    }
}

/// The length of the longest mark that is read, as JSON: Kubernetes stores none that is as long.
const LONGEST_MARK: usize = 524_288;

/// The annotation that marks mirror pods.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// Keys of ours with their values. Most keys are known, and need no memory of their own.
type Entries<'a> = Vec<(Cow<'static, str>, Cow<'a, str>)>;

impl<'a> Metadata<'a> {
    /// The name of its object for messages.
    pub fn object_name(&self, kind: impl Into<Cow<'static, str>>, namespace: &str) -> ObjectName {
        ObjectName::generated(kind, namespace, &self.name, &self.generate_name)
    }

    /// Reads `metadata`; null is metadata without anything in it.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if something that is read has the wrong type.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut metadata = Self::default();
        reader.object("an object", |key, reader| {
            match key {
                "name" => metadata.name = reader.optional_string("a name")?.unwrap_or_default(),
                "generateName" => {
                    metadata.generate_name = reader.optional_string("a name")?.unwrap_or_default();
                }
                "namespace" => {
                    metadata.namespace = reader.optional_string("a name")?.unwrap_or_default();
                }
                "deletionTimestamp" => metadata.is_being_deleted = reader.raw()? != "null",
                "labels" => metadata.labels = metadata.read_ours(Kind::Label, reader)?,
                "annotations" => {
                    metadata.annotations = metadata.read_ours(Kind::Annotation, reader)?
                }
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(metadata)
    }

    /// Metadata of which no more is known than labels and annotations, as JSON; a fault has the path of the two.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn of(
        (labels_path, labels): (&str, &'a str),
        (annotations_path, annotations): (&str, &'a str),
    ) -> Result<Self, Fault> {
        let mut metadata = Self::default();
        metadata.labels = metadata
            .read_ours(Kind::Label, &mut Reader::new(labels))
            .map_err(|fault| fault.in_path(labels_path))?;
        metadata.annotations = metadata
            .read_ours(Kind::Annotation, &mut Reader::new(annotations))
            .map_err(|fault| fault.in_path(annotations_path))?;
        Ok(metadata)
    }

    /// Reads labels or annotations: gives those of ours, and notes what others say.
    fn read_ours(&mut self, kind: Kind, reader: &mut Reader<'a>) -> Result<Entries<'a>, Fault> {
        let mut entries = Entries::new();
        reader.object("an object of strings", |key, reader| {
            if key.starts_with(PREFIX) {
                // The API server takes null for an empty string.
                let value = reader.optional_string("a string")?.unwrap_or_default();
                let key = match keys::known(key) {
                    Some(key) => Cow::Borrowed(key),
                    None => Cow::Owned(key.to_owned()),
                };
                entries.push((key, value));
                return Ok(());
            }
            let value = reader.skip()?;
            if key == MIRROR || key == MARK || injectors::is_asked_by(key) {
                let text = reader.text().get(value.start..value.end);
                self.note_other(kind, key, text.unwrap_or_default());
            }
            Ok(())
        })?;
        Ok(entries)
    }

    /// Notes what a label or annotation that is not ours says. What is not a string is Kubernetes' business.
    #[cold]
    #[inline(never)]
    fn note_other(&mut self, kind: Kind, key: &str, text: &'a str) {
        if key == MIRROR {
            self.is_mirror = true;
            return;
        }
        let others = self.others.get_or_insert_default();
        if key == MARK {
            others.mark = Some(JsonText(text));
        } else {
            others.injectors.note(kind, key, &JsonText(text).text());
        }
    }

    /// The webhooks that it asks for, which add containers.
    pub fn injectors(&self) -> Injectors {
        let others = self.others.as_ref();
        others.map_or_else(Injectors::default, |others| others.injectors)
    }

    /// The mark of an injected pod.
    pub fn mark(&self) -> Option<Cow<'a, str>> {
        let mark = self.others.as_ref()?.mark?;
        (mark.0.len() <= LONGEST_MARK).then(|| mark.text())
    }

    /// Whether it has labels or annotations of ours.
    pub fn has_ours(&self) -> bool {
        !self.labels.is_empty() || !self.annotations.is_empty()
    }

    /// Whether another object has the same labels and annotations of ours, in the same order: the host sorts keys.
    pub fn has_same_ours(&self, other: &Metadata<'_>) -> bool {
        self.labels == other.labels && self.has_same_annotations(other)
    }

    /// Whether another object has the same annotations of ours, in the same order.
    pub fn has_same_annotations(&self, other: &Metadata<'_>) -> bool {
        self.annotations == other.annotations
    }

    /// The labels and annotations of ours: which of the two, key and value.
    pub fn ours(&self) -> impl Iterator<Item = (Form, &str, &str)> {
        let labels = self.labels.iter().map(|entry| (Form::Label, entry));
        let annotations = self.annotations.iter();
        labels
            .chain(annotations.map(|entry| (Form::Annotation, entry)))
            .map(|(form, (key, value))| (form, &**key, &**value))
    }

    /// The value of a label of ours.
    pub fn label(&self, key: &str) -> Option<&str> {
        value(&self.labels, key)
    }

    /// The value of an annotation of ours; an empty one counts as unset, as for the webhook.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.written_annotation(key)
            .filter(|value| !value.is_empty())
    }

    /// What a ServiceAccount says of opting its pods in: by label, else by annotation, whatever the value.
    pub fn opt_in(&self) -> Option<(Form, &str)> {
        let label = self.label(USE).map(|value| (Form::Label, value));
        let annotation = || {
            let value = self.written_annotation(USE)?;
            Some((Form::Annotation, value))
        };
        label.or_else(annotation)
    }

    /// The value of an annotation of ours, which may be empty.
    pub fn written_annotation(&self, key: &str) -> Option<&str> {
        value(&self.annotations, key)
    }
}

fn value<'m>(entries: &'m Entries<'_>, key: &str) -> Option<&'m str> {
    let (_, value) = entries.iter().find(|(name, _)| keys::is_same(name, key))?;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn tells_what_is_ours() {
        let text = r#"{
            "deletionTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"app": "x", "azure.workload.identity/use": "true"},
            "annotations": {"azure.workload.identity/client-id": "a"}
        }"#;
        let metadata = read(text).expect("metadata");
        let ours: Vec<_> = metadata.ours().collect();
        assert_eq!(
            ours,
            [
                (Form::Label, keys::USE, "true"),
                (Form::Annotation, keys::CLIENT_ID, "a")
            ]
        );
        assert!(metadata.is_being_deleted);
        assert!(metadata.has_ours());
        assert!(metadata.has_same_ours(&metadata));
        assert!(!metadata.has_same_ours(&Metadata::default()));
        let foreign = read(r#"{"labels":{"app":"x"},"deletionTimestamp":null}"#).expect("metadata");
        assert!(!foreign.has_ours());
        assert!(!foreign.is_being_deleted);
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
