//! The places of a Kubernetes object and its top-level fields in the payload.

use std::borrow::Cow;

use super::{Metadata, MetadataPlaces, PodSpec};
use crate::json::{Edited, Edits, Fault, Reader, Span};
use crate::keys;

/// A Kubernetes object in the payload: its place and those of its parts.
#[derive(Clone, Debug)]
pub struct Object<'a> {
    text: &'a str,
    span: Span,
    is_object: bool,
    kind: Option<Span>,
    metadata: Option<Span>,
    spec: Option<Span>,
    /// Metadata and spec of a pod, if they were read on the way.
    read_ahead: Option<(Metadata<'a>, Box<PodSpec<'a>>)>,
}

impl Default for Object<'_> {
    fn default() -> Self {
        Self {
            text: "null",
            span: Span { start: 0, end: 4 },
            is_object: false,
            kind: None,
            metadata: None,
            spec: None,
            read_ahead: None,
        }
    }
}

impl<'a> Object<'a> {
    /// Skips a value and notes its fields. It need not be an object; that is checked when a field is asked for.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if the text is not JSON.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        Self::read_with(reader, None)
    }

    /// As [`read`](Self::read), for a pod or a pod template, whose spec is at `spec_path` of its object. If it opts in by
    /// its label, its metadata and spec are read on the way, since they will most likely be needed.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_pod(reader: &mut Reader<'a>, spec_path: &'a str) -> Result<Self, Fault> {
        Self::read_with(reader, Some(spec_path))
    }

    fn read_with(reader: &mut Reader<'a>, pod_spec_path: Option<&'a str>) -> Result<Self, Fault> {
        let mut object = Self {
            text: reader.text(),
            ..Self::default()
        };
        if !reader.is_object() {
            object.span = reader.skip()?;
            return Ok(object);
        }
        object.is_object = true;
        let read = reader.object("an object", |key, reader| {
            let span = match pod_spec_path.filter(|_| key == "spec") {
                Some(path) => object.read_ahead(reader, path)?,
                None => reader.skip()?,
            };
            match key {
                "kind" => object.kind = Some(span),
                "metadata" => {
                    object.metadata = Some(span);
                    object.read_ahead = None;
                }
                "spec" => object.spec = Some(span),
                _ => {}
            }
            Ok(())
        })?;
        object.span = read.map_or(object.span, |collection| collection.span);
        Ok(object)
    }

    /// Skips the spec of a pod, and reads it if the pod opts in by its label. What is wrong with the pod is reported when
    /// its parts are asked for.
    fn read_ahead(&mut self, reader: &mut Reader<'a>, spec_path: &'a str) -> Result<Span, Fault> {
        self.read_ahead = None;
        let metadata = self
            .metadata("")
            .ok()
            .filter(|metadata| metadata.label(keys::USE) == Some(keys::OPTED_IN));
        let mut ahead = reader.clone();
        let spec = metadata
            .is_some()
            .then(|| PodSpec::read(&mut ahead, spec_path));
        let Some((metadata, Ok(spec))) = metadata.zip(spec) else {
            return reader.skip();
        };
        *reader = ahead;
        let span = spec.object.span;
        self.read_ahead = Some((metadata, spec));
        Ok(span)
    }

    /// Its JSON.
    pub fn json(&self) -> &'a str {
        let Span { start, end } = self.span;
        self.text.get(start..end).unwrap_or_default()
    }

    /// Its kind; `None` if it has none.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if that is not a string.
    pub fn kind(&self, expected: &'static str) -> Result<Option<Cow<'a, str>>, Fault> {
        let reader = self.kind.map(|span| Reader::at(self.text, span));
        reader
            .map(|mut reader| reader.string(expected))
            .transpose()
            .map_err(|fault| fault.in_field("kind"))
    }

    /// Its metadata; empty if it has none.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if the value is not an object, which is what was `expected`, or if its metadata is malformed.
    pub fn metadata(&self, expected: &'static str) -> Result<Metadata<'a>, Fault> {
        if !self.is_object {
            return Err(Reader::at(self.text, self.span).fault(expected));
        }
        let reader = self.metadata.map(|span| Reader::at(self.text, span));
        let metadata = reader.map(|mut reader| Metadata::read(&mut reader));
        let metadata = metadata.transpose();
        Ok(metadata
            .map_err(|fault| fault.in_field("metadata"))?
            .unwrap_or_default())
    }

    /// Its name or `generateName`, whatever else is wrong with its metadata; whether it is generated.
    pub fn names(&self) -> (Cow<'a, str>, Cow<'a, str>) {
        let mut names = (Cow::Borrowed(""), Cow::Borrowed(""));
        let Some(span) = self.metadata else {
            return names;
        };
        // What is wrong was found before.
        let _ = Reader::at(self.text, span).object("an object", |key, reader| {
            let text = reader.clone().string("a name").unwrap_or_default();
            match key {
                "name" => names.0 = text,
                "generateName" => names.1 = text,
                _ => {}
            }
            reader.skip().map(|_| ())
        });
        names
    }

    /// Whether it has metadata at all.
    pub fn has_metadata(&self) -> bool {
        self.metadata.is_some()
    }

    /// The metadata and spec of a pod, if they were read on the way.
    pub fn take_read_ahead(&mut self) -> Option<(Metadata<'a>, Box<PodSpec<'a>>)> {
        self.read_ahead.take()
    }

    /// The object without what was read on the way.
    pub fn places(&self) -> Self {
        Self {
            read_ahead: None,
            ..*self
        }
    }

    /// A reader in front of its spec, if it has one.
    pub fn spec(&self) -> Option<Reader<'a>> {
        self.spec.map(|span| Reader::at(self.text, span))
    }

    /// The whole text that it is in, from the start of which places count.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Where labels and annotations are, and those with these keys; `None` if it has no metadata of that shape.
    pub fn metadata_places(&self, keys: &[&str]) -> Option<MetadataPlaces<'a>> {
        let mut reader = Reader::at(self.text, self.metadata?);
        MetadataPlaces::read(&mut reader, keys).ok()
    }

    /// The object with edits at places that readers of its parts gave.
    pub fn edited(&self, edits: Edits) -> Edited<'a> {
        Edited::new(self.text, self.span, edits)
    }
}
