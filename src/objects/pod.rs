//! The pod, as far as the policy reads it.

use std::borrow::Cow;

use super::{Metadata, MetadataPlaces, Object, PodSpec};
use crate::json::{Edited, Edits, Fault};

/// A pod or a pod template. Its metadata is read, its spec only when [`spec`](Self::spec) is called.
#[derive(Clone, Debug)]
pub struct Pod<'a> {
    object: Object<'a>,
    /// Its metadata.
    pub metadata: Metadata<'a>,
    spec: Option<Box<PodSpec<'a>>>,
    spec_path: &'a str,
}

impl<'a> Pod<'a> {
    /// Reads a pod's metadata.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if there is no object with metadata of the right types.
    pub fn read(object: &mut Object<'a>) -> Result<Self, Fault> {
        Self::read_at(object, "a Pod", "spec")
    }

    /// Reads a pod template's metadata; `spec_path` is the path of its spec in the workload.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if there is no object with metadata of the right types.
    pub fn template(mut object: Object<'a>, spec_path: &'a str) -> Result<Self, Fault> {
        Self::read_at(&mut object, "a pod template", spec_path)
    }

    fn read_at(
        object: &mut Object<'a>,
        expected: &'static str,
        spec_path: &'a str,
    ) -> Result<Self, Fault> {
        let (metadata, spec) = match object.take_read_ahead() {
            Some((metadata, spec)) => (metadata, Some(spec)),
            None => (object.metadata(expected)?, None),
        };
        Ok(Self {
            object: object.places(),
            metadata,
            spec,
            spec_path,
        })
    }

    /// A pod of which no more is known than its labels, its annotations and its ServiceAccount.
    pub fn partial(metadata: Metadata<'a>, spec: Box<PodSpec<'a>>) -> Self {
        Self {
            object: Object::default(),
            metadata,
            spec_path: spec.path,
            spec: Some(spec),
        }
    }

    /// How many bytes of JSON it has.
    pub fn length(&self) -> usize {
        self.object.json().len()
    }

    /// The whole text that it is in, from the start of which places count.
    pub fn text(&self) -> &'a str {
        self.object.text()
    }

    /// As [`Object::metadata_places`].
    pub fn metadata_places(&self, keys: &[&str]) -> Option<MetadataPlaces<'a>> {
        self.object.metadata_places(keys)
    }

    /// The pod with edits at places that its spec gave.
    pub fn edited(&self, edits: Edits) -> Edited<'a> {
        self.object.edited(edits)
    }

    /// The pod's spec.
    ///
    /// # Errors
    ///
    /// A [`Fault`], with its path in the spec, if something that is read is missing or has the wrong type.
    pub fn spec(&self) -> Result<Cow<'_, Box<PodSpec<'a>>>, Fault> {
        if let Some(spec) = &self.spec {
            return Ok(Cow::Borrowed(spec));
        }
        let mut reader = self
            .object
            .spec()
            .ok_or_else(|| Fault::missing("an object"))?;
        let spec = PodSpec::read(&mut reader, self.spec_path)?;
        Ok(Cow::Owned(spec))
    }
}
